"""The steps of a refund (退款): asked for in our own book, done by the payment platform, then what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, select

from adapters.base.errors import NotFound, OutcomeUnknown
from adapters.payments import PaymentsAdapter, Refund, RefundIntent, RefundState
from gateway.database.facts import Source
from gateway.database.tables.facts import fact
from gateway.database.tables.projections import coupon, purchase, refund
from gateway.events.projections import payments, purchases
from gateway.events.projector import Batch, Projector
from gateway.transactions import stock
from gateway.transactions.order_steps import Nothing
from gateway.transactions.records import CouponRef
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, StepSkipped, StepWaits, step

REQUEST, SEND, SETTLE = "refund.request", "refund.send", "refund.settle"
RETURN_COUPON, RESTOCK = "coupon.return", "stock.restock"

#: At least so far apart are refunds of one order, by the platform's rule, and so many there are.
INTERVAL = timedelta(minutes=1)
MOST = 50
#: A bank that has not decided after so long is for a person to ask.
PATIENCE = timedelta(days=10)
#: Refunds that gave or may give money back.
STANDING = ("REQUESTED", "PROCESSING", "SUCCESS", "ABNORMAL", "UNKNOWN")
#: Nobody has got these goods.
_UNSHIPPED = ("PENDING", "READY")


class RequestRefund(msgspec.Struct, frozen=True):
    """So many fen of an order, under a number of ours."""

    order: str
    mchid: str
    out_trade_no: str
    number: str
    amount: int
    reason: str
    by: str


class SendRefund(msgspec.Struct, frozen=True):
    """What 微信支付 is told, each time."""

    mchid: str
    out_trade_no: str
    number: str
    reason: str
    notify_url: str
    amount: int
    total: int


class SettleRefund(msgspec.Struct, frozen=True):
    """The refund whose end is waited for."""

    order: str
    mchid: str
    number: str
    asked_at: datetime


class ReturnCoupon(msgspec.Struct, frozen=True):
    """The coupon that an order had used, for when all of it is refunded."""

    order: str
    coupon: CouponRef
    refund: str
    request_no: str


class Restock(msgspec.Struct, frozen=True):
    """Pieces that were sold and never handed out."""

    order: str
    mchid: str
    refund: str
    location: str
    pieces: dict[str, int]


class Settled(msgspec.Struct, frozen=True):
    """The money is back."""

    at: datetime


class Accepted(msgspec.Struct, frozen=True):
    """微信支付 has taken it on: that is not done yet."""

    refund_id: str


async def _forget(ctx: StepContext, intent: RequestRefund, outcome: Nothing | None) -> None:
    del outcome
    await payments.refund_given_up(ctx.batch, intent.mchid, intent.number)


@step(name=REQUEST, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_forget)
async def request_refund(ctx: StepContext, intent: RequestRefund) -> Nothing:
    """Write the refund, so that no other one can give the same money back."""
    connection = ctx.batch.connection
    # Locks the order: two refunds of it see each other.
    row = await purchases.locked(ctx.batch, intent.order)
    mine = (refund.c.mchid == intent.mchid, refund.c.out_trade_no == intent.out_trade_no, refund.c.state.in_(STANDING))
    given = int(await connection.scalar(select(func.coalesce(func.sum(refund.c.amount), 0)).where(*mine)) or 0)
    if row.state != "PAID":
        raise StepRefused("ORDER_NOT_REFUNDABLE", f"This order is {row.state}; only a paid one can be refunded.")
    if given + intent.amount > row.payable:
        left = row.payable - given
        raise StepRefused("REFUND_TOO_MUCH", f"{left} fen of this order can still go back.", refundable=left)
    await payments.refund_requested(ctx.batch, intent.mchid, intent.out_trade_no, intent.number, intent.amount)
    await purchases.told(
        ctx.batch,
        intent.order,
        "refund.requested",
        ctx.now,
        intent.number,
        account=intent.mchid,
        tool="payments",
        amount_fen=intent.amount,
        payload={"by": intent.by},
    )
    return Nothing()


async def _asked(ctx: StepContext, intent: SendRefund) -> Accepted | None:
    found = await ctx.tools.get(PaymentsAdapter, intent.mchid).refund_status(intent.number)
    return None if isinstance(found, NotFound) else Accepted(found.refund_id)


@step(name=SEND, tool="payments", kind=Kind.RETRIABLE, delivery=Delivery.KEYED, ask=_asked)
async def send_refund(ctx: StepContext, intent: SendRefund) -> Accepted:
    """Ask 微信支付 for the refund. One number gives its money back once, however often it is sent."""
    wanted = RefundIntent(
        intent.out_trade_no, intent.number, intent.reason, intent.notify_url, intent.amount, intent.total
    )
    answer = await ctx.tools.get(PaymentsAdapter, intent.mchid).refund(wanted)
    return Accepted(answer.refund_id)


async def apply(projector: Projector, mchid: str, found: Sequence[Refund], *, source: Source) -> None:
    """Refunds of one mchid as the platform has them, in payments and in the orders."""
    await payments.refunded(projector, found, source=source)
    async with projector.batch() as batch:
        await purchases.refunded(batch, mchid, [each.out_trade_no for each in found])


async def _settled(ctx: StepContext, intent: SettleRefund) -> Settled | None:
    found = await ctx.tools.get(PaymentsAdapter, intent.mchid).refund_status(intent.number)
    if isinstance(found, NotFound):
        raise OutcomeUnknown("payments", "refund_missing", "微信支付 does not know (yet) a refund that it accepted.")
    await apply(ctx.projector.asking(), intent.mchid, [found], source="poll")
    if found.state is RefundState.SUCCESS:
        return Settled(found.succeeded_at or ctx.now)
    if found.state is RefundState.CLOSED:
        raise StepRefused("REFUND_CLOSED", "微信支付 closed the refund; ask for it anew, under a new number.")
    if found.state is RefundState.ABNORMAL:
        raise StepRefused("REFUND_ABNORMAL", "The payer's account cannot take it: see refundRedirect.")
    if ctx.now - intent.asked_at > PATIENCE and ctx.now - await _tried_again(ctx, intent) > PATIENCE:
        raise StepRefused("REFUND_UNDECIDED", "The bank has not decided in ten days: ask 微信支付.")
    return None


async def _tried_again(ctx: StepContext, intent: SettleRefund) -> datetime:
    """When a person last had it tried again, such as by sending it to a card; else when it was asked for."""
    rows = await ctx.projector.database.fetch(
        select(fact.c.occurred_at, fact.c.payload).where(
            fact.c.order_ref == intent.order, fact.c.kind == "transaction.retried"
        )
    )
    mine = [row.occurred_at for row in rows if row.payload["transaction"] == ctx.saga]
    return max(mine, default=intent.asked_at)


@step(name=SETTLE, tool="payments", kind=Kind.RETRIABLE, delivery=Delivery.ASKABLE, ask=_settled)
async def settle_refund(ctx: StepContext, intent: SettleRefund) -> Settled:
    """The bank gives the money back: nothing that we do, only something that we learn."""
    found = await _settled(ctx, intent)
    if found is None:
        waited = ctx.now - intent.asked_at
        raise StepWaits(ctx.now + max(timedelta(minutes=1), min(waited, timedelta(hours=6))))
    return found


async def _need_all_back(projector: Projector, order: str) -> None:
    """What comes after a refund is for an order of which nothing is left. Which refund is the one that makes it so
    shows at its end only: another one, asked for before, may succeed after it, or never.
    """
    row = await projector.database.one(select(purchase.c.refunded, purchase.c.payable).where(purchase.c.id == order))
    if row is None or row.refunded < row.payable:
        # What has gone back does not come again: less of it had when an earlier attempt looked.
        raise StepSkipped("REFUNDED_IN_PART", decided=True)


@step(name=RETURN_COUPON, tool="payments", kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def return_coupon(ctx: StepContext, intent: ReturnCoupon) -> Settled:
    """Give the shopper the coupon back (退券), if it is still valid."""
    held = intent.coupon
    await _need_all_back(ctx.projector, intent.order)
    row = await ctx.projector.database.one(
        select(coupon.c.expires_at).where(
            coupon.c.mchid == held.mchid, coupon.c.stock_id == held.stock_id, coupon.c.code == held.code
        )
    )
    if row is None or row.expires_at is None or row.expires_at <= ctx.now:
        raise StepSkipped("COUPON_EXPIRED")
    adapter = ctx.tools.get(PaymentsAdapter, held.mchid)
    at = await adapter.return_coupon(held.stock_id, held.code, intent.request_no)

    async def record(batch: Batch) -> None:
        await purchases.coupon_returned(batch, intent.order, held.mchid, held.stock_id, held.code, at=at)

    ctx.on_done.append(record)
    return Settled(at)


@step(name=RESTOCK, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def restock(ctx: StepContext, intent: Restock) -> Settled:
    """Pieces of a wholly refunded order that nobody has got are for sale again."""
    await _need_all_back(ctx.projector, intent.order)

    async def record(batch: Batch) -> None:
        if await purchases.cancelled(batch, intent.order, _UNSHIPPED):
            await stock.put_back(batch.connection, intent.location, intent.pieces, batch.as_of)

    ctx.on_done.append(record)
    return Settled(ctx.now)
