"""Turns a priced basket into a saga: its order, and every step's intent, complete before anything happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.payments import PrepayIntent
from gateway.events.projections.purchases import OwnLine, OwnOrder
from gateway.transactions import coupons
from gateway.transactions.log import Planned
from gateway.transactions.order_steps import (
    Nothing,
    Payable,
    PlaceOrder,
    Prepay,
    ReserveStock,
    capture,
    place_order,
    prepay,
    prepay_code,
    reserve_stock,
)
from gateway.transactions.parties import Seller, Shopper
from gateway.transactions.pricing import Priced
from gateway.transactions.records import CheckoutInput, Quote
from gateway.transactions.steps import AnyStep
from gateway.transactions.tail_steps import (
    NotifyGuide,
    ReportConversion,
    UseCoupon,
    notify_guide,
    report_conversion,
    use_coupon,
)

KIND: Final = "checkout"
STEPS: Final[tuple[AnyStep, ...]] = (
    reserve_stock,
    place_order,
    prepay,
    prepay_code,
    capture,
    use_coupon,
    notify_guide,
    report_conversion,
)
#: Characters of a product description at 微信支付, and bytes of an app message that we fill at most.
_DESCRIPTION = 127
_SUMMARY_LINES = 5


@dataclass(frozen=True, slots=True)
class Purchase:
    """A checkout that is about to begin."""

    saga: str
    asked: CheckoutInput
    shopper: Shopper
    seller: Seller
    priced: Priced
    order: OwnOrder
    expires_at: datetime
    notify_url: str
    #: Parts of the payment may go on to other merchants.
    shareable: bool = False


def order(
    saga: str, number: str, asked: CheckoutInput, shopper: Shopper, seller: Seller, priced: Priced, now: datetime
) -> OwnOrder:
    """The order of a priced basket."""
    quote = priced.quote
    return OwnOrder(
        appid=shopper.appid,
        number=number,
        saga=saga,
        mchid=seller.payments.account,
        identity=shopper.identity,
        member=shopper.member,
        lines=tuple(
            OwnLine(each.sku, each.title, each.quantity, each.list_amount, each.discount, each.paid)
            for each in quote.lines
        ),
        list_total=quote.list_total,
        discount=quote.discount,
        freight=quote.freight,
        payable=quote.payable,
        method=asked.quote.method,
        store=seller.store,
        guide=seller.guide,
        created_at=now,
    )


def steps(plan: Purchase) -> Sequence[Planned]:
    """All steps in order. Raises Invalid where 微信支付 would refuse the prepay."""
    placed, coupon = plan.order, plan.priced.coupon
    pieces = {each.sku: each.quantity for each in placed.lines}
    place = PlaceOrder(placed, plan.expires_at, coupons.ref(coupon) if coupon else None, placed.discount)
    payable = Payable(placed.mchid, placed.appid, placed.number, placed.id, placed.payable)
    return (
        Planned(reserve_stock, ReserveStock(plan.seller.location, pieces)),
        Planned(place_order, place),
        _prepay(plan),
        Planned(capture, payable, key=placed.number),
        _coupon(plan),
        _message(plan),
        _conversion(plan),
    )


def _prepay(plan: Purchase) -> Planned:
    placed = plan.order
    if placed.payable == 0:
        return Planned(prepay, Nothing(), skip="NOTHING_TO_PAY")
    body = plan.seller.payments.prepay_body(
        PrepayIntent(
            appid=placed.appid,
            out_trade_no=placed.number,
            description=_description(plan.priced.quote),
            notify_url=plan.notify_url,
            expires_at=plan.expires_at,
            # So that bills can be joined to transactions and stores again.
            attach=f"{plan.saga}|{placed.store or ''}"[:128],
            total=placed.payable,
            profit_sharing=plan.shareable,
            payer_openid="" if plan.asked.by_code else plan.shopper.openid,
        )
    )
    asking = prepay_code if plan.asked.by_code else prepay
    return Planned(asking, Prepay(placed.mchid, placed.appid, placed.number, body), key=placed.number)


def _coupon(plan: Purchase) -> Planned:
    if plan.priced.coupon is None:
        return Planned(use_coupon, Nothing(), skip="NO_COUPON")
    number = f"USE{plan.order.number}"
    return Planned(use_coupon, UseCoupon(plan.order.id, plan.priced.coupon, number), key=number)


def _message(plan: Purchase) -> Planned:
    seller, placed = plan.seller, plan.order
    if seller.guide is None or seller.corpid is None or seller.userid is None:
        return Planned(notify_guide, Nothing(), skip="NO_GUIDE")
    intent = NotifyGuide(placed.id, placed.number, seller.guide, seller.corpid, seller.userid, _text(placed))
    return Planned(notify_guide, intent, key=placed.number)


def _conversion(plan: Purchase) -> Planned:
    placed = plan.order
    if not plan.asked.click_id:
        return Planned(report_conversion, Nothing(), skip="NO_CLICK")
    intent = ReportConversion(
        placed.id,
        placed.number,
        placed.identity,
        placed.appid,
        plan.shopper.openid,
        plan.asked.click_id,
        placed.payable,
    )
    return Planned(report_conversion, intent, key=placed.number)


def _description(quote: Quote) -> str:
    """What the payer sees: the first title, and how many others."""
    more = f" 等{len(quote.lines)}种" if len(quote.lines) > 1 else ""
    return quote.lines[0].title[: _DESCRIPTION - len(more)] + more


def _text(placed: OwnOrder) -> str:
    """The guide's message. It names goods and order, no person; the number makes each message another."""
    how = "到店自提" if placed.method == "PICKUP" else "快递发货"
    goods = [f"{each.title[:60]} ×{each.quantity}" for each in placed.lines[:_SUMMARY_LINES]]
    if len(placed.lines) > _SUMMARY_LINES:
        goods.append(f"…共{len(placed.lines)}种")
    paid = f"实付 ¥{placed.payable // 100}.{placed.payable % 100:02d}"
    return "\n".join([f"您的顾客已付款，{how}", *goods, paid, f"订单 {placed.number}"])
