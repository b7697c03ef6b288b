"""Merchant coupons (商家券) that the brand gives to a member, and that its tills write off or give back."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import NotFound, Rejected, UpstreamError
from adapters.payments import COUPONS_PER_CALL, CouponSend, CouponState, CouponUse, PaymentsAdapter
from gateway.database.rows import AnyRow
from gateway.database.tables.dimensions import store
from gateway.database.tables.projections import coupon
from gateway.database.tables.stock import coupon_lock
from gateway.events.projections import coupons, payments
from gateway.events.projector import Batch
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.gifts import must_be_allowed, openid_of, receiver
from gateway.transactions.records import CouponRef
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step


class Gift(msgspec.Struct, frozen=True):
    """What the client asked for: a coupon of a stock (批次), for a member. ``mchid`` is the stock's owner."""

    member: str
    mchid: str
    stock_id: str
    purpose: str = Purpose.MARKETING


class Till(msgspec.Struct, frozen=True):
    """A coupon that a till takes or gives back; ``store`` is empty where that is not said."""

    coupon: CouponRef
    store: str = ""


class Issue(msgspec.Struct, frozen=True):
    """The coupon to give, to one of our identities: the openid is read when it is sent."""

    mchid: str
    stock_id: str
    identity: str
    number: str
    member: str
    purpose: str


class Use(msgspec.Struct, frozen=True):
    """The write-off. All that the platform compares between repetitions is here, or of the identity for good."""

    held: CouponRef
    identity: str
    store: str
    number: str
    at: datetime


class Return(msgspec.Struct, frozen=True):
    """The coupon that becomes the shopper's again."""

    held: CouponRef
    store: str
    number: str


class Issued(msgspec.Struct, frozen=True):
    """By ``mchid``'s stock. ``code`` is empty where the platform does not say it; the member's coupons do."""

    code: str
    mchid: str = ""


class Moved(msgspec.Struct, frozen=True):
    """When the platform did it."""

    at: datetime


# Issuing ------------------------------------------------------------------------------------------


async def _plan_issue(planning: Planning, asked: Gift) -> Effect:
    adapter = planning.tools.get(PaymentsAdapter, asked.mchid or None)
    to = await receiver(planning, adapter, asked.member)
    intent = Issue(adapter.account, asked.stock_id, to.identity, f"CI{planning.key}", asked.member, asked.purpose)
    return Effect(intent, values={"member": asked.member})


def _about(intent: Issue) -> Asked:
    key = f"couponIssue:{intent.number}"
    return Asked(purpose=Purpose(intent.purpose), channel=Channel.REWARD, key=key, account=intent.mchid)


async def _deactivate(ctx: StepContext, intent: Issue, outcome: Issued | None) -> None:
    """使券失效. Raises StepRefused for a code that nobody knows, and what the platform says of a used coupon."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    if outcome is None:
        # Nobody knows whether it was given: by its number it is given once, and then it is known. Of a member who
        # allows it no more a person has to find it out.
        must_be_allowed((await ctx.gate.decide(_about(intent), [intent.member]))[0])
        with suppress(Rejected, NotFound):
            openid, appid = await openid_of(ctx.projector, intent.identity)
            sent = await adapter.send_coupon(CouponSend(intent.stock_id, appid, openid, intent.number))
            outcome = Issued(sent.code, intent.mchid)
    if outcome is None:
        return
    if not outcome.code:
        raise StepRefused("COUPON_UNKNOWN", "The platform did not say which coupon it gave; deactivate it by hand.")
    await adapter.deactivate_coupon(intent.stock_id, outcome.code, f"CD{intent.number}")
    await _followed(ctx, adapter, intent, outcome.code)


# KEYED: equal requests with one out_request_no are one coupon, for good.
@step(name="coupon.issue", tool="payments", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_deactivate)
async def issue(ctx: StepContext, intent: Issue) -> Issued:
    """Put a coupon into the member's card pack (卡包). What the brand says of it is a message of its own."""
    [decision] = await ctx.gate.decide(_about(intent), [intent.member])
    must_be_allowed(decision)
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    openid, appid = await openid_of(ctx.projector, intent.identity)
    sent = await adapter.send_coupon(CouponSend(intent.stock_id, appid, openid, intent.number))
    await _followed(ctx, adapter, intent, sent.code)
    return Issued(sent.code, intent.mchid)


async def _followed(ctx: StepContext, adapter: PaymentsAdapter, intent: Issue, code: str) -> None:
    """Read the coupon into our rows: its validity is the platform's to say. Where it cannot be read now, the next
    sync of coupons does."""
    openid, appid = await openid_of(ctx.projector, intent.identity)
    asking = ctx.projector.asking()
    with suppress(UpstreamError):
        if not code:
            page = await adapter.coupons(openid, appid, state=CouponState.USABLE, limit=COUPONS_PER_CALL)
            await payments.coupons(asking, page.items)
            return
        found = await adapter.coupon(openid, appid, code)
        if not isinstance(found, NotFound):
            await payments.coupons(asking, [found])


