"""Orders of every source, with lines and after-sales; and payments."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from adapters.mini_program_store import MiniProgramStoreAdapter, RejectReason
from gateway.context import Context
from gateway.database.tables.members import identity
from gateway.database.tables.projections import after_sale, payment, purchase, purchase_line
from gateway.database.types import Encrypted
from gateway.resolvers.errors import UserError
from gateway.resolvers.keys import prime
from gateway.resolvers.paging import OwnedList, PageArgs, Slice, aware, keyset


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order. Money in fen."""

    id: str
    source: str
    account: str
    form: str
    state: str
    list_total: int
    discount: int
    freight: int
    payable: int
    payer_paid: int | None
    refunded: int
    created_at: datetime
    updated_at: datetime
    changed_at: datetime
    paid_at: datetime | None
    store: str | None
    guide: str | None
    campaign: str | None
    method: str
    fulfilment_state: str
    carrier: str | None
    tracking: str | None
    saga: str | None
    out_id: str | None
    identity: str | None


@dataclass(frozen=True, slots=True)
class LineRecord:
    """An order line; ``paid`` is its share of what was paid."""

    line: int
    sku: str
    title: str
    quantity: int
    list_amount: int
    discount: int
    paid: int


@dataclass(frozen=True, slots=True)
class AfterSaleRecord:
    """售后单."""

    appid: str
    id: str
    purchase: str
    kind: str
    state: str
    reason: str
    sku: str
    quantity: int
    refund: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """A payment at 微信支付."""

    mchid: str
    out_trade_no: str
    state: str
    trade_type: str
    total: int
    payer_total: int | None
    refunded: int
    paid_at: datetime | None
    description: str
    purchase: str | None


#: Without what is sealed: a page of orders would open the keys of all their customers, to show nobody.
_ORDERS = select(*(column for column in purchase.c if not isinstance(column.type, Encrypted)))


def _order(row: Row[Any]) -> OrderRecord:
    return OrderRecord(
        row.id,
        row.source,
        row.account,
        row.form,
        row.state,
        row.list_total,
        row.discount,
        row.freight,
        row.payable,
        row.payer_paid,
        row.refunded,
        row.created_at,
        row.updated_at,
        row.changed_at,
        row.paid_at,
        row.store,
        row.guide,
        row.campaign,
        row.method,
        row.fulfilment_state,
        row.carrier,
        row.tracking,
        row.saga,
        row.out_id,
        row.identity,
    )


def _payment(row: Row[Any]) -> PaymentRecord:
    # A bill says SUCCESS of what was paid, whatever went back since; the platform's own query says REFUND.
    state = "REFUND" if row.state == "SUCCESS" and row.refunded else row.state
    return PaymentRecord(
        row.mchid,
        row.out_trade_no,
        state,
        row.trade_type,
        row.total,
        row.payer_total,
        row.refunded,
        row.paid_at,
        row.description,
        row.purchase,
    )


def _after_sale(row: Row[Any]) -> AfterSaleRecord:
    return AfterSaleRecord(
        row.appid,
        row.after_sale_id,
        row.purchase,
        row.kind,
        row.state,
        row.reason,
        row.sku,
        row.quantity,
        row.refund,
        row.created_at,
        row.updated_at,
    )


MEMBER_ORDERS = OwnedList(
    "member.orders",
    _ORDERS.join(identity, identity.c.id == purchase.c.identity),
    identity.c.member,
    [(purchase.c.created_at, True), (purchase.c.id, True)],
    _order,
)

MEMBER_PAYMENTS = OwnedList(
    "member.payments",
    select(payment).join(identity, identity.c.id == payment.c.identity),
    identity.c.member,
    [(payment.c.at, True), (payment.c.out_trade_no, True)],
    _payment,
)


async def page(ctx: Context, args: PageArgs, updated_after: datetime | None) -> Slice[OrderRecord]:
    """All orders, newest first; for those who sync, ``updated_after`` in the order of change.

    That is the change of our copy by our own clock: what a platform tells late has changed now, whatever time it bears.
    """
    ctx.principal.require("members:read")
    if updated_after is not None:
        return await keyset(
            ctx,
            f"orders:{updated_after.isoformat()}",
            _ORDERS.where(purchase.c.changed_at > aware(updated_after, "updatedAfter")),
            [(purchase.c.changed_at, False), (purchase.c.id, False)],
            args,
            _order,
        )
    order = [(purchase.c.created_at, True), (purchase.c.id, True)]
    return await keyset(ctx, "orders", _ORDERS, order, args, _order)


async def find(ctx: Context, *, out_id: str | None = None, number: str | None = None) -> OrderRecord | None:
    """An order by its number in the ERP, or by that of its platform; a shopper's own, or by members:read.

    Raises UserError when several have it.
    """
    column, wanted = (purchase.c.out_id, out_id) if out_id is not None else (purchase.c.native_id, number)
    found: Sequence[OrderRecord] = []
    if wanted is not None and "\0" not in wanted:  # PostgreSQL cannot even compare such a text.
        rows = await ctx.database.fetch(_ORDERS.where(column == wanted).limit(2))
        found = [_order(row) for row in rows]
    buyer = found[0].identity if len(found) == 1 else None
    owner = None if buyer is None else await ctx.loaders.load(owners, buyer)
    if owner is None or owner != ctx.principal.member:
        ctx.principal.require("members:read")
    if len(found) > 1:
        raise UserError("Several orders have this number; find yours by its id.")
    return found[0] if found else None


