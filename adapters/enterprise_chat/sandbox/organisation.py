"""Employees and departments (通讯录管理)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.cursors import cut
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Department, Member

_USERID = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
#: The position whose holders lead their department.
MANAGER = "店长"
ID_LIMIT = 10_000


def well_formed(userid: str) -> bool:
    """Whether it could be a userid at all."""
    return _USERID.fullmatch(userid) is not None


class Organisation:
    """Members and departments, as an app sees them."""

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
        return self._member(member)

    def user_list(self, call: Call) -> Mapping[str, Any]:
        """Everybody of one department, not of those below."""
        department = self._known(call.query.get("department_id", ""))
        return {"userlist": [self._member(m) for m in self._state.active() if m.department == department]}

    def user_simplelist(self, call: Call) -> Mapping[str, Any]:
        """The same, little of each."""
        department = self._known(call.query.get("department_id", ""))
        staff = (m for m in self._state.active() if m.department == department)
        return {"userlist": [{"userid": m.userid, "name": m.name, "department": [m.department]} for m in staff]}

    def user_list_id(self, call: Call) -> Mapping[str, Any]:
        """One row per member and department, of the whole corp."""
        limit = call.whole("limit") or ID_LIMIT
        if not 1 <= limit <= ID_LIMIT:
            raise Refusal(40058)
        rows = [{"userid": m.userid, "department": m.department} for m in self._state.active()]
        page, cursor = cut(rows, call.text("cursor"), limit, "list_id")
        return {"dept_user": list(page), "next_cursor": cursor}

    def department_get(self, call: Call) -> Mapping[str, Any]:
        """One department."""
        wanted = self._known(call.query.get("id", ""))
        return {"department": next(self._department(d) for d in self._state.departments if d.id == wanted)}

    def department_simplelist(self, call: Call) -> Mapping[str, Any]:
        """Ids, parents and order of what department/list shows."""
        found = self.department_list(call)["department"]
        return {"department_id": [{name: each[name] for name in ("id", "parentid", "order")} for each in found]}

    def _known(self, wanted: str) -> int:
        if not wanted.isdecimal() or int(wanted) not in {d.id for d in self._state.departments}:
            raise Refusal(60123)
        return int(wanted)

    def _member(self, member: Member) -> dict[str, Any]:
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
        return {"department": [self._department(d) for d in self._below(self._known(wanted))]}

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