# At the till --------------------------------------------------------------------------------------


async def _at_till(planning: Planning, asked: Till, wanted: str) -> AnyRow:
    """The coupon's row, in the wanted state and no order's. Raises StepRefused."""
    ref = asked.coupon
    if asked.store:
        place = select(store.c.id).where(store.c.id == asked.store, store.c.valid_to.is_(None))
        if await planning.database.one(place) is None:
            raise StepRefused("LOCATION_UNKNOWN", f"There is no store {asked.store!r}.")
    row = await planning.database.one(
        select(coupon.c.identity, coupon.c.state).where(
            coupon.c.mchid == ref.mchid, coupon.c.stock_id == ref.stock_id, coupon.c.code == ref.code
        )
    )
    if row is None:
        raise StepRefused("COUPON_UNKNOWN", "There is no such coupon; take it from the member's coupons.")
    lock = select(coupon_lock.c.purchase).where(
        coupon_lock.c.mchid == ref.mchid, coupon_lock.c.stock_id == ref.stock_id, coupon_lock.c.code == ref.code
    )
    if await planning.database.one(lock) is not None:
        raise StepRefused("COUPON_LOCKED", "An order holds this coupon; it is free when the order ends or is refunded.")
    if row.state != wanted:
        raise StepRefused("COUPON_UNUSABLE", f"This coupon is {row.state}, not {wanted}.", reason=row.state)
    return row


async def _plan_use(planning: Planning, asked: Till) -> Effect:
    row = await _at_till(planning, asked, "USABLE")
    at = planning.projector.clock.now().replace(microsecond=0)
    return Effect(Use(asked.coupon, row.identity, asked.store, f"CU{planning.key}", at))


async def _unuse(ctx: StepContext, intent: Use, outcome: Moved | None) -> None:
    """Give it back (退券)."""
    adapter, held = ctx.tools.get(PaymentsAdapter, intent.held.mchid), intent.held
    if outcome is None:
        openid, appid = await openid_of(ctx.projector, intent.identity)
        try:
            # Nobody knows whether it was used: by its number it is used once.
            await adapter.use_coupon(CouponUse(held.stock_id, held.code, appid, openid, intent.number, intent.at))
        except UpstreamError as error:
            if isinstance(error, Rejected | NotFound):
                return
            raise
    number = f"CR{intent.number}"
    at = await adapter.return_coupon(held.stock_id, held.code, number)
    async with ctx.projector.batch() as batch:
        await coupons.moved(batch, "coupon.returned", held.mchid, held.stock_id, held.code, at=at, key=number)


@step(name="coupon.redeem", tool="payments", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_unuse)
async def redeem(ctx: StepContext, intent: Use) -> Moved:
    """Write it off (核销) for what a till sold."""
    held = intent.held
    openid, appid = await openid_of(ctx.projector, intent.identity)
    use = CouponUse(held.stock_id, held.code, appid, openid, intent.number, intent.at)
    used = await ctx.tools.get(PaymentsAdapter, held.mchid).use_coupon(use)

    async def record(batch: Batch) -> None:
        await coupons.moved(
            batch, "coupon.used", held.mchid, held.stock_id, held.code,
            at=used.used_at, key=intent.number, store=intent.store or None,
        )  # fmt: skip

    ctx.on_done.append(record)
    return Moved(used.used_at)


async def _plan_return(planning: Planning, asked: Till) -> Effect:
    await _at_till(planning, asked, "USED")
    return Effect(Return(asked.coupon, asked.store, f"CR{planning.key}"))


@step(name="coupon.give_back", tool="payments", kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def give_back(ctx: StepContext, intent: Return) -> Moved:
    """Make it the shopper's again (退券): what it was used for came back."""
    held = intent.held
    at = await ctx.tools.get(PaymentsAdapter, held.mchid).return_coupon(held.stock_id, held.code, intent.number)

    async def record(batch: Batch) -> None:
        await coupons.moved(
            batch, "coupon.returned", held.mchid, held.stock_id, held.code,
            at=at, key=intent.number, store=intent.store or None,
        )  # fmt: skip

    ctx.on_done.append(record)
    return Moved(at)


AtTill = Action[Till, Moved]
ISSUE: Final = Action("couponIssue", issue, _plan_issue)
USE: Final[AtTill] = Action("couponUse", redeem, _plan_use)
RETURN: Final[AtTill] = Action("couponReturn", give_back, _plan_return)
