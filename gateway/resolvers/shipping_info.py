"""Shipping information (发货信息管理) of a mini-program: payments to be shipped, and how it stands with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from adapters.base.page import Page
from adapters.mini_program_store import PaidOrder, PaidOrderState
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import wechat_apps
from gateway.resolvers.errors import UserError
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice

#: Who handles orders.
SCOPE: Final = "orders:write"
#: Days of one question. Our choice: the platform documents none.
MOST_DAYS: Final = 92


async def paid(
    ctx: Context,
    account: str | None,
    state: PaidOrderState | None,
    start: date | None,
    until: date | None,
    args: PageArgs,
) -> Slice[PaidOrder]:
    """Payments as the platform sees them, in its order, forward only; one call per fifty.

    ``start`` and ``until`` are business days, both or neither. Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.mini_program(ctx, account)
    if (start is None) != (until is None):
        raise UserError("Give both from and until, or neither.")
    first = last = None
    if start is not None and until is not None:
        if not timedelta(0) < until - start <= timedelta(days=MOST_DAYS):
            raise UserError(f"Ask for 1 to {MOST_DAYS} days: until is the day after the last one.")
        # The platform counts in whole seconds, and its spans are closed.
        first, last = _midnight(start), _midnight(until) - timedelta(seconds=1)

    async def read(cursor: str | None) -> Page[PaidOrder]:
        return await adapter.paid_orders(cursor, paid_from=first, paid_to=last, state=state)

    return await forward(ctx, f"paidOrders:{adapter.account}:{state}:{start}:{until}", args, read)


def standing(ctx: Context, account: str | None) -> str:
    """The appid of the mini-program that is asked about. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    return wechat_apps.mini_program(ctx, account).account


async def managed(ctx: Context, appid: str) -> bool:
    """Whether its money waits for shipping information. One call."""
    return await wechat_apps.mini_program(ctx, appid).shipping_managed()


async def confirmed(ctx: Context, appid: str) -> bool:
    """Whether its owner has confirmed the kinds of trade. One call."""
    return await wechat_apps.mini_program(ctx, appid).shipping_confirmed()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BUSINESS_ZONE).astimezone(UTC)
