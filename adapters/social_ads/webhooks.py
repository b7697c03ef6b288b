"""Click tracking (点击监测): the platform GETs a link of ours, with macros replaced, for every ad click.

Nothing is signed. What keeps strangers out is ``click_key`` in the link, so an event from here is a claim:
good for a touchpoint on a timeline, never for counting clicks or for identifying anybody on its own.
(Vendor pages: DataNexus, "广告效果监测 / 点击监测"; macro table of the tracking links.)
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from adapters.base.webhooks import InboundEvent, Received, WebhookRefused, WebhookReply, WebhookRequest
from adapters.social_ads.records import AdClick

CLICK: Final = "ad_click"
#: Parameter of our link → macro that the platform replaces. Names that are delivered fields keep their
#: meaning; our own constant is called ``k``, because constants must not be named like a delivered field.
LINK_MACROS: Final[Mapping[str, str]] = {
    "account_id": "__ACCOUNT_ID__",
    "click_id": "__CLICK_ID__",
    "click_time": "__CLICK_TIME__",
    "imp_id": "__IMPRESSION_ID__",
    "imp_time": "__IMPRESSION_TIME__",
    "adgroup_id": "__ADGROUP_ID__",
    "creative_id": "__DYNAMIC_CREATIVE_ID__",
    "rid": "__REQUEST_ID__",
    "wxopenid": "__WECHAT_OPEN_ID__",
    "callback": "__CALLBACK__",
}
#: Old receivers had to answer this body, today's product wants status 200: this is both.
REPLY: Final = WebhookReply(200, b'{"ret":0,"msg":"success"}', "application/json")

_MACRO: Final = re.compile(r"__[A-Z0-9_]+__")
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
#: Seconds since 1970 up to the year 2100: anything else is not a click's time.
_LATEST: Final = 4_102_444_800


def click_link(url: str, click_key: str) -> str:
    """The link to enter in the platform's console; ``url`` is this account's webhook address."""
    macros = "&".join(f"{name}={macro}" for name, macro in LINK_MACROS.items())
    return f"{url}?k={click_key}&{macros}"


def receive_click(request: WebhookRequest, account_id: int, click_key: str, now: datetime) -> Received:
    """A pushed click. Without a macro replaced in its ids it is a probe, and brings no event.

    Raises WebhookRefused: ``path`` (404) without the key, ``method`` (405), ``shape`` (400).
    """
    given = request.query.get("k", "") or request.tail
    if not hmac.compare_digest(given.encode(), click_key.encode()):
        raise WebhookRefused("path", "no such tracking link", status=404)
    if request.method != "GET":
        raise WebhookRefused("method", "click tracking comes as GET only", status=405)
    payload = {name: text for name in LINK_MACROS if (text := _filled(request.query.get(name)))}
    account = str(_number(payload, "account_id") or account_id)
    _number(payload, "adgroup_id")
    clicked_at = _seconds(payload, "click_time")
    key = _dedupe_key(payload)
    if key is None:
        return Received(REPLY)
    event = InboundEvent(
        CLICK,
        f"{account}:{key}",
        f"click:{account}:{key}",
        clicked_at or now,
        {**payload, "account_id": account},
        claim=True,
    )
    return Received(REPLY, (event,))


def interpret_click(event: InboundEvent) -> AdClick:
    """The record of a pushed click."""
    texts = {name: value for name, value in event.payload.items() if isinstance(value, str)}
    adgroup = texts.get("adgroup_id")
    return AdClick(
        account_id=int(texts["account_id"]),
        click_id=texts.get("click_id"),
        adgroup_id=int(adgroup) if adgroup is not None else None,
        creative_id=texts.get("creative_id"),
        at=event.occurred_at,
        impression_id=texts.get("imp_id"),
        request_id=texts.get("rid"),
        wechat_openid=texts.get("wxopenid"),
        callback=texts.get("callback"),
    )


def _filled(text: str | None) -> str | None:
    """None for an empty value and for a macro left in place, which means "not supported here"."""
    return None if not text or _MACRO.fullmatch(text) else text


def _dedupe_key(payload: Mapping[str, str]) -> str | None:
    """The platform names no rule; ours is the click id, else impression or request with the time."""
    if "click_id" in payload:
        return payload["click_id"]
    shown = payload.get("imp_id") or payload.get("rid")
    return f"{shown}@{payload.get('click_time', '')}" if shown else None


def _number(payload: Mapping[str, str], name: str) -> int | None:
    text = payload.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise WebhookRefused("shape", f"{name} must be a number of at most 19 digits", status=400)
    return int(text)


def _seconds(payload: Mapping[str, str], name: str) -> datetime | None:
    seconds = _number(payload, name)
    if seconds is None:
        return None
    if seconds > _LATEST:
        raise WebhookRefused("shape", f"{name} must be Unix seconds", status=400)
    return datetime.fromtimestamp(seconds, UTC)
