"""Files (文件) of the ledger: their deletion."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.transactions import file_rows
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step


class Unwanted(msgspec.Struct, frozen=True):
    """Which file, by its id in the ledger."""

    file: str


class Deleted(msgspec.Struct, frozen=True):
    """The file that is gone."""

    file: str


async def _plan(planning: Planning, asked: Unwanted) -> Effect:
    row = await file_rows.theirs(planning.database, planning.principal, asked.file)
    return Effect(asked, values={"member": row.member, "file": row.id})


@step(name="file.delete", tool="cloud_storage", kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def delete(ctx: StepContext, intent: Unwanted) -> Deleted:
    """A key is given to one file only, so that the object can be deleted again and again."""
    row = await file_rows.find(ctx.projector.database, intent.file)
    if row is None:
        raise StepRefused("FILE_UNKNOWN", "The file is gone with its member.")
    await file_rows.remove(ctx.projector.database, ctx.tools, row)
    return Deleted(intent.file)


DELETE: Final = Action("fileDelete", delete, _plan)
