"""对外收款: what customers paid employees in chats."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.cursors import cut
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, admit
from sandbox.platform import Kit
from sandbox.world import World

NAME = "enterprise_chat"
LISTED = timedelta(days=31)
PAGE_LIMIT = 1000


class Bills:
    """Payments and refunds, each a row. ``hidden`` payees are taken out of a page after it was cut."""

    def __init__(self, world: World, state: CorpState, kit: Kit) -> None:
        self._world = world
        self._state = state
        self._kit = kit
        self.rows: list[dict[str, Any]] = []
        self.hidden: set[str] = set()

    def get_bill_list(self, call: Call) -> Mapping[str, Any]:
        """A month at most; the last page has no cursor at all."""
        begin, end, limit = call.whole("begin_time"), call.whole("end_time"), call.whole("limit") or PAGE_LIMIT
        if begin is None or end is None:
            raise Refusal(40063)
        if not 0 <= end - begin <= LISTED.total_seconds() or not 1 <= limit <= PAGE_LIMIT:
            raise Refusal(40035)
        payee = call.text("payee_userid")
        if payee and self._state.member(payee) is None:
            raise Refusal(60111)
        found = [r for r in self.rows if begin <= r["pay_time"] <= end and payee in {"", r["payee_userid"]}]
        page, cursor = cut(found, call.text("cursor"), limit, f"bills/{begin}/{end}/{payee}")
        shown = [row for row in page if row["payee_userid"] not in self.hidden]
        return {"bill_list": shown} | ({"next_cursor": cursor} if cursor else {})

    async def collect(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{userid, person, fee, remark?}: a customer pays an employee, in fen."""
        member, fee = self._state.member(str(body["userid"])), int(body["fee"])
        if member is None or fee <= 0:
            raise ValueError("userid is an employee's, and fee is above 0")
        customer = admit(self._state, self._world, body["person"])
        row: dict[str, Any] = {
            "transaction_id": "42000" + str(secrets.randbelow(10**23)).zfill(23),
            "bill_type": 0,
            "trade_state": 1,
            "pay_time": int(self._kit.clock.now().timestamp()),
            "out_trade_no": secrets.token_hex(16),
            "external_userid": customer.external_userid,
            "total_fee": fee,
            "payee_userid": member.userid,
            "payment_type": 0,
            "mch_id": self._world.merchants[0].mchid,
            "remark": str(body.get("remark", "")),
            "commodity_list": [{"description": str(body.get("remark", "")), "amount": 1}],
            "total_refund_fee": 0,
            "refund_list": [],
            "contact_info": {},
        }
        self.rows.append(row)
        self._kit.effect(NAME, "collected", row["out_trade_no"], fee=fee)
        return {"out_trade_no": row["out_trade_no"], "transaction_id": row["transaction_id"]}

    async def refund(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{out_trade_no, fee}: the employee pays back, wholly or in part."""
        fee = int(body["fee"])
        paid = next((r for r in self.rows if r["out_trade_no"] == body["out_trade_no"] and not r["bill_type"]), None)
        if paid is None or not 0 < fee <= paid["total_fee"] - paid["total_refund_fee"]:
            raise ValueError("no such payment, or less than that is left of it")
        number, now = secrets.token_hex(16), int(self._kit.clock.now().timestamp())
        paid["total_refund_fee"] += fee
        paid["trade_state"] = 3
        refund = {
            "out_refund_no": number,
            "refund_userid": paid["payee_userid"],
            "refund_comment": "",
            "refund_reqtime": now,
            "refund_status": 2,
            "refund_fee": fee,
        }
        paid["refund_list"] = [*paid["refund_list"], refund]
        row = {name: value for name, value in paid.items() if name not in {"trade_state", "refund_list"}}
        row |= {"bill_type": 1, "pay_time": now, "total_fee": fee, "out_refund_no": number, "total_refund_fee": 0}
        self.rows.append(row)
        self._kit.effect(NAME, "refunded", number, fee=fee)
        return {"out_refund_no": number}
