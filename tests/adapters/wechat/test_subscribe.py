"""What is pushed about subscribe messages, in the shapes of XML and JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.wechat.callbacks import parse
from adapters.wechat.subscribe import SubscribeAnswered, SubscribeEnded, subscribe_records

AT = datetime(2026, 11, 11, tzinfo=UTC)


def records(kind: str, payload: Any) -> Any:
    return subscribe_records(kind, {"FromUserName": "o1", **payload}, "wx1", AT)


def item(template: str, status: str) -> dict[str, str]:
    return {"TemplateId": template, "SubscribeStatusString": status, "PopupScene": "0"}


def accepted(template: str, *, yes: bool = True) -> SubscribeAnswered:
    return SubscribeAnswered("wx1", "o1", template, yes, AT)


def test_a_popup_tells_every_answer() -> None:
    both = [item("A", "accept"), item("B", "reject")]
    expected = (accepted("A"), accepted("B", yes=False))
    assert records("subscribe_msg_popup_event", {"List": both}) == expected
    assert records("subscribe_msg_popup_event", {"SubscribeMsgPopupEvent": {"List": both}}) == expected
    assert records("subscribe_msg_popup_event", {"List": both[0]}) == (accepted("A"),)


def test_xml_with_one_and_two_answers() -> None:
    one = b"<List><TemplateId>A</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>"
    for times in (1, 2):
        body = b"<xml><SubscribeMsgPopupEvent>" + one * times + b"</SubscribeMsgPopupEvent></xml>"
        assert records("subscribe_msg_popup_event", parse(body)) == (accepted("A"),) * times


@pytest.mark.parametrize(
    ("kind", "entry", "ends"),
    [
        ("subscribe_msg_change_event", item("A", "reject"), True),
        ("subscribe_msg_change_event", item("A", "accept"), False),
        ("subscribe_msg_sent_event", {"TemplateId": "A", "MsgID": "1", "ErrorCode": "43101"}, True),
        ("subscribe_msg_sent_event", {"TemplateId": "A", "MsgID": "1", "ErrorCode": "0"}, False),
        ("subscribe_msg_sent_event", {"TemplateId": "A", "MsgID": 1, "ErrorCode": 0}, False),
    ],
)
def test_what_ends_a_template(kind: str, entry: dict[str, Any], *, ends: bool) -> None:
    assert records(kind, {"List": [entry]}) == ((SubscribeEnded("wx1", "o1", "A", AT),) if ends else ())


def test_what_is_unreadable_tells_nothing() -> None:
    for odd in ({}, {"List": "text"}, {"List": [1, {"SubscribeStatusString": "accept"}]}, {"List": [item("A", "new")]}):
        assert records("subscribe_msg_popup_event", odd) == ()
