"""Tags that members can be given: the corp tags (企业标签) of enterprise chat, an official account's own (用户标签)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.official_account import OfficialAccountAdapter
from gateway.context import Context
from gateway.database.tables.projections import contact_tag, follower_tag
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who puts tags on members and takes them off, and who decides which tags there are.
WRITE = "contacts:write"
MANAGE = "members:write"


@dataclass(frozen=True, slots=True)
class TagRecord:
    """A tag; ``group`` is empty where tags have none."""

    account: str
    name: str
    group: str = ""


async def of_contacts(ctx: Context, account: str | None, args: PageArgs) -> Slice[TagRecord]:
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


async def of_followers(ctx: Context, account: str | None, args: PageArgs) -> Slice[TagRecord]:
    """The tags of one official account, or of all. Raises ToolNotConfigured and Forbidden."""
    ctx.principal.require("members:read")
    ctx.services.tools.get(OfficialAccountAdapter, account)
    statement = select(follower_tag)
    if account is not None:
        statement = statement.where(follower_tag.c.appid == account)
    order = [(follower_tag.c.appid, False), (follower_tag.c.id, False)]
    return await keyset(
        ctx, f"followerTags:{account}", statement, order, args, lambda row: TagRecord(row.appid, row.name)
    )
