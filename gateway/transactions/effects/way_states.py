"""The channels (state) of codes: each is one code's, from the commit on that says that the code is to be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, delete, select

from gateway.database.statements import insert_new
from gateway.database.tables.sagas import saga
from gateway.events.projector import Batch
from gateway.transactions.states import SagaState
from gateway.transactions.steps import StepRefused


async def reserve(batch: Batch, table: Table, row: Mapping[str, Any]) -> None:
    """Write the row of a code that is to be made, whose ``config_id`` is null until it is.

    What was reserved for a code whose making came to nothing is free again. Raises StepRefused STATE_TAKEN.
    """
    undone = select(saga.c.id).where(saga.c.state == SagaState.COMPENSATED)
    await batch.connection.execute(
        delete(table).where(
            table.c.corpid == row["corpid"],
            table.c.state == row["state"],
            table.c.config_id.is_(None),
            table.c.saga.in_(undone),
        )
    )
    if not await insert_new(batch.connection, table, [row], keys=("corpid", "state")):
        raise state_taken()


def state_taken() -> StepRefused:
    """Of a channel that is another code's."""
    return StepRefused("STATE_TAKEN", "Another code has this state, or had it: those whom it brought carry it.")
