"""Parts of what was paid, for other merchants (分账): given, the rest unfrozen, and taken back.

A number shares once, and so does a number of a return. Whatever is refused is followed by the question what became of
the number; only the same number is ever sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.errors import Invalid, NotFound, OutcomeUnknown, UpstreamError
from adapters.payments import (
    SHARE_DESCRIPTION_LENGTH,
    SHARE_PARTS,
    PaymentsAdapter,
    ReceiverKind,
    ShareIntent,
    ShareReturn,
    ShareReturnIntent,
    Sharing,
)
from adapters.payments import Share as PlatformShare
from gateway.database.rows import AnyRow
from gateway.database.tables.projections import payment
from gateway.database.tables.sharing import profit_receiver, profit_share, profit_share_return
from gateway.events.projections import sharing
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "payments"
#: From when on after its payment, and for how long, an order can be shared.
SOONEST: Final = timedelta(minutes=1)
LATEST: Final = timedelta(days=30)
_PAID: Final = frozenset({"SUCCESS", "REFUND"})


class Part(msgspec.Struct, frozen=True):
    """So many fen for a merchant that was entered before."""

    receiver: str
    amount: int
    description: str


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``unfreeze``: nothing more of the order will be shared."""

    order: str
    parts: tuple[Part, ...]
    unfreeze: bool


class Share(msgspec.Struct, frozen=True):
    """What the platform is asked, each time."""

    mchid: str
    appid: str
    number: str
    out_trade_no: str
    transaction_id: str
    parts: tuple[Part, ...]
    unfreeze: bool


class Rest(msgspec.Struct, frozen=True):
    """What the client asked for: the order of which nothing more will be shared, and what the bill shall say."""

    order: str
    description: str


class Unfreeze(msgspec.Struct, frozen=True):
    """What the platform is asked, each time."""

    mchid: str
    number: str
    out_trade_no: str
    transaction_id: str
    description: str


class Shared(msgspec.Struct, frozen=True):
    """The platform has taken it on; each part has its own end, which the rows have. ``number`` is its 分账单号."""

    mchid: str
    number: str
    out_trade_no: str


class WantedReturn(msgspec.Struct, frozen=True):
    """What the client asked for: ``amount`` fen of a part that arrived, back from its merchant."""

    mchid: str
    share: str
    receiver: str
    amount: int
    description: str


class GiveBack(msgspec.Struct, frozen=True):
    """What the platform is asked, each time."""

    mchid: str
    number: str
    share: str
    receiver: str
    out_trade_no: str
    amount: int
    description: str


# Planning -----------------------------------------------------------------------------------------


def _described(text: str) -> None:
    if not 1 <= len(text) <= SHARE_DESCRIPTION_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"description must have 1 to {SHARE_DESCRIPTION_LENGTH} characters.")


async def _paid(planning: Planning, order: str) -> AnyRow:
    """The payment of an own order. Raises StepRefused where the platform's rules let nothing of it be shared, and
    ToolNotConfigured where its merchant is none of ours any more."""
    row = await planning.database.one(select(payment).where(payment.c.purchase == order))
    if row is None or row.state not in _PAID or row.paid_at is None:
        raise StepRefused("ORDER_NOT_SHAREABLE", "There is no payment of this order at a merchant account of ours.")
    age = planning.projector.clock.now() - row.paid_at
    if age < SOONEST:
        raise StepRefused("PAYMENT_TOO_RECENT", "A payment can be shared from a minute after it.", retryable=True)
    if age > LATEST:
        raise StepRefused("ORDER_NOT_SHAREABLE", f"A payment can be shared for {LATEST.days} days only.")
    planning.tools.get(PaymentsAdapter, row.mchid)
    return row


async def _plan_share(planning: Planning, asked: Wanted) -> Effect:
    receivers = [each.receiver for each in asked.parts]
    if not 1 <= len(receivers) <= SHARE_PARTS or len(set(receivers)) < len(receivers):
        raise StepRefused("BAD_USER_INPUT", f"parts must be 1 to {SHARE_PARTS}, each for another merchant.")
    for each in asked.parts:
        _described(each.description)
        if each.amount < 1:
            raise StepRefused("BAD_USER_INPUT", f"amount is {each.amount}: give 1 fen at least.")
    row = await _paid(planning, asked.order)
    wanted = sum(each.amount for each in asked.parts)
    if wanted > row.total:
        raise StepRefused("BAD_USER_INPUT", f"The parts have {wanted} fen, and the payment has {row.total}.")
    known = await planning.database.fetch(
        select(profit_receiver.c.account).where(
            profit_receiver.c.mchid == row.mchid, profit_receiver.c.account.in_(receivers)
        )
    )
    if missing := sorted(set(receivers) - {each.account for each in known}):
        # The platform would take the sharing on, and close these parts.
        raise StepRefused("SHARE_RECEIVER_UNKNOWN", f"Not among profitReceivers of {row.mchid}: {', '.join(missing)}.")
    intent = Share(
        row.mchid,
        row.appid,
        f"PS{planning.key}",
        row.out_trade_no,
        row.transaction_id,
        asked.parts,
        asked.unfreeze,
    )
    return Effect(intent, values={"order": asked.order, "mchid": row.mchid, "number": intent.number})


