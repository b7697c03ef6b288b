"""Where the brand and the shopper meet: follows, ads, chats, groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Row, select

from adapters.base.errors import NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.official_account import OfficialAccountAdapter
from adapters.social_ads import SocialAdsAdapter
from gateway.cache import Answer, Asked, Key, Read, Wish, tags
from gateway.context import Context
from gateway.database.prepared import Prepared, list_of
from gateway.database.tables.members import identity
from gateway.database.tables.projections import (
    ad,
    ad_click,
    ad_report,
    contact,
    contact_tag,
    customer_group,
    customer_group_member,
    follower,
    follower_tag,
)
from gateway.resolvers import freshness
from gateway.resolvers.keys import prime
from gateway.resolvers.members import IdentityRecord, MemberRecord, identities
from gateway.resolvers.paging import OwnedList, PageArgs, Slice, in_memory, keyset


@dataclass(frozen=True, slots=True)
class FollowRecord:
    """A shopper as a follower of an official account."""

    appid: str
    subscribed: bool
    subscribed_at: datetime | None
    scene: str
    tag_ids: tuple[int, ...]
    identity: str
    member: str
    blocked_at: datetime | None


@dataclass(frozen=True, slots=True)
class TouchpointRecord:
    """A click on an ad: a claim of the ad platform."""

    account_id: str
    click_id: str
    adgroup_id: str | None
    clicked_at: datetime


@dataclass(frozen=True, slots=True)
class AdRecord:
    """An ad (v3 adgroup)."""

    account_id: str
    adgroup_id: str
    name: str
    status: str
    campaign: str | None


@dataclass(frozen=True, slots=True)
class AdDayRecord:
    """One day of an ad by the platform's own count; cost in fen."""

    day: date
    impressions: int
    clicks: int
    cost: int
    conversions: int


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A shopper as one guide's 外部联系人."""

    corpid: str
    userid: str
    remark: str | None
    tag_ids: tuple[str, ...]
    added_at: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """客户群."""

    corpid: str
    chat_id: str
    name: str
    owner: str
    member_count: int
    created_at: datetime | None


def _touchpoint(row: Row[Any]) -> TouchpointRecord:
    return TouchpointRecord(row.account_id, row.click_id, row.adgroup_id, row.clicked_at)


def group_record(row: Row[Any]) -> GroupRecord:
    """A row of ``customer_group``."""
    return GroupRecord(row.corpid, row.chat_id, row.name, row.owner, row.member_count, row.created_at)


def _ad(row: Row[Any]) -> AdRecord:
    return AdRecord(row.account_id, row.adgroup_id, row.name, row.status, row.campaign)


MEMBER_TOUCHPOINTS = OwnedList(
    "member.adTouchpoints",
    select(ad_click).join(identity, identity.c.id == ad_click.c.identity),
    identity.c.member,
    [(ad_click.c.clicked_at, True), (ad_click.c.click_id, True)],
    _touchpoint,
)

MEMBER_GROUPS = OwnedList(
    "member.chat.groups",
    select(customer_group)
    .join(
        customer_group_member,
        (customer_group_member.c.corpid == customer_group.c.corpid)
        & (customer_group_member.c.chat_id == customer_group.c.chat_id),
    )
    .join(identity, identity.c.id == customer_group_member.c.identity),
    identity.c.member,
    [(customer_group.c.corpid, False), (customer_group.c.chat_id, False)],
    group_record,
)


_IDS = list_of("ids")
_FOLLOWS: Final = Prepared(
    select(follower, identity.c.member)
    .join(identity, identity.c.id == follower.c.identity)
    .where(identity.c.member.in_(_IDS))
    .order_by(follower.c.appid)
)
#: Contacts that only the event knows to be over.
_OVER: Final = Prepared(
    select(identity.c.member, contact.c.corpid, contact.c.userid)
    .join(contact, contact.c.identity == identity.c.id)
    .where(identity.c.member.in_(_IDS), contact.c.removed_by.is_not(None))
)


