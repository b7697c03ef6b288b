"""Live sessions (视频号直播) and the store's daily figures (罗盘). Money is fen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class LiveNow:
    """A session on air; orders made in it carry ``live_id``."""

    appid: str
    live_id: str
    title: str
    cover: str
    channel: str


@dataclass(frozen=True, slots=True)
class LiveNotice:
    """An announced session (直播预告)."""

    appid: str
    notice_id: str
    title: str
    channel: str
    starts_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class Channel:
    """The Channels account (视频号) that is bound to the store."""

    appid: str
    finder_id: str
    name: str
    fans: int


@dataclass(frozen=True, slots=True)
class LiveSession:
    """How a session went."""

    appid: str
    live_id: str
    started_at: datetime | None
    seconds: int
    viewers: int
    most_at_once: int
    seconds_per_viewer: int
    likes: int
    comments: int
    shares: int
    new_followers: int


@dataclass(frozen=True, slots=True)
class StoreDay:
    """The store's figures of a day."""

    appid: str
    day: date
    paid: int
    live_paid: int
    video_paid: int
    refunded: int
    orders: int
    buyers: int
    product_visitors: int


@dataclass(frozen=True, slots=True)
class StoreLive:
    """A session as the store's own figures list it."""

    appid: str
    live_id: str
    title: str
    started_at: datetime | None
    seconds: int
