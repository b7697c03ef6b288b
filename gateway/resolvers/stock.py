"""The own stock book, for those who sell from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.context import Context
from gateway.database.tables.stock import stock

READ, WRITE = "stock:read", "stock:write"


@dataclass(frozen=True, slots=True)
class LevelRecord:
    """Pieces of a sku at a location, for a channel."""

    location: str
    channel: str
    on_hand: int
    reserved: int
    allotted: int
    updated_at: datetime


async def levels(ctx: Context, skus: Sequence[str]) -> Sequence[Sequence[LevelRecord]]:
    """Batch by sku code. One statement. Needs the scope stock:read."""
    ctx.principal.require(READ)
    rows = await ctx.database.fetch(
        select(stock).where(stock.c.sku.in_(skus)).order_by(stock.c.location, stock.c.channel)
    )
    found: defaultdict[str, list[LevelRecord]] = defaultdict(list)
    for row in rows:
        found[row.sku].append(
            LevelRecord(row.location, row.channel, row.on_hand, row.reserved, row.allotted, row.updated_at)
        )
    return [found[each] for each in skus]
