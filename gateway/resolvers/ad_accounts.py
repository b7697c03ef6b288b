"""Ad accounts (广告主账号) of 腾讯广告: money, and the platform's own figures of their ads, for headquarters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final

from adapters.social_ads import (
    ActionSet,
    Advertiser,
    Creative,
    DailyReport,
    Fund,
    HourlyReport,
    RealtimeCost,
    SocialAdsAdapter,
)
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import ids
from gateway.resolvers.errors import UserError
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice

#: Who sees what ads cost, and who lets them run and limits them.
READ = "ads:read"
WRITE = "ads:write"
#: Ads that one question may name, and how far back it goes: the platform's own limits.
MOST_ADS: Final = 100
KEPT: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Span:
    """Business days, the second one excluded, and the ads that are meant; none is all of them."""

    start: date
    until: date
    ads: tuple[int, ...]


def account(ctx: Context, wanted: str | None) -> str:
    """The account's number. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(READ)
    return ctx.tool(SocialAdsAdapter, wanted).account


async def advertiser(ctx: Context, accounts: Sequence[str]) -> Sequence[Advertiser]:
    """Batch by account: one call each."""
    return await asyncio.gather(*(ctx.tool(SocialAdsAdapter, each).advertiser() for each in accounts))


async def sources(ctx: Context, account: str) -> Sequence[ActionSet]:
    """The data sources that conversions can be reported to. One call."""
    return await ctx.tool(SocialAdsAdapter, account).action_sets()


async def funds(ctx: Context, account: str) -> Sequence[Fund]:
    """Every purse. One call."""
    return await ctx.tool(SocialAdsAdapter, account).funds()


def span(ctx: Context, account: str, start: date, until: date, ads: Sequence[str] | None) -> Span:
    """What is asked for. Raises UserError."""
    today = _today(ctx)
    if not today - KEPT < start < until <= today + timedelta(days=1):
        raise UserError(f"Ask for business dates of the last {KEPT.days} days, until tomorrow at the latest.")
    return Span(start, until, _numbers(account, ads))


async def days(ctx: Context, account: str, asked: Span, args: PageArgs) -> Slice[DailyReport]:
    """Ad by ad and day by day, the oldest first; one call per hundred and per ninety days."""
    read = partial(ctx.tool(SocialAdsAdapter, account).daily_reports, asked.start, asked.until, only=asked.ads)
    return await forward(ctx, f"adDays:{account}:{asked}", args, read)


async def hours(ctx: Context, account: str, asked: Span, args: PageArgs) -> Slice[HourlyReport]:
    """Ad by ad and hour by hour of one day, the earliest first; one call per hundred."""
    read = partial(ctx.tool(SocialAdsAdapter, account).hourly_reports, asked.start, only=asked.ads)
    return await forward(ctx, f"adHours:{account}:{asked}", args, read)


async def costs(ctx: Context, account: str, args: PageArgs) -> Slice[RealtimeCost]:
    """What each ad has cost today so far; one call per hundred."""
    day = _today(ctx)
    read = partial(ctx.tool(SocialAdsAdapter, account).realtime_costs, day)
    return await forward(ctx, f"adCosts:{account}:{day}", args, read)


async def creatives(ctx: Context, account: str, args: PageArgs) -> Slice[Creative]:
    """Creatives in the platform's order; one call per hundred."""
    return await forward(ctx, f"adCreatives:{account}", args, ctx.tool(SocialAdsAdapter, account).creatives)


def decode(text: str) -> tuple[str, str]:
    """The account and the platform's number of an ad. Raises UserError."""
    account, native = ids.decode_as("ad", text)
    if not native.isdigit():
        raise UserError("This is no id of an ad; take one from the query ads.")
    return account, native


def decode_all(texts: Sequence[str]) -> tuple[str, list[str]]:
    """Ads of one account. Raises UserError; the account is empty for none."""
    found = [decode(each) for each in texts]
    accounts = {account for account, _ in found}
    if len(accounts) > 1:
        raise UserError("The ads are of several accounts; change each account's by themselves.")
    return next(iter(accounts), ""), [native for _, native in found]


def _numbers(account: str, ads: Sequence[str] | None) -> tuple[int, ...]:
    if ads is None:
        return ()
    of, numbers = decode_all(ads)
    if not 1 <= len(ads) <= MOST_ADS or of != account:
        raise UserError(f"{len(ads)} ads given: 1 to {MOST_ADS} of this account are possible; leave them out for all.")
    return tuple(sorted({int(each) for each in numbers}))


def _today(ctx: Context) -> date:
    return ctx.clock.now().astimezone(BUSINESS_ZONE).date()
