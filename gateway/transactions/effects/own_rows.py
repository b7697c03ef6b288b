"""Our own row of what a platform keeps, by our id of it: changed in the commit of the outcome, or of the undoing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, select, update

from gateway.database.rows import AnyRow
from gateway.events.projector import Batch
from gateway.transactions.steps import StepContext


async def standing(ctx: StepContext, table: Table, row_id: str) -> AnyRow | None:
    """The row as it is now; None where what it tells of was deleted."""
    return await ctx.projector.database.one(select(table).where(table.c.id == row_id, table.c.deleted_at.is_(None)))


def follow_change(ctx: StepContext, table: Table, row_id: str, values: Mapping[str, Any]) -> None:
    """Change it in the commit that follows."""

    async def follow(batch: Batch) -> None:
        await changed(batch, table, row_id, values)

    ctx.on_done.append(follow)


async def changed(batch: Batch, table: Table, row_id: str, values: Mapping[str, Any]) -> None:
    """Change it now."""
    await batch.connection.execute(update(table).where(table.c.id == row_id).values(**values))
