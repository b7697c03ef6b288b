"""Contact ways (「联系我」), and how many contacts each has brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select

from gateway.context import Context
from gateway.database.tables.contacts import contact_way
from gateway.database.tables.projections import contact
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who makes codes, and sees what they bring.
SCOPE: Final = "members:write"


@dataclass(frozen=True, slots=True)
class WayRecord:
    """A code."""

    id: str
    saga: str
    corpid: str
    config_id: str
    state: str
    qr_code: str
    in_mini_program: bool
    userids: tuple[str, ...]
    departments: tuple[int, ...]
    remark: str
    skip_verify: bool
    exclusive: bool
    created_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Brought:
    """Contacts that carry a way's state: all of them, and those that nobody ended."""

    added: int
    kept: int


async def page(ctx: Context, state: str | None, *, deleted: bool, args: PageArgs) -> Slice[WayRecord]:
    """Ways made here, the newest first; ``deleted`` those too. Raises Forbidden."""
    ctx.principal.require(SCOPE)
    # A row without config_id keeps the state of a code that is being made.
    statement = select(contact_way).where(contact_way.c.config_id.is_not(None))
    if state is not None:
        statement = statement.where(contact_way.c.state == state)
    if not deleted:
        statement = statement.where(contact_way.c.deleted_at.is_(None))
    order = [(contact_way.c.created_at, True), (contact_way.c.id, True)]
    return await keyset(ctx, f"contactWays:{state}:{deleted}", statement, order, args, _record)


async def by_ids(ctx: Context, ids: Sequence[str]) -> Sequence[WayRecord | None]:
    """Batch by id."""
    rows = await ctx.database.fetch(
        select(contact_way).where(contact_way.c.id.in_(ids), contact_way.c.config_id.is_not(None))
    )
    found = {row.id: _record(row) for row in rows}
    return [found.get(each) for each in ids]


async def brought(ctx: Context, states: Sequence[tuple[str, str]]) -> Sequence[Brought]:
    """Batch by (corpid, state): one statement."""
    rows = await ctx.database.fetch(
        select(
            contact.c.corpid,
            contact.c.state,
            func.count().label("added"),
            # A count leaves nulls out.
            (func.count() - func.count(contact.c.removed_by)).label("kept"),
        )
        .where(
            contact.c.corpid.in_({corpid for corpid, _ in states}),
            contact.c.state.in_({state for _, state in states}),
            contact.c.state != "",
        )
        .group_by(contact.c.corpid, contact.c.state)
    )
    found = {(row.corpid, row.state): Brought(row.added, row.kept) for row in rows}
    return [found.get(each, Brought(0, 0)) for each in states]


def _record(row: Row[Any]) -> WayRecord:
    return WayRecord(
        row.id,
        row.saga,
        row.corpid,
        row.config_id,
        row.state,
        row.qr_code,
        row.in_mini_program,
        tuple(row.userids),
        tuple(row.departments),
        row.remark,
        row.skip_verify,
        row.exclusive,
        row.created_at,
        row.deleted_at,
    )
