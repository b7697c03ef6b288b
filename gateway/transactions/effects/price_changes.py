"""Other prices (改价) of an order of the 微信小店 that nobody has paid: totals of lines, and the freight."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec

from adapters.base.errors import NotFound, UpstreamError
from adapters.mini_program_store import LinePrice, MiniProgramStoreAdapter, Order, OrderState
from gateway.database.facts import Fact
from gateway.events.projections import mini_program_store
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.shipments import order_row
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "mini_program_store"
#: Fen: what the platform takes as the price of a product, and as a freight.
MOST: Final = 10_000_000


class Price(msgspec.Struct, frozen=True):
    """The new total of a line, fen, by the brand's code."""

    sku: str
    amount: int


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; what is not named stays. ``freight`` in fen."""

    order: str
    lines: tuple[Price, ...]
    freight: int | None


class Change(msgspec.Struct, frozen=True):
    """The new totals, as the platform names the lines, and whose order it is."""

    order: str
    account: str
    native: str
    identity: str | None
    lines: tuple[LinePrice, ...]
    freight: int | None


class Changed(msgspec.Struct, frozen=True):
    """What is to be paid then, fen. None where the platform took the change and could not be read."""

    payable: int | None


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not asked.lines and asked.freight is None:
        raise StepRefused("BAD_USER_INPUT", "Nothing is changed: give lines, freight, or both.")
    amounts = [each.amount for each in asked.lines] + ([] if asked.freight is None else [asked.freight])
    if not all(0 <= each <= MOST for each in amounts):
        raise StepRefused("BAD_USER_INPUT", f"amount and freight must be 0 to {MOST} fen.")
    row = await planning.database.one(order_row(asked.order))
    if row is None:
        raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
    if row.source != "STORE":
        raise StepRefused("ORDER_NOT_REPRICEABLE", f"Orders of source {row.source} have the price they were placed at.")
    [found] = await planning.tools.get(MiniProgramStoreAdapter, row.account).orders([row.native_id])
    if isinstance(found, NotFound):
        raise found
    if found.state is not OrderState.UNPAID or found.paid_at is not None:
        raise StepRefused("ORDER_NOT_REPRICEABLE", "Only an order that waits for its payment can get another price.")
    lines = _lines(found, asked)
    return Effect(
        Change(row.id, row.account, row.native_id, row.identity, lines, asked.freight), values={"order": row.id}
    )


def _lines(order: Order, asked: Wanted) -> tuple[LinePrice, ...]:
    """Raises StepRefused for a code that is not exactly one line of the order, or is named twice."""
    if len({each.sku for each in asked.lines}) < len(asked.lines):
        raise StepRefused("BAD_USER_INPUT", "A sku is named twice; give one total for its line.")
    named = []
    for each in asked.lines:
        lines = [line for line in order.lines if line.sku_code == each.sku]
        if len(lines) != 1:
            raise StepRefused("BAD_USER_INPUT", f"The order has {len(lines)} lines of {each.sku!r}; it must be one.")
        named.append(LinePrice(lines[0].product_id, lines[0].sku_id, each.amount))
    return tuple(named)


async def _asked(ctx: StepContext, intent: Change) -> Changed | None:
    """By the order's own totals. Where they differ it is set again, which is the same."""
    asking = ctx.projector.asking()
    [found] = await ctx.tools.get(MiniProgramStoreAdapter, intent.account).orders([intent.native])
    if isinstance(found, NotFound):
        return None
    totals = {(line.product_id, line.sku_id): line.paid_amount for line in found.lines}
    stands = all(totals.get((each.product_id, each.sku_id)) == each.amount for each in intent.lines)
    if not stands or intent.freight not in {None, found.freight}:
        return None
    await mini_program_store.orders(asking, [found], source="poll")
    ctx.facts.append(_fact(ctx, intent, found.payable))
    return Changed(found.payable)


# A PIVOT: the shopper may pay the new price in the same moment.
@step(name="order.reprice", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_asked)
async def change(ctx: StepContext, intent: Change) -> Changed:
    """Set the totals (改价). The platform refuses it once the order is paid."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    await adapter.order_price_change(intent.native, intent.lines, freight=intent.freight)
    return await _followed(ctx, adapter, intent)


async def _followed(ctx: StepContext, adapter: MiniProgramStoreAdapter, intent: Change) -> Changed:
    """Read the order into our rows. Where it cannot be read now, the next sync does."""
    payable = None
    with suppress(UpstreamError):
        asking = ctx.projector.asking()
        [found] = await adapter.orders([intent.native])
        if not isinstance(found, NotFound):
            await mini_program_store.orders(asking, [found], source="poll")
            payable = found.payable
    ctx.facts.append(_fact(ctx, intent, payable))
    return Changed(payable)


def _fact(ctx: StepContext, intent: Change, payable: int | None) -> Fact:
    return Fact(
        kind="order.repriced",
        occurred_at=ctx.now,
        source="own",
        source_key=f"{ctx.saga}:{ctx.key}",
        account=intent.account,
        tool=TOOL,
        identity=intent.identity,
        order_ref=intent.order,
        amount_fen=payable,
    )


CHANGE: Final = Action("orderPriceChange", change, _plan)
