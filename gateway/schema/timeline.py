"""The member's timeline: an interface, and a type per family of kinds with links to what the entry is about."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import strawberry

from gateway.database.fact_kinds import FAMILIES
from gateway.resolvers import activations, benefits, orders, places, touch, uploads
from gateway.resolvers.timeline import EntryRecord, Wanted
from gateway.schema.activations import IpActivation, IpPrizeKind
from gateway.schema.ads import Ad
from gateway.schema.contacts import CustomerGroup
from gateway.schema.files import File
from gateway.schema.info import Info
from gateway.schema.orders import Order, Payment
from gateway.schema.places import Campaign, Guide, Store
from gateway.schema.ranges import TimeRange
from gateway.schema.scalars import Long, Money


@strawberry.enum(description="Families of kinds of timeline entries; each has a type of entry of its own.")
class TimelineFamily(Enum):
    """The families of gateway.database.fact_kinds."""

    FOLLOW = strawberry.enum_value("FOLLOW", description="Official account (公众号) followed or left.")
    CONTACT = strawberry.enum_value("CONTACT", description="外部联系人: a guide added or deleted.")
    GROUP = strawberry.enum_value("GROUP", description="Customer group (客户群) joined or left.")
    AD = strawberry.enum_value("AD", description="Ad clicked (广告点击).")
    LEAD = strawberry.enum_value("LEAD", description="Lead left at an ad (销售线索).")
    VISIT = strawberry.enum_value("VISIT", description="Mini-program (小程序) opened, QR code (二维码) scanned.")
    ORDER = strawberry.enum_value("ORDER", description="Order (订单) and after-sale (售后).")
    PAYMENT = strawberry.enum_value("PAYMENT", description="Payment (微信支付) and refund (退款).")
    COUPON = strawberry.enum_value("COUPON", description="Coupon (券) received, held, used, returned, expired.")
    MESSAGE = strawberry.enum_value("MESSAGE", description="Message (消息) sent, refused or capped.")
    CONSENT = strawberry.enum_value("CONSENT", description="Consent (授权同意) given or withdrawn.")
    STANDING = strawberry.enum_value("STANDING", description="Points (积分) and level (会员等级).")
    MEMBER = strawberry.enum_value("MEMBER", description="The member itself (会员): created, phone bound (绑定手机号).")
    FILE = strawberry.enum_value("FILE", description="File stored (对象存储).")
    IP = strawberry.enum_value(
        "IP",
        description="Cards, ballots, limited editions and rewards of IP activations (泛娱乐IP); red packets (红包).",
    )


assert tuple(each.name for each in TimelineFamily) == FAMILIES  # noqa: S101 - two lists would drift


@strawberry.input(description="What of a timeline is wanted; all that is given must hold.")
class TimelineFilter:
    """Filter."""

    tools: list[str] | None = strawberry.field(
        default=None, description="Only these tools, by name; gateway is the gateway's own."
    )
    kinds: list[str] | None = strawberry.field(
        default=None, description="Only these kinds, such as order.paid; docs/lists.md lists them."
    )
    families: list[TimelineFamily] | None = strawberry.field(default=None, description="Only these families of kinds.")
    at: TimeRange | None = strawberry.field(default=None, description="Only what happened in this range.")

    def record(self) -> Wanted:
        """As the resolver takes it."""
        return Wanted(
            tools=None if self.tools is None else tuple(self.tools),
            kinds=None if self.kinds is None else tuple(self.kinds),
            families=None if self.families is None else tuple(each.name for each in self.families),
            start=None if self.at is None else self.at.start,
            end=None if self.at is None else self.at.until,
        )


async def _order(root: TimelineEntry, info: Info) -> Order | None:
    if root.record.order is None:
        return None
    found = await info.context.loaders.load(orders.orders, root.record.order)
    return None if found is None else Order.of(found)


async def _payment(root: TimelineEntry, info: Info) -> Payment | None:
    number = root.record.payload.get("outTradeNo")
    if number is None:
        return None
    found = await info.context.loaders.load(orders.payments, (root.record.account, number))
    return None if found is None else Payment.of(found)


async def _store(root: TimelineEntry, info: Info) -> Store | None:
    if root.record.store is None:
        return None
    found = await info.context.loaders.load(places.stores, root.record.store)
    return None if found is None else Store.of(found)


async def _guide(root: TimelineEntry, info: Info) -> Guide | None:
    if root.record.guide is None:
        return None
    found = await info.context.loaders.load(places.guides, root.record.guide)
    return None if found is None else Guide.of(info, found)


async def _campaign(root: TimelineEntry, info: Info) -> Campaign | None:
    """The fact's own, else that of its ad."""
    name = root.record.campaign
    if name is None and root.record.ad is not None:
        ad = await info.context.loaders.load(touch.ads, (root.record.account, root.record.ad))
        name = None if ad is None else ad.campaign
    if name is None:
        return None
    found = await info.context.loaders.load(places.campaigns, name)
    return None if found is None else Campaign.of(found)


