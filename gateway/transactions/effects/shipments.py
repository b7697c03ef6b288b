"""Shipping (发货): the store's orders by its own call, own orders by shipping information (发货信息录入)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec
from sqlalchemy import select

from adapters import mini_program_store as platform
from adapters.base.errors import NotFound, UpstreamError
from adapters.mini_program_store import (
    MiniProgramStoreAdapter,
    OrderState,
    PaidOrderState,
    Payment,
    Shipment,
    ShippedParcel,
    ShippingMethod,
)
from gateway.database.rows import AnyRow
from gateway.database.tables.members import identity
from gateway.database.tables.projections import purchase, purchase_line
from gateway.events.projections import mini_program_store, purchases
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Parcels of one request: the platform's limit for own orders.
MOST_PARCELS: Final = 15
#: What the platform takes of a description of the goods, in characters.
GOODS_LENGTH: Final = 120
#: States of a store's order that may be shipped.
_TO_SHIP: Final = frozenset({OrderState.AWAITING_SHIPMENT, OrderState.PARTLY_SHIPPED})
_SENT: Final = frozenset({OrderState.SHIPPED, OrderState.COMPLETED})


class Item(msgspec.Struct, frozen=True):
    """Pieces of a sku, by the brand's code."""

    sku: str
    quantity: int


class Parcel(msgspec.Struct, frozen=True):
    """A parcel by a carrier. Without ``items`` it holds all that the order has."""

    carrier: str
    tracking: str
    items: tuple[Item, ...] = ()
    sender_phone: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``method`` is empty for the order's own."""

    order: str
    method: str
    parcels: tuple[Parcel, ...]


class Own(msgspec.Struct, frozen=True):
    """The payment of an own order, and whose it is: their openid is read when it is sent."""

    mchid: str
    out_trade_no: str
    identity: str
    goods: str


class Ship(msgspec.Struct, frozen=True):
    """What leaves. ``own`` is None for an order of the store, whose ``lines`` are what lies in each parcel."""

    order: str
    account: str
    native: str
    method: str
    parcels: tuple[Parcel, ...]
    lines: tuple[tuple[platform.ParcelLine, ...], ...] = ()
    own: Own | None = None

    @property
    def tracking(self) -> frozenset[str]:
        """The waybills by which the platform knows that it happened."""
        return frozenset(each.tracking for each in self.parcels if each.tracking)


class Shipped(msgspec.Struct, frozen=True):
    """The platform knows. ``complete``: nothing of the order is left to be sent."""

    complete: bool


# Planning -----------------------------------------------------------------------------------------


async def shippable(planning: Planning, asked: Wanted) -> tuple[AnyRow, str]:
    """The order that a platform is told of, and by which method it leaves. Raises StepRefused."""
    row = await planning.database.one(order_row(asked.order))
    if row is None:
        raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
    if row.source not in {"STORE", "MINI_PROGRAM"}:
        raise StepRefused("ORDER_NOT_SHIPPABLE", f"Orders of source {row.source} are not shipped by a platform.")
    if len(asked.parcels) > MOST_PARCELS:
        raise StepRefused("BAD_USER_INPUT", f"{len(asked.parcels)} parcels given: {MOST_PARCELS} are possible.")
    method = asked.method or row.method
    if (method == "EXPRESS") != bool(asked.parcels):
        raise StepRefused("BAD_USER_INPUT", f"An order by {method} has {'parcels' if not asked.parcels else 'none'}.")
    return row, method


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    row, method = await shippable(planning, asked)
    plan = _of_store if row.source == "STORE" else _of_own
    intent = await plan(planning, row, method, asked.parcels)
    return Effect(intent, values={"order": row.id})


