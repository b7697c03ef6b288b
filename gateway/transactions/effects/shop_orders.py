"""Orders of the 微信小店, for what is done with them there: as the platform has them, and read again afterwards."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sqlalchemy import select

from adapters.base.errors import NotFound, UpstreamError
from adapters.mini_program_store import MiniProgramStoreAdapter, Order
from gateway.database.facts import Fact
from gateway.database.rows import AnyRow
from gateway.database.tables.members import identity
from gateway.events.projections import mini_program_store
from gateway.transactions.actions import Planning
from gateway.transactions.effects.shipments import order_row
from gateway.transactions.steps import StepContext, StepRefused

TOOL: Final = "mini_program_store"


async def found(planning: Planning, order: str) -> tuple[AnyRow, Order]:
    """Our row of an order, and the order as the platform has it now.

    Raises StepRefused for none of ours, and for one of another source, and what the platform answers.
    """
    row = await planning.database.one(order_row(order))
    if row is None:
        raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
    if row.source != "STORE":
        raise StepRefused("ORDER_NOT_OF_A_SHOP", f"This order is of source {row.source}, not of a 微信小店.")
    [order_now] = await planning.tools.get(MiniProgramStoreAdapter, row.account).orders([row.native_id])
    if isinstance(order_now, NotFound):
        raise order_now
    return row, order_now


async def buyer(planning: Planning, row: AnyRow) -> str:
    """The member whose order it is, under whose key what is personal of it is sealed; empty where nobody knows."""
    of = await planning.database.one(select(identity.c.member).where(identity.c.id == row.identity))
    return "" if of is None else of.member or ""


async def read_again(ctx: StepContext, adapter: MiniProgramStoreAdapter, native: str) -> Order | None:
    """Read an order into our rows. None where it cannot be read now: its event or the next sync has it read again."""
    with suppress(UpstreamError):
        asking = ctx.projector.asking()
        [order] = await adapter.orders([native])
        if not isinstance(order, NotFound):
            await mini_program_store.orders(asking, [order], source="poll")
            return order
    return None


def fact(
    ctx: StepContext, kind: str, *, account: str, order: str, identity_id: str | None, reason: str | None = None
) -> Fact:
    """What was done with an order; nothing of what was written."""
    return Fact(
        kind=kind,
        occurred_at=ctx.now,
        source="own",
        source_key=f"{ctx.saga}:{ctx.key}",
        account=account,
        tool=TOOL,
        identity=identity_id,
        order_ref=order,
        reason=reason,
        payload={"transaction": ctx.saga},
    )
