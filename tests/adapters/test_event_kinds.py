"""Each tool's list of its platform's events agrees with what the tool makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.base.spec import ReceivesWebhooks
from adapters.base.webhooks import EventKind, InboundEvent
from adapters.enterprise_chat import webhooks as chat
from adapters.mini_program_store import webhooks as store
from adapters.official_account import webhooks as account
from adapters.payments import translation
from adapters.registry import TOOLS
from adapters.social_ads import webhooks as ads

Read = Callable[[InboundEvent], Sequence[object]]

_ANSWER = {"TemplateId": "T", "SubscribeStatusString": "reject", "ErrorCode": "43101"}
#: One payload that has what every event of a tool could need.
_PAYLOADS: dict[str, dict[str, Any]] = {
    "official_account": {
        "FromUserName": "o1",
        "EventKey": "k",
        "MsgID": "1",
        "Status": "success",
        "List": _ANSWER,
        "PublishEventInfo": {"publish_id": "1", "publish_status": "0"},
    },
    "mini_program_store": {
        "FromUserName": "o1",
        "List": [_ANSWER],
        "body": {"order_id": 1, "product_id": 2, "after_sale_order_id": 3, "status": "5"},
    },
    "payments": {
        "mchid": "1900000001",
        "appid": "wx1",
        "out_trade_no": "N",
        "transaction_id": "T",
        "trade_state": "SUCCESS",
        "out_refund_no": "R",
        "refund_id": "5",
        "refund_status": "SUCCESS",
        "payer": {"openid": "o1"},
        "amount": {"total": 100, "refund": 100, "payer_total": 100, "payer_refund": 100, "currency": "CNY"},
        "stock_id": "S",
        "stock_creator_mchid": "1900000001",
        "coupon_code": "C",
        "coupon_id": "9867041",
        "consume_information": {"consume_time": "2026-11-11T20:57:00+08:00"},
        "out_bill_no": "B",
        "transfer_bill_no": "133",
        "state": "SUCCESS",
        "transfer_amount": 100,
        "create_time": "2026-11-11T20:57:00+08:00",
        "update_time": "2026-11-11T20:57:00+08:00",
        "order_id": "3",
        "out_order_no": "PS",
        "receiver": {"type": "MERCHANT_ID", "account": "1900000109", "amount": 1},
        "openid": "o1",
        "unionid": "u1",
        "send_channel": "X",
        "send_time": "2026-11-11T20:57:00+08:00",
        "success_time": "2026-11-11T20:57:00+08:00",
        "user_received_account": "",
        "trade_type": "JSAPI",
        "trade_state_desc": "",
        "attach": "",
    },
    "social_ads": {"account_id": "1", "click_id": "c"},
    "enterprise_chat": {"UserID": "u", "ExternalUserID": "w", "ChatId": "c", "Id": "i", "CreateTime": "1700000000"},
}
_READ: dict[str, Read] = {
    "official_account": lambda event: account.interpret(event, "wx1"),
    "mini_program_store": lambda event: store.hints("wx1", event),
    "payments": lambda event: translation.notices("1900000001", event),
    "social_ads": lambda event: [ads.interpret_click(event)] if event.kind == ads.CLICK else [],
    "enterprise_chat": lambda event: chat.interpret("ww1", event),
}
_KINDS = [(spec.name, kind) for spec in TOOLS for kind in spec.events]


@pytest.mark.parametrize(("tool", "kind"), _KINDS, ids=[f"{tool}-{kind.name}" for tool, kind in _KINDS])
def test_a_kind_becomes_the_record_that_the_list_says(tool: str, kind: EventKind) -> None:
    payload = _PAYLOADS[tool]
    if kind.name == "subscribe_msg_popup_event":
        payload = {**payload, "List": {**_ANSWER, "SubscribeStatusString": "accept"}}
    event = InboundEvent(kind.name, "key", "entity", datetime(2026, 11, 11, tzinfo=UTC), payload)
    assert {type(each).__name__ for each in _READ[tool](event)} == ({kind.record} if kind.record else set())


def test_every_kind_that_the_code_reads_is_listed() -> None:
    listed = {spec.name: {each.name for each in spec.events} for spec in TOOLS}
    assert listed["official_account"] == account.EVENTS | account.MESSAGES
    assert set(chat._READERS) <= listed["enterprise_chat"]
    handled = {*store._ORDER_EVENTS, *store._PRODUCT_EVENTS, store._AFTER_SALE_EVENT, *store.SUBSCRIBE_EVENTS}
    assert handled <= listed["mini_program_store"]


def test_a_tool_that_receives_webhooks_has_a_list_and_names_each_kind_once() -> None:
    for spec in TOOLS:
        assert bool(spec.events) is hasattr(spec.adapter, ReceivesWebhooks.receive.__name__), spec.name
        names = [each.name for each in spec.events]
        assert len(set(names)) == len(names), spec.name
