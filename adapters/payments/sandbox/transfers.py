"""商家转账: offered, confirmed by the user or not, cancelled, queried."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from adapters.payments.sandbox import schema, sealed
from adapters.payments.sandbox.state import Book, RouteOf, TransferEntry
from adapters.payments.sandbox.wire import Refused, stamp
from sandbox.clock import BEIJING
from sandbox.platform import Kit

NAME = "payments"
PATH = "/v3/fund-app/mch-transfer/transfer-bills"
OUT_BILL_NO = re.compile("[0-9A-Za-z]{1,32}")
LEAST, NAMED_FROM, NAMED_ALWAYS = 10, 30, 200_000
CONFIRM_WITHIN = timedelta(hours=24)
KEPT = timedelta(days=30)
#: Scenes, and what the cash-marketing one has to report.
SCENES = frozenset({"1000", "1002", "1004", "1005", "1006", "1009", "1010", "1011", "1013"})
REPORTS = {"活动名称", "奖励说明"}
FINAL = frozenset({"SUCCESS", "FAIL", "CANCELLED"})


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/fund-app/mch-transfer``."""

    def create(book: Book, request: Request, raw: bytes) -> dict[str, Any]:
        return _create(book, kit, request, raw)

    def cancel(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        return _cancel(book, kit, found(book, kit.clock.now(), request.path_params["number"]))

    def query(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        return _describe(book, found(book, kit.clock.now(), request.path_params["number"]))

    def query_by_id(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        wanted = request.path_params["number"]
        number = next((each.out_bill_no for each in book.transfers.values() if each.transfer_bill_no == wanted), "")
        return _describe(book, found(book, kit.clock.now(), number))

    return [
        ("POST", PATH, create),
        ("POST", PATH + "/out-bill-no/{number}/cancel", cancel),
        ("GET", PATH + "/out-bill-no/{number}", query),
        ("GET", PATH + "/transfer-bill-no/{number}", query_by_id),
    ]


def _create(book: Book, kit: Kit, request: Request, raw: bytes) -> dict[str, Any]:
    body = sealed.opened(book, kit, request, schema.parse(raw), "user_name", "/user_name")
    number = schema.text(body, "/out_bill_no", most=32, pattern=OUT_BILL_NO)
    appid, openid = schema.text(body, "/appid", most=32), schema.text(body, "/openid", most=64)
    amount = schema.number(body, "/transfer_amount", least=LEAST)
    schema.text(body, "/transfer_remark", most=32)
    name = schema.text(body, "/user_name", most=64, required=False)
    url = schema.notify_url(body, most=256, required=False)
    _scene(body)
    if (name and amount < NAMED_FROM) or (not name and amount >= NAMED_ALWAYS):
        raise schema.wrong("/user_name", "forbidden" if name else "required")
    if appid not in book.merchant.appids:
        raise Refused("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")
    person = book.person(appid, openid)
    if person is None:
        raise Refused("PARAM_ERROR", "无效的openid")
    now = kit.clock.now()
    known = book.transfers.get(number)
    if known is None:
        bill_no = f"133{secrets.randbelow(10**9):09d}{now.astimezone(BEIJING):%Y%m%d}{secrets.randbelow(10**20):020d}"
        package = secrets.token_urlsafe(24)
        first = "ACCEPTED" if book.checks_transfers else "WAIT_USER_CONFIRM"
        known = TransferEntry(number, bill_no, amount, openid, person, url, now, now, body, package, first)
        book.transfers[number] = known
        kit.effect(NAME, "transfer", number, mchid=book.merchant.mchid, amount=amount)
    elif known.body != body:
        raise Refused("INVALID_REQUEST", "单号已存在但信息不一致，请查单后比较确认")
    _overdue(known, now)
    answer = {
        "out_bill_no": number,
        "transfer_bill_no": known.transfer_bill_no,
        "create_time": _stamp(known.created_at),
        "state": known.state,
    }
    return answer | ({"package_info": known.package} if known.state == "WAIT_USER_CONFIRM" else {})


def _scene(body: Mapping[str, Any]) -> None:
    """What the scene wants to know. Scenes other than cash marketing report what was agreed one by one."""
    scene = schema.text(body, "/transfer_scene_id", most=36)
    if scene not in SCENES:
        raise Refused("INVALID_REQUEST", "商户号未开通该转账场景")
    infos = body.get("transfer_scene_report_infos")
    if not isinstance(infos, list) or not infos:
        raise Refused("PARAM_ERROR", "需传入转账场景报备信息")
    kinds = [schema.text(info if isinstance(info, Mapping) else {}, "/info_type", most=15) for info in infos]
    for info in infos:
        schema.text(info, "/info_content", most=32)
    if scene == "1000" and sorted(kinds) != sorted(REPORTS):
        raise Refused("PARAM_ERROR", "需传入转账场景报备信息")


def found(book: Book, now: datetime, number: str) -> TransferEntry:
    """A transfer by number, closed when nobody confirmed it in time. Raises Refused."""
    entry = book.transfers.get(number)
    if entry is None or now > entry.created_at + KEPT:
        raise Refused("NOT_FOUND", "记录不存在")
    _overdue(entry, now)
    return entry


def _overdue(entry: TransferEntry, now: datetime) -> None:
    if entry.state == "WAIT_USER_CONFIRM" and now >= entry.created_at + CONFIRM_WITHIN:
        entry.state, entry.fail_reason = "FAIL", "OVERDUE_CLOSE"
        entry.updated_at = entry.created_at + CONFIRM_WITHIN


def _cancel(book: Book, kit: Kit, entry: TransferEntry) -> dict[str, Any]:
    """Until the user confirms; the money returns later. The code for "too late" is not documented."""
    if entry.state in {"ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM"}:
        entry.state, entry.updated_at = "CANCELING", kit.clock.now()
        kit.effect(NAME, "transfer_cancel", entry.out_bill_no, mchid=book.merchant.mchid)
    elif entry.state not in {"CANCELING", "CANCELLED"}:
        raise Refused("INVALID_REQUEST", "当前转账单状态不支持撤销")
    return {
        "out_bill_no": entry.out_bill_no,
        "transfer_bill_no": entry.transfer_bill_no,
        "state": entry.state,
        "update_time": _stamp(entry.updated_at),
    }


def checked(kit: Kit, entry: TransferEntry) -> None:
    """The platform has looked at it, and the user may confirm. Raises ValueError for another state."""
    if entry.state != "ACCEPTED":
        raise ValueError(f"transfer {entry.out_bill_no} is {entry.state}: there is nothing to check")
    entry.state, entry.updated_at = "WAIT_USER_CONFIRM", kit.clock.now()


def confirm(book: Book, kit: Kit, entry: TransferEntry) -> None:
    """The user confirms on the phone. Raises ValueError when WeChat would refuse."""
    _overdue(entry, kit.clock.now())
    if entry.state != "WAIT_USER_CONFIRM":
        raise ValueError(f"transfer {entry.out_bill_no} is {entry.state}: there is nothing to confirm")
    entry.state, entry.updated_at = "TRANSFERING", kit.clock.now()
    kit.effect(NAME, "transfer_confirmed", entry.out_bill_no, mchid=book.merchant.mchid)


def settle(book: Book, kit: Kit, entry: TransferEntry, fail_reason: str) -> None:
    """The bank decides, after the user's confirmation or a cancellation. Raises ValueError for another state."""
    if entry.state not in {"TRANSFERING", "CANCELING"}:
        raise ValueError(f"transfer {entry.out_bill_no} is {entry.state}: it must be confirmed or cancelled first")
    name = entry.body.get("user_name")
    if entry.state == "CANCELING":
        entry.state, entry.fail_reason = "CANCELLED", "MCH_CANCEL"
    elif fail_reason or (name and name != entry.person.name):
        entry.state, entry.fail_reason = "FAIL", fail_reason or "NAME_NOT_CORRECT"
    else:
        entry.state = "SUCCESS"
    entry.updated_at = kit.clock.now()
    kit.effect(NAME, "transfer_settled", entry.out_bill_no, mchid=book.merchant.mchid, state=entry.state)


def _describe(book: Book, entry: TransferEntry) -> dict[str, Any]:
    value = notified(book, entry)
    value["mch_id"] = value.pop("mchid")
    return {**value, "appid": entry.body["appid"], "transfer_remark": entry.body["transfer_remark"]}


def notified(book: Book, entry: TransferEntry) -> dict[str, Any]:
    """The transfer object of a notification."""
    value: dict[str, Any] = {
        "mchid": book.merchant.mchid,
        "out_bill_no": entry.out_bill_no,
        "transfer_bill_no": entry.transfer_bill_no,
        "state": entry.state,
        "transfer_amount": entry.amount,
        "openid": entry.openid,
        "create_time": _stamp(entry.created_at),
        "update_time": _stamp(entry.updated_at),
    }
    return value | ({"fail_reason": entry.fail_reason} if entry.fail_reason else {})


def _stamp(instant: datetime) -> str:
    """With milliseconds, as this product alone writes it."""
    return instant.astimezone(BEIJING).isoformat(timespec="milliseconds") if instant.microsecond else stamp(instant)
