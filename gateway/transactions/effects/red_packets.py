"""Red packets (红包): money that a member is offered by 商家转账, and has only once they confirmed it.

https://pay.weixin.qq.com/doc/v3/merchant/4012716434

A number pays once; another number may pay again. So whatever is not an answer is followed by the question what became
of this number, and only the same number is ever sent again: its answer alone tells the ``package`` of an offer that
stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import Invalid, NotFound, OutcomeUnknown, UpstreamError
from adapters.payments import (
    SCENE_REPORTS,
    TRANSFER_LEAST,
    TRANSFER_REMARK_LENGTH,
    PaymentsAdapter,
    Transfer,
    TransferAccepted,
    TransferIntent,
    TransferState,
)
from gateway.database.tables.rewards import red_packet
from gateway.events.projections import red_packets
from gateway.events.projector import Batch
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions import parties
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.gifts import must_be_allowed, openid_of, receiver
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: The name by which the platform knows what the money is for, in the report of the scene 现金营销.
ACTIVITY: Final = "活动名称"
#: Nobody can take money of these any more.
_OVER: Final = frozenset({TransferState.FAIL, TransferState.CANCELLED, TransferState.CANCELLING})
_CONFIRMED: Final = frozenset({TransferState.TRANSFERRING, TransferState.SUCCESS})


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: ``amount`` fen to a member. ``report`` is 场景报备信息, info_type → content."""

    member: str
    amount: int
    scene: str
    report: Mapping[str, str]
    remark: str
    purpose: str
    mchid: str = ""
    appid: str = ""


class Offer(msgspec.Struct, frozen=True):
    """What the platform is asked, each time; the openid is read when it is sent. ``daily`` is the limit, in fen."""

    mchid: str
    number: str
    appid: str
    identity: str
    member: str
    purpose: str
    amount: int
    scene: str
    report: Mapping[str, str]
    remark: str
    notify_url: str
    daily: int


class Offered(msgspec.Struct, frozen=True):
    """It is known to the platform under this number. Nothing is paid: the row says where it stands."""

    mchid: str
    number: str


class Taken(msgspec.Struct, frozen=True):
    """The red packet that is taken back."""

    mchid: str
    number: str


# Offering -----------------------------------------------------------------------------------------


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    rules = planning.settings.rewards
    if asked.amount < TRANSFER_LEAST:
        raise StepRefused("BAD_USER_INPUT", f"amount is {asked.amount}: give {TRANSFER_LEAST} fen at least.")
    if asked.amount > rules.most:
        raise StepRefused(
            "REWARD_LIMIT", f"One red packet may have {rules.most} fen (setting rewards.most).", left=rules.most
        )
    if not 1 <= len(asked.remark) <= TRANSFER_REMARK_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"remark must have 1 to {TRANSFER_REMARK_LENGTH} characters.")
    wanted = SCENE_REPORTS.get(asked.scene)
    if (wanted is not None and set(asked.report) != wanted) or not all(asked.report.values()):
        named = "、".join(sorted(wanted or asked.report))
        raise StepRefused("BAD_USER_INPUT", f"report must say, of this scene, exactly {named}.")
    adapter = planning.tools.get(PaymentsAdapter, asked.mchid or None)
    to = await receiver(planning, adapter, asked.member, asked.appid)
    intent = Offer(
        adapter.account,
        # Letters and digits, and never the number of another one.
        f"RP{planning.key}",
        to.appid,
        to.identity,
        asked.member,
        asked.purpose,
        asked.amount,
        asked.scene,
        asked.report,
        asked.remark,
        parties.notify_url(planning.tools, planning.settings, adapter),
        rules.daily,
    )
    return Effect(intent, values={"member": asked.member, "mchid": adapter.account, "number": intent.number})


def _row(ctx: StepContext, intent: Offer) -> dict[str, object]:
    return {
        "mchid": intent.mchid,
        "out_bill_no": intent.number,
        "saga": ctx.saga,
        "identity": intent.identity,
        "appid": intent.appid,
        "scene": intent.scene,
        "name": intent.report.get(ACTIVITY) or intent.remark,
        "amount": intent.amount,
        "asked_at": ctx.now,
    }


async def _asked(ctx: StepContext, intent: Offer) -> Offered | None:
    """None also of an offer that waits: the same number again is the same offer, and tells its package."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    found = await adapter.transfer_status(intent.number)
    if isinstance(found, NotFound) or found.state is TransferState.WAIT_USER_CONFIRM:
        return None
    return _known(ctx, intent, found)


def _known(ctx: StepContext, intent: Offer, found: Transfer) -> Offered:
    """It stands, and the shopper or the platform has gone on with it."""

    async def follow(batch: Batch) -> None:
        # Its row is gone where a later attempt was refused before the platform showed that this one stands.
        await red_packets.stands(batch, _row(ctx, intent))
        await red_packets.moved(batch, found, source="poll")

    ctx.on_done.append(follow)
    return Offered(intent.mchid, intent.number)


async def _withdraw(ctx: StepContext, intent: Offer, outcome: Offered | None) -> None:
    """撤销转账, as long as the shopper has not confirmed. Raises StepRefused once they have."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    found = await adapter.transfer_status(intent.number)
    if isinstance(found, NotFound):
        if outcome is not None:
            raise StepRefused("RED_PACKET_UNKNOWN", "The platform knows no such transfer any more; ask the merchant.")
        async with ctx.projector.batch() as batch:
            await red_packets.never_offered(batch, intent.mchid, intent.number)
        return
    if found.state not in _OVER | _CONFIRMED:
        found = replace(found, state=await adapter.cancel_transfer(intent.number), updated_at=ctx.now)
    await red_packets.told(ctx.projector, [found], source="own")
    if found.state in _CONFIRMED:
        raise StepRefused("RED_PACKET_CONFIRMED", "The member has confirmed it: the money cannot be taken back.")


