"""Points of orders: earned when paid, taken back with the money, in whatever order the facts come."""

from __future__ import annotations

import itertools
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from gateway.database import Database, count_statements
from gateway.database.facts import Fact
from gateway.database.tables.facts import fact
from gateway.database.tables.jobs import job
from gateway.database.tables.ledger import points_entry
from gateway.events.projector import Handle, Linked, Projector
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.earning import JOB, Earning
from gateway.members.graph import IdentityGraph
from gateway.members.points import balances
from gateway.settings import PointsRule
from tests.databases import ManualClock
from tests.gateway.members.conftest import OPEN_PLATFORM, Link, openid, shown

DAY = timedelta(days=1)


class Shop:
    """A projector with the rules of a brand, and the worker of its jobs."""

    def __init__(self, database: Database, clock: ManualClock, *rules: PointsRule) -> None:
        self.database = database
        self.clock = clock
        self.projector = Projector(database, IdentityGraph(database, clock), clock, OPEN_PLATFORM)
        queue, handlers = Queue(database, clock), Handlers()
        earning = Earning(database, queue, clock, rules)
        earning.register(handlers)
        self.projector.followers.append(earning.follow)
        self.worker = Worker(queue, handlers, clock=clock)

    def told(self, kind: str, who: Linked | None, amount: int, order: str | None = "O1", **more: Any) -> Fact:
        values: dict[str, Any] = {"occurred_at": self.clock.now(), "source": "own", "source_key": f"{kind}:{order}"}
        values |= {"identity": who and who.identity, "member": who and who.member}
        return Fact(kind=kind, order_ref=order, amount_fen=amount, **values | more)

    async def tell(self, *facts: Fact, work: bool = True) -> None:
        async with self.projector.batch() as batch:
            batch.facts += facts
        self.clock.advance(seconds=1)
        if work:
            await self.worker.drain()

    async def balance(self, who: Linked) -> int:
        assert who.member is not None
        return (await balances(self.database.fetch, [who.member], self.clock.now())).get(who.member, 0)

    async def entries(self) -> list[tuple[str, int]]:
        rows = await self.database.fetch(select(points_entry).order_by(points_entry.c.id))
        return [(row.kind, row.delta) for row in rows]


@pytest.fixture
def begun(clock: ManualClock) -> datetime:
    return clock.now() - 30 * DAY


@pytest.fixture
def shop(database: Database, clock: ManualClock, begun: datetime) -> Shop:
    return Shop(database, clock, PointsRule(since=begun, per_yuan=2, valid_days=365))