async def _ad(root: TimelineEntry, info: Info) -> Ad | None:
    if root.record.ad is None:
        return None
    found = await info.context.loaders.load(touch.ads, (root.record.account, root.record.ad))
    return None if found is None else Ad.of(found)


async def _group(root: TimelineEntry, info: Info) -> CustomerGroup | None:
    chat = root.record.payload.get("chat")
    if chat is None:
        return None
    found = await info.context.loaders.load(touch.groups_by_key, (root.record.account, chat))
    return None if found is None else CustomerGroup.of(found)


async def _activation(root: TimelineEntry, info: Info) -> IpActivation | None:
    code = root.record.payload.get("activation")
    if code is None:
        return None
    found = await info.context.loaders.load(activations.by_codes, code)
    return None if found is None else IpActivation.of(found)


async def _prize_kind(root: TimelineEntry) -> IpPrizeKind | None:
    kind = root.record.payload.get("kind")
    return None if kind is None else IpPrizeKind[kind.upper()]


async def _prize_amount(root: TimelineEntry) -> Long | None:
    found = root.record.quantity if root.record.amount is None else root.record.amount
    return None if found is None else Long(found)


async def _file(root: TimelineEntry, info: Info) -> File | None:
    if (upload := root.record.payload.get("file")) is not None:
        kept = await info.context.loaders.load(uploads.by_ids, upload)
        return None if kept is None else File.of_upload(info, *kept)
    if root.record.identity is None:
        return None
    key = (root.record.account, root.record.identity, root.record.at)
    found = await info.context.loaders.load(benefits.files_stored, key)
    if found is None:
        return None
    caller = info.context.principal
    return File.of(info, found[1], shown=caller.sees_personal_data or caller.member == found[0])


async def _stock(root: TimelineEntry, info: Info) -> CouponStock | None:
    stock = root.record.payload.get("stock")
    if stock is None:
        return None
    name = root.record.payload.get("name")
    if name is None:
        name = await info.context.loaders.load(benefits.stock_names, (root.record.account, stock))
    return CouponStock(mchid=root.record.account, stock_id=stock, name=name)


def _text(name: str) -> Any:
    """A text of the fact's payload; null where the fact does not say."""

    def resolve(root: TimelineEntry) -> str | None:
        value = root.record.payload.get(name)
        return None if value is None else str(value)

    return resolve


def _account(root: TimelineEntry) -> str:
    return root.record.account


def _reason(root: TimelineEntry) -> str | None:
    return root.record.reason


def _quantity(root: TimelineEntry) -> Long | None:
    return None if root.record.quantity is None else Long(root.record.quantity)


def _given(root: TimelineEntry) -> bool:
    return root.record.kind == "consent.given"


@strawberry.type(description="A batch of coupons of one kind (券批次).")
class CouponStock:
    """券批次."""

    mchid: str = strawberry.field(description="商户号 of the merchant who issues it.")
    stock_id: str = strawberry.field(description="批次号.")
    name: str | None = strawberry.field(description="Its name; null when none of its coupons is known any more.")


@strawberry.interface(description="One thing that happened between the member and the brand.")
class TimelineEntry:
    """Timeline entry."""

    record: strawberry.Private[EntryRecord]
    at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(
        description="When the gateway learnt of it; what is learnt late stands where it happened."
    )
    tool: str | None = strawberry.field(description="Which of the seven tools it happened at; null for our own.")
    kind: str = strawberry.field(description="The fact's kind, such as order.paid; docs/lists.md lists them.")
    family: TimelineFamily = strawberry.field(description="The family of its kind.")
    summary: str = strawberry.field(description="A sentence in Chinese.")
    amount: Money | None = strawberry.field(description="Money that moved.")
    source: str = strawberry.field(description="How it was learnt: webhook, poll, own, import or bill.")

    @classmethod
    def of(cls, record: EntryRecord) -> TimelineEntry:
        """The entry, of its family's type."""
        return _TYPES[record.family](
            record=record,
            at=record.at,
            recorded_at=record.recorded_at,
            tool=record.tool,
            kind=record.kind,
            family=TimelineFamily[record.family],
            summary=record.summary,
            amount=Money.maybe(record.amount),
            source=record.source,
        )


