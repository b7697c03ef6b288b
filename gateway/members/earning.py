"""Points for what was bought: earned when an order is paid, taken back in proportion when money goes back.

A batch that tells of such facts puts a job in its own transaction; the job reads what the log says of the orders by
then and books the difference to what the ledger holds. So facts may come late, twice or in another order: the ledger
ends at the same sum. The jobs run one after another, so no two of them look at one order at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.facts import Fact
from gateway.database.ledgers import PointsEntry, append_points
from gateway.database.reading import Fetch, chunks, fetching
from gateway.database.rows import AnyRow
from gateway.database.tables.facts import fact
from gateway.database.tables.ledger import points_entry
from gateway.database.tables.members import identity, member
from gateway.jobs import Handlers, Queue, RunningJob
from gateway.settings import PointsRule

JOB: Final = "points.orders"
SOURCE: Final = "order"
_PAID: Final = "order.paid"
_KINDS: Final = (_PAID, "refund.succeeded", "after_sale.completed")
#: Orders of one transaction.
_SLICE: Final = 400


class Earning:
    """The rules of the settings, applied to what facts tell. Without rules it does nothing."""

    def __init__(self, database: Database, queue: Queue, clock: Clock, rules: Sequence[PointsRule]) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._rules = sorted(rules, key=lambda rule: rule.since)

    def register(self, handlers: Handlers) -> None:
        """Add the handler."""
        handlers.add(JOB, self.handle, versions={1})

    async def follow(self, connection: AsyncConnection, facts: Sequence[Fact], begun: datetime) -> None:
        """Put the job for facts that this transaction has appended since ``begun``.

        It names a span of time and no order: an erasure deletes jobs that name an order of the person.
        """
        if self._rules and any(each.kind in _KINDS and each.order_ref is not None for each in facts):
            span = {"from": begun.isoformat(), "until": self._clock.now().isoformat()}
            await self._queue.put(connection, JOB, 1, span, entity=JOB)

    async def handle(self, job: RunningJob) -> None:
        """Job ``points.orders``: book what the orders that a span's facts tell of have earned."""
        first, last = (datetime.fromisoformat(job.payload[name]) for name in ("from", "until"))
        told = select(fact.c.order_ref).where(
            fact.c.recorded_at.between(first, last), fact.c.kind.in_(_KINDS), fact.c.order_ref.is_not(None)
        )
        for some in chunks(sorted({row.order_ref for row in await self._database.fetch(told)}), _SLICE):
            async with self._database.write() as connection:
                await self._book(connection, some)

    async def _book(self, connection: AsyncConnection, orders: Sequence[str]) -> None:
        """First what is earned, then what goes back of it: an entry that is taken back has an id by then."""
        fetch = fetching(connection)
        shares = [each for rows in await _told(fetch, orders) for each in _shares(rows)]
        held = await self._held(fetch, shares)
        owners = await _owners(fetch, [each.told for each in shares if each.told.id not in held and each.stands])
        earned = [
            entry
            for each in shares
            if each.told.id in owners and (entry := self._earn(each, owners[each.told.id])) is not None
        ]
        await append_points(connection, earned, clock=self._clock)
        if all(each.whole for each in shares):
            return
        held = await self._held(fetch, shares)
        back = [
            entry
            for each in shares
            if each.told.id in held and (entry := self._take_back(each, held[each.told.id])) is not None
        ]
        await append_points(connection, back, clock=self._clock)

    async def _held(self, fetch: Fetch, shares: Sequence[_Share]) -> dict[str, _Held]:
        """What the ledger holds for facts, by the fact's id."""
        ids = [each.told.id for each in shares]
        by_hash = {self._database.keyring.hash(each, "points_entry"): each for each in ids}
        found: dict[str, _Held] = {}
        for some in chunks(ids):
            entries = select(points_entry).where(points_entry.c.source == SOURCE, points_entry.c.source_key.in_(some))
            for row in await fetch(entries):
                found[by_hash[bytes(row.source_key)]] = _Held(row, row.delta)
        by_entry = {each.entry.id: each for each in found.values()}
        for some in chunks(by_entry):
            for row in await fetch(select(points_entry).where(points_entry.c.reversal_of.in_(some))):
                by_entry[row.reversal_of].left += row.delta
        return found

    def _earn(self, share: _Share, owner: _Owner) -> PointsEntry | None:
        """What a payment brings as a whole, by the rule of its instant; what a return without an order costs."""
        told = share.told
        rule = next((each for each in reversed(self._rules) if each.since <= told.occurred_at), None)
        points = 0 if rule is None else (told.amount_fen or 0) * rule.per_yuan // 100
        if rule is None or points <= 0:
            return None
        paid = told.kind == _PAID
        return PointsEntry(
            member=owner.member,
            identity=owner.identity,
            kind="EARN" if paid else "REVERSAL",
            delta=points if paid else -points,
            reason="order" if paid else "return",
            source=SOURCE,
            source_key=told.id,
            occurred_at=told.occurred_at,
            valid_until=told.occurred_at + timedelta(days=rule.valid_days) if paid and rule.valid_days else None,
        )

    def _take_back(self, share: _Share, held: _Held) -> PointsEntry | None:
        """What is more than the share that still stands; never what has lapsed before."""
        entry = held.entry
        due = held.left - share.of(entry.delta)
        if due == 0 or (due > 0) != (entry.delta > 0):
            return None
        return PointsEntry(
            member=entry.member,
            identity=entry.identity,
            kind="REVERSAL",
            delta=-due,
            reason="refund" if share.stands else "corrected",
            source=SOURCE,
            # Once from where the ledger stands now, and it never stands there again.
            source_key=f"{share.told.id}:{held.left}",
            occurred_at=self._clock.now(),
            reversal_of=entry.id,
        )


