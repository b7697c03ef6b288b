"""Rewards of complete card sets (集卡奖励): claimed by their member. Points are booked with the claim."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from adapters.ip_content import IpContentAdapter, Reward
from gateway.database.ledgers import PointsEntry
from gateway.database.tables.ledger import points_entry
from gateway.events.projector import Batch
from gateway.members import points
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.entrants import entrant, unionid_of
from gateway.transactions.effects.ip_entries import TOOL, reward_fact
from gateway.transactions.steps import Delivery, Kind, StepContext, step

#: Names of the entries' sources in the ledger of points.
SOURCE, UNDO_SOURCE = "own.rewardClaim", "own.rewardClaim.undo"


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for."""

    member: str
    reward: str


class Claim(msgspec.Struct, frozen=True):
    """The reward, for our identity of the member; ``payout`` is the name under which it is paid once."""

    reward: str
    member: str
    identity: str
    payout: str


class Claimed(msgspec.Struct, frozen=True):
    """The reward that is the member's now."""

    reward: str
    member: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    planning.tools.get(IpContentAdapter)
    # What chance gave is the member's: claiming draws nothing.
    who = await entrant(planning, asked.member, chance=False)
    return Effect(Claim(asked.reward, who.member, who.identity, planning.key), values={"member": who.member})


async def _unclaim(ctx: StepContext, intent: Claim, outcome: Claimed | None) -> None:
    """Claimable again, until it expires. Points that were spent meanwhile are owed."""
    del outcome
    adapter = ctx.tools.get(IpContentAdapter)
    # None also after a process died between the tool's book and ours: the points are looked for in any case.
    reward = await adapter.unclaim_reward(intent.reward, intent.payout)
    async with ctx.projector.batch() as batch:
        if reward is not None:
            key = f":{intent.payout}:undone"
            batch.facts.append(
                reward_fact(adapter, ctx, "reward.reserved", reward, intent.member, intent.identity, key)
            )
        entry = (
            await batch.connection.execute(
                select(points_entry.c.id, points_entry.c.reason).where(
                    points_entry.c.source == SOURCE, points_entry.c.source_key == _key(intent)
                )
            )
        ).first()
        if entry is not None:
            await points.reverse(
                batch.connection,
                entry.id,
                source=UNDO_SOURCE,
                source_key=_key(intent),
                reason=entry.reason,
                clock=ctx.projector.clock,
            )


@step(name="ip_reward.claim", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_unclaim)
async def claim(ctx: StepContext, intent: Claim) -> Claimed:
    """For this payout, once. Who pays other kinds than points follows the fact."""
    adapter = ctx.tools.get(IpContentAdapter)
    unionid = await unionid_of(ctx, intent.identity)
    reward = (await adapter.claim_reward(intent.reward, unionid, intent.payout)).reward
    key = f":{intent.payout}"
    ctx.facts.append(reward_fact(adapter, ctx, "reward.claimed", reward, intent.member, intent.identity, key))
    if reward.kind == "points" and reward.amount:

        async def book(batch: Batch) -> None:
            await points.post(batch.connection, _entry(ctx, intent, reward), clock=ctx.projector.clock)

        ctx.on_done.append(book)
    return Claimed(reward.id, intent.member)


def _entry(ctx: StepContext, intent: Claim, reward: Reward) -> PointsEntry:
    return PointsEntry(
        member=intent.member,
        kind="EARN",
        delta=reward.amount,
        reason=reward.name,
        source=SOURCE,
        source_key=_key(intent),
        occurred_at=reward.claimed_at or ctx.now,
    )


def _key(intent: Claim) -> str:
    return f"{intent.reward}:{intent.payout}"


CLAIM: Final = Action("rewardClaim", claim, _plan)
