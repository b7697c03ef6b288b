"""Pieces given to a shop of the platform: once, out of what is free, and settled by the shop's own book."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import select, update

from adapters.base.errors import OutcomeUnknown
from gateway.database.tables.projections import offer
from gateway.database.tables.stock import store_stock
from gateway.members.gate import Gate
from gateway.transactions import allotments, store_book
from gateway.transactions.effects.stock_allotments import ALLOT, Allotted, Wanted
from gateway.transactions.log import SagaLog
from gateway.transactions.records import CheckoutDone
from gateway.transactions.steps import StepContext, StepRefused
from gateway.transactions.store_stock import StoreStock
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.allotting import allot, book, by_hand, offered, sold
from tests.gateway.actions.trading import TOOL, code, do, misbehave, store
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import COAT, STORE, Shop

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

UPDATE = "POST /channels/ec/product/stock/update"


async def settle(shop: Shop) -> None:
    shop.pass_time(seconds=30)
    await StoreStock(shop.projector, shop.tools, shop.queue).settle_shop(store(shop))


def log_of(shop: Shop) -> SagaLog:
    return SagaLog(shop.database, shop.projector.clock)


def context(shop: Shop, saga: str) -> StepContext:
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    return StepContext(saga, saga, shop.projector, now, gate, open_tools=shop.tools)


async def test_pieces_are_given_and_taken_back(any_shop: Shop) -> None:
    shop = any_shop
    had = await offered(shop)
    for _ in range(2):
        assert await allot(shop, 2) == Allotted(2, 1)
    assert (await book(shop), await offered(shop)) == ((3, 2, 2), had + 2)
    row = await shop.database.one(select(offer.c.platform_stock).where(offer.c.sku == COAT))
    assert row is not None
    assert row.platform_stock == had + 2
    # One is left: neither the shop nor a shopper gets two.
    assert code(await allot(shop, 2, "two-more-of-them")) == "STOCK_SHORT"
    problem = await shop.ask(shop.basket((COAT, 2)), 179800)
    assert not isinstance(problem, CheckoutDone)
    assert problem.code == "OUT_OF_STOCK"
    assert code(await allot(shop, -3, "three-of-its-two")) == "STOCK_SHORT"
    assert await offered(shop) == had + 2
    assert await allot(shop, -1, "one-of-them-back") == Allotted(1, 2)
    assert (await book(shop), await offered(shop)) == ((3, 1, 1), had + 1)
    assert [(each.quantity, each.store, each.account) for each in await shop.facts("stock.allotted")] == [
        (2, STORE, store(shop).account),
        (-1, STORE, store(shop).account),
    ]
    # What we did ourselves is no difference.
    await settle(shop)
    assert (await book(shop), await shop.facts("stock.differs")) == ((3, 1, 1), [])


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate"])
async def test_an_answer_that_is_lost_gives_once(shop: Shop, fault: FaultKind) -> None:
    had = await offered(shop)
    misbehave(shop, fault, UPDATE)
    answer = await allot(shop, 2)
    if not isinstance(answer, Allotted):
        assert answer.retryable
        assert (await book(shop))[:2] == (3, 2)
        # Until it is known, no other change, and no settling which could take it for somebody else's.
        assert code(await allot(shop, 1, "one-of-another")) == "STOCK_CHANGING"
        await settle(shop)
        shop.pass_time(minutes=2)
        await shop.worker.drain()
        answer = await allot(shop, 2)
    assert answer == Allotted(2, 1)
    assert shop.effects(TOOL, "stock_updated") == 1
    assert (await book(shop), await offered(shop)) == ((3, 2, 2), had + 2)
    await settle(shop)
    assert (await book(shop), await shop.facts("stock.differs")) == ((3, 2, 2), [])


async def test_a_change_that_stood_there_before_is_not_ours(shop: Shop) -> None:
    """The same number by hand a moment ago proves nothing; ours is sent again when the book has had its time."""
    await by_hand(shop, 2)
    had = await offered(shop)
    shop.pass_time(seconds=5)
    misbehave(shop, "reset_before", UPDATE)
    assert code(await allot(shop, 2)) == "TRANSACTION_IN_PROGRESS"
    assert await offered(shop) == had
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert await allot(shop, 2) == Allotted(2, 1)
    assert (await book(shop), await offered(shop)) == ((3, 2, 2), had + 2)


async def test_what_the_platform_has_sold_it_does_not_give_back(shop: Shop) -> None:
    await allot(shop, 2)
    await by_hand(shop, 1 - await offered(shop))
    assert code(await allot(shop, -2, "both-of-them-back")) == "REJECTED"
    assert (await book(shop), await offered(shop)) == ((3, 2, 2), 1)
    assert await allot(shop, -1, "the-one-that-is-left") == Allotted(1, 2)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"delta": 0}, "BAD_USER_INPUT"),
        ({"delta": 100_001}, "BAD_USER_INPUT"),
        ({"sku": "NOT-A-SKU"}, "SKU_UNKNOWN"),
        ({"location": "NOWHERE"}, "LOCATION_UNKNOWN"),
        ({"appid": "wx0000000000000000"}, "TOOL_NOT_CONFIGURED"),
    ],
)
async def test_what_cannot_be_is_refused(shop: Shop, changes: dict[str, Any], refusal: str) -> None:
    asked: dict[str, Any] = {"sku": COAT, "location": STORE, "appid": store(shop).account, "delta": 1} | changes
    calls = shop.calls(TOOL)
    assert code(await do(shop, ALLOT, Wanted(**asked))) == refusal
    assert (await book(shop), shop.calls(TOOL)) == ((3, 0, 0), calls)


async def test_a_sku_that_the_shop_offers_not_at_all_or_twice(shop: Shop) -> None:
    async with shop.database.write() as connection:
        await connection.execute(update(offer).where(offer.c.sku == "SL-DOWN-1L").values(sku=COAT))
    for sku in (COAT, "SL-DOWN-1L"):
        asked = Wanted(sku, STORE, store(shop).account, 1)
        assert code(await do(shop, ALLOT, asked, f"key-of-{sku}")) == "SKU_NOT_OFFERED"


async def test_two_who_want_the_last_pieces(any_shop: Shop) -> None:
    """Three pieces: two for the shop and two for a shopper are not both possible."""
    shop = any_shop
    given, bought = await asyncio.gather(allot(shop, 2), shop.ask(shop.basket((COAT, 2)), 179800))
    assert isinstance(given, Allotted) != isinstance(bought, CheckoutDone)
    on_hand, reserved = await shop.pieces()
    assert (on_hand, reserved + (await book(shop))[1]) == (3, 2)


# Settling -----------------------------------------------------------------------------------------


async def test_sales_and_cancellations_are_settled_once(any_shop: Shop) -> None:
    shop = any_shop
    await allot(shop, 2)
    await allot(shop, 4, "of-the-warehouse", "CENTRAL")
    central = (await book(shop, "CENTRAL"))[0]
    shop.pass_time(seconds=5)
    # The warehouse's are sold first.
    first, second = await sold(shop, 3), await sold(shop, 2)
    for _ in range(2):
        await settle(shop)
        assert await book(shop, "CENTRAL") == (central - 4, 0, 0)
        assert await book(shop) == (2, 1, 1)
    await shop.act(TOOL, "order_cancel", order_id=second)
    await shop.act(TOOL, "order_paid", order_id=first)
    for _ in range(2):
        await settle(shop)
        assert await book(shop, "CENTRAL") == (central - 3, 1, 1)
        assert await book(shop) == (3, 2, 2)
    moved = await shop.facts("stock.sold", "stock.returned")
    assert [(each.kind, each.quantity) for each in moved if each.store] == [("stock.sold", -1), ("stock.returned", 1)]
    assert sum(each.quantity for each in moved) == -3
    assert {each.order_ref for each in moved} == {f"STORE:{store(shop).account}:{each}" for each in (first, second)}
    row = await shop.database.one(select(store_stock.c.settled_at))
    assert row is not None
    assert row.settled_at is not None


async def test_rows_that_are_late_shuffled_and_read_twice(any_shop: Shop) -> None:
    """In whatever order the platform's book is read, and however often: the books are the same in the end."""
    shop = any_shop
    await allot(shop, 2)
    await allot(shop, 4, "of-the-warehouse", "CENTRAL")
    central = (await book(shop, "CENTRAL"))[0]
    shop.pass_time(seconds=5)
    orders = [await sold(shop, 1) for _ in range(4)]
    for each in orders[:3]:
        await shop.act(TOOL, "order_cancel", order_id=each)
    row = await shop.database.one(select(store_stock))
    assert row is not None
    now = shop.projector.clock.now()
    rows = list(await store_book.movements(store(shop), row.product_id, row.sku_id, row.since, now))
    assert len(rows) == 9
    rows = rows * 3
    chance = random.Random(7)
    chance.shuffle(rows)
    while rows:
        page, rows = rows[:4], rows[4:]
        async with shop.projector.batch() as batch:
            await allotments.settle(batch, row.appid, row.sku, page)
    assert (await book(shop), await book(shop, "CENTRAL")) == ((3, 2, 2), (central - 1, 3, 3))
    await settle(shop)
    assert (await book(shop), await book(shop, "CENTRAL")) == ((3, 2, 2), (central - 1, 3, 3))
    assert await shop.facts("stock.differs") == []


