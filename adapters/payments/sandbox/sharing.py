"""分账: receivers, sharings and what becomes of their parts, returns, what is left."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from adapters.payments.sandbox import orders, schema, sealed
from adapters.payments.sandbox.state import Book, Order, RouteOf, SharePart, ShareReturnEntry, SharingEntry
from adapters.payments.sandbox.wire import Refused, stamp
from sandbox.clock import BEIJING
from sandbox.platform import Kit

NAME = "payments"
PATH = "/v3/profitsharing"
KINDS = frozenset({"MERCHANT_ID", "PERSONAL_OPENID"})
RELATIONS = frozenset(
    {
        "STORE", "STAFF", "STORE_OWNER", "PARTNER", "HEADQUARTER", "BRAND", "DISTRIBUTOR", "USER", "SUPPLIER",
        "SERVICE_PROVIDER", "CUSTOM",
    }
)  # fmt: skip
SOONEST = timedelta(minutes=1)
LATEST = timedelta(days=30)
#: Parts of a hundred of the order; receivers of one sharing; sharings of one order.
CAP, MOST_RECEIVERS, MOST_SHARINGS = 30, 50, 50


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/profitsharing``."""

    def add(book: Book, request: Request, raw: bytes) -> dict[str, Any]:
        return _add(book, kit, sealed.opened(book, kit, request, schema.parse(raw), "name", "/name"))

    def delete(book: Book, _request: Request, raw: bytes) -> dict[str, Any]:
        body = schema.parse(raw)
        who = _receiver(book, body)
        if book.receivers.pop(who, None) is not None:
            kit.effect(NAME, "receiver_deleted", who[1], mchid=book.merchant.mchid)
        return {"type": who[0], "account": who[1]}

    def share(book: Book, request: Request, raw: bytes) -> dict[str, Any]:
        return _share(book, kit, request, schema.parse(raw))

    def query(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        return describe(_found(book, request.path_params["number"], request.query_params.get("transaction_id", "")))

    def unfreeze(book: Book, _request: Request, raw: bytes) -> dict[str, Any]:
        return _unfreeze(book, kit, schema.parse(raw))

    def give_back(book: Book, _request: Request, raw: bytes) -> dict[str, Any]:
        return _give_back(book, kit, schema.parse(raw))

    def query_return(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        entry = book.share_returns.get(request.path_params["number"])
        if entry is None or entry.sharing.out_order_no != request.query_params.get("out_order_no"):
            raise Refused("RESOURCE_NOT_EXISTS", "记录不存在")
        return describe_return(book, entry)

    def amounts(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        order = _order(book, request.path_params["number"])
        return {"transaction_id": order.transaction_id, "unsplit_amount": unsplit(book, order)}

    return [
        ("POST", PATH + "/receivers/add", add),
        ("POST", PATH + "/receivers/delete", delete),
        ("POST", PATH + "/orders", share),
        ("POST", PATH + "/orders/unfreeze", unfreeze),
        ("GET", PATH + "/orders/{number}", query),
        ("POST", PATH + "/return-orders", give_back),
        ("GET", PATH + "/return-orders/{number}", query_return),
        ("GET", PATH + "/transactions/{number}/amounts", amounts),
    ]


def _receiver(book: Book, body: Mapping[str, Any]) -> tuple[str, str]:
    if schema.text(body, "/appid", most=32) not in book.merchant.appids:
        raise Refused("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")
    kind = schema.text(body, "/type", most=32)
    if kind not in KINDS:
        raise schema.wrong("/type", "enum", kind)
    return kind, schema.text(body, "/account", most=64)


def _add(book: Book, kit: Kit, body: Mapping[str, Any]) -> dict[str, Any]:
    who = _receiver(book, body)
    relation = schema.text(body, "/relation_type", most=32)
    if relation not in RELATIONS:
        raise schema.wrong("/relation_type", "enum", relation)
    if relation == "CUSTOM":
        schema.text(body, "/custom_relation", most=10)
    name = schema.text(body, "/name", most=256, required=who[0] == "MERCHANT_ID")
    if who[0] == "PERSONAL_OPENID":
        person = book.person(str(body["appid"]), who[1])
        if person is None or (name and name != person.name):
            raise Refused("PARAM_ERROR", "分账接收方账号错误或姓名不匹配")
    if who not in book.receivers:
        kit.effect(NAME, "receiver", who[1], mchid=book.merchant.mchid)
    book.receivers[who] = body
    return {"type": who[0], "account": who[1], "relation_type": relation}


def _order(book: Book, transaction_id: str) -> Order:
    """A payment by the platform's number. Raises Refused."""
    try:
        order = orders.by_transaction(book, transaction_id)
    except Refused:
        raise Refused("RESOURCE_NOT_EXISTS", "订单不存在") from None
    if order.paid_at is None:
        raise Refused("RESOURCE_NOT_EXISTS", "订单不存在")
    return order


def _of(book: Book, order: Order) -> list[SharingEntry]:
    return [each for each in book.sharings.values() if each.order is order]


def unsplit(book: Book, order: Order) -> int:
    """Fen that can still be shared: nothing once the rest is unfrozen."""
    mine = _of(book, order)
    if not _declared(order) or any(each.unfreezes for each in mine):
        return 0
    gone = sum(part.amount for each in mine for part in each.parts if part.result != "CLOSED")
    return order.total - order.refunded() - gone


def _declared(order: Order) -> bool:
    settle = order.body.get("settle_info")
    return isinstance(settle, Mapping) and settle.get("profit_sharing") is True


def _share(book: Book, kit: Kit, request: Request, body: dict[str, Any]) -> dict[str, Any]:
    if schema.text(body, "/appid", most=32) not in book.merchant.appids:
        raise Refused("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")
    number = schema.text(body, "/out_order_no", most=64, pattern=schema.OUT_REFUND_NO)
    order = _order(book, schema.text(body, "/transaction_id", most=32))
    asked = body.get("receivers")
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_RECEIVERS:
        raise schema.wrong("/receivers", "array_length")
    if not isinstance(body.get("unfreeze_unsplit"), bool):
        raise schema.wrong("/unfreeze_unsplit", "bool_type")
    body["receivers"] = [
        sealed.opened(book, kit, request, each if isinstance(each, dict) else {}, "name", f"/receivers/{at}/name")
        for at, each in enumerate(asked)
    ]
    now = kit.clock.now()
    parts = [_part(each, now) for each in body["receivers"]]
    if (known := _repeated(book, number, body)) is not None:
        return describe(known)
    _allowed(book, order, now, sum(part.amount for part in parts))
    for part in parts:
        if (part.type, part.account) not in book.receivers:
            part.result, part.fail_reason, part.finished_at = "CLOSED", "NO_RELATION", now
    return describe(_enter(book, kit, SharingEntry(number, _id(now), order, parts, body["unfreeze_unsplit"], body)))


def _part(asked: Mapping[str, Any], now: datetime) -> SharePart:
    kind = schema.text(asked, "/type", most=32)
    if kind not in KINDS:
        raise schema.wrong("/receivers/type", "enum", kind)
    account, amount = schema.text(asked, "/account", most=64), schema.number(asked, "/amount")
    return SharePart(kind, account, amount, schema.text(asked, "/description", most=80), _id(now), now)


def _repeated(book: Book, number: str, body: Mapping[str, Any]) -> SharingEntry | None:
    known = book.sharings.get(number)
    if known is not None and known.body != body:
        # The code for this case is not documented.
        raise Refused("INVALID_REQUEST", "商户分账单号重复，参数与首次请求不一致")
    return known


def _allowed(book: Book, order: Order, now: datetime, amount: int) -> None:
    """The rules of the product; the codes of the last three are plausible, not documented one by one."""
    if not _declared(order):
        raise Refused("INVALID_REQUEST", "非分账订单不支持分账")
    if order.paid_at is None or not order.paid_at + SOONEST <= now <= order.paid_at + LATEST:
        raise Refused("INVALID_REQUEST", "订单处理中或已超过分账期限")
    if len(_of(book, order)) >= MOST_SHARINGS:
        raise Refused("INVALID_REQUEST", "分账次数超过限制")
    if amount > unsplit(book, order):
        raise Refused("NOT_ENOUGH", "分账金额不足")
    shared = sum(p.amount for each in _of(book, order) for p in each.parts if p.result != "CLOSED")
    if (shared + amount) * 100 > order.total * CAP:
        raise Refused("INVALID_REQUEST", "分账金额超过最大分账比例")


def _enter(book: Book, kit: Kit, entry: SharingEntry) -> SharingEntry:
    book.sharings[entry.out_order_no] = entry
    shared = sum(part.amount for part in entry.parts)
    kit.effect(NAME, "sharing", entry.out_order_no, mchid=book.merchant.mchid, amount=shared)
    return entry


def _unfreeze(book: Book, kit: Kit, body: dict[str, Any]) -> dict[str, Any]:
    """The rest goes to the merchant itself, as a part of its own."""
    number = schema.text(body, "/out_order_no", most=64, pattern=schema.OUT_REFUND_NO)
    order = _order(book, schema.text(body, "/transaction_id", most=32))
    description = schema.text(body, "/description", most=80)
    if (known := _repeated(book, number, body)) is not None:
        return describe(known)
    rest, now = unsplit(book, order), kit.clock.now()
    if not _declared(order):
        raise Refused("INVALID_REQUEST", "非分账订单不支持分账")
    if rest == 0:
        raise Refused("INVALID_REQUEST", "没有可解冻的资金")
    own = SharePart("MERCHANT_ID", book.merchant.mchid, rest, description, _id(now), now, "SUCCESS", "", now)
    return describe(_enter(book, kit, SharingEntry(number, _id(now), order, [own], True, body)))


def _found(book: Book, number: str, transaction_id: str) -> SharingEntry:
    entry = book.sharings.get(number)
    if entry is None or entry.order.transaction_id != transaction_id:
        raise Refused("RESOURCE_NOT_EXISTS", "记录不存在")
    return entry


def settle(book: Book, kit: Kit, entry: SharingEntry, fail_reason: str) -> list[SharePart]:
    """Pending parts arrive, or with ``fail_reason`` do not. Says which. Raises ValueError when none is pending."""
    pending = [part for part in entry.parts if part.result == "PENDING"]
    if not pending:
        raise ValueError(f"sharing {entry.out_order_no} is finished")
    for part in pending:
        part.result, part.fail_reason = ("CLOSED", fail_reason) if fail_reason else ("SUCCESS", "")
        part.finished_at = kit.clock.now()
    kit.effect(NAME, "sharing_settled", entry.out_order_no, mchid=book.merchant.mchid)
    return pending


def _give_back(book: Book, kit: Kit, body: dict[str, Any]) -> dict[str, Any]:
    number = schema.text(body, "/out_return_no", most=64, pattern=schema.OUT_REFUND_NO)
    out_order_no = schema.text(body, "/out_order_no", most=64, required=False)
    order_id = schema.text(body, "/order_id", most=64, required=not out_order_no)
    account, amount = schema.text(body, "/return_mchid", most=32), schema.number(body, "/amount")
    description = schema.text(body, "/description", most=80)
    known = book.share_returns.get(number)
    if known is not None:
        if known.body != body:
            raise Refused("INVALID_REQUEST", "商户回退单号重复，参数与首次请求不一致")
        return describe_return(book, known)
    known_by = {order_id, out_order_no}
    sharing = next((each for each in book.sharings.values() if known_by & {each.order_id, each.out_order_no}), None)
    arrived = [part for part in sharing.parts if part.result == "SUCCESS"] if sharing else []
    part = next((part for part in arrived if part.account == account), None)
    if sharing is None or part is None:
        raise Refused("RESOURCE_NOT_EXISTS", "原分账单或接收方不存在")
    returned = sum(r.amount for r in book.share_returns.values() if r.part is part and r.result != "FAILED")
    if returned + amount > part.amount:
        raise Refused("NOT_ENOUGH", "回退金额超过可回退金额")
    now = kit.clock.now()
    entry = ShareReturnEntry(number, _id(now), sharing, part, amount, description, body, now)
    book.share_returns[number] = entry
    kit.effect(NAME, "share_return", number, mchid=book.merchant.mchid, amount=amount)
    return describe_return(book, entry)


def settle_return(book: Book, kit: Kit, entry: ShareReturnEntry, fail_reason: str) -> None:
    """The receiver's money comes back, or not. Raises ValueError when it did already."""
    if entry.result != "PROCESSING":
        raise ValueError(f"return {entry.out_return_no} is {entry.result} already")
    entry.result, entry.fail_reason = ("FAILED", fail_reason) if fail_reason else ("SUCCESS", "")
    kit.effect(NAME, "share_return_settled", entry.out_return_no, mchid=book.merchant.mchid, result=entry.result)


def describe(entry: SharingEntry) -> dict[str, Any]:
    """The sharing object of the API."""
    return {
        "transaction_id": entry.order.transaction_id,
        "out_order_no": entry.out_order_no,
        "order_id": entry.order_id,
        "state": "FINISHED" if entry.finished else "PROCESSING",
        "receivers": [_described(part) for part in entry.parts],
    }


def _described(part: SharePart) -> dict[str, Any]:
    value = {
        "type": part.type,
        "account": part.account,
        "amount": part.amount,
        "description": part.description,
        "result": part.result,
        "detail_id": part.detail_id,
        "create_time": stamp(part.created_at),
    }
    if part.finished_at is not None:
        value["finish_time"] = stamp(part.finished_at)
    return value | ({"fail_reason": part.fail_reason} if part.fail_reason else {})


def describe_return(book: Book, entry: ShareReturnEntry) -> dict[str, Any]:
    """The return object of the API."""
    value = {
        "order_id": entry.sharing.order_id,
        "out_order_no": entry.sharing.out_order_no,
        "out_return_no": entry.out_return_no,
        "return_id": entry.return_id,
        "return_mchid": entry.part.account,
        "amount": entry.amount,
        "description": entry.description,
        "result": entry.result,
        "create_time": stamp(entry.created_at),
    }
    return value | ({"fail_reason": entry.fail_reason} if entry.fail_reason else {})


def notified(book: Book, entry: SharingEntry, part: SharePart, amount: int, at: datetime) -> dict[str, Any]:
    """What a receiver is told."""
    receiver = {"type": part.type, "account": part.account, "amount": amount, "description": part.description}
    return {
        "mchid": book.merchant.mchid,
        "transaction_id": entry.order.transaction_id,
        "order_id": entry.order_id,
        "out_order_no": entry.out_order_no,
        "receiver": receiver,
        "success_time": stamp(at),
    }


def _id(now: datetime) -> str:
    return f"30084507{now.astimezone(BEIJING):%Y%m%d}{secrets.randbelow(10**12):012d}"
