"""What becomes of a transaction leaves a fact, so that whoever watches it is told."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Fact, append_facts
from gateway.database.tables.facts import fact
from gateway.database.tables.sagas import saga
from gateway.transactions.states import SagaState

KIND: Final = "transaction.changed"


async def tell(
    connection: AsyncConnection,
    saga_id: str,
    at: datetime,
    state: str,
    *,
    step: tuple[int, str] | None = None,
    member: str | None = None,
) -> None:
    """Append ``transaction.changed`` in the caller's transaction: the saga has a new state, or one of its steps has.

    ``member`` is whose it is, for as long as no order says so.
    """
    # Before its order is placed only the first of these facts knows whose it is.
    begun = fact.c.source_key == f"{saga_id}::{SagaState.RUNNING}"
    whose = select(fact.c.member).where(fact.c.kind == KIND, fact.c.account == "", begun).scalar_subquery()
    statement = select(saga.c.input, whose.label("member")).where(saga.c.id == saga_id)
    row = (await connection.execute(statement)).one_or_none()
    values = (row.input if row is not None else None) or {}
    payload = {"transaction": saga_id, "state": state}
    if step is not None:
        payload |= {"step": step[1]}
    told = Fact(
        kind=KIND,
        occurred_at=at,
        source="own",
        source_key=f"{saga_id}:{'' if step is None else step[0]}:{state}",
        member=member or (None if row is None else row.member),
        order_ref=values.get("order"),
        payload=payload,
    )
    await append_facts(connection, [told])
