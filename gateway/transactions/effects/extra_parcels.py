"""A parcel more (补发) for an order of the 微信小店 that has left: what was forgotten, or broke."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters import mini_program_store as platform
from adapters.base.errors import NotFound
from adapters.mini_program_store import MiniProgramStoreAdapter, OrderState, ParcelLine
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.shipments import MOST_PARCELS, Parcel, lines_of
from gateway.transactions.effects.shop_orders import TOOL, fact, found, read_again
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a reason. Our choice: the platform documents none.
REASON_LENGTH: Final = 200
_LEFT: Final = frozenset({OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.COMPLETED})


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; each parcel names its items."""

    order: str
    parcels: tuple[Parcel, ...]
    reason: str


class Add(msgspec.Struct, frozen=True):
    """The parcels, and what lies in each as the platform names it."""

    order: str
    account: str
    native: str
    identity: str | None
    parcels: tuple[Parcel, ...]
    lines: tuple[tuple[ParcelLine, ...], ...]
    reason: str


class Added(msgspec.Struct, frozen=True):
    """The platform knows them."""


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.parcels) <= MOST_PARCELS or not all(
        each.carrier and each.tracking and each.items for each in asked.parcels
    ):
        raise StepRefused(
            "BAD_USER_INPUT", f"Give 1 to {MOST_PARCELS} parcels, each with its carrier, tracking and items."
        )
    if not 1 <= len(asked.reason.strip()) <= len(asked.reason) <= REASON_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"reason has 1 to {REASON_LENGTH} characters: say why it is sent.")
    row, now = await found(planning, asked.order)
    if now.state not in _LEFT:
        raise StepRefused("ORDER_NOT_SHIPPED", f"This order is {now.state}: what has not left is shipped by orderShip.")
    told = [each.tracking for each in asked.parcels]
    if len(set(told)) < len(told) or set(told) & set(now.tracking_numbers):
        # After an answer that was lost nothing could tell whether it had happened.
        raise StepRefused("BAD_USER_INPUT", "Every parcel needs a waybill number of its own, new to the order.")
    lines = tuple(lines_of(now, each) for each in asked.parcels)
    add = Add(row.id, row.account, row.native_id, row.identity, asked.parcels, lines, asked.reason)
    return Effect(add, values={"order": row.id})


async def _asked(ctx: StepContext, intent: Add) -> Added | None:
    """By its waybills."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    [order] = await adapter.orders([intent.native])
    if isinstance(order, NotFound) or not {each.tracking for each in intent.parcels} <= set(order.tracking_numbers):
        return None
    return await _followed(ctx, adapter, intent)


@step(name="order.parcel_add", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, idempotent=False, ask=_asked)
async def add(ctx: StepContext, intent: Add) -> Added:
    """Tell the platform what leaves after all. It cannot be untold."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    parcels = [
        platform.Parcel(lines, each.carrier, each.tracking)
        for each, lines in zip(intent.parcels, intent.lines, strict=True)
    ]
    await adapter.order_parcel_extra(intent.native, parcels, intent.reason)
    return await _followed(ctx, adapter, intent)


async def _followed(ctx: StepContext, adapter: MiniProgramStoreAdapter, intent: Add) -> Added:
    ctx.facts.append(
        fact(ctx, "order.parcel_added", account=intent.account, order=intent.order, identity_id=intent.identity)
    )
    await read_again(ctx, adapter, intent.native)
    return Added()


ADD: Final = Action("orderParcelAdd", add, _plan)
