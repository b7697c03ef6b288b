"""Points (积分): earned, burned, adjusted, taken back and lapsed, each as an entry that is never edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.ledgers import PointsEntry, append_points
from gateway.database.owned import POINTS
from gateway.database.prepared import Prepared, list_of
from gateway.database.reading import Fetch, fetching
from gateway.database.rows import AnyRow
from gateway.database.tables.ledger import points_entry
from gateway.database.tables.members import identity, member
from gateway.database.types import UtcDateTime
from gateway.jobs import Handlers, Queue, Recurring, RunningJob
from gateway.members.family import present_ids
from gateway.members.lots import Lot, balance, lots

#: The job that books what has lapsed.
EXPIRE_JOB: Final = "points.expire"
#: The same, once a day by itself.
DAILY_JOB: Final = "points.expire.daily"
#: Ten past midnight in Beijing: points lapse with the day.
AT: Final = timedelta(hours=16, minutes=10)
_SLICE: Final = 500


class PointsRefused(Exception):
    """Nothing was booked. ``code`` stands in docs/errors.md."""

    code = "POINTS_INSUFFICIENT"


class KeyReused(PointsRefused):
    """The key names an entry that says something else."""

    code = "IDEMPOTENCY_MISMATCH"


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry of the ledger, and its member's balance after it. ``replayed`` says that it was there already."""

    id: str
    member: str
    balance: int
    replayed: bool


async def post(connection: AsyncConnection, entry: PointsEntry, *, clock: Clock, may_owe: bool = False) -> Posted:
    """Book an entry for the member whom its member's id leads to; once, however often it is asked for.

    Points that have lapsed are booked before, so none of them is spent. Raises PointsRefused
    POINTS_INSUFFICIENT where the balance would go below zero, unless it ``may_owe``, and IDEMPOTENCY_MISMATCH
    where another entry has the key. Writers of one member go one at a time.
    """
    owner, rows = await _open(connection, entry.member, clock)
    held = balance(rows, clock.now())
    earlier = await _earlier(connection, entry.source, entry.source_key)
    if earlier is not None:
        same = all(getattr(earlier, name) == getattr(entry, name) for name in _SAID)
        if not same or all(earlier.id != row.id for row in rows):
            raise KeyReused("This key booked something else before; a new booking needs a new key.")
        return Posted(earlier.id, owner, held, replayed=True)
    if entry.delta < 0 and held + entry.delta < 0 and not may_owe:
        raise PointsRefused(f"The member has {held} points; {-entry.delta} cannot be taken.")
    [entry_id] = await append_points(connection, [replace(entry, member=owner)], clock=clock)
    return Posted(entry_id, owner, held + entry.delta, replayed=False)


async def reverse(
    connection: AsyncConnection,
    entry_id: str,
    *,
    source: str,
    source_key: str,
    reason: str,
    clock: Clock,
    points: int | None = None,
    valid_until: datetime | None = None,
) -> Posted | None:
    """Take an entry back, such as an order's points after its refund, or give back what was burned for it.

    ``points`` is how many, else all; never more than earlier reversals have left of it, and None where that is
    nothing. It may leave the member owing points that were spent meanwhile: the next ones pay them.
    ``valid_until`` is for points that come back. Raises PointsRefused IDEMPOTENCY_MISMATCH.
    """
    row = (await connection.execute(select(points_entry).where(points_entry.c.id == entry_id))).one()
    owner, rows = await _open(connection, row.member if row.identity is None else await _holder(connection, row), clock)
    earlier = await _earlier(connection, source, source_key)
    if earlier is not None:
        if earlier.reversal_of != entry_id:
            raise KeyReused("This key took something else back before; a new booking needs a new key.")
        return Posted(earlier.id, owner, balance(rows, clock.now()), replayed=True)
    before = sum(abs(each.delta) for each in rows if each.kind == "REVERSAL" and each.reversal_of == entry_id)
    left = abs(row.delta) - before
    amount = left if points is None else min(left, points)
    if amount <= 0:
        return None
    entry = PointsEntry(
        member=owner,
        identity=row.identity,
        kind="REVERSAL",
        delta=-amount if row.delta > 0 else amount,
        reason=reason,
        source=source,
        source_key=source_key,
        occurred_at=clock.now(),
        valid_until=valid_until,
        reversal_of=entry_id,
    )
    return await post(connection, entry, clock=clock, may_owe=True)


async def balances(fetch: Fetch, members: Sequence[str], now: datetime) -> dict[str, int]:
    """What each member can spend; nobody who has no entry. One statement, and one more where points have lapsed
    that are not booked as such yet."""
    rows = await fetch(_SUMS, {"owners": list(members), "now": now})
    found = {row.owner: int(row.points) for row in rows}
    lapsed = [row.owner for row in rows if row.lapsed]
    entries = await entries_of(fetch, lapsed) if lapsed else {}
    return found | {each: balance(entries[each], now) for each in lapsed}


async def entries_of(fetch: Fetch, members: Sequence[str]) -> Mapping[str, Sequence[AnyRow]]:
    """Every entry that counts for each member now, an empty list for who has none. One statement."""
    grouped: dict[str, list[AnyRow]] = {each: [] for each in members}
    for row in await fetch(_ENTRIES, {"owners": list(members)}):
        grouped[row.owner].append(row)
    return grouped


