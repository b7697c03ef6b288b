"""Customers given to another guide: 在职继承 of one who stays, 离职继承 of one who left.

Accepted is not done: the new guide has a customer after 24 hours, unless they refuse. Each customer is a row of
``handover``, which ``gateway.transactions.handovers`` settles by what the platform says later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from adapters.enterprise_chat import EnterpriseChatAdapter, Unassigned
from adapters.enterprise_chat.records.handovers import HandoverResult, HandoverStatus
from gateway.database.facts import Fact
from gateway.database.statements import insert_new
from gateway.database.tables.contacts import handover
from gateway.events.projections import enterprise_chat
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.customers import contacts_of, external_userids, guide_state
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Customers of one request: the platform's own limit.
MOST: Final = 100
#: Characters of what the customers read.
MESSAGE_LENGTH: Final = 200
#: How long a customer has to refuse.
DELAY: Final = timedelta(hours=24)


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; guides are userids of one corp.

    ``members`` None: the next hundred customers whom a guide who left has left behind.
    """

    corpid: str
    old: str
    new: str
    members: tuple[str, ...] | None
    message: str = ""


class HandOver(msgspec.Struct, frozen=True):
    """Who goes from whom to whom. ``identities`` are our ids, which lead to nobody once a member is erased.

    ``known`` are those of them of whom the platform has told the end of an earlier handover of the same kind: what
    it says of them later proves nothing, unless they wait.
    """

    corpid: str
    old: str
    new: str
    resigned: bool
    identities: tuple[str, ...]
    known: tuple[str, ...]
    message: str


class Row(msgspec.Struct, frozen=True):
    """A customer; ``reason`` empty: under way, else why the platform did not begin."""

    identity: str
    reason: str = ""


class HandedOver(msgspec.Struct, frozen=True):
    """What the platform began, customer by customer."""

    rows: tuple[Row, ...]


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if len(asked.message) > MESSAGE_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"message may have {MESSAGE_LENGTH} characters.")
    if asked.members is not None and not 1 <= len(asked.members) <= MOST:
        raise StepRefused("BAD_USER_INPUT", f"{len(asked.members)} members given: 1 to {MOST} are possible.")
    if asked.old.lower() == asked.new.lower():
        raise StepRefused("BAD_USER_INPUT", "from and to are the same guide.")
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.corpid)
    to = await guide_state(planning.database, asked.corpid, asked.new)
    if to is None:
        raise StepRefused("GUIDE_UNKNOWN", "There is no such guide; take one from the query stores.")
    if to != "ACTIVE":
        raise StepRefused("GUIDE_LEFT", "The guide who is to take the customers over has left.")
    resigned = await guide_state(planning.database, asked.corpid, asked.old) != "ACTIVE"
    if resigned and asked.message:
        raise StepRefused("BAD_USER_INPUT", "Customers of a guide who left are told nothing: leave message out.")
    identities = await _customers(planning, adapter, asked, resigned=resigned)
    known = await _results(adapter, asked.old, asked.new, resigned=resigned)
    externals = await external_userids(planning.database, identities)
    ended = tuple(each for each in identities if (was := known.get(externals.get(each, ""))) and not _waits(was))
    intent = HandOver(asked.corpid, asked.old, asked.new, resigned, tuple(identities), ended, asked.message)
    return Effect(intent, values={"corpid": asked.corpid})


async def _customers(
    planning: Planning, adapter: EnterpriseChatAdapter, asked: Wanted, *, resigned: bool
) -> Sequence[str]:
    """Our ids of the customers. Raises StepRefused where one of them is not this guide's."""
    if asked.members is None:
        if not resigned:
            raise StepRefused("BAD_USER_INPUT", "Name the members: only a guide who left hands over whoever is left.")
        return await _left_behind(planning, adapter, asked.old)
    contacts = await contacts_of(planning.database, asked.members)
    found = []
    for each in asked.members:
        if each not in contacts:
            raise StepRefused("MEMBER_UNKNOWN", "There is no such member.")
        mine = [pair.identity for pair in contacts[each] if (pair.corpid, pair.userid) == (asked.corpid, asked.old)]
        if not mine:
            raise StepRefused("CONTACT_UNKNOWN", "The guide does not have this member as a contact.", member=each)
        found += mine
    return list(dict.fromkeys(found))[:MOST]


