"""Licences of works (授权): agreements, clearance, products, artwork and its downloads."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.ip_content import Asset as AssetRecord
from adapters.ip_content import AssetGrant as DownloadRecord
from adapters.ip_content import Clearance as ClearanceRecord
from adapters.ip_content import ClearanceQuery, GrantDraft
from adapters.ip_content import GrantObstacle as ObstacleRecord
from adapters.ip_content import Licence as GrantRecord
from adapters.ip_content import LicensedSku as SkuRecord
from gateway.resolvers import benefits, freshness, ids, licences
from gateway.resolvers.licences import AgreementRecord
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.places import IpProperty
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import ip_assets


@strawberry.enum(description="Through which channel (渠道).")
class IpChannel(Enum):
    """Channel."""

    OFFLINE_STORE = strawberry.enum_value("OFFLINE_STORE", description="门店.")
    MINI_PROGRAM = strawberry.enum_value("MINI_PROGRAM", description="小程序.")
    OFFICIAL_MALL = strawberry.enum_value("OFFICIAL_MALL", description="官网商城.")
    ECOMMERCE_PLATFORM = strawberry.enum_value("ECOMMERCE_PLATFORM", description="电商平台.")
    LIVE_STREAM = strawberry.enum_value("LIVE_STREAM", description="直播.")
    WECOM_PRIVATE = strawberry.enum_value("WECOM_PRIVATE", description="企微私域.")
    VENDING = strawberry.enum_value("VENDING", description="自动售货.")
    OOH_DISPLAY = strawberry.enum_value("OOH_DISPLAY", description="户外展示.")
    PACKAGING = strawberry.enum_value("PACKAGING", description="包装.")
    PROMOTION_ONLY = strawberry.enum_value("PROMOTION_ONLY", description="仅推广.")


@strawberry.enum(description="What is done with the work (用途).")
class IpUse(Enum):
    """Use."""

    MANUFACTURE = strawberry.enum_value("MANUFACTURE", description="生产.")
    SELL = strawberry.enum_value("SELL", description="销售.")
    DISPLAY = strawberry.enum_value("DISPLAY", description="展示.")
    PROMOTE = strawberry.enum_value("PROMOTE", description="推广.")
    STREAM = strawberry.enum_value("STREAM", description="播放.")
    GIVEAWAY = strawberry.enum_value("GIVEAWAY", description="赠送.")


@strawberry.enum(description="Who else may (排他性).")
class IpExclusivity(Enum):
    """Exclusivity."""

    NONE = strawberry.enum_value("NONE", description="非独家: anybody.")
    SOLE = strawberry.enum_value("SOLE", description="排他: nobody but the licensor.")
    EXCLUSIVE = strawberry.enum_value("EXCLUSIVE", description="独家: nobody.")


@strawberry.type(description="One cell of rights (授权范围): all of its axes must hold at once.")
class IpGrant:
    """Grant."""

    id: str = strawberry.field(description="Its number in the catalogue.")
    property: IpProperty = strawberry.field(description="The licensed work.")
    territories: list[str] = strawberry.field(description="ISO 3166-1 or 3166-2 (地域).")
    excluded_territories: list[str] = strawberry.field(description="Parts of them that are left out.")
    categories: list[str] = strawberry.field(description="Categories of goods (品类).")
    channels: list[str] = strawberry.field(description="Channels (渠道), as IpChannel in lower case.")
    uses: list[str] = strawberry.field(description="Uses (用途), as IpUse in lower case.")
    starts_on: date_type = strawberry.field(description="First day, within the agreement's term (Asia/Shanghai).")
    ends_on: date_type = strawberry.field(description="The first day that is not covered.")
    exclusivity: IpExclusivity = strawberry.field(description="Who else may.")
    co_presence: bool = strawberry.field(description="Whether another work may be in the same store (同场).")
    max_units: Long | None = strawberry.field(description="Pieces at most (数量上限); null without limit.")
    units_used: Long = strawberry.field(description="Pieces that count against it.")

    @classmethod
    def of(cls, record: GrantRecord) -> IpGrant:
        return cls(
            id=record.grant,
            property=IpProperty.of(record.property),
            territories=list(record.territories),
            excluded_territories=list(record.excluded_territories),
            categories=list(record.categories),
            channels=list(record.channels),
            uses=list(record.uses),
            starts_on=record.starts,
            ends_on=record.ends,
            exclusivity=IpExclusivity[record.exclusivity.upper()],
            co_presence=record.co_presence,
            max_units=None if record.max_units is None else Long(record.max_units),
            units_used=Long(record.units_used),
        )


@strawberry.type(description="An agreement (授权合同), without its money.")
class IpAgreement:
    """Agreement."""

    number: str = strawberry.field(description="Its number.")
    status: str = strawberry.field(description="active, suspended, expired, sell_off, terminated or closed.")
    grants: list[IpGrant] = strawberry.field(description="What it permits.")

    @strawberry.field(
        description="The agreement as a W3C ODRL 2.2 Agreement: JSON-LD text, for partners who exchange rights as data."
    )
    async def policy(self, info: Info) -> str | None:
        return await info.context.loaders.load(licences.policies, self.number)

    @classmethod
    def of(cls, record: AgreementRecord) -> IpAgreement:
        grants = [IpGrant.of(each) for each in record.grants]
        return cls(number=record.number, status=record.grants[0].status, grants=grants)


@strawberry.enum(description="Whether it may be done.")
class IpClearanceStatus(Enum):
    """Status."""

    GRANTED_TO_YOU = strawberry.enum_value("GRANTED_TO_YOU", description="已授权.")
    AVAILABLE = strawberry.enum_value("AVAILABLE", description="可申请: nobody has it, and nothing stands in the way.")
    BLOCKED = strawberry.enum_value("BLOCKED", description="不可: reason says why.")


@strawberry.type(description="The answer for a range of days (清权结果). It never says who another licensee is.")
class IpClearance:
    """Clearance."""

    status: IpClearanceStatus = strawberry.field(description="Whether it may be done.")
    reason: str | None = strawberry.field(
        description="The first rule that says no: property_status, term, grant_scope, blackout, exclusive_to_other,"
        " unit_cap, asset_policy or approval_stage."
    )
    until: date_type | None = strawberry.field(description="First day without that reason; null when nobody knows.")
    starts_on: date_type = strawberry.field(description="First day of the answer.")
    ends_on: date_type = strawberry.field(description="The first day after it.")

    @classmethod
    def of(cls, record: ClearanceRecord) -> IpClearance:
        return cls(
            status=IpClearanceStatus[record.status.upper()],
            reason=record.reason,
            until=record.until,
            starts_on=record.starts,
            ends_on=record.ends,
        )


@strawberry.input(description="A work in a category of goods.")
class IpWorkInput:
    """Work."""

    property: strawberry.ID = strawberry.field(description="The work.")
    category: str = strawberry.field(description="The category (品类), as grants name it.")


@strawberry.input(one_of=True, description="What is to be cleared: exactly one of these.")
class IpClearanceOfInput:
    """What."""

    gtin: strawberry.Maybe[str] = strawberry.field(description="A licensed product (授权商品), by its GTIN-14.")
    work: strawberry.Maybe[IpWorkInput] = strawberry.field(description="A work, before there is a product.")


@strawberry.input(description="A grant that somebody would like (授权意向).")
class IpGrantDraftInput:
    """Draft."""

    property: strawberry.ID = strawberry.field(description="The work.")
    territories: list[str] = strawberry.field(description="ISO 3166-1 or 3166-2, at least one.")
    excluded_territories: list[str] = strawberry.field(description="Parts that are left out.", default_factory=list)
    categories: list[str] = strawberry.field(description="At least one.")
    channels: list[IpChannel] = strawberry.field(description="At least one.")
    starts_on: date_type = strawberry.field(description="First day.")
    ends_on: date_type = strawberry.field(description="The first day after it.")
    talent: bool = strawberry.field(
        description="Whether it uses characters that real people gave a face to (肖像).", default=False
    )

    def record(self) -> GrantDraft:
        """As the tool takes it. Raises UserError for an id that is none."""
        return GrantDraft(
            ids.decode_as("ip", self.property)[1],
            tuple(self.territories),
            tuple(self.categories),
            tuple(each.name.lower() for each in self.channels),
            self.starts_on,
            self.ends_on,
            tuple(self.excluded_territories),
            self.talent,
        )


@strawberry.type(description="Why a grant cannot be given. It never says who holds it.")
class IpGrantObstacle:
    """Obstacle."""

    reason: str = strawberry.field(
        description="property_status, exclusivity_conflict (X1: others hold a part of it exclusively),"
        " rights_in_exceeded (X2: the licensor does not hold all of it) or talent_consent_missing."
    )
    until: date_type | None = strawberry.field(description="First day without it; null when nobody knows.")

    @classmethod
    def of(cls, record: ObstacleRecord) -> IpGrantObstacle:
        return cls(reason=record.reason, until=record.until)


@strawberry.type(description="A product under licence (授权商品).")
class LicensedSku:
    """Licensed SKU."""

    record: strawberry.Private[SkuRecord]
    gtin: str = strawberry.field(description="GS1 GTIN-14.")
    name: str = strawberry.field(description="Its name.")
    category: str = strawberry.field(description="Category (品类), as grants name it.")
    agreement: str = strawberry.field(description="The agreement's number.")
    state: str = strawberry.field(description="Where its approval (送审) stands: concept_draft … released, on_sale …")
    concept_approved: bool = strawberry.field(description="Whether its concept was accepted: masters need that.")
    edition_size: Long | None = strawberry.field(description="Pieces of a limited edition (限量); null for any number.")
    units_made: Long = strawberry.field(description="Pieces made.")
    units_sold: Long = strawberry.field(description="Pieces sold.")

    @strawberry.field(description="The licensed work.")
    async def property(self, info: Info) -> IpProperty | None:
        found = await info.context.loaders.load(benefits.properties, self.record.property)
        return None if found is None else IpProperty.of(found)

    @classmethod
    def of(cls, record: SkuRecord) -> LicensedSku:
        return cls(
            record=record,
            gtin=record.gtin,
            name=record.name,
            category=record.category,
            agreement=record.agreement,
            state=record.state,
            concept_approved=record.concept_approved,
            edition_size=None if record.edition_size is None else Long(record.edition_size),
            units_made=Long(record.units_made),
            units_sold=Long(record.units_sold),
        )


@strawberry.enum(description="Which form of an artwork.")
class AssetRendition(Enum):
    """Rendition."""

    PREVIEW = strawberry.enum_value("PREVIEW", description="预览.")
    COMP = strawberry.enum_value("COMP", description="样稿: needs a grant of the work in force today.")
    MASTER = strawberry.enum_value("MASTER", description="母版: needs a product whose concept was accepted, too.")


@strawberry.type(description="Artwork of a licensed work (素材). Its bytes never pass through the graph.")
class IpAsset:
    """Asset."""

    id: str = strawberry.field(description="asset of assetDownload.")
    kind: str = strawberry.field(description="logo, character_art, pattern, font, video …")
    mime: str = strawberry.field(description="Its type.")
    size: Long = strawberry.field(description="Bytes.")
    sha256: str = strawberry.field(description="Of its bytes, hexadecimal.")
    credit_line: str = strawberry.field(description="What must stand beside it wherever it is shown (署名).")
    style_guide: str = strawberry.field(description="Version of the style guide (设计规范); empty for none.")
    renditions: list[str] = strawberry.field(description="Forms it can be had in, as AssetRendition in lower case.")
    embargo_until: datetime | None = strawberry.field(description="Nobody is given it before.")
    expires_at: datetime | None = strawberry.field(description="Nobody is given it from then on.")

    @classmethod
    def of(cls, record: AssetRecord) -> IpAsset:
        return cls(
            id=record.id,
            kind=record.kind,
            mime=record.mime,
            size=Long(record.size),
            sha256=record.sha256,
            credit_line=record.credit_line,
            style_guide=record.style_guide,
            renditions=list(record.renditions),
            embargo_until=record.embargo_until,
            expires_at=record.expires_at,
        )


@strawberry.input(one_of=True, description="Which downloads: exactly one of these.")
class AssetDownloadsByInput:
    """Which."""

    asset: strawberry.Maybe[str] = strawberry.field(description="Those of this artwork.")
    watermark: strawberry.Maybe[str] = strawberry.field(
        description="The one that this watermark, found in a file, was made for."
    )


@strawberry.type(description="A download of artwork that was allowed (素材下载记录).")
class AssetDownload:
    """Download."""

    watermark: str = strawberry.field(description="Leads back to this one download.")
    asset: str = strawberry.field(description="The artwork's id.")
    rendition: str = strawberry.field(description="Which form.")
    user: str = strawberry.field(description="Id of the API key that asked for it.")
    purpose: str = strawberry.field(description="What it was for, as was said.")
    agreement: str | None = strawberry.field(description="The agreement that covered it.")
    gtin: str | None = strawberry.field(description="The product that it was for.")
    issued_at: datetime = strawberry.field(description="When.")

    @classmethod
    def of(cls, record: DownloadRecord) -> AssetDownload:
        return cls(
            watermark=record.watermark,
            asset=record.asset,
            rendition=record.rendition,
            user=record.user,
            purpose=record.purpose,
            agreement=record.agreement,
            gtin=record.gtin,
            issued_at=record.issued_at,
        )


@strawberry.input(description="An artwork to be downloaded.")
class AssetDownloadInput:
    """Download."""

    asset: str = strawberry.field(description="The artwork's id.")
    rendition: AssetRendition = strawberry.field(description="Which form.")
    purpose: str = strawberry.field(description="What it is for, 1 to 200 characters; kept with the download.")
    gtin: str | None = strawberry.field(description="The licensed product; a MASTER needs it.", default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="A download, allowed for a quarter of an hour. Whoever has its address can use it.")
class AssetDownloadGranted:
    """Granted."""

    transaction_id: strawberry.Private[str]
    watermark: str = strawberry.field(
        description="To be put into the file by whoever works on it (水印): leads back to this download."
    )
    expires_at: datetime = strawberry.field(description="When the address ends.")

    @strawberry.field(
        description="The address, signed anew for each answer and kept nowhere; null once it has ended. Neither cache"
        " nor log it."
    )
    async def url(self, info: Info) -> str | None:
        return await licences.address(info.context, self.watermark)

    transaction = done_by("The transaction that allowed it.")


AssetDownloadResult = Annotated[
    AssetDownloadGranted | DomainProblem | ToolProblem,
    strawberry.union("AssetDownloadResult", description="The download, or why it is not allowed."),
]


@strawberry.type(description="Questions about licences.")
class LicenceQueries:
    """Licences."""

    @strawberry.field(
        description="Agreements (授权合同) by number, past and future ones too. Needs the scope licences:read."
    )
    async def ip_agreements(
        self,
        info: Info,
        property: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="Only those on this work.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[IpAgreement] | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.CATALOGUE)
        slug = None if property is None else ids.decode_as("ip", property)[1]
        return connect(await licences.page(info.context, slug, args(first, after, last, before)), IpAgreement.of)

    @strawberry.field(
        description="May this be done, there, on these days (清权)? Adjoining ranges that make up the days asked for,"
        " at most 1096. As old as the last import. Needs the scope licences:read."
    )
    async def ip_clearance(
        self,
        info: Info,
        of: Annotated[IpClearanceOfInput, strawberry.argument(description="A product, or a work.")],
        territory: Annotated[str, strawberry.argument(description="ISO 3166-1 or 3166-2, such as CN-SH (地域).")],
        channel: Annotated[IpChannel, strawberry.argument(description="Through which channel (渠道).")],
        use: Annotated[IpUse, strawberry.argument(description="What is done (用途).")] = IpUse.SELL,
        at: Annotated[date_type | None, strawberry.argument(description="First day; today without it.")] = None,
        until: Annotated[
            date_type | None, strawberry.argument(description="The first day after; for one day without it.")
        ] = None,
    ) -> list[IpClearance] | None:
        starts, ends = licences.days(info.context, at, until)
        work = of.work.value if of.work else None
        query = ClearanceQuery("", territory, "", channel.name.lower(), use.name.lower(), starts, ends)
        named = None if work is None else (ids.decode_as("ip", work.property)[1], work.category)
        found = await licences.clearance(info.context, of.gtin.value if of.gtin else None, named, query)
        return [IpClearance.of(each) for each in found]

    @strawberry.field(
        description="What stands in the way of a grant, before anybody asks a licensor for it (授权冲突); empty for"
        " nothing known: others' plain grants are not in the catalogue. Needs the scope licences:read."
    )
    async def ip_grant_obstacles(
        self,
        info: Info,
        draft: Annotated[IpGrantDraftInput, strawberry.argument(description="The grant.")],
    ) -> list[IpGrantObstacle] | None:
        found = await licences.obstacles(info.context, draft.record())
        return [IpGrantObstacle.of(each) for each in found]

    @strawberry.field(description="Licensed products (授权商品) by GTIN. Needs the scope licences:read.")
    async def licensed_skus(
        self,
        info: Info,
        property: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="Only of this work.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LicensedSku] | None:
        slug = None if property is None else ids.decode_as("ip", property)[1]
        return connect(await licences.sku_page(info.context, slug, args(first, after, last, before)), LicensedSku.of)

    @strawberry.field(description="Artwork (素材) of a work, by id. Needs the scope assets:download.")
    async def ip_assets(
        self,
        info: Info,
        property: Annotated[strawberry.ID, strawberry.argument(description="The work.")],  # noqa: A002
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[IpAsset] | None:
        slug = ids.decode_as("ip", property)[1]
        return connect(await licences.asset_page(info.context, slug, args(first, after, last, before)), IpAsset.of)

    @strawberry.field(
        description="Who was given artwork (素材下载记录), the latest first; or whom a watermark leads to. Needs the"
        " scope operations."
    )
    async def ip_asset_downloads(
        self,
        info: Info,
        by: Annotated[AssetDownloadsByInput, strawberry.argument(description="Which.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AssetDownload] | None:
        asset, watermark = (each.value if each else None for each in (by.asset, by.watermark))
        page = await licences.downloads(info.context, asset, watermark, args(first, after, last, before))
        return connect(page, AssetDownload.of)


@strawberry.type(description="Mutations about artwork.")
class LicenceMutations:
    """Artwork."""

    @strawberry.mutation(
        description="Be given artwork (下载素材): an address for a quarter of an hour, noted under a watermark."
        " Needs the scope assets:download."
    )
    async def asset_download(
        self,
        info: Info,
        input: Annotated[AssetDownloadInput, strawberry.argument(description="Which, what for.")],  # noqa: A002
    ) -> AssetDownloadResult:
        info.context.principal.require(licences.DOWNLOAD)
        asked = ip_assets.Wanted(input.asset, input.rendition.name.lower(), input.purpose, input.gtin or "")
        done = await act(info, ip_assets.DOWNLOAD, asked, input.idempotency_key)
        if not isinstance(done, Performed):
            return done
        return AssetDownloadGranted(
            transaction_id=done.transaction, watermark=done.outcome.watermark, expires_at=done.outcome.expires_at
        )