async def test_an_order_earns_once_and_says_what_it_is(shop: Shop, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    paid = shop.told("order.paid", who, 81999)
    at = shop.clock.now()
    await shop.tell(paid)
    await shop.tell(paid)
    [row] = await shop.database.fetch(select(points_entry))
    assert (row.kind, row.delta, row.reason, row.source) == ("EARN", 1639, "order", "order")
    assert (row.member, row.identity) == (who.member, who.identity)
    assert (row.occurred_at, row.valid_until) == (at, at + 365 * DAY)
    [changed] = await shop.database.fetch(select(fact).where(fact.c.kind == "points.changed"))
    assert (changed.identity, changed.quantity) == (who.identity, 1639)


async def test_refunds_take_back_in_proportion_and_sum_exactly(shop: Shop, link: Link) -> None:
    """¥99.99 earns 199. A third goes back three times; the floor of what stays, never a point over."""
    [who] = await link(shown(openid("o1")))
    await shop.tell(shop.told("order.paid", who, 9999))
    found = []
    for number in range(3):
        await shop.tell(shop.told("refund.succeeded", who, 3333, source_key=str(number)))
        found.append(await shop.balance(who))
    assert found == [199 * 6666 // 9999, 199 * 3333 // 9999, 0]
    assert await shop.entries() == [("EARN", 199), ("REVERSAL", -67), ("REVERSAL", -66), ("REVERSAL", -66)]


async def test_any_order_of_facts_ends_at_the_same_points(shop: Shop, link: Link) -> None:
    for number, order in enumerate(itertools.permutations(range(3))):
        [who] = await link(shown(openid(f"o{number}")))
        exchange = shop.told("after_sale.completed", who, 0, f"O{number}", source_key=f"{number}:exchange")
        facts = [
            shop.told("order.paid", who, 50_001, f"O{number}"),
            shop.told("refund.succeeded", who, 10_000, f"O{number}"),
            shop.told("after_sale.completed", who, 7_777, f"O{number}", source_key=f"{number}:return"),
        ]
        for each in order:
            await shop.tell(facts[each], exchange)
        assert await shop.balance(who) == 1000 * (50_001 - 17_777) // 50_001


async def test_one_run_for_many_facts_books_what_one_run_for_each_does(shop: Shop, link: Link) -> None:
    dice = random.Random(5)
    people = await link(*(shown(openid(f"o{n}")) for n in range(12)))
    expected = []
    for number, who in enumerate(people):
        amount = dice.randrange(1, 300_000)
        facts = [shop.told("order.paid", who, amount, f"O{number}")]
        left = amount
        for part in range(dice.randrange(4)):
            back = dice.randrange(left + 1)
            left -= back
            facts.append(shop.told("refund.succeeded", who, back, f"O{number}", source_key=f"{number}:{part}"))
        dice.shuffle(facts)
        await shop.tell(*facts[:2], work=number % 2 == 0)
        await shop.tell(*facts[2:], work=number % 3 == 0)
        expected.append(amount * 2 // 100 * left // amount)
    await shop.worker.drain()
    assert [await shop.balance(who) for who in people] == expected


async def test_what_was_spent_meanwhile_is_owed_and_what_lapsed_is_not(shop: Shop, link: Link) -> None:
    one, two = await link(shown(openid("o1")), shown(openid("o2")))
    await shop.tell(shop.told("order.paid", one, 10_000, "O1"), shop.told("order.paid", two, 10_000, "O2"))
    earned = (await shop.database.fetch(select(points_entry).where(points_entry.c.identity == two.identity)))[0]
    burn = {"id": "b", "member": one.member, "kind": "BURN", "delta": -150, "reason": "gift", "source": "till"}
    lapse = {"id": "x", "member": two.member, "kind": "EXPIRE", "delta": -200, "reason": "lapsed", "source": "expire"}
    later = {"source_key": "1", "occurred_at": shop.clock.now(), "recorded_at": shop.clock.now()}
    async with shop.database.write() as connection:
        await connection.execute(points_entry.insert().values(burn | later | {"identity": one.identity}))
        lapsed = lapse | later | {"identity": two.identity, "reversal_of": earned.id}
        await connection.execute(points_entry.insert().values(lapsed))
    await shop.tell(shop.told("refund.succeeded", one, 10_000, "O1"), shop.told("refund.succeeded", two, 10_000, "O2"))
    assert [await shop.balance(one), await shop.balance(two)] == [-150, 0]


async def test_a_corrected_order_earns_for_whom_and_what_it_says_now(shop: Shop, link: Link) -> None:
    one, two = await link(shown(openid("o1")), shown(openid("o2")))
    paid, refunded = shop.told("order.paid", one, 10_000), shop.told("refund.succeeded", one, 4_000)
    await shop.tell(paid, refunded)
    assert await shop.balance(one) == 120
    rows = await shop.database.fetch(select(fact.c.id, fact.c.kind).where(fact.c.order_ref == "O1"))
    ids = {row.kind: row.id for row in rows}
    await shop.tell(
        shop.told("order.paid", one, 10_000, source_key="r1", reversal_of=ids["order.paid"]),
        shop.told("refund.succeeded", one, 4_000, source_key="r2", reversal_of=ids["refund.succeeded"]),
        shop.told("order.paid", two, 30_000, source_key="again"),
    )
    assert [await shop.balance(one), await shop.balance(two)] == [0, 600]


async def test_what_earns_nothing(shop: Shop, link: Link, begun: datetime) -> None:
    [who] = await link(shown(openid("o1")))
    [hint] = await link(shown(Handle("OPENID", "wxapp1", "claimed", "WEAK")))
    assert hint.member is None
    await shop.tell(
        shop.told("order.paid", None, 10_000, "nobody"),
        shop.told("order.paid", hint, 10_000, "claimed"),
        shop.told("order.paid", who, 10_000, None),
        shop.told("order.paid", who, 49, "little"),
        shop.told("order.paid", who, 10_000, "test", is_test=True),
        shop.told("order.paid", who, 10_000, "before", occurred_at=begun - timedelta(seconds=1)),
        shop.told("refund.succeeded", who, 10_000, "unknown"),
        shop.told("order.created", who, 10_000, "unpaid"),
    )
    assert await shop.entries() == []
    await shop.tell(shop.told("order.paid", who, 10_000, "first", occurred_at=begun))
    assert await shop.entries() == [("EARN", 200)]


async def test_each_rule_counts_from_its_instant_on(
    database: Database, clock: ManualClock, link: Link, begun: datetime
) -> None:
    """A corrected or refunded order keeps the rule of the day on which it was paid."""
    shop = Shop(
        database,
        clock,
        PointsRule(since=begun + 2 * DAY, per_yuan=0),
        PointsRule(since=begun, per_yuan=1),
        PointsRule(since=begun + 3 * DAY, per_yuan=5),
    )
    [who] = await link(shown(openid("o1")))
    for day in range(-1, 4):
        await shop.tell(shop.told("order.paid", who, 1_000, f"O{day}", occurred_at=begun + day * DAY))
    assert await shop.entries() == [("EARN", 10), ("EARN", 10), ("EARN", 50)]
    await shop.tell(shop.told("refund.succeeded", who, 500, "O1"))
    assert await shop.balance(who) == 65


async def test_without_rules_nothing_is_put(database: Database, clock: ManualClock, link: Link) -> None:
    shop = Shop(database, clock)
    [who] = await link(shown(openid("o1")))
    await shop.tell(shop.told("order.paid", who, 10_000))
    assert await database.fetch(select(job.c.id)) == []


async def test_a_job_that_dies_and_comes_again_books_nothing_twice(shop: Shop, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    await shop.tell(shop.told("order.paid", who, 10_000), shop.told("refund.succeeded", who, 5_000), work=False)
    [put] = await shop.database.fetch(select(job.c.payload).where(job.c.kind == JOB))
    await shop.worker.drain()
    async with shop.database.write() as connection:
        payload = shop.database.keyring.seal_json(put.payload)
        await connection.execute(update(job).values(state="QUEUED", payload=payload, finished_at=None))
    assert await shop.worker.drain() == 1
    assert sorted(await shop.entries()) == [("EARN", 200), ("REVERSAL", -100)]


async def test_nothing_of_anybody_is_in_the_job(shop: Shop, link: Link) -> None:
    [who] = await link(shown(openid("o1")))
    await shop.tell(shop.told("order.paid", who, 10_000), work=False)
    [put] = await shop.database.fetch(select(job.c.payload))
    assert set(put.payload) == {"from", "until"}


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_any_number_of_orders_costs_the_same_statements(shop: Shop, link: Link, number: int) -> None:
    people = await link(*(shown(openid(f"o{n}")) for n in range(number)))
    await shop.tell(*(shop.told("order.paid", who, 10_000, f"O{n}") for n, who in enumerate(people)), work=False)
    with count_statements() as counted:
        await shop.worker.drain()
    assert await shop.database.one(select(func.count().label("n")).select_from(points_entry)) == (number,)
    assert counted.value == STATEMENTS


#: The claim, the end of the job and the next look at the queue among them.
STATEMENTS = 12
