"""Orders: prepay, query, close, and the shopper who pays."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from adapters.payments.sandbox import schema
from adapters.payments.sandbox.state import Book, Order, RouteOf
from adapters.payments.sandbox.wire import Refused, signed_by, stamp
from sandbox.clock import BEIJING
from sandbox.platform import Kit

NAME = "payments"
PATH = "/v3/pay/transactions"
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=15)
PREPAY_ID_LIFETIME = timedelta(hours=2)
STATES = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "CLOSED": "订单已关闭",
}


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/pay/transactions``."""

    def query(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        _own(book, request)
        return describe(book, found(book, request.path_params["number"]))

    def query_by_id(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        _own(book, request)
        return describe(book, by_transaction(book, request.path_params["number"]))

    def shut(book: Book, request: Request, raw: bytes) -> None:
        close(book, kit, request.path_params["number"], raw)

    return [
        ("POST", PATH + "/jsapi", lambda book, _request, raw: prepay(book, kit, raw)),
        ("POST", PATH + "/native", lambda book, _request, raw: prepay_code(book, kit, raw)),
        ("GET", PATH + "/out-trade-no/{number}", query),
        ("GET", PATH + "/id/{number}", query_by_id),
        ("POST", PATH + "/out-trade-no/{number}/close", shut),
    ]


def _own(book: Book, request: Request) -> None:
    if request.query_params.get("mchid") != book.merchant.mchid:
        raise Refused("PARAM_ERROR", "输入源“/query/mchid”校验失败")


def prepay(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """JSAPI prepay. The first body of a number is remembered; a different one is refused."""
    order = _accepted(book, kit, schema.parse(raw), "JSAPI")
    now = kit.clock.now()
    prepay_id = f"wx{now.astimezone(BEIJING):%d%H%M%S}{secrets.token_hex(13)}"
    order.prepay_ids[prepay_id] = now
    return {"prepay_id": prepay_id}


def prepay_code(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """Native prepay: as for JSAPI, but nobody knows yet who will pay, and a closed order has a code of its own."""
    body = schema.parse(raw)
    known = book.orders.get(str(body.get("out_trade_no")))
    if known is not None and known.paid_state == "CLOSED" and known.body == body:
        raise Refused("ORDER_CLOSED", "订单已关闭")
    order = _accepted(book, kit, body, "NATIVE")
    code_url = f"weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(6)}"
    order.code_urls[code_url] = kit.clock.now()
    return {"code_url": code_url}


def _accepted(book: Book, kit: Kit, body: dict[str, Any], trade_type: str) -> Order:
    """The order of a number, new or known."""
    order = _asked(book, kit.clock.now(), body, trade_type)
    known = book.orders.get(order.out_trade_no)
    if known is not None:
        if known.body != body:
            raise Refused("OUT_TRADE_NO_USED", "商户订单号重复, 请求参数与首次不一致")
        if known.paid_state != "NOTPAY":
            raise Refused("OUT_TRADE_NO_USED", "商户订单号已使用, 订单已支付或已关闭")
    elif order.expires_at is not None and order.expires_at < kit.clock.now() + SHORTEST:
        raise schema.wrong("/time_expire", "datetime_min", body["time_expire"])
    if order.expires_at is not None and order.expires_at <= kit.clock.now():
        raise schema.wrong("/time_expire", "datetime_min", body["time_expire"])
    if known is None:
        known = book.orders[order.out_trade_no] = order
        kit.effect(NAME, "order", order.out_trade_no, mchid=book.merchant.mchid, total=order.total)
    return known


def _asked(book: Book, now: datetime, body: Mapping[str, Any], trade_type: str) -> Order:
    """The order that the body asks for, after the platform's checks of its shape and its owner."""
    appid = schema.text(body, "/appid", most=32)
    mchid = schema.text(body, "/mchid", most=32)
    expires_at = schema.instant(body, "/time_expire")
    order = Order(
        appid=appid,
        out_trade_no=schema.text(body, "/out_trade_no", least=6, most=32, pattern=schema.OUT_TRADE_NO),
        description=schema.text(body, "/description", most=127),
        total=schema.number(body, "/amount/total"),
        created_at=now,
        attach=schema.text(body, "/attach", most=128, least=0, required=False),
        notify_url=schema.notify_url(body, most=255, required=True),
        expires_at=expires_at,
        openid=schema.text(body, "/payer/openid", most=128, required=trade_type == "JSAPI"),
        body=body,
        trade_type=trade_type,
    )
    if body["amount"].get("currency", "CNY") != "CNY":
        raise schema.wrong("/amount/currency", "enum")
    if expires_at is not None and expires_at > now + LONGEST:
        raise schema.wrong("/time_expire", "datetime_max", body["time_expire"])
    if mchid != book.merchant.mchid:
        raise Refused("PARAM_ERROR", "http header中的mchid与post payload中的mchid不匹配")
    if appid not in book.merchant.appids:
        raise Refused("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")
    if order.openid and book.person(appid, order.openid) is None:
        # The code for this case is not documented for JSAPI orders.
        raise Refused("PARAM_ERROR", "无效的openid")
    return order


def found(book: Book, out_trade_no: str) -> Order:
    """An order by number. Raises Refused."""
    order = book.orders.get(out_trade_no)
    if order is None:
        raise Refused("ORDER_NOT_EXIST", "订单不存在")
    return order


def by_transaction(book: Book, transaction_id: str) -> Order:
    """An order by the platform's own number. Raises Refused."""
    for order in book.orders.values():
        if order.transaction_id == transaction_id:
            return order
    raise Refused("ORDER_NOT_EXIST", "订单不存在")


def describe(book: Book, order: Order) -> dict[str, Any]:
    """The order object of the query and of TRANSACTION.SUCCESS."""
    value: dict[str, Any] = {
        "appid": order.appid,
        "mchid": book.merchant.mchid,
        "out_trade_no": order.out_trade_no,
        "trade_state": order.trade_state,
        "trade_state_desc": STATES.get(order.trade_state, order.trade_state),
        "attach": order.attach,
        "amount": {"total": order.total, "currency": "CNY"},
    }
    if order.paid_at is not None:
        value["transaction_id"] = order.transaction_id
        value["trade_type"] = order.trade_type
        value["bank_type"] = "OTHERS"
        value["success_time"] = stamp(order.paid_at)
        value["payer"] = {"openid": order.payer_openid}
        value["amount"] |= {"payer_total": order.payer_total, "payer_currency": "CNY"}
        if order.promotion:
            value["promotion_detail"] = order.promotion
    return value


def close(book: Book, kit: Kit, out_trade_no: str, raw: bytes) -> None:
    """Close an unpaid order; closing it again is fine."""
    if schema.text(schema.parse(raw), "/mchid", most=32) != book.merchant.mchid:
        raise Refused("PARAM_ERROR", "http header中的mchid与post payload中的mchid不匹配")
    order = found(book, out_trade_no)
    if order.paid_state == "SUCCESS":
        raise Refused("ORDER_PAID", "该订单已支付")
    if order.paid_state == "NOTPAY":
        order.paid_state = "CLOSED"
        kit.effect(NAME, "close", out_trade_no, mchid=book.merchant.mchid)


def pay(
    book: Book,
    kit: Kit,
    order: Order,
    payer_openid: str,
    cash_coupon: int,
    *,
    crossed: bool = False,
    coupon: tuple[str, str] | None = None,
) -> None:
    """The shopper confirms. Raises ValueError when WeChat would refuse.

    ``coupon``: id and stock of the cash coupon, where it is one that the book knows.

    ``crossed``: the bank took the money in the moment in which the order was closed, and the payment stands.
    """
    now = kit.clock.now()
    if order.paid_state != ("CLOSED" if crossed else "NOTPAY"):
        raise ValueError(f"order {order.out_trade_no} is {order.trade_state}: WeChat takes no payment for it")
    if order.expires_at is not None and now >= order.expires_at and not crossed:
        raise ValueError(f"order {order.out_trade_no} expired at {stamp(order.expires_at)}")
    if not 0 <= cash_coupon < order.total:
        raise ValueError("cash_coupon must be 0 or more and less than the order's total, in fen")
    payer = payer_openid or order.openid
    if book.person(order.appid, payer) is None:
        raise ValueError("payer_openid does not belong to the order's appid")
    order.paid_state = "SUCCESS"
    order.paid_at = now
    order.payer_openid = payer
    order.payer_total = order.total - cash_coupon
    order.transaction_id = transaction_id(kit)
    if cash_coupon:
        coupon_id, stock_id = coupon or (str(secrets.randbelow(9 * 10**9) + 10**9), "931386")
        order.promotion = [
            {
                "coupon_id": coupon_id,
                "name": "微信支付代金券",
                "scope": "GLOBAL",
                "type": "CASH",
                "amount": cash_coupon,
                "stock_id": stock_id,
                "wechatpay_contribute": 0,
                "merchant_contribute": cash_coupon,
                "other_contribute": 0,
                "currency": "CNY",
            }
        ]
    kit.effect(NAME, "payment", order.out_trade_no, mchid=book.merchant.mchid, total=order.total)


def check_payment_request(book: Book, kit: Kit, order: Order, request: Mapping[str, str]) -> None:
    """What WeChat checks when a page calls ``wx.requestPayment``. Raises ValueError."""
    key = kit.keys.rsa(f"payments/{book.merchant.mchid}/merchant").public_key()
    parts = (order.appid, request["timeStamp"], request["nonceStr"], request["package"])
    message = "".join(part + "\n" for part in parts).encode()
    if request["signType"] != "RSA" or not signed_by(key, request["paySign"], message):
        raise ValueError("paySign is not the merchant's signature: 支付验证签名失败")
    made_at = order.prepay_ids.get(request["package"].removeprefix("prepay_id="))
    if made_at is None or kit.clock.now() - made_at > PREPAY_ID_LIFETIME:
        raise ValueError("the prepay_id is not of this order or is older than two hours")


def pos_pay(book: Book, kit: Kit, openid: str, appid: str, total: int, description: str) -> Order:
    """A 付款码 payment at a till: the gateway hears of it in the bill only."""
    now = kit.clock.now()
    order = Order(
        appid=appid,
        out_trade_no=f"POS{now.astimezone(BEIJING):%Y%m%d%H%M%S}{secrets.randbelow(10**6):06d}",
        description=description,
        total=total,
        created_at=now,
        trade_type="MICROPAY",
        paid_state="SUCCESS",
        transaction_id=transaction_id(kit),
        payer_openid=openid,
        payer_total=total,
        paid_at=now,
    )
    book.orders[order.out_trade_no] = order
    kit.effect(NAME, "payment", order.out_trade_no, mchid=book.merchant.mchid, total=total)
    return order


def transaction_id(kit: Kit) -> str:
    """28 digits: a prefix, the day, the rest drawn."""
    return f"4200001234{kit.clock.now().astimezone(BEIJING):%Y%m%d}{secrets.randbelow(10**10):010d}"