async def _plan_unfreeze(planning: Planning, asked: Rest) -> Effect:
    _described(asked.description)
    row = await _paid(planning, asked.order)
    intent = Unfreeze(row.mchid, f"PU{planning.key}", row.out_trade_no, row.transaction_id, asked.description)
    return Effect(intent, values={"order": asked.order, "mchid": row.mchid, "number": intent.number})


async def _plan_return(planning: Planning, asked: WantedReturn) -> Effect:
    _described(asked.description)
    if asked.amount < 1:
        raise StepRefused("BAD_USER_INPUT", f"amount is {asked.amount}: give 1 fen at least.")
    planning.tools.get(PaymentsAdapter, asked.mchid)
    part = await planning.database.one(_part(asked))
    if part is None:
        raise StepRefused("SHARE_UNKNOWN", "There is no such part; take number and receiver from profitShares.")
    if part.state != "SUCCESS":
        raise StepRefused("SHARE_NOT_RETURNABLE", f"This part is {part.state}: nothing arrived that could come back.")
    _enough(asked, part, await planning.database.fetch(_returns(asked)))
    intent = GiveBack(
        asked.mchid,
        f"PR{planning.key}",
        asked.share,
        asked.receiver,
        part.out_trade_no,
        asked.amount,
        asked.description,
    )
    return Effect(intent, values={"mchid": asked.mchid, "number": intent.number, "share": asked.share})


def _part(asked: WantedReturn | GiveBack) -> Select[Any]:
    share = profit_share.c
    return select(share.out_trade_no, share.amount, share.state).where(
        share.mchid == asked.mchid,
        share.number == asked.share,
        share.receiver == asked.receiver,
        share.kind == "SHARE",
    )


def _returns(asked: WantedReturn | GiveBack) -> Select[Any]:
    """What of the part has come back, or may."""
    back = profit_share_return.c
    return select(back.number, back.amount).where(
        back.mchid == asked.mchid, back.share == asked.share, back.receiver == asked.receiver, back.state != "FAILED"
    )


def _enough(asked: WantedReturn | GiveBack, part: AnyRow, returns: Sequence[AnyRow]) -> None:
    left = part.amount - sum(each.amount for each in returns)
    if asked.amount > left:
        raise StepRefused("SHARE_NOT_RETURNABLE", f"{left} fen of this part can still come back.", left=left)


# Sharing ------------------------------------------------------------------------------------------


