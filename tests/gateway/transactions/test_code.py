"""An order that is paid by a code which somebody scans (Native支付): one number, one payment, whoever pays."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway.database.tables.members import identity
from gateway.database.tables.projections import payment
from gateway.transactions.records import CheckoutDone, CouponRef, OrderPayment, Problem
from tests.databases import *  # noqa: F403
from tests.gateway.transactions.conftest import OpenShop, any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import NOTHING, Shop

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

NATIVE = "POST /v3/pay/transactions/native"


async def scanned(shop: Shop, coupon: CouponRef | None = None) -> CheckoutDone:
    coupon = coupon or await shop.coupon()
    done = await shop.buy(shop.basket(coupon=coupon), 81900, by_code=True)
    assert done.payment_request is None
    assert (done.code_url or "").startswith("weixin://wxpay/bizpayurl?pr=")
    return done


async def test_whoever_scans_it_pays_and_the_order_stays_the_shoppers(any_shop: Shop) -> None:
    shop = any_shop
    done = await scanned(shop)
    paid = await shop.pay(done, payer_openid=shop.openid("xuli"))
    for _ in range(2):
        await shop.notify(paid)
    await shop.worker.drain()
    row = await shop.order(done.order_id)
    assert (row.state, row.payer_paid, row.identity) == ("PAID", 81900, shop.buyer.session_identity)
    assert await shop.pieces() == (2, 0)
    found = await shop.database.one(
        select(payment.c.trade_type, payment.c.purchase, identity.c.member).join(
            identity, identity.c.id == payment.c.identity
        )
    )
    payer = await shop.person("xuli")
    assert tuple(found or ()) == ("NATIVE", done.order_id, payer.member)
    assert (await shop.steps(done)).items() >= {"payment.code": "DONE", "payment.capture": "DONE"}.items()
    assert [shop.effects("payments", kind) for kind in ("order", "payment", "coupon_use")] == [1, 1, 1]


async def test_the_same_key_and_a_renewal_show_the_same_code(shop: Shop) -> None:
    coupon = await shop.coupon()
    done = await scanned(shop, coupon)
    again = await scanned(shop, coupon)
    assert (again.order_id, again.code_url) == (done.order_id, done.code_url)
    assert await shop.checkout.renew(shop.buyer, done.order_id) == done
    other = await shop.ask(shop.basket(), 89900, by_code=False)
    assert isinstance(other, Problem)
    assert other.code == "IDEMPOTENCY_MISMATCH"
    assert shop.effects("payments", "order") == 1


async def test_another_way_to_pay_is_another_input(shop: Shop) -> None:
    await shop.buy(shop.basket(), 89900)
    other = await shop.ask(shop.basket(), 89900, by_code=True)
    assert isinstance(other, Problem)
    assert other.code == "IDEMPOTENCY_MISMATCH"


async def test_an_old_code_is_made_anew_under_its_number(opens: OpenShop, sqlite_url: str) -> None:
    shop = await opens(sqlite_url, expires_minutes=24 * 60)
    done = await scanned(shop)
    shop.pass_time(hours=3)
    again = await shop.checkout.renew(shop.buyer, done.order_id)
    assert isinstance(again, CheckoutDone)
    assert again.code_url not in {None, done.code_url}
    assert shop.effects("payments", "order") == 1
    await shop.pay(again)
    assert await shop.checkout.sync(shop.buyer, done.order_id) == OrderPayment("SUCCESS")


async def test_a_code_that_nobody_scans_is_closed(any_shop: Shop) -> None:
    shop = any_shop
    done = await scanned(shop)
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.order(done.order_id)).state == "CLOSED"
    assert (await shop.steps(done))["payment.code"] == "UNDONE"
    assert await shop.pieces() == (3, 0)
    with pytest.raises(ValueError, match="is CLOSED"):
        await shop.act("payments", "pay", code_url=done.code_url)
    renewed = await shop.checkout.renew(shop.buyer, done.order_id)
    assert isinstance(renewed, Problem)
    assert renewed.code == "ORDER_NOT_PAYABLE"


async def test_a_refused_code_undoes_the_order(any_shop: Shop) -> None:
    shop = any_shop
    shop.sandbox.kit.faults.add("payments", "code", endpoint=NATIVE, value="NO_AUTH")
    done = await shop.ask(shop.basket(), 89900, by_code=True)
    assert isinstance(done, Problem)
    assert (done.tool, await shop.pieces()) == ("payments", (3, 0))
    [order] = await shop.own_orders()
    assert order.state == "CLOSED"
    assert (await shop.counts())["keys"] == NOTHING["keys"]


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "truncate"])
async def test_an_answer_that_is_lost_makes_one_order(shop: Shop, fault: str) -> None:
    shop.sandbox.kit.faults.add("payments", fault, endpoint=NATIVE, calls=(1,))  # type: ignore[arg-type]
    done = await scanned(shop)
    assert shop.effects("payments", "order") == 1
    assert (await shop.pay(done)).state.paid


async def test_an_erased_shoppers_code_is_closed_by_its_time(shop: Shop) -> None:
    done = await scanned(shop)
    assert shop.buyer.member is not None
    await shop.database.keyring.destroy(shop.buyer.member)
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert await shop.pieces() == (3, 0)
    assert (await shop.view(done)).state == "COMPENSATED"
