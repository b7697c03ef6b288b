"""Live sessions (视频号直播) of the Channels account that is bound to a shop (微信小店)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from adapters.base.page import Page
from adapters.mini_program_store import Channel, LiveNotice, LiveNow, LiveSession
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import wechat_apps
from gateway.resolvers.errors import UserError
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice

#: Who sees how the brand does.
SCOPE: Final = "statistics:read"
#: Days of one question. Our choice: the platform documents none.
MOST_DAYS: Final = 92


async def sessions(ctx: Context, account: str | None, start: date, until: date, args: PageArgs) -> Slice[LiveSession]:
    """Sessions that began on these business days, in the platform's order, forward only; one call per page of its own.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.shop(ctx, account)
    if not timedelta(0) < until - start <= timedelta(days=MOST_DAYS):
        raise UserError(f"Ask for 1 to {MOST_DAYS} days: until is the day after the last one.")
    # The platform counts in whole seconds, and its spans are closed.
    first, last = _midnight(start), _midnight(until) - timedelta(seconds=1)

    async def read(cursor: str | None) -> Page[LiveSession]:
        return await adapter.live_sessions(first, last, cursor)

    return await forward(ctx, f"liveSessions:{adapter.account}:{start}:{until}", args, read)


async def now(ctx: Context, account: str | None) -> Sequence[LiveNow]:
    """Sessions on air. One call. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    return await wechat_apps.shop(ctx, account).live_now()


async def notices(ctx: Context, account: str | None) -> Sequence[LiveNotice]:
    """Sessions that were announced. One call. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    return await wechat_apps.shop(ctx, account).live_notices()


async def channel(ctx: Context, account: str | None) -> Channel:
    """The Channels account. One call. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    return await wechat_apps.shop(ctx, account).channel()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BUSINESS_ZONE)
