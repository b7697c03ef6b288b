"""Customer groups given to another owner (客户群继承): of guides who stay (在职继承), or of guides who left (离职继承).

Unlike customers, groups change hands at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.database.tables.projections import customer_group
from gateway.events.projections import enterprise_chat
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.customers import guide_state
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Groups of one request: the platform's own limit.
MOST: Final = 100


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: groups of one corp, and the guide who is to have them."""

    corpid: str
    chat_ids: tuple[str, ...]
    new: str


class HandOver(msgspec.Struct, frozen=True):
    """The same; ``resigned`` where the owners have left."""

    corpid: str
    chat_ids: tuple[str, ...]
    new: str
    resigned: bool


class Row(msgspec.Struct, frozen=True):
    """A group; ``reason`` empty: the guide has it, else why not."""

    chat_id: str
    reason: str = ""


class HandedOver(msgspec.Struct, frozen=True):
    """What became of each group."""

    corpid: str
    rows: tuple[Row, ...]


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.chat_ids) <= MOST:
        raise StepRefused("BAD_USER_INPUT", f"{len(asked.chat_ids)} groups given: 1 to {MOST} are possible.")
    planning.tools.get(EnterpriseChatAdapter, asked.corpid)
    to = await guide_state(planning.database, asked.corpid, asked.new)
    if to is None:
        raise StepRefused("GUIDE_UNKNOWN", "There is no such guide; take one from the query stores.")
    if to != "ACTIVE":
        raise StepRefused("GUIDE_LEFT", "The guide who is to take the groups over has left.")
    owners = await _owners(planning, asked)
    if any(owner.lower() == asked.new.lower() for owner in owners.values()):
        raise StepRefused("BAD_USER_INPUT", "The guide has one of the groups already; leave it out.")
    left = {await guide_state(planning.database, asked.corpid, each) != "ACTIVE" for each in set(owners.values())}
    if len(left) > 1:
        raise StepRefused("BAD_USER_INPUT", "Owners of some groups have left and others not: that is two requests.")
    intent = HandOver(asked.corpid, asked.chat_ids, asked.new, left.pop())
    return Effect(intent, values={"corpid": asked.corpid})


async def _owners(planning: Planning, asked: Wanted) -> Mapping[str, str]:
    """chat_id → the owner, by our rows. Raises StepRefused for a group that they do not have."""
    rows = await planning.database.fetch(
        select(customer_group.c.chat_id, customer_group.c.owner).where(
            customer_group.c.corpid == asked.corpid, customer_group.c.chat_id.in_(asked.chat_ids)
        )
    )
    if missing := len(asked.chat_ids) - len(rows):
        raise StepRefused("GROUP_UNKNOWN", f"{missing} of the groups are unknown; the query customerGroups lists them.")
    return {row.chat_id: row.owner for row in rows}


async def _ask(ctx: StepContext, intent: HandOver) -> HandedOver | None:
    """None of the groups was the guide's before, so those that are now were given; one call for each of them."""
    found = await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).groups(intent.chat_ids)
    given = {
        each.chat_id
        for each in found
        if not isinstance(each, NotFound) and each.owner_userid.lower() == intent.new.lower()
    }
    if not given:
        return None
    return _follow(ctx, intent, {each: "" if each in given else "not_answered" for each in intent.chat_ids})


# ASKABLE: every group tells its owner. A PIVOT: a group moves at most twice in 90 days, so that giving it back is no
# undoing.
@step(name="group.hand_over", tool="enterprise_chat", kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_ask)
async def hand_over(ctx: StepContext, intent: HandOver) -> HandedOver:
    """One call for all. Groups fail one by one; that all did is an outcome too."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    if intent.resigned:
        rows = await adapter.hand_over_groups_resigned(intent.chat_ids, intent.new)
    else:
        rows = await adapter.hand_over_groups(intent.chat_ids, intent.new)
    return _follow(ctx, intent, {each.id: each.reason for each in rows})


def _follow(ctx: StepContext, intent: HandOver, told: Mapping[str, str]) -> HandedOver:
    """Our rows, in the commit of the outcome."""
    given = [chat_id for chat_id, reason in told.items() if not reason]

    async def follow(batch: Batch) -> None:
        await enterprise_chat.owned(batch, intent.corpid, given, intent.new)

    ctx.on_done.append(follow)
    return HandedOver(intent.corpid, tuple(Row(*each) for each in told.items()))


HAND_OVER: Final = Action("customerGroupHandover", hand_over, _plan)
