"""Corp tags (客户标签管理): the list, its changes, and marks on pairs of employee and customer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Tag, TagGroup
from sandbox.platform import Kit

NAME = "enterprise_chat"
NAME_CHARACTERS = 30
TAGS_PER_CORP = 10_000
ORDERS = 2**32
#: Tags that one customer may have from one employee. The number is not published.
TAGS_PER_RELATION = 3000


class Tags:
    """Tags of the whole corp. What the console made, an app may not change: 81011, by analogy with the address book."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self.per_corp = TAGS_PER_CORP

    def get_corp_tag_list(self, call: Call) -> Mapping[str, Any]:
        """All tags, or those named; with both kinds of id, the tag ids are ignored."""
        groups = [_group(group, group.tags) for group in self._state.tag_groups]
        by_group, by_tag = call.texts("group_id"), call.texts("tag_id")
        if by_group:
            groups = [{**g, "deleted": False} for g in groups if g["group_id"] in by_group]
        elif by_tag:
            for group in groups:
                group["tag"] = [{**t, "deleted": False} for t in group["tag"] if t["id"] in by_tag]
            groups = [g for g in groups if g["tag"]]
        return {"tag_group": groups}

    def add_corp_tag(self, call: Call) -> Mapping[str, Any]:
        """New tags of an old group or of a new one; the answer shows the new ones only."""
        listed = call.body.get("tag")
        wanted = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        names = [str(each.get("name", "")) for each in wanted]
        if not names:
            raise Refusal(40063)
        group = self._group_for(call)
        if any(not 1 <= len(name) <= NAME_CHARACTERS for name in [*names, group.name]):
            raise Refusal(40072)
        there = {tag.name for tag in group.tags}
        new = [name for name in dict.fromkeys(names) if name not in there]
        if not new:
            raise Refusal(40071)
        if sum(len(each.tags) for each in self._state.tag_groups) + len(new) > self.per_corp:
            raise Refusal(40126)
        orders = {str(each.get("name")): each.get("order") or 0 for each in wanted}
        now = self._kit.clock.now()
        made = [Tag(_id(), name, int(orders[name]), now, by_app=True) for name in new]
        if group not in self._state.tag_groups:
            self._state.tag_groups.append(group)
        group.tags += made
        self._kit.effect(NAME, "tags_added", group.id, names=new)
        return {"tag_group": _group(group, made)}

    def edit_corp_tag(self, call: Call) -> Mapping[str, Any]:
        """Another name or place of a tag or of a group."""
        an_id, name, order = call.text("id"), call.text("name"), call.whole("order")
        group, tag = self._found(an_id)
        if not (tag or group).by_app:
            raise Refusal(81011)
        if len(name) > NAME_CHARACTERS:
            raise Refusal(40072)
        if order is not None and not 0 <= order < ORDERS:
            raise Refusal(40035)
        others: list[Tag] | list[TagGroup] = group.tags if tag else self._state.tag_groups
        if name in {each.name for each in others if each.id != an_id}:
            raise Refusal(40071)
        target = tag or group
        before = (target.name, target.order)
        target.name = name or target.name
        target.order = target.order if order is None else order
        if before != (target.name, target.order):
            self._kit.effect(NAME, "tag_edited", an_id, name=name)
        return {}

    def del_corp_tag(self, call: Call) -> Mapping[str, Any]:
        """Tags and whole groups; a group without tags is gone, and so are the marks on customers."""
        tags, groups = call.texts("tag_id"), call.texts("group_id")
        if not tags and not groups:
            raise Refusal(40063)
        found = [self._found(each) for each in (*tags, *groups)]
        if any(not (tag or group).by_app for group, tag in found):
            raise Refusal(81011)
        gone = {tag.id for group, tag in found if tag} | {t.id for group, tag in found if not tag for t in group.tags}
        for group in self._state.tag_groups:
            group.tags = [tag for tag in group.tags if tag.id not in gone]
        self._state.tag_groups = [group for group in self._state.tag_groups if group.tags]
        for relation in self._state.relations:
            relation.tags = tuple(tag for tag in relation.tags if tag not in gone)
        self._kit.effect(NAME, "tags_deleted", ",".join(sorted(gone)))
        return {}

    def mark_tag(self, call: Call) -> Mapping[str, Any]:
        """Tags on one pair, and off it."""
        userid, external = call.text("userid"), call.text("external_userid")
        add, remove = call.texts("add_tag"), call.texts("remove_tag")
        if not add and not remove:
            raise Refusal(40063)
        member = self._state.member(userid)
        if member is None:
            raise Refusal(60111)
        relation = self._state.relation(member.userid, external)
        if relation is None or not relation.visible:
            raise Refusal(84061)
        known = {tag.id for group in self._state.tag_groups for tag in group.tags}
        if not known.issuperset([*add, *remove]):
            raise Refusal(40068)
        kept = tuple(tag for tag in relation.tags if tag not in remove)
        marked = tuple(dict.fromkeys((*kept, *add)))
        if len(marked) > TAGS_PER_RELATION:
            raise Refusal(40144)
        if marked != relation.tags:
            relation.tags = marked
            self._kit.effect(NAME, "tags_marked", f"{member.userid}:{external}", tags=list(marked))
        return {}

    def _group_for(self, call: Call) -> TagGroup:
        an_id, name = call.text("group_id"), call.text("group_name")
        for group in self._state.tag_groups:
            if an_id == group.id or (not an_id and name == group.name):
                return group
        if an_id:
            raise Refusal(40068)
        return TagGroup(_id(), name, call.whole("order") or 0, self._kit.clock.now(), [], by_app=True)

    def _found(self, an_id: str) -> tuple[TagGroup, Tag | None]:
        for group in self._state.tag_groups:
            if group.id == an_id:
                return group, None
            for tag in group.tags:
                if tag.id == an_id:
                    return group, tag
        raise Refusal(40068)


def _id() -> str:
    return "et" + secrets.token_hex(15)


def _group(group: TagGroup, tags: list[Tag]) -> dict[str, Any]:
    return {
        "group_id": group.id,
        "group_name": group.name,
        "create_time": int(group.created_at.timestamp()),
        "order": group.order,
        "tag": [
            {"id": tag.id, "name": tag.name, "create_time": int(tag.created_at.timestamp()), "order": tag.order}
            for tag in tags
        ],
    }
