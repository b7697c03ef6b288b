"""商家券 of a user: sent, listed, used, returned, made worthless, linked to an order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from adapters.payments.sandbox import schema
from adapters.payments.sandbox.state import Book, CouponEntry, RouteOf
from adapters.payments.sandbox.wire import Refused, stamp
from sandbox.platform import Kit
from sandbox.world import CouponStock, Person

NAME = "payments"
LIMIT = 20
STATES = frozenset({"SENDED", "USED", "EXPIRED", "DELETED", "DEACTIVATED"})
PATH = "/v3/marketing/busifavor"
LINK_NO = re.compile(r"[0-9A-Za-z|_*\-]{1,128}")
#: 每人可领个数, and how long a coupon that is taken stays good.
MOST_PER_USER = 5
GOOD_FOR = timedelta(days=30)


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/marketing/busifavor``."""

    def many(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        return listed(book, kit.clock.now(), request.path_params["openid"], request.query_params)

    def single(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        path = request.path_params
        return one(book, kit.clock.now(), path["openid"], path["code"], path["appid"])

    return [
        ("GET", PATH + "/users/{openid}/coupons", many),
        ("GET", PATH + "/users/{openid}/coupons/{code}/appids/{appid}", single),
        ("POST", PATH + "/coupons/send", lambda book, _request, raw: send(book, kit, raw)),
        ("POST", PATH + "/coupons/use", lambda book, _request, raw: use(book, kit, raw)),
        ("POST", PATH + "/coupons/return", lambda book, _request, raw: give_back(book, kit, raw)),
        ("POST", PATH + "/coupons/deactivate", lambda book, _request, raw: deactivate(book, kit, raw)),
        ("POST", PATH + "/coupons/associate", lambda book, _request, raw: associate(book, kit, raw)),
        ("POST", PATH + "/coupons/disassociate", lambda book, _request, raw: disassociate(book, kit, raw)),
    ]


def listed(book: Book, now: datetime, openid: str, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of a user's coupons, the newest first."""
    holder = owner(book, query.get("appid", ""), openid)
    state = query.get("coupon_state", "")
    if state and state not in STATES:
        raise Refused("PARAM_ERROR", "输入源“/query/coupon_state”校验失败")
    offset, limit = page(query, LIMIT)
    creators = (query.get("creator_merchant"), query.get("belong_merchant"), query.get("sender_merchant"))
    held = [
        coupon
        for coupon in book.coupons.values()
        if coupon.person is holder
        and (not state or coupon.state_at(now) == state)
        and query.get("stock_id", coupon.stock.stock_id) == coupon.stock.stock_id
        and all(mchid in {None, coupon.stock.mchid} for mchid in creators)
    ]
    held.sort(key=lambda coupon: (coupon.received_at, coupon.code), reverse=True)
    data = [describe(coupon, now) for coupon in held[offset : offset + limit]]
    return {"total_count": len(held), "offset": offset, "limit": limit, "data": data}


def one(book: Book, now: datetime, openid: str, code: str, appid: str) -> dict[str, Any]:
    """One coupon of a user."""
    holder = owner(book, appid, openid)
    coupon = book.coupons.get(code)
    if coupon is None or coupon.person is not holder:
        raise Refused("RESOURCE_NOT_EXISTS", "查询的资源不存在")
    return describe(coupon, now)


def send(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """发券: a request number gives one coupon; the merchant's own codes are not emulated."""
    body = schema.parse(raw)
    number = schema.text(body, "/out_request_no", most=128, pattern=schema.REQUEST_NO)
    appid = schema.text(body, "/appid", most=32)
    person = owner(book, appid, schema.text(body, "/openid", most=128))
    stock = book.coupon_stocks.get(schema.text(body, "/stock_id", most=20))
    if (answer := repeated(book, "send", number, body)) is not None:
        return answer
    if stock is None:
        raise Refused("RESOURCE_NOT_EXISTS", "批次不存在")
    if body.get("coupon_code") is not None:
        raise Refused("INVALID_REQUEST", "批次券code模式为WECHATPAY_MODE，不可传入券code")
    if not stock.begins_at <= kit.clock.now() < stock.ends_at:
        raise Refused("RULE_LIMIT", "批次不在有效期内")
    if sum(each.person is person and each.stock is stock for each in book.coupons.values()) >= MOST_PER_USER:
        raise Refused("REQUEST_BLOCKED", "用户领取数量已达上限")
    coupon = give(book, kit, stock, person)
    coupon.send_request_no = number
    answer = {"stock_id": stock.stock_id, "coupon_code": coupon.code, "out_request_no": number}
    book.requests["send", number] = (body, answer)
    return answer


def give(book: Book, kit: Kit, stock: CouponStock, person: Person) -> CouponEntry:
    """A coupon comes into a user's hands, by API or by a page of WeChat's."""
    now = kit.clock.now()
    code = f"{1_000_000 + len(book.coupons):014d}{stock.stock_id:0>8}"
    coupon = book.coupons[code] = CouponEntry(stock, code, person, "SENDED", now, now, now + GOOD_FOR)
    kit.effect(NAME, "coupon_taken", code, mchid=book.merchant.mchid)
    return coupon


def use(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """核销: a request number is an idempotency key; another number finds the coupon used."""
    body = schema.parse(raw)
    number = schema.text(body, "/use_request_no", most=128, pattern=schema.REQUEST_NO)
    appid = schema.text(body, "/appid", most=32)
    openid = schema.text(body, "/openid", most=128, required=False)
    if schema.instant(body, "/use_time") is None:
        raise schema.wrong("/use_time", "required")
    if (answer := repeated(book, "use", number, body)) is not None:
        return answer
    if appid not in book.merchant.appids:
        raise Refused("APPID_MCHID_NOT_MATCH", "商户号与AppID不匹配")
    coupon = _asked(book, body)
    if openid and coupon.person.openids.get(appid) != openid:
        raise Refused("INVALID_REQUEST", "券不属于该用户")
    return redeem(book, kit, coupon, number, body)


def redeem(book: Book, kit: Kit, coupon: CouponEntry, number: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Use a coupon that was found, by API or by a till."""
    now = kit.clock.now()
    if coupon.state == "USED":
        raise Refused("RESOURCE_ALREADY_EXISTS", "券已被其他请求单号核销")
    if coupon.state != "SENDED":
        raise Refused("INVALID_REQUEST", "券状态非可用态")
    if not coupon.begins_at <= now < coupon.expires_at:
        raise Refused("RULE_LIMIT", "券不在可用时间内")
    coupon.state, coupon.used_at, coupon.use_request_no = "USED", now, number
    appid = str(body["appid"])
    answer = {
        "stock_id": coupon.stock.stock_id,
        "openid": coupon.person.openids.get(appid, ""),
        "wechatpay_use_time": stamp(now),
    }
    book.requests[("use", number)] = (body, answer)
    kit.effect(NAME, "coupon_use", coupon.code, mchid=book.merchant.mchid, use_request_no=number)
    return answer


def give_back(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """退券: only a used coupon; it is usable again if still valid."""
    body = schema.parse(raw)
    number = schema.text(body, "/return_request_no", most=128, pattern=schema.REQUEST_NO)
    if (answer := repeated(book, "return", number, body)) is not None:
        return answer
    coupon = _asked(book, body)
    if coupon.state != "USED":
        # The code for this case is not documented.
        raise Refused("INVALID_REQUEST", "券未核销，不可退券")
    coupon.state, coupon.used_at, coupon.use_request_no = "SENDED", None, ""
    answer = {"wechatpay_return_time": stamp(kit.clock.now())}
    book.requests[("return", number)] = (body, answer)
    kit.effect(NAME, "coupon_return", coupon.code, mchid=book.merchant.mchid, return_request_no=number)
    return answer


def deactivate(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """使券失效: only a coupon that is neither used nor gone."""
    body = schema.parse(raw)
    number = schema.text(body, "/deactivate_request_no", most=128, pattern=schema.REQUEST_NO)
    schema.text(body, "/deactivate_reason", most=64, required=False)
    if (answer := repeated(book, "deactivate", number, body)) is not None:
        return answer
    coupon = _asked(book, body)
    if coupon.state == "DEACTIVATED":
        raise Refused("RESOURCE_ALREADY_EXISTS", "券已被其他请求单号失效")
    if coupon.state_at(kit.clock.now()) != "SENDED":
        raise Refused("INVALID_REQUEST", "券状态非可用态")
    coupon.state = "DEACTIVATED"
    answer = {"wechatpay_deactivate_time": stamp(kit.clock.now())}
    book.requests["deactivate", number] = (body, answer)
    kit.effect(NAME, "coupon_deactivated", coupon.code, mchid=book.merchant.mchid)
    return answer


def associate(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """关联订单信息: only an unused coupon. What a second order gets while the first is linked is not documented."""
    body, number, order = _link(raw)
    if (answer := repeated(book, "associate", number, body)) is not None:
        return answer
    coupon = _unused(book, kit, body)
    if coupon.linked_to not in {"", order}:
        raise Refused("INVALID_REQUEST", "券已关联其他订单")
    coupon.linked_to = order
    answer = {"wechatpay_associate_time": stamp(kit.clock.now())}
    book.requests["associate", number] = (body, answer)
    kit.effect(NAME, "coupon_link", coupon.code, mchid=book.merchant.mchid, out_trade_no=order)
    return answer


def disassociate(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """取消关联订单信息: only for the order that was linked."""
    body, number, order = _link(raw)
    if (answer := repeated(book, "disassociate", number, body)) is not None:
        return answer
    coupon = _unused(book, kit, body)
    if coupon.linked_to != order:
        raise Refused("INVALID_REQUEST", "券未关联该订单")
    coupon.linked_to = ""
    answer = {"wechatpay_disassociate_time": stamp(kit.clock.now())}
    book.requests["disassociate", number] = (body, answer)
    kit.effect(NAME, "coupon_unlink", coupon.code, mchid=book.merchant.mchid, out_trade_no=order)
    return answer


def _link(raw: bytes) -> tuple[dict[str, Any], str, str]:
    """Body, request number and order of both."""
    body = schema.parse(raw)
    number = schema.text(body, "/out_request_no", most=128, pattern=LINK_NO)
    return body, number, schema.text(body, "/out_trade_no", most=128)


def _unused(book: Book, kit: Kit, body: Mapping[str, Any]) -> CouponEntry:
    schema.text(body, "/stock_id", most=20)
    try:
        coupon = _asked(book, body)
    except Refused:
        raise Refused("INVALID_REQUEST", "券不存在") from None
    if coupon.state_at(kit.clock.now()) != "SENDED":
        raise Refused("INVALID_REQUEST", "券状态非可用态")
    return coupon


def describe(coupon: CouponEntry, now: datetime) -> dict[str, Any]:
    """A list item."""
    value: dict[str, Any] = {
        "stock_name": coupon.stock.name,
        "belong_merchant": coupon.stock.mchid,
        "goods_name": coupon.stock.goods_name,
        "stock_type": "NORMAL",
        "transferable": False,
        "shareable": False,
        "coupon_state": coupon.state_at(now),
        "coupon_use_rule": {
            "fixed_normal_coupon": {
                "discount_amount": coupon.stock.discount,
                "transaction_minimum": coupon.stock.minimum,
            },
            "use_method": "OFF_LINE",
        },
        "coupon_code": coupon.code,
        "stock_id": coupon.stock.stock_id,
        "available_start_time": stamp(coupon.begins_at),
        "expire_time": stamp(coupon.expires_at),
        "receive_time": stamp(coupon.received_at),
        "send_request_no": coupon.send_request_no or "SEND" + coupon.code[:8],
    }
    if coupon.linked_to:
        value["associate_out_trade_no"] = coupon.linked_to
    if coupon.used_at is not None:
        value |= {"use_time": stamp(coupon.used_at), "use_request_no": coupon.use_request_no}
    return value


def owner(book: Book, appid: str, openid: str) -> Person:
    """Whoever holds the openid within an appid of the merchant. Raises Refused."""
    if appid not in book.merchant.appids:
        raise Refused("APPID_MCHID_NOT_MATCH", "商户号与AppID不匹配")
    person = book.person(appid, openid)
    if person is None:
        raise Refused("USER_NOT_EXISTS", "用户不存在")
    return person


def _asked(book: Book, body: Mapping[str, Any]) -> CouponEntry:
    code = schema.text(body, "/coupon_code", most=32)
    stock_id = schema.text(body, "/stock_id", most=20, required=False)
    coupon = book.coupons.get(code)
    if coupon is None or (stock_id and coupon.stock.stock_id != stock_id):
        raise Refused("RESOURCE_NOT_EXISTS", "查询的资源不存在")
    return coupon


def repeated(book: Book, what: str, number: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first answer to a request number. Raises Refused when its content was another."""
    known = book.requests.get((what, number))
    if known is None:
        return None
    if known[0] != body:
        raise Refused("RESOURCE_ALREADY_EXISTS", "请求单号已存在，但请求内容不一致")
    return known[1]


def page(query: Mapping[str, str], most: int) -> tuple[int, int]:
    """Offset and limit of a list. Raises Refused."""
    offset, limit = _count(query, "offset", 0, 0), _count(query, "limit", most, 1)
    if limit > most:
        raise Refused("PARAM_ERROR", f"输入源“/query/limit”值高于最大值 {most}")
    return offset, limit


def _count(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Refused("PARAM_ERROR", f"输入源“/query/{name}”校验失败")
    return int(text)
