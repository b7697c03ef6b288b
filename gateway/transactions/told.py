"""What becomes of a transaction leaves a fact, so that whoever watches it is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Fact, append_facts
from gateway.database.tables.sagas import saga


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
    row = (await connection.execute(select(saga.c.input).where(saga.c.id == saga_id))).one_or_none()
    values = (row.input if row is not None else None) or {}
    payload = {"transaction": saga_id, "state": state}
    if step is not None:
        payload |= {"step": step[1]}
    fact = Fact(
        kind="transaction.changed",
        occurred_at=at,
        source="own",
        source_key=f"{saga_id}:{'' if step is None else step[0]}:{state}",
        member=member,
        order_ref=values.get("order"),
        payload=payload,
    )
    await append_facts(connection, [fact])
