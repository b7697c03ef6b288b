"""Totals: whatever the order, the repetition and the process in which facts arrive, they add up to the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from gateway.database import Database, Fact, Keyring, append_facts, count_statements
from gateway.database.tables.ledger import identity_total, member_total
from gateway.database.totals import ADDS
from gateway.events.projector import Linked
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.totals import REBUILD_JOB, Totals, TotalsRebuild, totals
from tests.databases import MASTER, ManualClock
from tests.gateway.members.conftest import Link, openid, shown
from tests.gateway.members.families import merge, unmerge

PAGE = Path(__file__).parents[3] / "docs" / "ledger.md"
#: 2026-10-31 16:00 UTC begins November in Asia/Shanghai.
NOVEMBER = datetime(2026, 10, 31, 16, tzinfo=UTC)


def happened(kind: str, key: str, at: datetime, **values: Any) -> Fact:
    values = {"source": "poll", "account": "wx1", "tool": "mini_program_store"} | values
    return Fact(kind=kind, source_key=key, occurred_at=at, **values)


async def append(database: Database, clock: ManualClock, *facts: Fact) -> int:
    async with database.write() as connection:
        return await append_facts(connection, facts, clock=clock)


async def read(database: Database, who: str, now: datetime, months: int = 12) -> Totals:
    return (await totals(database.fetch, [who], now, months))[who]


async def stored(database: Database) -> list[tuple[Any, ...]]:
    found = [await database.fetch(select(table)) for table in (identity_total, member_total)]
    return sorted(tuple(row) for rows in found for row in rows)


def test_the_page_about_totals_lists_what_each_kind_adds() -> None:
    rows = [
        f"| `{kind}` |{' its amount' * adds.order} |{' its amount' * adds.refund} |{' yes' * adds.seen} |"
        for kind, adds in sorted(ADDS.items())
    ]
    table = PAGE.read_text("utf-8").partition("<!-- kinds -->\n")[2].partition("<!-- end -->")[0]
    assert table.splitlines()[2:] == rows


async def test_what_each_kind_adds(database: Database, clock: ManualClock, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    mine, his = {"member": who.member, "identity": who.identity}, {"identity": who.identity}
    at = NOVEMBER
    facts = [
        happened("order.created", "1", at, amount_fen=81900, **mine),
        happened("order.paid", "1", at + timedelta(hours=1), amount_fen=81900, **mine),
        happened("payment.captured", "1", at + timedelta(hours=1), amount_fen=81900, **mine | {"tool": "payments"}),
        happened("order.line", "1:1", at + timedelta(hours=1), amount_fen=81900, **mine),
        happened("order.paid", "0", at - timedelta(seconds=1), amount_fen=100, **mine | {"tool": None}),
        happened("refund.succeeded", "1", at + timedelta(days=2), amount_fen=20000, order_ref="1", **his),
        happened("refund.succeeded", "2", at + timedelta(days=2), amount_fen=9, **his),
        happened("after_sale.completed", "2", at + timedelta(days=3), amount_fen=0, order_ref="1", **his),
        happened("after_sale.completed", "3", at + timedelta(days=3), amount_fen=1, order_ref="1", **his),
        happened("follow", "1", at, member=who.member, tool="official_account"),
        happened("follow", "test", at + timedelta(days=9), member=who.member, is_test=True),
        happened("store.traffic", "1", at),
        happened("qr.scan", "nobody", at),
    ]
    assert await append(database, clock, *facts) == len(facts)
    assert await append(database, clock, *facts) == 0
    expected = Totals(
        orders=2,
        spend=82000,
        refunds=2,
        refunded=20001,
        first_order_at=at - timedelta(seconds=1),
        last_order_at=at + timedelta(hours=1),
        seen=(
            ("mini_program_store", at + timedelta(hours=1)),
            ("payments", at + timedelta(hours=1)),
            ("official_account", at),
            ("", at - timedelta(seconds=1)),
        ),
        frequency=2,
        monetary=61999,
    )
    found = await read(database, who.member, at)
    assert sorted(found.seen) == sorted(expected.seen)
    assert [when for _, when in found.seen] == sorted((when for _, when in found.seen), reverse=True)
    assert replace(found, seen=()) == replace(expected, seen=())


async def test_a_window_is_of_business_months(database: Database, clock: ManualClock, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    october, november = NOVEMBER - timedelta(microseconds=1), NOVEMBER
    year_ago = datetime(2025, 11, 30, 15, 59, tzinfo=UTC)
    facts = [
        happened("order.paid", str(n), at, amount_fen=10**n, identity=who.identity)
        for n, at in enumerate((year_ago, october, november))
    ]
    await append(database, clock, *facts)

    async def window(now: datetime, months: int) -> tuple[int, int]:
        found = await read(database, who.member, now, months)
        assert (found.orders, found.spend) == (3, 111)
        return found.frequency, found.monetary

    assert [await window(november, months) for months in (1, 2, 12, 13)] == [(1, 100), (2, 110), (2, 110), (3, 111)]
    assert await window(october, 12) == (3, 111)
    found = await read(database, who.member, november)
    assert [found.recency_days(november + timedelta(hours=each)) for each in (0, 23, 24, 240)] == [0, 0, 1, 10]
    assert Totals().recency_days(november) is None


async def test_a_reversal_takes_back_count_and_amount(database: Database, clock: ManualClock, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    paid = happened("order.paid", "1", NOVEMBER, amount_fen=500, identity=who.identity)
    undone = replace(paid, source_key="1:undone", occurred_at=NOVEMBER + timedelta(days=1), reversal_of="0" * 26)
    await append(database, clock, undone)
    await append(database, clock, paid)
    found = await read(database, who.member, NOVEMBER)
    assert (found.orders, found.spend, found.last_order_at) == (0, 0, NOVEMBER)


async def test_a_merge_adds_and_its_undoing_parts(database: Database, clock: ManualClock, link: Link) -> None:
    [one], [two] = await link(shown(openid("o1"))), await link(shown(openid("o2")))
    await append(
        database,
        clock,
        happened("order.paid", "1", NOVEMBER, amount_fen=1, identity=one.identity, member=one.member),
        happened("order.paid", "2", NOVEMBER, amount_fen=20, identity=two.identity, member=two.member),
        happened("order.paid", "3", NOVEMBER, amount_fen=300, member=two.member),
    )
    before = await stored(database)

    async def spend(*who: Linked) -> list[int]:
        return [(await read(database, each.member, NOVEMBER)).spend for each in who]

    assert await spend(one, two) == [1, 320]
    await merge(database, two, one)
    assert await spend(one) == [321]
    await unmerge(database, two)
    assert await spend(one, two) == [1, 320]
    assert await stored(database) == before


async def test_a_batch_and_a_page_cost_the_same_for_any_number(
    database: Database, clock: ManualClock, link: Link
) -> None:
    people = [(await link(shown(openid(f"o{n}"))))[0] for n in range(10)]

    async def cost(number: int) -> tuple[int, int]:
        facts = [
            happened("order.paid", f"{number}:{n}", NOVEMBER, amount_fen=1, identity=each.identity)
            for n, each in enumerate(people[:number])
        ]
        facts += [happened("follow", f"{number}:{n}", NOVEMBER, member=p.member) for n, p in enumerate(people[:number])]
        with count_statements() as written:
            assert await append(database, clock, *facts) == 2 * number
        with count_statements() as asked:
            await totals(database.fetch, [each.member for each in people[:number]], NOVEMBER, 12)
        return written.value, asked.value

    # The facts, the totals of identities, those of bare members; whom they lead to, and their last activity.
    assert [await cost(number) for number in (1, 10)] == [(5, 1), (5, 1)]


def storm(rng: random.Random, people: Sequence[Linked]) -> list[Fact]:
    """Facts of all kinds, of identities, members and nobody, a third of them twice."""
    kinds = [*ADDS, "order.line", "member.created"]
    facts = []
    for number in range(150):
        who = rng.choice(people)
        names = rng.choice(
            [{"identity": who.identity}, {"member": who.member}, {"identity": who.identity, "member": who.member}, {}]
        )
        facts.append(
            happened(
                rng.choice(kinds),
                str(number),
                NOVEMBER - timedelta(minutes=rng.randrange(700_000)),
                tool=rng.choice([None, "payments", "mini_program_store", "official_account"]),
                amount_fen=rng.choice([None, 0, rng.randrange(100_000)]),
                order_ref=rng.choice([None, "order"]),
                is_test=rng.random() < 0.1,
                reversal_of="0" * 26 if rng.random() < 0.1 else None,
                **names,
            )
        )
    facts += rng.sample(facts, 50)
    rng.shuffle(facts)
    return facts


def batches(rng: random.Random, facts: Sequence[Fact]) -> Iterator[Sequence[Fact]]:
    start = 0
    while start < len(facts):
        end = start + rng.randrange(1, 30)
        yield facts[start:end]
        start = end


class Rebuilding:
    """A queue with the rebuild's handler."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        queue, handlers = Queue(database, clock), Handlers()
        self.rebuild = TotalsRebuild(database, queue, clock)
        handlers.add(REBUILD_JOB, self.rebuild.handle, versions={1})
        self.worker = Worker(queue, handlers, clock=clock)

    async def run(self) -> int:
        await self.rebuild.enqueue()
        return await self.worker.drain()