async def _of_store(planning: Planning, row: AnyRow, method: str, parcels: Sequence[Parcel]) -> Ship:
    """Raises StepRefused, and what the platform answers."""
    if method not in {"EXPRESS", "VIRTUAL"}:
        raise StepRefused("ORDER_NOT_SHIPPABLE", "Orders of the store leave by EXPRESS, or are VIRTUAL.")
    adapter = planning.tools.get(MiniProgramStoreAdapter, row.account)
    [found] = await adapter.orders([row.native_id])
    if isinstance(found, NotFound):
        raise found
    if found.state not in _TO_SHIP:
        raise StepRefused("ORDER_NOT_SHIPPABLE", f"This order is {found.state}; only one to be shipped can be.")
    whole = (Parcel("", ""),) if method == "VIRTUAL" else parcels
    if any(not each.items for each in whole) and (len(whole) > 1 or found.state is OrderState.PARTLY_SHIPPED):
        raise StepRefused("BAD_USER_INPUT", "Of an order in several parcels each names its items.")
    lines = tuple(lines_of(found, each) for each in whole)
    return Ship(row.id, row.account, row.native_id, method, tuple(whole), lines)


def lines_of(order: platform.Order, parcel: Parcel) -> tuple[platform.ParcelLine, ...]:
    """What lies in the parcel, as the platform names it."""
    if not parcel.items:
        return tuple(platform.ParcelLine(each.product_id, each.sku_id, each.quantity) for each in order.lines)
    known = {each.sku_code: each for each in order.lines}
    for item in parcel.items:
        if item.sku not in known or not 1 <= item.quantity <= known[item.sku].quantity:
            raise StepRefused("BAD_USER_INPUT", f"The order has no {item.quantity} pieces of {item.sku!r}.")
    return tuple(
        platform.ParcelLine(known[item.sku].product_id, known[item.sku].sku_id, item.quantity) for item in parcel.items
    )


async def _of_own(planning: Planning, row: AnyRow, method: str, parcels: Sequence[Parcel]) -> Ship:
    """Raises StepRefused, and what the platform answers."""
    if row.state != "PAID" or row.fulfilment_state not in {"PENDING", "READY"}:
        raise StepRefused(
            "ORDER_NOT_SHIPPABLE", f"This order is {row.state} and {row.fulfilment_state}: there is nothing to ship."
        )
    if row.payable == 0 or row.mchid is None:
        raise StepRefused("ORDER_NOT_SHIPPABLE", "Nothing was paid for it: the platform knows of no such order.")
    if (method == "PICKUP") != (row.method == "PICKUP"):
        raise StepRefused("ORDER_NOT_SHIPPABLE", f"This order is by {row.method}, and stays so.")
    if any(each.items for each in parcels):
        raise StepRefused("BAD_USER_INPUT", "Parcels of own orders name no items: all parcels are told at once.")
    try:
        paid = await planning.tools.get(MiniProgramStoreAdapter, row.account).paid_order(
            Payment(mchid=row.mchid, out_trade_no=row.out_trade_no)
        )
    except NotFound as error:
        raise StepRefused(
            "PAYMENT_TOO_RECENT", "The platform takes a minute to know a payment; ship it then.", retryable=True
        ) from error
    if paid.state is not PaidOrderState.TO_SHIP:
        raise StepRefused("ORDER_NOT_SHIPPABLE", f"The platform has this payment as {paid.state} already.")
    return await own_shipment(planning, row, method, parcels)


async def own_shipment(planning: Planning, row: AnyRow, method: str, parcels: Sequence[Parcel]) -> Ship:
    """What leaves of an own order whose money is ``row.mchid``'s, with the goods as the shopper reads them."""
    lines = await planning.database.fetch(
        select(purchase_line.c.title, purchase_line.c.quantity)
        .where(purchase_line.c.purchase == row.id)
        .order_by(purchase_line.c.line)
    )
    goods = ", ".join(f"{each.title}×{each.quantity}" for each in lines)[:GOODS_LENGTH]
    own = Own(row.mchid, row.out_trade_no, row.identity, goods)
    return Ship(row.id, row.account, row.native_id, method, tuple(parcels), own=own)


