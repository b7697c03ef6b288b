"""Which merchants may get parts of payments (分账接收方)."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from adapters.payments import PaymentsAdapter, Receiver, ReceiverKind, Relation
from gateway.database.tables.sharing import profit_receiver
from gateway.events.projections import sharing
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "payments"
#: Characters: 商户全称 and 自定义的分账关系, by the platform.
NAME_LENGTH: Final = 256
CUSTOM_LENGTH: Final = 10


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``name`` is the merchant's full name (商户全称), which the platform compares."""

    account: str
    name: str
    relation: str
    custom: str = ""
    mchid: str = ""


class Add(msgspec.Struct, frozen=True):
    """The merchant to enter; ``known``: it was entered before, so undoing leaves it."""

    mchid: str
    appid: str
    account: str
    name: str
    relation: str
    custom: str
    known: bool


class Strike(msgspec.Struct, frozen=True):
    """What the client asked for: the merchant that shall get no parts any more."""

    account: str
    mchid: str = ""


class Remove(msgspec.Struct, frozen=True):
    """The merchant to strike off."""

    mchid: str
    appid: str
    account: str


class Entered(msgspec.Struct, frozen=True):
    """The merchant that was entered, or struck off."""

    mchid: str
    account: str


async def _plan_add(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.account) <= 64 or not 1 <= len(asked.name) <= NAME_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"account must have 1 to 64 characters, name 1 to {NAME_LENGTH}.")
    if (asked.relation == Relation.CUSTOM.value) != bool(asked.custom) or len(asked.custom) > CUSTOM_LENGTH:
        raise StepRefused(
            "BAD_USER_INPUT", f"custom is given for the relation CUSTOM, and only then, in {CUSTOM_LENGTH} characters."
        )
    adapter = planning.tools.get(PaymentsAdapter, asked.mchid or None)
    if asked.account == adapter.account:
        raise StepRefused("BAD_USER_INPUT", "account is the merchant itself, whose the rest is anyway.")
    known = await _known(planning, adapter.account, asked.account)
    intent = Add(
        adapter.account, adapter.appids[0], asked.account, asked.name, asked.relation, asked.custom, known=known
    )
    return Effect(intent, values={"mchid": intent.mchid, "receiver": intent.account})


async def _plan_delete(planning: Planning, asked: Strike) -> Effect:
    adapter = planning.tools.get(PaymentsAdapter, asked.mchid or None)
    if not await _known(planning, adapter.account, asked.account):
        raise StepRefused("SHARE_RECEIVER_UNKNOWN", "This merchant is none of profitReceivers.")
    intent = Remove(adapter.account, adapter.appids[0], asked.account)
    return Effect(intent, values={"mchid": intent.mchid, "receiver": intent.account})


async def _known(planning: Planning, mchid: str, account: str) -> bool:
    row = await planning.database.one(
        select(profit_receiver.c.account).where(profit_receiver.c.mchid == mchid, profit_receiver.c.account == account)
    )
    return row is not None


async def _strike_off(ctx: StepContext, intent: Add, outcome: Entered | None) -> None:
    """One that was entered before stays."""
    del outcome
    if intent.known:
        return
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    await adapter.delete_receiver(intent.appid, ReceiverKind.MERCHANT, intent.account)
    async with ctx.projector.batch() as batch:
        await sharing.struck_off(batch, intent.mchid, intent.account)


# KEYED: who is entered twice is entered.
@step(
    name="profit_receiver.add", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_strike_off
)  # fmt: skip
async def add(ctx: StepContext, intent: Add) -> Entered:
    """Enter a merchant (添加分账接收方)."""
    wanted = Receiver(
        ReceiverKind.MERCHANT, intent.appid, intent.account, Relation(intent.relation), intent.name, intent.custom
    )
    await ctx.tools.get(PaymentsAdapter, intent.mchid).add_receiver(wanted)

    async def follow(batch: Batch) -> None:
        row = {"mchid": intent.mchid, "account": intent.account, "relation": intent.relation}
        await sharing.added(batch, row | {"custom": intent.custom or None, "added_at": ctx.now})

    ctx.on_done.append(follow)
    return Entered(intent.mchid, intent.account)


# KEYED: who is struck off twice is off. A PIVOT: its full name, which entering needs, is in no row of ours.
@step(name="profit_receiver.delete", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def remove(ctx: StepContext, intent: Remove) -> Entered:
    """Strike a merchant off (删除分账接收方). Parts that are on their way still arrive."""
    adapter = ctx.tools.get(PaymentsAdapter, intent.mchid)
    await adapter.delete_receiver(intent.appid, ReceiverKind.MERCHANT, intent.account)

    async def follow(batch: Batch) -> None:
        await sharing.struck_off(batch, intent.mchid, intent.account)

    ctx.on_done.append(follow)
    return Entered(intent.mchid, intent.account)


ADD: Final = Action("profitReceiverAdd", add, _plan_add)
DELETE: Final = Action("profitReceiverDelete", remove, _plan_delete)
