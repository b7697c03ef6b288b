"""The steps of a checkout before the payment, and the payment itself."""

from __future__ import annotations

import secrets
from datetime import datetime

import msgspec
from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.payments import PaymentsAdapter
from gateway.database.tables.sagas import saga
from gateway.events.projections import purchases
from gateway.events.projections.purchases import OwnOrder
from gateway.transactions import coupons, stock
from gateway.transactions.records import CouponRef
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

RESERVE, PLACE, PREPAY, CODE, PAYMENT = (
    "stock.reserve", "order.place", "payment.prepay", "payment.code", "payment.capture",
)  # fmt: skip
#: Under this name a checkout that somebody cancelled keeps who did.
CANCELLED = "cancelled"


class Nothing(msgspec.Struct, frozen=True):
    """An outcome that says no more than that it happened."""


class ReserveStock(msgspec.Struct, frozen=True):
    """Pieces by sku, at a location."""

    location: str
    pieces: dict[str, int]


class PlaceOrder(msgspec.Struct, frozen=True):
    """The order, and the coupon that it holds. ``off`` is what the coupon takes off, fen."""

    order: OwnOrder
    expires_at: datetime
    coupon: CouponRef | None = None
    off: int = 0


class Prepay(msgspec.Struct, frozen=True):
    """The exact bytes that 微信支付 gets, each time."""

    mchid: str
    appid: str
    number: str
    body: bytes


class PrepaidAt(msgspec.Struct, frozen=True):
    """A prepay that was accepted, and when."""

    prepay_id: str
    at: datetime


class CodeAt(msgspec.Struct, frozen=True):
    """A code to scan (Native), and when it was made."""

    url: str
    at: datetime


class Payable(msgspec.Struct, frozen=True):
    """The payment that an order waits for: what a captured one must match."""

    mchid: str
    appid: str
    number: str
    order: str
    total: int


class Captured(msgspec.Struct, frozen=True):
    """The money is in. ``transaction_id`` is None for an order of 0 fen."""

    at: datetime
    payer_total: int
    transaction_id: str | None


async def _release(ctx: StepContext, intent: ReserveStock, outcome: Nothing | None) -> None:
    del outcome
    await stock.release(ctx.batch.connection, intent.location, intent.pieces, ctx.now)


@step(name=RESERVE, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_release)
async def reserve_stock(ctx: StepContext, intent: ReserveStock) -> Nothing:
    """Reserve every piece or none."""
    short = await stock.reserve(ctx.batch.connection, intent.location, intent.pieces, ctx.now)
    if short:
        raise StepRefused(
            "OUT_OF_STOCK", f"Not enough pieces of {', '.join(short)}; take fewer.", retryable=True, skus=short
        )
    return Nothing()


async def _close(ctx: StepContext, intent: PlaceOrder, outcome: Nothing | None) -> None:
    del outcome
    await coupons.unlock(ctx.batch.connection, intent.order.id)
    reason = "EXPIRED" if ctx.now >= intent.expires_at else "FAILED"
    known = await ctx.batch.connection.scalar(select(saga.c.input).where(saga.c.id == ctx.saga))
    if CANCELLED in (known or {}):
        reason = "CANCELLED"
    await purchases.closed(ctx.batch, intent.order.id, at=ctx.now, reason=reason)


@step(name=PLACE, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_close)
async def place_order(ctx: StepContext, intent: PlaceOrder) -> Nothing:
    """Write the order and hold its coupon, in one commit."""
    order, coupon = intent.order, intent.coupon
    # Made here and not in the intent: it is personal, and what undoes an order must outlive its shopper.
    code = f"{secrets.randbelow(10**8):08d}" if order.method == "PICKUP" else None
    await purchases.placed(ctx.batch, order, code)
    if coupon is not None:
        if not await coupons.lock(ctx.batch.connection, coupon, order.id, ctx.now, intent.expires_at):
            raise StepRefused("COUPON_LOCKED", "Another order of yours holds this coupon; pay or let it expire.")
        await purchases.told(
            ctx.batch,
            order.id,
            "coupon.locked",
            ctx.now,
            f"{order.number}:{coupon.code}",
            account=coupon.mchid,
            tool="payments",
            amount_fen=intent.off,
            payload={"stock": coupon.stock_id, "until": intent.expires_at.isoformat()},
        )
    return Nothing()


async def _close_payment(ctx: StepContext, intent: Prepay, outcome: PrepaidAt | CodeAt | None) -> None:
    del outcome
    try:
        await ctx.tools.get(PaymentsAdapter, intent.mchid).close(intent.number)
    except NotFound:
        # The prepay never arrived: there is nothing that anybody could pay.
        return


@step(
    name=PREPAY,
    tool="payments",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_close_payment,
    personal=True,
)
async def prepay(ctx: StepContext, intent: Prepay) -> PrepaidAt:
    """Ask 微信支付 for a prepay_id. The same bytes under the same number are one order."""
    accepted = await ctx.tools.get(PaymentsAdapter, intent.mchid).prepay(intent.body)
    return PrepaidAt(accepted.prepay_id, ctx.now)


@step(
    name=CODE,
    tool="payments",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_close_payment,
    personal=True,
)
async def prepay_code(ctx: StepContext, intent: Prepay) -> CodeAt:
    """Ask 微信支付 for a code to scan instead (Native下单). Who pays is not known before they have."""
    accepted = await ctx.tools.get(PaymentsAdapter, intent.mchid).prepay_code(intent.body)
    return CodeAt(accepted.url, ctx.now)


async def _ask(ctx: StepContext, intent: Payable) -> Captured | None:
    found = await ctx.tools.get(PaymentsAdapter, intent.mchid).payment(intent.number)
    if isinstance(found, NotFound) or not found.state.paid or found.paid_at is None:
        return None
    return Captured(found.paid_at, found.payer_total or 0, found.transaction_id)


@step(name=PAYMENT, tool="payments", kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_ask)
async def capture(ctx: StepContext, intent: Payable) -> Captured:
    """The shopper pays, on the phone: nothing that we do, only something that we learn."""
    raise StepRefused("NOT_OURS", f"Order {intent.order} is paid by its shopper; sync it instead.")
