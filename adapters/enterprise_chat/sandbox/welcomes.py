"""externalcontact/send_welcome_msg (发送新客户欢迎语), and media/upload (上传临时素材) for its pictures."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.attachments import Attachments
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState
from sandbox.platform import Kit

NAME = "enterprise_chat"
CODE_LIVES = timedelta(seconds=20)
TEXT_BYTES = 4000
#: Bytes of 临时素材 by kind; more than five of any.
_SIZES = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "file": 20 << 20}
_FILE = re.compile(rb'form-data;[^\r]*name="media"[^\r]*filename="[^"\r]+"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n')


class Welcomes:
    """Takes welcomes: each code once, for twenty seconds. A wrong message leaves the code as it is."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self._attachments = Attachments(state, kit)

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
        text, attachments = _content(call), self._attachments.checked(call.body.get("attachments", []))
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
        """A file of a known kind; what is in it is not looked at."""
        kind = call.query.get("type", "")
        if kind not in _SIZES:
            raise Refusal(40035)
        if not 5 < _size(call) <= _SIZES[kind]:
            raise Refusal(40006)
        now, media_id = self._kit.clock.now(), "2" + secrets.token_urlsafe(40)
        self._state.media[media_id] = now
        self._kit.effect(NAME, "media", media_id)
        return {"type": kind, "media_id": media_id, "created_at": str(int(now.timestamp()))}

    def upload_img(self, call: Call) -> Mapping[str, Any]:
        """A picture for ever."""
        if not 5 < _size(call) <= _SIZES["image"]:
            raise Refusal(40006)
        url = f"https://wework.qpic.example/{secrets.token_hex(16)}/0"
        self._state.pictures.add(url)
        self._kit.effect(NAME, "picture", url)
        return {"url": url}


def _content(call: Call) -> str:
    text = call.body.get("text")
    content = text.get("content", "") if isinstance(text, dict) else ""
    if not isinstance(content, str) or len(content.encode()) > TEXT_BYTES:
        raise Refusal(40058)
    return content


def _size(call: Call) -> int:
    """Bytes of the file in a form; the boundary behind it is cut off. Raises Refusal 44001 where there is none."""
    found = _FILE.search(call.raw)
    if found is None:
        raise Refusal(44001)
    return len(call.raw[found.end() :].rpartition(b"\r\n--")[0])
