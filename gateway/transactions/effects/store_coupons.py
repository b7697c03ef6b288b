"""Coupons of a shop (小店优惠券): written, published (生效), taken back (作废) and deleted.

Shoppers take them in the shop; the platform has no call that gives one to somebody. We keep no rows of them: they are
read when they are asked for.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.mini_program_store import (
    CouponKind,
    CouponOffer,
    CouponStatus,
    MiniProgramStoreAdapter,
    StoreCoupon,
)
from gateway.database.facts import Fact
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.overtaking import made_by_others, must_not_be_overtaken
from gateway.transactions.effects.product_drafts import shop_of
from gateway.transactions.effects.shelves import TOOL
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: The platform's: characters of a name, fen, pieces, of a person, days.
NAME: Final = 10
MOST_OFF: Final = 10_000_000
MOST_COUPONS: Final = 100_000_000
MOST_PER_PERSON: Final = 100
MOST_DAYS: Final = 3_650
#: Ours: products of one coupon, and characters of its notes.
MOST_PRODUCTS: Final = 100
NOTES: Final = 200

_SHARES: Final = frozenset(
    {
        CouponKind.PRODUCT_CONDITIONAL_DISCOUNT,
        CouponKind.PRODUCT_DISCOUNT,
        CouponKind.STORE_CONDITIONAL_DISCOUNT,
        CouponKind.STORE_DISCOUNT,
    }
)
_CONDITIONAL: Final = frozenset(
    {
        CouponKind.PRODUCT_CONDITIONAL_DISCOUNT,
        CouponKind.PRODUCT_THRESHOLD_OFF,
        CouponKind.STORE_CONDITIONAL_DISCOUNT,
        CouponKind.STORE_THRESHOLD_OFF,
    }
)
#: From where a coupon can come to a state.
_FROM: Final = {
    CouponStatus.ACTIVE: frozenset({CouponStatus.EDITING}),
    CouponStatus.VOID: frozenset({CouponStatus.ACTIVE}),
    CouponStatus.DELETED: frozenset({CouponStatus.EDITING, CouponStatus.EXPIRED, CouponStatus.VOID}),
}


class New(msgspec.Struct, frozen=True):
    """What the client asked for; ``account`` an appid, or empty: the first shop of the settings."""

    account: str
    offer: CouponOffer


class Other(msgspec.Struct, frozen=True):
    """What a coupon that nobody can take yet is to say instead. Asked for, and the intent."""

    appid: str
    coupon: str
    offer: CouponOffer


class Make(msgspec.Struct, frozen=True):
    """The coupon to write; ``known`` are those that were being edited before it."""

    appid: str
    offer: CouponOffer
    known: tuple[str, ...]


class Move(msgspec.Struct, frozen=True):
    """Where a coupon is to go: ACTIVE, VOID or DELETED. Asked for, and the intent."""

    appid: str
    coupon: str
    to: CouponStatus


class Changed(msgspec.Struct, frozen=True):
    """The coupon, by the platform's number."""

    appid: str
    coupon: str


# Writing -------------------------------------------------------------------------------------------


async def _plan_make(planning: Planning, asked: New) -> Effect:
    adapter = shop_of(planning, asked.account)
    _check(asked.offer)
    known = await _editing(adapter)
    return Effect(Make(adapter.account, asked.offer, tuple(known)), values={"account": adapter.account})


