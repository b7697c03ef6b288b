"""Everything by which one person's rows are found: ids, handles, orders; gathered while it can still be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from gateway.database.engine import Database
from gateway.database.reading import Fetch, chunks
from gateway.database.tables.members import identity, identity_link, member, profile_claim
from gateway.database.tables.projections import payment, purchase
from gateway.events.kinds import phone_number

#: Shorter texts would be found in other people's rows too.
_SHORTEST_NEEDLE = 8


@dataclass(slots=True)
class Person:
    """One member with all ids that lead to it.

    ``members`` are our own ids, the present one first; ``handles`` are (kind, issuer, value) in clear and are never
    stored, logged or sent anywhere. ``webhooks`` and ``jobs`` are found by looking into sealed rows.
    """

    members: list[str]
    #: Whose data keys seal something of theirs.
    homes: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    #: Identities that lead to nobody and were shown with theirs alone.
    claims: list[str] = field(default_factory=list)
    handles: list[tuple[str, str, str]] = field(default_factory=list, repr=False)
    phones: list[str] = field(default_factory=list, repr=False)
    phone_hashes: list[bytes] = field(default_factory=list, repr=False)
    purchases: list[str] = field(default_factory=list)
    #: out_trade_no of their payments, with those of their orders.
    trades: list[str] = field(default_factory=list)
    sagas: list[str] = field(default_factory=list)
    webhooks: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The member's present id."""
        return self.members[0]

    def values(self, kind: str) -> list[str]:
        """What they are called by one kind of name."""
        return [value for each, _, value in self.handles if each == kind]

    def needles(self) -> list[bytes]:
        """What a stored webhook or job that concerns them contains."""
        texts = {value for _, _, value in self.handles} | set(self.phones) | {*self.members, *self.identities}
        texts |= {*self.trades, *self.sagas, *(each.rpartition(":")[2] for each in self.purchases)}
        return [text.encode() for text in sorted(texts) if len(text) >= _SHORTEST_NEEDLE]


def among(column: Any, values: Sequence[Any]) -> list[ColumnElement[bool]]:
    """``column IN (…)``, as many conditions as it takes; none for no values."""
    return [column.in_(chunk) for chunk in chunks(values)]


async def gather(database: Database, fetch: Fetch, member_id: str) -> Person:
    """The person behind a member's present id, read with ``fetch`` (a transaction's own, where it matters)."""
    losers = await fetch(select(member.c.id).where(member.c.merged_into == member_id).order_by(member.c.id))
    person = Person([member_id, *(row.id for row in losers)])
    database.keyring.prime(person.members)
    await _read_identities(fetch, person)
    await _read_phones(database, fetch, person)
    await _read_trade(fetch, person)
    return person


async def _read_identities(fetch: Fetch, person: Person) -> None:
    homes = set(person.members)
    for where in among(identity.c.member, person.members):
        for row in await fetch(select(identity).where(where).order_by(identity.c.id)):
            person.identities.append(row.id)
            homes.add(row.home)
            if row.value:
                person.handles.append((row.kind, row.issuer, row.value))
    person.homes = sorted(homes)
    await _read_claims(fetch, person)


async def _read_claims(fetch: Fetch, person: Person) -> None:
    """Names that were only claimed together with theirs, and with nobody else's: a typed phone number, a click."""
    claimed: set[str] = set()
    mine = set(person.identities)
    for one, other in ((identity_link.c.a, identity_link.c.b), (identity_link.c.b, identity_link.c.a)):
        for where in among(one, person.identities):
            joined = select(identity.c.id).join(identity_link, identity.c.id == other)
            claimed |= {row.id for row in await fetch(joined.where(where, identity.c.member.is_(None)))}
    for one, other in ((identity_link.c.a, identity_link.c.b), (identity_link.c.b, identity_link.c.a)):
        for where in among(one, sorted(claimed)):
            rows = await fetch(select(one.label("claim"), other.label("with_")).where(where))
            claimed -= {row.claim for row in rows if row.with_ not in mine}
    person.claims = sorted(claimed)


async def _read_phones(database: Database, fetch: Fetch, person: Person) -> None:
    phones = set(person.values("PHONE"))
    for where in among(member.c.id, person.members):
        phones |= {row.phone for row in await fetch(select(member.c.phone).where(where)) if row.phone}
    for where in among(profile_claim.c.identity, person.identities):
        claims = select(profile_claim.c.value).where(where, profile_claim.c.field == "phone")
        phones |= {row.value for row in await fetch(claims) if row.value}
    person.phones = sorted(phones)
    # As it was told, and in the spelling by which members are found.
    spelled = sorted({*person.phones, *map(phone_number, person.phones)})
    person.phone_hashes = [database.keyring.hash(each, "phone") for each in spelled]


async def _read_trade(fetch: Fetch, person: Person) -> None:
    trades: set[str] = set()
    for where in among(purchase.c.identity, person.identities):
        for row in await fetch(select(purchase.c.id, purchase.c.saga, purchase.c.out_trade_no).where(where)):
            person.purchases.append(row.id)
            person.sagas += [row.saga] if row.saga else []
            trades |= {row.out_trade_no} if row.out_trade_no else set()
    for where in among(payment.c.identity, person.identities):
        trades |= {row.out_trade_no for row in await fetch(_trades().where(where))}
    for where in among(payment.c.purchase, person.purchases):
        trades |= {row.out_trade_no for row in await fetch(_trades().where(where))}
    person.trades = sorted(trades)


def _trades() -> Select[Any]:
    return select(payment.c.out_trade_no)


__all__ = ["Fetch", "Person", "among", "chunks", "gather"]
