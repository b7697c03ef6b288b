"""The rows of people whom nobody knew: a member, its data key, its names, what was said of it, and the facts.

They are computed before the transaction, and all of a batch go in with one statement per table. The data key may go
in with them, and not in a commit of its own as ``Keyring.ensure`` makes it, because nobody can seal anything for a
member whose id nobody has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.facts import Fact
from gateway.database.keyring import Keyring
from gateway.database.keystore import key_row
from gateway.database.statements import insert_columns
from gateway.database.tables.keys import data_key
from gateway.database.tables.members import identity, identity_link, member, profile_claim
from gateway.database.ulid import Ulids, uuid7
from gateway.events.projector import Evidence
from gateway.members import profile
from gateway.members.linking import Claim
from gateway.members.rules import Shown, stands, weaker

_KEY = ("id", "subject", "wrapped", "master_id", "created_at")
_MEMBER = ("id", "created_at", "joined_at", "updated_at", "out_id")
_IDENTITY = (
    *("id", "kind", "issuer", "value", "value_hash", "member", "home", "strength", "stands", "seen_at", "source"),
    "linked_at",
)
_LINK = ("id", "a", "b", "strength", "source", "seen_at")
_CLAIM = ("identity", "field", "source", "value", "verified", "seen_at")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a list says of a newcomer besides evidence. ``store`` and ``guide`` are those of the first touch."""

    level: int | None = None
    growth: int | None = None
    store: str | None = None
    guide: str | None = None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Rows of one person, in the order of the columns above. ``identity`` is the first name's."""

    member: str
    identity: str
    key: tuple[Any, ...]
    row: tuple[Any, ...]
    profile: Mapping[str, Any]
    identities: Sequence[tuple[Any, ...]]
    links: Sequence[tuple[Any, ...]]
    claims: Sequence[tuple[Any, ...]]
    facts: Sequence[Fact]


class Maker:
    """Makes the rows of one batch. Not for use from two threads at once."""

    def __init__(self, keyring: Keyring, now: datetime) -> None:
        self._keyring = keyring
        self._now = now
        self._ulids = Ulids()

    def rows(self, evidence: Evidence, shown: Sequence[Shown], standing: Standing) -> Newcomer | None:
        """The rows that linking the evidence would write if nobody knew any of its names.

        None where they are not somebody's by themselves: then the graph decides.
        """
        if not all(each.strength in _JOINING for each in shown):
            return None
        now, who, source, seen_at = self._now, str(uuid7(self._now)), evidence.source, evidence.seen_at
        fresh = self._keyring.fresh(who)
        ids = [self._ulids.next(now) for _ in shown]
        claims = self._claims(evidence, shown, ids[0])
        numbers = (each.value for each in shown if each.key[0] == "OUT_ID")
        return Newcomer(
            who,
            ids[0],
            key_row(fresh.row, now),
            (who, now, seen_at, now, next(numbers, None)),
            profile.columns(profile.winners(claims), self._keyring, who, seal=fresh.seal),
            [
                (
                    i,
                    e.key[0],
                    e.key[1],
                    fresh.seal(e.value),
                    e.key[2],
                    who,
                    who,
                    e.strength,
                    alone,
                    seen_at,
                    source,
                    now,
                )
                for i, e, alone in zip(ids, shown, stands(shown), strict=True)
            ],
            [
                # a < b always holds: ids of one maker grow.
                (self._ulids.next(now), ids[0], other, weaker(shown[0].strength, each.strength), source, seen_at)
                for other, each in zip(ids[1:], shown[1:], strict=True)
            ],
            [(c.identity, c.field, c.source, fresh.seal(c.value), c.verified, c.seen_at) for c in claims],
            self._facts(who, evidence, ids, standing),
        )

    def _claims(self, evidence: Evidence, shown: Sequence[Shown], first: str) -> list[Claim]:
        verified = evidence.verified or any(each.key[0] == "PHONE" for each in shown)
        said_at = evidence.said_at or self._now
        return [
            Claim(first, name, evidence.source, value, name == "phone" and verified, said_at)
            for name in profile.FIELDS
            if (value := getattr(evidence, name))
        ]

    def _facts(self, who: str, evidence: Evidence, ids: Sequence[str], standing: Standing) -> list[Fact]:
        source, tool = evidence.source, evidence.source.partition(".")[0]
        created = Fact(
            kind="member.created",
            occurred_at=evidence.seen_at,
            source=evidence.via,
            source_key=who,
            member=who,
            store=standing.store,
            guide=standing.guide,
            reason=source,
            tool=tool,
        )
        return [
            created,
            *(
                Fact(
                    kind="identity.linked",
                    occurred_at=self._now,
                    source=evidence.via,
                    source_key=each,
                    member=who,
                    identity=each,
                    reason=source,
                    tool=tool,
                )
                for each in ids
            ),
        ]


async def insert(connection: AsyncConnection, people: Sequence[Newcomer]) -> None:
    """Insert their rows, but for the facts. Raises IntegrityError when somebody is known meanwhile."""
    if not people:
        return
    await _insert(connection, data_key, _KEY, [each.key for each in people])
    profiles = tuple(people[0].profile)
    rows = [(*each.row, *each.profile.values()) for each in people]
    await _insert(connection, member, (*_MEMBER, *profiles), rows)
    await _insert(connection, identity, _IDENTITY, [row for each in people for row in each.identities])
    await _insert(connection, identity_link, _LINK, [row for each in people for row in each.links])
    await _insert(connection, profile_claim, _CLAIM, [row for each in people for row in each.claims])


async def _insert(
    connection: AsyncConnection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    if rows:
        await insert_columns(connection, table, dict(zip(names, zip(*rows, strict=True), strict=True)))


#: Names that lead to somebody.
_JOINING = frozenset({"STRONG", "CONDITIONAL"})