@strawberry.type(description="An official account (公众号) was followed or left.")
class FollowTimelineEntry(TimelineEntry):
    """FOLLOW."""

    appid: str = strawberry.field(resolver=_account, description="appid of the account.")
    scene: str | None = strawberry.field(resolver=_text("scene"), description="How they came (场景值).")


@strawberry.type(description="A guide was added as a contact (外部联系人), or deleted.")
class ContactTimelineEntry(TimelineEntry):
    """CONTACT."""

    guide: Guide | None = strawberry.field(resolver=_guide, description="The guide (导购).")
    state: str | None = strawberry.field(resolver=_text("state"), description="Channel of the contact-me code (state).")


@strawberry.type(description="A customer group (客户群) was joined or left.")
class GroupTimelineEntry(TimelineEntry):
    """GROUP."""

    group: CustomerGroup | None = strawberry.field(resolver=_group, description="The group, as it is now.")
    owner: Guide | None = strawberry.field(resolver=_guide, description="The guide who owned it (群主).")


@strawberry.type(description="An ad was clicked (广告点击): a claim of the ad platform.")
class AdTimelineEntry(TimelineEntry):
    """AD."""

    ad: Ad | None = strawberry.field(resolver=_ad, description="The ad (广告).")
    campaign: Campaign | None = strawberry.field(resolver=_campaign, description="The campaign (营销活动) of the ad.")


@strawberry.type(description="A lead (销售线索) was left at an ad.")
class LeadTimelineEntry(TimelineEntry):
    """LEAD."""

    ad: Ad | None = strawberry.field(resolver=_ad, description="The ad (广告).")
    campaign: Campaign | None = strawberry.field(resolver=_campaign, description="The campaign (营销活动) of the ad.")


@strawberry.type(description="A visit: a mini-program (小程序) was opened or a QR code (二维码) scanned.")
class VisitTimelineEntry(TimelineEntry):
    """VISIT."""

    appid: str = strawberry.field(resolver=_account, description="appid of the app.")
    scene: str | None = strawberry.field(resolver=_text("scene"), description="How they came (场景值).")
    path: str | None = strawberry.field(resolver=_text("path"), description="The page, where the client told one.")
    store: Store | None = strawberry.field(resolver=_store, description="The store (门店) of the code.")
    campaign: Campaign | None = strawberry.field(resolver=_campaign, description="The campaign (营销活动).")


@strawberry.type(description="Something became of an order (订单) or an after-sale (售后).")
class OrderTimelineEntry(TimelineEntry):
    """ORDER."""

    order: Order | None = strawberry.field(resolver=_order, description="The order (订单), as it is now.")
    store: Store | None = strawberry.field(resolver=_store, description="The selling store (门店).")
    guide: Guide | None = strawberry.field(resolver=_guide, description="The credited guide (导购).")
    campaign: Campaign | None = strawberry.field(resolver=_campaign, description="The campaign (营销活动).")
    reason: str | None = strawberry.field(resolver=_reason, description="Why: EXPIRED, or a reason of an after-sale.")


@strawberry.type(description="Money was paid (微信支付) or went back (退款).")
class PaymentTimelineEntry(TimelineEntry):
    """PAYMENT."""

    payment: Payment | None = strawberry.field(resolver=_payment, description="The payment (支付单), as it is now.")
    order: Order | None = strawberry.field(resolver=_order, description="The order (订单) that was paid, when known.")
    reason: str | None = strawberry.field(resolver=_reason, description="What is odd about it, such as ORDER_CLOSED.")


@strawberry.type(description="Something became of a coupon (券).")
class CouponTimelineEntry(TimelineEntry):
    """COUPON."""

    stock: CouponStock | None = strawberry.field(resolver=_stock, description="The batch (券批次) it is of.")
    order: Order | None = strawberry.field(resolver=_order, description="The order (订单) that it is used for.")
    reason: str | None = strawberry.field(resolver=_reason, description="Why, such as COUPON_CONFLICT.")


