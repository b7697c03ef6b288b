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
class Picture:
    """A picture (图片) that was uploaded."""

    media_id: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A recording (语音) that was uploaded."""

    media_id: str


@dataclass(frozen=True, slots=True)
class Video:
    """A film (视频) that was uploaded; a customer-service message needs a ``thumb_media_id`` too."""

    media_id: str
    thumb_media_id: str = ""
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """The articles of a draft (草稿, 图文消息)."""

    media_id: str


@dataclass(frozen=True, slots=True)
class PublishedArticle:
    """An article that is published already."""

    article_id: str


@dataclass(frozen=True, slots=True)
class MiniProgramPage:
    """A card that opens a page of a linked mini-program (小程序卡片)."""

    title: str
    appid: str
    path: str
    thumb_media_id: str


@dataclass(frozen=True, slots=True)
class Choices:
    """A question with entries to tap (菜单消息), as (id, text); a tap opens the window of a menu's tap."""

    question: str
    options: tuple[tuple[str, str], ...]
    tail: str = ""


CustomerServiceContent = str | Link | Picture | Voice | Video | Draft | PublishedArticle | MiniProgramPage | Choices


@dataclass(frozen=True, slots=True)
class CustomerServiceMessage:
    """A customer-service message (客服消息) to one follower; ``sender`` is an account of 客服, empty for the brand."""

    openid: str
    content: CustomerServiceContent = field(repr=False)
    sender: str = ""


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


@dataclass(frozen=True, slots=True)
class Template:
    """A template of the account (消息模板); ``content`` shows its fields as ``{{thing1.DATA}}``."""

    template_id: str
    title: str
    content: str
    example: str


@dataclass(frozen=True, slots=True)
class SubscribeTemplate:
    """A template of subscribe messages (订阅通知): one message per consent, or, ``long_term``, any number."""

    template_id: str
    title: str
    content: str
    example: str
    long_term: bool


@dataclass(frozen=True, slots=True)
class SubscribeMessage:
    """A subscribe message (订阅通知) to one who agreed; a tap leads to ``page`` or to a mini-program."""

    openid: str
    template_id: str
    data: Mapping[str, str] = field(repr=False)
    page: str = ""
    mini_program_appid: str = ""
    mini_program_path: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of a mass message, with a line about them."""

    media_ids: tuple[str, ...]
    line: str = ""


MassContent = str | Draft | Pictures | Voice | Video


@dataclass(frozen=True, slots=True)
class MassJob:
    """A mass message (群发) that was taken: ``MassDelivered`` tells how it went.

    ``data_id`` is for articles: ``{data_id}_{place from 1}`` names each in the statistics.
    """

    message_id: str
    data_id: str = ""


class MassStatus(StrEnum):
    """How a mass message is doing."""

    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    DELETED = "DELETED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class MassDelivered:
    """The end of a mass message (MASSSENDJOBFINISH).

    Attributes:
        message_id: that of ``MassJob``.
        status: SENT, FAILED, or OTHER for a word that is new.
        reason: the platform's ``err(20001)`` and the like, where it stopped the message; else empty.
        total: followers that were meant.
        filtered: of these, who may and wants to get it.
        sent, failed: of the filtered.
    """

    appid: str
    message_id: str
    status: MassStatus
    reason: str
    total: int
    filtered: int
    sent: int
    failed: int
    at: datetime


class PublishStatus(StrEnum):
    """What became of a publication."""

    PUBLISHED = "PUBLISHED"
    PUBLISHING = "PUBLISHING"
    NOT_ORIGINAL = "NOT_ORIGINAL"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    DELETED = "DELETED"
    BANNED = "BANNED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication (发布): ``failed`` are the places, from 1, of articles that did not pass."""

    publish_id: str
    status: PublishStatus
    article_id: str
    failed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ArticlesPublished:
    """A publication ended (FREEPUBLISHJOBFINISH)."""

    appid: str
    publication: Publication
    at: datetime


@dataclass(frozen=True, slots=True)
class Article:
    """An article's head (图文). ``url`` is a web address, empty in a draft that was never shown."""

    title: str
    author: str
    digest: str
    url: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ArticleGroup:
    """Articles that are kept together: ``id`` is a draft's media_id, or a publication's article_id."""

    id: str
    articles: tuple[Article, ...]
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class SceneCode:
    """A QR code with a scene (带参数的二维码).

    Attributes:
        ticket: its name at the platform.
        url: what the picture says, for those who draw it themselves.
        image_url: the picture (JPEG), open to everybody who knows the ticket.
        expires_at: None for a permanent one.
    """

    ticket: str
    url: str
    image_url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of the menu (自定义菜单): ``kind`` and ``value`` as the platform has them, or entries under a heading.

    ``value`` is a key, a web address, a media_id or an article_id, by the kind; a ``miniprogram`` has its ``appid`` and
    ``path`` too, and its ``value`` is the web page for old clients.
    """

    name: str
    kind: str = ""
    value: str = ""
    appid: str = ""
    path: str = ""
    entries: tuple[MenuEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """A file (临时素材)."""

    content_type: str
    content: bytes = field(repr=False)
