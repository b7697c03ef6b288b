"""Dimensions with their history: stores, guides, goods, campaigns, and the ERP's stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.enterprise_chat import Employee
from adapters.mini_program_store import Product
from gateway.database.facts import Fact, Source
from gateway.database.statements import upsert
from gateway.database.tables.dimensions import campaign, guide, guide_store, sku, store
from gateway.database.tables.stock import stock
from gateway.database.versions import close_version, record_versions
from gateway.events import labels
from gateway.events.projector import Projector


class MasterStore(msgspec.Struct, frozen=True, rename="camel"):
    """A store as the retailer's ERP knows it. ``code`` is the ERP's own."""

    code: str
    name: str
    city: str
    region: str
    pos_code: str
    wecom_department: int
    opens: str
    closes: str
    franchise_mchid: str = ""
    legal_entity: str = ""


class MasterCampaign(msgspec.Struct, frozen=True, rename="camel"):
    """营销活动: name, half-open window, budget in fen."""

    id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    budget: int


class MasterStock(msgspec.Struct, frozen=True, rename="camel"):
    """Pieces on hand of a sku at a location, for one channel."""

    sku: str
    location: str
    channel: str
    on_hand: int


class MasterSku(msgspec.Struct, frozen=True, rename="camel"):
    """What the ERP adds to a sku that the shop platform does not know."""

    code: str
    spu: str
    title: str
    category: str
    gtin: str = ""
    ip_property: str = ""


class MasterData(msgspec.Struct, frozen=True, rename="camel"):
    """The ERP's export, as one JSON document."""

    brand: str
    stores: tuple[MasterStore, ...]
    campaigns: tuple[MasterCampaign, ...]
    skus: tuple[MasterSku, ...]
    stock: tuple[MasterStock, ...]


async def master_data(projector: Projector, data: MasterData) -> int:
    """Stores, campaigns, goods and stock of the ERP. On hand is set, what is reserved and allotted stays."""
    now = projector.clock.now()
    async with projector.batch() as batch:
        rows = [
            {
                "id": each.code,
                "out_id": each.code,
                "name": each.name,
                "region": each.region,
                "city": each.city,
                "own_or_franchise": "FRANCHISE" if each.franchise_mchid else "OWN",
                "legal_entity": each.franchise_mchid or each.legal_entity or None,
                "opening_hours": {"opens": each.opens, "closes": each.closes},
                "wecom_department": str(each.wecom_department),
                "pos_code": each.pos_code,
            }
            for each in data.stores
        ]
        await record_versions(batch.connection, store, rows, at=now)
        campaigns = [
            {
                "id": each.id,
                "name": each.name,
                "starts_at": each.starts_at,
                "ends_at": each.ends_at,
                "budget_fen": each.budget,
            }
            for each in data.campaigns
        ]
        await record_versions(batch.connection, campaign, campaigns, at=now)
        goods = [
            {
                "code": each.code,
                "spu": each.spu,
                "title": each.title,
                "category": each.category,
                "brand": data.brand,
                "ip_property": each.ip_property or None,
                "gtin": each.gtin or None,
                "out_id": each.code,
            }
            for each in data.skus
        ]
        await record_versions(batch.connection, sku, goods, at=now)
        held = await _promised(batch.connection)
        batch.facts += await _counted(batch.connection, data.stock, held, now)
        await upsert(
            batch.connection,
            stock,
            [
                {
                    "sku": each.sku,
                    "location": each.location,
                    "channel": each.channel,
                    # The ERP may count less than is promised to shoppers and shops; then nothing more can be sold.
                    "on_hand": max(each.on_hand, held.get((each.sku, each.location, each.channel), 0)),
                    "reserved": 0,
                    "allotted": 0,
                    "updated_at": now,
                }
                for each in data.stock
            ],
            keys=("sku", "location", "channel"),
            insert_only=("reserved", "allotted"),
        )
    return len(rows) + len(campaigns) + len(goods) + len(data.stock)


async def _counted(
    connection: AsyncConnection,
    counts: Sequence[MasterStock],
    held: Mapping[tuple[str, str, str], int],
    now: datetime,
) -> list[Fact]:
    """What the ERP's counts change in our book: one fact for each level that moves."""
    rows = (await connection.execute(select(stock))).all()
    before = {(row.sku, row.location, row.channel): row.on_hand for row in rows}
    facts = []
    for each in counts:
        place = (each.sku, each.location, each.channel)
        delta = max(each.on_hand, held.get(place, 0)) - before.get(place, 0)
        if delta:
            facts.append(
                Fact(
                    kind="stock.counted",
                    occurred_at=now,
                    source="import",
                    source_key=f"{each.sku}:{each.location}:{each.channel}:{now.isoformat()}",
                    store=None if each.location == "CENTRAL" else each.location,
                    line=each.sku,
                    quantity=delta,
                    payload={"location": each.location, "channel": each.channel},
                )
            )
    return facts


