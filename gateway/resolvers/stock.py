"""The own stock book, for those who sell from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.context import Context
from gateway.database.tables.stock import stock, store_allotment, store_stock

READ, WRITE = "stock:read", "stock:write"


@dataclass(frozen=True, slots=True)
class LevelRecord:
    """Pieces of a sku at a location, for a channel."""

    sku: str
    location: str
    channel: str
    on_hand: int
    reserved: int
    allotted: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AllotmentRecord:
    """A shop's pieces of a location; ``settled_at``: up to when its sales are entered, None before the first time."""

    appid: str
    location: str
    pieces: int
    settled_at: datetime | None


async def levels(ctx: Context, skus: Sequence[str]) -> Sequence[Sequence[LevelRecord]]:
    """Batch by sku code. One statement. Needs the scope stock:read."""
    ctx.principal.require(READ)
    rows = await ctx.database.fetch(
        select(stock).where(stock.c.sku.in_(skus)).order_by(stock.c.location, stock.c.channel)
    )
    found: defaultdict[str, list[LevelRecord]] = defaultdict(list)
    for row in rows:
        found[row.sku].append(
            LevelRecord(row.sku, row.location, row.channel, row.on_hand, row.reserved, row.allotted, row.updated_at)
        )
    return [found[each] for each in skus]


async def allotments(ctx: Context, skus: Sequence[str]) -> Sequence[Sequence[AllotmentRecord]]:
    """Batch by sku code. One statement. Needs the scope stock:read."""
    ctx.principal.require(READ)
    rows = await ctx.database.fetch(
        select(store_allotment, store_stock.c.settled_at)
        .join(
            store_stock, (store_stock.c.appid == store_allotment.c.appid) & (store_stock.c.sku == store_allotment.c.sku)
        )
        .where(store_allotment.c.sku.in_(skus))
        .order_by(store_allotment.c.appid, store_allotment.c.location)
    )
    found: defaultdict[str, list[AllotmentRecord]] = defaultdict(list)
    for row in rows:
        found[row.sku].append(AllotmentRecord(row.appid, row.location, row.pieces, row.settled_at))
    return [found[each] for each in skus]