# KEYED: one out_order_no is one sharing. A PIVOT: nothing takes back what was accepted.
@step(name="profit.share", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def share(ctx: StepContext, intent: Share) -> Shared:
    """Give parts of a payment on (请求分账). Accepted is not arrived."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    rows = [
        _row(ctx, intent, each.receiver, "SHARE", each.amount, each.description) for each in intent.parts
    ]  # fmt: skip
    async with ctx.projector.batch() as batch:
        await sharing.asked(batch, rows)
    parts = [
        PlatformShare(ReceiverKind.MERCHANT, each.receiver, each.amount, each.description) for each in intent.parts
    ]
    wanted = ShareIntent(intent.appid, intent.transaction_id, intent.number, parts, intent.unfreeze)
    try:
        found = await adapter.share(wanted)
    except OutcomeUnknown:
        raise
    except UpstreamError as refusal:
        found = await _stands(ctx, adapter, intent, refusal)
    return _followed(ctx, intent, rows, found)


# KEYED, and a PIVOT: what is unfrozen cannot be shared any more.
@step(name="profit.unfreeze", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def unfreeze(ctx: StepContext, intent: Unfreeze) -> Shared:
    """Share no more of a payment (解冻剩余资金): the rest is the merchant's own."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    rows = [_row(ctx, intent, intent.mchid, "REST", 0, intent.description)]
    async with ctx.projector.batch() as batch:
        await sharing.asked(batch, rows)
    try:
        found = await adapter.unfreeze(intent.transaction_id, intent.number, intent.description)
    except OutcomeUnknown:
        raise
    except UpstreamError as refusal:
        found = await _stands(ctx, adapter, intent, refusal)
    return _followed(ctx, intent, rows, found)


def _row(
    ctx: StepContext, intent: Share | Unfreeze, receiver: str, kind: str, amount: int, description: str
) -> dict[str, object]:
    return {
        "mchid": intent.mchid,
        "number": intent.number,
        "receiver": receiver,
        "kind": kind,
        "out_trade_no": intent.out_trade_no,
        "transaction_id": intent.transaction_id,
        "saga": ctx.saga,
        "amount": amount,
        "description": description,
        "asked_at": ctx.now,
    }


def _followed(ctx: StepContext, intent: Share | Unfreeze, rows: Sequence[dict[str, object]], found: Sharing) -> Shared:
    async def follow(batch: Batch) -> None:
        # They are gone where a later attempt was refused before the platform showed that this one stands.
        await sharing.asked(batch, rows)
        await sharing.told(batch, found, source="own")

    ctx.on_done.append(follow)
    return Shared(intent.mchid, intent.number, intent.out_trade_no)


async def _stands(
    ctx: StepContext, adapter: PaymentsAdapter, intent: Share | Unfreeze, refusal: UpstreamError
) -> Sharing:
    """After a refusal: the sharing of this number, if an earlier attempt made one; else its rows go, and ``refusal``
    is raised. Raises OutcomeUnknown where the platform does not say."""
    found: Sharing | NotFound | None = None
    if not isinstance(refusal, Invalid):
        try:
            found = await adapter.sharing(intent.number, intent.transaction_id)
        except UpstreamError as error:
            raise OutcomeUnknown(
                TOOL, "sharing_undecided", "A sharing was refused, and whether its number stands is not known."
            ) from error
    if isinstance(found, Sharing):
        return found
    async with ctx.projector.batch() as batch:
        await sharing.never_shared(batch, intent.mchid, intent.number)
    raise refusal


# Taking back --------------------------------------------------------------------------------------


# KEYED: one out_return_no is one return. A PIVOT: what came back is shared again by another sharing only.
@step(name="profit.return", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def give_back(ctx: StepContext, intent: GiveBack) -> Shared:
    """Take a part back from a merchant who got it (请求分账回退)."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    row = {
        "mchid": intent.mchid,
        "number": intent.number,
        "share": intent.share,
        "receiver": intent.receiver,
        "out_trade_no": intent.out_trade_no,
        "saga": ctx.saga,
        "amount": intent.amount,
        "asked_at": ctx.now,
    }
    async with ctx.projector.batch() as batch:
        await _must_be_left(batch.connection, intent)
        await sharing.return_asked(batch, row)
    wanted = ShareReturnIntent(intent.share, intent.number, intent.receiver, intent.amount, intent.description)
    try:
        found = await adapter.return_share(wanted)
    except OutcomeUnknown:
        raise
    except UpstreamError as refusal:
        found = await _return_stands(ctx, adapter, intent, refusal)

    async def follow(batch: Batch) -> None:
        await sharing.return_asked(batch, row)
        await sharing.return_told(batch, found, source="own")

    ctx.on_done.append(follow)
    return Shared(intent.mchid, intent.share, intent.out_trade_no)


async def _must_be_left(connection: AsyncConnection, intent: GiveBack) -> None:
    """Locks the part: two returns of it see each other. Raises StepRefused."""
    part = (await connection.execute(_part(intent).with_for_update())).one()
    returns = (await connection.execute(_returns(intent))).all()
    # Of a number that was asked for before, its room is taken.
    if intent.number not in {each.number for each in returns}:
        _enough(intent, part, returns)


async def _return_stands(
    ctx: StepContext, adapter: PaymentsAdapter, intent: GiveBack, refusal: UpstreamError
) -> ShareReturn:
    """As ``_stands``, of a return."""
    found: ShareReturn | NotFound | None = None
    if not isinstance(refusal, Invalid):
        try:
            found = await adapter.share_return(intent.number, intent.share)
        except UpstreamError as error:
            raise OutcomeUnknown(
                TOOL, "return_undecided", "A return was refused, and whether its number stands is not known."
            ) from error
    if isinstance(found, ShareReturn):
        return found
    async with ctx.projector.batch() as batch:
        await sharing.never_returned(batch, intent.mchid, intent.number)
    raise refusal


SHARE: Final = Action("profitShare", share, _plan_share)
UNFREEZE: Final = Action("profitUnfreeze", unfreeze, _plan_unfreeze)
RETURN: Final = Action("profitShareReturn", give_back, _plan_return)