async def orders(ctx: Context, ids: Sequence[str]) -> Sequence[OrderRecord | None]:
    """Batch by id."""
    rows = await ctx.database.fetch(_ORDERS.where(purchase.c.id.in_(ids)))
    found = {row.id: _order(row) for row in rows}
    return [found.get(each) for each in ids]


async def pickup_codes(ctx: Context, order_ids: Sequence[str]) -> Sequence[str | None]:
    """Batch: 提货码 of each order, opened only when asked for; three statements."""
    owners_ = await ctx.database.fetch(
        select(identity.c.member)
        .join(purchase, purchase.c.identity == identity.c.id)
        .where(purchase.c.id.in_(order_ids), purchase.c.pickup_code.is_not(None))
    )
    await prime(ctx, sorted({row.member for row in owners_}))
    rows = await ctx.database.fetch(select(purchase.c.id, purchase.c.pickup_code).where(purchase.c.id.in_(order_ids)))
    found = {row.id: row.pickup_code or None for row in rows}
    return [found.get(each) for each in order_ids]


async def owners(ctx: Context, identity_ids: Sequence[str]) -> Sequence[str | None]:
    """Batch: the member behind each identity."""
    rows = await ctx.database.fetch(select(identity.c.id, identity.c.member).where(identity.c.id.in_(identity_ids)))
    found = {row.id: row.member for row in rows}
    return [found.get(each) for each in identity_ids]


async def payments(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[PaymentRecord | None]:
    """Batch by (mchid, out_trade_no)."""
    rows = await ctx.database.fetch(select(payment).where(payment.c.out_trade_no.in_({number for _, number in keys})))
    found = {(row.mchid, row.out_trade_no): _payment(row) for row in rows}
    return [found.get(each) for each in keys]


async def payments_of(ctx: Context, order_ids: Sequence[str]) -> Sequence[PaymentRecord | None]:
    """Batch: the newest payment of each order."""
    rows = await ctx.database.fetch(select(payment).where(payment.c.purchase.in_(order_ids)).order_by(payment.c.at))
    found = {row.purchase: _payment(row) for row in rows}
    return [found.get(each) for each in order_ids]


async def by_payment(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[OrderRecord | None]:
    """Batch by (mchid, out_trade_no): the own order that a payment is for."""
    rows = await ctx.database.fetch(
        _ORDERS.where(
            purchase.c.mchid.in_({mchid for mchid, _ in keys}),
            purchase.c.out_trade_no.in_({number for _, number in keys}),
        )
    )
    found = {(row.mchid, row.out_trade_no): _order(row) for row in rows}
    return [found.get(each) for each in keys]


async def after_sales_by_key(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[AfterSaleRecord | None]:
    """Batch by (appid, after-sale id)."""
    rows = await ctx.database.fetch(
        select(after_sale).where(after_sale.c.after_sale_id.in_({number for _, number in keys}))
    )
    found = {(row.appid, row.after_sale_id): _after_sale(row) for row in rows}
    return [found.get(each) for each in keys]


async def reject_reasons(ctx: Context, appids: Sequence[str]) -> Sequence[Sequence[RejectReason] | BaseException]:
    """Batch, live: the reasons that each store's platform takes for refusing an after-sale; one call per store."""

    async def one(appid: str) -> Sequence[RejectReason]:
        return await ctx.tool(MiniProgramStoreAdapter, appid).after_sale_reject_reasons()

    return await asyncio.gather(*(one(each) for each in appids), return_exceptions=True)


async def lines(ctx: Context, order_ids: Sequence[str]) -> Sequence[Sequence[LineRecord]]:
    """Batch: the lines of each order."""
    rows = await ctx.database.fetch(
        select(purchase_line)
        .where(purchase_line.c.purchase.in_(order_ids))
        .order_by(purchase_line.c.purchase, purchase_line.c.line)
    )
    grouped: dict[str, list[LineRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.purchase].append(
            LineRecord(row.line, row.sku, row.title, row.quantity, row.list_amount, row.discount, row.paid)
        )
    return [grouped[each] for each in order_ids]


async def after_sales(ctx: Context, order_ids: Sequence[str]) -> Sequence[Sequence[AfterSaleRecord]]:
    """Batch: the after-sales of each order, oldest first."""
    rows = await ctx.database.fetch(
        select(after_sale)
        .where(after_sale.c.purchase.in_(order_ids))
        .order_by(after_sale.c.created_at, after_sale.c.after_sale_id)
    )
    grouped: dict[str, list[AfterSaleRecord]] = defaultdict(list)
    for row in rows:
        grouped[row.purchase].append(_after_sale(row))
    return [grouped[each] for each in order_ids]
