"""Members: the whole cross-channel profile."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from adapters.ip_content import IpContentAdapter
from adapters.payments import PaymentsAdapter
from gateway.resolvers import (
    activations,
    benefits,
    cash_coupons,
    consents,
    freshness,
    ids,
    masking,
    members,
    orders,
    provenance,
    reach,
    red_packets,
    search,
    standing,
    store_coupons,
    timeline,
    touch,
    uploads,
)
from gateway.resolvers.members import MemberBy, MemberRecord
from gateway.resolvers.paging import in_memory
from gateway.schema.activations import DropPlace, IpParticipation, IpReward
from gateway.schema.ads import AdTouchpoint
from gateway.schema.cash_coupons import CashCoupon
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.consents import Consent, ConsentPurpose
from gateway.schema.contacts import Chat
from gateway.schema.coupons import Coupon, CouponStateFilter
from gateway.schema.files import File, FileState
from gateway.schema.follows import OfficialAccountFollow
from gateway.schema.identities import Identity, IdentityInput
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.orders import Order, Payment
from gateway.schema.profile import ProfileField
from gateway.schema.reach import Reach
from gateway.schema.red_packets import RedPacket
from gateway.schema.scalars import Long
from gateway.schema.search import MemberFilter
from gateway.schema.standing import MemberLevel, MemberPoints, MemberTotals
from gateway.schema.store_coupons import StoreCouponHeld
from gateway.schema.timeline import TimelineEntry, TimelineFilter


@strawberry.type(description="A shopper as the brand knows them over all seven tools (会员).")
class Member(Node):
    """会员."""

    record: strawberry.Private[MemberRecord]
    joined_at: datetime | None = strawberry.field(description="The earliest instant that any tool knows of.")
    name: str | None = strawberry.field(description="Name; masked without the scope pii:read.")
    phone: str | None = strawberry.field(description="手机号; masked without the scope pii:read.")
    out_id: str | None = strawberry.field(description="The member's number in the brand's own systems.")
    updated_at: datetime = strawberry.field(description="When the profile last changed.")

    @strawberry.field(description="会员等级: the highest of the member's cards; null without one.")
    async def level(self, info: Info) -> MemberLevel | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.CARDS)
        return MemberLevel.maybe(await standing.level(info.context, self.record.id))

    @strawberry.field(description="积分; null for who never had any.")
    async def points(self, info: Info) -> MemberPoints | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.CARDS)
        found = await info.context.loaders.load(standing.points, self.record.id)
        return None if found is None else MemberPoints(member=self.record.id, balance=Long(found))

    @strawberry.field(description="What the member's orders and refunds add up to, and RFM (消费统计).")
    async def totals(
        self,
        info: Info,
        months: Annotated[
            int,
            strawberry.argument(
                description="Window of frequency and monetary: business months, the current one included; 1 to 120."
            ),
        ] = 12,
    ) -> MemberTotals | None:
        found = await standing.totals(info.context, self.record.id, months)
        return MemberTotals.of(found, info.context.clock.now())

    @strawberry.field(
        description="会员码 for the till, as digits: show it as QR code or Code 128. Only in the shopper's own session."
    )
    def member_code(
        self,
        info: Info,
        expires_in: Annotated[int, strawberry.argument(description="Seconds that it lives, 10 to 300.")] = 60,
    ) -> str | None:
        return standing.member_code(info.context, self.record, expires_in)

    @strawberry.field(description="Every name that leads to this member.")
    async def identities(self, info: Info) -> list[Identity]:
        shown = masking.may_see(info.context, self.record)
        found = await info.context.loaders.load(members.identities, self.record.id)
        return [Identity.of(each, shown=shown) for each in found]

    @strawberry.field(description="The profile (会员资料): each known field with its source.")
    async def profile(self, info: Info) -> list[ProfileField]:
        shown = masking.may_see(info.context, self.record)
        found = await info.context.loaders.load(provenance.fields, self.record.id)
        return [ProfileField.of(each, shown=shown) for each in found]

    @strawberry.field(
        description="Whether the member can be reached for a purpose, per channel; subscribe messages per template."
    )
    async def reach(
        self,
        info: Info,
        purpose: Annotated[
            ConsentPurpose, strawberry.argument(description="For what; marketing by default.")
        ] = ConsentPurpose.MARKETING,
    ) -> list[Reach]:
        return [Reach.of(each) for each in await reach.reach(info.context, self.record.id, purpose.name)]

    @strawberry.field(description="What the member allows, per purpose (同意).")
    async def consents(self, info: Info) -> list[Consent]:
        found = await info.context.loaders.load(consents.standings, self.record.id)
        return [Consent.of(each) for each in found]

    @strawberry.field(
        description="As a follower of an official account (公众号): of the given one, else of the first one."
    )
    async def official_account(
        self,
        info: Info,
        appid: Annotated[str | None, strawberry.argument(description="appid of one of the accounts.")] = None,
    ) -> OfficialAccountFollow | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.FOLLOWS)
        found = await info.context.loaders.load(touch.follows, self.record.id)
        record = next((each for each in found if appid is None or each.appid == appid), None)
        return None if record is None else OfficialAccountFollow.of(record)

    @strawberry.field(description="Payments (微信支付) by the member, newest first; till payments included.")
    async def payments(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Payment] | None:
        info.context.tool(PaymentsAdapter)
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.PAYMENTS)
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
        page = await benefits.coupons(info.context, self.record, wanted, page_args, info.context.asked(info))
        return connect(page, Coupon.of)

    @strawberry.field(
        description="Cash coupons (代金券) of the member, newest first: those that the gateway gave, or live all."
    )
    async def cash_coupons(
        self,
        info: Info,
        live: Annotated[
            bool,
            strawberry.argument(
                description="Under one member: ask 微信支付 now for all of the merchants' stocks that they hold, also"
                " those that the console or others gave (根据商户号查用户的券); one call per merchant. Under many"
                " members it changes nothing: no platform is asked."
            ),
        ] = False,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[CashCoupon] | None:
        page_args = args(first, after, last, before)
        page = await cash_coupons.page(info.context, self.record, page_args, live=live)
        return connect(page, CashCoupon.of)

    @strawberry.field(
        description="Coupons (小店优惠券) that the member took in a shop: live under one member, one call and one per"
        " coupon, forward only; null elsewhere, of which we keep no rows."
    )
    async def store_coupons(
        self,
        info: Info,
        account: Annotated[
            str | None,
            strawberry.argument(description="appid of a shop (微信小店); the first of the settings without one."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[StoreCouponHeld] | None:
        page_args = args(first, after, last, before)
        page = await store_coupons.held(info.context, self.record, account, page_args)
        return None if page is None else connect(page, StoreCouponHeld.of)

    @strawberry.field(description="Red packets (红包) that the member was offered, newest first; no platform is asked.")
    async def red_packets(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[RedPacket] | None:
        page_args = args(first, after, last, before)
        page = await red_packets.MEMBER_RED_PACKETS.page(info.context, self.record.id, page_args)
        return connect(page, RedPacket.of)

    @strawberry.field(description="Orders (订单) of every source, newest first.")
    async def orders(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Order] | None:
        page_args = args(first, after, last, before)
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.ORDERS)
        page = await orders.MEMBER_ORDERS.page(info.context, self.record.id, page_args)
        return connect(page, Order.of)

    @strawberry.field(description="Ads that the member clicked (广告点击), newest first.")
    async def ad_touchpoints(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[AdTouchpoint] | None:
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.CLICKS)
        page = await touch.touchpoints(info.context, self.record, args(first, after, last, before))
        return connect(page, AdTouchpoint.of)

    @strawberry.field(
        description="Files that the brand's systems put into the member's folder (对象存储), newest first; live under"
        " one member. What was uploaded through the gateway is in uploads."
    )
    async def files(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[File] | None:
        page_args = args(first, after, last, before)
        page = await benefits.files(info.context, self.record, page_args, info.context.asked(info))
        shown = masking.may_see(info.context, self.record)
        return connect(page, lambda record: File.of(info, record, shown=shown))

    @strawberry.field(
        description="Files of the member that were uploaded through the gateway (上传), the latest begun first; from"
        " its own ledger, so that no platform is asked."
    )
    async def uploads(
        self,
        info: Info,
        state: Annotated[
            FileState, strawberry.argument(description="Only uploads in this state.")
        ] = FileState.COMMITTED,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[File] | None:
        page = await uploads.page(info.context, self.record, state.name, args(first, after, last, before))
        return connect(page, lambda record: File.of_upload(info, self.record.id, record))

    @strawberry.field(description="What the member collected in IP activations (泛娱乐IP).")
    async def ip_participations(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[IpParticipation] | None:
        info.context.tool(IpContentAdapter)
        if (asked := info.context.asked(info)) is not None:
            await freshness.projected(info.context, asked, freshness.CATALOGUE)
        found = await info.context.loaders.load(activations.participations, self.record.id)
        scope = f"member.ipParticipations:{self.record.id}"
        page = in_memory(info.context, scope, found, args(first, after, last, before))
        return connect(page, IpParticipation.of)

    @strawberry.field(description="Rewards of complete card sets (集卡奖励), the newest first.")
    async def ip_rewards(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[IpReward] | None:
        info.context.tool(IpContentAdapter)
        found = await info.context.loaders.load(activations.rewards_of, self.record.id)
        scope = f"member.ipRewards:{self.record.id}"
        return connect(in_memory(info.context, scope, found, args(first, after, last, before)), IpReward.of)

    @strawberry.field(description="Places in limited editions (限定发售), the newest first.")
    async def drop_places(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DropPlace] | None:
        info.context.tool(IpContentAdapter)
        found = await info.context.loaders.load(activations.places_of, self.record.id)
        scope = f"member.dropPlaces:{self.record.id}"
        return connect(in_memory(info.context, scope, found, args(first, after, last, before)), DropPlace.of)

    @strawberry.field(description="The member in 企业微信: contacts and groups.")
    async def chat(self) -> Chat | None:
        return Chat(record=self.record)

    @strawberry.field(
        description="Everything that happened, newest first; what is learnt late stands where it belongs."
    )
    async def timeline(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002
            TimelineFilter | None, strawberry.argument(description="Only these entries.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[TimelineEntry] | None:
        wanted = None if filter is None else filter.record()
        page = await timeline.timeline(info.context, self.record, args(first, after, last, before), wanted)
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
    identity: strawberry.Maybe[IdentityInput] = strawberry.field(description="Any name, of any kind.")
    code: strawberry.Maybe[str] = strawberry.field(
        description="会员码 as scanned at the till; the scope pos is enough for it."
    )

    def record(self) -> MemberBy:
        """As a plain record."""
        openid = self.openid.value if self.openid else None
        external = self.external_userid.value if self.external_userid else None
        name = self.identity.value if self.identity else None
        return MemberBy(
            identity=(name.kind.name, name.issuer, name.value) if name else None,
            id=self.id.value if self.id else None,
            openid=(openid.app, openid.value) if openid else None,
            unionid=self.unionid.value if self.unionid else None,
            external_userid=(external.corp, external.value) if external else None,
            phone=self.phone.value if self.phone else None,
            out_id=self.out_id.value if self.out_id else None,
            code=self.code.value if self.code else None,
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

    @strawberry.field(
        description=(
            "Members, oldest first; with filter only those for whom all of it holds; served from projections only."
            " With updatedAfter in the order of change, with a range of time in that time's order, newest first."
        )
    )
    async def members(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002
            MemberFilter | None, strawberry.argument(description="Only these members (会员搜索).")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        updated_after: Annotated[
            datetime | None, strawberry.argument(description="Only members who changed after this instant.")
        ] = None,
    ) -> Connection[Member] | None:
        criteria = (filter or MemberFilter()).criteria(updated_after)
        page = await search.page(info.context, args(first, after, last, before), criteria)
        return connect(page, lambda record: Member.of(info, record))
