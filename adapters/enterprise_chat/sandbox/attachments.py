"""What may hang on a message to a customer (附件): a shape per kind, and files that are still there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.state import CorpState
from sandbox.platform import Kit

MEDIA_LIVES = timedelta(days=3)
MOST = 9
#: Kind of attachment → bytes that its fields may have.
_LIMITS: Mapping[str, Mapping[str, int]] = {
    "image": {"pic_url": 2048},
    "link": {"title": 128, "url": 2048, "picurl": 2048, "desc": 512},
    "miniprogram": {"title": 64},
    "video": {},
    "file": {},
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "image": (),
    "link": ("title", "url"),
    "miniprogram": ("title", "pic_media_id", "appid", "page"),
    "video": ("media_id",),
    "file": ("media_id",),
}


class Attachments:
    """Checks attachments, and knows which media_ids live."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit

    def checked(self, listed: object) -> list[Mapping[str, Any]]:
        """The attachments of a message. Raises Refusal 41064, 40063, 40058, 40007, 40145."""
        if not isinstance(listed, list) or len(listed) > MOST:
            raise Refusal(41064)
        for each in listed:
            kind = str(each.get("msgtype")) if isinstance(each, dict) else ""
            self.check(kind, each.get(kind) if kind in _LIMITS else None)
        return listed

    def check(self, kind: str, inner: object) -> None:
        """One of them."""
        if not isinstance(inner, dict):
            raise Refusal(41064)
        if any(not inner.get(name) for name in _NEEDED[kind]):
            raise Refusal(40063)
        if kind == "image" and not (inner.get("media_id") or inner.get("pic_url")):
            raise Refusal(40063)
        if any(len(str(inner.get(name, "")).encode()) > limit for name, limit in _LIMITS[kind].items()):
            raise Refusal(40058)
        for name in ("pic_media_id", "media_id"):
            if inner.get(name):
                self.check_media(str(inner[name]))
        if kind == "image" and inner.get("pic_url") and inner["pic_url"] not in self._state.pictures:
            raise Refusal(41065)

    def check_media(self, media_id: str) -> None:
        """Raises Refusal 40007 for nobody's, 40145 after three days."""
        at = self._state.media.get(media_id)
        if at is None:
            raise Refusal(40007)
        if self._kit.clock.now() - at > MEDIA_LIVES:
            raise Refusal(40145)
