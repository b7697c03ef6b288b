"""Stores, guides, goods and campaigns, by id. One statement per kind and level of a query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, select

from gateway.context import Context
from gateway.database.tables.dimensions import campaign, guide, guide_store, sku, store
from gateway.database.tables.projections import department, offer, product
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import PageArgs, Slice, keyset


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """门店."""

    id: str
    name: str
    city: str | None
    region: str | None
    franchise: bool
    opens: str | None
    closes: str | None
    out_id: str | None


@dataclass(frozen=True, slots=True)
class GuideRecord:
    """导购."""

    id: str
    corpid: str
    userid: str
    name: str | None
    position: str | None
    active: bool
    out_id: str | None
    departments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DepartmentRecord:
    """部门; ``parent`` is the id of the one above it."""

    corpid: str
    id: int
    name: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class SkuRecord:
    """A sellable variant; price in fen, None when no shop sells it now."""

    code: str
    spu: str | None
    title: str
    category: str | None
    gtin: str | None
    ip_property: str | None
    out_id: str | None


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """A sku as a shop sells it."""

    appid: str
    sku: str
    attributes: tuple[tuple[str, str], ...]
    price: int
    stock: int


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """商品."""

    appid: str
    product_id: str
    spu: str
    title: str
    image: str
    category: str
    on_sale: bool


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """营销活动; the budget in fen."""

    id: str
    name: str
    starts_at: datetime | None
    ends_at: datetime | None
    budget: int | None


async def stores(ctx: Context, ids: Sequence[str]) -> Sequence[StoreRecord | None]:
    """Batch by id."""
    rows = await _current(ctx, store, "id", ids)
    return [_store(rows[each]) if each in rows else None for each in ids]


async def guides(ctx: Context, ids: Sequence[str]) -> Sequence[GuideRecord | None]:
    """Batch by ``corpid:userid``."""
    rows = await _current(ctx, guide, "id", ids)
    return [_guide(rows[each]) if each in rows else None for each in ids]


async def skus(ctx: Context, codes: Sequence[str]) -> Sequence[SkuRecord | None]:
    """Batch by the brand's code."""
    rows = await _current(ctx, sku, "code", codes)
    return [_sku(rows[each]) if each in rows else None for each in codes]


async def campaigns(ctx: Context, ids: Sequence[str]) -> Sequence[CampaignRecord | None]:
    """Batch by id."""
    rows = await _current(ctx, campaign, "id", ids)
    return [_campaign(rows[each]) if each in rows else None for each in ids]


async def guide_stores(ctx: Context, guide_ids: Sequence[str]) -> Sequence[StoreRecord | None]:
    """Batch: the store where each guide works now."""
    rows = await ctx.database.fetch(
        select(guide_store.c.guide.label("guide"), store)
        .join(store, store.c.id == guide_store.c.store)
        .where(guide_store.c.guide.in_(guide_ids), guide_store.c.valid_to.is_(None), store.c.valid_to.is_(None))
    )
    found = {row.guide: _store(row) for row in rows}
    return [found.get(each) for each in guide_ids]


