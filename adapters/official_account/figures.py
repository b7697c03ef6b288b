"""Records of daily figures and of people on web pages. Days are Beijing's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from adapters.base.secrets import Secret


@dataclass(frozen=True, slots=True)
class FollowerDay:
    """Who came and who left on a day; ``source`` is the platform's number of the way, such as 30 for a QR code."""

    day: date
    source: int
    joined: int
    left: int


@dataclass(frozen=True, slots=True)
class FollowerTotal:
    """How many follow at the end of a day."""

    day: date
    followers: int


@dataclass(frozen=True, slots=True)
class Reads:
    """People who read, shared and kept an article, and how often they did."""

    readers: int
    reads: int
    sharers: int
    shares: int
    keepers: int


@dataclass(frozen=True, slots=True)
class ArticleDay:
    """A day of an article; ``article`` is ``{data_id of MassJob}_{place from 1}``."""

    day: date
    article: str
    title: str
    reads: Reads


@dataclass(frozen=True, slots=True)
class ArticleUntil:
    """An article that was sent on ``sent_on``, from then to the end of ``day``; ``targets`` is who was meant."""

    sent_on: date
    day: date
    article: str
    title: str
    targets: int
    reads: Reads


@dataclass(frozen=True, slots=True)
class ReadingDay:
    """All articles on a day by where they were read: the platform's number, 99999999 for all."""

    day: date
    source: int
    reads: Reads


@dataclass(frozen=True, slots=True)
class SharingDay:
    """All articles on a day by where they were shared: 1 friends, 2 moments, 255 elsewhere."""

    day: date
    scene: int
    sharers: int
    shares: int


@dataclass(frozen=True, slots=True)
class MessageDay:
    """What followers wrote on a day by the kind of message: 1 text, 2 picture, 3 voice, 4 video, 6 link."""

    day: date
    kind: int
    writers: int
    messages: int


@dataclass(frozen=True, slots=True)
class Attention:
    """People who read, shared, recommended (在看) and liked, and how many comments there were."""

    readers: int
    sharers: int
    recommenders: int
    likers: int
    comments: int


@dataclass(frozen=True, slots=True)
class ContentDay:
    """All content on a day. ``complete`` is False while the platform still counts."""

    day: date
    attention: Attention
    complete: bool


@dataclass(frozen=True, slots=True)
class ContentUntil:
    """An article from its publication to the end of ``day``; ``notified``: it went out as a mass message."""

    published_on: date
    day: date
    article: str
    notified: bool
    attention: Attention
    complete: bool


@dataclass(frozen=True, slots=True)
class WebLogin:
    """Who opened a page (网页授权).

    Attributes:
        appid, openid: who. Of a snapshot page the openid is a placeholder and must not be kept.
        unionid: None where the platform gives none.
        snapshot: the page was opened as a snapshot (快照页), by nobody in particular.
        scope: ``snsapi_base`` or ``snsapi_userinfo``.
        token: for ``web_user`` and ``web_check``, until ``expires_at``; not the account's own token.
        refresh_token: makes a new one.
    """

    appid: str
    openid: str
    unionid: str | None
    snapshot: bool
    scope: str
    token: Secret
    refresh_token: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WebUser:
    """What somebody who agreed lets a page know."""

    openid: str
    unionid: str | None
    nickname: str = field(repr=False)
    picture: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageConfig:
    """What ``wx.config`` of a page takes: ``nonceStr`` is ``nonce``, ``timestamp`` is in seconds."""

    appid: str
    timestamp: int
    nonce: str
    signature: str
