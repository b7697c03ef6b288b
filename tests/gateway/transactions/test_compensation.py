"""When a step fails, what came before it is undone."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update

from gateway.database.tables.sagas import saga
from gateway.database.tables.stock import stock
from gateway.jobs import State
from gateway.transactions.records import CheckoutDone, Problem
from gateway.transactions.runner import COMPENSATE_JOB
from tests.gateway.transactions.shop import COAT, NOTHING, STORE, Shop

PREPAY = "POST /v3/pay/transactions/jsapi"
CLOSE = "POST */close"


async def test_a_refused_prepay_undoes_order_coupon_and_stock(any_shop: Shop) -> None:
    shop = any_shop
    basket = shop.basket(coupon=await shop.coupon())
    shop.sandbox.kit.faults.add("payments", "code", endpoint=PREPAY, value="NO_AUTH")
    refused = await shop.ask(basket, 81900)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.tool, refused.retryable) == ("UNAUTHORIZED", "payments", False)
    assert refused.details == {"reason": "product_not_opened"}
    [order] = await shop.own_orders()
    assert (order.state, order.fulfilment_state) == ("CLOSED", "CANCELLED")
    view = await shop.checkout.transaction(order.saga)
    assert view is not None
    assert view.state == "COMPENSATED"
    assert [(each.name, each.state) for each in view.steps] == [
        ("stock.reserve", "UNDONE"),
        ("order.place", "UNDONE"),
        ("payment.prepay", "FAILED"),
        ("payment.capture", "SKIPPED"),
        ("coupon.use", "SKIPPED"),
        ("guide.notify", "SKIPPED"),
        ("conversion.report", "SKIPPED"),
    ]
    assert await shop.pieces() == (3, 0)
    assert (await shop.counts())["locks"] == 0
    [closed] = await shop.facts("order.closed")
    assert closed.reason == "FAILED"
    # The key is free again, and so is the coupon.
    shop.sandbox.kit.faults.clear()
    assert isinstance(await shop.ask(basket, 81900), CheckoutDone)
    assert shop.effects("payments", "order") == 1


async def test_a_prepay_cut_before_it_arrived_is_repeated(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("payments", "reset_before", endpoint=PREPAY, calls=(1,))
    done = await shop.buy(shop.basket(), 89900)
    assert shop.effects("payments", "order") == 1
    assert (await shop.view(done)).state == "AWAITING_PAYMENT"


async def test_a_prepay_whose_answer_was_lost_is_repeated_under_its_number(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("payments", "reset_after", endpoint=PREPAY, calls=(1,))
    done = await shop.buy(shop.basket(), 89900)
    assert shop.effects("payments", "order") == 1
    assert shop.sandbox.kit.journal.count("payments", PREPAY) == 2
    await shop.pay(done)


async def test_a_prepay_that_nobody_can_tell_of_is_closed_and_undone(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("payments", "reset_after", endpoint=PREPAY)
    refused = await shop.ask(shop.basket(), 89900)
    assert isinstance(refused, Problem)
    assert refused.code == "OUTCOME_UNKNOWN"
    assert (shop.effects("payments", "order"), shop.effects("payments", "close")) == (1, 1)
    [order] = await shop.own_orders()
    assert order.state == "CLOSED"
    assert await shop.pieces() == (3, 0)


async def test_an_undo_that_cannot_be_done_now_is_a_job(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("payments", "reset_after", endpoint=PREPAY)
    shop.sandbox.kit.faults.add("payments", "status", endpoint="POST */close", value=503)
    assert isinstance(await shop.ask(shop.basket(), 89900), Problem)
    [order] = await shop.own_orders()
    view = await shop.checkout.transaction(order.saga)
    assert view is not None
    assert view.state == "COMPENSATING"
    assert (order.state, await shop.pieces()) == ("UNPAID", (3, 1))
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=1)
    await shop.worker.drain()
    [order] = await shop.own_orders()
    view = await shop.checkout.transaction(order.saga)
    assert view is not None
    assert (view.state, order.state, await shop.pieces()) == ("COMPENSATED", "CLOSED", (3, 0))
    assert shop.effects("payments", "close") == 1


async def die_while_undoing(shop: Shop) -> str:
    """Place an order whose process ends in the middle of its undoing; the id of its saga."""
    shop.sandbox.kit.faults.add("payments", "reset_after", endpoint=PREPAY)
    shop.sandbox.kit.faults.add("payments", "latency", endpoint=CLOSE, value=5.0)
    buying = asyncio.create_task(shop.ask(shop.basket(), 89900))
    while True:
        rows = await shop.database.fetch(select(saga.c.id, saga.c.state))
        if [each.state for each in rows] == ["COMPENSATING"]:
            break
        await asyncio.sleep(0.01)
    # What a process that dies leaves: whatever was committed, and no clean-up.
    [work] = shop.checkout._running
    work.cancel()
    await asyncio.gather(work, buying, return_exceptions=True)
    shop.sandbox.kit.faults.clear()
    return str(rows[0].id)


async def undone(shop: Shop, saga_id: str) -> None:
    view = await shop.checkout.transaction(saga_id)
    assert view is not None
    assert view.state == "COMPENSATED"
    [order] = await shop.own_orders()
    assert (order.state, await shop.pieces()) == ("CLOSED", (3, 0))
    assert len(await shop.facts("order.closed")) == 1
    shop.pass_time(hours=1)
    await shop.worker.drain()
    assert await shop.pieces() == (3, 0)
    assert len(await shop.facts("order.closed")) == 1
    assert await shop.queue.list(state=State.PARKED) == []


async def test_a_process_that_dies_while_undoing_leaves_a_job_that_goes_on(shop: Shop) -> None:
    saga_id = await die_while_undoing(shop)
    assert await shop.pieces() == (3, 1)
    [job] = await shop.queue.list(kind=COMPENSATE_JOB)
    assert job.state is State.QUEUED
    shop.pass_time(minutes=1)
    await shop.worker.drain()
    await undone(shop, saga_id)


@pytest.mark.parametrize("erased", [False, True])
async def test_the_expiry_undoes_what_no_other_job_did(shop: Shop, erased: bool) -> None:
    saga_id = await die_while_undoing(shop)
    if erased:
        # The bytes of the prepay die with its shopper; its number does not.
        assert shop.buyer.member is not None
        assert await shop.database.keyring.destroy(shop.buyer.member)
    [job] = await shop.queue.list(kind=COMPENSATE_JOB)
    assert await shop.queue.cancel(job.id)
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    await undone(shop, saga_id)


async def test_stock_that_went_meanwhile_is_refused_with_nothing_left(shop: Shop) -> None:
    """The quote saw a piece; it was gone when the basket reserved it."""
    shop.sandbox.kit.faults.add("payments", "latency", endpoint="GET /v3/marketing/*", value=0.2)
    basket = shop.basket(coupon=await shop.coupon())
    asking = asyncio.create_task(shop.ask(basket, 81900))
    await asyncio.sleep(0.1)
    async with shop.database.write() as connection:
        await connection.execute(update(stock).where(stock.c.sku == COAT, stock.c.location == STORE).values(on_hand=0))
    refused = await asking
    assert isinstance(refused, Problem)
    assert (refused.code, refused.details) == ("OUT_OF_STOCK", {"skus": (COAT,)})
    assert await shop.own_orders() == []
    assert await shop.counts() == NOTHING
    assert await shop.pieces() == (0, 0)
    assert shop.effects("payments", "order") == 0


async def test_a_coupon_serves_one_order_at_a_time(any_shop: Shop) -> None:
    shop = any_shop
    basket = shop.basket(coupon=await shop.coupon())
    answers = await asyncio.gather(*(shop.ask(basket, 81900, f"purchase-{n}") for n in range(3)))
    assert len([each for each in answers if isinstance(each, CheckoutDone)]) == 1
    assert {each.code for each in answers if isinstance(each, Problem)} == {"COUPON_LOCKED"}
    assert await shop.pieces() == (3, 1)
    assert [each.state for each in await shop.own_orders()] == ["UNPAID"]
    quote = await shop.checkout.quote(shop.buyer, basket)
    assert not isinstance(quote, Problem)
    assert "LOCKED" in {each.reason for each in quote.unusable}


@pytest.mark.long
async def test_twenty_buyers_for_three_pieces(any_shop: Shop) -> None:
    shop = any_shop
    crowd = [key for key, each in shop.sandbox.world.people.items() if each.openids]
    appid = shop.sandbox.world.mini_programs[0].appid
    buyers = [await shop.person(key) for key in crowd if appid in shop.sandbox.world.people[key].openids][:20]
    assert len({each.session_identity for each in buyers}) == 20
    answers = await asyncio.gather(*(shop.ask(shop.basket(), 89900, "one-each-please", buyer=b) for b in buyers))
    done = [each for each in answers if isinstance(each, CheckoutDone)]
    assert len(done) == 3
    assert {each.code for each in answers if isinstance(each, Problem)} == {"OUT_OF_STOCK"}
    assert await shop.pieces() == (3, 3)
    for each in done:
        await shop.notify(await shop.pay(each))
    await shop.worker.drain()
    assert await shop.pieces() == (0, 0)
    assert [each.state for each in await shop.own_orders()] == ["PAID"] * 3
    assert shop.effects("payments", "order") == 3


@pytest.mark.parametrize("base", ["", "http://shop.example", "https://shop.example/?a=b", "ftp://127.0.0.1"])
async def test_an_unusable_notify_address_is_refused_before_anything(opens: object, sqlite_url: str, base: str) -> None:
    shop: Shop = await opens(sqlite_url, notify_base=base)  # type: ignore[operator]
    refused = await shop.ask(shop.basket(), 89900)
    assert isinstance(refused, Problem)
    assert refused.code == "SETTING_INVALID"
    assert await shop.own_orders() == []
    assert shop.effects("payments", "order") == 0