async def store_guides(ctx: Context, store_ids: Sequence[str]) -> Sequence[Sequence[GuideRecord]]:
    """Batch: the guides who work at each store now."""
    rows = await ctx.database.fetch(
        select(guide_store.c.store.label("store"), guide)
        .join(guide, guide.c.id == guide_store.c.guide)
        .where(guide_store.c.store.in_(store_ids), guide_store.c.valid_to.is_(None), guide.c.valid_to.is_(None))
        .order_by(guide.c.userid)
    )
    grouped: dict[str, list[GuideRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.store].append(_guide(row))
    return [grouped[each] for each in store_ids]


async def offers(ctx: Context, codes: Sequence[str]) -> Sequence[Sequence[OfferRecord]]:
    """Batch: where each sku is sold, at which price."""
    rows = await ctx.database.fetch(select(offer).where(offer.c.sku.in_(codes)).order_by(offer.c.appid))
    grouped: dict[str, list[OfferRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.sku].append(_offer(row))
    return [grouped[each] for each in codes]


async def product_offers(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[Sequence[OfferRecord]]:
    """Batch: the offers of each (appid, product id)."""
    rows = await ctx.database.fetch(
        select(offer).where(offer.c.product_id.in_({product_id for _, product_id in keys})).order_by(offer.c.sku)
    )
    grouped: dict[tuple[str, str], list[OfferRecord]] = defaultdict(list)
    for row in rows:
        grouped[(row.appid, row.product_id)].append(_offer(row))
    return [grouped[each] for each in keys]


async def products(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[ProductRecord | None]:
    """Batch by (appid, product id)."""
    rows = await ctx.database.fetch(
        select(product).where(product.c.product_id.in_({product_id for _, product_id in keys}))
    )
    found = {(row.appid, row.product_id): _product(row) for row in rows}
    return [found.get(each) for each in keys]


async def store_by(ctx: Context, out_id: str) -> StoreRecord | None:
    """The store with this code in the ERP. Raises UserError when several have it."""
    row = await _only(ctx, store, "out_id", out_id)
    return None if row is None else _store(row)


async def guide_by(ctx: Context, *, out_id: str | None, userid: tuple[str, str] | None) -> GuideRecord | None:
    """The guide with this number in the brand's own systems, or (corpid, userid). Needs the scope members:read."""
    ctx.principal.require("members:read")
    if userid is not None:
        row = await _only(ctx, guide, "id", ":".join(userid))
    else:
        row = await _only(ctx, guide, "out_id", out_id or "")
    return None if row is None else _guide(row)


async def sku_by(ctx: Context, *, code: str | None, out_id: str | None) -> SkuRecord | None:
    """The variant with the brand's code, or this number in the ERP. Raises UserError when several have it."""
    row = await _only(ctx, sku, "out_id" if code is None else "code", out_id or code or "")
    return None if row is None else _sku(row)


async def store_page(ctx: Context, args: PageArgs) -> Slice[StoreRecord]:
    """All stores."""
    statement = select(store).where(store.c.valid_to.is_(None))
    return await keyset(ctx, "stores", statement, [(store.c.id, False)], args, _store)


async def guide_page(ctx: Context, args: PageArgs) -> Slice[GuideRecord]:
    """All guides."""
    statement = select(guide).where(guide.c.valid_to.is_(None))
    return await keyset(ctx, "guides", statement, [(guide.c.id, False)], args, _guide)


async def department_page(ctx: Context, account: str | None, args: PageArgs) -> Slice[DepartmentRecord]:
    """Departments of one corp, or of all, as the last sync had them. Raises Forbidden."""
    ctx.principal.require("members:read")
    statement = select(department)
    if account is not None:
        statement = statement.where(department.c.corpid == account)
    order = [(department.c.corpid, False), (department.c.id, False)]
    return await keyset(ctx, f"departments:{account}", statement, order, args, _department)


async def departments(ctx: Context, keys: Sequence[tuple[str, int]]) -> Sequence[DepartmentRecord | None]:
    """Batch by (corpid, id)."""
    rows = await ctx.database.fetch(select(department).where(department.c.id.in_({an_id for _, an_id in keys})))
    found = {(row.corpid, row.id): _department(row) for row in rows}
    return [found.get(each) for each in keys]


def _department(row: Row[Any]) -> DepartmentRecord:
    return DepartmentRecord(row.corpid, row.id, row.name, row.parent)


async def product_page(ctx: Context, args: PageArgs) -> Slice[ProductRecord]:
    """All products of all shops."""
    order = [(product.c.appid, False), (product.c.product_id, False)]
    return await keyset(ctx, "products", select(product), order, args, _product)


async def campaign_page(ctx: Context, args: PageArgs) -> Slice[CampaignRecord]:
    """All campaigns."""
    statement = select(campaign).where(campaign.c.valid_to.is_(None))
    return await keyset(ctx, "campaigns", statement, [(campaign.c.id, False)], args, _campaign)


async def _only(ctx: Context, table: Table, key: str, value: str) -> Row[Any] | None:
    if "\0" in value:
        return None  # PostgreSQL cannot even compare such a text.
    rows = await ctx.database.fetch(select(table).where(table.c[key] == value, table.c.valid_to.is_(None)).limit(2))
    if len(rows) > 1:
        raise UserError(f"Several rows of table {table.name} have this number; find yours by its id.")
    return rows[0] if rows else None


async def _current(ctx: Context, table: Table, key: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    rows = await ctx.database.fetch(select(table).where(table.c[key].in_(ids), table.c.valid_to.is_(None)))
    return {getattr(row, key): row for row in rows}


def _store(row: Row[Any]) -> StoreRecord:
    hours = row.opening_hours or {}
    return StoreRecord(
        row.id,
        row.name,
        row.city,
        row.region,
        row.own_or_franchise == "FRANCHISE",
        hours.get("opens"),
        hours.get("closes"),
        row.out_id,
    )


def _guide(row: Row[Any]) -> GuideRecord:
    return GuideRecord(
        row.id,
        row.corpid,
        row.userid,
        row.name or None,
        row.position,
        row.state == "ACTIVE",
        row.out_id,
        tuple(row.departments or ()),
    )


def _sku(row: Row[Any]) -> SkuRecord:
    return SkuRecord(row.code, row.spu, row.title, row.category, row.gtin, row.ip_property, row.out_id)


def _offer(row: Row[Any]) -> OfferRecord:
    attributes = tuple((name, value) for name, value in row.attributes)
    return OfferRecord(row.appid, row.sku, attributes, row.price, row.platform_stock)


def _product(row: Row[Any]) -> ProductRecord:
    return ProductRecord(row.appid, row.product_id, row.spu, row.title, row.image, row.category, row.on_sale)


def _campaign(row: Row[Any]) -> CampaignRecord:
    return CampaignRecord(row.id, row.name, row.starts_at, row.ends_at, row.budget_fen)
