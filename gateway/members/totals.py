"""A member's totals (订单数、消费额、RFM), and rebuilding them from the fact log. They are kept by
``gateway.database.totals`` in the transaction of each fact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.engine import Database
from gateway.database.owned import TOTALS
from gateway.database.prepared import Prepared, list_of
from gateway.database.reading import Fetch
from gateway.database.rows import AnyRow
from gateway.database.tables.facts import fact
from gateway.database.tables.ledger import identity_total, member_total
from gateway.database.totals import ADDS, Key, Sums, add_sums, month_of
from gateway.jobs import Queue, RunningJob

#: The job that builds the totals anew, a slice of identities or members at a time.
REBUILD_JOB: Final = "totals.rebuild"
_SLICE: Final = 500


@dataclass(frozen=True, slots=True)
class Totals:
    """What a member's facts add up to. Money in fen; ``seen`` is the last instant per tool, the latest first.

    ``frequency`` and ``monetary`` are orders, and spend less what was refunded, of the window; the others of all time.
    """

    orders: int = 0
    spend: int = 0
    refunds: int = 0
    refunded: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    seen: tuple[tuple[str, datetime], ...] = ()
    frequency: int = 0
    monetary: int = 0

    def recency_days(self, now: datetime) -> int | None:
        """Business days from the last order's day to today's; None without an order."""
        if self.last_order_at is None:
            return None
        last = self.last_order_at.astimezone(BUSINESS_ZONE).date()
        return (now.astimezone(BUSINESS_ZONE).date() - last).days


async def totals(fetch: Fetch, members: Sequence[str], now: datetime, months: int) -> dict[str, Totals]:
    """Totals of each member, through merges; the window is the current business month and those before it,
    ``months`` in all. One indexed read."""
    first = _months_before(month_of(now), months - 1)
    rows: dict[str, list[AnyRow]] = defaultdict(list)
    for row in await fetch(_TOTALS, {"owners": list(members)}):
        rows[row.owner].append(row)
    return {each: _add_up(rows[each], first) for each in members}


def _add_up(rows: Sequence[AnyRow], first: int) -> Totals:
    seen: dict[str, datetime] = {}
    for row in rows:
        if row.seen_at is not None and (row.tool not in seen or seen[row.tool] < row.seen_at):
            seen[row.tool] = row.seen_at
    window = [row for row in rows if row.month >= first]
    return Totals(
        orders=sum(row.orders for row in rows),
        spend=sum(row.spend for row in rows),
        refunds=sum(row.refunds for row in rows),
        refunded=sum(row.refunded for row in rows),
        first_order_at=min((row.first_order_at for row in rows if row.first_order_at), default=None),
        last_order_at=max((row.last_order_at for row in rows if row.last_order_at), default=None),
        seen=tuple(sorted(seen.items(), key=lambda pair: pair[1], reverse=True)),
        frequency=sum(row.orders for row in window),
        monetary=sum(row.spend - row.refunded for row in window),
    )


def _months_before(month: int, count: int) -> int:
    year, index = divmod(month // 100 * 12 + month % 100 - 1 - count, 12)
    return year * 100 + index + 1


_TOTALS = Prepared(select(TOTALS).where(TOTALS.c.owner.in_(list_of("owners"))))


class TotalsRebuild:
    """Builds the totals anew from the fact log, while facts arrive.

    Each slice is one transaction that also puts the job of the next slice, so a rebuild that is killed goes on where
    it stood, and no slice is done twice.
    """

    def __init__(self, database: Database, queue: Queue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    async def enqueue(self) -> str:
        """Begin at the beginning; the id of the first slice's job. While a rebuild runs there is no second one."""
        async with self._database.write() as connection:
            return await self._put(connection, identity_total.name, "")

    async def handle(self, job: RunningJob) -> None:
        """One slice: forget what is stored of its subjects, and add up their facts."""
        table = _TABLES[job.payload["table"]]
        after: str = job.payload["after"]
        async with self._database.write() as connection:
            if connection.dialect.name == "postgresql":
                # Waits for those who have appended facts and not committed, and holds others back before they add
                # theirs to the totals: nothing is counted twice or not at all.
                await connection.execute(_LOCKS[table.name])
            last = await _slice(connection, table, after)
            await job.complete(connection)
            if last is not None:
                await self._put(connection, table.name, last)
            elif table is identity_total:
                await self._put(connection, member_total.name, "")

    async def _put(self, connection: AsyncConnection, table: str, after: str) -> str:
        return await self._queue.put(
            connection, REBUILD_JOB, 1, {"table": table, "after": after}, key=REBUILD_JOB, max_attempts=5
        )


_TABLES = {table.name: table for table in (identity_total, member_total)}
_LOCKS = {name: text(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE") for name in _TABLES}


_COUNTED = [fact.c[name] for name in ("kind", "occurred_at", "tool", "amount_fen", "order_ref", "reversal_of")]


async def _slice(connection: AsyncConnection, table: Any, after: str) -> str | None:
    """Rebuild the next subjects after one; the last of them, or None at the end."""
    subject = table.primary_key.columns[0]
    named = fact.c.identity if table is identity_total else fact.c.member
    mine = [named > after] if table is identity_total else [named > after, fact.c.identity.is_(None)]
    next_subjects = select(named).where(*mine, fact.c.kind.in_(ADDS)).distinct().order_by(named).limit(_SLICE)
    found = (await connection.execute(next_subjects)).scalars().all()
    last: str | None = found[-1] if len(found) == _SLICE else None
    # Up to there, or to the end: also subjects that have no fact left.
    within = [subject > after] if last is None else [subject > after, subject <= last]
    await connection.execute(delete(table).where(*within))
    upto = mine if last is None else [*mine, named <= last]
    rows = await connection.execute(
        select(named.label("subject"), *_COUNTED).where(*upto, fact.c.kind.in_(ADDS), fact.c.is_test.is_(False))
    )
    sums: dict[Key, Sums] = defaultdict(Sums)
    for row in rows:
        sums[row.subject, month_of(row.occurred_at), row.tool or ""].add(row)
    await add_sums(connection, table, sums)
    return last
