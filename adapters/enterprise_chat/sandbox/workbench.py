"""工作台自定义展示: what an app's tile shows everybody, and single employees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState
from sandbox.platform import Kit

NAME = "enterprise_chat"
USERS = 1000
PER_MINUTE = 10
_ITEMS = {"keydata": 4, "list": 3}
_KINDS = {"keydata", "image", "list", "webview"}


class Workbench:
    """``custom_mode``: whether the administrator lets the app draw its tile."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self.custom_mode = True
        self._template: dict[str, Any] = {"type": "normal"}
        self._users: dict[str, dict[str, Any]] = {}
        self._writes: dict[str, list[datetime]] = defaultdict(list)

    def set_template(self, call: Call) -> Mapping[str, Any]:
        """For everybody."""
        self._check_agent(call)
        tile = _tile(call.body)
        if tile != self._template or (call.body.get("replace_user_data") is True and self._users):
            self._template = tile
            self._kit.effect(NAME, "tile", "template")
        if call.body.get("replace_user_data") is True:
            self._users.clear()
        return {}

    def get_template(self, call: Call) -> Mapping[str, Any]:
        """As it stands."""
        self._check_agent(call)
        return self._template

    def set_data(self, call: Call) -> Mapping[str, Any]:
        """For one employee, ten times a minute."""
        self._check_agent(call)
        self._set(self._userid(call.text("userid")), _tile(call.body))
        return {}

    def batch_set_data(self, call: Call) -> Mapping[str, Any]:
        """The same for many."""
        self._check_agent(call)
        userids, data = call.texts("userid_list"), call.body.get("data")
        if not 1 <= len(userids) <= USERS:
            raise Refusal(40032 if userids else 40063)
        tile = _tile(data if isinstance(data, dict) else {})
        for userid in [self._userid(each) for each in userids]:
            self._set(userid, tile)
        return {}

    def get_data(self, call: Call) -> Mapping[str, Any]:
        """What one employee sees: their own, or everybody's."""
        self._check_agent(call)
        shown: Mapping[str, Any] = self._users.get(self._userid(call.text("userid")), self._template)
        return shown

    def _set(self, userid: str, tile: dict[str, Any]) -> None:
        now = self._kit.clock.now()
        recent = [at for at in self._writes[userid] if now - at < timedelta(minutes=1)]
        if len(recent) >= PER_MINUTE:
            raise Refusal(45009)
        self._writes[userid] = [*recent, now]
        if self._users.get(userid) != tile:
            self._users[userid] = tile
            self._kit.effect(NAME, "tile", userid)

    def _check_agent(self, call: Call) -> None:
        if call.whole("agentid") != self._state.corp.agentid:
            raise Refusal(301002)
        if not self.custom_mode:
            raise Refusal(94000)

    def _userid(self, userid: str) -> str:
        member = self._state.member(userid)
        if member is None:
            raise Refusal(60111)
        return member.userid


def _tile(body: Mapping[str, Any]) -> dict[str, Any]:
    kind = body.get("type")
    if kind == "normal":
        return {"type": "normal"}
    if kind not in _KINDS:
        raise Refusal(94001)
    shown = body.get(kind)
    if not isinstance(shown, dict):
        raise Refusal(40063)
    items = shown.get("items", [])
    if kind in _ITEMS and not (isinstance(items, list) and 1 <= len(items) <= _ITEMS[kind]):
        raise Refusal(94002)
    if kind not in _ITEMS and not shown.get("url"):
        raise Refusal(40063)
    return {"type": kind, kind: shown}
