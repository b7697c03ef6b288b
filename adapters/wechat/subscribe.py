"""Subscribe messages (订阅消息): what the platform pushes about the shopper's answers and about what was sent.

Service accounts and mini-programs push the same three events. XML wraps the list in an element of the event's own;
JSON has it at the top, as an array, or as one object where there is one.
https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/subscribe-message.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.wechat.callbacks import Payload, as_list

_POPUP: Final = "subscribe_msg_popup_event"
_CHANGE: Final = "subscribe_msg_change_event"
_SENT: Final = "subscribe_msg_sent_event"
_WRAPPERS: Final = {
    _POPUP: "SubscribeMsgPopupEvent",
    _CHANGE: "SubscribeMsgChangeEvent",
    _SENT: "SubscribeMsgSentEvent",
}
EVENTS: Final = frozenset(_WRAPPERS)


@dataclass(frozen=True, slots=True)
class SubscribeAnswered:
    """A shopper answered a template's question; accepted, one more message may be sent."""

    appid: str
    openid: str
    template: str
    accepted: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class SubscribeEnded:
    """Nothing may be sent by this template any more: it was switched off, or a message came back refused."""

    appid: str
    openid: str
    template: str
    at: datetime


def subscribe_records(
    kind: str, payload: Payload, appid: str, at: datetime
) -> tuple[SubscribeAnswered | SubscribeEnded, ...]:
    """Records of one of EVENTS. That a message arrived is no news: its grant was spent when it was sent."""
    openid = str(payload.get("FromUserName", ""))
    found: list[SubscribeAnswered | SubscribeEnded] = []
    for each in _entries(kind, payload):
        template, status = str(each.get("TemplateId", "")), str(each.get("SubscribeStatusString", ""))
        if kind == _POPUP and status in {"accept", "reject"}:
            found.append(SubscribeAnswered(appid, openid, template, status == "accept", at))
        elif (kind == _CHANGE and status == "reject") or (kind == _SENT and str(each.get("ErrorCode", "0")) != "0"):
            found.append(SubscribeEnded(appid, openid, template, at))
    return tuple(found)


def _entries(kind: str, payload: Payload) -> Iterator[Mapping[str, Any]]:
    wrapped = payload.get(_WRAPPERS[kind])
    source: Mapping[str, Any] = wrapped if isinstance(wrapped, Mapping) else payload
    for each in as_list(source.get("List")):
        if isinstance(each, Mapping) and each.get("TemplateId"):
            yield each
