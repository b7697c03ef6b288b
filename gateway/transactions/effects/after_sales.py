"""After-sales (售后) of the store's orders: agreed to, or refused for one of the platform's reasons."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from adapters.base.errors import NotFound, UpstreamError
from adapters.mini_program_store import AfterSale, AfterSaleAccept, AfterSaleState, MiniProgramStoreAdapter
from gateway.events.projections import mini_program_store
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of what the shopper is told beside the reason.
TEXT_LENGTH: Final = 200

_AGREED: Final = {
    AfterSaleAccept.RETURN_GOODS: frozenset({AfterSaleState.AWAITING_BUYER}),
    AfterSaleAccept.REFUND: frozenset({AfterSaleState.REFUNDING, AfterSaleState.SUCCEEDED}),
}
#: The platform gives the buyer a word where they may ask it to decide.
_REFUSED: Final = frozenset({AfterSaleState.REJECTED, AfterSaleState.AWAITING_BUYER})
#: Words of the platform's for a state that one decision alone leads to.
_LED_BY: Final = {"USER_WAIT_RETURN": "accept", "USER_WAIT_CONFIRM_UPDATE": "propose"}


class Acceptance(msgspec.Struct, frozen=True):
    """What the client agrees to. ``return_address`` is the number of one of the store's (退货地址)."""

    appid: str
    after_sale: str
    what: AfterSaleAccept
    return_address: str


class Refusal(msgspec.Struct, frozen=True):
    """Why the client refuses: the number of a reason of the platform's, and words for the shopper."""

    appid: str
    after_sale: str
    reason: int
    text: str


class Accept(msgspec.Struct, frozen=True):
    """What was agreed to, of an after-sale that last changed at ``seen``."""

    asked: Acceptance
    seen: datetime


class Reject(msgspec.Struct, frozen=True):
    """What was refused, of an after-sale that last changed at ``seen``."""

    asked: Refusal
    seen: datetime


class Decided(msgspec.Struct, frozen=True):
    """Where it stands then; empty where the platform took the decision and could not be asked."""

    state: str


async def waiting(
    planning: Planning, appid: str, number: str, state: AfterSaleState = AfterSaleState.AWAITING_MERCHANT
) -> AfterSale:
    """The after-sale as the platform has it now. Raises StepRefused where it does not wait for what is asked for."""
    [found] = await planning.tools.get(MiniProgramStoreAdapter, appid).after_sales([number])
    if isinstance(found, NotFound):
        raise found
    if found.state is not state:
        raise StepRefused(
            "AFTER_SALE_STATE", f"This after-sale is {found.state}: it does not wait for this.", state=found.state
        )
    return found


async def _plan_accept(planning: Planning, asked: Acceptance) -> Effect:
    found = await waiting(planning, asked.appid, asked.after_sale)
    if asked.what is AfterSaleAccept.RETURN_GOODS and not asked.return_address:
        raise StepRefused("BAD_USER_INPUT", "Goods come back to an address: give returnAddress.")
    return Effect(Accept(asked, found.updated_at), values=order_of(found))


async def _plan_reject(planning: Planning, asked: Refusal) -> Effect:
    if len(asked.text) > TEXT_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"text has {len(asked.text)} characters; shorten it to {TEXT_LENGTH}.")
    found = await waiting(planning, asked.appid, asked.after_sale)
    await must_be_a_reason(planning, asked)
    return Effect(Reject(asked, found.updated_at), values=order_of(found))


async def must_be_a_reason(planning: Planning, asked: Refusal, scene: int | None = None) -> None:
    """Raises StepRefused for a number that the platform does not list, or not for this scene."""
    reasons = await planning.tools.get(MiniProgramStoreAdapter, asked.appid).after_sale_reject_reasons()
    if asked.reason not in {each.number for each in reasons if scene in {None, each.scene}}:
        of = "" if scene is None else f" of the scene {scene}"
        raise StepRefused(
            "BAD_USER_INPUT", f"reason is none of the platform's; take one of AfterSale.rejectReasons{of}."
        )


def order_of(found: AfterSale) -> dict[str, str]:
    """What operators may see of it."""
    return {"order": f"STORE:{found.appid}:{found.order_id}"}


async def followed(ctx: StepContext, appid: str, number: str, happened: Callable[[AfterSale], bool]) -> Decided | None:
    """Read the after-sale into our rows, since the platform calls nobody back for what we told it.

    None when it did not move on as ``happened`` wants it.
    """
    asking = ctx.projector.asking()
    [found] = await ctx.tools.get(MiniProgramStoreAdapter, appid).after_sales([number])
    if isinstance(found, NotFound) or not happened(found):
        return None
    await mini_program_store.after_sales(asking, [found], source="poll")
    return Decided(found.state)


def moved(found: AfterSale, seen: datetime, decision: str, states: frozenset[AfterSaleState]) -> bool:
    """Whether it has moved on since ``seen`` to where the decision leads, as far as the platform tells: several leave
    it to the buyer, and a colleague's is not ours."""
    led_by = _LED_BY.get(found.status, decision)
    return found.updated_at != seen and found.state in states and led_by == decision


async def told(ctx: StepContext, appid: str, number: str) -> Decided:
    """After the platform took a decision: where it cannot be read now, its event has it read again."""
    with suppress(UpstreamError):
        return await followed(ctx, appid, number, lambda _: True) or Decided("")
    return Decided("")


async def _accepted(ctx: StepContext, intent: Accept) -> Decided | None:
    asked = intent.asked

    def happened(found: AfterSale) -> bool:
        # The second yes waits for the merchant again, and then the buyer has sent the goods.
        sent = asked.what is AfterSaleAccept.RETURN_GOODS and bool(found.return_tracking_number)
        return moved(found, intent.seen, "accept", _AGREED[asked.what]) or (found.updated_at != intent.seen and sent)

    return await followed(ctx, asked.appid, asked.after_sale, happened)


# ASKABLE: the platform has no key. Naming what is agreed to keeps a repetition from being the next yes: it refuses.
@step(name="after_sale.accept", tool="mini_program_store", kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_accepted)
async def accept(ctx: StepContext, intent: Accept) -> Decided:
    """Agree that goods come back, or that the money goes back now."""
    asked = intent.asked
    adapter = ctx.tools.get(MiniProgramStoreAdapter, asked.appid)
    await adapter.after_sale_accept(asked.after_sale, asked.what, asked.return_address)
    return await told(ctx, asked.appid, asked.after_sale)


async def _rejected(ctx: StepContext, intent: Reject) -> Decided | None:
    asked = intent.asked
    return await followed(
        ctx,
        asked.appid,
        asked.after_sale,
        lambda found: moved(found, intent.seen, "reject", _REFUSED),
    )


@step(name="after_sale.reject", tool="mini_program_store", kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_rejected)
async def reject(ctx: StepContext, intent: Reject) -> Decided:
    """Refuse, for a reason that the shopper is told."""
    asked = intent.asked
    adapter = ctx.tools.get(MiniProgramStoreAdapter, asked.appid)
    await adapter.after_sale_reject(asked.after_sale, asked.reason, asked.text)
    return await told(ctx, asked.appid, asked.after_sale)


ACCEPT: Final = Action("afterSaleAccept", accept, _plan_accept)
REJECT: Final = Action("afterSaleReject", reject, _plan_reject)
