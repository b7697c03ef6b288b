"""代金券: stocks that are started and paused, coupons that are sent, and taken by a payment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request

from adapters.payments.sandbox import coupons, schema
from adapters.payments.sandbox.state import Book, CashCoupon, CashStock, Order, RouteOf
from adapters.payments.sandbox.wire import Refused, stamp
from sandbox.platform import Kit

NAME = "payments"
PATH = "/v3/marketing/favor"
PER_PAGE, STOCKS_PER_PAGE = 20, 10
#: Verb → (states from which it leads somewhere, the state it leads to, the name of its time).
SWITCHES = {
    "start": ({"unactivated"}, "running", "start_time"),
    "pause": ({"running"}, "paused", "pause_time"),
    "restart": ({"paused"}, "running", "restart_time"),
}


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/marketing/favor``."""

    def send(book: Book, request: Request, raw: bytes) -> dict[str, Any]:
        return _send(book, kit, request.path_params["openid"], schema.parse(raw))

    def listed(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        return _listed(book, kit.clock.now(), request.path_params["openid"], request.query_params)

    def one(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        owner = coupons.owner(book, request.query_params.get("appid", ""), request.path_params["openid"])
        coupon = book.cash_coupons.get(request.path_params["coupon_id"])
        if coupon is None or coupon.person is not owner:
            raise Refused("RESOURCE_NOT_EXISTS", "查询的资源不存在")
        return _describe(book, coupon, kit.clock.now())

    def stocks(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        query = request.query_params
        _own(book, query.get("stock_creator_mchid"))
        offset, limit = coupons.page(query, STOCKS_PER_PAGE)
        found = [each for each in book.cash_stocks.values() if query.get("status", each.status) == each.status]
        data = [_described(book, each) for each in found[offset : offset + limit]]
        return {"total_count": len(found), "offset": offset, "limit": limit, "data": data}

    def stock(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        _own(book, request.query_params.get("stock_creator_mchid"))
        return _described(book, _stock(book, request.path_params["stock_id"]))

    def switch(book: Book, request: Request, raw: bytes) -> dict[str, Any]:
        verb = request.url.path.rpartition("/")[2]
        _own(book, schema.text(schema.parse(raw), "/stock_creator_mchid", most=20))
        return _switch(book, kit, _stock(book, request.path_params["stock_id"]), verb)

    one_stock, users = PATH + "/stocks/{stock_id}", PATH + "/users/{openid}/coupons"
    return [
        ("POST", users, send),
        ("GET", users, listed),
        ("GET", users + "/{coupon_id}", one),
        ("GET", PATH + "/stocks", stocks),
        ("GET", one_stock, stock),
        ("POST", one_stock + "/start", switch),
        ("POST", one_stock + "/pause", switch),
        ("POST", one_stock + "/restart", switch),
    ]


def _own(book: Book, mchid: str | None) -> None:
    if mchid != book.merchant.mchid:
        raise Refused("PARAM_ERROR", "stock_creator_mchid校验失败")


def _stock(book: Book, stock_id: str) -> CashStock:
    if stock_id not in book.cash_stocks:
        raise Refused("RESOURCE_NOT_EXISTS", "批次不存在")
    return book.cash_stocks[stock_id]


def _switch(book: Book, kit: Kit, stock: CashStock, verb: str) -> dict[str, Any]:
    """To a state that a stock has already nothing changes; the code for other states is not documented."""
    before, after, named = SWITCHES[verb]
    if stock.status in before:
        stock.status = after
        kit.effect(NAME, f"cash_stock_{verb}", stock.stock_id, mchid=book.merchant.mchid)
    elif stock.status != after:
        raise Refused("INVALID_REQUEST", "批次状态不支持该操作")
    return {named: stamp(kit.clock.now()), "stock_id": stock.stock_id}


def _send(book: Book, kit: Kit, openid: str, body: dict[str, Any]) -> dict[str, Any]:
    number = schema.text(body, "/out_request_no", most=128, pattern=schema.REQUEST_NO)
    person = coupons.owner(book, schema.text(body, "/appid", most=32), openid)
    _own(book, schema.text(body, "/stock_creator_mchid", most=20))
    stock = _stock(book, schema.text(body, "/stock_id", most=20))
    content = {**body, "openid": openid}
    if (answer := coupons.repeated(book, "cash_send", number, content)) is not None:
        return answer
    now = kit.clock.now()
    if stock.status != "running" or not stock.begins_at <= now < stock.ends_at:
        raise Refused("INVALID_REQUEST", "活动未开始或已结束")
    sent = [each for each in book.cash_coupons.values() if each.stock is stock]
    if len(sent) >= stock.most:
        raise Refused("NOT_ENOUGH", "批次预算不足")
    if sum(each.person is person for each in sent) >= stock.most_per_user:
        raise Refused("REQUEST_BLOCKED", "用户领取数量已达上限")
    coupon = CashCoupon(stock, str(9867041 + len(book.cash_coupons)), person, now)
    book.cash_coupons[coupon.coupon_id] = coupon
    answer = {"coupon_id": coupon.coupon_id}
    book.requests["cash_send", number] = (content, answer)
    kit.effect(NAME, "cash_coupon", coupon.coupon_id, mchid=book.merchant.mchid, out_request_no=number)
    return answer


def _listed(book: Book, now: datetime, openid: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Exactly one of three merchants filters, and the status may be one of two."""
    owner = coupons.owner(book, query.get("appid", ""), openid)
    filters = [query[name] for name in ("creator_mchid", "sender_mchid", "available_mchid") if query.get(name)]
    status = query.get("status", "")
    if len(filters) != 1 or status not in {"", "SENDED", "USED"}:
        raise Refused("PARAM_ERROR", "creator_mchid、sender_mchid、available_mchid须且只能传一个")
    offset, limit = coupons.page(query, PER_PAGE)
    held = [
        each
        for each in book.cash_coupons.values()
        if each.person is owner
        and filters == [book.merchant.mchid]
        and status in {"", each.state_at(now)}
        and query.get("stock_id", each.stock.stock_id) == each.stock.stock_id
    ]
    data = [_describe(book, each, now) for each in held[offset : offset + limit]]
    return {"total_count": len(held), "offset": offset, "limit": limit, "data": data}


def taken(book: Book, kit: Kit, order: Order, coupon_id: str) -> CashCoupon:
    """The coupon that a payer chose, if the platform applies it to this order. Raises ValueError."""
    coupon, payer = book.cash_coupons.get(coupon_id), book.person(order.appid, order.openid)
    if coupon is None or coupon.person is not payer or coupon.state_at(kit.clock.now()) != "SENDED":
        raise ValueError(f"the payer has no cash coupon {coupon_id} that could be used")
    if order.total < coupon.stock.minimum:
        raise ValueError(f"cash coupon {coupon_id} is good from {coupon.stock.minimum} fen")
    return coupon


def consumed(book: Book, kit: Kit, coupon: CashCoupon, order: Order) -> dict[str, Any]:
    """The payment took it; content of COUPON.USE."""
    coupon.used_at, coupon.transaction_id = order.paid_at, order.transaction_id
    kit.effect(NAME, "cash_coupon_use", coupon.coupon_id, mchid=book.merchant.mchid)
    return _describe(book, coupon, kit.clock.now())


def _describe(book: Book, coupon: CashCoupon, now: datetime) -> dict[str, Any]:
    stock = coupon.stock
    value: dict[str, Any] = {
        "stock_creator_mchid": book.merchant.mchid,
        "stock_id": stock.stock_id,
        "coupon_id": coupon.coupon_id,
        "coupon_name": stock.name,
        "description": stock.name,
        "status": coupon.state_at(now),
        "create_time": stamp(coupon.received_at),
        "coupon_type": "NORMAL",
        "no_cash": False,
        "singleitem": False,
        "available_begin_time": stamp(stock.begins_at),
        "available_end_time": stamp(stock.ends_at),
        "normal_coupon_information": {"coupon_amount": stock.value, "transaction_minimum": stock.minimum},
    }
    if coupon.used_at is not None:
        value["consume_information"] = {
            "consume_time": stamp(coupon.used_at),
            "consume_mchid": book.merchant.mchid,
            "transaction_id": coupon.transaction_id,
            "consume_amount": stock.value,
        }
    return value


def _described(book: Book, stock: CashStock) -> dict[str, Any]:
    return {
        "stock_id": stock.stock_id,
        "stock_creator_mchid": book.merchant.mchid,
        "stock_name": stock.name,
        "status": stock.status,
        "stock_type": "NORMAL",
        "no_cash": False,
        "available_begin_time": stamp(stock.begins_at),
        "available_end_time": stamp(stock.ends_at),
        "distributed_coupons": sum(each.stock is stock for each in book.cash_coupons.values()),
    }
