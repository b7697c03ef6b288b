"""Welcomes of customer groups (入群欢迎语素材) that were made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.tables.contacts import group_welcome
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who writes welcomes, and sees them.
SCOPE: Final = "members:write"


@dataclass(frozen=True, slots=True)
class GroupWelcomeRecord:
    """A material; ``attachment`` has the fields of ``gateway.transactions.effects.group_sends.Piece``."""

    id: str
    saga: str
    corpid: str
    text: str
    attachment: Mapping[str, Any] | None
    created_at: datetime
    deleted_at: datetime | None


async def page(ctx: Context, *, deleted: bool, args: PageArgs) -> Slice[GroupWelcomeRecord]:
    """The newest first; ``deleted`` those too. Raises Forbidden."""
    ctx.principal.require(SCOPE)
    statement = select(group_welcome)
    if not deleted:
        statement = statement.where(group_welcome.c.deleted_at.is_(None))
    order = [(group_welcome.c.created_at, True), (group_welcome.c.id, True)]
    return await keyset(ctx, f"groupWelcomes:{deleted}", statement, order, args, _record)


async def by_ids(ctx: Context, ids: Sequence[str]) -> Sequence[GroupWelcomeRecord | None]:
    """Batch by id."""
    rows = await ctx.database.fetch(select(group_welcome).where(group_welcome.c.id.in_(ids)))
    found = {row.id: _record(row) for row in rows}
    return [found.get(each) for each in ids]


def _record(row: Row[Any]) -> GroupWelcomeRecord:
    return GroupWelcomeRecord(row.id, row.saga, row.corpid, row.text, row.attachment, row.created_at, row.deleted_at)
