"""「联系我」 and 加入群聊: QR codes, what is behind them, and what a scan does."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.cursors import cut
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState
from sandbox.platform import Kit

NAME = "enterprise_chat"
QUOTA = 500_000
PEOPLE = 100
CHARACTERS = 30
LISTED = timedelta(days=90)
PAGE_LIMIT = 1000
JOINED_GROUPS = 5


@dataclass(slots=True)
class Way:
    """A code as it was made: its fields as they are answered."""

    fields: dict[str, Any]
    at: datetime


class Ways:
    """Both kinds; ``quota`` is for both together."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self.quota = QUOTA
        self.contact: dict[str, Way] = {}
        self.join: dict[str, Way] = {}

    def add_contact_way(self, call: Call) -> Mapping[str, Any]:
        """A code of one employee (type 1) or of several; its picture only where it is a QR code."""
        kind, scene = call.whole("type"), call.whole("scene")
        if kind is None:
            raise Refusal(41037)
        if kind not in {1, 2}:
            raise Refusal(41038)
        if scene not in {1, 2}:
            raise Refusal(41039)
        fields = self._contact_fields(call, kind)
        if scene == 1 and call.whole("style") not in ({1, 2, 3} if kind == 1 else {1, 2}):
            raise Refusal(41040)
        an_id = self._made()
        fields |= {"type": kind, "scene": scene, "config_id": an_id}
        fields |= {"style": call.whole("style")} if scene == 1 else {"qr_code": f"https://wework.qpic.example/{an_id}"}
        self.contact[an_id] = Way(fields, self._kit.clock.now())
        self._kit.effect(NAME, "contact_way", an_id, state=fields["state"])
        return {"config_id": an_id} | ({"qr_code": fields["qr_code"]} if scene == 2 else {})

    def get_contact_way(self, call: Call) -> Mapping[str, Any]:
        """As it stands."""
        return {"contact_way": self._found(self.contact, call).fields}

    def list_contact_way(self, call: Call) -> Mapping[str, Any]:
        """Ids, of those made in a time."""
        now = self._kit.clock.now()
        start = call.whole("start_time") or int((now - LISTED).timestamp())
        end = call.whole("end_time") or int(now.timestamp())
        limit = call.whole("limit") or 100
        if not 1 <= limit <= PAGE_LIMIT:
            raise Refusal(40058)
        found = [an_id for an_id, way in self.contact.items() if start <= int(way.at.timestamp()) <= end]
        page, cursor = cut(found, call.text("cursor"), limit, "contact_ways")
        return {"contact_way": [{"config_id": an_id} for an_id in page], "next_cursor": cursor}

    def update_contact_way(self, call: Call) -> Mapping[str, Any]:
        """Another set of people, state or remark; type and scene stay."""
        way = self._found(self.contact, call)
        fields = way.fields | self._contact_fields(call, way.fields["type"])
        if fields != way.fields:
            way.fields = fields
            self._kit.effect(NAME, "contact_way_updated", fields["config_id"])
        return {}

    def del_contact_way(self, call: Call) -> Mapping[str, Any]:
        """Gone."""
        self._found(self.contact, call)
        del self.contact[call.text("config_id")]
        self._kit.effect(NAME, "contact_way_deleted", call.text("config_id"))
        return {}

    def add_join_way(self, call: Call) -> Mapping[str, Any]:
        """A code of one to five groups."""
        fields = self._join_fields(call)
        an_id = self._made()
        self.join[an_id] = Way({**fields, "config_id": an_id}, self._kit.clock.now())
        self._kit.effect(NAME, "join_way", an_id, state=fields["state"])
        return {"config_id": an_id}

    def get_join_way(self, call: Call) -> Mapping[str, Any]:
        """As it stands, with its picture."""
        way = self._found(self.join, call)
        picture = f"https://wework.qpic.example/{way.fields['config_id']}"
        return {"join_way": {**way.fields, "qr_code": picture}}

    def update_join_way(self, call: Call) -> Mapping[str, Any]:
        """Everything anew."""
        way = self._found(self.join, call)
        fields = {**self._join_fields(call), "config_id": call.text("config_id")}
        if fields != way.fields:
            way.fields = fields
            self._kit.effect(NAME, "join_way_updated", fields["config_id"])
        return {}

    def del_join_way(self, call: Call) -> Mapping[str, Any]:
        """Gone."""
        self._found(self.join, call)
        del self.join[call.text("config_id")]
        self._kit.effect(NAME, "join_way_deleted", call.text("config_id"))
        return {}

    def _contact_fields(self, call: Call, kind: int) -> dict[str, Any]:
        users, party = call.texts("user"), call.body.get("party")
        parties = [each for each in party if isinstance(each, int)] if isinstance(party, list) else []
        if kind == 1 and len(users) != 1:
            raise Refusal(40063)
        if kind == 2 and not users and not parties:
            raise Refusal(40063)
        members = [self._state.member(userid) for userid in users]
        if None in members:
            raise Refusal(60111)
        known = {department.id for department in self._state.departments}
        if not known.issuperset(parties):
            raise Refusal(60123)
        people = {m.userid for m in members if m} | {m.userid for m in self._state.active() if m.department in parties}
        if len(people) > PEOPLE:
            raise Refusal(41041)
        skip = call.body.get("skip_verify")
        return {
            **_texts(call),
            "skip_verify": skip is not False,
            "user": [m.userid for m in members if m],
            "party": parties,
            "is_exclusive": call.body.get("is_exclusive") is True,
        }

    def _join_fields(self, call: Call) -> dict[str, Any]:
        scene, chats = call.whole("scene"), call.texts("chat_id_list")
        if scene not in {1, 2}:
            raise Refusal(41039)
        if not 1 <= len(chats) <= JOINED_GROUPS:
            raise Refusal(40063 if not chats else 40058)
        if any(chat not in self._state.groups for chat in chats):
            raise Refusal(40050)
        again = call.whole("auto_create_room")
        return {
            **_texts(call),
            "scene": scene,
            "auto_create_room": 1 if again is None else again,
            "room_base_name": call.text("room_base_name"),
            "room_base_id": call.whole("room_base_id") or 1,
            "chat_id_list": chats,
        }

    def _made(self) -> str:
        if len(self.contact) + len(self.join) >= self.quota:
            raise Refusal(41045)
        return secrets.token_hex(16)

    def _found(self, ways: Mapping[str, Way], call: Call) -> Way:
        an_id = call.text("config_id")
        if not an_id:
            raise Refusal(41043)
        if an_id not in ways:
            raise Refusal(41044)
        return ways[an_id]


def _texts(call: Call) -> dict[str, Any]:
    fields = {name: call.text(name) for name in ("remark", "state")}
    if any(len(text) > CHARACTERS for text in fields.values()):
        raise Refusal(40058)
    return fields
