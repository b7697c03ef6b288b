"""Drafts of products (草稿) as our rows have them, and the pieces that shops say they have now (实时库存)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from adapters.mini_program_store import MiniProgramStoreAdapter, SkuStock
from gateway.context import Context
from gateway.database.tables.projections import offer, product_draft
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who writes drafts, and sees them.
SCOPE: Final = "products:write"
STOCK_SCOPE: Final = "stock:read"
#: Products of one question: five calls of the platform's.
MOST_PRODUCTS: Final = 100
#: Of these shoppers see nothing else.
_OVER: Final = ("PASSED", "DELETED")


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """A draft; ``variants`` are (code, attributes, price in fen, pieces)."""

    appid: str
    product_id: str
    spu: str
    title: str
    state: str
    reason: str | None
    variants: tuple[tuple[str, tuple[tuple[str, str], ...], int, int], ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class PieceRecord:
    """A variant's pieces now; ``code`` is the brand's, None where our rows do not know the variant yet."""

    code: str | None
    stock: SkuStock


async def page(ctx: Context, account: str | None, states: Sequence[str] | None, args: PageArgs) -> Slice[DraftRecord]:
    """Drafts of one shop, or of all; without ``states`` those that shoppers do not see. Raises Forbidden."""
    ctx.principal.require(SCOPE)
    statement = select(product_draft)
    if account is not None:
        statement = statement.where(product_draft.c.appid == account)
    if states is None:
        statement = statement.where(product_draft.c.state.not_in(_OVER))
    else:
        statement = statement.where(product_draft.c.state.in_(states))
    wanted = None if states is None else sorted(set(states))
    order = [(product_draft.c.appid, False), (product_draft.c.product_id, False)]
    return await keyset(ctx, f"productDrafts:{account}:{wanted}", statement, order, args, _record)


async def open_drafts(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[DraftRecord | None]:
    """Batch by (appid, product id): what shoppers do not see yet."""
    found = await _found(ctx, keys)
    return [None if each is None or each.state in _OVER else each for each in map(found.get, keys)]


async def drafts(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[DraftRecord | None]:
    """Batch by (appid, product id), whatever became of it."""
    found = await _found(ctx, keys)
    return [found.get(each) for each in keys]


async def _found(ctx: Context, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], DraftRecord]:
    rows = await ctx.database.fetch(
        select(product_draft).where(product_draft.c.product_id.in_({product_id for _, product_id in keys}))
    )
    return {(row.appid, row.product_id): _record(row) for row in rows}


async def pieces(ctx: Context, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[PieceRecord]]:
    """Live: one call per twenty products of a shop. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(STOCK_SCOPE)
    if not 1 <= len(keys) <= MOST_PRODUCTS:
        raise UserError(f"Ask for 1 to {MOST_PRODUCTS} products; {len(keys)} are given.")
    shops: dict[str, list[str]] = defaultdict(list)
    for appid, product_id in dict.fromkeys(keys):
        shops[appid].append(product_id)
    found: dict[tuple[str, str], list[PieceRecord]] = defaultdict(list)
    rows = await ctx.database.fetch(
        select(offer.c.appid, offer.c.sku_id, offer.c.sku).where(
            offer.c.appid.in_(shops), offer.c.product_id.in_({number for _, number in keys})
        )
    )
    codes = {(row.appid, row.sku_id): row.sku for row in rows}
    for appid, numbers in shops.items():
        for each in await ctx.tool(MiniProgramStoreAdapter, appid).stocks(numbers):
            found[(appid, each.product_id)].append(PieceRecord(codes.get((appid, each.sku_id)), each))
    return found


def _record(row: Row[Any]) -> DraftRecord:
    variants = tuple(
        (code, tuple((name, value) for name, value in attributes), price, stock)
        for code, attributes, price, stock in row.skus
    )
    return DraftRecord(
        row.appid, row.product_id, row.spu, row.title, row.state, row.reason, variants, row.as_of
    )  # fmt: skip
