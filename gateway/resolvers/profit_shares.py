"""Parts of payments for other merchants (分账), as our rows have them; and what of a payment can still be shared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from adapters.base.errors import NotFound
from adapters.payments import PaymentsAdapter
from gateway.context import Context
from gateway.database.tables.projections import payment
from gateway.database.tables.sharing import profit_receiver, profit_share, profit_share_return
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who gives parts of payments on, and sees to whom.
SCOPE: Final = "shares:write"


@dataclass(frozen=True, slots=True)
class ReturnRecord:
    """A part, or some of it, that comes back; ``amount`` in fen."""

    number: str
    amount: int
    state: str
    reason: str | None
    asked_at: datetime
    settled_at: datetime | None
    saga: str


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A part; ``amount`` in fen."""

    mchid: str
    number: str
    receiver: str
    kind: str
    amount: int
    description: str
    state: str
    reason: str | None
    asked_at: datetime
    settled_at: datetime | None
    saga: str
    returns: Sequence[ReturnRecord]


@dataclass(frozen=True, slots=True)
class ReceiverRecord:
    """A merchant that may get parts of ``mchid``'s payments."""

    mchid: str
    account: str
    relation: str
    custom: str | None
    added_at: datetime


async def of_orders(ctx: Context, order_ids: Sequence[str]) -> Sequence[Sequence[ShareRecord]]:
    """Batch: the parts of each order's payment, oldest first. Two statements."""
    share, back = profit_share.c, profit_share_return.c
    paid = (payment.c.mchid == share.mchid) & (payment.c.out_trade_no == share.out_trade_no)
    rows = await ctx.database.fetch(
        select(profit_share, payment.c.purchase.label("order_id"))
        .join(payment, paid)
        .where(payment.c.purchase.in_(order_ids))
        .order_by(share.asked_at, share.number, share.receiver)
    )
    returns: dict[tuple[str, str, str], list[ReturnRecord]] = defaultdict(list)
    theirs = (payment.c.mchid == back.mchid) & (payment.c.out_trade_no == back.out_trade_no)
    for row in await ctx.database.fetch(
        select(profit_share_return)
        .join(payment, theirs)
        .where(payment.c.purchase.in_(order_ids))
        .order_by(back.asked_at, back.number)
    ):
        returns[row.mchid, row.share, row.receiver].append(
            ReturnRecord(row.number, row.amount, row.state, row.reason, row.asked_at, row.settled_at, row.saga)
        )
    found: dict[str, list[ShareRecord]] = defaultdict(list)
    for row in rows:
        found[row.order_id].append(_record(row, returns[row.mchid, row.number, row.receiver]))
    return [found[each] for each in order_ids]


def _record(row: Row[Any], returns: Sequence[ReturnRecord]) -> ShareRecord:
    return ShareRecord(
        row.mchid,
        row.number,
        row.receiver,
        row.kind,
        row.amount,
        row.description,
        row.state,
        row.reason,
        row.asked_at,
        row.settled_at,
        row.saga,
        returns,
    )


async def order_of(ctx: Context, key: tuple[str, str]) -> str | None:
    """The order of a payment, by (mchid, out_trade_no)."""
    row = await ctx.database.one(
        select(payment.c.purchase).where(payment.c.mchid == key[0], payment.c.out_trade_no == key[1])
    )
    return None if row is None else row.purchase


async def unshared(ctx: Context, order_id: str) -> int | None:
    """Fen of an order's payment that can still be shared, asked of the platform now; None where nobody paid it.

    Raises Forbidden, ToolNotConfigured and UpstreamErrors.
    """
    ctx.principal.require(SCOPE)
    row = await ctx.database.one(
        select(payment.c.mchid, payment.c.transaction_id).where(payment.c.purchase == order_id)
    )
    if row is None or not row.transaction_id:
        return None
    found = await ctx.tool(PaymentsAdapter, row.mchid).unshared_amount(row.transaction_id)
    return None if isinstance(found, NotFound) else found


async def receivers(ctx: Context, args: PageArgs) -> Slice[ReceiverRecord]:
    """All of them, the newest first. Raises Forbidden."""
    ctx.principal.require(SCOPE)
    order = [(profit_receiver.c.added_at, True), (profit_receiver.c.mchid, True), (profit_receiver.c.account, True)]
    return await keyset(ctx, "profitReceivers", select(profit_receiver), order, args, _receiver)


def _receiver(row: Row[Any]) -> ReceiverRecord:
    return ReceiverRecord(row.mchid, row.account, row.relation, row.custom, row.added_at)