# KEYED, and asked about first: one out_bill_no is one transfer. COMPENSATABLE as far as the platform allows: it is
# cancelled while it waits; of one that was confirmed meanwhile the undoing fails, and a person looks.
@step(
    name="red_packet.offer",
    tool="payments",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    ask=_asked,
    undo=_withdraw,
)
async def offer(ctx: StepContext, intent: Offer) -> Offered:
    """Through the gate and under the daily limit in one commit, then to the platform. Nobody is paid by it."""
    async with ctx.projector.batch() as batch:
        [decision] = await ctx.gate.decide(about(intent), [intent.member], batch=batch)
        left = None
        if decision.allowed:
            left = await red_packets.reserve(batch, _row(ctx, intent), decision.member, intent.daily)
    must_be_allowed(decision)
    if left is not None:
        raise StepRefused(
            "REWARD_LIMIT", f"The member may get {left} fen more today (setting rewards.daily).", left=left
        )
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    try:
        openid, appid = await openid_of(ctx.projector, intent.identity)
        accepted = await adapter.send_transfer(asked_of_platform(intent, openid, appid))
    except OutcomeUnknown:
        raise
    except (StepRefused, UpstreamError) as refusal:
        found = await _stands(ctx, adapter, intent, refusal)
        if found is not None:
            return _known(ctx, intent, found)
        raise
    return _offered(ctx, intent, accepted)


def about(intent: Offer) -> Asked:
    """What the gate is asked, each time."""
    return Asked(
        purpose=Purpose(intent.purpose), channel=Channel.REWARD, key=f"redPacketSend:{intent.number}",
        account=intent.mchid,
    )  # fmt: skip


def asked_of_platform(intent: Offer, openid: str, appid: str) -> TransferIntent:
    """The same each time, so that the same number is the same offer."""
    return TransferIntent(
        appid,
        openid,
        intent.number,
        intent.scene,
        intent.amount,
        intent.remark,
        intent.notify_url,
        intent.report,
    )


def _offered(ctx: StepContext, intent: Offer, accepted: TransferAccepted) -> Offered:
    async def follow(batch: Batch) -> None:
        await red_packets.offered(batch, accepted, ctx.now)

    ctx.on_done.append(follow)
    return Offered(intent.mchid, intent.number)


async def _stands(ctx: StepContext, adapter: PaymentsAdapter, intent: Offer, refusal: Exception) -> Transfer | None:
    """After a refusal: the transfer of this number, if an earlier attempt made one; else its place is free again.

    Raises OutcomeUnknown where the platform does not say.
    """
    found: Transfer | NotFound | None = None
    # What is wrong in itself was never taken on; of an erased shopper's an earlier attempt may have been.
    if not isinstance(refusal, Invalid):
        try:
            found = await adapter.transfer_status(intent.number)
        except UpstreamError as error:
            raise OutcomeUnknown(
                "payments", "transfer_undecided", "A transfer was refused, and whether its number stands is not known."
            ) from error
    if isinstance(found, Transfer):
        return found
    async with ctx.projector.batch() as batch:
        await red_packets.never_offered(batch, intent.mchid, intent.number)
    return None


# Taking back --------------------------------------------------------------------------------------


async def _plan_cancel(planning: Planning, asked: Taken) -> Effect:
    row = await planning.database.one(
        select(red_packet.c.state).where(red_packet.c.mchid == asked.mchid, red_packet.c.out_bill_no == asked.number)
    )
    if row is None:
        raise StepRefused("RED_PACKET_UNKNOWN", "There is no such red packet; take it from redPackets.")
    if row.state not in {"CHECKING", "WAIT_USER_CONFIRM"}:
        raise StepRefused(
            "RED_PACKET_NOT_WAITING", f"This red packet is {row.state}: nothing waits to be confirmed.", state=row.state
        )
    return Effect(asked, values={"mchid": asked.mchid, "number": asked.number})


# KEYED: cancelling is the same however often it is asked for. A PIVOT: nothing makes it wait again.
@step(name="red_packet.cancel", tool="payments", kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def cancel(ctx: StepContext, intent: Taken) -> Offered:
    """撤销转账. Accepted is not done: it is CANCELLING until the money is back, which the platform tells."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    try:
        state = await adapter.cancel_transfer(intent.number)
    except OutcomeUnknown:
        raise
    except UpstreamError:
        # Confirmed or closed in this very moment: its row shall say so.
        found = await adapter.transfer_status(intent.number)
        if not isinstance(found, NotFound):
            await red_packets.told(ctx.projector, [found], source="poll")
        raise

    async def follow(batch: Batch) -> None:
        await red_packets.cancelled(batch, intent.mchid, intent.number, state, ctx.now)

    ctx.on_done.append(follow)
    return Offered(intent.mchid, intent.number)


SEND: Final = Action("redPacketSend", offer, _plan)
CANCEL: Final = Action("redPacketCancel", cancel, _plan_cancel)
