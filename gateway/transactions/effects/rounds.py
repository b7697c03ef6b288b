"""The gate for thousands: round by round, so that a request that has no time left hands on to a job between two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from gateway.database.reading import chunks
from gateway.events.projector import Batch
from gateway.members.gate import Asked, Decision
from gateway.transactions.steps import StepContext


async def gate_rounds(ctx: StepContext, about: Asked, members: Sequence[str]) -> AsyncIterator[list[Decision]]:
    """Decisions about each member once, a commit of the gate's at a time; for a step that prepares.

    Whoever goes on asks all of them anew, under the same key and places. Where there are several rounds, each is told
    to whoever watches the transaction. Raises OutOfTime and SagaMoved.
    """
    ids = sorted(set(members))
    done = 0
    for some in chunks(ids, ctx.gate.at_once):
        ctx.in_time()
        # Not any more once another process has begun it: a place that is taken now nobody would give back.
        yield await ctx.gate.decide(about, some, holding=ctx.hold)
        done += len(some)
        if len(some) < len(ids):
            await ctx.progress(done, len(ids))


async def through_gate(ctx: StepContext, about: Asked, members: Sequence[str]) -> list[Decision]:
    """All of them: one per id, in order. Raises as ``gate_rounds``."""
    found = {each.asked: each async for some in gate_rounds(ctx, about, members) for each in some}
    return [found[each] for each in members]


async def begin_with(ctx: StepContext, about: Asked, going: Sequence[Decision]) -> None:
    """Begin, with these. Whoever else has a place, from when somebody prepared this before, gives it back, unless an
    attempt may have had them. Raises what ``begin`` does."""

    async def keep(batch: Batch) -> None:
        await ctx.gate.keep(about.key, {str(each.attempt) for each in going}, batch=batch)

    await ctx.begin(*(() if ctx.repeated else (keep,)))
