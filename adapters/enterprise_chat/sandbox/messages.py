"""message/ (发送应用消息, 撤回应用消息, 更新模版卡片消息)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.attachments import Attachments
from adapters.enterprise_chat.sandbox.callbacks import CallbackSender
from adapters.enterprise_chat.sandbox.contents import CALLING_BACK, CHECKS
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Sent
from sandbox.platform import Kit

NAME = "enterprise_chat"
RECIPIENTS = 1000
LONGEST_INTERVAL = 14400
#: More than this to one person in a minute is dropped without a word.
PER_PERSON_PER_MINUTE = 30
RECALLED = timedelta(hours=24)
ANSWERED = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Card:
    """A card that calls back."""

    sent: Sent
    userids: tuple[str, ...]
    task_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Response:
    """The right to change a card once."""

    msgid: str
    userids: tuple[str, ...]
    at: datetime


class Messages:
    """Accepts app messages, and remembers which were the same."""

    def __init__(self, state: CorpState, kit: Kit, callbacks: CallbackSender) -> None:
        self._state = state
        self._kit = kit
        self._callbacks = callbacks
        self._attachments = Attachments(state, kit)
        self.recalled: set[str] = set()
        self.cards: dict[str, Card] = {}
        self.responses: dict[str, Response] = {}

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
        code = {"response_code": self._respond(message, valid)} if content.get("card_type") in CALLING_BACK else {}
        return {
            **code,
            "invaliduser": "|".join(invalid),
            "invalidparty": "|".join(bad_parties),
            "invalidtag": "|".join(bad_tags),
            "unlicenseduser": "",
            "msgid": message.msgid,
        }

    def recall(self, call: Call) -> Mapping[str, Any]:
        """Within 24 hours."""
        sent = next((each for each in self._state.sent if each.msgid == call.text("msgid")), None)
        if sent is None:
            raise Refusal(40035)
        if self._kit.clock.now() - sent.at > RECALLED:
            raise Refusal(42052)
        self.recalled.add(sent.msgid)
        self._kit.effect(NAME, "app_message_recalled", sent.msgid)
        return {}

    def update_template_card(self, call: Call) -> Mapping[str, Any]:
        """Another look for the buttons of a card: by a response code, once, within 72 hours."""
        if call.whole("agentid") != self._state.corp.agentid:
            raise Refusal(301002)
        code = call.text("response_code")
        found, button = self.responses.get(code), call.body.get("button")
        if found is None or self._kit.clock.now() - found.at > ANSWERED:
            raise Refusal(42014 if found is None else 60140)
        if not call.texts("userids") and call.whole("atall") != 1:
            raise Refusal(82001)
        if not isinstance(button, dict) and not isinstance(call.body.get("template_card"), dict):
            raise Refusal(40063)
        del self.responses[code]
        self._kit.effect(NAME, "card_answered", found.msgid)
        return {"invaliduser": [each for each in call.texts("userids") if each not in found.userids]}

    async def press(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{msgid, userid, key, selected?: {question: [option]}}: an employee presses a button of a card."""
        card, userid = self.cards.get(str(body["msgid"])), str(body["userid"])
        if card is None or userid not in card.userids:
            raise ValueError(f"{userid} has no such card")
        code = self._respond(card.sent, card.userids)
        fields: dict[str, Any] = {
            "EventKey": str(body["key"]),
            "TaskId": card.task_id,
            "CardType": card.kind,
            "ResponseCode": code,
            "AgentID": self._state.corp.agentid,
        }
        self._callbacks.send("template_card_event", "", fields, sender=userid)
        return {"response_code": code}

    def _respond(self, sent: Sent, userids: Sequence[str]) -> str:
        code = secrets.token_urlsafe(24)
        self.responses[code] = Response(sent.msgid, tuple(userids), self._kit.clock.now())
        return code

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
        if msgtype not in CHECKS:
            raise Refusal(40008)
        payload = call.body.get(msgtype)
        content = CHECKS[msgtype](payload if isinstance(payload, dict) else {})
        if "media_id" in content:
            self._attachments.check_media(str(content["media_id"]))
        if msgtype == "miniprogram_notice" and call.text("touser") == "@all":
            raise Refusal(40035)
        if content.get("card_type") in CALLING_BACK and self._kit.pusher.target(NAME, self._state.corp.corpid) is None:
            raise Refusal(43012)
        return content

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
        if content.get("card_type") in CALLING_BACK:
            card = Card(sent, tuple(valid), str(task_id), str(content["card_type"]))
            self.cards[sent.msgid] = card
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
