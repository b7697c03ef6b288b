"""Money that customers paid in chats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Invalid
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.figures import BillKind
from sandbox.server import Sandbox
from tests.adapters.enterprise_chat.conftest import Wire

HOUR = timedelta(hours=1)


async def test_payments_and_refunds_are_rows(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any, known: str
) -> None:
    paid = await act("collect", userid="chenyutong", person="linxiaowen", fee=81900, remark="山岚轻羽绒服")
    await act("refund_collection", out_trade_no=paid["out_trade_no"], fee=1900)
    now = sandbox.kit.clock.now()
    [payment, refund] = (await chat.collection_bills(now - HOUR, now + HOUR)).items
    assert (payment.kind, payment.amount, payment.refunded) == (BillKind.PAYMENT, 81900, 1900)
    assert (payment.external_userid, payment.userid) == (known, "chenyutong")
    assert (payment.transaction_id, payment.lines) == (paid["transaction_id"], (("山岚轻羽绒服", 1),))
    assert [(each.amount, each.paid_back) for each in payment.refunds] == [(1900, True)]
    assert (refund.kind, refund.amount, refund.out_trade_no) == (BillKind.REFUND, 1900, paid["out_trade_no"])


async def test_bills_of_one_employee(chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any) -> None:
    for userid in ("chenyutong", "sunyue"):
        await act("collect", userid=userid, person="linxiaowen", fee=100)
    now = sandbox.kit.clock.now()
    page = await chat.collection_bills(now - HOUR, now + HOUR, userid="sunyue")
    assert [bill.userid for bill in page.items] == ["sunyue"]


async def test_a_window_is_a_month_at_most(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    now = sandbox.kit.clock.now()
    for start in (now, now - timedelta(days=32)):
        with pytest.raises(Invalid, match="window"):
            await chat.collection_bills(start, now)
    assert sandbox.kit.journal.calls == []


async def test_a_page_may_be_empty_and_not_the_last(wire: Wire, sandbox: Sandbox, act: Any) -> None:
    for userid in ("chenyutong", "sunyue"):
        await act("collect", userid=userid, person="linxiaowen", fee=100)
    sandbox.platforms["enterprise_chat"].bills.hidden = {"chenyutong"}  # type: ignore[attr-defined]
    now = int(sandbox.kit.clock.now().timestamp())
    asked = {"begin_time": now - 60, "end_time": now + 60, "limit": 1}
    token = await wire.token(wire.corp.contact_secret)
    first = await wire.call("externalpay/get_bill_list", asked, access_token=token)
    last = await wire.call("externalpay/get_bill_list", {**asked, "cursor": first["next_cursor"]}, access_token=token)
    assert first["bill_list"] == []
    assert [row["payee_userid"] for row in last["bill_list"]] == ["sunyue"]
    assert "next_cursor" not in last
