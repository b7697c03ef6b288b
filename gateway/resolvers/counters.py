"""Live counters of today per store: sums of the fact log up to an event, the same in every process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Date, bindparam, case, func, select, tuple_

from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.engine import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.projections import purchase
from gateway.database.ulid import ulid_time
from gateway.events.feed import Follower
from gateway.events.horizon import BEGINNING, LoggedFact, Position
from gateway.resolvers.streams import COUNTED, REFUNDS, VISITS, Asked, Stream, opened

T = TypeVar("T")


@dataclass(slots=True)
class Counts:
    """One store's day. Money in fen."""

    orders: int = 0
    revenue: int = 0
    refunds: int = 0
    refunded: int = 0
    visits: int = 0
    members: int = 0

    def add(self, kind: str, count: int, amount: int) -> None:
        """So many facts of a kind, with their money."""
        if kind == "order.paid":
            self.orders += count
            self.revenue += amount
        elif kind in REFUNDS:
            self.refunds += count
            self.refunded += amount
        elif kind in VISITS:
            self.visits += count
        elif kind == "member.created":
            self.members += count


@dataclass(frozen=True, slots=True)
class CounterRecord:
    """The counters of a store after an event. ``store`` is None for what happened in none."""

    event: str
    at: datetime
    store: str | None
    day: date
    orders: int
    revenue: int
    refunds: int
    refunded: int
    visits: int
    members: int


@dataclass(slots=True)
class Tally:
    """The counters of one subscription, carried on from event to event."""

    day: date
    stores: dict[str | None, Counts] = field(default_factory=dict)

    def add(self, each: LoggedFact) -> CounterRecord | None:
        """Count an event; None for one that changes nothing today."""
        if each.is_test or each.business_date < self.day:
            return None
        if each.business_date > self.day:
            self.day, self.stores = each.business_date, {}
        sign = -1 if each.reversal_of is not None else 1
        self.stores.setdefault(each.store, Counts()).add(each.kind, sign, sign * (each.amount_fen or 0))
        return self.record(each.store, each.id, each.occurred_at)

    def record(self, store: str | None, event: str, at: datetime) -> CounterRecord:
        """A store's counters as they stand."""
        c = self.stores.get(store) or Counts()
        return CounterRecord(
            event, at, store, self.day, c.orders, c.revenue, c.refunds, c.refunded, c.visits, c.members
        )


async def counters(ctx: Context, store: str | None, after: str | None, made: Callable[[CounterRecord], T]) -> Stream[T]:
    """Counters of a store, or of every store, as ``made`` shows them. Without ``after`` those of now come first."""
    resume = ctx.resume or after
    # An event's id bears the instant at which it was recorded.
    begun = ctx.clock.now() if resume in (None, BEGINNING) else _instant(resume or "", ctx)
    tally = Tally(begun.astimezone(BUSINESS_ZONE).date())

    def counted(each: LoggedFact) -> T | None:
        record = tally.add(each)
        return None if record is None else made(record)

    async def first(follower: Follower) -> Iterable[T]:
        tally.stores = await _sums(ctx.database, tally.day, follower.start)
        if resume is not None:
            return ()
        event = await ctx.services.feed.horizon.at(follower.start)
        shown = [store] if store is not None else sorted(tally.stores, key=lambda each: each or "")
        return [made(tally.record(each, event, begun)) for each in shown]

    return await opened(ctx, Asked(kinds=COUNTED, store=store, after=after), counted, first=first, personal=False)


def _instant(event: str, ctx: Context) -> datetime:
    try:
        return ulid_time(event)
    except ValueError:
        return ctx.clock.now()  # No event at all: the feed refuses it.


async def _sums(database: Database, day: date, until: Position) -> dict[str | None, Counts]:
    """Every store's sums of a day up to a position. One statement."""
    where = case((fact.c.store.is_not(None), fact.c.store), else_=purchase.c.store).label("where_")
    sign: Any = case((fact.c.reversal_of.is_(None), 1), else_=-1)
    place = tuple_(bindparam("tx", type_=BigInteger()), bindparam("seq", type_=BigInteger()))
    statement = (
        select(where, fact.c.kind, func.sum(sign).label("count_"), func.sum(sign * fact.c.amount_fen).label("fen_"))
        .outerjoin(purchase, purchase.c.id == fact.c.order_ref)
        .where(
            fact.c.kind.in_(COUNTED),
            fact.c.business_date == bindparam("day", type_=Date()),
            fact.c.is_test.is_(False),
            tuple_(fact.c.tx, fact.c.seq) <= place,
        )
        .group_by(where, fact.c.kind)
    )
    stores: dict[str | None, Counts] = {}
    for row in await database.fetch(statement, {"day": day, "tx": until.tx, "seq": until.seq}):
        stores.setdefault(row.where_, Counts()).add(row.kind, int(row.count_), int(row.fen_ or 0))
    return stores
