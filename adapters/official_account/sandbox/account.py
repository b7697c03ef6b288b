"""What the platform holds about one official account."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapters.official_account.sandbox.shelf import shelf_of
from adapters.official_account.sandbox.tokens import Issuer
from sandbox.world import OfficialAccount, World, names

#: How long the platform remembers a ``client_msg_id``.
REMEMBERED = timedelta(minutes=10)
#: How long an upload is kept.
MEDIA_LIFE = timedelta(days=3)
#: Message templates (模板) of every account: name → the fields of its text.
TEMPLATES = {
    "order_paid": ("thing1", "amount2", "time3"),
    "points_changed": ("thing1", "number2"),
}
#: What somebody's act opens for customer-service messages: for how long, and how many.
WINDOWS = {
    "message": (timedelta(hours=48), 5),
    "follow": (timedelta(minutes=1), 3),
    "scan": (timedelta(minutes=1), 3),
}
#: What a field's value must look like, by the field's type.
FIELD_RULES = {
    "thing": re.compile(r".{1,20}", re.DOTALL),
    "amount": re.compile(r"[¥￥]?\d{1,10}(\.\d{1,2})?元?"),
    "number": re.compile(r"-?\d{1,32}(\.\d+)?"),
    "time": re.compile(r".{1,20}"),
}


@dataclass(slots=True)
class FollowerState:
    """A follower, present or past; ``qr_scene`` is set for a numeric scene, ``qr_scene_str`` for a text."""

    openid: str
    subscribed: bool
    since: datetime
    scene: str
    qr_scene: int = 0
    qr_scene_str: str = ""
    remark: str = ""
    tags: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SentTemplate:
    """A send that may be asked for again within ten minutes."""

    msgid: int
    at: datetime


@dataclass(slots=True)
class Window:
    """Messages that may still be sent until an instant."""

    until: datetime
    left: int


class Account:
    """One appid: its people, tags, templates and tokens."""

    def __init__(self, world: World, brand_account: OfficialAccount) -> None:
        self.settings = brand_account
        appid = brand_account.appid
        #: Whoever this appid has an openid for, follower or not: openid → unionid.
        self.unionids = {p.openids[appid]: p.unionid for p in world.people.values() if appid in p.openids}
        mine = sorted((f for f in world.followers if f.appid == appid), key=lambda f: f.subscribed_at)
        #: In follow order; one who left keeps the place, so that a cursor goes on meaning the same.
        self.followers = {
            f.openid: FollowerState(
                f.openid, f.subscribed, f.subscribed_at, f.scene, 0, f.qr_scene_str, f.remark, list(f.tags)
            )
            for f in mine
        }
        self.tags = {t.id: t.name for t in world.oa_tags if t.appid == appid}
        self.mini_programs = {m.appid for m in world.mini_programs}
        self.templates = {
            names.text(world.seed, f"template/{appid}/{name}", 43): fields for name, fields in TEMPLATES.items()
        }
        self.template_names = dict(zip(TEMPLATES, self.templates, strict=True))
        self.token = Issuer(lambda n: "90_" + names.text(world.seed, f"{appid}/token/{n}", 133))
        self.stable_token = Issuer(lambda n: "91_" + names.text(world.seed, f"{appid}/stable/{n}", 133))
        #: openid → act → what the newest one opened.
        self.windows: dict[str, dict[str, Window]] = {}
        self.shelf = shelf_of(world.seed, appid, world.now)
        #: openid → when they did something last.
        self.last_seen: dict[str, datetime] = {}
        #: How many more calls with a tag are refused as if there were none: two programs tag the same follower.
        self.denied_tags = 0
        self.sent_to_all: datetime | None = None
        self.sent: dict[str, SentTemplate] = {}
        self._next_msgid = 2463547712345678901

    def subscribed(self) -> list[str]:
        """Openids of present followers, in follow order."""
        return [f.openid for f in self.followers.values() if f.subscribed]

    def user(self, openid: str) -> dict[str, Any]:
        """``user/info`` of an openid of this appid: next to nothing unless they follow."""
        found = self.followers.get(openid)
        if found is None or not found.subscribed:
            return {"subscribe": 0, "openid": openid, "tagid_list": []}
        info: dict[str, Any] = {
            "subscribe": 1,
            "openid": openid,
            "language": "zh_CN",
            "subscribe_time": int(found.since.timestamp()),
            "remark": found.remark,
            "groupid": 0,
            "tagid_list": found.tags,
            "subscribe_scene": found.scene,
            "qr_scene": found.qr_scene,
            "qr_scene_str": found.qr_scene_str,
        }
        if self.unionids[openid]:
            info["unionid"] = self.unionids[openid]
        return info

    def tag_rows(self) -> list[dict[str, Any]]:
        """``tags/get``: how many present followers carry each tag."""
        present = [f for f in self.followers.values() if f.subscribed]
        return [
            {"id": tag, "name": name, "count": sum(tag in f.tags for f in present)} for tag, name in self.tags.items()
        ]

    def follow(self, openid: str, scene: str, qr: str, now: datetime) -> None:
        """They follow, again perhaps: the newest comes last in the list."""
        before = self.followers.pop(openid, None)
        number = int(qr) if qr.isdecimal() else 0
        self.followers[openid] = FollowerState(
            openid,
            True,
            now,
            scene,
            number,
            "" if number else qr,
            before.remark if before else "",
            before.tags if before else [],
        )

    def interacted(self, openid: str, act: str, now: datetime) -> None:
        """Somebody did one of WINDOWS: what it opens begins anew."""
        lasts, messages = WINDOWS[act]
        self.last_seen[openid] = now
        self.windows.setdefault(openid, {})[act] = Window(now + lasts, messages)

    def take_message(self, openid: str, now: datetime) -> int:
        """Count a customer-service message; 0, or the errcode of why there may be none."""
        still = [each for each in self.windows.get(openid, {}).values() if each.until > now]
        usable = [each for each in still if each.left > 0]
        if not usable:
            return 45047 if still else 45015
        max(usable, key=lambda each: each.until).left -= 1
        return 0

    def has_media(self, number: str, now: datetime) -> bool:
        """True for an upload of the last three days, and for a draft."""
        if number in self.shelf.drafts:
            return True
        return number in self.shelf.media and now - self.shelf.media[number][2] < MEDIA_LIFE

    def bad_field(self, template_id: str, data: dict[str, Any]) -> str:
        """The first field of a template that breaks its type's rule, or empty."""
        for name in self.templates[template_id]:
            value = data.get(name)
            text = value.get("value") if isinstance(value, dict) else None
            if not isinstance(text, str) or not FIELD_RULES[name.rstrip("0123456789")].fullmatch(text):
                return name
        return ""

    def accept_template(self, client_msg_id: str, now: datetime) -> tuple[int, bool]:
        """A message id, and whether it is a new one (False: the same key within ten minutes)."""
        before = self.sent.get(client_msg_id) if client_msg_id else None
        if before is not None and now - before.at < REMEMBERED:
            return before.msgid, False
        self._next_msgid += 1
        if client_msg_id:
            self.sent[client_msg_id] = SentTemplate(self._next_msgid, now)
        return self._next_msgid, True
