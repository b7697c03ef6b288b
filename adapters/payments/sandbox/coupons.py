"""商家券 of a user: list, read, use, return."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.payments.sandbox import schema
from adapters.payments.sandbox.state import Book, CouponEntry
from adapters.payments.sandbox.wire import Refused, stamp
from sandbox.platform import Kit
from sandbox.world import Person

NAME = "payments"
LIMIT = 20
STATES = frozenset({"SENDED", "USED", "EXPIRED", "DELETED", "DEACTIVATED"})


def listed(book: Book, now: datetime, openid: str, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of a user's coupons, the newest first."""
    owner = _owner(book, query.get("appid", ""), openid)
    state = query.get("coupon_state", "")
    if state and state not in STATES:
        raise Refused("PARAM_ERROR", "输入源“/query/coupon_state”校验失败")
    offset, limit = _count(query, "offset", 0, 0), _count(query, "limit", LIMIT, 1)
    if limit > LIMIT:
        raise Refused("PARAM_ERROR", "输入源“/query/limit”值高于最大值 20")
    creators = (query.get("creator_merchant"), query.get("belong_merchant"), query.get("sender_merchant"))
    held = [
        coupon
        for coupon in book.coupons.values()
        if coupon.person is owner
        and (not state or coupon.state_at(now) == state)
        and query.get("stock_id", coupon.stock.stock_id) == coupon.stock.stock_id
        and all(mchid in {None, coupon.stock.mchid} for mchid in creators)
    ]
    held.sort(key=lambda coupon: (coupon.received_at, coupon.code), reverse=True)
    data = [describe(coupon, now) for coupon in held[offset : offset + limit]]
    return {"total_count": len(held), "offset": offset, "limit": limit, "data": data}


def one(book: Book, now: datetime, openid: str, code: str, appid: str) -> dict[str, Any]:
    """One coupon of a user."""
    owner = _owner(book, appid, openid)
    coupon = book.coupons.get(code)
    if coupon is None or coupon.person is not owner:
        raise Refused("RESOURCE_NOT_EXISTS", "查询的资源不存在")
    return describe(coupon, now)


def use(book: Book, kit: Kit, raw: bytes) -> dict[str, Any]:
    """核销: a request number is an idempotency key; another number finds the coupon used."""
    body = schema.parse(raw)
    number = schema.text(body, "/use_request_no", most=128, pattern=schema.REQUEST_NO)
    appid = schema.text(body, "/appid", most=32)
    openid = schema.text(body, "/openid", most=128, required=False)
    if schema.instant(body, "/use_time") is None:
        raise schema.wrong("/use_time", "required")
    if (answer := _repeated(book, "use", number, body)) is not None:
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
    if (answer := _repeated(book, "return", number, body)) is not None:
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
        "send_request_no": "SEND" + coupon.code[:8],
    }
    if coupon.used_at is not None:
        value |= {"use_time": stamp(coupon.used_at), "use_request_no": coupon.use_request_no}
    return value


def _owner(book: Book, appid: str, openid: str) -> Person:
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


def _repeated(book: Book, what: str, number: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first answer to a request number. Raises Refused when its content was another."""
    known = book.requests.get((what, number))
    if known is None:
        return None
    if known[0] != body:
        raise Refused("RESOURCE_ALREADY_EXISTS", "请求单号已存在，但请求内容不一致")
    return known[1]


def _count(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Refused("PARAM_ERROR", f"输入源“/query/{name}”校验失败")
    return int(text)
