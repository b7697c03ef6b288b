"""Figures of official accounts that only the platform has (数据统计): followers, their messages, and articles.

Each of its endpoints takes a span of its own; a longer question is so many calls, at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeVar

from adapters.official_account import (
    ArticleDay,
    ArticleUntil,
    ContentDay,
    ContentUntil,
    FollowerDay,
    FollowerTotal,
    MessageDay,
    OfficialAccountAdapter,
    ReadingDay,
    SharingDay,
)
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers.errors import UserError

T = TypeVar("T")

#: Who sees how the brand does.
SCOPE = "statistics:read"
#: Days of one question: of articles the platform tells a day per call.
MOST_DAYS: Final = 30
MOST_DAYS_OF_ARTICLES: Final = 7
#: Days of one call.
_WEEK: Final = 7
_OF_READING: Final = 3
#: All places where articles are read, in the platform's list of them.
_ALL: Final = 99_999_999


@dataclass(frozen=True, slots=True)
class Span:
    """An account and business days: the first one, and the one after the last."""

    appid: str
    start: date
    until: date


def span(ctx: Context, account: str | None, start: date, until: date, most: int) -> Span:
    """What is asked for. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(OfficialAccountAdapter, account)
    today = ctx.clock.now().astimezone(BUSINESS_ZONE).date()
    if not start < until <= today or until - start > timedelta(days=most):
        raise UserError(f"Ask for 1 to {most} days, and until today at the latest.")
    return Span(adapter.account, start, until)


async def growth(ctx: Context, asked: Span) -> Sequence[FollowerDay]:
    """Who came and who left, by day and way. One call per seven days."""
    return await _pieces(asked, _WEEK, ctx.tool(OfficialAccountAdapter, asked.appid).follower_days)


async def totals(ctx: Context, asked: Span) -> Sequence[FollowerTotal]:
    """How many follow at the end of each day. One call per seven days."""
    return await _pieces(asked, _WEEK, ctx.tool(OfficialAccountAdapter, asked.appid).follower_totals)


async def messages(ctx: Context, asked: Span) -> Sequence[MessageDay]:
    """What followers wrote, by day and kind. One call per seven days."""
    return await _pieces(asked, _WEEK, ctx.tool(OfficialAccountAdapter, asked.appid).message_days)


async def content(ctx: Context, asked: Span) -> Sequence[ContentDay]:
    """All content day by day. One call per day."""
    adapter = ctx.tool(OfficialAccountAdapter, asked.appid)
    return await _pieces(asked, 1, lambda day, _: adapter.content_day(day))


async def articles(ctx: Context, asked: Span) -> Sequence[ContentUntil]:
    """Articles that came out on these days, each up to thirty days on. One call per day."""
    adapter = ctx.tool(OfficialAccountAdapter, asked.appid)
    return await _pieces(asked, 1, lambda day, _: adapter.articles_published(day))


async def daily(ctx: Context, asked: Span) -> Sequence[ArticleDay]:
    """Each article on each of the days. One call per day."""
    adapter = ctx.tool(OfficialAccountAdapter, asked.appid)
    return await _pieces(asked, 1, lambda day, _: adapter.article_day(day))


async def sent(ctx: Context, asked: Span) -> Sequence[ArticleUntil]:
    """Articles that went out as mass messages on these days, each up to seven days on. One call per day."""
    adapter = ctx.tool(OfficialAccountAdapter, asked.appid)
    return await _pieces(asked, 1, lambda day, _: adapter.articles_sent(day))


async def reading(ctx: Context, asked: Span) -> Sequence[ReadingDay]:
    """Where articles were read, day by day, without the platform's own sum. One call per three days."""
    rows = await _pieces(asked, _OF_READING, ctx.tool(OfficialAccountAdapter, asked.appid).reading_days)
    return [each for each in rows if each.source != _ALL]


async def sharing(ctx: Context, asked: Span) -> Sequence[SharingDay]:
    """Where articles were shared, day by day. One call per seven days."""
    return await _pieces(asked, _WEEK, ctx.tool(OfficialAccountAdapter, asked.appid).sharing_days)


async def _pieces(asked: Span, most: int, read: Callable[[date, date], Awaitable[Sequence[T]]]) -> Sequence[T]:
    """Rows of all days in their order; ``read`` takes the first and the last day of one call."""
    answers = await asyncio.gather(*(read(*each) for each in _spans(asked, most)))
    return [row for rows in answers for row in rows]


def _spans(asked: Span, most: int) -> Iterator[tuple[date, date]]:
    start = asked.start
    while start < asked.until:
        end = min(start + timedelta(days=most), asked.until)
        yield start, end - timedelta(days=1)
        start = end
