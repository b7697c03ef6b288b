"""What members do in activations (泛娱乐IP): cards drawn, ballots cast, places in limited editions.

The tool counts by entry: one is spent once, whatever is asked later, so that a repetition under the same entry is
answered and not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from adapters.base.errors import NotFound
from adapters.ip_content import CardDrawn, DropPlace, IpContentAdapter, Reward
from gateway.database.facts import Fact
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.entrants import bought, entrant, not_risky, unionid_of
from gateway.transactions.steps import Delivery, Kind, StepContext, step

TOOL: Final = "ip_content"


class Draw(msgspec.Struct, frozen=True):
    """What the client asked for: a card of an activation, for an order of the member's or another entry. Exactly one of
    ``order`` and ``ref`` is given."""

    member: str
    activation: str
    order: str = ""
    ref: str = ""


class Ballot(msgspec.Struct, frozen=True):
    """What the client asked for; without ``ref`` the request itself is the entry."""

    member: str
    contest: str
    choice: str
    ref: str = ""


class Entry(msgspec.Struct, frozen=True):
    """What the client asked for: a place in a limited edition."""

    member: str
    drop: str


class Spend(msgspec.Struct, frozen=True):
    """An entry to be spent by our identity of the member; ``of`` is an activation, a contest or a drop."""

    of: str
    member: str
    identity: str
    ref: str
    choice: str = ""
    name: str = ""


class Drawn(msgspec.Struct, frozen=True):
    """The card, whether the set is complete, and the id of what it earned."""

    activation: str
    member: str
    card: str
    name: str
    complete: bool
    already: bool
    reward: str = ""


class Cast(msgspec.Struct, frozen=True):
    """The choice that counts."""

    contest: str
    choice: str
    already: bool


class Placed(msgspec.Struct, frozen=True):
    """The place: entered, won, lost or withdrawn."""

    drop: str
    ref: str
    state: str


# Cards --------------------------------------------------------------------------------------------


async def _plan_draw(planning: Planning, asked: Draw) -> Effect:
    adapter = planning.tools.get(IpContentAdapter)
    [found] = await adapter.activations([asked.activation])
    if isinstance(found, NotFound):
        raise found
    who = await entrant(planning, asked.member, chance=True)
    if asked.order:
        await bought(planning, who, asked.order, found.starts, found.ends)
    ref = f"order:{asked.order}" if asked.order else asked.ref
    return Effect(Spend(asked.activation, who.member, who.identity, ref), values={"member": who.member})


# PIVOT: a card that was seen cannot be taken back, or whoever draws a poor one would draw again.
@step(name="ip_card.draw", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def draw_card(ctx: StepContext, intent: Spend) -> Drawn:
    """By the entry, which draws once; what a complete set earns is reserved with it."""
    adapter = ctx.tools.get(IpContentAdapter)
    unionid = await unionid_of(ctx, intent.identity)
    drawn = await adapter.draw_card(intent.of, unionid, intent.ref)
    ctx.facts += _told(adapter, ctx, intent, drawn)
    reward = "" if drawn.reward is None else drawn.reward.id
    return Drawn(intent.of, intent.member, drawn.card_id, drawn.card_name, drawn.set_complete, drawn.already, reward)


def _told(adapter: IpContentAdapter, ctx: StepContext, intent: Spend, drawn: CardDrawn) -> list[Fact]:
    payload = {"name": drawn.card_name, "activation": intent.of, "card": drawn.card_id}
    facts = [_fact(adapter, ctx, intent, "card.drawn", f"{intent.of}:{intent.ref}", payload)]
    if drawn.reward is not None:
        facts.append(reward_fact(adapter, ctx, "reward.reserved", drawn.reward, intent.member, intent.identity))
    return facts


def reward_fact(
    adapter: IpContentAdapter,
    ctx: StepContext,
    kind: str,
    reward: Reward,
    member: str,
    identity: str,
    key: str = "",
) -> Fact:
    """``key`` tells one of several facts of a kind from the others."""
    return Fact(
        kind=kind,
        occurred_at=ctx.now if reward.claimed_at is None else reward.claimed_at,
        source="own",
        source_key=f"{reward.id}{key}",
        account=adapter.account,
        tool=TOOL,
        member=member,
        identity=identity,
        amount_fen=reward.amount if reward.kind in {"red_packet", "coupon"} else None,
        quantity=reward.amount if reward.kind == "points" else None,
        payload={"name": reward.name, "activation": reward.activation, "reward": reward.id, "kind": reward.kind},
    )


def _fact(
    adapter: IpContentAdapter, ctx: StepContext, intent: Spend, kind: str, key: str, payload: Mapping[str, Any]
) -> Fact:
    return Fact(
        kind=kind,
        occurred_at=ctx.now,
        source="own",
        source_key=key,
        account=adapter.account,
        tool=TOOL,
        member=intent.member,
        identity=intent.identity,
        payload=payload,
    )


# Ballots ------------------------------------------------------------------------------------------


async def _plan_ballot(planning: Planning, asked: Ballot) -> Effect:
    adapter = planning.tools.get(IpContentAdapter)
    who = await entrant(planning, asked.member, chance=False)
    [contest] = await adapter.contests([asked.contest])
    if isinstance(contest, NotFound):
        raise contest
    intent = Spend(asked.contest, who.member, who.identity, asked.ref or planning.key, asked.choice, contest.name)
    return Effect(intent, values={"member": who.member})


# PIVOT: the tally only grows, or its hash would prove nothing.
@step(name="ip_ballot.cast", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def cast_ballot(ctx: StepContext, intent: Spend) -> Cast:
    """By the entry, whose first choice stands."""
    adapter = ctx.tools.get(IpContentAdapter)
    unionid = await unionid_of(ctx, intent.identity)
    cast = await adapter.cast_ballot(intent.of, unionid, intent.ref, intent.choice)
    payload = {"name": intent.name, "contest": intent.of}
    ctx.facts.append(_fact(adapter, ctx, intent, "ballot.cast", f"{intent.of}:{intent.ref}", payload))
    return Cast(intent.of, cast.choice, cast.already)


# Limited editions ---------------------------------------------------------------------------------


async def _plan_entry(planning: Planning, asked: Entry) -> Effect:
    adapter = planning.tools.get(IpContentAdapter)
    [drop] = await adapter.drops([asked.drop])
    if isinstance(drop, NotFound):
        raise drop
    who = await entrant(planning, asked.member, chance=drop.queue_mode == "raffle")
    await not_risky(planning, who, phone=drop.needs_phone, member_days=drop.member_days)
    intent = Spend(asked.drop, who.member, who.identity, planning.key, name=drop.name)
    return Effect(intent, values={"member": who.member})


async def _give_back(ctx: StepContext, intent: Spend, outcome: Placed | None) -> None:
    """For somebody else. The entry that nobody knows of may have been taken too."""
    del outcome
    adapter = ctx.tools.get(IpContentAdapter)
    if not await adapter.withdraw_drop(intent.of, intent.ref):
        return
    async with ctx.projector.batch() as batch:
        batch.facts.append(place_fact(adapter, ctx, intent, "withdrawn"))


@step(name="ip_drop.enter", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_give_back)
async def enter_drop(ctx: StepContext, intent: Spend) -> Placed:
    """One place, at once or in the raffle."""
    adapter = ctx.tools.get(IpContentAdapter)
    unionid = await unionid_of(ctx, intent.identity)
    place: DropPlace = (await adapter.enter_drop(intent.of, unionid, intent.ref)).place
    ctx.facts.append(place_fact(adapter, ctx, intent, "entered"))
    if place.state == "won":
        ctx.facts.append(place_fact(adapter, ctx, intent, "won"))
    return Placed(intent.of, intent.ref, place.state)


def place_fact(adapter: IpContentAdapter, ctx: StepContext, intent: Spend, state: str) -> Fact:
    """What became of a place."""
    payload = {"name": intent.name, "drop": intent.of}
    return _fact(adapter, ctx, intent, f"drop.{state}", f"{intent.of}:{intent.ref}", payload)


DRAW: Final = Action("cardDraw", draw_card, _plan_draw)
CAST: Final = Action("ballotCast", cast_ballot, _plan_ballot)
ENTER: Final = Action("dropEnter", enter_drop, _plan_entry)