@pytest.mark.parametrize("seed", range(2))
async def test_a_storm_of_facts_and_a_rebuild_add_up_to_the_same(
    seed: int, database: Database, database_url: str, clock: ManualClock, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes append the storm in different orders at once; the rebuild goes in slices of two subjects."""
    monkeypatch.setattr("gateway.members.totals._SLICE", 2)
    rng = random.Random(seed)
    people = [(await link(shown(openid(f"o{n}"))))[0] for n in range(5)]
    facts = storm(rng, people)
    other_order = rng.sample(facts, len(facts))

    async def arrive(into: Database, given: Sequence[Fact], cuts: random.Random) -> None:
        for batch in batches(cuts, given):
            await append(into, clock, *batch)

    async with Database.open(database_url, Keyring(MASTER), clock=clock) as other:
        await asyncio.gather(
            arrive(database, facts, random.Random(seed)), arrive(other, other_order, random.Random(seed + 9))
        )
    kept = await stored(database)
    assert len(kept) > 50

    async with database.write() as connection:
        await connection.execute(update(identity_total).values(orders=77))
        await connection.execute(delete(member_total))
        await connection.execute(
            identity_total.insert().values(
                identity="stale", month=202611, tool="", orders=1, spend=1, refunds=1, refunded=1
            )
        )
    # Five identities and five members, two at a time: three slices each.
    assert await Rebuilding(database, clock).run() == 6
    assert await stored(database) == kept


async def test_facts_that_arrive_during_a_rebuild_count_once(
    database: Database, clock: ManualClock, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.members.totals._SLICE", 2)
    people = [(await link(shown(openid(f"o{n}"))))[0] for n in range(8)]
    rng = random.Random(3)
    first, later = storm(rng, people), [replace(each, account="wx2") for each in storm(rng, people)]
    await append(database, clock, *first)

    async def arrive() -> None:
        for batch in batches(rng, later):
            await append(database, clock, *batch)

    rebuilding = Rebuilding(database, clock)
    await asyncio.gather(rebuilding.run(), arrive())
    during = await stored(database)
    await rebuilding.run()
    assert await stored(database) == during


_WAITING = text("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = to_regclass('identity_total')")


async def test_a_rebuild_waits_for_who_has_not_committed(database: Database, clock: ManualClock, link: Link) -> None:
    """Between forgetting and adding up, nobody's facts may become visible: they would count twice."""
    [who] = await link(shown(openid("o1")))
    await append(database, clock, happened("order.paid", "1", NOVEMBER, amount_fen=1, identity=who.identity))
    rebuilding = Rebuilding(database, clock)
    async with database.write() as connection:
        late = happened("order.paid", "2", NOVEMBER - timedelta(days=90), amount_fen=20, identity=who.identity)
        assert await append_facts(connection, [late], clock=clock) == 1
        task = asyncio.create_task(rebuilding.run())
        # SQLite has one writer at a time anyway.
        while not (database.is_sqlite or task.done() or await database.fetch(_WAITING)):
            pass
        assert not task.done()
    assert await task == 2
    assert (await read(database, who.member, NOVEMBER)).spend == 21


async def test_a_rebuild_that_dies_goes_on_where_it_stood(
    database: Database, clock: ManualClock, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.members.totals._SLICE", 2)
    people = [(await link(shown(openid(f"o{n}"))))[0] for n in range(5)]
    await append(database, clock, *storm(random.Random(5), people))
    kept = await stored(database)
    async with database.write() as connection:
        await connection.execute(update(identity_total).values(orders=77))
        await connection.execute(delete(member_total))

    rebuilding = Rebuilding(database, clock)
    done = 0
    real = rebuilding.rebuild.handle

    async def dying(job: Any) -> None:
        nonlocal done
        if done == 2:
            raise RuntimeError("killed")
        await real(job)
        done += 1

    handlers = Handlers()
    handlers.add(REBUILD_JOB, dying, versions={1})
    await rebuilding.rebuild.enqueue()
    assert await Worker(Queue(database, clock), handlers, clock=clock).drain() == 3
    assert await stored(database) != kept
    clock.advance(hours=1)
    assert await rebuilding.worker.drain() == 4
    assert await stored(database) == kept
