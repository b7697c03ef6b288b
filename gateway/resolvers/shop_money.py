"""A shop (微信小店) and its money with the platform: who it is, what its orders bring, and what it withdrew."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.mini_program_store import OrderSettlement, StoreInfo, Withdrawal
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import wechat_apps
from gateway.resolvers.errors import UserError
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice, page_size

#: Who sees how the brand does.
SCOPE: Final = "statistics:read"
#: Days of one question: the platform's.
MOST_DAYS: Final = 31
#: Withdrawals of one page, since the platform tells one per call.
MOST_WITHDRAWALS: Final = 20


async def info(ctx: Context, account: str | None) -> StoreInfo:
    """The shop itself. One call. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    return await wechat_apps.shop(ctx, account).store_info()


async def settlements(
    ctx: Context, account: str | None, start: date, until: date, args: PageArgs
) -> Slice[OrderSettlement]:
    """What orders that were placed on these business days bring, in the platform's order, forward only; a call per
    fifty. Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.shop(ctx, account)
    if not timedelta(0) < until - start <= timedelta(days=MOST_DAYS):
        raise UserError(f"Ask for 1 to {MOST_DAYS} days: until is the day after the last one.")
    first, last = (datetime.combine(day, time(), BUSINESS_ZONE) for day in (start, until))

    async def read(cursor: str | None) -> Page[OrderSettlement]:
        return await adapter.order_settlements(first, last, cursor)

    return await forward(ctx, f"shopSettlements:{adapter.account}:{start}:{until}", args, read)


async def withdrawals(ctx: Context, account: str | None, args: PageArgs) -> Slice[Withdrawal]:
    """Withdrawals, in the platform's order, forward only; a call per twenty of its list, and one for each.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.shop(ctx, account)
    if page_size(ctx, args) > MOST_WITHDRAWALS:
        raise UserError(f"first is {args.first}: {MOST_WITHDRAWALS} at most, since each is a call to the platform.")
    page = await forward(ctx, f"shopWithdrawals:{adapter.account}", args, adapter.withdrawal_ids)
    found = []
    for each in await adapter.withdrawals(page.items):
        if isinstance(each, NotFound):
            raise each
        found.append(each)
    return Slice(found, page.cursors, has_next=page.has_next, has_previous=page.has_previous)