async def _editing(adapter: MiniProgramStoreAdapter) -> list[str]:
    """One call per two hundred."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await adapter.coupon_ids(CouponStatus.EDITING, cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def _check(offer: CouponOffer) -> None:
    """Raises StepRefused for what the platform would refuse without saying where."""
    for wrong in (_wrong_terms(offer), _wrong_numbers(offer), _wrong_times(offer)):
        if wrong:
            raise StepRefused("BAD_USER_INPUT", wrong)


def _wrong_terms(offer: CouponOffer) -> str:
    if offer.kind is CouponKind.OTHER:
        return "Coupons of the kind OTHER cannot be written."
    if not 1 <= len(offer.name) <= NAME:
        return f"name must have 1 to {NAME} characters."
    if offer.kind in _SHARES and (offer.off or not 10 <= offer.pay_percent < 100):
        return f"A coupon of the kind {offer.kind} takes a share: give payPercent, 10 to 99.99, and no off."
    if not math.isclose(offer.pay_percent * 100, round(offer.pay_percent * 100), abs_tol=1e-6):
        return "payPercent has two decimals at most: the platform counts hundredths of a percent."
    if offer.kind not in _SHARES and (offer.pay_percent or not 1 <= offer.off <= MOST_OFF):
        return f"A coupon of the kind {offer.kind} takes money off: give off, 1 to {MOST_OFF} fen, and no payPercent."
    if (offer.kind in _CONDITIONAL) != bool(offer.from_amount or offer.from_quantity):
        needs = "needs" if offer.kind in _CONDITIONAL else "has no"
        return f"A coupon of the kind {offer.kind} {needs} fromAmount or fromQuantity."
    if offer.kind.startswith("PRODUCT_") != bool(offer.product_ids) or len(offer.product_ids) > MOST_PRODUCTS:
        return f"A coupon for products names 1 to {MOST_PRODUCTS} of them, one for the whole shop none."
    return ""


def _wrong_numbers(offer: CouponOffer) -> str:
    for name, number, least, most in (
        ("total", offer.total, 1, MOST_COUPONS),
        ("perPerson", offer.per_person, 1, MOST_PER_PERSON),
        ("fromAmount", offer.from_amount, 0, MOST_OFF),
        ("fromQuantity", offer.from_quantity, 0, MOST_OFF),
        ("characters of notes", len(offer.notes), 0, NOTES),
        ("validDays", 1 if offer.valid_days is None else offer.valid_days, 1, MOST_DAYS),
    ):
        if not least <= number <= most:
            return f"{name}: {number}; {least} to {most} are possible."
    return ""


def _wrong_times(offer: CouponOffer) -> str:
    span = offer.valid_from, offer.valid_to
    if not offer.take_from < offer.take_to:
        return "takeFrom must be before takeTo."
    if offer.valid_days is not None and span != (None, None):
        return "Give validDays, or validFrom and validTo."
    if offer.valid_days is None and (span[0] is None or span[1] is None or not span[0] < span[1]):
        return "Give validDays, or validFrom and a later validTo."
    return ""


async def _made(ctx: StepContext, intent: Make) -> str | None:
    """A coupon that is being edited, was not before, says the same, and is no other transaction's."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    known = set(intent.known) | await made_by_others(ctx, "store_coupon.created", intent.appid, "coupon")
    fresh = [number for number in await _editing(adapter) if number not in known]
    for each in await adapter.coupons(fresh):
        if not isinstance(each, NotFound) and _says(each, intent.offer):
            return each.coupon_id
    return None


def _says(coupon: StoreCoupon, offer: CouponOffer) -> bool:
    """All that the platform tells of a coupon is what the offer says: a name alone is easily another's, too."""
    return all(
        theirs == mine
        for theirs, mine in (
            (coupon.kind, offer.kind),
            (coupon.name, offer.name),
            (coupon.left, offer.total),
            (coupon.off, offer.off),
            (round(coupon.pay_percent * 100), round(offer.pay_percent * 100)),
            (coupon.from_amount, offer.from_amount),
            (coupon.from_quantity, offer.from_quantity),
            (set(coupon.product_ids), set(offer.product_ids)),
            (_second(coupon.take_from), _second(offer.take_from)),
            (_second(coupon.take_to), _second(offer.take_to)),
            (_second(coupon.valid_from), _second(offer.valid_from)),
            (_second(coupon.valid_to), _second(offer.valid_to)),
            (coupon.valid_days, offer.valid_days),
        )
    )


def _second(at: datetime | None) -> int:
    """The platform counts in whole ones, and has none for an instant that is not given."""
    return 0 if at is None else int(at.timestamp())


async def _ask_made(ctx: StepContext, intent: Make) -> Changed | None:
    """Not there: written again. At the worst a draft is left that nobody can take."""
    number = await _made(ctx, intent)
    return None if number is None else _told(ctx, intent.appid, number, "store_coupon.created")


