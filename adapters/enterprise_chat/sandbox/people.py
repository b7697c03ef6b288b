"""What customers, employees and administrators do in their clients; each change is called back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from adapters.enterprise_chat.sandbox.callbacks import NAME, CallbackSender
from adapters.enterprise_chat.sandbox.handovers import Handovers
from adapters.enterprise_chat.sandbox.state import (
    CorpState,
    Group,
    GroupMember,
    Member,
    Relation,
    Standing,
    WelcomeCode,
    admit,
)
from adapters.enterprise_chat.sandbox.ways import Ways
from sandbox.platform import Kit
from sandbox.world import World

Body = Mapping[str, Any]
CONTACT, CHAT = "change_external_contact", "change_external_chat"


class People:
    """Actions of the control API. Each raises ValueError with a sentence for what cannot be."""

    def __init__(
        self, world: World, state: CorpState, kit: Kit, callbacks: CallbackSender, ways: Ways, handovers: Handovers
    ) -> None:
        self._world = world
        self._state = state
        self._kit = kit
        self._callbacks = callbacks
        self._ways = ways
        self._handovers = handovers

    async def add_contact(self, body: Body) -> Body:
        """{userid, person, state?, half?}: a customer scans an employee's code.

        ``half`` leaves the pair half-added: the employee has yet to confirm.
        """
        member, external = self._employee(body), admit(self._state, self._world, body["person"])
        before = self._state.relation(member.userid, external.external_userid)
        if before is not None and before.standing is Standing.FRIEND:
            raise ValueError(f"{member.userid} and this customer are friends already")
        if before is not None:
            self._state.relations.remove(before)
        half = bool(body.get("half", False))
        state = str(body.get("state", ""))
        self._state.relations.append(
            Relation(
                member.userid,
                external.external_userid,
                "",
                "",
                (),
                self._kit.clock.now(),
                1,
                state,
                (),
                Standing.HALF if half else Standing.FRIEND,
            )
        )
        welcome = "CODE" + secrets.token_hex(24)
        self._state.welcome_codes[welcome] = WelcomeCode(member.userid, external.external_userid, self._kit.clock.now())
        change = "add_half_external_contact" if half else "add_external_contact"
        fields = {"State": state} if state else {}
        pair = {"UserID": member.userid, "ExternalUserID": external.external_userid}
        self._note(CONTACT, change, {**pair, **fields, "WelcomeCode": welcome}, "contact_added")
        return {"external_userid": external.external_userid, "welcome_code": welcome}

    async def scan(self, body: Body) -> Body:
        """{config_id, person}: a customer scans a contact way, or a join way.

        The first employee of a contact way gets them, at once where the way skips verification; the first group of
        a join way.
        """
        config_id = str(body["config_id"])
        if config_id in self._ways.join:
            fields = self._ways.join[config_id].fields
            chat_id = fields["chat_id_list"][0]
            return await self._join({"chat_id": chat_id, "person": body["person"]}, fields["state"])
        if config_id not in self._ways.contact:
            raise ValueError(f"no contact way or join way {config_id}")
        fields = self._ways.contact[config_id].fields
        staff = fields["user"] or [m.userid for m in self._state.active() if m.department in fields["party"]]
        return await self.add_contact(
            {
                "userid": staff[0],
                "person": body["person"],
                "state": fields["state"],
                "half": not fields["skip_verify"],
            }
        )

    async def confirm_contact(self, body: Body) -> Body:
        """{userid, person}: the employee confirms a half-added customer."""
        relation = self._pair(body, Standing.HALF)
        relation.standing = Standing.FRIEND
        fields = {"State": relation.state} if relation.state else {}
        self._note(CONTACT, "add_external_contact", {**_ids(relation), **fields}, "contact_added")
        return {"external_userid": relation.external_userid}

    async def delete_contact(self, body: Body) -> Body:
        """{userid, person, by: CUSTOMER | GUIDE}."""
        by = body["by"]
        if by not in {"CUSTOMER", "GUIDE"}:
            raise ValueError("by is CUSTOMER or GUIDE")
        relation = self._pair(body, Standing.FRIEND)
        customer = by == "CUSTOMER"
        relation.standing = Standing.DELETED_BY_CUSTOMER if customer else Standing.DELETED_BY_MEMBER
        change = "del_follow_user" if customer else "del_external_contact"
        self._note(CONTACT, change, _ids(relation), "contact_deleted")
        return {"external_userid": relation.external_userid}

    async def refuse_handover(self, body: Body) -> Body:
        """{userid, person, reason?}: a customer whom an administrator gave to ``userid`` stays where they are."""
        member, customer = self._employee(body), admit(self._state, self._world, body["person"])
        fields: dict[str, str] = {
            "UserID": member.userid,
            "ExternalUserID": customer.external_userid,
            "FailReason": str(body.get("reason", "customer_refused")),
        }
        self._handovers.refuse(member.userid, customer.external_userid, fields["FailReason"])
        self._note(CONTACT, "transfer_fail", fields, "handover_refused")
        return {"external_userid": customer.external_userid}

    async def edit_contact(self, body: Body) -> Body:
        """{userid, person, remark?, description?, mobiles?}."""
        relation = self._pair(body, Standing.FRIEND)
        relation.remark = str(body.get("remark", relation.remark))
        relation.description = str(body.get("description", relation.description))
        relation.mobiles = tuple(body.get("mobiles", relation.mobiles))
        self._note(CONTACT, "edit_external_contact", _ids(relation), "contact_edited")
        return {"external_userid": relation.external_userid}

    async def join_group(self, body: Body) -> Body:
        """{chat_id, person}: by the group's QR code."""
        return await self._join(body, "")

    async def _join(self, body: Body, state: str) -> Body:
        group, customer = self._group(body), admit(self._state, self._world, body["person"])
        if any(m.id == customer.external_userid for m in group.members):
            raise ValueError("this customer is in the group already")
        before = group.version
        group.members.append(GroupMember(customer.external_userid, False, self._kit.clock.now(), 3, group.owner, state))
        self._members_changed(group, before, "add_member", customer.external_userid)
        return {"external_userid": customer.external_userid}

    async def leave_group(self, body: Body) -> Body:
        """{chat_id, person}: of their own will."""
        group, customer = self._group(body), admit(self._state, self._world, body["person"])
        before = group.version
        kept = [m for m in group.members if m.id != customer.external_userid]
        if len(kept) == len(group.members):
            raise ValueError("this customer is not in the group")
        group.members = kept
        self._members_changed(group, before, "del_member", customer.external_userid)
        return {"external_userid": customer.external_userid}

    async def remove_employee(self, body: Body) -> Body:
        """{userid}: an administrator removes somebody who resigned; their customers wait for another."""
        member = self._employee(body)
        member.left_at = self._kit.clock.now()
        fields: dict[str, str | int] = {"UserID": member.userid, "Department": str(member.department)}
        self._note("change_contact", "delete_user", fields, "employee_removed")
        return {"userid": member.userid}

    async def rename_tag(self, body: Body) -> Body:
        """{tag_id, name}: an administrator renames a corp tag."""
        tag_id, name = str(body["tag_id"]), str(body["name"])
        found = [(group, tag) for group in self._state.tag_groups for tag in group.tags if tag.id == tag_id]
        if not found:
            raise ValueError(f"no corp tag {tag_id}")
        group, tag = found[0]
        tag.name = name
        self._note("change_external_tag", "update", {"Id": tag_id, "TagType": "tag"}, "tag_renamed")
        return {"group_id": group.id}

    def _employee(self, body: Body) -> Member:
        member = self._state.member(str(body["userid"]))
        if member is None:
            raise ValueError(f"no employee {body['userid']}")
        return member

    def _pair(self, body: Body, standing: Standing) -> Relation:
        customer = admit(self._state, self._world, body["person"])
        relation = self._state.relation(self._employee(body).userid, customer.external_userid)
        if relation is None or relation.standing is not standing:
            raise ValueError(f"{body['userid']} and {body['person']} are not in standing {standing.value}")
        return relation

    def _group(self, body: Body) -> Group:
        group = self._state.groups.get(str(body["chat_id"]))
        if group is None:
            raise ValueError(f"no group {body['chat_id']}")
        return group

    def _members_changed(self, group: Group, before: str, detail: str, who: str) -> None:
        scene: dict[str, str | int | list[str]] = {"JoinScene": 3} if detail == "add_member" else {"QuitScene": 0}
        fields: dict[str, str | int | list[str]] = {
            "ChatId": group.chat_id,
            "UpdateDetail": detail,
            **scene,
            "MemChangeCnt": 1,
            "MemChangeList": [who],
            "LastMemVer": before,
            "CurMemVer": group.version,
        }
        self._note(CHAT, "update", fields, "group_changed")

    def _note(self, event: str, change: str, fields: Mapping[str, str | int | list[str]], effect: str) -> None:
        key = ":".join(str(fields[n]) for n in ("UserID", "ExternalUserID", "ChatId", "Id") if n in fields)
        self._kit.effect(NAME, effect, key, change=change)
        self._callbacks.send(event, change, fields)


def _ids(relation: Relation) -> dict[str, str | int | list[str]]:
    return {"UserID": relation.userid, "ExternalUserID": relation.external_userid}
