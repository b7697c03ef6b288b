"""Customers of employees (客户联系: 客户管理), and who waits for another employee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.cursors import cut
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.organisation import well_formed
from adapters.enterprise_chat.sandbox.state import CorpState, Customer, Relation
from sandbox.platform import Kit

NAME = "enterprise_chat"
BATCH_LIMIT = 100
UNASSIGNED_LIMIT = 1000
#: What may be noted, and in how many characters; mobiles are a list.
_REMARKS = {"remark": 20, "description": 150, "remark_company": 20, "remark_mobiles": 0}


class Contacts:
    """Everything under externalcontact/ but groups. ``follow_page`` is how many followers fit one answer."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self.follow_page = 500

    def get_follow_user_list(self, _call: Call) -> Mapping[str, Any]:
        """Employees who may have customers."""
        return {"follow_user": [m.userid for m in self._state.active()]}

    def list_contacts(self, call: Call) -> Mapping[str, Any]:
        """The customers of one employee; 84061 where there are none."""
        userid = self._userid(call.query.get("userid", ""))
        relations = self._state.relations_of([userid])
        if not relations:
            raise Refusal(84061)
        return {"external_userid": [r.external_userid for r in relations]}

    def get(self, call: Call) -> Mapping[str, Any]:
        """A customer and everyone who has them; 40096 nobody still there has them, 84061 broken off."""
        external = call.query.get("external_userid", "")
        if not external:
            raise Refusal(41035)
        customer = self._state.customers.get(external)
        followers = self._state.followers(external)
        if customer is None or not followers:
            raise Refusal(40096)
        visible = [r for r in followers if r.visible]
        if not visible:
            raise Refusal(84061)
        page, cursor = cut(visible, call.query.get("cursor", ""), self.follow_page, f"get/{external}")
        return {
            "external_contact": _customer(customer),
            "follow_user": [self._follow_user(r) for r in page],
            "next_cursor": cursor,
        }

    def batch_get_by_user(self, call: Call) -> Mapping[str, Any]:
        """One row per (employee, customer) pair: tags as ids only."""
        userids = call.texts("userid_list")
        if not userids:
            raise Refusal(40003)
        if len(userids) > BATCH_LIMIT:
            raise Refusal(40032)
        userids = [self._userid(u) for u in userids]
        size = min(max(call.whole("limit") or 50, 1), BATCH_LIMIT)
        relations = self._state.relations_of(userids)
        page, cursor = cut(relations, call.text("cursor"), size, "batch/" + "|".join(userids))
        rows = [
            {
                "external_contact": _customer(self._state.customers[r.external_userid]),
                "follow_info": {**_relation(r), "tag_id": list(r.tags)},
            }
            for r in page
        ]
        return {
            "external_contact_list": rows,
            "next_cursor": cursor,
            "fail_info": {"unlicensed_userid_list": []},
        }

    def remark(self, call: Call) -> Mapping[str, Any]:
        """What an employee notes about a customer; one empty number forgets the numbers."""
        userid, external = self._userid(call.text("userid")), call.text("external_userid")
        if not external:
            raise Refusal(41035)
        relation = self._state.relation(userid, external)
        if relation is None or not relation.visible:
            raise Refusal(84061)
        given = {name: call.body[name] for name in _REMARKS if name in call.body}
        if not given:
            raise Refusal(40063)
        if any(isinstance(given.get(name), str) and len(given[name]) > limit for name, limit in _REMARKS.items()):
            raise Refusal(40058)
        before = (relation.remark, relation.description, relation.company, relation.mobiles)
        relation.remark = call.text("remark") if "remark" in given else relation.remark
        relation.description = call.text("description") if "description" in given else relation.description
        relation.company = call.text("remark_company") if "remark_company" in given else relation.company
        if "remark_mobiles" in given:
            relation.mobiles = tuple(each for each in call.texts("remark_mobiles") if each)
        if before != (relation.remark, relation.description, relation.company, relation.mobiles):
            self._kit.effect(NAME, "remark", f"{userid}:{external}")
        return {}

    def get_unassigned_list(self, call: Call) -> Mapping[str, Any]:
        """Customers of employees who left, waiting for another."""
        size = call.whole("page_size") or UNASSIGNED_LIMIT
        waiting = [
            {
                "handover_userid": r.userid,
                "external_userid": r.external_userid,
                "dimission_time": int(member.left_at.timestamp()),
            }
            for r in self._state.relations
            if (member := self._state.members[r.userid]).left_at is not None and r.visible
        ]
        page, cursor = cut(waiting, call.text("cursor"), min(max(size, 1), UNASSIGNED_LIMIT), "unassigned")
        return {"info": list(page), "is_last": not cursor, "next_cursor": cursor}

    def _userid(self, userid: str) -> str:
        if not well_formed(userid):
            raise Refusal(40003)
        member = self._state.member(userid)
        if member is None:
            raise Refusal(60111)
        return member.userid

    def _follow_user(self, relation: Relation) -> dict[str, Any]:
        tags = []
        for tag_id in relation.tags:
            group, name = self._state.tag(tag_id)
            tags.append({"group_name": group, "tag_name": name, "tag_id": tag_id, "type": 1})
        return {**_relation(relation), "tags": tags}


def _customer(customer: Customer) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "external_userid": customer.external_userid,
        "name": customer.name,
        "avatar": f"https://wx.qlogo.example/{customer.external_userid}/0",
        "type": 1,
        "gender": 0,
    }
    if customer.unionid:
        wire["unionid"] = customer.unionid
    return wire


def _relation(relation: Relation) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "userid": relation.userid,
        "remark": relation.remark,
        "description": relation.description,
        "createtime": int(relation.added_at.timestamp()),
        "remark_corp_name": relation.company,
        "remark_mobiles": list(relation.mobiles),
        "oper_userid": relation.external_userid,
        "add_way": relation.add_way,
    }
    if relation.state:
        wire["state"] = relation.state
    return wire
