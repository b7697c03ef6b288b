"""Licences of works (授权): agreements, what they permit, products, and artwork. All from the tool's own SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import orjson

from adapters.base.errors import NotFound
from adapters.cloud_storage import CloudStorageAdapter
from adapters.ip_content import (
    Asset,
    AssetGrant,
    Clearance,
    ClearanceQuery,
    GrantDraft,
    GrantObstacle,
    IpContentAdapter,
    Licence,
    LicensedSku,
)
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers.paging import PageArgs, Slice, in_memory

#: Who sees what is licensed: the brand's own people and its partners. No rates or amounts are in it.
SCOPE = "licences:read"
#: Who is given artwork.
DOWNLOAD = "assets:download"
#: Who sees who was given artwork.
AUDIT = "operations"


@dataclass(frozen=True, slots=True)
class AgreementRecord:
    """An agreement and its grants, at least one."""

    number: str
    grants: tuple[Licence, ...]


async def page(ctx: Context, slug: str | None, args: PageArgs) -> Slice[AgreementRecord]:
    """Agreements by number, past and future ones too. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    grouped: dict[str, list[Licence]] = {}
    for each in await ctx.tool(IpContentAdapter).licences():
        grouped.setdefault(each.number, []).append(each)
    chosen = [
        AgreementRecord(number, tuple(grants))
        for number, grants in grouped.items()
        if slug is None or any(each.property.slug == slug for each in grants)
    ]
    return in_memory(ctx, f"ipAgreements:{slug}", chosen, args)


async def policies(ctx: Context, numbers: Sequence[str]) -> Sequence[str | None]:
    """Batch: each agreement as ODRL (JSON-LD text)."""
    found = await ctx.tool(IpContentAdapter).all_odrl(numbers)
    return [None if isinstance(each, NotFound) else orjson.dumps(each).decode() for each in found]


async def clearance(
    ctx: Context, gtin: str | None, work: tuple[str, str] | None, query: ClearanceQuery
) -> Sequence[Clearance]:
    """Of a licensed product, or of a (work, category). Raises Forbidden, Invalid and NotFound."""
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(IpContentAdapter)
    if work is None:
        days = (query.starts, query.ends)
        return await adapter.sku_clearance(gtin or "", query.territory, query.channel, query.use, *days)
    slug, category = work
    return await adapter.clearance(
        ClearanceQuery(slug, query.territory, category, query.channel, query.use, query.starts, query.ends)
    )


async def obstacles(ctx: Context, draft: GrantDraft) -> Sequence[GrantObstacle]:
    """What stands in the way of a wished-for grant. Raises Forbidden, Invalid and NotFound."""
    ctx.principal.require(SCOPE)
    return await ctx.tool(IpContentAdapter).grant_obstacles(draft)


async def sku_page(ctx: Context, slug: str | None, args: PageArgs) -> Slice[LicensedSku]:
    """Licensed products by GTIN. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    found = await ctx.tool(IpContentAdapter).all_skus()
    return in_memory(ctx, f"licensedSkus:{slug}", [each for each in found if slug in {None, each.property}], args)


async def asset_page(ctx: Context, slug: str, args: PageArgs) -> Slice[Asset]:
    """Artwork of a work, by id. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(DOWNLOAD)
    found = await ctx.loaders.load(assets_of, slug)
    return in_memory(ctx, f"ipAssets:{slug}", found, args)


async def assets_of(ctx: Context, slugs: Sequence[str]) -> Sequence[Sequence[Asset]]:
    """Batch: artwork of each work."""
    return await ctx.tool(IpContentAdapter).assets_of(slugs)


async def assets(ctx: Context, ids: Sequence[str]) -> Sequence[Asset | None]:
    """Batch."""
    found = await ctx.tool(IpContentAdapter).some_assets(ids)
    return [None if isinstance(each, NotFound) else each for each in found]


async def downloads(ctx: Context, asset: str | None, watermark: str | None, args: PageArgs) -> Slice[AssetGrant]:
    """Downloads of an artwork, the latest first, or the one of a watermark. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(AUDIT)
    adapter = ctx.tool(IpContentAdapter)
    found: Sequence[AssetGrant]
    if watermark is None:
        found = await adapter.asset_downloads(asset or "")
    else:
        try:
            found = [await adapter.asset_grant_of(watermark)]
        except NotFound:
            found = []
    return in_memory(ctx, f"ipAssetDownloads:{asset}:{watermark}", found, args)


async def address(ctx: Context, watermark: str) -> str | None:
    """The signed address of a download, which ends when the download does; None once it has ended."""
    adapter = ctx.tool(IpContentAdapter)
    granted = await adapter.asset_grant_of(watermark)
    left = int((granted.url_expires_at - ctx.clock.now()).total_seconds())
    if left < 1:
        return None
    bucket = ctx.services.tools.named(CloudStorageAdapter, ctx.settings.artwork)
    return bucket.presigned_get(await adapter.asset_key(granted.asset), expires_in=left)


def days(ctx: Context, starts: date | None, ends: date | None) -> tuple[date, date]:
    """Half-open: from ``starts``, or today, until ``ends``, or for that one day."""
    first = starts or ctx.clock.now().astimezone(BUSINESS_ZONE).date()
    return first, ends or first + timedelta(days=1)
