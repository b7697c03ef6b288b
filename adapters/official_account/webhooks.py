"""What the platform pushes: messages and events, and what they mean in our records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from adapters.base.webhooks import InboundEvent, WebhookRefused
from adapters.official_account.content import PUBLISH_STATUS
from adapters.official_account.records import (
    ArticlesPublished,
    DeliveryStatus,
    FollowerChanged,
    Interacted,
    MassDelivered,
    MassStatus,
    Publication,
    PublishStatus,
    QrScanned,
    TemplateDelivered,
)
from adapters.wechat.callbacks import Payload, as_list
from adapters.wechat.subscribe import EVENTS as SUBSCRIBE_EVENTS
from adapters.wechat.subscribe import subscribe_records

#: Message types (MsgType other than ``event``): the shopper speaks, which lets us answer for 48 hours.
MESSAGES: Final = frozenset({"text", "image", "voice", "video", "shortvideo", "location", "link"})
#: Event names as the vendor writes them; they are matched without regard to case.
EVENTS: Final = frozenset(
    {
        "subscribe",
        "unsubscribe",
        "SCAN",
        "LOCATION",
        "CLICK",
        "VIEW",
        "view_miniprogram",
        "scancode_push",
        "scancode_waitmsg",
        "pic_sysphoto",
        "pic_photo_or_album",
        "pic_weixin",
        "location_select",
        "TEMPLATESENDJOBFINISH",
        "MASSSENDJOBFINISH",
        "FREEPUBLISHJOBFINISH",
        "subscribe_msg_popup_event",
        "subscribe_msg_change_event",
        "subscribe_msg_sent_event",
        "user_authorization_revoke",
        "user_info_modified",
    }
)
#: Menu entries that let us answer for a minute; the others do not.
_MENU: Final = frozenset({"CLICK", "scancode_push", "scancode_waitmsg"})
_SPELLING: Final = {name.lower(): name for name in EVENTS}
_QR_PREFIX: Final = "qrscene_"


def inbound(payload: Payload, gh_id: str) -> InboundEvent:
    """The event of a verified payload.

    A message's key is its MsgId. An event has none: the vendor advises FromUserName and CreateTime, but
    two events can come in one second, so name, key and job id join them.

    Raises KeyError or ValueError for a payload without the four elements that all have, and
    WebhookRefused when it is addressed to another account.
    """
    if payload["ToUserName"] != gh_id:
        raise WebhookRefused("path", "The callback is meant for another account; compare gh_id and URL.", status=400)
    sender, message_type = str(payload["FromUserName"]), str(payload["MsgType"])
    created = int(_text(payload, "CreateTime"))
    if message_type == "event":
        kind = _SPELLING.get(str(payload["Event"]).lower(), str(payload["Event"]))
        parts = (sender, str(created), kind, _text(payload, "EventKey"), _text(payload, "MsgID"))
        key = "event|" + "|".join(parts)
    else:
        kind, key = message_type, f"message|{int(_text(payload, 'MsgId'))}"
    return InboundEvent(kind, key, f"follower:{sender}", datetime.fromtimestamp(created, UTC), payload)


def interpret(event: InboundEvent, appid: str) -> Sequence[object]:
    """Records of an event; none for a kind that is unused, or that the platform invented since."""
    payload, at = event.payload, event.occurred_at
    openid, key = _text(payload, "FromUserName"), _text(payload, "EventKey")
    match event.kind:
        case "subscribe":
            return (FollowerChanged(appid, openid, True, at, key.removeprefix(_QR_PREFIX)),)
        case "unsubscribe":
            return (FollowerChanged(appid, openid, False, at),)
        case "SCAN":
            return (QrScanned(appid, openid, key, at),)
        case "TEMPLATESENDJOBFINISH":
            status = delivery_status(_text(payload, "Status"))
            return (TemplateDelivered(appid, openid, _text(payload, "MsgID"), status, at),)
        case "MASSSENDJOBFINISH":
            return (_mass(payload, appid, at),)
        case "FREEPUBLISHJOBFINISH":
            return _published(payload, appid, at)
        case kind if kind in MESSAGES:
            return (Interacted(appid, openid, "MESSAGE", at),)
        case kind if kind in _MENU:
            return (Interacted(appid, openid, "MENU", at),)
        case kind if kind in SUBSCRIBE_EVENTS:
            return subscribe_records(kind, payload, appid, at)
        case _:
            return ()


def delivery_status(status: str) -> DeliveryStatus:
    """The platform's ``Status``, whose spaces come and go."""
    word = "".join(status.lower().split())
    if word == "success":
        return DeliveryStatus.DELIVERED
    if word == "failed:userblock":
        return DeliveryStatus.BLOCKED_BY_USER
    return DeliveryStatus.FAILED if word.startswith("failed") else DeliveryStatus.OTHER


def _mass(payload: Payload, appid: str, at: datetime) -> MassDelivered:
    word = " ".join(_text(payload, "Status").lower().split())
    ends = {"send success": MassStatus.SENT, "send fail": MassStatus.FAILED}
    stopped = word if word.startswith("err(") else ""
    return MassDelivered(
        appid=appid,
        message_id=_text(payload, "MsgID"),
        status=MassStatus.FAILED if stopped else ends.get(word, MassStatus.OTHER),
        reason=stopped,
        total=_count(payload, "TotalCount"),
        filtered=_count(payload, "FilterCount"),
        sent=_count(payload, "SentCount"),
        failed=_count(payload, "ErrorCount"),
        at=at,
    )


def _published(payload: Payload, appid: str, at: datetime) -> Sequence[ArticlesPublished]:
    info = payload.get("PublishEventInfo")
    if not isinstance(info, Mapping):
        return ()
    status = PUBLISH_STATUS.get(_count(info, "publish_status", -1), PublishStatus.OTHER)
    failed = tuple(int(each) for each in as_list(info.get("fail_idx")) if str(each).isdecimal())
    number, article = _text(info, "publish_id"), _text(info, "article_id")
    return (ArticlesPublished(appid, Publication(number, status, article, failed), at),)


def _count(payload: Payload, name: str, absent: int = 0) -> int:
    text = _text(payload, name)
    return int(text) if text.isascii() and text.isdecimal() else absent


def _text(payload: Payload, name: str) -> str:
    """An element as text: XML leaves are text, a JSON push may carry numbers."""
    value = payload.get(name, "")
    return str(value) if isinstance(value, str | int) else ""
