"""Cash coupons (代金券) that the brand gives to a member, and that 微信支付 itself takes off what they pay."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec

from adapters.base.errors import NotFound, UpstreamError
from adapters.payments import CashCoupon, CashCouponSend, PaymentsAdapter
from gateway.events.projections import cash_coupons
from gateway.events.projector import Batch
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.gifts import must_be_allowed, openid_of, receiver
from gateway.transactions.steps import Delivery, Kind, StepContext, step


class Gift(msgspec.Struct, frozen=True):
    """What the client asked for: a coupon of a stock (批次) that ``mchid`` made, for a member."""

    member: str
    mchid: str
    stock_id: str
    purpose: str


class Send(msgspec.Struct, frozen=True):
    """The coupon to give, to one of our identities: the openid is read when it is sent."""

    mchid: str
    stock_id: str
    identity: str
    number: str
    member: str
    purpose: str


class Sent(msgspec.Struct, frozen=True):
    """The coupon in the member's hands, by the platform's number."""

    mchid: str
    coupon: str


async def _plan(planning: Planning, asked: Gift) -> Effect:
    adapter = planning.tools.get(PaymentsAdapter, asked.mchid or None)
    to = await receiver(planning, adapter, asked.member)
    intent = Send(adapter.account, asked.stock_id, to.identity, f"CC{planning.key}", asked.member, asked.purpose)
    return Effect(intent, values={"member": asked.member})


# KEYED: equal requests with one out_request_no are one coupon. A PIVOT: nothing takes it back.
@step(name="cash_coupon.send", tool="payments", kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def send(ctx: StepContext, intent: Send) -> Sent:
    """Put it into the member's wallet, through the gate. What the brand says of it is a message of its own."""
    about = Asked(
        purpose=Purpose(intent.purpose), channel=Channel.REWARD, key=f"cashCouponSend:{intent.number}",
        account=intent.mchid,
    )  # fmt: skip
    [decision] = await ctx.gate.decide(about, [intent.member])
    must_be_allowed(decision)
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    openid, appid = await openid_of(ctx.projector, intent.identity)
    number = await adapter.send_cash_coupon(CashCouponSend(intent.stock_id, appid, openid, intent.number))
    await _followed(ctx, adapter, intent, number, openid, appid)
    return Sent(intent.mchid, number)


async def _followed(
    ctx: StepContext, adapter: PaymentsAdapter, intent: Send, number: str, openid: str, appid: str
) -> None:
    """Its name, value and days are the platform's to say. Where it cannot be asked now, they stay unknown."""
    found: CashCoupon | NotFound | None = None
    with suppress(UpstreamError):
        found = await adapter.cash_coupon(openid, appid, number)
    told = found if isinstance(found, CashCoupon) else None

    async def record(batch: Batch) -> None:
        await cash_coupons.given(
            batch, intent.mchid, intent.stock_id, number, intent.identity, told, at=ctx.now
        )  # fmt: skip

    ctx.on_done.append(record)


SEND: Final = Action("cashCouponSend", send, _plan)
