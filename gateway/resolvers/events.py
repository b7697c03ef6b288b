"""Single events of the fact log, as webhooks and those who keep a copy read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.context import Context
from gateway.database.fact_kinds import TOLD
from gateway.events.horizon import LoggedFact
from gateway.resolvers.timeline import EntryRecord, entry, sentence
from gateway.webhooks.records import EVENT_KINDS


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event. Money in fen; ``entry`` is None for kinds that no timeline tells."""

    id: str
    kind: str
    at: datetime
    recorded_at: datetime
    tool: str | None
    source: str
    summary: str
    amount: int | None
    quantity: int | None
    reason: str | None
    member: str | None
    order: str | None
    store: str | None
    guide: str | None
    entry: EntryRecord | None


async def by_ids(ctx: Context, event_ids: Sequence[str]) -> Sequence[EventRecord | None]:
    """By id, in order; None for what is no event, or is about somebody who was erased."""
    return [await _one(ctx, each) for each in event_ids]


async def one(ctx: Context, event_id: str) -> EventRecord | None:
    """One event, or None. Needs the scope members:read."""
    ctx.principal.require("members:read")
    return await ctx.loaders.load(by_ids, event_id)


async def _one(ctx: Context, event_id: str) -> EventRecord | None:
    if len(event_id) != 26 or not (event_id.isascii() and event_id.isalnum()):
        return None
    log = ctx.services.webhooks.log
    found = await log.one(event_id)
    if found is None or found.kind not in EVENT_KINDS or await log.of_erased([found]):
        return None
    return _record(found)


def _record(found: LoggedFact) -> EventRecord:
    summary = sentence(found.kind, found.payload, found.amount_fen, found.quantity)
    return EventRecord(
        id=found.id,
        kind=found.kind,
        at=found.occurred_at,
        recorded_at=found.recorded_at,
        tool=found.tool,
        source=found.source,
        summary=summary,
        amount=found.amount_fen,
        quantity=found.quantity,
        reason=found.reason,
        member=found.member,
        order=found.order_ref,
        store=found.store,
        guide=found.guide,
        entry=entry(found) if found.kind in TOLD else None,
    )
