"""The correction of what was told of a shipment: 重新发货 of own orders, 修改物流 of the store's.

https://developers.weixin.qq.com/miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from adapters import mini_program_store as platform
from adapters.base.errors import NotFound
from adapters.mini_program_store import MiniProgramStoreAdapter, OrderState, PaidOrderState, Payment
from gateway.database.rows import AnyRow
from gateway.events.projections import purchases
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects import shipments
from gateway.transactions.effects.shipments import Parcel, Ship, Shipped, Wanted
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Complete uploads of a payment: the first one, and the one correction.
UPLOADS: Final = 2
_SENT: Final = frozenset({OrderState.PARTLY_SHIPPED, OrderState.SHIPPED})


class Correct(msgspec.Struct, frozen=True):
    """What the platform is told instead; all of it, as it replaces what it knew."""

    ship: Ship


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    row, method = await shipments.shippable(planning, asked)
    plan = _of_store if row.source == "STORE" else _of_own
    return Effect(Correct(await plan(planning, row, method, asked.parcels)), values={"order": row.id})


async def _of_store(planning: Planning, row: AnyRow, method: str, parcels: Sequence[Parcel]) -> Ship:
    """Raises StepRefused, and what the platform answers."""
    if method != "EXPRESS":
        raise StepRefused("BAD_USER_INPUT", "Of an order of the store the waybills can be corrected, and nothing else.")
    adapter = planning.tools.get(MiniProgramStoreAdapter, row.account)
    [found] = await adapter.orders([row.native_id])
    if isinstance(found, NotFound):
        raise found
    if found.state not in _SENT:
        raise StepRefused("ORDER_NOT_SHIPPED", f"This order is {found.state}: there is nothing to correct.")
    if any(not each.items for each in parcels) and (len(parcels) > 1 or found.state is OrderState.PARTLY_SHIPPED):
        raise StepRefused("BAD_USER_INPUT", "Of an order in several parcels each names its items.")
    told = Counter(each.tracking for each in parcels)
    if told == Counter(found.tracking_numbers):
        # After an answer that was lost nothing could tell whether it had happened.
        raise StepRefused("BAD_USER_INPUT", "These are the waybills that the platform has: give at least one other.")
    lines = tuple(shipments.lines_of(found, each) for each in parcels)
    return Ship(row.id, row.account, row.native_id, method, tuple(parcels), lines)


async def _of_own(planning: Planning, row: AnyRow, method: str, parcels: Sequence[Parcel]) -> Ship:
    """Raises StepRefused, and what the platform answers."""
    if row.fulfilment_state != "SHIPPED" or row.mchid is None:
        raise StepRefused("ORDER_NOT_SHIPPED", f"This order is {row.fulfilment_state}: there is nothing to correct.")
    if method == "PICKUP":
        raise StepRefused("ORDER_NOT_SHIPPABLE", "This order is on its way, and cannot be picked up.")
    if any(each.items for each in parcels):
        raise StepRefused("BAD_USER_INPUT", "Parcels of own orders name no items: all parcels are told at once.")
    adapter = planning.tools.get(MiniProgramStoreAdapter, row.account)
    paid = await adapter.paid_order(Payment(mchid=row.mchid, out_trade_no=row.out_trade_no))
    if paid.uploads >= UPLOADS:
        raise StepRefused(
            "SHIPMENT_CORRECTED", "The platform allows one correction, and this order had it: tell the shopper."
        )
    if paid.state is not PaidOrderState.SHIPPED:
        raise StepRefused("ORDER_NOT_SHIPPED", f"The platform has this payment as {paid.state}.")
    return await shipments.own_shipment(planning, row, method, parcels)


async def _asked(ctx: StepContext, intent: Correct) -> Shipped | None:
    """By the waybills, which are all that it has then; an own payment also counts how often it was told."""
    ship = intent.ship
    adapter = ctx.tools.get(MiniProgramStoreAdapter, ship.account)
    wanted = Counter(each.tracking for each in ship.parcels)
    if ship.own is None:
        [order] = await adapter.orders([ship.native])
        happened = not isinstance(order, NotFound) and Counter(order.tracking_numbers) == wanted
    else:
        paid = await adapter.paid_order(Payment(mchid=ship.own.mchid, out_trade_no=ship.own.out_trade_no))
        sent = Counter(each.tracking_number for each in paid.parcels if each.tracking_number)
        happened = paid.uploads >= UPLOADS and sent == wanted
    return await _followed(ctx, adapter, ship) if happened else None


# A PIVOT: the platform takes no second correction, so that nothing can be put back.
@step(name="order.reship", tool="mini_program_store", kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_asked)
async def correct(ctx: StepContext, intent: Correct) -> Shipped:
    """Tell the platform once more, and for the last time, what left."""
    ship = intent.ship
    adapter = ctx.tools.get(MiniProgramStoreAdapter, ship.account)
    if ship.own is None:
        parcels = [
            platform.Parcel(lines, each.carrier, each.tracking)
            for each, lines in zip(ship.parcels, ship.lines, strict=True)
        ]
        await adapter.order_parcels_correct(ship.native, parcels)
    else:
        shipment = shipments.shipment_of(ship, ship.own)
        await adapter.shipping_upload(shipment, await shipments.openid_of(ctx, ship.own), ctx.now)
    return await _followed(ctx, adapter, ship)


async def _followed(ctx: StepContext, adapter: MiniProgramStoreAdapter, ship: Ship) -> Shipped:
    """Our row of an own order is written here; the store's order is read again."""
    complete = True
    first = ship.parcels[0] if ship.parcels else Parcel("", "")
    if ship.own is None:
        complete = await shipments.read_again(ctx, adapter, ship)

    async def record(batch: Batch) -> None:
        if ship.own is not None:
            await purchases.reshipped(
                batch, ship.order, method=ship.method, carrier=first.carrier or None, tracking=first.tracking or None
            )
        await purchases.told(
            batch, ship.order, "order.shipment_corrected", ctx.now, ctx.saga, payload={"method": ship.method}
        )

    ctx.on_done.append(record)
    return Shipped(complete)


CORRECT: Final = Action("orderShipmentCorrect", correct, _plan)
