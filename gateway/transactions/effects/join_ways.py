"""Join ways (加入群聊): codes of customer groups, and the channel that those carry who join by them.

Every way made here has a channel (state) of its own, which the row keeps for it from the commit of the intent on. The
platform lists no ways and calls nobody back: the row, with what the outcome told, is all that knows the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
from sqlalchemy import delete as deleting
from sqlalchemy import select

from adapters.base.errors import NotFound, UpstreamError
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.ways import JoinWaySpec
from gateway.database.rows import AnyRow
from gateway.database.tables.contacts import join_way
from gateway.database.tables.projections import customer_group
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.own_rows import changed, follow_change, standing
from gateway.transactions.effects.way_states import reserve, state_taken
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Groups behind one way.
MOST_GROUPS: Final = 5
#: Characters of a state and of a remark, and of what a following group is called.
CHARACTERS: Final = 30
ROOM_CHARACTERS: Final = 40


class Behind(msgspec.Struct, frozen=True):
    """Which groups are behind a way, and what follows a full one; ``room_name`` empty: nothing."""

    chat_ids: tuple[str, ...]
    remark: str = ""
    room_name: str = ""
    room_number: int = 1


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; ``state`` empty: a new one."""

    corpid: str
    behind: Behind
    state: str = ""
    in_mini_program: bool = False


class Change(msgspec.Struct, frozen=True):
    """What the client asked to be changed; None: stays."""

    id: str
    chat_ids: tuple[str, ...] | None = None
    remark: str | None = None
    room_name: str | None = None
    room_number: int | None = None


class Named(msgspec.Struct, frozen=True):
    """A way of ours, by our id."""

    id: str


class Make(msgspec.Struct, frozen=True):
    """The way to make. ``id`` is our own name of it."""

    id: str
    corpid: str
    behind: Behind
    state: str
    in_mini_program: bool


class Replace(msgspec.Struct, frozen=True):
    """What a way is to be, and what it was."""

    id: str
    corpid: str
    config_id: str
    state: str
    in_mini_program: bool
    behind: Behind
    before: Behind


class Remove(msgspec.Struct, frozen=True):
    """A way whose code is to be dead."""

    id: str
    corpid: str
    config_id: str


class Made(msgspec.Struct, frozen=True):
    """The way, by our id and the platform's."""

    id: str
    config_id: str


# Making --------------------------------------------------------------------------------------------


async def _plan_make(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.corpid)
    state = asked.state or f"jw{planning.key}"
    await _check(planning, adapter.account, asked.behind, state)
    taken = select(join_way.c.id).where(
        join_way.c.corpid == adapter.account, join_way.c.state == state, join_way.c.config_id.is_not(None)
    )
    if await planning.database.one(taken) is not None:
        raise state_taken()
    intent = Make(planning.key, adapter.account, asked.behind, state, asked.in_mini_program)

    async def book(batch: Batch, saga_id: str) -> None:
        row = {
            "id": intent.id,
            "saga": saga_id,
            "corpid": intent.corpid,
            "config_id": None,
            "state": state,
            "qr_code": "",
            "in_mini_program": intent.in_mini_program,
            "created_at": batch.now,
            **_columns(intent.behind),
        }
        await reserve(batch, join_way, row)

    return Effect(intent, values={"corpid": adapter.account}, book=book)


async def _check(planning: Planning, corpid: str, behind: Behind, state: str) -> None:
    if not 1 <= len(behind.chat_ids) <= MOST_GROUPS:
        raise StepRefused("BAD_USER_INPUT", f"{len(behind.chat_ids)} groups given: 1 to {MOST_GROUPS} are possible.")
    sizes = (
        ("state", state, CHARACTERS),
        ("remark", behind.remark, CHARACTERS),
        ("followingName", behind.room_name, ROOM_CHARACTERS),
    )
    for name, text, limit in sizes:
        if len(text) > limit:
            raise StepRefused("BAD_USER_INPUT", f"{name} may have {limit} characters.")
    if not 1 <= behind.room_number < 10**6:
        raise StepRefused("BAD_USER_INPUT", "followingNumber is 1 to 999999.")
    rows = await planning.database.fetch(
        select(customer_group.c.chat_id).where(
            customer_group.c.corpid == corpid, customer_group.c.chat_id.in_(behind.chat_ids)
        )
    )
    if missing := len(set(behind.chat_ids) - {row.chat_id for row in rows}):
        raise StepRefused("GROUP_UNKNOWN", f"{missing} of the groups are unknown; the query customerGroups lists them.")


async def _unmake(ctx: StepContext, intent: Make, outcome: Made | None) -> None:
    """Delete it again. One whose making got no answer is a code that nobody has, and that brings nobody."""
    if outcome is not None:
        with suppress(NotFound):
            await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).delete_join_way(outcome.config_id)
    async with ctx.projector.batch() as batch:
        await batch.connection.execute(deleting(join_way).where(join_way.c.id == intent.id))


