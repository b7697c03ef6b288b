"""What leaves this folder: official accounts in our words. Instants are aware, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class Follower:
    """Somebody for whom the account has an openid (粉丝).

    Attributes:
        appid: the official account.
        openid: who, within this appid.
        unionid: who, within the brand's Open Platform account; None where the platform gives none.
        subscribed: follows now. When False the platform tells nothing else.
        subscribed_at: since when (the last time, if they came back); None when not subscribed.
        scene: how they came, in the platform's words such as ``ADD_SCENE_QR_CODE``; an open list.
        qr_scene: the scene of the QR code they came through, number or text; empty without one.
        remark: what an operator noted about them.
        tag_ids: the account's tags on them.
    """

    appid: str
    openid: str
    unionid: str | None = None
    subscribed: bool = False
    subscribed_at: datetime | None = None
    scene: str = ""
    qr_scene: str = ""
    remark: str = ""
    tag_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of an account (用户标签) and how many followers carry it."""

    id: int
    name: str
    followers: int


@dataclass(frozen=True, slots=True)
class TemplateMessage:
    """A template message (模板消息) to one follower.

    Attributes:
        openid: to whom.
        template_id: which template of the account.
        data: field name such as ``thing1`` → text.
        client_msg_id: the sender's key; the same key within ten minutes sends once. Over 32 characters
            its digest is sent instead.
        url: web page behind a tap, if any.
        mini_program_appid: mini-program behind a tap, if any; it wins over ``url``.
        mini_program_path: page in it.
    """

    openid: str
    template_id: str
    data: Mapping[str, str] = field(repr=False)
    client_msg_id: str
    url: str = ""
    mini_program_appid: str = ""
    mini_program_path: str = ""


@dataclass(frozen=True, slots=True)
class TemplateSent:
    """Accepted, not delivered: ``TemplateDelivered`` tells later. ``message_id`` is a number of 64 bits."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link with a title and a picture (图文外链). ``url`` and ``picture`` are web addresses."""

    title: str
    url: str
    description: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True)
class CustomerServiceMessage:
    """A customer-service message (客服消息) to one follower: a text, or a link."""

    openid: str
    content: str | Link = field(repr=False)


class DeliveryStatus(StrEnum):
    """What became of a template message."""

    DELIVERED = "DELIVERED"
    BLOCKED_BY_USER = "BLOCKED_BY_USER"
    FAILED = "FAILED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class FollowerChanged:
    """Somebody followed or stopped following; ``scene_key`` is the QR code's scene, empty without one."""

    appid: str
    openid: str
    subscribed: bool
    at: datetime
    scene_key: str = ""


@dataclass(frozen=True, slots=True)
class QrScanned:
    """A follower scanned a QR code of the account."""

    appid: str
    openid: str
    scene_key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Interacted:
    """A follower wrote (MESSAGE) or tapped a menu entry that asks for an answer (MENU): 客服消息 may go for a while."""

    appid: str
    openid: str
    kind: Literal["MESSAGE", "MENU"]
    at: datetime


@dataclass(frozen=True, slots=True)
class TemplateDelivered:
    """The end of a template message; ``message_id`` is that of ``TemplateSent``."""

    appid: str
    openid: str = field(repr=False)
    message_id: str
    status: DeliveryStatus
    at: datetime