async def _left_behind(planning: Planning, adapter: EnterpriseChatAdapter, old: str) -> Sequence[str]:
    """The next hundred of the platform's own list; whoever we did not know is known from now on."""
    found: list[Unassigned] = []
    cursor: str | None = None
    while len(found) < MOST:
        page = await adapter.unassigned(cursor)
        found += [each for each in page.items if each.handover_userid.lower() == old.lower()]
        cursor = page.next_cursor
        if cursor is None:
            break
    identities = await enterprise_chat.left_behind(planning.projector, adapter.account, found[:MOST])
    if not identities:
        raise StepRefused("CONTACT_UNKNOWN", "Nobody is left of this guide's customers.")
    return identities


async def results(
    adapter: EnterpriseChatAdapter, old: str, new: str, *, resigned: bool
) -> AsyncIterator[HandoverResult]:
    """What became of everybody whom one gave the other; one call per thousand."""
    cursor: str | None = None
    while True:
        page = await (adapter.handovers_resigned if resigned else adapter.handovers)(old, new, cursor)
        for each in page.items:
            yield each
        cursor = page.next_cursor
        if cursor is None:
            return


async def _results(
    adapter: EnterpriseChatAdapter, old: str, new: str, *, resigned: bool
) -> Mapping[str, HandoverResult]:
    """By external_userid; of several the last one."""
    return {each.external_userid: each async for each in results(adapter, old, new, resigned=resigned)}


def _waits(result: HandoverResult) -> bool:
    return result.status is HandoverStatus.WAITING


async def _ask(ctx: StepContext, intent: HandOver) -> HandedOver | None:
    """Begun where anybody waits, or has an end that they did not have before; the others were not begun."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    told = await _results(adapter, intent.old, intent.new, resigned=intent.resigned)
    externals = await external_userids(ctx.projector.database, intent.identities)
    begun = {
        each
        for each in intent.identities
        if (result := told.get(externals.get(each, ""))) and (_waits(result) or each not in intent.known)
    }
    if not begun:
        return None
    return _follow(ctx, intent, {each: "" if each in begun else "not_answered" for each in intent.identities})


# ASKABLE: the platform tells where every customer of this pair of guides stands. A PIVOT: a customer who moves twice in
# 90 days moves no more, so that giving them back is no undoing.
@step(name="contact.hand_over", tool="enterprise_chat", kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_ask)
async def hand_over(ctx: StepContext, intent: HandOver) -> HandedOver:
    """One call for all. Rows fail one by one; that all did is an outcome too."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    externals = await external_userids(ctx.projector.database, intent.identities)
    if not externals:
        raise StepRefused("MEMBER_UNKNOWN", "The members were erased meanwhile.")
    asked = list(externals.values())
    if intent.resigned:
        rows = await adapter.hand_over_resigned(intent.old, intent.new, asked)
    else:
        rows = await adapter.hand_over(intent.old, intent.new, asked, intent.message)
    answers = {row.id: row.reason for row in rows}
    told = {each: answers[externals[each]] if each in externals else "no_such_contact" for each in intent.identities}
    return _follow(ctx, intent, told)


def _follow(ctx: StepContext, intent: HandOver, told: Mapping[str, str]) -> HandedOver:
    """A row per customer and its fact, in the commit of the outcome."""

    async def follow(batch: Batch) -> None:
        await insert_new(batch.connection, handover, [_row(ctx, intent, *each) for each in told.items()], keys=_KEYS)
        members = await enterprise_chat.members_of(batch.connection, told)
        batch.facts += [_fact(ctx, intent, each, members.get(each), reason) for each, reason in told.items()]

    ctx.on_done.append(follow)
    return HandedOver(tuple(Row(*each) for each in told.items()))


_KEYS: Final = ("saga", "identity")


def _row(ctx: StepContext, intent: HandOver, identity: str, reason: str) -> Mapping[str, object]:
    return {
        "saga": ctx.saga,
        "identity": identity,
        "corpid": intent.corpid,
        "from_userid": intent.old,
        "to_userid": intent.new,
        "resigned": intent.resigned,
        "state": "REJECTED" if reason else "WAITING",
        "reason": reason or None,
        "asked_at": ctx.now,
        "takes_over_at": None if reason else ctx.now + DELAY,
        "settled_at": ctx.now if reason else None,
    }


def _fact(ctx: StepContext, intent: HandOver, identity: str, member: str | None, reason: str) -> Fact:
    return Fact(
        kind="handover.refused" if reason else "handover.requested",
        occurred_at=ctx.now,
        source="own",
        source_key=f"{ctx.saga}:{identity}",
        account=intent.corpid,
        tool="enterprise_chat",
        member=member,
        identity=identity,
        guide=f"{intent.corpid}:{intent.new}",
        reason=reason or None,
        payload={"from": intent.old, "transaction": ctx.saga},
    )


HAND_OVER: Final = Action("customerHandover", hand_over, _plan)
