"""Corrections of the own stock book by hand: found, broken, lost, moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import select

from gateway.database.facts import Fact
from gateway.database.tables.dimensions import sku, store
from gateway.transactions import stock
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Pieces per adjustment. More is an import.
MOST: Final = 100_000
REASON_LENGTH: Final = 200


class Adjustment(msgspec.Struct, frozen=True):
    """Pieces that come (more than 0) or go, and why. ``location`` is a store's id, or CENTRAL."""

    sku: str
    location: str
    channel: str
    delta: int
    reason: str


class Adjust(msgspec.Struct, frozen=True):
    """An adjustment, and the name under which the fact log knows it."""

    asked: Adjustment
    key: str


class Adjusted(msgspec.Struct, frozen=True):
    """The level after it."""

    on_hand: int
    reserved: int


async def _plan(planning: Planning, asked: Adjustment) -> Effect:
    if asked.delta == 0 or abs(asked.delta) > MOST:
        raise StepRefused("BAD_USER_INPUT", f"delta must be between -{MOST} and {MOST}, and not 0.")
    if not 1 <= len(asked.reason) <= REASON_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"reason must have 1 to {REASON_LENGTH} characters.")
    known = select(sku.c.code).where(sku.c.code == asked.sku, sku.c.valid_to.is_(None))
    if await planning.database.one(known) is None:
        raise StepRefused("SKU_UNKNOWN", f"There is no sku {asked.sku!r}; use a code of the catalogue.")
    place = select(store.c.id).where(store.c.id == asked.location, store.c.valid_to.is_(None))
    if asked.location != stock.CENTRAL and await planning.database.one(place) is None:
        raise StepRefused(
            "LOCATION_UNKNOWN", f"There is no store {asked.location!r}; {stock.CENTRAL} is the warehouse."
        )
    values: Mapping[str, str] = {"sku": asked.sku, "location": asked.location}
    return Effect(Adjust(asked, planning.key), values=values)


async def _undo(ctx: StepContext, intent: Adjust, outcome: Adjusted | None) -> None:
    """The other way round. Pieces that were sold or promised meanwhile cannot be taken back: the book stays true."""
    del outcome
    asked = intent.asked
    change = await stock.adjust(ctx.batch.connection, asked.sku, asked.location, asked.channel, -asked.delta, ctx.now)
    if change is None:
        raise StepRefused("STOCK_SHORT", "What was added has been sold or reserved meanwhile; count, and adjust again.")
    ctx.facts.append(_fact(ctx, intent, -asked.delta, undone=True))


@step(name="stock.adjust", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_undo)
async def adjust(ctx: StepContext, intent: Adjust) -> Adjusted:
    """Change the pieces on hand; never below what is reserved."""
    asked = intent.asked
    level = await stock.adjust(ctx.batch.connection, asked.sku, asked.location, asked.channel, asked.delta, ctx.now)
    if level is None:
        raise StepRefused(
            "STOCK_SHORT",
            f"Fewer than {-asked.delta} pieces of {asked.sku} are free at {asked.location}; take fewer off.",
        )
    ctx.facts.append(_fact(ctx, intent, asked.delta))
    return Adjusted(*level)


def _fact(ctx: StepContext, intent: Adjust, delta: int, *, undone: bool = False) -> Fact:
    asked = intent.asked
    return Fact(
        kind="stock.adjusted",
        occurred_at=ctx.now,
        source="own",
        source_key=f"{intent.key}:undone" if undone else intent.key,
        store=None if asked.location == stock.CENTRAL else asked.location,
        line=asked.sku,
        quantity=delta,
        reason="UNDONE" if undone else "ADJUSTED",
        # What a person wrote stays in the transaction: the log holds no free text.
        payload={"location": asked.location, "channel": asked.channel, "transaction": ctx.saga},
    )


ADJUST: Final = Action("stockAdjust", adjust, _plan)