async def test_what_is_not_of_our_pieces_is_told(shop: Shop) -> None:
    """A change in the console, and a sale of more than was allotted."""
    await allot(shop, 1)
    shop.pass_time(seconds=5)
    begin = shop.projector.clock.now().replace(microsecond=0)
    await by_hand(shop, 5)
    order = await sold(shop, 3)
    for _ in range(2):
        await settle(shop)
    assert await book(shop) == (2, 0, 0)
    assert [each.quantity for each in await shop.facts("stock.differs")] == [5, -2]
    manual, short = await allotments.differing(shop.database, store(shop).account, begin, shop.projector.clock.now())
    assert (manual, short) == ({COAT: 5}, [(COAT, order, 3, 1)])
    # Put right in the console: nothing is left of it. And the order that is cancelled gives back what it took.
    await by_hand(shop, -5)
    await shop.act(TOOL, "order_cancel", order_id=order)
    await settle(shop)
    assert await allotments.differing(shop.database, store(shop).account, begin, shop.projector.clock.now()) == ({}, [])
    assert await book(shop) == (3, 1, 1)


async def test_a_shop_that_cannot_be_read_is_settled_by_the_next_run(shop: Shop) -> None:
    await allot(shop, 2)
    shop.pass_time(seconds=5)
    await sold(shop, 1)
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint="*/stock/getflow", value="-1")
    settling = StoreStock(shop.projector, shop.tools, shop.queue)
    await settling.settle()
    assert await book(shop) == (3, 2, 2)
    shop.sandbox.kit.faults.clear()
    await settling.settle()
    assert await book(shop) == (2, 1, 1)


