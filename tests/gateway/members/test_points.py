"""The points ledger: booked once, never below zero, added by merges and parted by their undoing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.database import Database, Keyring, count_statements
from gateway.database.ledgers import PointsEntry
from gateway.database.tables.facts import fact
from gateway.database.tables.ledger import points_entry
from gateway.events.projector import Linked
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.points import (
    EXPIRE_JOB,
    KeyReused,
    PointsExpiry,
    PointsRefused,
    Posted,
    balances,
    post,
    reverse,
)
from tests.databases import MASTER, ManualClock
from tests.gateway.members.conftest import Link, openid, shown
from tests.gateway.members.families import merge, unmerge


class Book:
    """Books entries of one database, one transaction each."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock

    async def post(self, who: str, delta: int, key: str, *, may_owe: bool = False, **more: Any) -> Posted:
        wanted = PointsEntry(
            member=who,
            kind="EARN" if delta > 0 else "BURN",
            delta=delta,
            reason="order",
            source="order",
            source_key=key,
            occurred_at=self.clock.now(),
        )
        # Two entries of one millisecond have no order; these are told apart.
        self.clock.advance(milliseconds=1)
        async with self.database.write() as connection:
            return await post(connection, replace(wanted, **more), clock=self.clock, may_owe=may_owe)

    async def reverse(self, entry: str, key: str, points: int | None = None) -> Posted | None:
        self.clock.advance(milliseconds=1)
        async with self.database.write() as connection:
            return await reverse(
                connection,
                entry,
                source="refund",
                source_key=key,
                reason="refund",
                clock=self.clock,
                points=points,
            )

    async def balance(self, *members: str) -> dict[str, int]:
        return await balances(self.database.fetch, members, self.clock.now())

    async def entries(self) -> list[tuple[str, int]]:
        rows = await self.database.fetch(
            select(points_entry.c.kind, points_entry.c.delta).order_by(points_entry.c.occurred_at, points_entry.c.id)
        )
        return [(row.kind, row.delta) for row in rows]


@pytest.fixture
def book(database: Database, clock: ManualClock) -> Book:
    return Book(database, clock)


async def pair(link: Link, clock: ManualClock) -> tuple[Linked, Linked]:
    """Two members, the first one older."""
    [one] = await link(shown(openid("o1")))
    clock.advance(minutes=1)
    [two] = await link(shown(openid("o2")))
    return one, two


