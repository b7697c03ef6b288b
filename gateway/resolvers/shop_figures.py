"""Figures of a shop (微信小店) that only the platform has: its days (电商概览), and its money there (账户余额)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from adapters.mini_program_store import StoreBalance, StoreDay, StoreLive
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import wechat_apps
from gateway.resolvers.errors import UserError

#: Who sees how the brand does.
SCOPE: Final = "statistics:read"
#: Days of one question, since the platform tells one per call.
MOST_DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class ShopSpan:
    """A shop and its business days."""

    appid: str
    days: Sequence[date]


def span(ctx: Context, account: str | None, start: date, until: date) -> ShopSpan:
    """What is asked for; today may be the last day. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.shop(ctx, account)
    today, number = ctx.clock.now().astimezone(BUSINESS_ZONE).date(), (until - start).days
    if not 1 <= number <= MOST_DAYS or until > today + timedelta(days=1):
        raise UserError(f"Ask for 1 to {MOST_DAYS} days, of which today is the last at the latest.")
    return ShopSpan(adapter.account, [start + timedelta(days=each) for each in range(number)])


async def days(ctx: Context, asked: ShopSpan) -> Sequence[StoreDay]:
    """What the shop sold, day by day. One call per day."""
    adapter = wechat_apps.shop(ctx, asked.appid)
    return await asyncio.gather(*(adapter.store_day(day) for day in asked.days))


async def lives(ctx: Context, asked: ShopSpan) -> Sequence[StoreLive]:
    """Sessions that sold the shop's goods, day by day. One call per day, and one for the Channels account."""
    adapter = wechat_apps.shop(ctx, asked.appid)
    finder = (await adapter.channel()).finder_id
    found = await asyncio.gather(*(adapter.store_lives(day, finder) for day in asked.days))
    return [each for rows in found for each in rows]


async def balance(ctx: Context, account: str | None) -> StoreBalance:
    """What the shop has with the platform. One call. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    return await wechat_apps.shop(ctx, account).store_balance()