async def follows(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[FollowRecord]]:
    """Batch: what each member follows or followed. From the projection: followers cannot be searched live."""
    ctx.tool(OfficialAccountAdapter)
    rows = await ctx.database.fetch(_FOLLOWS, {"ids": list(member_ids)})
    order = {adapter.account: n for n, adapter in enumerate(ctx.accounts(OfficialAccountAdapter))}
    grouped: dict[str, list[FollowRecord]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: order.get(r.appid, len(order))):
        grouped[row.member].append(
            FollowRecord(
                row.appid,
                row.subscribed,
                row.subscribed_at,
                row.scene,
                tuple(row.tag_ids),
                row.identity,
                row.member,
                row.blocked_at,
            )
        )
    return [grouped[each] for each in member_ids]


async def follower_remarks(ctx: Context, keys: Sequence[FollowRecord]) -> Sequence[str | None]:
    """Batch: what staff noted about each follower; None where nothing is."""
    await prime(ctx, [each.member for each in keys])
    rows = await ctx.database.fetch(
        select(follower.c.appid, follower.c.identity, follower.c.remark).where(
            follower.c.identity.in_({each.identity for each in keys})
        )
    )
    found = {(row.appid, row.identity): row.remark or None for row in rows}
    return [found.get((each.appid, each.identity)) for each in keys]


async def follower_tags(ctx: Context, keys: Sequence[tuple[str, int]]) -> Sequence[str | None]:
    """Batch by (appid, tag id): the tag's name."""
    rows = await ctx.database.fetch(select(follower_tag).where(follower_tag.c.id.in_({tag_id for _, tag_id in keys})))
    found = {(row.appid, row.id): row.name for row in rows}
    return [found.get(each) for each in keys]


async def touchpoints(ctx: Context, member: MemberRecord, args: PageArgs) -> Slice[TouchpointRecord]:
    """Ad clicks, newest first."""
    ctx.tool(SocialAdsAdapter)
    return await MEMBER_TOUCHPOINTS.page(ctx, member.id, args)