async def test_an_entry_is_booked_once(database: Database, book: Book, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    first = await book.post(who.member, 120, "oOpenid:1")
    again = await book.post(who.member, 120, "oOpenid:1")
    assert (first.balance, first.replayed) == (120, False)
    assert again == Posted(first.id, who.member, 120, replayed=True)
    assert await book.entries() == [("EARN", 120)]
    facts = await database.fetch(
        select(fact.c.member, fact.c.quantity, fact.c.reason, fact.c.payload).where(fact.c.kind == "points.changed")
    )
    assert facts == [(who.member, 120, "EARN", {"entry": first.id})]
    async with database.write() as connection:
        raw = repr((await connection.exec_driver_sql("SELECT * FROM points_entry")).all())
    assert "oOpenid" not in raw


async def test_a_key_that_means_something_else_is_refused(book: Book, link: Link, clock: ManualClock) -> None:
    one, two = await pair(link, clock)
    await book.post(one.member, 120, "1")
    for who, changed in ((one, {"delta": 121}), (one, {"reason": "gift"}), (two, {})):
        with pytest.raises(KeyReused) as caught:
            await book.post(who.member, **({"delta": 120, "key": "1"} | changed))
        assert caught.value.code == "IDEMPOTENCY_MISMATCH"
    assert await book.entries() == [("EARN", 120)]


async def test_nobody_spends_what_is_not_there(database: Database, book: Book, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    await book.post(who.member, 100, "1")
    with pytest.raises(PointsRefused, match="The member has 100 points; 101 cannot be taken") as caught:
        await book.post(who.member, -101, "2")
    assert caught.value.code == "POINTS_INSUFFICIENT"
    assert await book.entries() == [("EARN", 100)]
    assert len(await database.fetch(select(fact.c.id).where(fact.c.kind == "points.changed"))) == 1
    assert (await book.post(who.member, -100, "2")).balance == 0


async def test_lapsed_points_are_booked_before_anything_is_spent(book: Book, link: Link, clock: ManualClock) -> None:
    [who] = await link(shown(openid("o1")))
    await book.post(who.member, 100, "1", valid_until=clock.now() + timedelta(days=30))
    await book.post(who.member, 40, "2")
    clock.advance(days=10)
    await book.post(who.member, -30, "3")
    clock.advance(days=20)
    assert await book.balance(who.member) == {who.member: 40}
    with pytest.raises(PointsRefused):
        await book.post(who.member, -41, "4")
    assert (await book.post(who.member, -40, "5")).balance == 0
    assert await book.entries() == [("EARN", 100), ("EARN", 40), ("BURN", -30), ("EXPIRE", -70), ("BURN", -40)]


async def test_the_job_books_what_has_lapsed_and_nothing_twice(
    database: Database, book: Book, link: Link, clock: ManualClock
) -> None:
    one, two = await pair(link, clock)
    soon = clock.now() + timedelta(days=30)
    await book.post(one.member, 100, "1", valid_until=soon)
    await book.post(one.member, -100, "2")
    await book.post(two.member, 60, "3", valid_until=soon)
    await book.post(two.member, 5, "4", valid_until=soon + timedelta(seconds=1))
    clock.advance(days=30)
    queue, handlers = Queue(database, clock), Handlers()
    PointsExpiry(database, queue, clock).register(handlers)
    worker = Worker(queue, handlers, clock=clock)
    before = await book.balance(one.member, two.member)
    for _ in range(2):
        async with database.write() as connection:
            await queue.put(connection, EXPIRE_JOB, 1, {})
        assert await worker.drain() == 1
    assert before == await book.balance(one.member, two.member) == {one.member: 0, two.member: 5}
    # What was spent in time is closed by an entry of nothing, and told to nobody.
    assert sorted(await book.entries()) == sorted(
        [("EARN", 100), ("BURN", -100), ("EARN", 60), ("EARN", 5), ("EXPIRE", 0), ("EXPIRE", -60)]
    )
    rows = await database.fetch(
        select(fact.c.occurred_at).where(fact.c.kind == "points.changed", fact.c.reason == "EXPIRE")
    )
    assert [row.occurred_at for row in rows] == [soon]


async def test_every_day_books_its_own_once_with_two_processes(
    database_url: str, database: Database, book: Book, link: Link, clock: ManualClock
) -> None:
    """Points lapse with the day in Beijing; ten minutes later one of the processes books them."""
    one, _ = await pair(link, clock)
    midnight = clock.now().replace(hour=16, minute=0)
    for day in range(3):
        await book.post(one.member, 10, str(day), valid_until=midnight + timedelta(days=day))
    async with Database.open(database_url, Keyring(MASTER), clock=clock) as second:
        processes = []
        for each in (database, second):
            queue, handlers = Queue(each, clock), Handlers()
            expiry = PointsExpiry(each, queue, clock)
            expiry.register(handlers)
            await expiry.daily.ensure()
            processes.append(Worker(queue, handlers, clock=clock))
        for day in range(3):
            clock.advance(seconds=(midnight + timedelta(days=day, minutes=9) - clock.now()).total_seconds())
            assert [await each.drain() for each in processes] == [0, 0]
            assert len(await book.entries()) == 3 + day
            clock.advance(minutes=1)
            assert sorted(await asyncio.gather(*(each.drain() for each in processes))) == [0, 1]
            assert await book.entries() == [("EARN", 10)] * 3 + [("EXPIRE", -10)] * (day + 1)


async def test_a_refund_takes_back_no_more_than_was_earned(book: Book, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    earned = await book.post(who.member, 100, "1")
    await book.post(who.member, -80, "2")
    first = await book.reverse(earned.id, "r1", 30)
    assert first is not None
    assert first.balance == -10
    assert await book.reverse(earned.id, "r1", 30) == replace(first, replayed=True)
    second = await book.reverse(earned.id, "r2", 500)
    assert second is not None
    assert second.balance == -80
    assert await book.reverse(earned.id, "r3") is None
    assert await book.entries() == [("EARN", 100), ("BURN", -80), ("REVERSAL", -30), ("REVERSAL", -70)]
    # What is owed is paid by the next points.
    assert (await book.post(who.member, 100, "4")).balance == 20


async def test_what_was_burned_comes_back(book: Book, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    await book.post(who.member, 100, "1")
    burned = await book.post(who.member, -60, "2")
    back = await book.reverse(burned.id, "cancelled")
    assert back is not None
    assert back.balance == 100


async def test_a_merge_adds_and_its_undoing_parts(
    database: Database, book: Book, link: Link, clock: ManualClock
) -> None:
    one, two = await pair(link, clock)
    await book.post(one.member, 100, "1")
    await book.post(two.member, 20, "2")
    await book.post(two.member, 3, "3", identity=two.identity)
    stored = await database.fetch(select(points_entry))

    await merge(database, two, one)
    assert await book.balance(one.member) == {one.member: 123}
    # The id that lost is written to as well, and what it gives counts for the winner.
    assert (await book.post(two.member, -120, "4")).member == one.member
    assert await book.balance(one.member) == {one.member: 3}

    await unmerge(database, two)
    assert await book.balance(one.member, two.member) == {one.member: -20, two.member: 23}
    assert (await database.fetch(select(points_entry)))[: len(stored)] == stored


async def test_balances_of_a_page_cost_one_statement(
    database: Database, book: Book, link: Link, clock: ManualClock
) -> None:
    people = [(await link(shown(openid(f"o{n}"))))[0].member for n in range(10)]
    soon = clock.now() + timedelta(days=1)
    for n, who in enumerate(people):
        await book.post(who, n + 1, f"{n}", valid_until=soon)

    async def cost(at: datetime, number: int) -> tuple[int, int]:
        with count_statements() as counter:
            found = await balances(database.fetch, people[:number], at)
        return counter.value, sum(found.values())

    assert [await cost(clock.now(), n) for n in (1, 10)] == [(1, 1), (1, 55)]
    # Lapsed and not booked: their entries are read as well, for all of them at once.
    assert [await cost(soon, n) for n in (1, 10)] == [(2, 0), (2, 0)]
