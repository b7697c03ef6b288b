"""Who is on the blacklist (黑名单) of an official account, by our rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from adapters.official_account import OfficialAccountAdapter
from gateway.context import Context
from gateway.database.tables.members import identity
from gateway.database.tables.projections import follower
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who keeps the list, and sees who is on it.
SCOPE = "members:write"


@dataclass(frozen=True, slots=True)
class BlockedRecord:
    """Somebody on the list; ``member`` None: erased."""

    appid: str
    member: str | None
    blocked_at: datetime


async def page(ctx: Context, account: str | None, args: PageArgs) -> Slice[BlockedRecord]:
    """The newest first; of one account, or of all. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    ctx.services.tools.get(OfficialAccountAdapter, account)
    statement = (
        select(follower.c.appid, follower.c.identity, follower.c.blocked_at, identity.c.member)
        .join(identity, identity.c.id == follower.c.identity)
        .where(follower.c.blocked_at.is_not(None))
    )
    if account is not None:
        statement = statement.where(follower.c.appid == account)
    order = [(follower.c.blocked_at, True), (follower.c.appid, True), (follower.c.identity, True)]
    return await keyset(ctx, f"blockedFollowers:{account}", statement, order, args, _record)


def _record(row: Row[Any]) -> BlockedRecord:
    return BlockedRecord(row.appid, row.member, row.blocked_at)
