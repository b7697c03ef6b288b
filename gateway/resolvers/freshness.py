"""How fresh the fields of the graph are: what feeds each of them, and what a request may be answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import select

from gateway.cache import ANY, OUTAGES, Answer, Asked, Source, Wish
from gateway.context import Context
from gateway.database.tables.projections import sync_state
from gateway.events.sync.stages import STAGES
from gateway.resolvers.errors import UserError

T = TypeVar("T")


class ValueTooOld(UserError):
    """What there is, is older than ``@maxAge`` allows, and its platform cannot be asked here."""

    code = "VALUE_TOO_OLD"


@dataclass(frozen=True, slots=True)
class Feed:
    """What keeps a projection: streams of one tool, by the names of ``gateway.events.sync.stages``.

    None at all for what only events tell: nobody knows whether one was lost, so its age is not known.
    """

    tool: str
    streams: tuple[str, ...]


FOLLOWS: Final = Feed("official_account", ("followers",))
PAYMENTS: Final = Feed("payments", ("bills",))
COUPONS: Final = Feed("payments", ("coupons",))
ORDERS: Final = Feed("mini_program_store", ("orders", "after_sales"))
PRODUCTS: Final = Feed("mini_program_store", ("products",))
CARDS: Final = Feed("mini_program_store", ("cards",))
ADS: Final = Feed("social_ads", ("adgroups", "reports"))
CLICKS: Final = Feed("social_ads", ())
FILES: Final = Feed("cloud_storage", ("files",))
CONTACTS: Final = Feed("enterprise_chat", ("contacts",))
GROUPS: Final = Feed("enterprise_chat", ("groups",))
CATALOGUE: Final = Feed("ip_content", ("catalogue",))


async def read_until(ctx: Context, feeds: Sequence[Feed]) -> Sequence[datetime | None]:
    """Batch: the instant up to which every account's streams of a feed are read; None where one never was.

    What the platform showed before it is in the projection, whatever events have added since. One statement.
    """
    rows = await ctx.database.fetch(select(sync_state))
    until = {(row.tool, row.stream, row.account): row.watermark for row in rows}
    return [_oldest(ctx, until, feed) for feed in feeds]


def _oldest(ctx: Context, until: dict[tuple[str, str, str], datetime | None], feed: Feed) -> datetime | None:
    found = [
        until.get((stage.tool, stage.stream, adapter.account))
        for stage in STAGES
        if stage.tool == feed.tool and stage.stream in feed.streams
        for tool, alias, adapter in ctx.services.tools.items()
        if tool == stage.tool and stage.applies(adapter, alias)
    ]
    known = [each for each in found if each is not None]
    return min(known) if known and len(known) == len(found) else None


async def projected(ctx: Context, asked: Asked, feed: Feed) -> None:
    """Note that a field is answered from a projection. Raises ValueTooOld where that is older than it may be."""
    as_of = await ctx.loaders.load(read_until, feed)
    max_age = asked.wish.max_age
    if max_age is not None:
        now = ctx.clock.now()
        if as_of is None:
            raise ValueTooOld(
                f"@maxAge allows {max_age:g} seconds, and how old this is, is not known: {_UNKNOWN}"
                " Ask without @maxAge here."
            )
        if now - as_of > timedelta(seconds=max_age):
            age = (now - as_of).total_seconds()
            raise ValueTooOld(
                f"@maxAge allows {max_age:g} seconds, and {feed.tool} was last read {age:.0f} seconds ago."
                " Allow more, or have it synchronised more often; one member alone is read live."
            )
    asked.note(Source.PROJECTION, as_of)


_UNKNOWN: Final = "it comes from events alone, or was not read yet."


async def live_or_projected(
    ctx: Context,
    asked: Asked | None,
    feed: Feed,
    *,
    live: Callable[[Wish], Awaitable[Answer[T]]],
    project: Callable[[], Awaitable[T]],
    lifetime: timedelta,
) -> T:
    """A live answer; its projection instead while the platform fails and ``@staleOk`` reaches that far back.

    Raises UpstreamError.
    """
    wish = ANY if asked is None else asked.wish
    try:
        answer = await live(wish)
    except OUTAGES:
        if asked is None or wish.stale_ok is None or not await _reaches(ctx, feed, wish, lifetime):
            raise
        await projected(ctx, asked, feed)
        return await project()
    if asked is not None:
        asked.note(answer.source, answer.as_of)
    return answer.value


async def _reaches(ctx: Context, feed: Feed, wish: Wish, lifetime: timedelta) -> bool:
    as_of = await ctx.loaders.load(read_until, feed)
    if as_of is None:
        return False
    age = (ctx.clock.now() - as_of).total_seconds()
    allowed = lifetime.total_seconds() + (wish.stale_ok or 0)
    return age <= (allowed if wish.max_age is None else min(allowed, wish.max_age))


def together(answers: Sequence[Answer[object]], value: T, now: datetime) -> Answer[T]:
    """The answers of several accounts as one: as old as the oldest, of the least direct source."""
    if not answers:
        return Answer(value, Source.LIVE, now)
    source = max((each.source for each in answers), key=_DIRECTNESS.index)
    return Answer(value, source, min(each.as_of for each in answers))


_DIRECTNESS: Final = (Source.LIVE, Source.CACHE, Source.PROJECTION, Source.STALE)


def view(ctx: Context, member_id: str) -> str:
    """What the caller may see, as part of a key: no answer given under one view is given under another."""
    caller = ctx.principal
    own = "own" if caller.member == member_id else ""
    return "|".join((caller.audience, own, *sorted(caller.scopes)))