@dataclass(frozen=True, slots=True)
class _Share:
    """A fact that moves points, and which part of it still counts: ``kept`` of ``paid`` fen."""

    told: AnyRow
    kept: int
    paid: int
    #: False where the fact itself was taken back.
    stands: bool

    @property
    def whole(self) -> bool:
        """Whether nothing of it has gone back."""
        return self.stands and self.kept == self.paid

    def of(self, points: int) -> int:
        """The part of its points that counts; none once everything has gone back."""
        if not self.stands or self.kept <= 0:
            return 0
        return points if self.whole else points * self.kept // self.paid


@dataclass(slots=True)
class _Held:
    """An entry, and what later ones have left of it."""

    entry: AnyRow
    left: int


@dataclass(frozen=True, slots=True)
class _Owner:
    member: str
    identity: str | None


async def _told(fetch: Fetch, orders: Sequence[str]) -> list[list[AnyRow]]:
    """What the log tells of each order's money, oldest entry first."""
    columns = ("id", "kind", "order_ref", "member", "identity", "occurred_at", "amount_fen", "reversal_of", "payload")
    statement = (
        select(*(fact.c[each] for each in columns))
        .where(fact.c.order_ref.in_(orders), fact.c.kind.in_(_KINDS), fact.c.is_test.is_(False))
        .order_by(fact.c.id)
    )
    grouped: dict[str, list[AnyRow]] = defaultdict(list)
    for row in await fetch(statement):
        grouped[row.order_ref].append(row)
    return list(grouped.values())


def _shares(rows: Sequence[AnyRow]) -> list[_Share]:
    """What of one order's payments still counts. An order's goods that came back by a ticket which names no order
    are an order of their own, of that return alone."""
    gone = {row.reversal_of for row in rows}
    told = [row for row in rows if row.reversal_of is None]
    paid = [row for row in told if row.kind == _PAID]
    total = sum(row.amount_fen or 0 for row in paid if row.id not in gone)
    back = sum(row.amount_fen or 0 for row in told if row.kind != _PAID and row.id not in gone)
    if paid:
        return [_Share(row, total - back, total, row.id not in gone) for row in paid]
    return [_Share(row, 1, 1, row.id not in gone) for row in told if row.payload.get("ticket") == row.order_ref]


async def _owners(fetch: Fetch, rows: Sequence[AnyRow]) -> Mapping[str, _Owner]:
    """Whose each fact is, by the fact's id; nobody's, and those of names that were only claimed, are left out."""
    members: dict[str, str] = {}
    for some in chunks({row.identity for row in rows if row.identity is not None}):
        found = await fetch(select(identity.c.id, identity.c.member).where(identity.c.id.in_(some)))
        members |= {row.id: row.member for row in found if row.member is not None}
    bare: set[str] = set()
    for some in chunks({row.member for row in rows if row.identity is None and row.member is not None}):
        bare |= {row.id for row in await fetch(select(member.c.id).where(member.c.id.in_(some)))}
    return {
        row.id: _Owner(members[row.identity], row.identity) if row.identity is not None else _Owner(row.member, None)
        for row in rows
        if row.identity in members or (row.identity is None and row.member in bare)
    }
