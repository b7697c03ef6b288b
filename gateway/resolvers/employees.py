"""Employees of a department (部门成员), as the platform has them now: guides, and those who are none yet."""

from __future__ import annotations

from typing import Final

from adapters.base.errors import NotFound
from adapters.enterprise_chat import Employee, EnterpriseChatAdapter
from gateway.context import Context
from gateway.resolvers.paging import PageArgs, Slice, in_memory

#: Who sees employees that are no guides.
SCOPE: Final = "members:write"


async def page(ctx: Context, department: int, account: str | None, args: PageArgs) -> Slice[Employee] | None:
    """Those of one department, and not of those below it; one call. None for no such department.

    Raises Forbidden and ToolNotConfigured.
    """
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(EnterpriseChatAdapter, account)
    try:
        found = await adapter.employees_of(department)
    except NotFound:
        return None
    return in_memory(ctx, f"employees:{adapter.account}:{department}", found, args)
