"""How fast the platform sends mass messages (群发速度) of an official account."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.official_account import OfficialAccountAdapter
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Speed → followers a minute. https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Batch_Sends_and_Originality_Checks.html
PER_MINUTE: Final = {0: 800_000, 1: 600_000, 2: 450_000, 3: 300_000, 4: 100_000}


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``account`` None: not said."""

    speed: int
    account: str | None


class Change(msgspec.Struct, frozen=True):
    """The speed that is to be, and the one that was there when this was asked."""

    appid: str
    speed: int
    before: int


class Changed(msgspec.Struct, frozen=True):
    """The speed now."""

    appid: str
    speed: int


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if asked.speed not in PER_MINUTE:
        raise StepRefused("BAD_USER_INPUT", "speed is 0, the fastest, to 4.")
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    intent = Change(adapter.account, asked.speed, await adapter.sending_speed())
    return Effect(intent, values={"appid": adapter.account})


async def _undo(ctx: StepContext, intent: Change, outcome: Changed | None) -> None:
    """The speed before, where nobody has set another one meanwhile; also where ours may never have been set."""
    del outcome
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    if await adapter.sending_speed() == intent.speed:
        await adapter.sending_speed_change(intent.before)


# KEYED: the same speed again is the same speed.
@step(
    name="sending_speed.set",
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_undo,
)
async def change(ctx: StepContext, intent: Change) -> Changed:
    """One call."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.sending_speed_change(intent.speed)
    return Changed(intent.appid, intent.speed)


SET: Final = Action("massMessageSpeedSet", change, _plan)
