"""Stocks of cash coupons (代金券批次): started, paused, started again.

The platform has no key for any of them, and all are told by the stock's own state: what is lost is read, not repeated.
"""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.payments import CashStockState, PaymentsAdapter
from gateway.database.facts import Fact
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "payments"
#: Either of the two leads to the other.
_SWITCHED: Final = frozenset({CashStockState.RUNNING, CashStockState.PAUSED})


class Asked(msgspec.Struct, frozen=True):
    """What the client asked for: a stock of ``mchid``'s own, empty for the first merchant of the settings."""

    mchid: str
    stock_id: str


class Stock(msgspec.Struct, frozen=True):
    """The stock, by the platform's number. The intent, and the outcome."""

    mchid: str
    stock_id: str


async def _planned(planning: Planning, asked: Asked, before: CashStockState) -> Effect:
    """Raises StepRefused for a stock that is not ``before``: what was not done here must not be undone here."""
    adapter = planning.tools.get(PaymentsAdapter, asked.mchid or None)
    found = await adapter.cash_stock(asked.stock_id)
    if isinstance(found, NotFound):
        raise found
    if found.state is not before:
        raise StepRefused(
            "CASH_STOCK_STATE",
            f"This stock is {found.state.name}: it would have to be {before.name}.",
            state=found.state.name,
        )
    intent = Stock(adapter.account, asked.stock_id)
    return Effect(intent, values={"mchid": intent.mchid, "stock": intent.stock_id})


async def _plan_start(planning: Planning, asked: Asked) -> Effect:
    return await _planned(planning, asked, CashStockState.UNACTIVATED)


async def _plan_pause(planning: Planning, asked: Asked) -> Effect:
    return await _planned(planning, asked, CashStockState.RUNNING)


async def _plan_restart(planning: Planning, asked: Asked) -> Effect:
    return await _planned(planning, asked, CashStockState.PAUSED)


async def _is(ctx: StepContext, intent: Stock, state: CashStockState) -> Stock | None:
    found = await ctx.tools.get(PaymentsAdapter, intent.mchid).cash_stock(intent.stock_id)
    if isinstance(found, NotFound) or found.state is not state:
        return None
    _tell(ctx, intent, state)
    return intent


async def _runs(ctx: StepContext, intent: Stock) -> Stock | None:
    return await _is(ctx, intent, CashStockState.RUNNING)


async def _rests(ctx: StepContext, intent: Stock) -> Stock | None:
    return await _is(ctx, intent, CashStockState.PAUSED)


async def _run_again(ctx: StepContext, intent: Stock, outcome: Stock | None) -> None:
    """Also where nobody knows whether it was paused: it ran before. What somebody has ended since stays as it is."""
    del outcome
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    state = await _state(adapter, intent)
    if state is CashStockState.PAUSED:
        await adapter.restart_cash_stock(intent.stock_id)
    if state in _SWITCHED:
        _tell(ctx, intent, CashStockState.RUNNING, undone=True)


async def _pause_again(ctx: StepContext, intent: Stock, outcome: Stock | None) -> None:
    del outcome
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    state = await _state(adapter, intent)
    if state is CashStockState.RUNNING:
        await adapter.pause_cash_stock(intent.stock_id)
    if state in _SWITCHED:
        _tell(ctx, intent, CashStockState.PAUSED, undone=True)


async def _state(adapter: PaymentsAdapter, intent: Stock) -> CashStockState:
    found = await adapter.cash_stock(intent.stock_id)
    if isinstance(found, NotFound):
        raise found
    return found.state


# A PIVOT: what was sent is in shoppers' hands, and nothing makes it a stock that was never started.
@step(name="cash_stock.start", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_runs)
async def start(ctx: StepContext, intent: Stock) -> Stock:
    """Let coupons of it be sent (激活)."""
    await ctx.tools.get(PaymentsAdapter, intent.mchid).start_cash_stock(intent.stock_id)
    _tell(ctx, intent, CashStockState.RUNNING)
    return intent


@step(
    name="cash_stock.pause", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.ASKABLE, ask=_rests, undo=_run_again
)  # fmt: skip
async def pause(ctx: StepContext, intent: Stock) -> Stock:
    """Send no more of it for now (暂停). What shoppers hold stays good."""
    await ctx.tools.get(PaymentsAdapter, intent.mchid).pause_cash_stock(intent.stock_id)
    _tell(ctx, intent, CashStockState.PAUSED)
    return intent


@step(
    name="cash_stock.restart", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.ASKABLE, ask=_runs,
    undo=_pause_again,
)  # fmt: skip
async def restart(ctx: StepContext, intent: Stock) -> Stock:
    """Send of it again (重启)."""
    await ctx.tools.get(PaymentsAdapter, intent.mchid).restart_cash_stock(intent.stock_id)
    _tell(ctx, intent, CashStockState.RUNNING)
    return intent


def _tell(ctx: StepContext, intent: Stock, state: CashStockState, *, undone: bool = False) -> None:
    ctx.facts.append(
        Fact(
            kind="cash_stock.paused" if state is CashStockState.PAUSED else "cash_stock.started",
            occurred_at=ctx.now,
            source="own",
            source_key=f"{ctx.saga}:{ctx.key}",
            account=intent.mchid,
            tool=TOOL,
            reason="UNDONE" if undone else None,
            payload={"stock": intent.stock_id, "transaction": ctx.saga},
        )
    )


Switch = Action[Asked, Stock]
START: Final[Switch] = Action("cashStockStart", start, _plan_start)
PAUSE: Final[Switch] = Action("cashStockPause", pause, _plan_pause)
RESTART: Final[Switch] = Action("cashStockRestart", restart, _plan_restart)
