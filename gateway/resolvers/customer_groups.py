"""Customer groups (客户群): all of them, and the one in which a page was opened."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.context import Context
from gateway.database.tables.projections import customer_group
from gateway.resolvers import touch
from gateway.resolvers.paging import PageArgs, Slice, keyset
from gateway.resolvers.touch import GroupRecord

#: Who sees groups, and who gives them to another owner.
READ: Final = "members:read"
WRITE: Final = "members:write"


async def page(ctx: Context, account: str | None, owner: tuple[str, str] | None, args: PageArgs) -> Slice[GroupRecord]:
    """Groups as the last event or sync had them; ``owner`` (corpid, userid). Raises Forbidden, ToolNotConfigured."""
    ctx.principal.require(READ)
    ctx.tool(EnterpriseChatAdapter, account)
    statement = select(customer_group)
    if account is not None:
        statement = statement.where(customer_group.c.corpid == account)
    if owner is not None:
        statement = statement.where(customer_group.c.corpid == owner[0], customer_group.c.owner == owner[1])
    order = [(customer_group.c.corpid, False), (customer_group.c.chat_id, False)]
    return await keyset(ctx, f"customerGroups:{account}:{owner}", statement, order, args, touch.group_record)


async def opened_in(ctx: Context, opengid: str, account: str | None) -> GroupRecord | None:
    """The group in which a mini-program was opened; one call. None for no customer group of the corp, and for one that
    our rows do not have yet. Raises Forbidden, ToolNotConfigured, and Invalid for what is no opengid."""
    ctx.principal.require(READ)
    adapter = ctx.tool(EnterpriseChatAdapter, account)
    try:
        chat_id = await adapter.group_of(opengid)
    except NotFound:
        return None
    return await ctx.loaders.load(touch.groups_by_key, (adapter.account, chat_id))