async def _promised(connection: AsyncConnection) -> Mapping[tuple[str, str, str], int]:
    """Pieces promised to shoppers and given to shops of the platform, locked until the import ends."""
    promised = stock.c.reserved + stock.c.allotted
    rows = await connection.execute(select(stock).where(promised > 0).with_for_update())
    return {(row.sku, row.location, row.channel): row.reserved + row.allotted for row in rows}


async def guides(projector: Projector, corpid: str, records: Sequence[Employee]) -> int:
    """Guides (导购) and the store that each belongs to, by WeCom department."""
    now = projector.clock.now()
    by_department = await _stores_by_department(projector)
    async with projector.batch() as batch:
        ids = [f"{corpid}:{each.userid}" for each in records]
        await batch.watch(guide, guide.c.id.in_(ids), guide.c.valid_to.is_(None))
        await batch.watch(guide_store, guide_store.c.guide.in_(ids), guide_store.c.valid_to.is_(None))
        for each in records:
            guide_id = f"{corpid}:{each.userid}"
            row = {
                "id": guide_id,
                "corpid": corpid,
                "userid": each.userid,
                "name": each.name,
                "position": each.position,
                "departments": list(each.departments),
                "out_id": None,
                "state": "ACTIVE" if each.active else "INACTIVE",
            }
            await record_versions(batch.connection, guide, [row], at=now)
            wanted = {by_department[str(d)] for d in each.departments if str(d) in by_department}
            current = set(
                (
                    await batch.connection.execute(
                        select(guide_store.c.store).where(
                            guide_store.c.guide == guide_id, guide_store.c.valid_to.is_(None)
                        )
                    )
                ).scalars()
            )
            for gone in current - wanted:
                await close_version(batch.connection, guide_store, {"guide": guide_id, "store": gone}, at=now)
            posts = [{"guide": guide_id, "store": each_store} for each_store in sorted(wanted)]
            await record_versions(batch.connection, guide_store, posts, at=now)
            if current != wanted:
                await labels.keep_guide(batch.connection, guide_id)
    return len(records)


async def working_guides(projector: Projector, corpid: str) -> Sequence[str]:
    """Userids of the guides who have not left, as far as we know."""
    rows = await projector.database.fetch(
        select(guide.c.userid).where(guide.c.corpid == corpid, guide.c.state != "LEFT", guide.c.valid_to.is_(None))
    )
    return [row.userid for row in rows]


async def guides_left(
    projector: Projector, corpid: str, userids: Sequence[str], left_at: datetime, source: Source
) -> None:
    """Guides whom the platform does not know any more: they keep their history and belong to no store."""
    now = projector.clock.now()
    known = set(await working_guides(projector, corpid))
    async with projector.batch() as batch:
        for userid in userids:
            if userid not in known:
                continue
            guide_id = f"{corpid}:{userid}"
            await record_versions(batch.connection, guide, [{"id": guide_id, "state": "LEFT"}], at=now)
            posts = await batch.connection.execute(
                select(guide_store.c.store).where(guide_store.c.guide == guide_id, guide_store.c.valid_to.is_(None))
            )
            for each_store in list(posts.scalars()):
                await close_version(batch.connection, guide_store, {"guide": guide_id, "store": each_store}, at=now)
            await labels.keep_guide(batch.connection, guide_id)
            batch.facts.append(
                Fact(
                    kind="guide.left",
                    occurred_at=left_at,
                    source=source,
                    source_key=f"{userid}:{int(left_at.timestamp())}",
                    account=corpid,
                    tool="enterprise_chat",
                    guide=guide_id,
                )
            )


async def skus(projector: Projector, records: Sequence[Product]) -> None:
    """Goods that the ERP's export does not have, from the shop's catalogue."""
    known = {row.code for row in await projector.database.fetch(select(sku.c.code))}
    rows = [
        {
            "code": each.code,
            "spu": product.spu,
            "title": product.title,
            "category": product.category,
            "out_id": each.code,
        }
        for product in records
        for each in product.skus
        if each.code not in known
    ]
    if rows:
        async with projector.batch() as batch:
            await record_versions(batch.connection, sku, rows, at=projector.clock.now())


async def campaign_names(projector: Projector) -> Mapping[str, str]:
    """Names of the current campaigns, to their ids."""
    rows = await projector.database.fetch(select(campaign.c.name, campaign.c.id).where(campaign.c.valid_to.is_(None)))
    return {row.name: row.id for row in rows}


async def _stores_by_department(projector: Projector) -> Mapping[str, str]:
    rows = await projector.database.fetch(
        select(store.c.wecom_department, store.c.id).where(store.c.valid_to.is_(None))
    )
    return {row.wecom_department: row.id for row in rows if row.wecom_department}
