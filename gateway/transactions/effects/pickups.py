"""Goods that are handed out in a store against the shopper's code (提货核销)."""

from __future__ import annotations

import hmac
from typing import Final

import msgspec
from sqlalchemy import select

from gateway.database.tables.projections import purchase
from gateway.events.projections import purchases
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.order_steps import Nothing
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: the order, and the code that the shopper showed."""

    order: str
    code: str


class HandOut(msgspec.Struct, frozen=True):
    """The order, and who hands it out. The code is compared before and not kept: it is personal."""

    order: str
    by: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    row = await planning.database.one(
        select(purchase.c.id, purchase.c.method, purchase.c.pickup_code).where(purchase.c.id == asked.order)
    )
    if row is None:
        raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
    if row.method != "PICKUP" or not row.pickup_code:
        raise StepRefused("ORDER_NOT_READY", "This order is not to be picked up, or its shopper was erased.")
    if not hmac.compare_digest(row.pickup_code.encode(), asked.code.strip().encode()):
        raise StepRefused("PICKUP_CODE_WRONG", "This is not the code of this order; have the shopper show it again.")
    return Effect(HandOut(row.id, planning.principal.id), values={"order": row.id})


@step(name="order.pickup", kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def hand_out(ctx: StepContext, intent: HandOut) -> Nothing:
    """Once: who comes second is told so."""
    if not await purchases.picked_up(ctx.batch, intent.order, at=ctx.now, by=intent.by):
        raise StepRefused("ORDER_NOT_READY", "This order is not paid, was cancelled, or was handed out before.")
    return Nothing()


CONFIRM: Final = Action("orderPickupConfirm", hand_out, _plan)