@strawberry.type(description="A message (消息) to the member, or to the guide about the member.")
class MessageTimelineEntry(TimelineEntry):
    """MESSAGE."""

    guide: Guide | None = strawberry.field(resolver=_guide, description="The guide (导购) who got or sent it.")
    order: Order | None = strawberry.field(resolver=_order, description="The order (订单) that it is about.")
    campaign: Campaign | None = strawberry.field(resolver=_campaign, description="The campaign (营销活动).")
    recipient: str | None = strawberry.field(resolver=_text("to"), description="guide, or null for the member.")
    reason: str | None = strawberry.field(resolver=_reason, description="Why it was not sent.")


@strawberry.type(description="Consent (授权同意) was given or withdrawn.")
class ConsentTimelineEntry(TimelineEntry):
    """CONSENT."""

    given: bool = strawberry.field(resolver=_given, description="Whether it was given.")
    purpose: str | None = strawberry.field(resolver=_reason, description="What for: MARKETING, PROFILING …")
    policy_version: str | None = strawberry.field(
        resolver=_text("policyVersion"), description="Version of the policy (隐私政策) that was shown."
    )


@strawberry.type(description="Points (积分) or level (会员等级) changed.")
class StandingTimelineEntry(TimelineEntry):
    """STANDING."""

    quantity: Long | None = strawberry.field(resolver=_quantity, description="Points; null for a change of level.")
    order: Order | None = strawberry.field(resolver=_order, description="The order (订单) that they come from.")
    reason: str | None = strawberry.field(resolver=_reason, description="Why.")


@strawberry.type(description="Something became of the member's own record (会员档案).")
class MemberTimelineEntry(TimelineEntry):
    """MEMBER."""

    store: Store | None = strawberry.field(resolver=_store, description="The store (门店) of the first touch.")
    guide: Guide | None = strawberry.field(resolver=_guide, description="The guide (导购) of the first touch.")
    campaign: Campaign | None = strawberry.field(resolver=_campaign, description="The campaign of the first touch.")
    reason: str | None = strawberry.field(resolver=_reason, description="What showed it, as tool.endpoint.")


@strawberry.type(description="A file was stored (对象存储).")
class FileTimelineEntry(TimelineEntry):
    """FILE."""

    file: File | None = strawberry.field(
        resolver=_file, description="The file, of an upload as it is now; null when it was replaced or deleted."
    )
    size: Long | None = strawberry.field(resolver=_quantity, description="Bytes that were stored.")


@strawberry.type(description="What the member did or got in an IP activation (泛娱乐IP), or a red packet (红包).")
class IpTimelineEntry(TimelineEntry):
    """IP."""

    name: str | None = strawberry.field(
        resolver=_text("name"), description="Name of the card, contest, limited edition or reward."
    )
    activation: IpActivation | None = strawberry.field(
        resolver=_activation, description="The activation of a card or reward; null once the catalogue has it no more."
    )
    reward_kind: IpPrizeKind | None = strawberry.field(
        resolver=_prize_kind, description="What a reward is; null for what is none."
    )
    reward_amount: Long | None = strawberry.field(
        resolver=_prize_amount, description="Points, or fen (分) of a coupon or red packet."
    )
    store: Store | None = strawberry.field(resolver=_store, description="The store (门店) where it was.")
    campaign: Campaign | None = strawberry.field(resolver=_campaign, description="The campaign (营销活动).")


_TYPES: dict[str, type[TimelineEntry]] = {
    "FOLLOW": FollowTimelineEntry,
    "CONTACT": ContactTimelineEntry,
    "GROUP": GroupTimelineEntry,
    "AD": AdTimelineEntry,
    "LEAD": LeadTimelineEntry,
    "VISIT": VisitTimelineEntry,
    "ORDER": OrderTimelineEntry,
    "PAYMENT": PaymentTimelineEntry,
    "COUPON": CouponTimelineEntry,
    "MESSAGE": MessageTimelineEntry,
    "CONSENT": ConsentTimelineEntry,
    "STANDING": StandingTimelineEntry,
    "MEMBER": MemberTimelineEntry,
    "FILE": FileTimelineEntry,
    "IP": IpTimelineEntry,
}

assert tuple(_TYPES) == FAMILIES  # noqa: S101 - every family has its type
#: For the schema, which finds no type behind an interface by itself.
TIMELINE_TYPES = tuple(_TYPES.values())
