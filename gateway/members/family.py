"""A member and the ids that lead to it: what is read of a member is read over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import or_, select

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.keyring import Keyring
from gateway.database.prepared import Prepared, list_of
from gateway.database.reading import Fetch
from gateway.database.rows import AnyRow
from gateway.database.tables.members import member
from gateway.database.tables.reach import minor

#: From this birthday on a person answers for themselves (PIPL article 31).
OF_AGE = 14


@dataclass(frozen=True, slots=True)
class Family:
    """A member, and since when which lost ids lead to it.

    Attributes:
        minor: what staff said: True, False, or None when nobody said.
        birthday: None when it is not known, or not whole.
    """

    member: str
    joined: Mapping[str, datetime] = field(default_factory=dict)
    erased: bool = False
    has_phone: bool = False
    minor: bool | None = None
    birthday: date | None = field(default=None, repr=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id whose rows are this member's."""
        return (self.member, *self.joined)

    def under_age(self, now: datetime) -> bool:
        """Whether a guardian must answer. What staff know outweighs a birthday that a shopper typed."""
        if self.minor is not None:
            return self.minor
        if self.birthday is None:
            return False
        today, born = now.astimezone(BUSINESS_ZONE).date(), self.birthday
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) < OF_AGE


async def present_ids(fetch: Fetch, member_ids: Sequence[str]) -> dict[str, str]:
    """Asked id → the id that its member has now; an unknown id is left out. One statement.

    A merge re-points older losers, so one step leads home.
    """
    rows = await fetch(_PRESENT, {"ids": list(member_ids)})
    return {row.id: row.merged_into or row.id for row in rows}


async def present_id(fetch: Fetch, member_id: str) -> str | None:
    """The id that one member has now, or None where there is none or it was erased. Two statements."""
    now = (await present_ids(fetch, [member_id])).get(member_id)
    if now is None:
        return None
    kept = await fetch(select(member.c.id).where(member.c.id == now, member.c.erased_at.is_(None)))
    return now if kept else None


async def families(fetch: Fetch, keyring: Keyring, member_ids: Sequence[str]) -> Mapping[str, Family]:
    """Asked id → its family; an unknown id is left out. Three statements, and one for keys that are not cached.

    Give at most a page, or a few hundred ids.
    """
    home = await present_ids(fetch, member_ids)
    winners = sorted(set(home.values()))
    rows = await fetch(_FAMILY, {"ids": winners})
    # A birthday is sealed under the key of whichever id it was first said of.
    keyring.prime(row.id for row in rows)
    born = await fetch(_BORN, {"ids": winners})
    birthdays = {row.id: whole_date(row.birthday) for row in born}
    found = {winner: _family(winner, group, birthdays.get(winner)) for winner, group in _grouped(rows)}
    return {each: found[winner] for each, winner in home.items() if winner in found}


async def related(fetch: Fetch, member_ids: Sequence[str]) -> set[str]:
    """The asked ids, and every id of the same members: two statements."""
    winners = sorted(set((await present_ids(fetch, member_ids)).values()))
    return {row.id for row in await fetch(_RELATED, {"ids": winners})}


_IDS = list_of("ids")
_ONE_OF = or_(member.c.id.in_(_IDS), member.c.merged_into.in_(_IDS))
_PRESENT: Final = Prepared(select(member.c.id, member.c.merged_into).where(member.c.id.in_(_IDS)))
_RELATED: Final = Prepared(select(member.c.id).where(_ONE_OF))
_FAMILY: Final = Prepared(
    select(
        member.c.id,
        member.c.merged_into,
        member.c.merged_at,
        member.c.updated_at,
        member.c.erased_at,
        member.c.phone_hash.is_not(None).label("has_phone"),
        minor.c.minor,
        minor.c.decided_at,
    )
    .outerjoin(minor, minor.c.member == member.c.id)
    .where(_ONE_OF)
    .order_by(member.c.id)
)
_BORN: Final = Prepared(
    select(member.c.id, member.c.birthday).where(member.c.id.in_(_IDS), member.c.birthday.is_not(None))
)


def _grouped(rows: Sequence[AnyRow]) -> Iterator[tuple[str, list[AnyRow]]]:
    groups: dict[str, list[AnyRow]] = {}
    for row in rows:
        groups.setdefault(row.merged_into or row.id, []).append(row)
    yield from groups.items()


def _family(winner: str, rows: Sequence[AnyRow], birthday: date | None) -> Family:
    said = sorted((row.decided_at, row.minor) for row in rows if row.decided_at is not None)
    return Family(
        member=winner,
        # An id's own row is not written any more once it lost, so updated_at is the merge where merged_at is missing.
        joined={row.id: row.merged_at or row.updated_at for row in rows if row.id != winner},
        erased=any(row.erased_at is not None for row in rows if row.id == winner),
        has_phone=any(row.has_phone for row in rows if row.id == winner),
        minor=said[-1][1] if said else None,
        birthday=birthday,
    )


def whole_date(value: Any) -> date | None:
    """A whole date, or None: a year alone or 01-01 without a year tells no age."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
