"""How a mini-program is visited (访问分析), of which only the platform has the figures.

Each of its endpoints takes one day, one week or one month; a longer question is so many calls, at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, TypeVar

from adapters.mini_program_store import (
    MiniProgramStoreAdapter,
    PageVisits,
    Retention,
    Span,
    VisitDistribution,
    VisitorPortrait,
    VisitTotals,
    VisitTrend,
)
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import wechat_apps
from gateway.resolvers.errors import UserError

T = TypeVar("T")

#: Who sees how the brand does.
SCOPE: Final = "statistics:read"
#: Days of one question: three months, or thirteen weeks.
MOST_DAYS: Final = 92
#: Calls of one field: a month of days.
MOST_CALLS: Final = 31
#: Pages that the platform tells of a day.
MOST_PAGES: Final = 200
#: Spans over which the platform draws portraits.
_PORTRAITS: Final[dict[int, Literal[1, 7, 30]]] = {1: 1, 7: 7, 30: 30}


@dataclass(frozen=True, slots=True)
class Visited:
    """A mini-program and business days: the first one, and the one after the last."""

    appid: str
    start: date
    until: date


def span(ctx: Context, app: str | None, start: date, until: date) -> Visited:
    """What is asked for. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.mini_program(ctx, app)
    if not start < until <= _today(ctx) or until - start > timedelta(days=MOST_DAYS):
        raise UserError(f"Ask for 1 to {MOST_DAYS} days, and until today at the latest.")
    return Visited(adapter.account, start, until)


async def totals(ctx: Context, asked: Visited) -> Sequence[VisitTotals]:
    """Visitors so far and shares, day by day, without days that are not there yet. One call per day."""
    return [each for each in await _each(_days(asked), _adapter(ctx, asked).visit_totals) if each is not None]


async def trend(ctx: Context, asked: Visited, per: Span) -> Sequence[VisitTrend]:
    """Visits by day, by whole week or by whole month, without those that are not there yet. One call each."""
    adapter = _adapter(ctx, asked)
    found = await _each(_spans(asked, per), lambda day: adapter.visit_trend(day, per))
    return [each for each in found if each is not None]


async def retention(ctx: Context, asked: Visited, per: Span) -> Sequence[Retention]:
    """Who came again after each day, whole week or whole month. One call each."""
    adapter = _adapter(ctx, asked)
    return await _each(_spans(asked, per), lambda day: adapter.visit_retention(day, per))


async def distribution(ctx: Context, asked: Visited) -> Sequence[VisitDistribution]:
    """Where sessions came from, how long and how deep they were, day by day. One call per day."""
    return await _each(_days(asked), _adapter(ctx, asked).visit_distribution)


async def pages(ctx: Context, asked: Visited, first: int) -> Sequence[PageVisits]:
    """The most viewed pages of each day. One call per day. Raises UserError."""
    if not 1 <= first <= MOST_PAGES:
        raise UserError(f"first is {first}: the platform tells 1 to {MOST_PAGES} pages of a day.")
    found = await _each(_days(asked), _adapter(ctx, asked).visited_pages)
    return [page for rows in found for page in sorted(rows, key=lambda row: -row.views)[:first]]


async def portrait(ctx: Context, asked: Visited) -> VisitorPortrait:
    """Who visited in all of these days, which end yesterday. One call. Raises UserError."""
    days = _PORTRAITS.get((asked.until - asked.start).days)
    if days is None or asked.until != _today(ctx):
        raise UserError("A portrait is of the last 1, 7 or 30 days: ask for so many, until today.")
    return await _adapter(ctx, asked).visitor_portrait(asked.until - timedelta(days=1), days)


def _adapter(ctx: Context, asked: Visited) -> MiniProgramStoreAdapter:
    return wechat_apps.mini_program(ctx, asked.appid)


def _today(ctx: Context) -> date:
    return ctx.clock.now().astimezone(BUSINESS_ZONE).date()


async def _each(days: Sequence[date], read: Callable[[date], Awaitable[T]]) -> Sequence[T]:
    """An answer per day, in their order. Raises UserError before anything is asked."""
    if len(days) > MOST_CALLS:
        raise UserError(
            f"The platform tells these one day per call: ask for at most {MOST_CALLS} days, or by WEEK or MONTH."
        )
    return await asyncio.gather(*(read(day) for day in days))


def _days(asked: Visited) -> Sequence[date]:
    return [asked.start + timedelta(days=number) for number in range((asked.until - asked.start).days)]


def _spans(asked: Visited, per: Span) -> Sequence[date]:
    """The first day of each span that lies in the question as a whole."""
    days = _days(asked)
    if per is Span.WEEK:
        return [day for day in days if day.weekday() == 0 and day + timedelta(days=7) <= asked.until]
    if per is Span.MONTH:
        return [day for day in days if day.day == 1 and _next_month(day) <= asked.until]
    return days


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
