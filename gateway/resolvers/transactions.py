"""Transactions (交易) for headquarters: the list, and the answers of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.tables.sagas import saga
from gateway.resolvers import ids
from gateway.resolvers.errors import UserError
from gateway.resolvers.paging import PageArgs, Slice, aware, keyset
from gateway.transactions.problems import problem
from gateway.transactions.records import Problem, TransactionView
from gateway.transactions.states import SagaState
from gateway.transactions.steps import StepRefused

#: Whoever watches over the gateway's work.
SCOPE = "operations"
_REASON = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which transactions; all that is given must hold."""

    states: Sequence[str] = ()
    kind: str | None = None
    attention: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """A transaction without its steps."""

    id: str
    kind: str
    state: str
    attention: str | None
    created_at: datetime
    updated_at: datetime


async def page(ctx: Context, wanted: Wanted, args: PageArgs) -> Slice[TransactionRecord]:
    """Transactions, latest first. One statement. Needs the scope operations."""
    ctx.principal.require(SCOPE)
    statement = select(saga)
    if wanted.states:
        statement = statement.where(saga.c.state.in_(wanted.states))
    if wanted.kind is not None:
        statement = statement.where(saga.c.kind == wanted.kind)
    if wanted.attention is not None:
        statement = statement.where(saga.c.attention == wanted.attention)
    if wanted.since is not None:
        statement = statement.where(saga.c.created_at >= aware(wanted.since, "from"))
    if wanted.until is not None:
        statement = statement.where(saga.c.created_at < aware(wanted.until, "before"))
    scope = f"transactions:{wanted}"
    return await keyset(ctx, scope, statement, [(saga.c.created_at, True), (saga.c.id, True)], args, _record)


async def views(ctx: Context, saga_ids: Sequence[str]) -> Sequence[TransactionView | None]:
    """Batch by our ids. Two statements."""
    return await ctx.services.checkout.transactions(saga_ids)


async def retry(ctx: Context, transaction: str, reason: str) -> Problem | None:
    """Try a stopped transaction again. Needs the scope operations."""
    ctx.principal.require(SCOPE)
    try:
        await ctx.services.checkout.desk.retry(ctx.principal, *_asked(transaction, reason))
    except StepRefused as refusal:
        return problem(refusal)
    return None


async def resolve(ctx: Context, transaction: str, outcome: str, reason: str) -> Problem | None:
    """Say that a stopped transaction was dealt with. Needs the scope operations."""
    ctx.principal.require(SCOPE)
    saga_id, because = _asked(transaction, reason)
    try:
        await ctx.services.checkout.desk.resolve(ctx.principal, saga_id, SagaState(outcome), because)
    except StepRefused as refusal:
        return problem(refusal)
    return None


def _asked(transaction: str, reason: str) -> tuple[str, str]:
    if not 1 <= len(reason.strip()) <= _REASON:
        raise UserError(f"reason has {len(reason.strip())} characters: 1 to {_REASON} are possible.")
    return ids.decode_as("tx", transaction)[1], reason.strip()


def _record(row: Row[Any]) -> TransactionRecord:
    return TransactionRecord(row.id, row.kind, row.state, row.attention, row.created_at, row.updated_at)
