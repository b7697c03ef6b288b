"""Tags that members can be given: the corp tags (企业标签) of enterprise chat."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.context import Context
from gateway.database.tables.projections import contact_tag
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who puts tags on contacts and takes them off.
WRITE = "contacts:write"


@dataclass(frozen=True, slots=True)
class TagRecord:
    """A corp tag."""

    corpid: str
    name: str
    group: str


async def page(ctx: Context, account: str | None, args: PageArgs) -> Slice[TagRecord]:
    """The tags of one corp, or of all. Raises ToolNotConfigured and Forbidden."""
    ctx.principal.require("members:read")
    ctx.services.tools.get(EnterpriseChatAdapter, account)
    statement = select(contact_tag)
    if account is not None:
        statement = statement.where(contact_tag.c.corpid == account)
    order = [(contact_tag.c.corpid, False), (contact_tag.c.id, False)]
    return await keyset(
        ctx, f"tags:{account}", statement, order, args, lambda row: TagRecord(row.corpid, row.name, row.group_name)
    )
