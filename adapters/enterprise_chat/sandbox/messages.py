"""message/send (发送应用消息)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Sent
from sandbox.platform import Kit

NAME = "enterprise_chat"
TEXT_BYTES = 2048
RECIPIENTS = 1000
LONGEST_INTERVAL = 14400
#: More than this to one person in a minute is dropped without a word.
PER_PERSON_PER_MINUTE = 30
_TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")


class Messages:
    """Accepts app messages, and remembers which were the same."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit

    def send(self, call: Call) -> Mapping[str, Any]:
        """Partial failure is errcode 0 with the names it failed for."""
        agentid = call.whole("agentid")
        if agentid is None:
            raise Refusal(41011)
        if agentid != self._state.corp.agentid:
            raise Refusal(301002)
        valid, invalid, bad_parties, bad_tags = self._recipients(call)
        msgtype = call.text("msgtype")
        content = self._content(call, msgtype)
        fingerprint = _fingerprint(valid, msgtype, content)
        repeated = self._repeated(call, fingerprint)
        message = repeated or self._accept(valid, msgtype, content, fingerprint)
        return {
            "invaliduser": "|".join(invalid),
            "invalidparty": "|".join(bad_parties),
            "invalidtag": "|".join(bad_tags),
            "unlicenseduser": "",
            "msgid": message.msgid,
        }

    def _recipients(self, call: Call) -> tuple[list[str], list[str], list[str], list[str]]:
        users, parties, tags = (
            [part for part in call.text(name).split("|") if part] for name in ("touser", "toparty", "totag")
        )
        if not users and not parties and not tags:
            raise Refusal(82001)
        if len(users) > RECIPIENTS:
            raise Refusal(40032)
        if users == ["@all"]:
            return [m.userid for m in self._state.active()], [], [], []
        valid = [m.userid for u in users if (m := self._state.member(u)) is not None]
        invalid = [u.lower() for u in users if self._state.member(u) is None]
        bad_parties = []
        for party in parties:
            staff = [m.userid for m in self._state.active() if str(m.department) == party]
            valid += staff
            bad_parties += [] if staff else [party]
        if not valid:
            raise Refusal(81013)
        return list(dict.fromkeys(valid)), invalid, bad_parties, tags

    def _content(self, call: Call, msgtype: str) -> Mapping[str, Any]:
        checks = {"text": _text, "textcard": _textcard, "template_card": _template_card}
        if msgtype not in checks:
            raise Refusal(40008)
        payload = call.body.get(msgtype)
        return checks[msgtype](payload if isinstance(payload, dict) else {})

    def _repeated(self, call: Call, fingerprint: str) -> Sent | None:
        if call.whole("enable_duplicate_check") != 1:
            return None
        seconds = call.whole("duplicate_check_interval")
        seconds = 1800 if seconds is None else min(seconds, LONGEST_INTERVAL)
        since = self._kit.clock.now() - timedelta(seconds=seconds)
        same = (s for s in self._state.sent if s.fingerprint == fingerprint and s.at > since)
        return next(same, None)

    def _accept(self, valid: Sequence[str], msgtype: str, content: Mapping[str, Any], fingerprint: str) -> Sent:
        now = self._kit.clock.now()
        task_id = content.get("task_id")
        if task_id:
            # Unique per app; which number of 42014-42020 says so is not documented clearly.
            if task_id in self._state.task_ids:
                raise Refusal(42014)
            self._state.task_ids.add(task_id)
        place = f"{fingerprint}/{len(self._state.sent)}"
        sent = Sent("ux" + hashlib.sha256(place.encode()).hexdigest()[:40], fingerprint, now)
        self._state.sent.append(sent)
        reached = [userid for userid in valid if self._deliver(userid)]
        self._kit.effect(
            NAME,
            "app_message",
            f"{msgtype}:{fingerprint[:16]}",
            msgid=sent.msgid,
            to=reached,
            content=dict(content),
        )
        return sent

    def _deliver(self, userid: str) -> bool:
        now = self._kit.clock.now()
        recent = [at for at in self._state.deliveries.get(userid, []) if now - at < timedelta(minutes=1)]
        if len(recent) >= PER_PERSON_PER_MINUTE:
            return False
        self._state.deliveries[userid] = [*recent, now]
        return True


def _fingerprint(valid: Sequence[str], msgtype: str, content: Mapping[str, Any]) -> str:
    """Two messages are the same when the same people get the same content."""
    canonical = orjson.dumps([sorted(valid), msgtype, content], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _text(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Over-long text is cut, at a whole character."""
    content = _required(payload, "content")
    return {"content": content.encode()[:TEXT_BYTES].decode(errors="ignore")}


def _textcard(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    limits = {"title": 128, "description": 512, "url": 2048}
    if any(len(_required(payload, name)) > limit for name, limit in limits.items()):
        raise Refusal(40058)
    if len(str(payload.get("btntxt", ""))) > 4:
        raise Refusal(40058)
    return dict(payload)


def _template_card(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Notice cards only: cards with buttons or votes need a callback of the app and are not emulated."""
    kind = _required(payload, "card_type")
    if kind not in {"text_notice", "news_notice"}:
        raise Refusal(40008)
    title = _nested(payload, "main_title", "title")
    if not title and (kind == "news_notice" or not payload.get("sub_title_text")):
        raise Refusal(40063)
    if kind == "news_notice" and not (payload.get("card_image") or payload.get("image_text_area")):
        raise Refusal(40063)
    action = payload.get("card_action")
    if not isinstance(action, dict) or action.get("type") not in {1, 2}:
        raise Refusal(40063)
    if action["type"] == 1 and not action.get("url"):
        raise Refusal(40063)
    task_id = payload.get("task_id", "")
    if task_id and (not isinstance(task_id, str) or _TASK_ID.fullmatch(task_id) is None):
        raise Refusal(42014)
    return dict(payload)


def _required(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(40063)
    return value


def _nested(payload: Mapping[str, Any], outer: str, inner: str) -> str:
    value = payload.get(outer)
    return str(value.get(inner, "")) if isinstance(value, dict) else ""