def order_row(order_id: str):  # type: ignore[no-untyped-def] # a Select of eleven columns
    """What shipping needs of an order."""
    c = purchase.c
    return select(
        c.id, c.source, c.account, c.native_id, c.state, c.method, c.fulfilment_state, c.payable, c.mchid,
        c.out_trade_no, c.identity,
    ).where(c.id == order_id)  # fmt: skip


# The step -----------------------------------------------------------------------------------------


async def _asked(ctx: StepContext, intent: Ship) -> Shipped | None:
    """By its waybills; what has none, by the state that nothing else brings about."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    if intent.own is None:
        [order] = await adapter.orders([intent.native])
        if isinstance(order, NotFound) or not intent.tracking <= set(order.tracking_numbers):
            return None
        if not intent.tracking and order.state not in _SENT:
            return None
    else:
        try:
            paid = await adapter.paid_order(Payment(mchid=intent.own.mchid, out_trade_no=intent.own.out_trade_no))
        except NotFound:
            return None
        sent = {each.tracking_number for each in paid.parcels}
        if paid.state is PaidOrderState.TO_SHIP or not intent.tracking <= sent:
            return None
    return await _followed(ctx, adapter, intent)


@step(
    name="order.ship", tool="mini_program_store", kind=Kind.PIVOT, delivery=Delivery.ASKABLE, idempotent=False,
    ask=_asked,
)  # fmt: skip
async def ship(ctx: StepContext, intent: Ship) -> Shipped:
    """Tell the platform what leaves. It cannot be untold."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    if intent.own is None:
        parcels = [
            platform.Parcel(lines, each.carrier, each.tracking)
            for each, lines in zip(intent.parcels, intent.lines, strict=True)
        ]
        await adapter.order_ship(intent.native, parcels)
    else:
        await adapter.shipping_upload(shipment_of(intent, intent.own), await openid_of(ctx, intent.own), ctx.now)
    return await _followed(ctx, adapter, intent)


def shipment_of(intent: Ship, own: Own) -> Shipment:
    """As the platform takes it."""
    payment = Payment(mchid=own.mchid, out_trade_no=own.out_trade_no)
    parcels = [ShippedParcel(own.goods, each.carrier, each.tracking, each.sender_phone) for each in intent.parcels]
    split = len(parcels) > 1
    return Shipment(payment, ShippingMethod[intent.method], parcels or [ShippedParcel(own.goods)], split)


async def openid_of(ctx: StepContext, own: Own) -> str:
    """Raises StepRefused when the shopper was erased meanwhile."""
    row = await ctx.projector.database.one(select(identity.c.value).where(identity.c.id == own.identity))
    if row is None or not row.value:
        raise StepRefused("SUBJECT_ERASED", "The shopper was erased: the platform cannot be told whose order it is.")
    return str(row.value)


async def _followed(ctx: StepContext, adapter: MiniProgramStoreAdapter, intent: Ship) -> Shipped:
    """The platform calls nobody back for what we told it: our own rows follow here."""
    if intent.own is None:
        return Shipped(await read_again(ctx, adapter, intent))
    # Goods to be picked up lie ready, and stay so until they are.
    if intent.method != "PICKUP":
        first = intent.parcels[0] if intent.parcels else Parcel("", "")

        async def record(batch: Batch) -> None:
            await purchases.shipped(
                batch,
                intent.order,
                at=ctx.now,
                method=intent.method,
                carrier=first.carrier or None,
                tracking=first.tracking or None,
            )

        ctx.on_done.append(record)
    return Shipped(True)


async def read_again(ctx: StepContext, adapter: MiniProgramStoreAdapter, intent: Ship) -> bool:
    """Read an order of the store into our rows; True when nothing of it is left to be sent, as far as it is known."""
    # It has happened; where it cannot be read now, the platform's event has it read again.
    with suppress(UpstreamError):
        asking = ctx.projector.asking()
        [order] = await adapter.orders([intent.native])
        if not isinstance(order, NotFound):
            await mini_program_store.orders(asking, [order], source="poll")
            return order.state in _SENT
    return False


SHIP: Final = Action("orderShip", ship, _plan)
