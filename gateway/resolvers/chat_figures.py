"""Figures of 企业微信 that only the platform has: what guides did in chats, and what happened in customer groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.figures import BehaviourDay, GroupFigures
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers.errors import UserError

#: Who sees how guides work.
SCOPE = "statistics:read"
#: Guides, days of one question, and how far back it goes: the platform's own limits.
MOST_GUIDES: Final = 100
MOST_DAYS: Final = 30
KEPT: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Span:
    """Guides of one corp, and whole business days: the first and the last one."""

    corpid: str
    userids: tuple[str, ...]
    first: datetime
    last: datetime


def span(ctx: Context, guides: Sequence[tuple[str, str]], start: date, until: date) -> Span:
    """What is asked for. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    corps = {corpid for corpid, _ in guides}
    if not 1 <= len(guides) <= MOST_GUIDES or len(corps) != 1:
        raise UserError(f"{len(guides)} guides of {len(corps)} corps given: 1 to {MOST_GUIDES} of one are possible.")
    today = ctx.clock.now().astimezone(BUSINESS_ZONE).date()
    if not today - KEPT <= start < until <= today or until - start > timedelta(days=MOST_DAYS):
        raise UserError(f"Ask for 1 to {MOST_DAYS} days, of the last {KEPT.days}, and until today at the latest.")
    [corpid] = corps
    ctx.tool(EnterpriseChatAdapter, corpid)
    userids = tuple(dict.fromkeys(userid for _, userid in guides))
    return Span(corpid, userids, _midnight(start), _midnight(until - timedelta(days=1)))


async def behaviour(ctx: Context, asked: Span) -> Sequence[BehaviourDay]:
    """Day by day, summed over the guides. One call."""
    adapter = ctx.tool(EnterpriseChatAdapter, asked.corpid)
    return await adapter.behaviour(asked.first, asked.last, userids=asked.userids)


async def groups_by_day(ctx: Context, asked: Span) -> Sequence[tuple[datetime, GroupFigures]]:
    """Day by day, summed over the guides' groups. One call."""
    adapter = ctx.tool(EnterpriseChatAdapter, asked.corpid)
    return await adapter.group_figures_by_day(asked.userids, asked.first, asked.last)


async def groups_by_owner(ctx: Context, asked: Span) -> Sequence[tuple[str, GroupFigures]]:
    """Guide by guide, over all the days; guides without groups are left out. One call: a page holds all of them."""
    adapter = ctx.tool(EnterpriseChatAdapter, asked.corpid)
    return (await adapter.group_figures_by_owner(asked.userids, asked.first, asked.last)).items


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BUSINESS_ZONE)
