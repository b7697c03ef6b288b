"""Other ways through an after-sale (售后): opened for a buyer, another way out proposed, an exchange sent or refused.

And proof of money that went back outside the platform.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.mini_program_store import (
    AfterSale,
    AfterSaleKind,
    AfterSaleProposal,
    AfterSaleRequest,
    AfterSaleState,
    MiniProgramStoreAdapter,
)
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.after_sales import (
    TEXT_LENGTH,
    Decided,
    Refusal,
    followed,
    moved,
    must_be_a_reason,
    order_of,
    told,
    waiting,
)
from gateway.transactions.effects.shelves import TOOL
from gateway.transactions.effects.shipments import order_row
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Ours: pictures of one request, characters of a reason's code and of a waybill, and the platform's sum.
MOST_PICTURES: Final = 20
CODE: Final = 64
MOST: Final = 1_000_000_000
#: The platform's number of what the refusal of an exchange's shipment is for.
EXCHANGE_SCENE: Final = 6

_KINDS: Final = frozenset({AfterSaleKind.REFUND, AfterSaleKind.RETURN, AfterSaleKind.EXCHANGE})
_WITH_BUYER: Final = frozenset({AfterSaleState.AWAITING_BUYER})
_SENT: Final = frozenset({AfterSaleState.SUCCEEDED, AfterSaleState.AWAITING_BUYER})
_REFUSED: Final = frozenset({AfterSaleState.REJECTED, AfterSaleState.AWAITING_BUYER})


class Wanted(msgspec.Struct, frozen=True):
    """An after-sale that the client wants opened: so many pieces of a line, by the brand's code; ``amount`` fen."""

    order: str
    sku: str
    quantity: int
    amount: int
    kind: AfterSaleKind
    reason: str
    return_address: str
    text: str


class Open(msgspec.Struct, frozen=True):
    """What is opened, at which shop."""

    appid: str
    request: AfterSaleRequest


class Opened(msgspec.Struct, frozen=True):
    """The after-sale, by the platform's number."""

    appid: str
    after_sale: str


class Offer(msgspec.Struct, frozen=True):
    """Another way out, as the client proposes it."""

    appid: str
    proposal: AfterSaleProposal


class Parcel(msgspec.Struct, frozen=True):
    """The other goods of an exchange, as they leave."""

    appid: str
    after_sale: str
    carrier: str
    tracking: str


class Proof(msgspec.Struct, frozen=True):
    """Pictures, by the platform's media ids, of money that went back outside it."""

    appid: str
    after_sale: str
    pictures: tuple[str, ...]
    text: str


class Propose(msgspec.Struct, frozen=True):
    """What was proposed, of an after-sale that last changed at ``seen``."""

    asked: Offer
    seen: datetime


class Ship(msgspec.Struct, frozen=True):
    """What was sent, of an after-sale that last changed at ``seen``."""

    asked: Parcel
    seen: datetime


class Refuse(msgspec.Struct, frozen=True):
    """What was not sent, of an after-sale that last changed at ``seen``."""

    asked: Refusal
    seen: datetime


class Prove(msgspec.Struct, frozen=True):
    """What was shown, of an after-sale that last changed at ``seen``."""

    asked: Proof
    seen: datetime


# Opening -------------------------------------------------------------------------------------------


