"""Pieces that a shop of the platform (微信小店) may sell: given by a delta, and taken back by one.

The platform's number is not ours to set: sales go on while we ask.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown, UpstreamError
from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.database.rows import AnyRow
from gateway.database.tables.dimensions import sku, store
from gateway.database.tables.projections import offer
from gateway.events.projector import Batch
from gateway.transactions import allotments, stock, store_book
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.allotments import TOOL, Change, Held
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Pieces of one request.
MOST: Final = 100_000
#: How long a change may take to stand in the platform's book, which is not documented. Before, it is not sent again.
PATIENCE: Final = timedelta(minutes=1)


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``location`` is a store's id, or CENTRAL; ``appid`` the shop's."""

    sku: str
    location: str
    appid: str
    delta: int


class Allotted(msgspec.Struct, frozen=True):
    """Right after it: the shop's pieces of that place, and what is free there."""

    allotted: int
    free: int


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if asked.delta == 0 or abs(asked.delta) > MOST:
        raise StepRefused("BAD_USER_INPUT", f"delta must be between -{MOST} and {MOST}, and not 0.")
    database = planning.database
    known = select(sku.c.code).where(sku.c.code == asked.sku, sku.c.valid_to.is_(None))
    if await database.one(known) is None:
        raise StepRefused("SKU_UNKNOWN", f"There is no sku {asked.sku!r}; use a code of the catalogue.")
    place = select(store.c.id).where(store.c.id == asked.location, store.c.valid_to.is_(None))
    if asked.location != stock.CENTRAL and await database.one(place) is None:
        raise StepRefused(
            "LOCATION_UNKNOWN", f"There is no store {asked.location!r}; {stock.CENTRAL} is the warehouse."
        )
    adapter = planning.tools.get(MiniProgramStoreAdapter, asked.appid)
    offers = await database.fetch(
        select(offer.c.product_id, offer.c.sku_id).where(offer.c.appid == asked.appid, offer.c.sku == asked.sku)
    )
    if len(offers) != 1:
        raise StepRefused(
            "SKU_NOT_OFFERED",
            f"The shop offers {asked.sku!r} {len(offers)} times; pieces are allotted to one offer of that code.",
        )
    [sold] = offers
    change = Change(
        planning.key, planning.key, adapter.account, asked.sku, sold.product_id, sold.sku_id,
        asked.location, asked.delta,
    )  # fmt: skip
    return Effect(change, values={"appid": adapter.account, "sku": asked.sku, "location": asked.location})


async def _ask(ctx: StepContext, intent: Change) -> Allotted | None:
    """The platform's book is read for a change like this one that did not stand there before."""
    row = await allotments.change_of(ctx.projector.database, intent.key)
    if row is None or row.state == "REFUSED":
        return None
    if row.state == "PENDING" and not await _happened(ctx, intent, row):
        return None
    return await _done(ctx, intent)


async def _undo(ctx: StepContext, intent: Change, outcome: Allotted | None) -> None:
    """The same pieces the other way round: the platform gives back only what it has not sold."""
    del outcome
    row = await allotments.change_of(ctx.projector.database, intent.key)
    if row is None or row.state == "REFUSED":
        return
    if row.state == "PENDING":
        if not await _happened(ctx, intent, row):
            _be_patient(row, ctx)
            async with ctx.projector.batch() as batch:
                await allotments.release(batch, intent.key)
            return
        async with ctx.projector.batch() as batch:
            await allotments.finish(batch, intent.key)
    back = msgspec.structs.replace(intent, key=f"{intent.key}:undone", delta=-intent.delta)
    if await _begun(ctx, back):
        async with _given_back_when_refused(ctx, back):
            await _shop(ctx, back).stock_change(back.product_id, back.sku_id, back.delta)
    async with ctx.projector.batch() as batch:
        await allotments.finish(batch, back.key)


@step(name="stock.allot", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.ASKABLE, ask=_ask, undo=_undo)
async def allot(ctx: StepContext, intent: Change) -> Allotted:
    """Take the pieces in our book, then tell the platform."""
    if await _begun(ctx, intent):
        async with _given_back_when_refused(ctx, intent):
            await _shop(ctx, intent).stock_change(intent.product_id, intent.sku_id, intent.delta)
    return await _done(ctx, intent)


async def _done(ctx: StepContext, intent: Change) -> Allotted:
    async def ended(batch: Batch) -> None:
        await allotments.finish(batch, intent.key)

    ctx.on_done.append(ended)
    return Allotted(*await allotments.level(ctx.projector.database, intent))


async def _begun(ctx: StepContext, change: Change) -> bool:
    """Take its pieces in our book; False where the platform has done it already."""
    row = await allotments.change_of(ctx.projector.database, change.key)
    if row is not None and row.state == "DONE":
        return False
    again = row is not None and row.state == "PENDING"
    if row is not None and again:
        if await _happened(ctx, change, row):
            return False
        _be_patient(row, ctx)
    now = ctx.projector.clock.now()
    known = await store_book.before(_shop(ctx, change), change.product_id, change.sku_id, now)
    async with ctx.projector.batch() as batch:
        if again:
            await allotments.ask_again(batch.connection, change.key, known, now)
            return True
        held = await allotments.hold(batch.connection, change, known, now)
        if held is Held.BUSY:
            raise StepRefused(
                "STOCK_CHANGING",
                "Another change of this sku at this shop is under way; send this one again when it has ended.",
                retryable=True,
            )
        if held is Held.SHORT:
            what = "are free" if change.delta > 0 else "are the shop's and not sold"
            raise StepRefused(
                "STOCK_SHORT", f"Fewer than {abs(change.delta)} pieces of {change.sku} at {change.location} {what}."
            )
    return True


@asynccontextmanager
async def _given_back_when_refused(ctx: StepContext, change: Change) -> AsyncIterator[None]:
    """What the platform did not do is not held in our book; what nobody knows is."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except UpstreamError:
        async with ctx.projector.batch() as batch:
            await allotments.release(batch, change.key)
        raise


def _shop(ctx: StepContext, change: Change) -> MiniProgramStoreAdapter:
    return ctx.tools.get(MiniProgramStoreAdapter, change.appid)


async def _happened(ctx: StepContext, change: Change, row: AnyRow) -> bool:
    now = ctx.projector.clock.now()
    return await store_book.happened(_shop(ctx, change), change.product_id, change.sku_id, row, now)


def _be_patient(row: AnyRow, ctx: StepContext) -> None:
    """Raises OutcomeUnknown while the platform's book may not show the change yet."""
    if ctx.projector.clock.now() - row.asked_at < PATIENCE:
        raise OutcomeUnknown(TOOL, "stock_change", "The store's book does not show the change, and may not yet.")


ALLOT: Final = Action("stockAllot", allot, _plan)
