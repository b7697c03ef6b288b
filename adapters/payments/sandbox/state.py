"""What the platform remembers of one mchid: orders, refunds, coupons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.world import CouponStock, Merchant, Person, World


@dataclass(slots=True)
class RefundEntry:
    """A refund of an order. ``status`` PROCESSING | SUCCESS | CLOSED | ABNORMAL."""

    out_refund_no: str
    refund_id: str
    amount: int
    reason: str
    notify_url: str
    created_at: datetime
    status: str = "PROCESSING"
    succeeded_at: datetime | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Order:
    """An order. ``paid_state`` NOTPAY | SUCCESS | CLOSED; ``trade_state`` is what the platform tells."""

    appid: str
    out_trade_no: str
    description: str
    total: int
    created_at: datetime
    attach: str = ""
    notify_url: str = ""
    expires_at: datetime | None = None
    openid: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    prepay_ids: dict[str, datetime] = field(default_factory=dict)
    paid_state: str = "NOTPAY"
    trade_type: str = "JSAPI"
    transaction_id: str = ""
    payer_openid: str = ""
    payer_total: int = 0
    promotion: list[dict[str, Any]] = field(default_factory=list)
    paid_at: datetime | None = None
    refunds: list[RefundEntry] = field(default_factory=list)

    @property
    def trade_state(self) -> str:
        """REFUND as soon as any refund stands, a partial one included."""
        if self.paid_state == "SUCCESS" and self.standing_refunds():
            return "REFUND"
        return self.paid_state

    def standing_refunds(self) -> list[RefundEntry]:
        """Refunds that were not refused for good."""
        return [refund for refund in self.refunds if refund.status != "CLOSED"]

    def refunded(self) -> int:
        """Fen that are given back or promised."""
        return sum(refund.amount for refund in self.standing_refunds())


@dataclass(slots=True)
class CouponEntry:
    """A 商家券 of a person. ``state`` SENDED | USED | DELETED | DEACTIVATED; expiry is told by the clock."""

    stock: CouponStock
    code: str
    person: Person
    state: str
    received_at: datetime
    begins_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    use_request_no: str = ""

    def state_at(self, now: datetime) -> str:
        """The state that the platform tells at an instant."""
        return "EXPIRED" if self.state == "SENDED" and now >= self.expires_at else self.state


@dataclass(frozen=True, slots=True)
class Misbooking:
    """Money that moved otherwise than the trade bill says: ``amount`` fen, 0 for none. ``fee``: it is about the fee."""

    at: datetime
    business_id: str
    amount: int
    fee: bool


@dataclass(slots=True)
class Book:
    """One mchid's memory. ``requests`` keeps coupon request numbers: number → (content, answer)."""

    merchant: Merchant
    people: Mapping[tuple[str, str], Person]
    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, tuple[Order, RefundEntry]] = field(default_factory=dict)
    coupons: dict[str, CouponEntry] = field(default_factory=dict)
    requests: dict[tuple[str, str], tuple[Mapping[str, Any], dict[str, Any]]] = field(default_factory=dict)
    misbooked: list[Misbooking] = field(default_factory=list)

    def person(self, appid: str, openid: str) -> Person | None:
        """Whoever holds the openid within the appid."""
        return self.people.get((appid, openid))


def books(world: World) -> dict[str, Book]:
    """The books as they stand when the sandbox starts."""
    people = {(app, openid): p for p in world.people.values() for app, openid in p.openids.items()}
    made = {merchant.mchid: Book(merchant, people) for merchant in world.merchants}
    for payment in world.payments:
        order = Order(
            appid=payment.appid,
            out_trade_no=payment.out_trade_no,
            description=payment.description,
            total=payment.total,
            created_at=payment.created_at,
            attach=payment.attach,
            expires_at=payment.created_at + timedelta(minutes=30),
            openid=payment.payer_openid,
            paid_state="SUCCESS" if payment.state == "REFUND" else payment.state,
            trade_type=payment.trade_type,
            transaction_id=payment.transaction_id,
            payer_openid=payment.payer_openid,
            payer_total=payment.payer_total,
            paid_at=payment.paid_at,
        )
        made[payment.mchid].orders[order.out_trade_no] = order
    for refund in world.refunds:
        book = made[refund.mchid]
        order = book.orders[refund.out_trade_no]
        entry = RefundEntry(
            refund.out_refund_no,
            refund.refund_id,
            refund.amount,
            refund.reason,
            "",
            refund.created_at,
            refund.status,
            refund.succeeded_at,
        )
        order.refunds.append(entry)
        book.refunds[entry.out_refund_no] = (order, entry)
    stocks = {stock.stock_id: stock for stock in world.coupon_stocks}
    for held in world.coupons:
        stock = stocks[held.stock_id]
        made[stock.mchid].coupons[held.code] = CouponEntry(
            stock,
            held.code,
            world.people[held.person],
            "SENDED" if held.state == "EXPIRED" else held.state,
            held.received_at,
            held.begins_at,
            held.expires_at,
            held.used_at,
        )
    return made
