"""Stocks of cash coupons (代金券批次), as 微信支付 has them now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.payments import CashStock, CashStockState, PaymentsAdapter
from gateway.context import Context
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice

#: Who gives coupons to members.
SCOPE: Final = "coupons:write"


async def page(ctx: Context, mchid: str | None, state: CashStockState | None, args: PageArgs) -> Slice[CashStock]:
    """Those that the merchant made, in the platform's order, forward only; one call per ten.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(PaymentsAdapter, mchid)

    async def read(cursor: str | None) -> Page[CashStock]:
        offset = int(cursor or 0)
        found = await adapter.cash_stocks(state=state, offset=offset)
        end = offset + len(found.items)
        return Page(tuple(found.items), str(end) if found.items and end < found.total else None)

    name = state.name if state else ""
    return await forward(ctx, f"cashStocks:{adapter.account}:{name}", args, read)


async def by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[CashStock | BaseException | None]:
    """By (mchid, stock id), one call each; None for what the merchant did not make, and an error for its key alone."""

    async def read(mchid: str, number: str) -> CashStock | NotFound:
        return await ctx.tool(PaymentsAdapter, mchid).cash_stock(number)

    answers = await asyncio.gather(*(read(*each) for each in keys), return_exceptions=True)
    return [None if isinstance(each, NotFound) else each for each in answers]


async def of(ctx: Context, key: tuple[str, str]) -> CashStock | None:
    """The stock of a (mchid, stock id). Raises UpstreamErrors."""
    found = await ctx.loaders.load(by_keys, key)
    if isinstance(found, BaseException):
        raise found
    return found


async def one(ctx: Context, mchid: str | None, stock_id: str) -> CashStock | None:
    """One of them; None where the merchant made none of this number. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    return await of(ctx, (ctx.tool(PaymentsAdapter, mchid).account, stock_id))