async def _plan_open(planning: Planning, asked: Wanted) -> Effect:
    _short(asked.text)
    if not 1 <= len(asked.reason) <= CODE:
        raise StepRefused("BAD_USER_INPUT", f"reason must have 1 to {CODE} characters: the platform's code of one.")
    if asked.kind not in _KINDS:
        raise StepRefused("BAD_USER_INPUT", "kind must be REFUND, RETURN or EXCHANGE.")
    if asked.kind is not AfterSaleKind.REFUND and not asked.return_address:
        raise StepRefused("BAD_USER_INPUT", "Goods come back to an address: give returnAddress.")
    if asked.kind is AfterSaleKind.EXCHANGE and asked.amount:
        raise StepRefused("BAD_USER_INPUT", "No money goes back by an exchange: leave amount out.")
    row = await planning.database.one(order_row(asked.order))
    if row is None:
        raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
    if row.source != "STORE":
        raise StepRefused("ORDER_NOT_REFUNDABLE", "Only orders of the 微信小店 have after-sales; use orderRefund.")
    [found] = await planning.tools.get(MiniProgramStoreAdapter, row.account).orders([row.native_id])
    if isinstance(found, NotFound):
        raise found
    if found.paid_at is None:
        raise StepRefused("ORDER_NOT_REFUNDABLE", "Nobody has paid this order; it can be cancelled.")
    lines = [each for each in found.lines if each.sku_code == asked.sku]
    if len(lines) != 1:
        raise StepRefused("BAD_USER_INPUT", f"The order has {len(lines)} lines of {asked.sku!r}; it must be one.")
    [line] = lines
    if not 1 <= asked.quantity <= line.quantity:
        raise StepRefused("BAD_USER_INPUT", f"quantity must be 1 to {line.quantity}.")
    if not int(asked.kind is not AfterSaleKind.EXCHANGE) <= asked.amount <= line.paid_amount:
        raise StepRefused("REFUND_TOO_MUCH", f"amount must be 1 to {line.paid_amount} fen: what was paid for the line.")
    request = AfterSaleRequest(
        request_id=planning.key,
        order_id=row.native_id,
        product_id=line.product_id,
        sku_id=line.sku_id,
        quantity=asked.quantity,
        amount=asked.amount,
        kind=asked.kind,
        reason=asked.reason,
        return_address=asked.return_address,
        text=asked.text,
    )
    return Effect(Open(row.account, request), values={"order": row.id})


# KEYED: the same request id is the same after-sale. A PIVOT: the buyer is told.
@step(name="after_sale.open", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def open_one(ctx: StepContext, intent: Open) -> Opened:
    """Open it for the buyer (商家代客发起售后). It waits for the merchant then."""
    number = await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).after_sale_open(intent.request)
    await told(ctx, intent.appid, number)
    return Opened(intent.appid, number)


# Proposing -----------------------------------------------------------------------------------------


async def _plan_propose(planning: Planning, asked: Offer) -> Effect:
    proposal = asked.proposal
    _short(proposal.text)
    _pictures(proposal.media_ids, least=0)
    if proposal.kind not in _KINDS or not 0 <= proposal.amount <= MOST:
        raise StepRefused("BAD_USER_INPUT", f"kind must be REFUND, RETURN or EXCHANGE, amount 0 to {MOST} fen.")
    if not (0 <= proposal.proposal_type <= 100 and 0 <= proposal.reason_type <= 1_000_000):
        raise StepRefused("BAD_USER_INPUT", "proposalType and reasonType are numbers of the platform's lists.")
    found = await waiting(planning, asked.appid, proposal.after_sale_id)
    return Effect(Propose(asked, found.updated_at), values=order_of(found))


async def _proposed(ctx: StepContext, intent: Propose) -> Decided | None:
    number = intent.asked.proposal.after_sale_id
    return await followed(
        ctx, intent.asked.appid, number, lambda found: moved(found, intent.seen, "propose", _WITH_BUYER)
    )


@step(name="after_sale.propose", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_proposed)
async def propose(ctx: StepContext, intent: Propose) -> Decided:
    """Propose another way out (商家协商), which the buyer answers."""
    asked = intent.asked
    await ctx.tools.get(MiniProgramStoreAdapter, asked.appid).after_sale_propose(asked.proposal)
    return await told(ctx, asked.appid, asked.proposal.after_sale_id)


# Exchanges -----------------------------------------------------------------------------------------


async def _plan_ship(planning: Planning, asked: Parcel) -> Effect:
    for name, value in (("carrier", asked.carrier), ("tracking", asked.tracking)):
        if not 1 <= len(value) <= CODE:
            raise StepRefused("BAD_USER_INPUT", f"{name} must have 1 to {CODE} characters.")
    found = await _exchange(planning, asked.appid, asked.after_sale)
    return Effect(Ship(asked, found.updated_at), values=order_of(found))


