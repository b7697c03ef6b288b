"""Customer groups (客户群管理)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import REASONS, Refusal
from adapters.enterprise_chat.sandbox.cursors import cut
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Group, GroupMember
from sandbox.platform import Kit

NAME = "enterprise_chat"
PAGE_LIMIT = 1000
OWNER_LIMIT = 100
#: A group of an owner who stays is given away at most so often in so long.
MOVES = 2
NINETY_DAYS = timedelta(days=90)


class Groups:
    """Everything under groupchat/ but ways and figures."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self._moved: dict[str, list[datetime]] = {}

    def list_groups(self, call: Call) -> Mapping[str, Any]:
        """Ids and states; the owners who left are hidden unless named. ``limit`` has no default here."""
        limit = call.whole("limit")
        if limit is None:
            raise Refusal(40063)
        if not 1 <= limit <= PAGE_LIMIT:
            raise Refusal(40058)
        status = call.whole("status_filter") or 0
        if status not in {0, 1, 2, 3}:
            raise Refusal(40035)
        owner_filter = call.body.get("owner_filter")
        owners = call.texts("userid_list", owner_filter if isinstance(owner_filter, dict) else {})
        if len(owners) > OWNER_LIMIT:
            raise Refusal(40032)
        if not owners and len(list(self._state.active())) > PAGE_LIMIT:
            raise Refusal(81017)
        found = [g for g in self._state.groups.values() if self._listed(g, status, owners)]
        page, cursor = cut(found, call.text("cursor"), limit, f"groups/{status}/{'|'.join(owners)}")
        rows = [{"chat_id": g.chat_id, "status": self._status(g)} for g in page]
        return {"group_chat_list": rows, "next_cursor": cursor}

    def get(self, call: Call) -> Mapping[str, Any]:
        """One group with its members; names only where asked for."""
        chat_id = call.text("chat_id")
        if not chat_id:
            raise Refusal(40063)
        group = self._state.groups.get(chat_id)
        if group is None:
            raise Refusal(40050)
        named = call.whole("need_name") == 1
        return {
            "group_chat": {
                "chat_id": group.chat_id,
                "name": group.name,
                "owner": group.owner,
                "create_time": int(group.created_at.timestamp()),
                "notice": group.notice,
                "member_list": [self._member(m, named) for m in group.members],
                "admin_list": [],
                "member_version": group.version,
            }
        }

    def opengid_to_chatid(self, call: Call) -> Mapping[str, Any]:
        """What a mini-program was told in a group; here the id of a group with another beginning."""
        opengid = call.text("opengid")
        chat_id = "wr" + opengid.removeprefix("oG")
        if not opengid.startswith("oG"):
            raise Refusal(90511)
        if chat_id not in self._state.groups:
            raise Refusal(90509)
        return {"chat_id": chat_id}

    def onjob_transfer(self, call: Call) -> Mapping[str, Any]:
        """Groups of owners who are there."""
        return self._transfer(call, resigned=False)

    def transfer(self, call: Call) -> Mapping[str, Any]:
        """Groups of owners who left."""
        return self._transfer(call, resigned=True)

    def _transfer(self, call: Call, *, resigned: bool) -> Mapping[str, Any]:
        chats = call.texts("chat_id_list")
        if not 1 <= len(chats) <= OWNER_LIMIT:
            raise Refusal(40063 if not chats else 40058)
        new_owner = self._state.member(call.text("new_owner"))
        if new_owner is None:
            raise Refusal(60111)
        failed = []
        for chat_id in chats:
            code = self._obstacle(chat_id, new_owner.userid, resigned=resigned)
            if code:
                failed.append({"chat_id": chat_id, "errcode": code, "errmsg": REASONS[code]})
                continue
            group = self._state.groups[chat_id]
            self._moved.setdefault(chat_id, []).append(self._kit.clock.now())
            group.owner = new_owner.userid
            if all(m.id != new_owner.userid for m in group.members):
                group.members.append(GroupMember(new_owner.userid, True, self._kit.clock.now(), 1))
            self._kit.effect(NAME, "group_handed_over", chat_id, owner=new_owner.userid)
        return {"failed_chat_list": failed}

    def _obstacle(self, chat_id: str, new_owner: str, *, resigned: bool) -> int:
        group = self._state.groups.get(chat_id)
        if group is None:
            return 90501
        if group.owner == new_owner:
            return 90504
        if (self._state.member(group.owner) is None) is not resigned:
            return 90500 if resigned else 90502
        since = self._kit.clock.now() - NINETY_DAYS
        moved = [at for at in self._moved.get(chat_id, []) if at > since]
        return 40128 if not resigned and len(moved) >= MOVES else 0

    def _listed(self, group: Group, status: int, owners: list[str]) -> bool:
        if owners and group.owner not in owners:
            return False
        now = self._status(group)
        return (bool(owners) or now == 0) if status == 0 else now == status

    def _status(self, group: Group) -> int:
        return 0 if self._state.member(group.owner) is not None else 1

    def _member(self, member: GroupMember, named: bool) -> dict[str, Any]:
        wire: dict[str, Any] = {
            "userid": member.id,
            "type": 1 if member.employee else 2,
            "join_time": int(member.joined_at.timestamp()),
            "join_scene": member.scene,
            "group_nickname": "",
        }
        if member.state:
            wire["state"] = member.state
        if member.invited_by:
            wire["invitor"] = {"userid": member.invited_by}
        if member.employee:
            employee = self._state.members.get(member.id)
            wire |= {"name": employee.name if employee is not None else ""} if named else {}
            return wire
        customer = self._state.customers[member.id]
        wire |= {"unionid": customer.unionid} if customer.unionid else {}
        wire |= {"name": customer.name} if named else {}
        return wire
