"""node and nodes: anything by its id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, cast

import strawberry

from gateway.resolvers import (
    activations,
    benefits,
    contact_ways,
    group_sends,
    group_welcomes,
    ids,
    jobs,
    join_ways,
    mass_messages,
    media,
    members,
    orders,
    places,
    privacy,
    reconciliations,
    red_packets,
    review_cases,
    touch,
    uploads,
    webhooks,
)
from gateway.resolvers.errors import PageTooLarge
from gateway.resolvers.ids import decode_as
from gateway.schema.activations import IpActivation
from gateway.schema.ads import Ad
from gateway.schema.checkout import Transaction
from gateway.schema.contact_ways import ContactWay
from gateway.schema.contacts import CustomerGroup
from gateway.schema.coupons import Coupon
from gateway.schema.files import File
from gateway.schema.group_sends import GroupSend
from gateway.schema.group_welcomes import GroupWelcome
from gateway.schema.info import Info
from gateway.schema.jobs import Job
from gateway.schema.join_ways import JoinWay
from gateway.schema.mass_messages import MassMessage
from gateway.schema.members import Member
from gateway.schema.node import Node
from gateway.schema.orders import AfterSale, Order, Payment
from gateway.schema.places import Campaign, Guide, IpProperty, Product, Sku, Store
from gateway.schema.privacy import MemberAccessReport, MemberErasure
from gateway.schema.reconciliations import ReconciliationRun
from gateway.schema.red_packets import RedPacket
from gateway.schema.review_cases import ReviewCase
from gateway.schema.webhooks import WebhookDelivery, WebhookEndpoint, WebhookReplay

Fetch = Callable[[Info, str, str], Awaitable[Node | None]]


def _require_owner(info: Info, owner: str | None) -> None:
    """Let the shopper see what is their own, and others by scope; what is missing looks like another's."""
    if owner is None or owner != info.context.principal.member:
        info.context.principal.require("members:read")


async def _member(info: Info, account: str, native: str) -> Node | None:
    del account
    # From projections: a hundred ids must not become a hundred calls per platform.
    record = await members.one(info.context, native, live=False)
    _require_owner(info, None if record is None else record.id)
    return None if record is None else Member.of(info, record)


async def _order(info: Info, account: str, native: str) -> Node | None:
    del account
    ctx = info.context
    record = await ctx.loaders.load(orders.orders, native)
    buyer = None if record is None else record.identity
    _require_owner(info, None if buyer is None else await ctx.loaders.load(orders.owners, buyer))
    return None if record is None else Order.of(record)


async def _after_sale(info: Info, account: str, native: str) -> Node | None:
    ctx = info.context
    record = await ctx.loaders.load(orders.after_sales_by_key, (account, native))
    order = None if record is None else await ctx.loaders.load(orders.orders, record.purchase)
    buyer = None if order is None else order.identity
    _require_owner(info, None if buyer is None else await ctx.loaders.load(orders.owners, buyer))
    return None if record is None else AfterSale.of(record)


async def _payment(info: Info, account: str, native: str) -> Node | None:
    info.context.principal.require("members:read")
    record = await info.context.loaders.load(orders.payments, (account, native))
    return None if record is None else Payment.of(record)


async def _coupon(info: Info, account: str, native: str) -> Node | None:
    stock_id, _, code = native.partition(":")
    found = await info.context.loaders.load(benefits.coupons_by_key, (account, stock_id, code))
    _require_owner(info, None if found is None else found[0])
    return None if found is None else Coupon.of(found[1])


async def _upload(info: Info, native: str) -> Node | None:
    found = await info.context.loaders.load(uploads.by_ids, native)
    scopes = info.context.principal.scopes
    if found is None or found[1].purpose != media.PURPOSE or media.SCOPE not in scopes:
        _require_owner(info, None if found is None else found[0])
    return None if found is None else File.of_upload(info, *found)


async def _file(info: Info, account: str, native: str) -> Node | None:
    if not account:
        return await _upload(info, native)
    found = await info.context.loaders.load(benefits.files_by_ref, (account, native))
    _require_owner(info, None if found is None else found[0])
    if found is None:
        return None
    caller = info.context.principal
    return File.of(info, found[1], shown=caller.sees_personal_data or caller.member == found[0])


async def _group(info: Info, account: str, native: str) -> Node | None:
    info.context.principal.require("members:read")
    record = await info.context.loaders.load(touch.groups_by_key, (account, native))
    return None if record is None else CustomerGroup.of(record)


