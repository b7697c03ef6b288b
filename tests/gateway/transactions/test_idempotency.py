"""The same key never buys twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sqlalchemy import update

from gateway.database.tables.sagas import saga
from gateway.transactions.idempotency import canonical
from gateway.transactions.records import CheckoutDone, Problem
from tests.gateway.transactions.shop import COAT, NOTHING, Shop


async def test_a_repeated_request_is_the_same_order_signed_afresh(shop: Shop) -> None:
    basket = shop.basket(coupon=await shop.coupon())
    first = await shop.buy(basket, 81900)
    calls = shop.calls("payments")
    second = await shop.buy(basket, 81900)
    assert (second.order_id, second.transaction_id) == (first.order_id, first.transaction_id)
    assert first.payment_request is not None
    assert second.payment_request is not None
    assert second.payment_request.package == first.payment_request.package
    assert second.payment_request.pay_sign != first.payment_request.pay_sign
    assert shop.calls("payments") == calls
    assert len(await shop.own_orders()) == 1
    assert await shop.pieces() == (3, 1)


async def test_another_input_under_the_key_is_refused(shop: Shop) -> None:
    await shop.buy(shop.basket(), 89900)
    for asked, expected, click in (
        (shop.basket((COAT, 2)), 179800, None),
        (shop.basket(), 89900, "another-click"),
        (shop.basket(), 1, None),
    ):
        refused = await shop.ask(asked, expected, click=click)
        assert isinstance(refused, Problem)
        assert (refused.code, refused.retryable) == ("IDEMPOTENCY_MISMATCH", False)
    assert len(await shop.own_orders()) == 1
    assert await shop.pieces() == (3, 1)


async def test_a_key_is_the_callers_own(shop: Shop) -> None:
    other = await shop.person("xuli")
    first = await shop.buy(shop.basket(), 89900)
    second = await shop.buy(shop.basket(), 89900, buyer=other)
    third = await shop.buy(shop.basket(), 89900, buyer=replace(shop.buyer, id="another-app"))
    assert len({first.order_id, second.order_id, third.order_id}) == 3


async def test_many_at_once_with_one_key_make_one_order(any_shop: Shop) -> None:
    basket = any_shop.basket(coupon=await any_shop.coupon())
    answers = await asyncio.gather(*(any_shop.ask(basket, 81900) for _ in range(8)))
    assert len(await any_shop.own_orders()) == 1
    assert any_shop.effects("payments", "order") == 1
    assert await any_shop.pieces() == (3, 1)
    done = [each for each in answers if isinstance(each, CheckoutDone)]
    assert len({each.order_id for each in done}) == 1
    others = [each for each in answers if isinstance(each, Problem)]
    assert {each.code for each in others} <= {"IDEMPOTENCY_IN_FLIGHT"}
    assert all(each.retryable for each in others)
    assert isinstance(await any_shop.ask(basket, 81900), CheckoutDone)


async def test_while_it_runs_the_answer_is_in_flight(shop: Shop) -> None:
    done = await shop.buy(shop.basket(), 89900)
    async with shop.database.write() as connection:
        await connection.execute(update(saga).where(saga.c.id == done.transaction_id).values(state="RUNNING"))
    again = await shop.ask(shop.basket(), 89900)
    assert isinstance(again, Problem)
    assert (again.code, again.retryable) == ("IDEMPOTENCY_IN_FLIGHT", True)


async def test_a_refused_purchase_leaves_its_key_free(shop: Shop) -> None:
    refused = await shop.ask(shop.basket(), 89800)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.details) == ("PRICE_CHANGED", {"payable": 89900})
    assert await shop.counts() == NOTHING
    assert await shop.pieces() == (3, 0)
    assert isinstance(await shop.ask(shop.basket(), 89900), CheckoutDone)


async def test_a_replay_after_the_payment_needs_no_payment(shop: Shop) -> None:
    done = await shop.buy(shop.basket(), 89900)
    await shop.notify(await shop.pay(done))
    again = await shop.buy(shop.basket(), 89900)
    assert again == CheckoutDone(done.order_id, done.transaction_id, None)


async def test_a_client_that_leaves_does_not_stop_its_checkout(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("payments", "latency", endpoint="POST /v3/pay/*", value=0.3)
    task = asyncio.create_task(shop.ask(shop.basket(), 89900))
    while shop.calls("payments") == 0 and not shop.checkout._running:  # noqa: ASYNC110 — there is no event to wait for
        await asyncio.sleep(0.01)
    [work] = shop.checkout._running
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    await shop.checkout.drain()
    assert work.done()
    done = work.result()
    assert isinstance(done, CheckoutDone)
    assert (await shop.view(done)).state == "AWAITING_PAYMENT"
    assert (await shop.buy(shop.basket(), 89900)).order_id == done.order_id


def test_canonical_input_leaves_out_what_was_not_given() -> None:
    assert canonical({"b": None, "a": [1, {"d": 2, "c": None}]}) == '{"a":[1,{"d":2}]}'


async def test_an_order_that_was_paid_while_it_was_given_back_keeps_its_key(any_shop: Shop) -> None:
    """One process was told that the platform had closed the order; another one applied the payment that won."""
    shop = any_shop
    done = await shop.buy(shop.basket(), 89900)
    settlement = shop.checkout._settlement
    found = await settlement.open(done.transaction_id)
    assert found is not None
    await shop.notify(await shop.pay(done))
    await settlement._give_back(found)
    again = await shop.buy(shop.basket(), 89900)
    assert (again.order_id, len(await shop.own_orders())) == (done.order_id, 1)
    assert (await shop.order(done.order_id)).state == "PAID"
    assert (await shop.steps(done))["payment.prepay"] == "DONE"
