"""What follows a payment: the coupon is written off, the guide hears of it, the ad platform too."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select

from adapters.base.errors import Conflict, Invalid, NotFound, Rejected, UpstreamError
from adapters.enterprise_chat import AppMessage, AppMessageKind, EnterpriseChatAdapter
from adapters.payments import Coupon, CouponState, CouponUse, PaymentsAdapter
from adapters.social_ads import Conversion, SocialAdsAdapter
from gateway.database.tables.dimensions import guide
from gateway.database.tables.members import identity
from gateway.database.tables.projections import purchase
from gateway.events.projections import payments, purchases
from gateway.events.projector import Batch
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions import coupons
from gateway.transactions.steps import Delivery, Kind, StepContext, StepSkipped, step

USE_COUPON, NOTIFY_GUIDE, REPORT_CONVERSION = "coupon.use", "guide.notify", "conversion.report"

#: The platform knows a repeated app message for four hours; we stop a little earlier.
MESSAGE_WINDOW = timedelta(hours=3, minutes=50)


class UseCoupon(msgspec.Struct, frozen=True):
    """The coupon as it was when the order was placed."""

    order: str
    coupon: Coupon
    request_no: str


class CouponSpent(msgspec.Struct, frozen=True):
    """``conflict`` says that it was not this order that used it; the discount stays all the same."""

    conflict: str | None = None


class NotifyGuide(msgspec.Struct, frozen=True):
    """A message to the guide of an order."""

    order: str
    number: str
    guide: str
    corpid: str
    userid: str
    text: str


class Notified(msgspec.Struct, frozen=True):
    """Accepted by the platform."""

    message_id: str


class ReportConversion(msgspec.Struct, frozen=True):
    """A purchase to report for an ad click."""

    order: str
    number: str
    identity: str
    appid: str
    openid: str
    click_id: str
    value: int


class Reported(msgspec.Struct, frozen=True):
    """Accepted; that it will be attributed to an ad is not promised."""

    account: str


async def _paid_at(ctx: StepContext, order: str) -> datetime:
    row = await ctx.projector.database.one(select(purchase.c.paid_at).where(purchase.c.id == order))
    if row is None or row.paid_at is None:
        raise RuntimeError(f"order {order} has a step of after its payment and is not paid")
    at: datetime = row.paid_at
    return at


@step(name=USE_COUPON, tool="payments", kind=Kind.RETRIABLE, delivery=Delivery.KEYED, personal=True)
async def use_coupon(ctx: StepContext, intent: UseCoupon) -> CouponSpent:
    """Write the coupon off (核销). Redeemed in a shop meanwhile, or past its validity: the shopper keeps the
    discount and the fact log has a conflict."""
    held, at = intent.coupon, await _paid_at(ctx, intent.order)
    use = CouponUse(held.stock_id, held.code, held.appid, held.openid, intent.request_no, at)
    conflict, used_at = None, ctx.now
    try:
        used_at = (await ctx.tools.get(PaymentsAdapter, held.mchid).use_coupon(use)).used_at
    except (Conflict, Rejected, NotFound) as error:
        conflict = error.reason

    async def record(batch: Batch) -> None:
        await coupons.spend(batch.connection, intent.order, used_at)
        await purchases.told(
            batch,
            intent.order,
            "coupon.used" if conflict is None else "coupon.conflict",
            used_at,
            intent.request_no,
            account=held.mchid,
            tool="payments",
            amount_fen=held.discount,
            reason=None if conflict is None else "COUPON_CONFLICT",
            payload={"stock": held.stock_id} | ({} if conflict is None else {"answer": conflict}),
        )

    ctx.on_done.append(record)
    if conflict is None:
        # 微信支付 calls nobody when a merchant writes off: our own projection follows by itself.
        await payments.coupons(ctx.projector, [replace(held, state=CouponState.USED, used_at=used_at)])
    return CouponSpent(conflict)


@step(
    name=NOTIFY_GUIDE,
    tool="enterprise_chat",
    kind=Kind.RETRIABLE,
    delivery=Delivery.KEYED,
    window=MESSAGE_WINDOW,
)
async def notify_guide(ctx: StepContext, intent: NotifyGuide) -> Notified:
    """Tell the guide, who is an employee, by an app message (应用消息)."""
    row = await ctx.projector.database.one(
        select(guide.c.state).where(guide.c.id == intent.guide, guide.c.valid_to.is_(None))
    )
    if row is None or row.state != "ACTIVE":
        raise StepSkipped("GUIDE_LEFT")
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    message = AppMessage((intent.userid,), AppMessageKind.TEXT, "", intent.text, "", intent.number)
    try:
        sent = await adapter.send_app_message(message)
    except (Rejected, Invalid, NotFound, Conflict) as error:
        await _message_facts(ctx, intent, error.reason)
        raise
    if intent.userid.lower() in sent.invalid_userids:
        await _message_facts(ctx, intent, "invalid_userid")
        raise Rejected("enterprise_chat", "invalid_userid", "The guide cannot be reached by this app.")

    async def record(batch: Batch) -> None:
        for kind in ("message.attempted", "message.accepted"):
            await _message_fact(batch, ctx, intent, kind, None)

    ctx.on_done.append(record)
    return Notified(sent.message_id)


async def _message_facts(ctx: StepContext, intent: NotifyGuide, reason: str) -> None:
    """What a refusal leaves in the log: its step has no outcome to be committed with. Nothing, where an attempt before
    this one may have sent it."""
    if ctx.repeated:
        return
    async with ctx.projector.batch() as batch:
        await _message_fact(batch, ctx, intent, "message.attempted", None)
        await _message_fact(batch, ctx, intent, "message.failed", reason)


async def _message_fact(batch: Batch, ctx: StepContext, intent: NotifyGuide, kind: str, reason: str | None) -> None:
    await purchases.told(
        batch,
        intent.order,
        kind,
        ctx.now,
        f"{intent.number}:{NOTIFY_GUIDE}",
        account=intent.corpid,
        tool="enterprise_chat",
        reason=reason,
        payload={"to": "guide"},
    )


@step(name=REPORT_CONVERSION, tool="social_ads", kind=Kind.RETRIABLE, delivery=Delivery.KEYED, personal=True)
async def report_conversion(ctx: StepContext, intent: ReportConversion) -> Reported:
    """Report the purchase (转化回传), if the shopper allows it now. Counted once per order number."""
    about = Asked(
        purpose=Purpose.AD_MATCHING,
        channel=Channel.SOCIAL_ADS,
        key=f"{REPORT_CONVERSION}:{intent.number}",
        order_ref=intent.order,
    )
    [decision] = await ctx.gate.decide(about, [await _member(ctx, intent.identity)])
    if decision.reason is not None:
        raise StepSkipped(decision.reason)
    at = await _paid_at(ctx, intent.order)
    # Which account a click id belongs to is written nowhere; accounts of one business unit share the data source.
    adapter = ctx.tools.get(SocialAdsAdapter)
    [outcome] = await adapter.report_conversions(
        [
            Conversion(
                action_type="PURCHASE",
                at=at,
                outer_action_id=intent.number,
                click_id=intent.click_id,
                wechat_openid=intent.openid,
                wechat_appid=intent.appid,
                value=intent.value,
            )
        ]
    )
    if isinstance(outcome, UpstreamError):
        raise outcome
    return Reported(adapter.account)


async def _member(ctx: StepContext, identity_id: str) -> str:
    """Whom the identity leads to now; an identity that is gone leads to nobody, whom the gate refuses."""
    row = await ctx.projector.database.one(select(identity.c.member).where(identity.c.id == identity_id))
    return "" if row is None else str(row.member)
