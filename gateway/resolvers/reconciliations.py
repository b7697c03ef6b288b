"""What the daily reconciliation found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.tables.reconciliation import reconciliation, reconciliation_difference
from gateway.resolvers.paging import PageArgs, Slice, keyset

SCOPE = "operations"


@dataclass(frozen=True, slots=True)
class ReconciliationRecord:
    """One account's day, compared once."""

    id: str
    day: date
    tool: str
    account: str
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


def _record(row: Row[Any]) -> ReconciliationRecord:
    return ReconciliationRecord(
        row.id, row.business_date, row.tool, row.account, row.state, row.compared, row.learned, row.repaired, row.left,
        row.error_code, row.created_at,
    )  # fmt: skip


def _difference(row: Row[Any]) -> DifferenceRecord:
    return DifferenceRecord(
        row.kind, row.number, row.order_number, row.ours_fen, row.theirs_fen, row.ours_state, row.theirs_state,
        row.repaired,
    )  # fmt: skip
