"""Employees and departments (通讯录管理)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Department, Member

_USERID = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
#: The position whose holders lead their department.
MANAGER = "店长"


def well_formed(userid: str) -> bool:
    """Whether it could be a userid at all."""
    return _USERID.fullmatch(userid) is not None


class Organisation:
    """user/get and department/list."""

    def __init__(self, state: CorpState) -> None:
        self._state = state

    def user_get(self, call: Call) -> Mapping[str, Any]:
        """The member, flat. The app is younger than June 2022: no mobile, gender, mail, avatar or address."""
        userid = call.query.get("userid", "")
        if not well_formed(userid):
            raise Refusal(40003)
        member = self._state.member(userid)
        if member is None:
            raise Refusal(60111)
        leads = member.position == MANAGER
        manager = self._manager(member.department)
        return {
            "userid": member.userid,
            "name": member.name,
            "department": [member.department],
            "order": [0],
            "position": member.position,
            "is_leader_in_dept": [int(leads)],
            "direct_leader": [manager.userid] if manager is not None and not leads else [],
            "alias": "",
            "status": 1,
            "main_department": member.department,
            "extattr": {"attrs": []},
            "external_position": member.position,
            "external_profile": {"external_corp_name": "", "external_attr": []},
        }

    def department_list(self, call: Call) -> Mapping[str, Any]:
        """All departments, or one with everything below it."""
        wanted = call.query.get("id", "")
        if not wanted:
            return {"department": [self._department(d) for d in self._state.departments]}
        if not wanted.isdecimal() or int(wanted) not in {d.id for d in self._state.departments}:
            raise Refusal(60123)
        return {"department": [self._department(d) for d in self._below(int(wanted))]}

    def _below(self, root: int) -> list[Department]:
        found = [d for d in self._state.departments if d.id == root]
        for department in found:
            found.extend(d for d in self._state.departments if d.parent == department.id)
        return found

    def _department(self, department: Department) -> dict[str, Any]:
        manager = self._manager(department.id)
        return {
            "id": department.id,
            "name": department.name,
            "name_en": "",
            "department_leader": [manager.userid] if manager is not None else [],
            "parentid": department.parent,
            "order": department.order,
        }

    def _manager(self, department: int) -> Member | None:
        staff = (m for m in self._state.active() if m.department == department)
        return next((m for m in staff if m.position == MANAGER), None)
