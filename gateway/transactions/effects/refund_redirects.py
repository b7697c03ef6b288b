"""Refunds that the payer's account does not take (异常退款): sent to a bank card instead.

The card is nobody's business but the platform's. It lies sealed in a row of its own, to which the intent refers, from
the request until the platform has it or has refused it for good, a day at most, and nowhere else.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.errors import NotFound, OutcomeUnknown
from adapters.payments import BankCard, PaymentsAdapter, Refund, RefundState
from gateway.database.tables.members import identity
from gateway.database.tables.projections import payment, purchase, refund
from gateway.database.tables.refunds import refund_card
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.refund_steps import SETTLE, apply
from gateway.transactions.runner import FINAL
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "payments"
_BANK: Final = re.compile("[A-Z0-9_]{1,32}")
_NUMBER: Final = re.compile("[0-9]{8,32}")
NAME_LENGTH: Final = 64


class Card(msgspec.Struct, frozen=True):
    """The payer's own card."""

    bank: str
    number: str
    holder: str

    def __repr__(self) -> str:
        return "Card(…)"


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``card`` None: the merchant's own account, from which the payer is paid by hand."""

    number: str
    card: Card | None
    mchid: str = ""


class Redirect(msgspec.Struct, frozen=True):
    """The refund; its card is in the row of the transaction."""

    mchid: str
    number: str
    refund_id: str
    of_payer: bool


class Redirected(msgspec.Struct, frozen=True):
    """The platform has taken it on: that is not arrived."""

    mchid: str
    number: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    card = asked.card
    if card is not None and not (
        _BANK.fullmatch(card.bank) and _NUMBER.fullmatch(card.number) and 1 <= len(card.holder) <= NAME_LENGTH
    ):
        # What was given is not repeated: errors are read by more people than cards are.
        raise StepRefused("BAD_USER_INPUT", "card wants a bank such as ICBC_DEBIT, 8 to 32 digits, and a name.")
    adapter = planning.tools.get(PaymentsAdapter, asked.mchid or None)
    row = await planning.database.one(
        select(refund.c.refund_id, refund.c.state, refund.c.out_trade_no).where(
            refund.c.mchid == adapter.account, refund.c.out_refund_no == asked.number
        )
    )
    if row is None:
        raise StepRefused("REFUND_UNKNOWN", "There is no such refund at this merchant; orderRefund told its number.")
    if row.state != RefundState.ABNORMAL.name:
        raise StepRefused("REFUND_NOT_ABNORMAL", f"This refund is {row.state}: it goes its own way.", state=row.state)
    # Whoever paid, who need not be the order's shopper: a code is anybody's to scan.
    owner = await planning.database.one(
        select(identity.c.member)
        .select_from(payment)
        .join(purchase, purchase.c.id == payment.c.purchase, isouter=True)
        .join(identity, identity.c.id == func.coalesce(payment.c.identity, purchase.c.identity))
        .where(payment.c.mchid == adapter.account, payment.c.out_trade_no == row.out_trade_no)
    )
    member = None if owner is None else owner.member
    if member is not None:
        await planning.database.keyring.ensure(member)

    async def book(batch: Batch, saga: str) -> None:
        if card is not None:
            value, keyring = msgspec.to_builtins(card), planning.database.keyring
            sealed = keyring.seal_json(value) if member is None else keyring.seal_json(value, subject=member)
            made = {"saga": saga, "number": asked.number, "member": member, "card": sealed, "asked_at": batch.now}
            await batch.connection.execute(refund_card.insert().values(made))

    intent = Redirect(adapter.account, asked.number, row.refund_id, card is not None)
    return Effect(intent, values={"mchid": adapter.account, "refund": asked.number}, book=book)


async def _asked(ctx: StepContext, intent: Redirect) -> Redirected | None:
    """What was ABNORMAL and is PROCESSING again is on its way to the card."""
    found = await ctx.tools.get(PaymentsAdapter, intent.mchid).refund_status(intent.number)
    if isinstance(found, NotFound) or found.state is RefundState.ABNORMAL:
        return None
    if found.state in {RefundState.PROCESSING, RefundState.SUCCESS}:
        return await _taken(ctx, intent, found)
    if found.state is not RefundState.CLOSED:
        raise OutcomeUnknown(TOOL, "refund_undecided", "Whether the refund was sent to the card is not known.")
    await apply(ctx.projector, intent.mchid, [found], source="own")
    async with ctx.projector.batch() as batch:
        await _forget(batch.connection, ctx.saga, intent.number)
    raise StepRefused("REFUND_CLOSED", "微信支付 closed the refund; ask for it anew, under a new number.")


async def _taken(ctx: StepContext, intent: Redirect, found: Refund) -> Redirected:
    await apply(ctx.projector, intent.mchid, [found], source="own")

    async def forget(batch: Batch) -> None:
        await _forget(batch.connection, ctx.saga, intent.number)

    ctx.on_done.append(forget)
    # The refund's own transaction waits for its end, or had failed before: then it goes on.
    ctx.helped.append((SETTLE, intent.number))
    return Redirected(intent.mchid, intent.number)


# ASKABLE: the refund says whether it is ABNORMAL still. A PIVOT: the platform sends it, and nothing calls it back.
@step(name="refund.redirect", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_asked)
async def redirect(ctx: StepContext, intent: Redirect) -> Redirected:
    """Send it to the card (发起异常退款)."""
    try:
        card = await _card(ctx, intent)
        adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
        found = await adapter.redirect_refund(intent.refund_id, intent.number, card)
    except (StepRefused, *FINAL):
        # What is refused for now is tried again, with the card.
        async with ctx.projector.batch() as batch:
            await _forget(batch.connection, ctx.saga, intent.number)
        raise
    return await _taken(ctx, intent, found)


async def _card(ctx: StepContext, intent: Redirect) -> BankCard:
    """Raises StepRefused when it is gone: its owner was erased, an earlier attempt was refused, or a day is over."""
    if not intent.of_payer:
        return BankCard(of_payer=False)
    row = await ctx.projector.database.one(select(refund_card.c.card).where(*_mine(ctx.saga, intent.number)))
    if row is None or not isinstance(row.card, dict):
        raise StepRefused("SUBJECT_ERASED", "The card is not kept any more; give it again.")
    card = msgspec.convert(row.card, Card)
    return BankCard(True, card.bank, card.number, card.holder)


async def _forget(connection: AsyncConnection, saga: str, number: str) -> None:
    await connection.execute(delete(refund_card).where(*_mine(saga, number)))


def _mine(saga: str, number: str) -> tuple[ColumnElement[bool], ...]:
    return refund_card.c.saga == saga, refund_card.c.number == number


REDIRECT: Final = Action("refundRedirect", redirect, _plan)
