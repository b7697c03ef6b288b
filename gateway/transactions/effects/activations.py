"""Activations on their way (主题活动状态): moved by headquarters, where the licences permit it."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.ip_content import IpContentAdapter
from gateway.database.facts import Fact
from gateway.database.tables.dimensions import store
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.ip_entries import TOOL
from gateway.transactions.effects.provinces import province_code
from gateway.transactions.steps import Delivery, Kind, StepContext, step


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for."""

    activation: str
    target: str


class Move(msgspec.Struct, frozen=True):
    """The move; where its stores are, as the master data had it when this was asked."""

    activation: str
    target: str
    by: str
    key: str
    territories: dict[str, str]


class Moved(msgspec.Struct, frozen=True):
    """From which state to which."""

    activation: str
    source: str
    target: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(IpContentAdapter)
    [found] = await adapter.activations([asked.activation])
    if isinstance(found, NotFound):
        raise found
    rows = await planning.database.fetch(
        select(store.c.id, store.c.region).where(store.c.id.in_(found.store_codes), store.c.valid_to.is_(None))
    )
    territories = {row.id: code for row in rows if (code := province_code(row.region or ""))}
    return Effect(Move(asked.activation, asked.target, planning.principal.id, planning.key, territories))


# PIVOT: shoppers may have seen what went live; the way back is another move.
@step(name="ip_activation.move", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def move(ctx: StepContext, intent: Move) -> Moved:
    """Once per key."""
    adapter = ctx.tools.get(IpContentAdapter)
    moved = await adapter.move_activation(
        intent.activation, intent.target, user=intent.by, key=intent.key, territories=intent.territories
    )
    ctx.facts.append(
        Fact(
            kind="activation.moved",
            occurred_at=ctx.now,
            source="own",
            source_key=intent.key,
            account=adapter.account,
            tool=TOOL,
            reason=moved.target.upper(),
            payload={"activation": moved.code, "from": moved.source, "by": intent.by},
        )
    )
    return Moved(moved.code, moved.source, moved.target)


MOVE: Final = Action("activationMove", move, _plan)