async def _group_send(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require(group_sends.SCOPE)
    record = await info.context.loaders.load(group_sends.by_ids, native)
    return None if record is None else GroupSend.of(record)


async def _contact_way(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require(contact_ways.SCOPE)
    record = await info.context.loaders.load(contact_ways.by_ids, native)
    return None if record is None else ContactWay.of(record)


async def _group_welcome(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require(group_welcomes.SCOPE)
    record = await info.context.loaders.load(group_welcomes.by_ids, native)
    return None if record is None else GroupWelcome.of(record)


async def _join_way(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require(join_ways.SCOPE)
    record = await info.context.loaders.load(join_ways.by_ids, native)
    return None if record is None else JoinWay.of(record)


async def _store(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await info.context.loaders.load(places.stores, native)
    return None if record is None else Store.of(record)


async def _guide(info: Info, account: str, native: str) -> Node | None:
    record = await info.context.loaders.load(places.guides, f"{account}:{native}")
    return None if record is None else Guide.of(info, record)


async def _product(info: Info, account: str, native: str) -> Node | None:
    record = await info.context.loaders.load(places.products, (account, native))
    return None if record is None else Product.of(record)


async def _sku(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await info.context.loaders.load(places.skus, native)
    return None if record is None else Sku.of(record)


async def _ad(info: Info, account: str, native: str) -> Node | None:
    info.context.principal.require("ads:read")
    record = await info.context.loaders.load(touch.ads, (account, native))
    return None if record is None else Ad.of(record)


async def _campaign(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await info.context.loaders.load(places.campaigns, native)
    return None if record is None else Campaign.of(record)


async def _transaction(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require("checkout")
    view = await info.context.services.checkout.transaction(native, info.context.principal)
    return None if view is None else Transaction.of(view)


async def _property(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await info.context.loaders.load(benefits.properties, native)
    return None if record is None else IpProperty.of(record)


async def _activation(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require(activations.SCOPE)
    record = await info.context.loaders.load(activations.by_codes, native)
    return None if record is None else IpActivation.of(record)


async def _erasure(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await info.context.loaders.load(privacy.erasures, native)
    return None if record is None else MemberErasure.of(record)


async def _report(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await info.context.loaders.load(privacy.reports, native)
    return None if record is None else MemberAccessReport.of(record)


async def _job(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await jobs.one(info.context, native)
    return None if record is None else Job.of(record)


async def _review_case(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require(review_cases.SCOPE)
    record = await info.context.loaders.load(review_cases.by_ids, native)
    return None if record is None else ReviewCase.of(record)


async def _webhook_endpoint(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await webhooks.endpoint(info.context, native)
    return None if record is None else WebhookEndpoint.of(record)


async def _webhook_delivery(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await webhooks.delivery(info.context, native)
    return None if record is None else WebhookDelivery.of(record)


async def _webhook_replay(info: Info, account: str, native: str) -> Node | None:
    del account
    record = await webhooks.one_replay(info.context, native)
    return None if record is None else WebhookReplay.of(record)


async def _reconciliation(info: Info, account: str, native: str) -> Node | None:
    del account
    info.context.principal.require(reconciliations.SCOPE)
    record = await info.context.loaders.load(reconciliations.by_ids, native)
    return None if record is None else ReconciliationRun.of(record)


async def _mass_message(info: Info, account: str, native: str) -> Node | None:
    info.context.principal.require(mass_messages.SCOPE)
    record = await info.context.loaders.load(mass_messages.by_keys, (account, native))
    return None if record is None else MassMessage.of(record)


async def _red_packet(info: Info, account: str, native: str) -> Node | None:
    record = await info.context.loaders.load(red_packets.by_keys, (account, native))
    _require_owner(info, None if record is None else record.member)
    return None if record is None else RedPacket.of(record)


_FETCH: dict[str, Fetch] = {
    "rk": _red_packet,
    "rn": _reconciliation,
    "mm": _mass_message,
    "rc": _review_case,
    "mb": _member,
    "or": _order,
    "as": _after_sale,
    "py": _payment,
    "cp": _coupon,
    "fl": _file,
    "gp": _group,
    "gs": _group_send,
    "cw": _contact_way,
    "jw": _join_way,
    "gw": _group_welcome,
    "st": _store,
    "gd": _guide,
    "pr": _product,
    "sk": _sku,
    "ad": _ad,
    "cm": _campaign,
    "tx": _transaction,
    "ip": _property,
    "ac": _activation,
    "er": _erasure,
    "rp": _report,
    "jb": _job,
    "we": _webhook_endpoint,
    "wd": _webhook_delivery,
    "wr": _webhook_replay,
}


async def fetch(info: Info, text: str) -> Node | None:
    """Whatever has this id, or None. Raises IdInvalid for a text that is no id."""
    code, account, native = ids.decode(text)
    found = _FETCH.get(code)
    return None if found is None else await found(info, account, native)


@strawberry.type(description="Fields that fetch anything by its id.")
class NodeQueries:
    """Node."""

    @strawberry.field(description="Anything by its id; null when it is gone.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")],  # noqa: A002
    ) -> Node | None:
        return await fetch(info, id)

    @strawberry.field(
        description="A file (文件) by its id: the shopper's own, else by the scope members:read, and media of messages"
        " by messages:send; null when it is gone."
    )
    async def file(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The file's id.")],  # noqa: A002
    ) -> File | None:
        found = await _file(info, *decode_as("fl", id))
        return found if isinstance(found, File) else None

    @strawberry.field(description="Several things by their ids, in their order; null for what is gone.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[Node | None] | None:
        limit = info.context.settings.limits.page
        if len(ids) > limit:
            raise PageTooLarge(f"ids has {len(ids)} entries: at most {limit} are possible.")
        # One bad id costs its own place in the list: graphql-core reports an exception that stands for an item.
        return cast(
            "list[Node | None]", await asyncio.gather(*(fetch(info, each) for each in ids), return_exceptions=True)
        )