async def test_a_change_that_nobody_ended_is_ended_by_the_book(shop: Shop) -> None:
    """Its transaction gave up: a day later the platform's book decides."""
    for fault, delta, location, ends in (("reset_after", 2, STORE, (3, 2, 2)), ("reset_before", -1, STORE, (3, 2, 2))):
        misbehave(shop, fault, UPDATE)  # type: ignore[arg-type]
        shop.sandbox.kit.faults.add(TOOL, "code", endpoint="*/stock/getflow", value="-1", calls=tuple(range(2, 9)))
        answer = await allot(shop, delta, f"key-of-{fault}", location)
        shop.sandbox.kit.faults.clear()
        if not isinstance(answer, Allotted):
            shop.pass_time(days=2)
            await settle(shop)
        assert await book(shop) == ends
        row = await shop.database.one(select(store_stock.c.changing))
        assert row is not None
        assert row.changing is None


@pytest.mark.parametrize(("fault", "updates"), [("reset_after", 2), ("reset_before", 0)])
async def test_undoing_what_nobody_knows_asks_first(shop: Shop, fault: FaultKind, updates: int) -> None:
    """What happened is taken back, what did not is not; and neither before the book had its time."""
    had = await offered(shop)
    misbehave(shop, fault, UPDATE)
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint="*/stock/getflow", value="-1", calls=tuple(range(2, 20)))
    problem = await allot(shop, 2)
    shop.sandbox.kit.faults.clear()
    [row] = await log_of(shop).steps(problem.details["transaction"])
    intent, undo = row.intent(ALLOT.step.intent), ALLOT.step.undo
    assert undo is not None
    ctx = context(shop, row.saga)
    if fault == "reset_before":
        with pytest.raises(OutcomeUnknown):
            await undo(ctx, intent, None)
        assert (await book(shop))[:2] == (3, 2)
        shop.pass_time(minutes=2)
    for _ in range(2):
        await undo(ctx, intent, None)
        assert (await book(shop), await offered(shop)) == ((3, 0, 0), had)
    assert shop.effects(TOOL, "stock_updated") == updates


async def test_undoing_is_the_opposite(shop: Shop) -> None:
    had = await offered(shop)
    await allot(shop, 2)
    [row] = await log_of(shop).steps((await shop.facts("stock.allotted"))[0].payload["transaction"])
    intent, undo = row.intent(ALLOT.step.intent), ALLOT.step.undo
    assert undo is not None
    ctx = context(shop, row.saga)
    for _ in range(2):
        await undo(ctx, intent, None)
        assert (await book(shop), await offered(shop)) == ((3, 0, 0), had)
    assert [each.quantity for each in await shop.facts("stock.allotted")] == [2, -2]
    # Pieces that are sold cannot be taken back.
    await allot(shop, 2, "two-more-of-them")
    shop.pass_time(seconds=5)
    await sold(shop, 1)
    await settle(shop)
    [row] = await log_of(shop).steps((await shop.facts("stock.allotted"))[2].payload["transaction"])
    with pytest.raises(StepRefused, match="not sold"):
        await undo(ctx, row.intent(ALLOT.step.intent), None)
    assert await book(shop) == (2, 1, 1)
