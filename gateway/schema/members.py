"""Members: the whole cross-channel profile."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from adapters.ip_content import IpContentAdapter
from adapters.payments import PaymentsAdapter
from gateway.events.kinds import KINDS
from gateway.resolvers import benefits, ids, masking, members, orders, places, timeline, touch
from gateway.resolvers.benefits import CouponRecord, FileRecord
from gateway.resolvers.errors import UserError
from gateway.resolvers.members import IdentityRecord, MemberBy, MemberRecord
from gateway.resolvers.paging import in_memory
from gateway.resolvers.timeline import EntryRecord
from gateway.resolvers.touch import AdRecord, ContactRecord, FollowRecord, GroupRecord, TouchpointRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.orders import Order, Payment
from gateway.schema.places import Campaign, Guide, IpParticipation
from gateway.schema.scalars import Long, Money


@strawberry.enum(description="Kinds of names that lead to a member.")
class IdentityKind(Enum):
    """The one list of gateway.events.kinds, as an enum of the graph."""

    UNIONID = strawberry.enum_value("UNIONID", description="unionid, within the Open Platform account (开放平台).")
    OPENID = strawberry.enum_value("OPENID", description="openid, within one appid.")
    EXTERNAL_USERID = strawberry.enum_value("EXTERNAL_USERID", description="外部联系人 id, within a corpid.")
    PHONE = strawberry.enum_value("PHONE", description="手机号.")
    CARD = strawberry.enum_value("CARD", description="会员卡号, within a card programme.")


assert {kind.name for kind in IdentityKind} == set(KINDS)  # noqa: S101 — two lists would drift


@strawberry.type(description="One name that a platform has for the member.")
class Identity:
    """Identity."""

    kind: IdentityKind = strawberry.field(description="What sort of name.")
    issuer: str = strawberry.field(description="Within what it is unique: appid, Open Platform account, corpid.")
    value: str = strawberry.field(description="The name itself; masked without the scope pii:read.")
    linked_at: datetime = strawberry.field(description="When the gateway learnt that it is this member.")

    @classmethod
    def of(cls, record: IdentityRecord, *, shown: bool) -> Identity:
        return cls(
            kind=IdentityKind[record.kind],
            issuer=record.issuer,
            value=masking.handle(record.value, shown=shown),
            linked_at=record.linked_at,
        )


@strawberry.type(description="会员等级.")
class MemberLevel:
    """Level."""

    name: str = strawberry.field(description="The brand's name for the level.")
    growth: Long = strawberry.field(description="Growth value (成长值).")
    next_at: Long | None = strawberry.field(description="Growth at which the next level begins; null at the top.")


@strawberry.type(description="积分.")
class MemberPoints:
    """Points."""

    balance: Long = strawberry.field(description="Points that can be spent.")


@strawberry.enum(description="Channels on which a member can be reached.")
class ReachChannel(Enum):
    """Channel."""

    OFFICIAL_ACCOUNT = strawberry.enum_value("OFFICIAL_ACCOUNT", description="公众号消息.")
    ENTERPRISE_CHAT = strawberry.enum_value("ENTERPRISE_CHAT", description="企业微信好友.")
    SMS = strawberry.enum_value("SMS", description="短信.")


@strawberry.type(description="Whether a channel may be used for the member now (可触达).")
class Reach:
    """Reach."""

    channel: ReachChannel = strawberry.field(description="The channel.")
    reachable: bool = strawberry.field(description="Whether a message may be sent now.")
    reason: str | None = strawberry.field(
        description="Why not: NEVER_FOLLOWED, UNFOLLOWED, NO_CONTACT, CONTACT_DELETED, NO_CONSENT."
    )
    until: datetime | None = strawberry.field(description="When the permission ends; null when it does not.")


@strawberry.type(description="A tag (标签).")
class Tag:
    """Tag."""

    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="The member as a follower of an official account (公众号关注者).")
class OfficialAccountFollow:
    """Follower."""

    record: strawberry.Private[FollowRecord]
    appid: str = strawberry.field(description="appid of the account.")
    subscribed: bool = strawberry.field(description="Whether they follow now (关注).")
    subscribed_at: datetime | None = strawberry.field(description="When they followed last.")
    scene: str = strawberry.field(description="How they came (关注渠道), such as ADD_SCENE_QR_CODE.")

    @strawberry.field(description="Tags of this account (用户标签).")
    async def tags(self, info: Info) -> list[Tag]:
        keys = [(self.record.appid, tag_id) for tag_id in self.record.tag_ids]
        names = await info.context.loaders.load_many(touch.follower_tags, keys)
        return [Tag(name=name) for name in names if name is not None]

    @classmethod
    def of(cls, record: FollowRecord) -> OfficialAccountFollow:
        return cls(
            record=record,
            appid=record.appid,
            subscribed=record.subscribed,
            subscribed_at=record.subscribed_at,
            scene=record.scene,
        )


@strawberry.enum(description="State of a coupon (券状态).")
class CouponStateFilter(Enum):
    """Coupon state."""

    USABLE = strawberry.enum_value("USABLE", description="可用.")
    USED = strawberry.enum_value("USED", description="已核销.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="已过期.")
    INVALID = strawberry.enum_value("INVALID", description="已失效或被删除.")


@strawberry.type(description="A merchant coupon (商家券) in the member's hands.")
class Coupon(Node):
    """商家券."""

    stock_id: str = strawberry.field(description="批次号.")
    code: str = strawberry.field(description="券码.")
    name: str = strawberry.field(description="Its name.")
    state: CouponStateFilter = strawberry.field(description="State.")
    discount: Money | None = strawberry.field(description="What it takes off; null when it is not an amount.")
    minimum: Money | None = strawberry.field(description="Least order amount (使用门槛).")
    starts_at: datetime | None = strawberry.field(description="Usable from.")
    expires_at: datetime | None = strawberry.field(description="Usable until.")

    @classmethod
    def of(cls, record: CouponRecord) -> Coupon:
        return cls(
            id=strawberry.ID(ids.encode("cp", f"{record.stock_id}:{record.code}", record.mchid)),
            stock_id=record.stock_id,
            code=record.code,
            name=record.name,
            state=CouponStateFilter[record.state],
            discount=Money.maybe(record.discount),
            minimum=Money.maybe(record.minimum),
            starts_at=record.starts_at,
            expires_at=record.expires_at,
        )


@strawberry.type(description="An ad (广告): an adgroup of 腾讯广告.")
class Ad(Node):
    """Ad."""

    record: strawberry.Private[AdRecord]
    name: str = strawberry.field(description="Its name.")
    status: str = strawberry.field(description="The platform's status.")

    @strawberry.field(description="The brand's campaign it belongs to.")
    async def campaign(self, info: Info) -> Campaign | None:
        return await campaign_of(info, self.record)

    @strawberry.field(description="The last thirty days by the platform's own count, newest first.")
    async def days(self, info: Info) -> list[AdDay]:
        info.context.principal.require("ads:read")
        key = (self.record.account_id, self.record.adgroup_id)
        found = await info.context.loaders.load(touch.ad_days, key)
        return [
            AdDay(
                date=each.day,
                impressions=Long(each.impressions),
                clicks=Long(each.clicks),
                cost=Money.of(each.cost),
                conversions=Long(each.conversions),
            )
            for each in found
        ]

    @classmethod
    def of(cls, record: AdRecord) -> Ad:
        return cls(
            id=strawberry.ID(ids.encode("ad", record.adgroup_id, record.account_id)),
            record=record,
            name=record.name,
            status=record.status,
        )


async def campaign_of(info: Info, record: AdRecord) -> Campaign | None:
    """The campaign of an ad."""
    if record.campaign is None:
        return None
    found = await info.context.loaders.load(places.campaigns, record.campaign)
    return None if found is None else Campaign.of(found)


@strawberry.type(description="One day of an ad (日报).")
class AdDay:
    """Daily report."""

    date: date_type = strawberry.field(description="Business date (Asia/Shanghai).")
    impressions: Long = strawberry.field(description="曝光量.")
    clicks: Long = strawberry.field(description="点击量.")
    cost: Money = strawberry.field(description="花费.")
    conversions: Long = strawberry.field(description="转化量.")


@strawberry.type(description="A click on an ad: a claim of the ad platform, never proof.")
class AdTouchpoint:
    """Ad click."""

    record: strawberry.Private[TouchpointRecord]
    clicked_at: datetime = strawberry.field(description="When, by the ad platform.")

    @strawberry.field(description="The ad.")
    async def ad(self, info: Info) -> Ad | None:
        found = await self._ad(info)
        return None if found is None else Ad.of(found)

    @strawberry.field(description="The brand's campaign that the ad belongs to.")
    async def campaign(self, info: Info) -> Campaign | None:
        found = await self._ad(info)
        return None if found is None else await campaign_of(info, found)

    async def _ad(self, info: Info) -> AdRecord | None:
        if self.record.adgroup_id is None:
            return None
        return await info.context.loaders.load(touch.ads, (self.record.account_id, self.record.adgroup_id))

    @classmethod
    def of(cls, record: TouchpointRecord) -> AdTouchpoint:
        return cls(record=record, clicked_at=record.clicked_at)


@strawberry.type(description="A file of the member in 对象存储 COS.")
class File(Node):
    """File."""

    record: strawberry.Private[FileRecord]
    shown: strawberry.Private[bool]
    key: str = strawberry.field(description="Name within the member's own folder.")
    size: Long = strawberry.field(description="Bytes.")
    modified_at: datetime = strawberry.field(description="When it was stored.")

    @strawberry.field(
        description="A download link, signed here, that needs no other credential; null without the scope pii:read."
    )
    async def url(
        self,
        info: Info,
        expires_in: Annotated[int, strawberry.argument(description="Seconds that the link lives: 60 to 3600.")] = 600,
    ) -> str | None:
        if not 60 <= expires_in <= 3600:
            raise UserError(f"expiresIn is {expires_in}: it must be between 60 and 3600 seconds.")
        if not self.shown:
            return None
        return benefits.file_url(info.context, self.record, expires_in)

    @classmethod
    def of(cls, info: Info, record: FileRecord, *, shown: bool) -> File:
        return cls(
            id=strawberry.ID(ids.encode("fl", benefits.file_ref(info.context, record), record.bucket)),
            record=record,
            shown=shown,
            key=record.name,
            size=Long(record.size),
            modified_at=record.modified_at,
        )


@strawberry.type(description="The member as one guide's contact (外部联系人).")
class Contact:
    """外部联系人."""

    record: strawberry.Private[ContactRecord]
    remark: str | None = strawberry.field(description="The guide's note (备注); for guides and by pii:read.")
    added_at: datetime | None = strawberry.field(description="When they became contacts.")

    @strawberry.field(description="The guide (导购).")
    async def guide(self, info: Info) -> Guide | None:
        key = f"{self.record.corpid}:{self.record.userid}"
        found = await info.context.loaders.load(places.guides, key)
        return None if found is None else Guide.of(info, found)

    @strawberry.field(description="Tags that the guide set (企业标签).")
    async def tags(self, info: Info) -> list[Tag]:
        keys = [(self.record.corpid, tag_id) for tag_id in self.record.tag_ids]
        names = await info.context.loaders.load_many(touch.contact_tags, keys)
        return [Tag(name=name) for name in names if name is not None]

    @classmethod
    def of(cls, info: Info, record: ContactRecord) -> Contact:
        # A guide's note about a customer is for the brand's staff, not for the customer's own client.
        caller = info.context.principal
        staff = caller.member is None and (caller.audience == "guide" or caller.sees_personal_data)
        return cls(record=record, remark=record.remark if staff else None, added_at=record.added_at)


@strawberry.type(description="A customer group (客户群).")
class CustomerGroup(Node):
    """客户群."""

    record: strawberry.Private[GroupRecord]
    name: str = strawberry.field(description="Its name (群名).")
    member_count: int = strawberry.field(description="People in it (群人数).")
    created_at: datetime | None = strawberry.field(description="When it was made.")

    @strawberry.field(description="The guide who owns it (群主).")
    async def owner(self, info: Info) -> Guide | None:
        key = f"{self.record.corpid}:{self.record.owner}"
        found = await info.context.loaders.load(places.guides, key)
        return None if found is None else Guide.of(info, found)

    @classmethod
    def of(cls, record: GroupRecord) -> CustomerGroup:
        return cls(
            id=strawberry.ID(ids.encode("gp", record.chat_id, record.corpid)),
            record=record,
            name=record.name,
            member_count=record.member_count,
            created_at=record.created_at,
        )


@strawberry.type(description="The member in 企业微信.")
class Chat:
    """企业微信."""

    record: strawberry.Private[MemberRecord]

    @strawberry.field(description="Guides who have the member as a contact; live under one member.")
    async def contacts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Contact] | None:
        page = await touch.contacts(info.context, self.record, args(first, after, last, before))
        return connect(page, lambda record: Contact.of(info, record))

    @strawberry.field(description="Customer groups that the member is in.")
    async def groups(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[CustomerGroup] | None:
        page = await touch.groups(info.context, self.record, args(first, after, last, before))
        return connect(page, CustomerGroup.of)


@strawberry.type(description="One thing that happened between the member and the brand.")
class TimelineEntry:
    """Timeline entry."""

    at: datetime = strawberry.field(description="When it happened.")
    tool: str | None = strawberry.field(description="Which of the seven tools it happened at; null for our own.")
    kind: str = strawberry.field(description="The fact's kind, such as order.paid.")
    summary: str = strawberry.field(description="A sentence in Chinese.")
    amount: Money | None = strawberry.field(description="Money that moved.")

    @classmethod
    def of(cls, record: EntryRecord) -> TimelineEntry:
        return cls(
            at=record.at,
            tool=record.tool,
            kind=record.kind,
            summary=record.summary,
            amount=Money.maybe(record.amount),
        )


@strawberry.type(description="A shopper as the brand knows them over all seven tools (会员).")
class Member(Node):
    """会员."""

    record: strawberry.Private[MemberRecord]
    joined_at: datetime | None = strawberry.field(description="The earliest instant that any tool knows of.")
    name: str | None = strawberry.field(description="Name; masked without the scope pii:read.")
    phone: str | None = strawberry.field(description="手机号; masked without the scope pii:read.")
    out_id: str | None = strawberry.field(description="The member's number in the brand's own systems.")
    updated_at: datetime = strawberry.field(description="When the profile last changed.")

    @strawberry.field(description="会员等级; null without a card.")
    async def level(self, info: Info) -> MemberLevel | None:
        found = members.level(info.context, self.record)
        if found is None:
            return None
        next_at = None if found.next_at is None else Long(found.next_at)
        return MemberLevel(name=found.name, growth=Long(found.growth), next_at=next_at)

    @strawberry.field(description="积分; null without a card.")
    async def points(self, info: Info) -> MemberPoints | None:
        found = await info.context.loaders.load(members.points, self.record.id)
        return None if found is None else MemberPoints(balance=Long(found))

    @strawberry.field(description="Every name that leads to this member.")
    async def identities(self, info: Info) -> list[Identity]:
        shown = masking.may_see(info.context, self.record)
        found = await info.context.loaders.load(members.identities, self.record.id)
        return [Identity.of(each, shown=shown) for each in found]

    @strawberry.field(description="Whether the member can be reached, per channel.")
    async def reach(self, info: Info) -> list[Reach]:
        found = await info.context.loaders.load(members.reach, self.record.id)
        return [
            Reach(channel=ReachChannel[r.channel], reachable=r.reachable, reason=r.reason, until=r.until) for r in found
        ]

    @strawberry.field(
        description="As a follower of an official account (公众号): of the given one, else of the first one."
    )
    async def official_account(
        self,
        info: Info,
        appid: Annotated[str | None, strawberry.argument(description="appid of one of the accounts.")] = None,
    ) -> OfficialAccountFollow | None:
        found = await info.context.loaders.load(touch.follows, self.record.id)
        record = next((each for each in found if appid is None or each.appid == appid), None)
        return None if record is None else OfficialAccountFollow.of(record)

    @strawberry.field(description="Payments (微信支付) by the member, newest first; till payments included.")
    async def payments(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Payment] | None:
        info.context.tool(PaymentsAdapter)
        page_args = args(first, after, last, before)
        page = await orders.MEMBER_PAYMENTS.page(info.context, self.record.id, page_args)
        return connect(page, Payment.of)

    @strawberry.field(description="Merchant coupons (商家券), usable ones first; live under one member.")
    async def coupons(
        self,
        info: Info,
        state: Annotated[
            CouponStateFilter | None, strawberry.argument(description="Only coupons in this state.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Coupon] | None:
        wanted = None if state is None else state.name
        page_args = args(first, after, last, before)
        page = await benefits.coupons(info.context, self.record, wanted, page_args)
        return connect(page, Coupon.of)

    @strawberry.field(description="Orders (订单) of every source, newest first.")
    async def orders(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Order] | None:
        page_args = args(first, after, last, before)
        page = await orders.MEMBER_ORDERS.page(info.context, self.record.id, page_args)
        return connect(page, Order.of)

    @strawberry.field(description="Ads that the member clicked (广告点击), newest first.")
    async def ad_touchpoints(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[AdTouchpoint] | None:
        page = await touch.touchpoints(info.context, self.record, args(first, after, last, before))
        return connect(page, AdTouchpoint.of)

    @strawberry.field(description="Files of the member (对象存储), newest first; live under one member.")
    async def files(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[File] | None:
        page = await benefits.files(info.context, self.record, args(first, after, last, before))
        shown = masking.may_see(info.context, self.record)
        return connect(page, lambda record: File.of(info, record, shown=shown))

    @strawberry.field(description="What the member collected in IP activations (泛娱乐IP).")
    async def ip_participations(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[IpParticipation] | None:
        info.context.tool(IpContentAdapter)
        found = await info.context.loaders.load(benefits.participations, self.record.id)
        scope = f"member.ipParticipations:{self.record.id}"
        page = in_memory(info.context, scope, found, args(first, after, last, before))
        return connect(page, IpParticipation.of)

    @strawberry.field(description="The member in 企业微信: contacts and groups.")
    async def chat(self) -> Chat | None:
        return Chat(record=self.record)

    @strawberry.field(description="Everything that happened, newest first.")
    async def timeline(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[TimelineEntry] | None:
        page = await timeline.timeline(info.context, self.record, args(first, after, last, before))
        return connect(page, TimelineEntry.of)

    @classmethod
    def of(cls, info: Info, record: MemberRecord) -> Member:
        shown = masking.may_see(info.context, record)
        return cls(
            id=strawberry.ID(ids.encode("mb", record.id)),
            record=record,
            joined_at=record.joined_at,
            name=masking.name(record.name, shown=shown),
            phone=masking.phone(record.phone, shown=shown),
            out_id=record.out_id,
            updated_at=record.updated_at,
        )


@strawberry.input(description="An openid and the app that it is unique within.")
class OpenidInput:
    """Openid."""

    app: str = strawberry.field(description="appid of the official account, mini-program or store.")
    value: str = strawberry.field(description="The openid.")


@strawberry.input(description="An external contact's id and the corp that it is unique within.")
class ExternalUseridInput:
    """External userid."""

    corp: str = strawberry.field(description="corpid.")
    value: str = strawberry.field(description="external_userid (外部联系人).")


@strawberry.input(one_of=True, description="How to find a member: exactly one of these.")
class MemberByInput:
    """Member lookup."""

    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The member's id.")
    openid: strawberry.Maybe[OpenidInput] = strawberry.field(description="openid within an app.")
    unionid: strawberry.Maybe[str] = strawberry.field(description="unionid (开放平台).")
    external_userid: strawberry.Maybe[ExternalUseridInput] = strawberry.field(
        description="外部联系人 id within a corp."
    )
    phone: strawberry.Maybe[str] = strawberry.field(description="手机号, digits only.")
    out_id: strawberry.Maybe[str] = strawberry.field(description="The member's number in the brand's systems.")

    def record(self) -> MemberBy:
        """As a plain record."""
        openid = self.openid.value if self.openid else None
        external = self.external_userid.value if self.external_userid else None
        return MemberBy(
            id=self.id.value if self.id else None,
            openid=(openid.app, openid.value) if openid else None,
            unionid=self.unionid.value if self.unionid else None,
            external_userid=(external.corp, external.value) if external else None,
            phone=self.phone.value if self.phone else None,
            out_id=self.out_id.value if self.out_id else None,
        )


@strawberry.type(description="Fields about members.")
class MemberQueries:
    """Members."""

    @strawberry.field(description="The shopper whose session it is (Authorization: Bearer).")
    async def me(self, info: Info) -> Member | None:
        record = await members.me(info.context)
        return None if record is None else Member.of(info, record)

    @strawberry.field(description="One member, by any name; null when nobody has it.")
    async def member(
        self,
        info: Info,
        by: Annotated[MemberByInput, strawberry.argument(description="Exactly one way to find the member.")],
    ) -> Member | None:
        record = await members.find(info.context, by.record())
        return None if record is None else Member.of(info, record)

    @strawberry.field(description="All members, oldest first; served from projections only.")
    async def members(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        updated_after: Annotated[
            datetime | None, strawberry.argument(description="Only members who changed after this instant.")
        ] = None,
    ) -> Connection[Member] | None:
        page = await members.page(info.context, args(first, after, last, before), updated_after)
        return connect(page, lambda record: Member.of(info, record))

    @strawberry.field(description="All ads (广告).")
    async def ads(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Ad] | None:
        page = await touch.ad_page(info.context, args(first, after, last, before))
        return connect(page, Ad.of)