async def ads(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[AdRecord | None]:
    """Batch by (account id, adgroup id)."""
    rows = await ctx.database.fetch(select(ad).where(ad.c.adgroup_id.in_({adgroup_id for _, adgroup_id in keys})))
    found = {(row.account_id, row.adgroup_id): _ad(row) for row in rows}
    return [found.get(each) for each in keys]


async def ad_page(ctx: Context, args: PageArgs) -> Slice[AdRecord]:
    """All ads. Needs the scope ads:read."""
    ctx.principal.require("ads:read")
    ctx.tool(SocialAdsAdapter)
    return await keyset(ctx, "ads", select(ad), [(ad.c.account_id, False), (ad.c.adgroup_id, False)], args, _ad)


async def ad_days(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[Sequence[AdDayRecord]]:
    """Batch: the last thirty days of each ad, newest first."""
    rows = await ctx.database.fetch(
        select(ad_report)
        .where(ad_report.c.adgroup_id.in_({adgroup_id for _, adgroup_id in keys}))
        .order_by(ad_report.c.day.desc())
    )
    grouped: dict[tuple[str, str], list[AdDayRecord]] = defaultdict(list)
    for row in rows:
        days = grouped[(row.account_id, row.adgroup_id)]
        if len(days) < 30:
            days.append(AdDayRecord(row.day, row.impressions, row.clicks, row.cost, row.conversions))
    return [grouped[each] for each in keys]


#: Events purge it as soon as a customer's guides change.
CUSTOMER: Read[list[ContactRecord]] = Read(
    "enterprise_chat.externalcontact_get", 1, list[ContactRecord], timedelta(seconds=120)
)


async def contacts(
    ctx: Context, member: MemberRecord, args: PageArgs, asked: Asked | None = None
) -> Slice[ContactRecord]:
    """The guides who have the member as a contact: live for the one member of a request, else projected."""
    ctx.tool(EnterpriseChatAdapter)

    def project() -> Awaitable[Sequence[ContactRecord]]:
        return ctx.loaders.load(_projected_contacts, member.id)

    def live(wish: Wish) -> Awaitable[Answer[Sequence[ContactRecord]]]:
        return ctx.loaders.load(_live_contacts, (member.id, wish))

    if member.live:
        found = await freshness.live_or_projected(
            ctx, asked, freshness.CONTACTS, live=live, project=project, lifetime=CUSTOMER.lifetime
        )
    else:
        if asked is not None:
            await freshness.projected(ctx, asked, freshness.CONTACTS)
        found = await project()
    return in_memory(ctx, f"member.chat.contacts:{member.id}", found, args)


async def groups(ctx: Context, member: MemberRecord, args: PageArgs) -> Slice[GroupRecord]:
    """The customer groups that the member is in."""
    ctx.tool(EnterpriseChatAdapter)
    return await MEMBER_GROUPS.page(ctx, member.id, args)


async def groups_by_key(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[GroupRecord | None]:
    """Batch by (corpid, chat id)."""
    rows = await ctx.database.fetch(
        select(customer_group).where(customer_group.c.chat_id.in_({chat_id for _, chat_id in keys}))
    )
    found = {(row.corpid, row.chat_id): group_record(row) for row in rows}
    return [found.get(each) for each in keys]


async def contacts_by_key(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[ContactRecord | None]:
    """Batch by (guide's key, identity): contacts that are over too. Three statements."""
    identities_ = {who for _, who in keys}
    homes = await ctx.database.fetch(
        select(identity.c.member).where(identity.c.id.in_(identities_), identity.c.member.is_not(None)).distinct()
    )
    await prime(ctx, sorted(row.member for row in homes))
    rows = await ctx.database.fetch(select(contact).where(contact.c.identity.in_(identities_)))
    found = {
        (f"{row.corpid}:{row.userid}", row.identity): ContactRecord(
            row.corpid, row.userid, row.remark or None, tuple(row.tag_ids), row.added_at, row.removed_by is None
        )
        for row in rows
    }
    return [found.get(each) for each in keys]


async def contact_tags(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[str | None]:
    """Batch by (corpid, tag id): the tag's name."""
    rows = await ctx.database.fetch(select(contact_tag).where(contact_tag.c.id.in_({tag_id for _, tag_id in keys})))
    found = {(row.corpid, row.id): row.name for row in rows}
    return [found.get(each) for each in keys]


async def _live_contacts(ctx: Context, keys: Sequence[tuple[str, Wish]]) -> Sequence[Answer[Sequence[ContactRecord]]]:
    """One call per corp for the one member: externalcontact/get shows every guide at once.

    It still shows a guide whom the customer has deleted; only the event tells (del_follow_user), so what
    the projection knows to be over is left out. https://developer.work.weixin.qq.com/document/path/92277
    """
    member_ids = {member_id for member_id, _ in keys}
    over = {(row.member, row.corpid, row.userid) for row in await ctx.database.fetch(_OVER, {"ids": list(member_ids)})}
    answers = []
    for member_id, wish in keys:
        answer = await _ask(ctx, member_id, wish)
        kept = [each for each in answer.value if (member_id, each.corpid, each.userid) not in over]
        answers.append(replace(answer, value=kept))
    return answers


async def _ask(ctx: Context, member_id: str, wish: Wish) -> Answer[Sequence[ContactRecord]]:
    mine: Sequence[IdentityRecord] = await ctx.loaders.load(identities, member_id)
    answers = []
    for adapter in ctx.accounts(EnterpriseChatAdapter):
        external = next((i.value for i in mine if i.kind == "EXTERNAL_USERID" and i.issuer == adapter.account), None)
        if external is not None:
            key = Key(
                account=adapter.account,
                subject=member_id,
                view=freshness.view(ctx, member_id),
                arguments=(external,),
                tags=(tags.member(member_id), tags.account(adapter.account), tags.person(adapter.account, external)),
            )
            answers.append(await ctx.services.cache.read(CUSTOMER, key, partial(_guides, adapter, external), wish))
    return freshness.together(answers, [record for each in answers for record in each.value], ctx.clock.now())


async def _guides(adapter: EnterpriseChatAdapter, external: str) -> list[ContactRecord]:
    answer = await adapter.contact(external)
    if isinstance(answer, NotFound):
        return []
    return [
        ContactRecord(each.corpid, each.userid, each.remark, tuple(each.tag_ids), each.added_at, True)
        for each in answer
    ]


async def _projected_contacts(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[ContactRecord]]:
    await prime(ctx, member_ids)
    rows = await ctx.database.fetch(
        select(contact, identity.c.member)
        .join(identity, identity.c.id == contact.c.identity)
        .where(identity.c.member.in_(member_ids), contact.c.removed_by.is_(None))
        .order_by(contact.c.added_at, contact.c.userid)
    )
    grouped: dict[str, list[ContactRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.member].append(
            ContactRecord(row.corpid, row.userid, row.remark or None, tuple(row.tag_ids), row.added_at, True)
        )
    return [grouped[each] for each in member_ids]