# KEYED by the state: of a second code that leads to the same groups the first one is shown to nobody.
@step(
    name="join_way.create",
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_unmake,
)
async def make(ctx: StepContext, intent: Make) -> Made:
    """Two calls: the second one tells the picture. Its config_id is kept: whoever loses it can neither change nor
    delete the code."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    spec = _spec(intent.behind, intent.state, in_mini_program=intent.in_mini_program)
    config_id = await adapter.add_join_way(spec)
    return _follow(ctx, intent, config_id, await _picture(adapter, config_id))


async def _picture(adapter: EnterpriseChatAdapter, config_id: str) -> str:
    """Where the platform cannot be asked now, it is when the way is changed next."""
    with suppress(UpstreamError):
        return (await adapter.join_way(config_id)).qr_code
    return ""


def _spec(behind: Behind, state: str, *, in_mini_program: bool) -> JoinWaySpec:
    return JoinWaySpec(
        behind.chat_ids, state, behind.remark, behind.room_name, behind.room_number, in_mini_program=in_mini_program
    )


def _follow(ctx: StepContext, intent: Make, config_id: str, qr_code: str) -> Made:
    follow_change(ctx, join_way, intent.id, {"config_id": config_id, "qr_code": qr_code, "created_at": ctx.now})
    return Made(intent.id, config_id)


def _columns(behind: Behind) -> Mapping[str, Any]:
    return {
        "chat_ids": list(behind.chat_ids),
        "remark": behind.remark,
        "room_name": behind.room_name,
        "room_number": behind.room_number,
    }


# Changing and deleting -----------------------------------------------------------------------------


async def _there(planning: Planning, way_id: str) -> AnyRow:
    row = await planning.database.one(
        select(join_way).where(
            join_way.c.id == way_id, join_way.c.config_id.is_not(None), join_way.c.deleted_at.is_(None)
        )
    )
    if row is None:
        raise StepRefused("JOIN_WAY_UNKNOWN", "There is no such join way; the query joinWays lists them.")
    planning.tools.get(EnterpriseChatAdapter, row.corpid)
    return row


def _kept(row: AnyRow) -> Behind:
    return Behind(tuple(row.chat_ids), row.remark, row.room_name, row.room_number)


async def _plan_replace(planning: Planning, asked: Change) -> Effect:
    row = await _there(planning, asked.id)
    before = _kept(row)
    behind = Behind(
        before.chat_ids if asked.chat_ids is None else asked.chat_ids,
        before.remark if asked.remark is None else asked.remark,
        before.room_name if asked.room_name is None else asked.room_name,
        before.room_number if asked.room_number is None else asked.room_number,
    )
    await _check(planning, row.corpid, behind, row.state)
    intent = Replace(row.id, row.corpid, row.config_id, row.state, row.in_mini_program, behind, before)
    return Effect(intent, values={"corpid": row.corpid})


async def _put_back(ctx: StepContext, intent: Replace, outcome: Named | None) -> None:
    """As it was, where nobody has changed or deleted it since; also where it may never have been changed.

    Our row tells: the platform shows it in no console.
    """
    del outcome
    row = await standing(ctx, join_way, intent.id)
    if row is None or _kept(row) not in (intent.before, intent.behind):
        return
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    spec = _spec(intent.before, intent.state, in_mini_program=intent.in_mini_program)
    await adapter.update_join_way(intent.config_id, spec)
    async with ctx.projector.batch() as batch:
        await changed(batch, join_way, intent.id, _columns(intent.before))


# KEYED: everything is replaced, so that twice is once.
@step(
    name="join_way.update",
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_put_back,
)
async def replace(ctx: StepContext, intent: Replace) -> Named:
    """Other groups behind the same code."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    spec = _spec(intent.behind, intent.state, in_mini_program=intent.in_mini_program)
    await adapter.update_join_way(intent.config_id, spec)
    picture = await _picture(adapter, intent.config_id)
    follow_change(ctx, join_way, intent.id, {**_columns(intent.behind)} | ({"qr_code": picture} if picture else {}))
    return Named(intent.id)


async def _plan_remove(planning: Planning, asked: Named) -> Effect:
    row = await _there(planning, asked.id)
    return Effect(Remove(row.id, row.corpid, row.config_id), values={"corpid": row.corpid})


# KEYED: what is deleted twice is deleted. RETRIABLE, since a dead code comes back by nothing.
@step(name="join_way.delete", tool="enterprise_chat", kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def remove(ctx: StepContext, intent: Remove) -> Named:
    """The printed code is dead. The row stays: those who joined by it carry its state."""
    with suppress(NotFound):
        await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).delete_join_way(intent.config_id)
    follow_change(ctx, join_way, intent.id, {"deleted_at": ctx.now})
    return Named(intent.id)


CREATE: Final = Action("joinWayCreate", make, _plan_make)
UPDATE: Final = Action("joinWayUpdate", replace, _plan_replace)
DELETE: Final = Action("joinWayDelete", remove, _plan_remove)
