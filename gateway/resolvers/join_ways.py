"""Join ways (加入群聊), and how many people came into groups by each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select

from gateway.context import Context
from gateway.database.tables.contacts import join_way
from gateway.database.tables.projections import customer_group_member as joined
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who makes codes, and sees what they bring.
SCOPE: Final = "members:write"


@dataclass(frozen=True, slots=True)
class JoinWayRecord:
    """A code."""

    id: str
    saga: str
    corpid: str
    config_id: str
    state: str
    qr_code: str
    in_mini_program: bool
    chat_ids: tuple[str, ...]
    remark: str
    room_name: str
    room_number: int
    created_at: datetime
    deleted_at: datetime | None


async def page(ctx: Context, state: str | None, *, deleted: bool, args: PageArgs) -> Slice[JoinWayRecord]:
    """Ways made here, the newest first; ``deleted`` those too. Raises Forbidden."""
    ctx.principal.require(SCOPE)
    # A row without config_id keeps the state of a code that is being made.
    statement = select(join_way).where(join_way.c.config_id.is_not(None))
    if state is not None:
        statement = statement.where(join_way.c.state == state)
    if not deleted:
        statement = statement.where(join_way.c.deleted_at.is_(None))
    order = [(join_way.c.created_at, True), (join_way.c.id, True)]
    return await keyset(ctx, f"joinWays:{state}:{deleted}", statement, order, args, _record)


async def by_ids(ctx: Context, ids: Sequence[str]) -> Sequence[JoinWayRecord | None]:
    """Batch by id."""
    rows = await ctx.database.fetch(select(join_way).where(join_way.c.id.in_(ids), join_way.c.config_id.is_not(None)))
    found = {row.id: _record(row) for row in rows}
    return [found.get(each) for each in ids]


async def brought(ctx: Context, states: Sequence[tuple[str, str]]) -> Sequence[int]:
    """Batch by (corpid, state): who is in groups now and came by it; one statement."""
    rows = await ctx.database.fetch(
        select(joined.c.corpid, joined.c.state, func.count().label("number"))
        .where(
            joined.c.corpid.in_({corpid for corpid, _ in states}),
            joined.c.state.in_({state for _, state in states}),
            joined.c.state != "",
        )
        .group_by(joined.c.corpid, joined.c.state)
    )
    found = {(row.corpid, row.state): int(row.number) for row in rows}
    return [found.get(each, 0) for each in states]


def _record(row: Row[Any]) -> JoinWayRecord:
    return JoinWayRecord(
        row.id,
        row.saga,
        row.corpid,
        row.config_id,
        row.state,
        row.qr_code,
        row.in_mini_program,
        tuple(row.chat_ids),
        row.remark,
        row.room_name,
        row.room_number,
        row.created_at,
        row.deleted_at,
    )
