"""What one account keeps besides its followers: templates, menu, articles, files, codes and jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.world import names

LIBRARY = {"TM00015": "订单支付成功通知", "TM00016": "积分变动提醒"}
SUBSCRIBE_TEMPLATES = {"arrival": "到货通知", "order_ready": "取货提醒"}


@dataclass(slots=True)
class MassJob:
    """A mass message."""

    msg_id: int
    data_id: int
    at: datetime
    status: str


@dataclass(slots=True)
class WebCode:
    """A code that a page got, and whether it was used."""

    openid: str
    scope: str
    at: datetime
    snapshot: bool = False
    used: bool = False


@dataclass(slots=True)
class WebToken:
    """Tokens of one person."""

    openid: str
    scope: str
    until: datetime
    refresh: str


@dataclass(slots=True)
class Shelf:
    """Everything by the numbers that the platform gave it."""

    blacklist: list[str] = field(default_factory=list)
    subscribe_templates: dict[str, str] = field(default_factory=dict)
    subscribe_names: dict[str, str] = field(default_factory=dict)
    grants: dict[tuple[str, str], int] = field(default_factory=dict)
    typing: set[str] = field(default_factory=set)
    jobs: dict[int, MassJob] = field(default_factory=dict)
    job_keys: dict[str, int] = field(default_factory=dict)
    speed: int = 3
    codes: dict[str, str] = field(default_factory=dict)
    menu: list[dict[str, Any]] | None = None
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: dict[str, dict[str, Any]] = field(default_factory=dict)
    publications: dict[str, str] = field(default_factory=dict)
    media: dict[str, tuple[str, bytes, datetime]] = field(default_factory=dict)
    web_codes: dict[str, WebCode] = field(default_factory=dict)
    web_tokens: dict[str, WebToken] = field(default_factory=dict)


def shelf_of(seed: int, appid: str, now: datetime) -> Shelf:
    """What the brand's people put there: two templates of subscribe messages, and three drafts."""
    shelf = Shelf()
    for name, title in SUBSCRIBE_TEMPLATES.items():
        number = names.text(seed, f"subscribe/{appid}/{name}", 43)
        shelf.subscribe_templates[number] = title
        shelf.subscribe_names[name] = number
    for title in ("山岚轻羽绒服上新", "双11门店活动", "云岭小狐徽章"):
        item = {
            "title": title,
            "author": "屿见",
            "digest": "",
            "content": f"<p>{title}</p>",
            "content_source_url": "",
            "thumb_media_id": names.text(seed, f"thumb/{appid}/{title}", 64),
            "need_open_comment": 0,
            "only_fans_can_comment": 0,
            "url": "",
        }
        number = names.text(seed, f"draft/{appid}/{title}", 64)
        shelf.drafts[number] = {"news_item": [item], "update_time": int(now.timestamp())}
    return shelf
