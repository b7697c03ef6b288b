"""Activations of licensed works (主题活动): what runs where, and what members have of it. All from the tool's SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapters.base.errors import NotFound
from adapters.ip_content import (
    Activation,
    Contest,
    ContestTally,
    Drop,
    DropPlace,
    IpContentAdapter,
    Participation,
    Property,
    Reward,
)
from gateway.context import Context
from gateway.resolvers.members import identities
from gateway.resolvers.paging import PageArgs, Slice, in_memory

#: Who sees what runs in the stores; every kind of caller does.
SCOPE = "catalogue"
#: Who takes part: shoppers by their session.
ENTER = "activations:enter"
#: Who speaks for any member, brings entries of its own, and moves activations on.
WRITE = "activations:write"


async def page(
    ctx: Context, store: str | None, slug: str | None, state: str | None, on: date | None, args: PageArgs
) -> Slice[Activation]:
    """Activations by their first day, closed ones too. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    found = await ctx.loaders.load(of_stores, store or "")
    chosen = [
        each
        for each in found
        if slug in {None, each.property.slug}
        and state in {None, each.state}
        and (on is None or each.starts <= on < each.ends)
    ]
    return in_memory(ctx, f"ipActivations:{store}:{slug}:{state}:{on}", chosen, args)


async def properties(ctx: Context, kind: str | None, args: PageArgs) -> Slice[Property]:
    """The licensed works, by their short name; of one kind, or of all. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    found = [each for each in await ctx.tool(IpContentAdapter).all_properties() if kind in {None, each.kind}]
    return in_memory(ctx, f"ipProperties:{kind!r}", found, args)


async def of_stores(ctx: Context, stores: Sequence[str]) -> Sequence[Sequence[Activation]]:
    """Batch: the activations of each store; the empty name asks for all."""
    adapter = ctx.tool(IpContentAdapter)
    named = [each for each in stores if each]
    found = dict(zip(named, await adapter.activations_at(named), strict=True)) if named else {}
    if len(named) < len(stores):
        found[""] = await adapter.all_activations()
    return [found[each] for each in stores]


async def by_codes(ctx: Context, codes: Sequence[str]) -> Sequence[Activation | None]:
    """Batch."""
    found = await ctx.tool(IpContentAdapter).activations(codes)
    return [None if isinstance(each, NotFound) else each for each in found]


async def contests_of(ctx: Context, codes: Sequence[str]) -> Sequence[Sequence[Contest]]:
    """Batch: votes and quizzes of each activation."""
    return await ctx.tool(IpContentAdapter).contests_of(codes)


async def contests(ctx: Context, codes: Sequence[str]) -> Sequence[Contest | None]:
    """Batch."""
    found = await ctx.tool(IpContentAdapter).contests(codes)
    return [None if isinstance(each, NotFound) else each for each in found]


async def tallies(ctx: Context, codes: Sequence[str]) -> Sequence[ContestTally | None]:
    """Batch: the count of each contest."""
    found = await ctx.tool(IpContentAdapter).contest_tallies(codes)
    return [None if isinstance(each, NotFound) else each for each in found]


async def drops_of(ctx: Context, codes: Sequence[str]) -> Sequence[Sequence[Drop]]:
    """Batch: limited editions of each activation."""
    return await ctx.tool(IpContentAdapter).drops_of(codes)


async def drops(ctx: Context, codes: Sequence[str]) -> Sequence[Drop | None]:
    """Batch."""
    found = await ctx.tool(IpContentAdapter).drops(codes)
    return [None if isinstance(each, NotFound) else each for each in found]


async def participations(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[Participation]]:
    """Batch: what each member collected."""
    adapter = ctx.tool(IpContentAdapter)
    return await adapter.participations(await _unionids(ctx, member_ids))


async def rewards_of(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[Reward]]:
    """Batch: what each member earned."""
    adapter = ctx.tool(IpContentAdapter)
    return await adapter.rewards(await _unionids(ctx, member_ids))


async def places_of(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[DropPlace]]:
    """Batch: each member's places in limited editions."""
    adapter = ctx.tool(IpContentAdapter)
    return await adapter.drop_places(await _unionids(ctx, member_ids))


async def _unionids(ctx: Context, member_ids: Sequence[str]) -> list[str]:
    mine = await ctx.loaders.load_many(identities, member_ids)
    # The one under which entries are made, too.
    current = [[i for i in each if i.kind == "UNIONID" and i.superseded_by is None] for each in mine]
    return [each[0].value if each else "" for each in current]