async def _unmake(ctx: StepContext, intent: Make, outcome: Changed | None) -> None:
    """Delete it again: nobody could take it."""
    number = await _made(ctx, intent) if outcome is None else outcome.coupon
    if number is None:
        return
    await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).coupon_status_set(number, CouponStatus.DELETED)
    _told(ctx, intent.appid, number, "store_coupon.moved", reason=CouponStatus.DELETED)


# ASKABLE: the platform has no key, but lists what is being edited.
@step(
    name="store_coupon.create",
    tool=TOOL,
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    idempotent=False,
    ask=_ask_made,
    undo=_unmake,
)
async def make(ctx: StepContext, intent: Make) -> Changed:
    """Write a coupon (创建优惠券), which nobody can take yet."""
    number = await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).coupon_create(intent.offer)
    return _told(ctx, intent.appid, number, "store_coupon.created")


async def _plan_replace(planning: Planning, asked: Other) -> Effect:
    _check(asked.offer)
    found = await _there(planning, asked.appid, asked.coupon)
    if found.status is not CouponStatus.EDITING:
        raise _wrong_state(found, "only one that is being edited can be changed")
    return Effect(asked, values=_values(asked))


async def _there(planning: Planning, appid: str, number: str) -> StoreCoupon:
    [found] = await planning.tools.get(MiniProgramStoreAdapter, appid).coupons([number])
    if isinstance(found, NotFound):
        raise found
    return found


def _wrong_state(found: StoreCoupon, why: str) -> StepRefused:
    return StepRefused("STORE_COUPON_STATE", f"This coupon is {found.status}: {why}.", state=found.status)


# KEYED: everything is replaced, so that twice is once, unless others did it in between. A PIVOT: what it said before
# cannot be read whole.
@step(name="store_coupon.update", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def replace(ctx: StepContext, intent: Other) -> Changed:
    """Replace what it says (更新优惠券). Raises StepRefused where somebody has replaced it since it was asked for."""
    await must_not_be_overtaken(ctx, "store_coupon.updated", intent.appid, coupon=intent.coupon)
    await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).coupon_update(intent.coupon, intent.offer)
    return _told(ctx, intent.appid, intent.coupon, "store_coupon.updated")


# Moving --------------------------------------------------------------------------------------------


async def _plan_move(planning: Planning, asked: Move) -> Effect:
    found = await _there(planning, asked.appid, asked.coupon)
    before = _FROM[asked.to]
    if found.status not in before:
        raise _wrong_state(found, f"{asked.to} follows {' or '.join(sorted(before))} only")
    return Effect(asked, values=_values(asked))


async def _moved(ctx: StepContext, intent: Move) -> Changed | None:
    [found] = await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).coupons([intent.coupon])
    gone = isinstance(found, NotFound) and intent.to is CouponStatus.DELETED
    if not gone and (isinstance(found, NotFound) or found.status is not intent.to):
        return None
    return _told(ctx, intent.appid, intent.coupon, "store_coupon.moved", reason=intent.to)


# A PIVOT: shoppers take a published one at once, and nothing publishes one again that was taken back.
@step(name="store_coupon.move", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_moved)
async def move(ctx: StepContext, intent: Move) -> Changed:
    """Publish it, take it back, or delete it (更新优惠券状态)."""
    await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).coupon_status_set(intent.coupon, intent.to)
    return _told(ctx, intent.appid, intent.coupon, "store_coupon.moved", reason=intent.to)


def _values(asked: Other | Move) -> dict[str, str]:
    return {"account": asked.appid, "coupon": asked.coupon}


def _told(ctx: StepContext, appid: str, number: str, kind: str, *, reason: str | None = None) -> Changed:
    ctx.facts.append(
        Fact(
            kind=kind,
            occurred_at=ctx.now,
            source="own",
            source_key=f"{ctx.saga}:{ctx.key}",
            account=appid,
            tool=TOOL,
            reason=reason,
            payload={"coupon": number, "transaction": ctx.saga},
        )
    )
    return Changed(appid, number)


CREATE: Final = Action("storeCouponCreate", make, _plan_make)
UPDATE: Final = Action("storeCouponUpdate", replace, _plan_replace)
MOVE: Final = Action("storeCouponMove", move, _plan_move)
