"""Refunds: asked for, queried, settled."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from adapters.payments.sandbox import orders, schema, sealed
from adapters.payments.sandbox.state import Book, Order, RefundEntry, RouteOf
from adapters.payments.sandbox.wire import Refused, stamp
from sandbox.clock import BEIJING
from sandbox.platform import Kit

WINDOW = timedelta(days=365)
INTERVAL = timedelta(minutes=1)
MOST = 50
REASON_BYTES = 80
PATH = "/v3/refund/domestic/refunds"


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/refund/domestic``."""

    def query(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        return describe(*found(book, request.path_params["number"]))

    def redirect(book: Book, request: Request, raw: bytes) -> dict[str, Any]:
        return _redirect(book, kit, request, schema.parse(raw))

    return [
        ("POST", PATH, lambda book, _request, raw: create(book, kit, raw)),
        ("GET", PATH + "/{number}", query),
        ("POST", PATH + "/{number}/apply-abnormal-refund", redirect),
    ]


def create(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """退款申请: one number refunds once, however often it is sent."""
    body = schema.parse(raw)
    number = schema.text(body, "/out_refund_no", most=64, pattern=schema.OUT_REFUND_NO)
    amount = schema.number(body, "/amount/refund")
    total = schema.number(body, "/amount/total")
    if body["amount"].get("currency") != "CNY":
        raise schema.wrong("/amount/currency", "required")
    reason = schema.text(body, "/reason", most=REASON_BYTES, least=0, required=False)
    if len(reason.encode()) > REASON_BYTES:
        raise schema.wrong("/reason", "string_bytes", reason)
    url = schema.notify_url(body, most=256, required=False)
    if body.get("funds_account", "AVAILABLE") != "AVAILABLE":
        raise schema.wrong("/funds_account", "enum", body["funds_account"])
    order = _order(book, body)
    known = book.refunds.get(number)
    if known is not None:
        if known[1].body != body:
            raise Refused("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        return describe(*known)
    _allowed(order, kit, amount, total)
    now = kit.clock.now()
    entry = RefundEntry(number, _refund_id(now), amount, reason, url, now, body=body)
    _enter(book, kit, order, entry)
    return describe(order, entry)


def _redirect(book: Book, kit: Kit, request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """发起异常退款: an ABNORMAL refund goes to a bank card."""
    for name in ("bank_account", "real_name"):
        body = sealed.opened(book, kit, request, body, name, "/" + name)
    order, entry = found(book, schema.text(body, "/out_refund_no", most=64))
    kind = schema.text(body, "/type", most=32)
    if entry.refund_id != request.path_params["number"]:
        raise Refused("RESOURCE_NOT_EXISTS", "退款单不存在")
    if kind not in {"USER_BANK_CARD", "MERCHANT_BANK_CARD"}:
        raise schema.wrong("/type", "enum", kind)
    if kind == "USER_BANK_CARD":
        for name in ("bank_type", "bank_account", "real_name"):
            schema.text(body, "/" + name, most=64)
    if entry.redirected and entry.redirected == body:
        return describe(order, entry)
    if entry.status != "ABNORMAL":
        raise Refused("INVALID_REQUEST", "退款状态不是退款异常，不可发起异常退款")
    entry.status, entry.redirected = "PROCESSING", body
    kit.effect(orders.NAME, "refund_redirected", entry.out_refund_no, mchid=book.merchant.mchid, type=kind)
    return describe(order, entry)


def by_hand(book: Book, kit: Kit, order: Order, amount: int) -> RefundEntry:
    """A refund that somebody makes in the merchant console, and that arrives at once. Raises ValueError.

    The platform makes its number. How the console numbers refunds is not documented.
    """
    try:
        _allowed(order, kit, amount, order.total)
    except Refused as refused:
        raise ValueError(f"{refused.code}: {refused.message}") from refused
    now = kit.clock.now()
    number = f"{order.out_trade_no[:20]}M{secrets.randbelow(10**11):011d}"
    entry = RefundEntry(number, _refund_id(now), amount, "", "", now, status="SUCCESS", succeeded_at=now)
    _enter(book, kit, order, entry)
    return entry


def _refund_id(now: datetime) -> str:
    return f"5030{secrets.randbelow(10**6):06d}{now.astimezone(BEIJING):%Y%m%d}{secrets.randbelow(10**11):011d}"


def _enter(book: Book, kit: Kit, order: Order, entry: RefundEntry) -> None:
    order.refunds.append(entry)
    book.refunds[entry.out_refund_no] = (order, entry)
    kit.effect(
        orders.NAME,
        "refund",
        entry.out_refund_no,
        mchid=book.merchant.mchid,
        out_trade_no=order.out_trade_no,
        amount=entry.amount,
    )


def _order(book: Book, body: dict[str, Any]) -> Order:
    """The order by transaction_id, which wins, or out_trade_no."""
    transaction = schema.text(body, "/transaction_id", most=32, required=False)
    number = schema.text(body, "/out_trade_no", most=32, required=not transaction)
    try:
        return orders.by_transaction(book, transaction) if transaction else orders.found(book, number)
    except Refused:
        raise Refused("RESOURCE_NOT_EXISTS", "订单不存在") from None


def _allowed(order: Order, kit: Kit, amount: int, total: int) -> None:
    """The platform's business rules. Codes for the last four are plausible, not documented one by one."""
    now = kit.clock.now()
    if order.paid_state == "CLOSED":
        raise Refused("ORDER_CLOSED", "订单已关闭")
    if order.paid_at is None:
        raise Refused("INVALID_REQUEST", "订单未支付")
    if total != order.total:
        raise Refused("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
    if now > order.paid_at + WINDOW:
        raise Refused("INVALID_REQUEST", "订单已超过可退款的最大期限")
    if order.refunded() + amount > order.total:
        raise Refused("INVALID_REQUEST", "申请退款金额超过订单可退金额")
    if len(order.refunds) >= MOST:
        raise Refused("INVALID_REQUEST", "部分退款次数超过限制")
    if order.refunds and now < order.refunds[-1].created_at + INTERVAL:
        raise Refused("FREQUENCY_LIMITED", "频率限制，同一订单退款间隔须超过1分钟")


def found(book: Book, out_refund_no: str) -> tuple[Order, RefundEntry]:
    """A refund by number. Raises Refused."""
    if out_refund_no not in book.refunds:
        raise Refused("RESOURCE_NOT_EXISTS", "退款单不存在")
    return book.refunds[out_refund_no]


def payer_share(order: Order, amount: int) -> int:
    """What of a refund goes to the payer; the rest goes back to the coupon. Rounded down."""
    return amount * order.payer_total // order.total


def describe(order: Order, entry: RefundEntry) -> dict[str, Any]:
    """The refund object of the API."""
    payer_refund = payer_share(order, entry.amount)
    value: dict[str, Any] = {
        "refund_id": entry.refund_id,
        "out_refund_no": entry.out_refund_no,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": stamp(entry.created_at),
        "status": entry.status,
        "funds_account": "UNSETTLED",
        "amount": {
            "total": order.total,
            "refund": entry.amount,
            "from": [],
            "payer_total": order.payer_total,
            "payer_refund": payer_refund,
            "settlement_refund": payer_refund,
            "settlement_total": order.payer_total,
            "discount_refund": entry.amount - payer_refund,
            "currency": "CNY",
            "refund_fee": 0,
        },
        "promotion_detail": [],
    }
    if entry.succeeded_at is not None:
        value["success_time"] = stamp(entry.succeeded_at)
    return value


def notified(book: Book, order: Order, entry: RefundEntry) -> dict[str, Any]:
    """The refund object of a notification: other names, fewer fields."""
    value: dict[str, Any] = {
        "mchid": book.merchant.mchid,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "refund_id": entry.refund_id,
        "out_refund_no": entry.out_refund_no,
        "refund_status": entry.status,
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": order.total,
            "refund": entry.amount,
            "payer_total": order.payer_total,
            "payer_refund": payer_share(order, entry.amount),
        },
    }
    if entry.succeeded_at is not None:
        value["success_time"] = stamp(entry.succeeded_at)
    return value


def settle(book: Book, kit: Kit, entry: RefundEntry, status: str) -> None:
    """The bank decides. Raises ValueError for a status that cannot follow."""
    if status not in {"SUCCESS", "CLOSED", "ABNORMAL"}:
        raise ValueError("status must be SUCCESS, CLOSED or ABNORMAL")
    if entry.status not in {"PROCESSING", "ABNORMAL"}:
        raise ValueError(f"refund {entry.out_refund_no} is {entry.status} already")
    entry.status = status
    entry.succeeded_at = kit.clock.now() if status == "SUCCESS" else None
    kit.effect(orders.NAME, "refund_settled", entry.out_refund_no, mchid=book.merchant.mchid, status=status)
