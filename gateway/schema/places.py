"""Stores, guides, goods, campaigns, and licensed works."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.ip_content import Property as PropertyRecord
from gateway.resolvers import benefits, freshness, ids, places, product_drafts
from gateway.resolvers import stock as stock_book
from gateway.resolvers.places import (
    CampaignRecord,
    DepartmentRecord,
    GuideRecord,
    OfferRecord,
    ProductRecord,
    SkuRecord,
    StoreRecord,
)
from gateway.resolvers.product_drafts import DraftRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.scalars import Long, Money
from gateway.schema.stock_levels import StockChannel, StockLevel


@strawberry.type(description="A store (门店), from the ERP's master data.")
class Store(Node):
    """门店."""

    record: strawberry.Private[StoreRecord]
    name: str = strawberry.field(description="Its name.")
    city: str | None = strawberry.field(description="City (城市).")
    region: str | None = strawberry.field(description="Province or region (省份).")
    franchise: bool = strawberry.field(description="Whether a franchisee runs it (加盟店).")
    opens: str | None = strawberry.field(description="Local opening time, HH:MM.")
    closes: str | None = strawberry.field(description="Local closing time, HH:MM.")
    out_id: str | None = strawberry.field(description="The store's code in the ERP.")

    @strawberry.field(description="The guides (导购) who work there now.")
    async def guides(self, info: Info) -> list[Guide]:
        found = await info.context.loaders.load(places.store_guides, self.record.id)
        return [Guide.of(info, each) for each in found]

    @classmethod
    def of(cls, record: StoreRecord) -> Store:
        return cls(
            id=strawberry.ID(ids.encode("st", record.id)),
            record=record,
            name=record.name,
            city=record.city,
            region=record.region,
            franchise=record.franchise,
            opens=record.opens,
            closes=record.closes,
            out_id=record.out_id,
        )


@strawberry.type(description="A department (部门) of the brand's 企业微信.")
class Department:
    """部门."""

    record: strawberry.Private[DepartmentRecord]
    account: str = strawberry.field(description="corpid.")
    number: int = strawberry.field(description="部门ID: departments of contactWayCreate.")
    name: str = strawberry.field(description="Its name.")

    @strawberry.field(description="The one above it (上级部门); null at the top, or where the app does not see it.")
    async def parent(self, info: Info) -> Department | None:
        if self.record.parent is None:
            return None
        found = await info.context.loaders.load(places.departments, (self.record.corpid, self.record.parent))
        return None if found is None else Department.of(found)

    @classmethod
    def of(cls, record: DepartmentRecord) -> Department:
        return cls(record=record, account=record.corpid, number=record.id, name=record.name)


@strawberry.type(description="A sales assistant (导购): a member of the brand's 企业微信 who serves customers.")
class Guide(Node):
    """导购."""

    record: strawberry.Private[GuideRecord]
    name: str | None = strawberry.field(description="Name; shown in full, since customers know their guide.")
    position: str | None = strawberry.field(description="Position (职务).")
    active: bool = strawberry.field(description="Whether the guide still works for the brand.")
    out_id: str | None = strawberry.field(description="The guide's number in the brand's own systems (工号).")

    @strawberry.field(
        description="The departments (部门) that the guide is in, by the last sync. Needs the scope members:read."
    )
    async def departments(self, info: Info) -> list[Department] | None:
        info.context.principal.require("members:read")
        keys = [(self.record.corpid, each) for each in self.record.departments]
        found = await info.context.loaders.load_many(places.departments, keys)
        return [Department.of(each) for each in found if each is not None]

    @strawberry.field(description="The store where the guide works now.")
    async def store(self, info: Info) -> Store | None:
        found = await info.context.loaders.load(places.guide_stores, self.record.id)
        return None if found is None else Store.of(found)

    @classmethod
    def of(cls, info: Info, record: GuideRecord) -> Guide:
        del info
        return cls(
            id=strawberry.ID(ids.encode("gd", record.userid, record.corpid)),
            record=record,
            name=record.name,
            position=record.position,
            active=record.active,
            out_id=record.out_id,
        )


@strawberry.type(description="A property of a variant, such as colour (颜色) or size (尺码).")
class Attribute:
    """One name and value."""

    name: str = strawberry.field(description="Which property.")
    value: str = strawberry.field(description="Its value.")


@strawberry.type(description="A sku as one shop sells it (微信小店 SKU).")
class Offer:
    """Price and stock at one shop."""

    appid: str = strawberry.field(description="appid of the shop.")
    price: Money = strawberry.field(description="Sale price (售价).")
    stock: Long = strawberry.field(description="Pieces the platform may sell (库存), as last read.")
    attributes: list[Attribute] = strawberry.field(description="What tells this variant from the others.")

    @classmethod
    def of(cls, record: OfferRecord) -> Offer:
        return cls(
            appid=record.appid,
            price=Money.of(record.price),
            stock=Long(record.stock),
            attributes=[Attribute(name=name, value=value) for name, value in record.attributes],
        )


@strawberry.type(description="A sellable variant of a product (SKU), by the brand's own code.")
class Sku(Node):
    """SKU."""

    record: strawberry.Private[SkuRecord]
    code: str = strawberry.field(description="The brand's code (商家编码).")
    title: str = strawberry.field(description="Title (标题).")
    category: str | None = strawberry.field(description="Category (类目) by the ERP.")
    gtin: str | None = strawberry.field(description="GS1 GTIN (商品条码).")
    out_id: str | None = strawberry.field(description="The variant's number in the ERP.")

    @strawberry.field(
        description="The own stock book (库存), of all places or of one. Needs the scope stock:read; null without it."
    )
    async def stock(
        self,
        info: Info,
        location: Annotated[
            str | None, strawberry.argument(description="A store's code, or CENTRAL for the warehouse.")
        ] = None,
        channel: Annotated[StockChannel | None, strawberry.argument(description="Only of this channel.")] = None,
    ) -> list[StockLevel] | None:
        found = await info.context.loaders.load(stock_book.levels, self.record.code)
        return [
            StockLevel.of(each)
            for each in found
            if location in {None, each.location} and (channel is None or channel.name == each.channel)
        ]

    @strawberry.field(description="Where it is sold, and at which price.")
    async def offers(self, info: Info) -> list[Offer]:
        found = await info.context.loaders.load(places.offers, self.record.code)
        return [Offer.of(each) for each in found]

    @strawberry.field(description="The licensed work (泛娱乐IP) it carries; null for none.")
    async def ip_property(self, info: Info) -> IpProperty | None:
        if self.record.ip_property is None:
            return None
        found = await info.context.loaders.load(benefits.properties, self.record.ip_property)
        return None if found is None else IpProperty.of(found)

    @classmethod
    def of(cls, record: SkuRecord) -> Sku:
        return cls(
            id=strawberry.ID(ids.encode("sk", record.code)),
            record=record,
            code=record.code,
            title=record.title,
            category=record.category,
            gtin=record.gtin,
            out_id=record.out_id,
        )


@strawberry.enum(description="Where the draft of a product stands (草稿状态).")
class ProductDraftState(Enum):
    """草稿状态."""

    EDITING = strawberry.enum_value("EDITING", description="编辑中: written, and not sent to the audit.")
    IN_AUDIT = strawberry.enum_value("IN_AUDIT", description="审核中: the platform's staff look at it.")
    REJECTED = strawberry.enum_value("REJECTED", description="审核失败: auditReason says why.")
    UPLOADING = strawberry.enum_value("UPLOADING", description="素材上传中: the platform stores its pictures.")
    PASSED = strawberry.enum_value("PASSED", description="审核成功: shoppers see it; there is no other draft.")
    DELETED = strawberry.enum_value("DELETED", description="已删除: gone with its product.")
    OTHER = strawberry.enum_value("OTHER", description="A state that this gateway does not know.")


@strawberry.type(description="A variant as a draft has it.")
class ProductDraftVariant:
    """草稿 SKU."""

    code: str = strawberry.field(description="The brand's code (商家编码).")
    price: Money = strawberry.field(description="Sale price (售价).")
    stock: Long = strawberry.field(description="Pieces it begins with; of a variant that is on sale already, its own.")
    attributes: list[Attribute] = strawberry.field(description="What tells this variant from the others.")


@strawberry.type(description="What shoppers will see of a product once the platform's audit has let it pass (草稿).")
class ProductDraft:
    """草稿."""

    record: strawberry.Private[DraftRecord]
    product_id: strawberry.ID = strawberry.field(
        description="The product's id, also of one that was never on sale: what productUpdate and the others take."
    )
    account: str = strawberry.field(description="appid of the shop.")
    spu: str = strawberry.field(description="The brand's product code (SPU).")
    title: str = strawberry.field(description="Title (标题).")
    state: ProductDraftState = strawberry.field(description="Where it stands, as last read.")
    audit_reason: str | None = strawberry.field(
        description="Why the audit refused it, in the platform's words (审核失败原因); null unless REJECTED."
    )
    variants: list[ProductDraftVariant] = strawberry.field(description="Its variants.")
    as_of: datetime = strawberry.field(description="When the platform was asked.")

    @strawberry.field(description="The product as shoppers see it now; null for one that was never on sale.")
    async def product(self, info: Info) -> Product | None:
        found = await info.context.loaders.load(places.products, (self.record.appid, self.record.product_id))
        return None if found is None else Product.of(found)

    @classmethod
    def of(cls, record: DraftRecord) -> ProductDraft:
        return cls(
            record=record,
            product_id=strawberry.ID(ids.encode("pr", record.product_id, record.appid)),
            account=record.appid,
            spu=record.spu,
            title=record.title,
            state=ProductDraftState[record.state],
            audit_reason=(record.reason or None) if record.state == "REJECTED" else None,
            variants=[
                ProductDraftVariant(
                    code=code,
                    price=Money.of(price),
                    stock=Long(stock),
                    attributes=[Attribute(name=name, value=value) for name, value in attributes],
                )
                for code, attributes, price, stock in record.variants
            ],
            as_of=record.as_of,
        )


@strawberry.type(description="A product (商品) of a 微信小店.")
class Product(Node):
    """商品."""

    record: strawberry.Private[ProductRecord]
    title: str = strawberry.field(description="Title (标题).")
    spu: str = strawberry.field(description="The brand's product code (SPU).")
    image: str = strawberry.field(description="URL of the main image (主图).")
    category: str = strawberry.field(description="The platform's category id (类目).")
    on_sale: bool = strawberry.field(description="Whether it is listed (上架).")

    @strawberry.field(description="Its variants as this shop sells them.")
    async def offers(self, info: Info) -> list[Offer]:
        key = (self.record.appid, self.record.product_id)
        found = await info.context.loaders.load(places.product_offers, key)
        return [Offer.of(each) for each in found]

    @strawberry.field(
        description="The draft (草稿) that shoppers do not see yet, as last read; null for none. Needs the scope"
        " products:write."
    )
    async def draft(self, info: Info) -> ProductDraft | None:
        info.context.principal.require("products:write")
        found = await info.context.loaders.load(product_drafts.open_drafts, (self.record.appid, self.record.product_id))
        return None if found is None else ProductDraft.of(found)

    @classmethod
    def of(cls, record: ProductRecord) -> Product:
        return cls(
            id=strawberry.ID(ids.encode("pr", record.product_id, record.appid)),
            record=record,
            title=record.title,
            spu=record.spu,
            image=record.image,
            category=record.category,
            on_sale=record.on_sale,
        )


@strawberry.type(description="A marketing campaign of the brand (营销活动), such as 双11.")
class Campaign(Node):
    """营销活动."""

    name: str = strawberry.field(description="Its name.")
    starts_at: datetime | None = strawberry.field(description="Start of the half-open window.")
    ends_at: datetime | None = strawberry.field(description="End of the half-open window.")
    budget: Money | None = strawberry.field(description="Budget (预算).")

    @classmethod
    def of(cls, record: CampaignRecord) -> Campaign:
        return cls(
            id=strawberry.ID(ids.encode("cm", record.id)),
            name=record.name,
            starts_at=record.starts_at,
            ends_at=record.ends_at,
            budget=Money.maybe(record.budget),
        )


@strawberry.type(description="A licensed work (泛娱乐IP): comic, game, series.")
class IpProperty(Node):
    """IP."""

    slug: str = strawberry.field(description="Stable short name.")
    title: str = strawberry.field(description="Chinese title.")
    title_en: str = strawberry.field(description="English title.")
    kind: str = strawberry.field(description="comic, game, film, tv_series …")
    rights_holder: str = strawberry.field(description="Who licenses it (版权方).")

    @classmethod
    def of(cls, record: PropertyRecord) -> IpProperty:
        return cls(
            id=strawberry.ID(ids.encode("ip", record.slug)),
            slug=record.slug,
            title=record.title,
            title_en=record.title_en,
            kind=record.kind,
            rights_holder=record.rights_holder,
        )


@strawberry.input(one_of=True, description="How to find a store: exactly one of these.")
class StoreByInput:
    """Store lookup."""

    out_id: strawberry.Maybe[str] = strawberry.field(description="The store's code in the ERP (门店编码).")


@strawberry.input(description="A guide's userid and the corp that it is unique within.")
class UseridInput:
    """Userid."""

    corp: str = strawberry.field(description="corpid.")
    value: str = strawberry.field(description="userid (企业成员).")


@strawberry.input(one_of=True, description="How to find a guide: exactly one of these.")
class GuideByInput:
    """Guide lookup."""

    out_id: strawberry.Maybe[str] = strawberry.field(
        description="The guide's number in the brand's own systems (工号)."
    )
    userid: strawberry.Maybe[UseridInput] = strawberry.field(description="userid within a corp.")


@strawberry.input(one_of=True, description="How to find a variant: exactly one of these.")
class SkuByInput:
    """Sku lookup."""

    code: strawberry.Maybe[str] = strawberry.field(description="The brand's code (商家编码).")
    out_id: strawberry.Maybe[str] = strawberry.field(description="The variant's number in the ERP.")


@strawberry.type(description="Fields about stores, guides, goods and campaigns.")
class PlaceQueries:
    """Catalogue and master data."""

    @strawberry.field(description="One store (门店); null when none has it.")
    async def store(
        self,
        info: Info,
        by: Annotated[StoreByInput, strawberry.argument(description="Exactly one way to find the store.")],
    ) -> Store | None:
        found = await places.store_by(info.context, by.out_id.value if by.out_id else "")
        return None if found is None else Store.of(found)

    @strawberry.field(description="One guide (导购); null when none has it. Needs the scope members:read.")
    async def guide(
        self,
        info: Info,
        by: Annotated[GuideByInput, strawberry.argument(description="Exactly one way to find the guide.")],
    ) -> Guide | None:
        named = by.userid.value if by.userid else None
        found = await places.guide_by(
            info.context,
            out_id=by.out_id.value if by.out_id else None,
            userid=None if named is None else (named.corp, named.value),
        )
        return None if found is None else Guide.of(info, found)

    @strawberry.field(description="One variant (SKU); null when none has it.")
    async def sku(
        self,
        info: Info,
        by: Annotated[SkuByInput, strawberry.argument(description="Exactly one way to find the variant.")],
    ) -> Sku | None:
        found = await places.sku_by(
            info.context,
            code=by.code.value if by.code else None,
            out_id=by.out_id.value if by.out_id else None,
        )
        return None if found is None else Sku.of(found)

    @strawberry.field(description="All stores (门店).")
    async def stores(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Store] | None:
        page = await places.store_page(info.context, args(first, after, last, before))
        return connect(page, Store.of)

    @strawberry.field(description="All guides (导购).")
    async def guides(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Guide] | None:
        info.context.principal.require("members:read")
        page = await places.guide_page(info.context, args(first, after, last, before))
        return connect(page, lambda record: Guide.of(info, record))

    @strawberry.field(
        description="Departments (部门) of 企业微信 that the app sees, as the last sync had them. Needs the scope"
        " members:read."
    )
    async def departments(
        self,
        info: Info,
        account: Annotated[str | None, strawberry.argument(description="corpid; all corps without one.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Department] | None:
        page = await places.department_page(info.context, account, args(first, after, last, before))
        return connect(page, Department.of)

    @strawberry.field(description="All products (商品) of all shops.")
    async def products(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Product] | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.PRODUCTS)
        page = await places.product_page(info.context, args(first, after, last, before))
        return connect(page, Product.of)

    @strawberry.field(description="All campaigns (营销活动).")
    async def campaigns(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Campaign] | None:
        page = await places.campaign_page(info.context, args(first, after, last, before))
        return connect(page, Campaign.of)
