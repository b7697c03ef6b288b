"""What the platform remembers of one mchid: orders, refunds, coupons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

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
    #: The bank card that an ABNORMAL refund was sent to, as it was asked for.
    redirected: Mapping[str, Any] = field(default_factory=dict)


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
    code_urls: dict[str, datetime] = field(default_factory=dict)
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
    """A 商家券 of a person. ``state`` SENDED | USED | DELETED | DEACTIVATED; expiry is told by the clock.

    ``linked_to`` is the out_trade_no of 关联订单.
    """

    stock: CouponStock
    code: str
    person: Person
    state: str
    received_at: datetime
    begins_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    use_request_no: str = ""
    send_request_no: str = ""
    linked_to: str = ""

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
class CashStock:
    """A batch of 代金券, ``value`` fen off from ``minimum``. ``status`` as the platform spells it (``stoped``)."""

    stock_id: str
    name: str
    value: int
    minimum: int
    begins_at: datetime
    ends_at: datetime
    most: int
    most_per_user: int
    status: str = "running"


@dataclass(slots=True)
class CashCoupon:
    """A 代金券 of a person; ``transaction_id`` is the payment that took it."""

    stock: CashStock
    coupon_id: str
    person: Person
    received_at: datetime
    used_at: datetime | None = None
    transaction_id: str = ""

    def state_at(self, now: datetime) -> str:
        """The state that the platform tells at an instant."""
        if self.used_at is not None:
            return "USED"
        return "EXPIRED" if now >= self.stock.ends_at else "SENDED"


@dataclass(slots=True)
class TransferEntry:
    """A 商家转账. ``body`` is what was asked for, its name in clear."""

    out_bill_no: str
    transfer_bill_no: str
    amount: int
    openid: str
    person: Person
    notify_url: str
    created_at: datetime
    updated_at: datetime
    body: Mapping[str, Any]
    package: str
    state: str = "WAIT_USER_CONFIRM"
    fail_reason: str = ""


@dataclass(slots=True)
class SharePart:
    """A part of a sharing. ``result`` PENDING | SUCCESS | CLOSED."""

    type: str
    account: str
    amount: int
    description: str
    detail_id: str
    created_at: datetime
    result: str = "PENDING"
    fail_reason: str = ""
    finished_at: datetime | None = None


@dataclass(slots=True)
class SharingEntry:
    """A 分账单. ``unfreezes``: nothing more is shared of the order afterwards."""

    out_order_no: str
    order_id: str
    order: Order
    parts: list[SharePart]
    unfreezes: bool
    body: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        """True when every part has its result."""
        return all(part.result != "PENDING" for part in self.parts)


@dataclass(slots=True)
class ShareReturnEntry:
    """A 分账回退. ``result`` PROCESSING | SUCCESS | FAILED."""

    out_return_no: str
    return_id: str
    sharing: SharingEntry
    part: SharePart
    amount: int
    description: str
    body: Mapping[str, Any]
    created_at: datetime
    result: str = "PROCESSING"
    fail_reason: str = ""


@dataclass(slots=True)
class Book:
    """One mchid's memory. ``requests`` keeps coupon request numbers: number → (content, answer).

    ``receivers`` are those of 分账, by kind and account. ``certificates``: how many 平台证书 there were so far.
    """

    merchant: Merchant
    people: Mapping[tuple[str, str], Person]
    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, tuple[Order, RefundEntry]] = field(default_factory=dict)
    coupons: dict[str, CouponEntry] = field(default_factory=dict)
    requests: dict[tuple[str, str], tuple[Mapping[str, Any], dict[str, Any]]] = field(default_factory=dict)
    misbooked: list[Misbooking] = field(default_factory=list)
    coupon_stocks: dict[str, CouponStock] = field(default_factory=dict)
    cash_stocks: dict[str, CashStock] = field(default_factory=dict)
    cash_coupons: dict[str, CashCoupon] = field(default_factory=dict)
    transfers: dict[str, TransferEntry] = field(default_factory=dict)
    #: Transfers are ACCEPTED first, and checked when an action says so.
    checks_transfers: bool = False
    receivers: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    sharings: dict[str, SharingEntry] = field(default_factory=dict)
    share_returns: dict[str, ShareReturnEntry] = field(default_factory=dict)
    certificates: int = 1

    def person(self, appid: str, openid: str) -> Person | None:
        """Whoever holds the openid within the appid."""
        return self.people.get((appid, openid))


#: Handles an authenticated request: an object to answer, None for 204, bytes for an unsigned file.
Handler = Callable[[Book, Request, bytes], "dict[str, Any] | bytes | None"]
#: Method, path and handler.
RouteOf = tuple[str, str, Handler]


def books(world: World) -> dict[str, Book]:
    """The books as they stand when the sandbox starts."""
    people = {(app, openid): p for p in world.people.values() for app, openid in p.openids.items()}
    made = {merchant.mchid: Book(merchant, people) for merchant in world.merchants}
    for each in world.coupon_stocks:
        made[each.mchid].coupon_stocks[each.stock_id] = each
    main = made[world.merchants[0].mchid]
    for cash in _cash_stocks(world.now):
        main.cash_stocks[cash.stock_id] = cash
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


def _cash_stocks(now: datetime) -> list[CashStock]:
    """Two that the brand made in the console: one is sent, the other was made today and not started yet."""
    begins, ends = now - timedelta(days=10), now + timedelta(days=20)
    return [
        CashStock("9856000", "双11代金券满100减10", 1000, 10000, begins, ends, 1000, 2),
        CashStock("9856001", "双12代金券满200减30", 3000, 20000, begins, ends, 1000, 1, status="unactivated"),
    ]


def holding(books: Mapping[str, Book], asked: Mapping[str, Any], holds: Callable[[Book], bool], what: str) -> Book:
    """The book that an action is about; ``mchid`` settles it where numbers repeat between mchids."""
    mchid = asked.get("mchid")
    for book in books.values():
        if mchid in {None, book.merchant.mchid} and holds(book):
            return book
    raise ValueError(f"no {what} at 微信支付" + (f" for mchid {mchid}" if mchid else ""))
