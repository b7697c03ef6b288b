"""Who works in the corp: employees and departments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.enterprise_chat import models
from adapters.enterprise_chat.adapter.account import Account
from adapters.enterprise_chat.records import Department, Employee

T = TypeVar("T")

#: Rows per page of ids.
ID_LIMIT: Final = 10_000
_ACTIVE: Final = 1


class Directory(Account):
    """通讯录; see ``EnterpriseChatAdapter``."""

    async def employees(self, userids: Sequence[str]) -> Sequence[Employee | NotFound]:
        """Employees by userid, one call each; those who left are NotFound. Userids do not mind case."""
        return await each(self._employee, userids)

    async def employees_of(self, department: int) -> Sequence[Employee]:
        """Employees of one department, and not of those below it; one call. Raises NotFound ``no_such_department``."""
        return tuple(self._member(wire) for wire in (await self._directory.user_list(department)).userlist)

    async def employee_names(self, department: int) -> Sequence[tuple[str, str]]:
        """(userid, name) of a department's employees; one call, and a small one."""
        return tuple((wire.userid, wire.name) for wire in (await self._directory.user_simplelist(department)).userlist)

    async def employee_ids(self, cursor: str | None = None) -> Page[tuple[str, int]]:
        """(userid, department) of the whole corp, 10,000 a page; one who is in two departments comes twice.

        Needs ``sync_secret``: Invalid ``sync_secret_missing`` without it.
        """
        if not self._config.sync_secret:
            raise self._invalid("sync_secret_missing", "The list of ids needs the secret of 通讯录同步: sync_secret.")
        answer = await self._directory.user_list_id(cursor or "", ID_LIMIT)
        return Page([(row.userid, row.department) for row in answer.dept_user], answer.next_cursor or None)

    async def department(self, department: int) -> Department:
        """One department; raises NotFound ``no_such_department``."""
        return _department((await self._directory.department_get(department)).department)

    async def departments(self, below: int | None = None) -> Sequence[Department]:
        """All departments that the app sees, or one with all below it; one call."""
        return tuple(_department(each) for each in (await self._directory.department_list(below)).department)

    async def department_tree(self, below: int | None = None) -> Sequence[tuple[int, int | None]]:
        """(id, parent's id) of the same departments; open to callers who may not read names."""
        found = (await self._directory.department_simplelist(below)).department_id
        return tuple((each.id, each.parentid or None) for each in found)

    async def callback_addresses(self) -> Sequence[str]:
        """Addresses and networks from which the platform calls back; one call."""
        return tuple((await self._directory.getcallbackip()).ip_list)

    async def _employee(self, userid: str) -> Employee:
        return self._member(await self._directory.user_get(userid))

    def _member(self, wire: models.Member) -> Employee:
        departments, active = tuple(wire.department), wire.status == _ACTIVE
        return Employee(self._corpid, wire.userid, wire.name, wire.position, wire.mobile, departments, active)


def _department(wire: models.Department) -> Department:
    return Department(wire.id, wire.name, wire.parentid or None)


async def each(one: Callable[[str], Awaitable[T]], ids: Sequence[str]) -> Sequence[T | NotFound]:
    """Ask for each id at the same time; the first failure that is no miss fails all."""

    async def found(an_id: str) -> T | NotFound:
        try:
            return await one(an_id)
        except NotFound as error:
            return error

    return await asyncio.gather(*(found(an_id) for an_id in ids))
