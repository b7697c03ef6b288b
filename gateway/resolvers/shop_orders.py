"""Orders of a shop (微信小店) as the platform has them now: searched there, and what our rows do not keep of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.mini_program_store import (
    Address,
    Carrier,
    MiniProgramStoreAdapter,
    Order,
    OrderQuery,
    RelayNumber,
)
from gateway.context import Context
from gateway.resolvers import orders, wechat_apps
from gateway.resolvers.auditing import LookUp, recorded
from gateway.resolvers.errors import UserError
from gateway.resolvers.live_pages import forward
from gateway.resolvers.orders import OrderRecord
from gateway.resolvers.paging import PageArgs, Slice

#: Who handles orders.
SCOPE: Final = "orders:write"
#: Characters of a text that is searched for. Our choice: the platform documents none.
TEXT_LENGTH: Final = 60
_TAIL: Final = re.compile(r"[0-9]{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hit:
    """An order that the platform found."""

    account: str
    number: str

    @property
    def order(self) -> str:
        """Our id of it, whether we know it yet or not."""
        return f"STORE:{self.account}:{self.number}"


async def search(ctx: Context, account: str | None, query: OrderQuery, args: PageArgs) -> Slice[Hit]:
    """Orders that fit, in the platform's order, forward only; one call per hundred. Who searches by a person's name or
    number is recorded, without the value. Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.shop(ctx, account)
    texts = (query.title, query.sku_code, query.receiver_name, query.merchant_notes, query.customer_notes)
    if any(len(each) > TEXT_LENGTH for each in texts):
        raise UserError(f"A text that is searched for has {TEXT_LENGTH} characters at most.")
    if query.phone_last4 and not _TAIL.fullmatch(query.phone_last4):
        raise UserError("phoneTail is the last four digits of a number.")

    async def read(cursor: str | None) -> Page[str]:
        return await adapter.order_search(query, cursor)

    # Only signed with, and told to nobody.
    page = await forward(ctx, f"shopOrders:{adapter.account}:{_words(query)!r}", args, read)
    by = [name for name, value in (("name", query.receiver_name), ("phoneTail", query.phone_last4)) if value]
    if by:
        await recorded(ctx, LookUp(tuple(by), len(page.items)))
    hits = [Hit(adapter.account, each) for each in page.items]
    return Slice(hits, page.cursors, has_next=page.has_next, has_previous=page.has_previous)


def _words(query: OrderQuery) -> tuple[object, ...]:
    """All of a query: its own text leaves out what is personal."""
    return (
        query.title, query.sku_code, query.receiver_name, query.phone_last4, query.merchant_notes,
        query.customer_notes, query.address_change_waits, query.in_after_sale, query.status,
    )  # fmt: skip


async def now(ctx: Context, order_id: str) -> Order | None:
    """The order as the platform has it; None for one that neither of us knows. One call.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    record = await _of_a_shop(ctx, order_id)
    if record is None:
        return None
    [found] = await ctx.tool(MiniProgramStoreAdapter, record.account).orders([_number(record)])
    return None if isinstance(found, NotFound) else found


async def address(ctx: Context, appid: str, number: str) -> Address:
    """Where an order goes, in the clear; the platform counts each asking, and it is recorded before it is answered.

    One call. Raises Forbidden and ToolNotConfigured.
    """
    ctx.principal.require("pii:read")
    record = await ctx.loaders.load(orders.orders, Hit(appid, number).order)
    buyer = None if record is None else record.identity
    owner = None if buyer is None else await ctx.loaders.load(orders.owners, buyer)
    found = await ctx.tool(MiniProgramStoreAdapter, appid).order_address(number)
    await recorded(ctx, LookUp(("address",), 1, owner))
    return found


async def relay_number(ctx: Context, order_id: str) -> RelayNumber | None:
    """A number that reaches the buyer for a while; the platform counts how often it is asked. One call.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    record = await _of_a_shop(ctx, order_id)
    if record is None:
        return None
    return await ctx.tool(MiniProgramStoreAdapter, record.account).order_relay_number(_number(record))


async def _of_a_shop(ctx: Context, order_id: str) -> OrderRecord | None:
    ctx.principal.require(SCOPE)
    record = await ctx.loaders.load(orders.orders, order_id)
    if record is not None and record.source != "STORE":
        raise UserError("Only orders of a shop (微信小店) are known to its platform; this is none.")
    return record


def _number(record: OrderRecord) -> str:
    """The platform's own."""
    return record.id.rpartition(":")[2]


async def carriers(ctx: Context, account: str | None) -> Sequence[Carrier]:
    """Carriers whose codes a shop's shipments take, or a mini-program's. One call.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    adapter = wechat_apps.shop(ctx, None) if account is None else ctx.tool(MiniProgramStoreAdapter, account)
    return await (adapter.carriers() if adapter.kind == "store" else adapter.shipping_carriers())
