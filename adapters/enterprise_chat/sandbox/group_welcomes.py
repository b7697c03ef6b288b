"""入群欢迎语素材. The pages of the vendor were not at hand: paths and shapes are those of public clients."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.attachments import Attachments
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState
from sandbox.platform import Kit

NAME = "enterprise_chat"
TEXT_BYTES = 3000
MOST = 100
_SHOWN = ("image", "link", "miniprogram")


class GroupWelcomes:
    """Welcomes that group owners may choose."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._kit = kit
        self._attachments = Attachments(state, kit)
        self.templates: dict[str, dict[str, Any]] = {}

    def add(self, call: Call) -> Mapping[str, Any]:
        """Another one, of 100 at most."""
        content = self._content(call)
        if len(self.templates) >= MOST:
            raise Refusal(40058)
        template_id = "msg" + secrets.token_hex(12)
        self.templates[template_id] = content
        self._kit.effect(NAME, "group_welcome", template_id)
        return {"template_id": template_id}

    def edit(self, call: Call) -> Mapping[str, Any]:
        """Everything anew."""
        template_id = self._known(call)
        content = self._content(call)
        if content != self.templates[template_id]:
            self.templates[template_id] = content
            self._kit.effect(NAME, "group_welcome_edited", template_id)
        return {}

    def get(self, call: Call) -> Mapping[str, Any]:
        """As it stands."""
        return self.templates[self._known(call)]

    def delete(self, call: Call) -> Mapping[str, Any]:
        """Gone."""
        template_id = self._known(call)
        del self.templates[template_id]
        self._kit.effect(NAME, "group_welcome_deleted", template_id)
        return {}

    def _known(self, call: Call) -> str:
        template_id = call.text("template_id")
        if template_id not in self.templates:
            raise Refusal(40035)
        return template_id

    def _content(self, call: Call) -> dict[str, Any]:
        text = call.body.get("text")
        words = str(text.get("content", "")) if isinstance(text, dict) else ""
        if len(words.encode()) > TEXT_BYTES:
            raise Refusal(40058)
        shown = [kind for kind in _SHOWN if kind in call.body]
        if not words and not shown:
            raise Refusal(40063)
        for kind in shown:
            self._attachments.check(kind, call.body[kind])
        # Of several, the platform takes the first in this order.
        content: dict[str, Any] = {"text": {"content": words}} if words else {}
        return content | ({shown[0]: call.body[shown[0]]} if shown else {})
