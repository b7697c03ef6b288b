"""What the daily reconciliation found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select, tuple_

from gateway.context import Context
from gateway.database.tables.reconciliation import reconciliation, reconciliation_difference, store_funds_flow
from gateway.reconciliation.funds import WITHDRAWN
from gateway.resolvers.paging import PageArgs, Slice, keyset

SCOPE = "operations"


@dataclass(frozen=True, slots=True)
class ReconciliationRecord:
    """One account's day, compared once."""

    id: str
    day: date
    tool: str
    account: str
    book: str
    state: str
    compared: int
    learned: int
    repaired: int
    left: int
    error_code: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DifferenceRecord:
    """One difference; amounts in fen."""

    kind: str
    number: str
    order: str | None
    ours: int | None
    theirs: int | None
    our_state: str | None
    their_state: str | None
    repaired: bool


@dataclass(frozen=True, slots=True)
class FundsRecord:
    """Entries of one kind in a store's ledger; ``amount`` in fen, negative where money left."""

    kind: int
    title: str
    entries: int
    amount: int


@dataclass(frozen=True, slots=True)
class WithdrawalRecord:
    """A withdrawal's entry; ``state`` as it was when the ledger was read."""

    number: str | None
    title: str
    amount: int
    state: str | None
    at: datetime


async def page(ctx: Context, day: date | None, args: PageArgs) -> Slice[ReconciliationRecord]:
    """Runs, latest first; of one day, or of all. Needs the scope operations."""
    ctx.principal.require(SCOPE)
    statement = select(reconciliation)
    if day is not None:
        statement = statement.where(reconciliation.c.business_date == day)
    return await keyset(ctx, f"reconciliations:{day}", statement, [(reconciliation.c.id, True)], args, _record)


async def by_ids(ctx: Context, run_ids: Sequence[str]) -> Sequence[ReconciliationRecord | None]:
    """Batch by id. One statement."""
    rows = await ctx.database.fetch(select(reconciliation).where(reconciliation.c.id.in_(run_ids)))
    found = {row.id: _record(row) for row in rows}
    return [found.get(each) for each in run_ids]


async def differences(ctx: Context, run_id: str, args: PageArgs) -> Slice[DifferenceRecord]:
    """The differences of a run: those that were repaired, then those that are left. One statement."""
    statement = select(reconciliation_difference).where(reconciliation_difference.c.reconciliation == run_id)
    order = [(reconciliation_difference.c.line, False)]
    return await keyset(ctx, f"reconciliation:{run_id}", statement, order, args, _difference)


async def funds(ctx: Context, days: Sequence[tuple[str, date]]) -> Sequence[Sequence[FundsRecord]]:
    """Batch by (appid, day): what moved a store's money, by what it is. One statement."""
    flow = store_funds_flow.c
    rows = await ctx.database.fetch(
        select(
            flow.appid, flow.business_date, flow.kind, func.max(flow.title).label("title"),
            func.count().label("entries"), func.sum(flow.amount).label("amount"),
        )
        .where(tuple_(flow.appid, flow.business_date).in_(days))
        .group_by(flow.appid, flow.business_date, flow.kind)
        .order_by(flow.kind)
    )  # fmt: skip
    found: defaultdict[tuple[str, date], list[FundsRecord]] = defaultdict(list)
    for row in rows:
        record = FundsRecord(row.kind, row.title, int(row.entries), int(row.amount))
        found[row.appid, row.business_date].append(record)
    return [found[each] for each in days]


async def withdrawals(ctx: Context, days: Sequence[tuple[str, date]]) -> Sequence[Sequence[WithdrawalRecord]]:
    """Batch by (appid, day): money that was taken out, or came back from the bank. One statement."""
    flow = store_funds_flow.c
    rows = await ctx.database.fetch(
        select(store_funds_flow)
        .where(tuple_(flow.appid, flow.business_date).in_(days), flow.kind.in_(WITHDRAWN))
        .order_by(flow.booked_at, flow.flow_id)
    )
    found: defaultdict[tuple[str, date], list[WithdrawalRecord]] = defaultdict(list)
    for row in rows:
        record = WithdrawalRecord(row.withdrawal_id, row.title, row.amount, row.state, row.booked_at)
        found[row.appid, row.business_date].append(record)
    return [found[each] for each in days]


def _record(row: Row[Any]) -> ReconciliationRecord:
    return ReconciliationRecord(
        row.id, row.business_date, row.tool, row.account, row.book, row.state, row.compared, row.learned,
        row.repaired, row.left, row.error_code, row.created_at,
    )  # fmt: skip


def _difference(row: Row[Any]) -> DifferenceRecord:
    return DifferenceRecord(
        row.kind, row.number, row.order_number, row.ours_fen, row.theirs_fen, row.ours_state, row.theirs_state,
        row.repaired,
    )  # fmt: skip