class PointsExpiry:
    """Books what has lapsed, as a job. It can end at any moment: what is booked is found in the ledger."""

    def __init__(self, database: Database, queue: Queue, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        #: The run of every day.
        self.daily = Recurring(queue, DAILY_JOB, self.handle, every=timedelta(days=1), offset=AT)

    def register(self, handlers: Handlers) -> None:
        """Add the handlers."""
        handlers.add(EXPIRE_JOB, self.handle, versions={1})
        self.daily.register(handlers)

    async def handle(self, job: RunningJob) -> None:
        """Go through all points whose time is over, a slice at a time, and book those that are not yet."""
        seen, place = 0, _BEGIN
        while True:
            found = await self._database.fetch(_LAPSED, {"now": self._clock.now(), "at": place[0], "id": place[1]})
            owners = sorted({row.owner for row in found if not row.closed})
            if owners:
                async with self._database.write() as connection:
                    await _expire(connection, owners, self._clock)
            if len(found) < _SLICE:
                return
            place, seen = (found[-1].valid_until, found[-1].id), seen + len(found)
            await job.progress(seen)


async def _open(connection: AsyncConnection, member_id: str, clock: Clock) -> tuple[str, Sequence[AnyRow]]:
    """Lock the account of the member whom an id leads to, and book what has lapsed; who it is, and the entries."""
    owner = (await present_ids(fetching(connection), [member_id]))[member_id]
    await _expire(connection, [owner], clock)
    return owner, (await entries_of(fetching(connection), [owner]))[owner]


async def _expire(connection: AsyncConnection, owners: Sequence[str], clock: Clock) -> int:
    """Book what has lapsed of these members' points, 0 where it was spent in time; returns how many entries.

    Their rows stay locked until the transaction ends (SQLite has one writer anyway).
    """
    await connection.execute(select(member.c.id).where(member.c.id.in_(owners)).order_by(member.c.id).with_for_update())
    now, entries = clock.now(), []
    for rows in (await entries_of(fetching(connection), owners)).values():
        by_id = {row.id: row for row in rows}
        closed = {row.reversal_of for row in rows if row.kind == "EXPIRE"}
        entries += [_lapse(by_id[lot.id], lot) for lot in lots(rows) if lot.lapsed(now) and lot.id not in closed]
    return len(await append_points(connection, entries, clock=clock))


def _lapse(row: AnyRow, lot: Lot) -> PointsEntry:
    assert lot.valid_until is not None  # noqa: S101 - it has lapsed.
    return PointsEntry(
        member=row.member,
        identity=row.identity,
        kind="EXPIRE",
        delta=-lot.left,
        reason="lapsed",
        source="expire",
        source_key=row.id,
        occurred_at=lot.valid_until,
        reversal_of=row.id,
    )


async def _holder(connection: AsyncConnection, row: AnyRow) -> str:
    """The member whom the entry counts for now."""
    found = await connection.execute(select(identity.c.member).where(identity.c.id == row.identity))
    return str(found.scalar_one())


async def _earlier(connection: AsyncConnection, source: str, key: str) -> AnyRow | None:
    found = await connection.execute(
        select(points_entry).where(points_entry.c.source == source, points_entry.c.source_key == key)
    )
    return found.one_or_none()


_SAID = ("kind", "delta", "reason", "valid_until")
_OWNERS = POINTS.c.owner.in_(list_of("owners"))
_ENTRIES = Prepared(select(POINTS).where(_OWNERS).order_by(POINTS.c.owner, POINTS.c.occurred_at, POINTS.c.id))


def _closed(table: FromClause) -> ColumnElement[bool]:
    """Whether an entry says that another one's time is over."""
    closing = points_entry.alias("closing")
    return exists().where(closing.c.reversal_of == table.c.id, closing.c.kind == "EXPIRE")


_lapsed = and_(POINTS.c.delta > 0, POINTS.c.valid_until <= bindparam("now", type_=UtcDateTime()))
_SUMS = Prepared(
    select(
        POINTS.c.owner,
        func.sum(POINTS.c.delta).label("points"),
        func.sum(case((and_(_lapsed, ~_closed(POINTS)), 1), else_=0)).label("lapsed"),
    )
    .where(_OWNERS)
    .group_by(POINTS.c.owner)
)
_BEGIN = (datetime.min.replace(tzinfo=UTC), "")
_place = tuple_(points_entry.c.valid_until, points_entry.c.id)
_slice = (
    select(points_entry.c.id)
    .where(
        points_entry.c.delta > 0,
        points_entry.c.valid_until <= bindparam("now", type_=UtcDateTime()),
        _place > tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id", type_=String())),
    )
    .order_by(points_entry.c.valid_until, points_entry.c.id)
    .limit(_SLICE)
)
#: The next entries whose time is over, those among them that are booked as such, and whose they are.
_LAPSED = Prepared(
    select(POINTS.c.owner, POINTS.c.id, POINTS.c.valid_until, _closed(POINTS).label("closed"))
    .where(POINTS.c.id.in_(_slice))
    .order_by(POINTS.c.valid_until, POINTS.c.id)
)
