"""Audiences (人群) of 腾讯广告: read at the platform, and how many members we have put in by our own rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from sqlalchemy import func, select

from adapters.base.errors import NotFound
from adapters.social_ads import Audience, AudienceFile, SocialAdsAdapter
from gateway.context import Context
from gateway.database.tables.audiences import audience_person
from gateway.resolvers import ids
from gateway.resolvers.errors import IdInvalid, UserError
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice
from gateway.resolvers.search import Criteria, ids_of
from gateway.transactions.effects.audiences import MOST, Find, Found
from gateway.transactions.steps import StepRefused

#: Who sees audiences, and who makes them and hands members over.
READ = "ads:read"
WRITE = "audiences:write"

#: An account and an audience of it, both by the platform's own ids.
Key = tuple[str, str]


def decode(text: str) -> Key:
    """The audience of an id. Raises UserError."""
    account, native = ids.decode_as("au", text)
    if not native.isdigit():
        raise IdInvalid("This is no id of an audience; take one from the query audiences.")
    return account, native


async def page(ctx: Context, account: str | None, args: PageArgs) -> Slice[tuple[str, Audience]]:
    """An account's audiences in the platform's order: one call per hundred. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(READ)
    adapter = ctx.tool(SocialAdsAdapter, account)
    found = await forward(ctx, f"audiences:{adapter.account}", args, adapter.audiences)
    return found.map(lambda each: (adapter.account, each))


async def one(ctx: Context, key: Key) -> Audience | None:
    """One audience. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(READ)
    ctx.tool(SocialAdsAdapter, key[0])
    return await ctx.loaders.load(by_key, key)


async def by_key(ctx: Context, keys: Sequence[Key]) -> Sequence[Audience | None]:
    """Batch: a call each, since the platform reads one or all."""
    return await asyncio.gather(*(_one(ctx, *each) for each in keys))


async def _one(ctx: Context, account: str, audience: str) -> Audience | None:
    try:
        return await ctx.tool(SocialAdsAdapter, account).audience(int(audience))
    except NotFound:
        return None


async def files(ctx: Context, key: Key, args: PageArgs) -> Slice[AudienceFile]:
    """An audience's files in the platform's order: one call per hundred. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(READ)
    account, audience = key
    adapter = ctx.tool(SocialAdsAdapter, account)
    return await forward(
        ctx, f"audienceFiles:{account}:{audience}", args, partial(adapter.audience_files, int(audience))
    )


async def file_by_key(ctx: Context, keys: Sequence[tuple[str, str, str]]) -> Sequence[AudienceFile | None]:
    """Batch by account, audience and file: a call each."""
    return await asyncio.gather(*(_file(ctx, *each) for each in keys))


async def _file(ctx: Context, account: str, audience: str, file: str) -> AudienceFile | None:
    try:
        return await ctx.tool(SocialAdsAdapter, account).audience_file(int(audience), int(file))
    except NotFound:
        return None


async def members_in(ctx: Context, keys: Sequence[Key]) -> Sequence[int]:
    """Batch: how many members we have handed over and not taken out. One statement."""
    table = audience_person
    rows = await ctx.database.fetch(
        select(table.c.account_id, table.c.audience_id, func.count(table.c.member.distinct()).label("number"))
        .where(table.c.audience_id.in_({audience for _, audience in keys}), table.c.state == "IN")
        .group_by(table.c.account_id, table.c.audience_id)
    )
    found = {(row.account_id, row.audience_id): row.number for row in rows}
    return [found.get(each, 0) for each in keys]


def finder(ctx: Context, criteria: Criteria, after: str | None) -> Find:
    """Reads the ids of the members whom a filter finds, when the request is made for the first time."""

    async def find() -> Found:
        try:
            return Found(*await ids_of(ctx, criteria, MOST, after))
        except UserError as error:
            raise StepRefused(error.code, str(error)) from error

    return find