async def _plan_refuse(planning: Planning, asked: Refusal) -> Effect:
    _short(asked.text)
    found = await _exchange(planning, asked.appid, asked.after_sale)
    await must_be_a_reason(planning, asked, EXCHANGE_SCENE)
    return Effect(Refuse(asked, found.updated_at), values=order_of(found))


async def _exchange(planning: Planning, appid: str, number: str) -> AfterSale:
    found = await waiting(planning, appid, number)
    if found.kind is not AfterSaleKind.EXCHANGE:
        raise StepRefused("AFTER_SALE_STATE", f"This after-sale is a {found.kind}, no exchange.", state=found.state)
    return found


async def _shipped(ctx: StepContext, intent: Ship) -> Decided | None:
    asked = intent.asked
    return await followed(ctx, asked.appid, asked.after_sale, lambda found: moved(found, intent.seen, "ship", _SENT))


# ASKABLE: the platform has no key. A second parcel of one exchange is refused by its state.
@step(name="after_sale.exchange_ship", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_shipped)
async def ship(ctx: StepContext, intent: Ship) -> Decided:
    """Tell how the other goods leave (换货发货)."""
    asked = intent.asked
    adapter = ctx.tools.get(MiniProgramStoreAdapter, asked.appid)
    await adapter.after_sale_exchange_ship(asked.after_sale, asked.carrier, asked.tracking)
    return await told(ctx, asked.appid, asked.after_sale)


async def _not_shipped(ctx: StepContext, intent: Refuse) -> Decided | None:
    asked = intent.asked
    return await followed(
        ctx, asked.appid, asked.after_sale, lambda found: moved(found, intent.seen, "refuse", _REFUSED)
    )


@step(name="after_sale.exchange_refuse", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_not_shipped)
async def refuse(ctx: StepContext, intent: Refuse) -> Decided:
    """Refuse to send the other goods (换货拒绝发货)."""
    asked = intent.asked
    adapter = ctx.tools.get(MiniProgramStoreAdapter, asked.appid)
    await adapter.after_sale_exchange_refuse(asked.after_sale, asked.reason, asked.text)
    return await told(ctx, asked.appid, asked.after_sale)


# Proof ---------------------------------------------------------------------------------------------


async def _plan_prove(planning: Planning, asked: Proof) -> Effect:
    _short(asked.text)
    _pictures(asked.pictures, least=1)
    found = await waiting(planning, asked.appid, asked.after_sale, AfterSaleState.REFUNDING)
    return Effect(Prove(asked, found.updated_at), values=order_of(found))


async def _proved(ctx: StepContext, intent: Prove) -> Decided | None:
    asked = intent.asked
    return await followed(ctx, asked.appid, asked.after_sale, lambda found: moved(found, intent.seen, "prove", _SENT))


@step(name="after_sale.refund_proof", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_proved)
async def prove(ctx: StepContext, intent: Prove) -> Decided:
    """Show that the money went back (上传退款凭证), which the buyer confirms."""
    asked = intent.asked
    adapter = ctx.tools.get(MiniProgramStoreAdapter, asked.appid)
    await adapter.after_sale_refund_proof(asked.after_sale, asked.pictures, asked.text)
    return await told(ctx, asked.appid, asked.after_sale)


def _short(text: str) -> None:
    if len(text) > TEXT_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"text has {len(text)} characters; shorten it to {TEXT_LENGTH}.")


def _pictures(media_ids: tuple[str, ...], *, least: int) -> None:
    if not least <= len(media_ids) <= MOST_PICTURES or not all(media_ids):
        raise StepRefused("BAD_USER_INPUT", f"Give {least} to {MOST_PICTURES} pictures by their media ids.")


OPEN: Final = Action("afterSaleOpen", open_one, _plan_open)
PROPOSE: Final = Action("afterSalePropose", propose, _plan_propose)
EXCHANGE_SHIP: Final = Action("afterSaleExchangeShip", ship, _plan_ship)
EXCHANGE_REFUSE: Final = Action("afterSaleExchangeRefuse", refuse, _plan_refuse)
REFUND_PROVE: Final = Action("afterSaleRefundProve", prove, _plan_prove)
