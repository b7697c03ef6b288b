"""orderCancel: an order that waits for its payment ends now; a payment that comes in the same moment wins."""

from __future__ import annotations

import asyncio

import pytest

from gateway.access.principal import Principal
from gateway.transactions.records import CheckoutDone, Problem
from sandbox.faults import FaultKind
from tests.gateway.actions.trading import ordered, ref
from tests.gateway.transactions.shop import Shop, hurried

HQ = Principal("hq", "hq", frozenset({"operations", "checkout"}))
CLOSE = "POST /v3/pay/transactions/out-trade-no/*"


async def cancelled(shop: Shop, done: CheckoutDone) -> None:
    """The one ending of an order that was cancelled."""
    assert (await shop.view(done)).state == "COMPENSATED"
    row = await shop.order(done.order_id)
    assert (row.state, row.fulfilment_state) == ("CLOSED", "CANCELLED")
    assert await shop.pieces() == (3, 0)
    assert [each.reason for each in await shop.facts("order.closed")] == ["CANCELLED"]


async def test_a_shopper_cancels_their_own(any_shop: Shop) -> None:
    shop = any_shop
    done = await shop.flagship()
    other = await shop.person("xuli")
    assert await shop.pieces() == (3, 1)
    refused = await shop.checkout.cancel(other, done.order_id)
    assert isinstance(refused, Problem)
    assert refused.code == "ORDER_UNKNOWN"
    assert await shop.checkout.cancel(shop.buyer, done.order_id) == done.transaction_id
    assert await shop.checkout.cancel(shop.buyer, done.order_id) == done.transaction_id
    await cancelled(shop, done)
    # Its coupon is free again.
    await shop.flagship(key="the-next-basket")


async def test_a_paid_order_is_not_cancelled(shop: Shop) -> None:
    """The payment is learnt by asking: nobody told us yet."""
    done = await shop.flagship()
    await shop.pay(done)
    refused = await shop.checkout.cancel(HQ, done.order_id)
    assert isinstance(refused, Problem)
    assert refused.code == "ORDER_PAID"
    await shop.worker.drain()
    assert ((await shop.view(done)).state, (await shop.order(done.order_id)).state) == ("COMPLETED", "PAID")
    assert await shop.pieces() == (2, 0)


async def test_a_payment_of_the_same_moment_ends_right(any_shop: Shop) -> None:
    """Whoever the platform lets in first has won, and the other one is told."""
    shop = any_shop
    done = await shop.flagship()
    number = done.order_id.rsplit(":", 1)[-1]

    async def pays() -> bool:
        try:
            await shop.act("payments", "pay", out_trade_no=number)
        except ValueError:
            return False
        return True

    answer, paid = await asyncio.gather(shop.checkout.cancel(shop.buyer, done.order_id), pays())
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    if paid:
        assert isinstance(answer, Problem)
        assert answer.code == "ORDER_PAID"
        assert (await shop.order(done.order_id)).state == "PAID"
        assert await shop.pieces() == (2, 0)
    else:
        assert answer == done.transaction_id
        await cancelled(shop, done)


@pytest.mark.parametrize("fault", ["hang", "reset_before", "reset_after", "status"])
async def test_a_platform_that_is_away_is_asked_by_the_job(shop: Shop, fault: FaultKind) -> None:
    done = await shop.flagship()
    shop.sandbox.kit.faults.add("payments", fault, endpoint=CLOSE, calls=(1, 2, 3), value=503)
    with hurried():
        answer = await shop.checkout.cancel(shop.buyer, done.order_id)
    renewed = await shop.checkout.renew(shop.buyer, done.order_id)
    assert isinstance(renewed, Problem)
    if isinstance(answer, Problem):
        assert answer.code == "TRANSACTION_IN_PROGRESS"
        assert renewed.code == "ORDER_NOT_PAYABLE"
    for _ in range(8):
        shop.pass_time(minutes=2)
        with hurried():
            await shop.worker.drain()
    await cancelled(shop, done)


async def test_the_store_lets_no_merchant_cancel(shop: Shop) -> None:
    refused = await shop.checkout.cancel(HQ, ref(shop, await ordered(shop)))
    assert isinstance(refused, Problem)
    assert refused.code == "ORDER_NOT_CANCELLABLE"
    assert "after-sale" in refused.message
