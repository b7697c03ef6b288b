"""The only writer of the points and level ledgers: appends what is new, with its facts, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.facts import Fact, Source, append_facts
from gateway.database.owned import LEVELS
from gateway.database.prepared import Prepared, list_of
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_returning
from gateway.database.tables.ledger import level_entry, points_entry
from gateway.database.tables.members import member
from gateway.database.ulid import Ulids

E = TypeVar("E", "PointsEntry", "LevelEntry")
PointsKind = Literal["EARN", "BURN", "EXPIRE", "ADJUST", "REVERSAL", "CARD"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsEntry:
    """Points that come or go. ``reason`` is plain and holds no personal data; ``source_key`` may, and is hashed.

    With an ``identity`` the entry follows it through merges; ``reversal_of`` is the id of the entry that is taken
    back, or whose rest lapses. A ``delta`` of 0 opens a card's account, or closes an entry of which nothing is left.
    """

    member: str
    kind: PointsKind
    delta: int
    reason: str
    source: str
    source_key: str
    occurred_at: datetime
    identity: str | None = None
    valid_until: datetime | None = None
    reversal_of: str | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelEntry:
    """A level as one source sees it from then on. ``previous`` is the grade before, None at first; not stored."""

    member: str
    grade: int
    growth: int
    reason: str
    source: str
    source_key: str
    occurred_at: datetime
    identity: str | None = None
    previous: int | None = None


async def append_points(
    connection: AsyncConnection, entries: Sequence[PointsEntry], *, clock: Clock, via: Source = "own"
) -> dict[str, PointsEntry]:
    """Append the entries whose (source, source_key) is not in the ledger; returns the new ones by id.

    Each tells itself as a fact ``points.changed``. That nobody goes below zero is ``gateway.members.points``' care.
    """
    new = await _append(connection, points_entry, entries, clock)
    facts = [
        Fact(
            kind="points.changed",
            occurred_at=each.occurred_at,
            source=via,
            source_key=f"{each.source}:{each.source_key}",
            member=each.member,
            identity=each.identity,
            quantity=each.delta,
            reason=each.kind,
            payload={"entry": entry_id},
        )
        for entry_id, each in new.items()
        if each.delta
    ]
    await append_facts(connection, facts, clock=clock)
    return new


async def append_levels(
    connection: AsyncConnection, entries: Sequence[LevelEntry], *, clock: Clock, via: Source = "own"
) -> dict[str, LevelEntry]:
    """Append the entries whose (source, source_key) is not in the ledger; returns the new ones by id.

    A changed grade is a fact ``level.changed``; growth alone is none. The members' rows follow (``refresh_levels``).
    """
    new = await _append(connection, level_entry, entries, clock)
    facts = [
        Fact(
            kind="level.changed",
            occurred_at=each.occurred_at,
            source=via,
            source_key=f"{each.source}:{each.source_key}",
            member=each.member,
            identity=each.identity,
            quantity=each.grade,
            reason=each.reason,
            payload={"from": each.previous, "to": each.grade, "growth": each.growth},
        )
        for each in new.values()
        if each.grade != each.previous
    ]
    await append_facts(connection, facts, clock=clock)
    return new


async def refresh_levels(connection: AsyncConnection, members: Iterable[str], now: datetime) -> None:
    """Write the highest level of each member's family into the member's row, where lists are filtered by it.

    For whoever appends level entries, or changes which identities lead to a member.
    """
    wanted = sorted(set(members))
    if not wanted:
        return
    found = highest(await CURRENT_LEVELS.all(connection, {"owners": wanted}))
    rows = await connection.execute(select(member.c.id, member.c.level, member.c.growth).where(member.c.id.in_(wanted)))
    changed = [
        {"who": row.id, "grade": grade, "worth": growth, "now": now}
        for row in rows.all()
        for grade, growth in [found.get(row.id, (None, None))]
        if (row.level, row.growth) != (grade, growth)
    ]
    if changed:
        await connection.execute(_LEVEL, changed)


_ranked = (
    select(
        LEVELS.c.owner,
        LEVELS.c.grade,
        LEVELS.c.growth,
        func.row_number()
        .over(
            # An identity's entries were written under different members, if it was merged in between.
            partition_by=(LEVELS.c.owner, LEVELS.c.source, func.coalesce(LEVELS.c.identity, LEVELS.c.member)),
            order_by=(LEVELS.c.occurred_at.desc(), LEVELS.c.id.desc()),
        )
        .label("rank_"),
    )
    .where(LEVELS.c.owner.in_(list_of("owners")))
    .subquery()
)
#: The level that each source sees now, of many ``owners``.
CURRENT_LEVELS: Final = Prepared(select(_ranked.c.owner, _ranked.c.grade, _ranked.c.growth).where(_ranked.c.rank_ == 1))
_LEVEL: Final = (
    update(member)
    .where(member.c.id == bindparam("who"))
    .values(level=bindparam("grade"), growth=bindparam("worth"), updated_at=bindparam("now"))
)


def highest(rows: Iterable[AnyRow]) -> dict[str, tuple[int, int]]:
    """(grade, growth) of each owner in rows of CURRENT_LEVELS: the highest grade, then the highest growth."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        found[row.owner] = max((row.grade, row.growth), found.get(row.owner, (row.grade, row.growth)))
    return found


async def _append(connection: AsyncConnection, table: Table, entries: Sequence[E], clock: Clock) -> dict[str, E]:
    now, ulids = clock.now(), Ulids()
    named = {ulids.next(now): each for each in entries}
    columns: dict[str, Sequence[Any]] = {
        column.name: [getattr(each, column.name) for each in entries]
        for column in table.columns
        if column.name not in ("id", "recorded_at")
    }
    columns |= {"id": list(named), "recorded_at": [now] * len(named)}
    new = await insert_returning(
        connection, table, columns, conflict=" ON CONFLICT (source, source_key) DO NOTHING", returning="id"
    )
    return {entry_id: named[entry_id] for entry_id in new}
