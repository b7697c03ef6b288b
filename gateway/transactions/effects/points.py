"""Adjustments of a member's points (积分调整), in our own ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.database.ledgers import PointsEntry
from gateway.members import points
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Names of the entries' sources in the ledger.
SOURCE, UNDO_SOURCE = "own.pointsAdjust", "own.pointsAdjust.undo"


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``key`` is its own name for the adjustment; empty under @atomic."""

    member: str
    points: int
    reason: str
    valid_until: datetime | None = None
    key: str = ""


class Adjust(msgspec.Struct, frozen=True):
    """The adjustment, who decided it, and the name under which the ledger knows it."""

    wanted: Wanted
    decided_by: str
    key: str


class Adjusted(msgspec.Struct, frozen=True):
    """The entry. ``replayed``: it was there before, and is not this transaction's to undo."""

    entry: str
    member: str
    replayed: bool


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    by = planning.principal.id
    return Effect(Adjust(asked, by, f"{by}:{asked.key or planning.key}"), values={"member": asked.member})


async def _take_back(ctx: StepContext, intent: Adjust, outcome: Adjusted | None) -> None:
    """The opposite entry. Points that were spent meanwhile are owed."""
    if outcome is None or outcome.replayed:
        return
    await points.reverse(
        ctx.batch.connection,
        outcome.entry,
        source=UNDO_SOURCE,
        source_key=outcome.entry,
        reason=intent.wanted.reason,
        clock=ctx.projector.clock,
    )


@step(name="points.adjust", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_take_back)
async def adjust(ctx: StepContext, intent: Adjust) -> Adjusted:
    """One entry of the ledger, never below zero."""
    wanted = intent.wanted
    entry = PointsEntry(
        member=wanted.member,
        kind="ADJUST",
        delta=wanted.points,
        reason=wanted.reason,
        source=SOURCE,
        source_key=intent.key,
        occurred_at=ctx.now,
        valid_until=wanted.valid_until,
        decided_by=intent.decided_by,
    )
    try:
        posted = await points.post(ctx.batch.connection, entry, clock=ctx.projector.clock)
    except points.PointsRefused as refused:
        raise StepRefused(refused.code, str(refused)) from refused
    return Adjusted(posted.id, posted.member, posted.replayed)


ADJUST: Final = Action("pointsAdjust", adjust, _plan)
