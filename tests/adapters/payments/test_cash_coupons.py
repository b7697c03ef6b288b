"""代金券, and the calls of 商家券 that give, link and end a coupon."""

from __future__ import annotations

import pytest

from adapters.base.errors import Conflict, Invalid, NotFound, Rejected
from adapters.payments import (
    CashCoupon,
    CashCouponState,
    CashStock,
    CashStockState,
    Coupon,
    CouponState,
    Payment,
    PaymentsAdapter,
)
from sandbox.server import Sandbox
from tests.adapters.payments.conftest import act
from tests.adapters.payments.products import NEW_STOCK, STOCK, cash_send, coupon_send, link
from tests.adapters.payments.shopping import NUMBER, hero_coupon, hero_order, intent, use


async def test_a_cash_coupon_is_taken_by_the_payment(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    coupon_id = await adapter.send_cash_coupon(cash_send(sandbox))
    assert await adapter.send_cash_coupon(cash_send(sandbox)) == coupon_id
    page = await adapter.cash_coupons(paid.payer_openid, paid.appid, state=CashCouponState.SENDED, stock_id=STOCK)
    assert [(c.coupon_id, c.value, c.minimum, c.state) for c in page.items] == [
        (coupon_id, 1000, 10000, CashCouponState.SENDED)
    ]
    assert page.total == 1
    await adapter.prepay(adapter.prepay_body(intent(sandbox)))
    made = await act(sandbox, "pay", out_trade_no=NUMBER, cash_coupon_id=coupon_id)
    payment, used = await adapter.payment(NUMBER), await adapter.cash_coupon(paid.payer_openid, paid.appid, coupon_id)
    assert isinstance(payment, Payment)
    assert isinstance(used, CashCoupon)
    assert (payment.total, payment.payer_total) == (81900, 80900)
    assert [(p.coupon_id, p.stock_id, p.amount) for p in payment.promotion] == [(coupon_id, STOCK, 1000)]
    assert (used.state, used.transaction_id, used.used_at) == (
        CashCouponState.USED,
        made["transaction_id"],
        payment.paid_at,
    )
    assert paid.payer_openid not in repr(used)


async def test_a_stock_is_sent_only_while_it_runs(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(Rejected) as early:
        await adapter.send_cash_coupon(cash_send(sandbox, stock_id=NEW_STOCK))
    await adapter.start_cash_stock(NEW_STOCK)
    await adapter.start_cash_stock(NEW_STOCK)
    await adapter.send_cash_coupon(cash_send(sandbox, stock_id=NEW_STOCK))
    with pytest.raises(Rejected) as another:
        await adapter.send_cash_coupon(cash_send(sandbox, "CASH0002", stock_id=NEW_STOCK))
    await adapter.pause_cash_stock(NEW_STOCK)
    stock = await adapter.cash_stock(NEW_STOCK)
    assert isinstance(stock, CashStock)
    assert (stock.state, stock.sent) == (CashStockState.PAUSED, 1)
    await adapter.restart_cash_stock(NEW_STOCK)
    running = await adapter.cash_stocks(state=CashStockState.RUNNING)
    assert ([each.stock_id for each in running.items], running.total) == ([STOCK, NEW_STOCK], 2)
    assert (early.value.reason, another.value.reason) == ("rule_broken", "request_blocked")
    assert isinstance(await adapter.cash_stock("1"), NotFound)


async def test_a_request_number_gives_one_cash_coupon(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.send_cash_coupon(cash_send(sandbox))
    with pytest.raises(Conflict) as caught:
        await adapter.send_cash_coupon(cash_send(sandbox, stock_id=NEW_STOCK))
    assert caught.value.reason == "already_exists"
    paid = hero_order(sandbox)
    assert isinstance(await adapter.cash_coupon(paid.payer_openid, paid.appid, "1"), NotFound)


async def test_filters_that_the_platform_lacks_are_refused(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    with pytest.raises(Invalid):
        await adapter.cash_coupons(paid.payer_openid, paid.appid, state=CashCouponState.EXPIRED)
    with pytest.raises(Invalid):
        await adapter.cash_stocks(limit=11)
    assert sandbox.kit.journal.calls == []


async def test_a_merchant_coupon_is_given(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    given = await adapter.send_coupon(coupon_send(sandbox))
    assert await adapter.send_coupon(coupon_send(sandbox)) == given
    found = await adapter.coupon(paid.payer_openid, paid.appid, given.code)
    assert isinstance(found, Coupon)
    assert (found.stock_id, found.state) == (given.stock_id, CouponState.USABLE)
    for number in range(2, 5):
        await adapter.send_coupon(coupon_send(sandbox, f"SEND000{number}"))
    with pytest.raises(Rejected) as caught:
        await adapter.send_coupon(coupon_send(sandbox, "SEND0005"))
    assert caught.value.reason == "request_blocked"
    assert len(sandbox.kit.journal.of_kind("payments", "coupon_taken")) == 4


async def test_a_link_is_cut_for_its_own_order_only(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    at = await adapter.associate_coupon(link(sandbox))
    assert await adapter.associate_coupon(link(sandbox)) == at
    for wrong in (
        adapter.associate_coupon(link(sandbox, "ASC0002", "SR20261111000002")),
        adapter.disassociate_coupon(link(sandbox, "DIS0001", "SR20261111000002")),
    ):
        with pytest.raises(Rejected) as caught:
            await wrong
        assert caught.value.reason == "rule_broken"
    await adapter.disassociate_coupon(link(sandbox, "DIS0001"))
    await adapter.disassociate_coupon(link(sandbox, "DIS0001"))
    with pytest.raises(Conflict):
        await adapter.associate_coupon(link(sandbox, order="SR20261111000002"))
    kinds = [e.kind for e in sandbox.kit.journal.effects]
    assert kinds == ["coupon_link", "coupon_unlink"]


async def test_a_linked_coupon_is_still_to_be_used_and_a_used_one_cannot_be_linked(
    adapter: PaymentsAdapter, sandbox: Sandbox
) -> None:
    await adapter.associate_coupon(link(sandbox))
    await adapter.use_coupon(use(sandbox))
    with pytest.raises(Rejected):
        await adapter.associate_coupon(link(sandbox, "ASC0002"))


async def test_a_coupon_is_made_worthless_once(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    held, paid = hero_coupon(sandbox), hero_order(sandbox)
    first = await adapter.deactivate_coupon(held.stock_id, held.code, "DEA0001", "发错")
    assert await adapter.deactivate_coupon(held.stock_id, held.code, "DEA0001", "发错") == first
    with pytest.raises(Conflict):
        await adapter.deactivate_coupon(held.stock_id, held.code, "DEA0002")
    found = await adapter.coupon(paid.payer_openid, paid.appid, held.code)
    assert isinstance(found, Coupon)
    assert found.state is CouponState.INVALID
    with pytest.raises(Rejected):
        await adapter.use_coupon(use(sandbox))
