"""externalcontact/send_welcome_msg (发送新客户欢迎语), and media/upload (上传临时素材) for its pictures."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState
from sandbox.platform import Kit

NAME = "enterprise_chat"
CODE_LIVES = timedelta(seconds=20)
MEDIA_LIVES = timedelta(days=3)
TEXT_BYTES = 4000
ATTACHMENTS = 9
#: Kind of attachment → bytes that its fields may have; those without a number are media.
_LIMITS: Mapping[str, Mapping[str, int]] = {
    "link": {"title": 128, "url": 2048, "picurl": 2048, "desc": 512},
    "miniprogram": {"title": 64},
}
_NEEDED = {"link": ("title", "url"), "miniprogram": ("title", "pic_media_id", "appid", "page")}
_FILE = re.compile(rb'form-data;[^\r]*name="media"[^\r]*filename="[^"\r]+"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n')


class Welcomes:
    """Takes welcomes: each code once, for twenty seconds. A wrong message leaves the code as it is."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit

    def send(self, call: Call) -> Mapping[str, Any]:
        """An errcode and nothing else."""
        given = call.text("welcome_code")
        if not given:
            raise Refusal(41049)
        code, now = self._state.welcome_codes.get(given), self._kit.clock.now()
        if code is None or now - code.at > CODE_LIVES:
            raise Refusal(41050)
        if code.used:
            raise Refusal(41051)
        text, attachments = _content(call), self._attachments(call)
        if not text and not attachments:
            raise Refusal(40063)
        code.used = True
        self._kit.effect(
            NAME,
            "welcome_message",
            f"{code.userid}:{code.external_userid}",
            text=text,
            attachments=attachments,
        )
        return {}

    def upload(self, call: Call) -> Mapping[str, Any]:
        """An image only; what is in it is not looked at."""
        if call.query.get("type") != "image":
            raise Refusal(40035)
        found = _FILE.search(call.raw)
        if found is None:
            raise Refusal(44001)
        now, media_id = self._kit.clock.now(), "2" + secrets.token_urlsafe(40)
        self._state.media[media_id] = now
        self._kit.effect(NAME, "media", media_id)
        return {"type": "image", "media_id": media_id, "created_at": str(int(now.timestamp()))}

    def _attachments(self, call: Call) -> list[Mapping[str, Any]]:
        listed = call.body.get("attachments", [])
        if not isinstance(listed, list) or len(listed) > ATTACHMENTS:
            raise Refusal(41064)
        for each in listed:
            kind = str(each.get("msgtype")) if isinstance(each, dict) else ""
            inner = each.get(kind) if kind in _LIMITS else None
            if not isinstance(inner, dict):
                raise Refusal(41064)
            if any(not inner.get(name) for name in _NEEDED[kind]):
                raise Refusal(40063)
            if any(len(str(inner.get(name, "")).encode()) > limit for name, limit in _LIMITS[kind].items()):
                raise Refusal(40058)
            if "pic_media_id" in inner:
                self._check_media(str(inner["pic_media_id"]))
        return listed

    def _check_media(self, media_id: str) -> None:
        at = self._state.media.get(media_id)
        if at is None:
            raise Refusal(40007)
        if self._kit.clock.now() - at > MEDIA_LIVES:
            raise Refusal(40145)


def _content(call: Call) -> str:
    text = call.body.get("text")
    content = text.get("content", "") if isinstance(text, dict) else ""
    if not isinstance(content, str) or len(content.encode()) > TEXT_BYTES:
        raise Refusal(40058)
    return content
