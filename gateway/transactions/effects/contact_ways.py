"""Contact ways (「联系我」): codes that make whoever scans them a contact of the guides behind them.

Every way made here has a channel (state) of its own. New contacts carry it, so that each is of one way, and a way whose
making got no answer is found again by it. The platform calls nobody back: the row follows in the commit of the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import delete as deleting
from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.ways import ContactWay, ContactWaySpec
from gateway.database.rows import AnyRow
from gateway.database.tables.contacts import contact_way
from gateway.database.tables.dimensions import guide
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.own_rows import changed, follow_change, standing
from gateway.transactions.effects.way_states import reserve, state_taken
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: People behind one way; the platform counts those of departments too.
MOST_GUIDES: Final = 100
#: Characters of a state and of a remark.
CHARACTERS: Final = 30
#: The platform's clock and ours may be so far apart.
_SKEW: Final = timedelta(minutes=2)


class Behind(msgspec.Struct, frozen=True):
    """Who is behind a way, and how it takes customers in."""

    userids: tuple[str, ...]
    departments: tuple[int, ...] = ()
    remark: str = ""
    skip_verify: bool = True
    exclusive: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; ``account`` a corpid or empty, ``state`` empty: a new one."""

    account: str
    behind: Behind
    state: str = ""
    in_mini_program: bool = False


class Change(msgspec.Struct, frozen=True):
    """What the client asked to be changed; None: stays."""

    id: str
    userids: tuple[str, ...] | None = None
    departments: tuple[int, ...] | None = None
    remark: str | None = None
    skip_verify: bool | None = None
    exclusive: bool | None = None


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
    at: datetime


class Replace(msgspec.Struct, frozen=True):
    """What a way is to be, and what it was."""

    id: str
    corpid: str
    config_id: str
    state: str
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
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.account or None)
    state = asked.state or f"cw{planning.key}"
    _check(asked.behind, state)
    await _known(planning, adapter.account, asked.behind.userids)
    taken = select(contact_way.c.id).where(
        contact_way.c.corpid == adapter.account, contact_way.c.state == state, contact_way.c.config_id.is_not(None)
    )
    if await planning.database.one(taken) is not None:
        raise state_taken()
    at = planning.projector.clock.now()
    intent = Make(planning.key, adapter.account, asked.behind, state, asked.in_mini_program, at)

    async def book(batch: Batch, saga_id: str) -> None:
        row = {
            "id": intent.id,
            "saga": saga_id,
            "corpid": intent.corpid,
            "config_id": None,
            "state": state,
            "qr_code": "",
            "in_mini_program": intent.in_mini_program,
            "single": len(intent.behind.userids) == 1 and not intent.behind.departments,
            "created_at": batch.now,
            **_columns(intent.behind),
        }
        await reserve(batch, contact_way, row)

    return Effect(intent, values={"corpid": adapter.account}, book=book)


def _check(behind: Behind, state: str) -> None:
    if not len(behind.userids) + len(behind.departments) >= 1 or len(behind.userids) > MOST_GUIDES:
        raise StepRefused(
            "BAD_USER_INPUT", f"{len(behind.userids)} guides given: 1 to {MOST_GUIDES} are possible, or departments."
        )
    for name, text in (("state", state), ("remark", behind.remark)):
        if len(text) > CHARACTERS:
            raise StepRefused("BAD_USER_INPUT", f"{name} may have {CHARACTERS} characters.")


async def _known(planning: Planning, corpid: str, userids: tuple[str, ...]) -> None:
    rows = await planning.database.fetch(
        select(guide.c.userid).where(
            guide.c.corpid == corpid,
            guide.c.userid.in_(userids),
            guide.c.state == "ACTIVE",
            guide.c.valid_to.is_(None),
        )
    )
    missing = len(set(userids) - {row.userid for row in rows})
    if missing:
        raise StepRefused(
            "GUIDE_UNKNOWN", f"{missing} of the guides are unknown or have left; take them from the query stores."
        )


async def _found(ctx: StepContext, intent: Make) -> ContactWay | None:
    """The way of this state among those made since then that are no others of ours: one call for each of them."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    cursor: str | None = None
    while True:
        page = await adapter.contact_way_ids(cursor, since=intent.at - _SKEW, until=ctx.now + _SKEW)
        mine = select(contact_way.c.config_id).where(
            contact_way.c.corpid == intent.corpid, contact_way.c.config_id.in_(page.items)
        )
        known = {row.config_id for row in await ctx.projector.database.fetch(mine)}
        for config_id in page.items:
            if config_id in known:
                continue
            # Somebody else's may be deleted between the two calls.
            with suppress(NotFound):
                way = await adapter.contact_way(config_id)
                if way.spec.state == intent.state:
                    return way
        cursor = page.next_cursor
        if cursor is None:
            return None


async def _ask(ctx: StepContext, intent: Make) -> Made | None:
    """Not there: made again. At the worst a code is left that nobody has, and that brings nobody."""
    way = await _found(ctx, intent)
    return None if way is None else _follow(ctx, intent, way)


async def _unmake(ctx: StepContext, intent: Make, outcome: Made | None) -> None:
    """Delete it again: nobody has been shown the code."""
    config_id = outcome.config_id if outcome is not None else ""
    if not config_id:
        way = await _found(ctx, intent)
        config_id = "" if way is None else way.config_id
    if config_id:
        with suppress(NotFound):
            await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).delete_contact_way(config_id)
    async with ctx.projector.batch() as batch:
        await batch.connection.execute(deleting(contact_way).where(contact_way.c.id == intent.id))


# ASKABLE: ways are listed by time, and each has a state of its own.
@step(
    name="contact_way.create",
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    idempotent=False,
    ask=_ask,
    undo=_unmake,
)
async def make(ctx: StepContext, intent: Make) -> Made:
    """One call. Its config_id is kept: whoever loses it can neither change nor delete the code."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    spec = _spec(intent.behind, intent.state, in_mini_program=intent.in_mini_program)
    return _follow(ctx, intent, await adapter.add_contact_way(spec))


def _spec(behind: Behind, state: str, *, in_mini_program: bool = False) -> ContactWaySpec:
    return ContactWaySpec(
        behind.userids,
        behind.departments,
        state,
        behind.remark,
        behind.skip_verify,
        behind.exclusive,
        in_mini_program,
    )


def _follow(ctx: StepContext, intent: Make, way: ContactWay) -> Made:
    values = {"config_id": way.config_id, "qr_code": way.qr_code, "created_at": ctx.now}
    follow_change(ctx, contact_way, intent.id, values)
    return Made(intent.id, way.config_id)


def _columns(behind: Behind) -> Mapping[str, Any]:
    return {
        "userids": list(behind.userids),
        "departments": list(behind.departments),
        "remark": behind.remark,
        "skip_verify": behind.skip_verify,
        "exclusive": behind.exclusive,
    }


# Changing and deleting -----------------------------------------------------------------------------


async def _there(planning: Planning, way_id: str) -> AnyRow:
    row = await planning.database.one(
        select(contact_way).where(
            contact_way.c.id == way_id, contact_way.c.config_id.is_not(None), contact_way.c.deleted_at.is_(None)
        )
    )
    if row is None:
        raise StepRefused("CONTACT_WAY_UNKNOWN", "There is no such contact way; the query contactWays lists them.")
    planning.tools.get(EnterpriseChatAdapter, row.corpid)
    return row


def _kept(row: AnyRow) -> Behind:
    return Behind(tuple(row.userids), tuple(row.departments), row.remark, row.skip_verify, row.exclusive)


async def _plan_replace(planning: Planning, asked: Change) -> Effect:
    row = await _there(planning, asked.id)
    before = _kept(row)
    behind = Behind(
        before.userids if asked.userids is None else asked.userids,
        before.departments if asked.departments is None else asked.departments,
        before.remark if asked.remark is None else asked.remark,
        before.skip_verify if asked.skip_verify is None else asked.skip_verify,
        before.exclusive if asked.exclusive is None else asked.exclusive,
    )
    _check(behind, row.state)
    if row.single and (len(behind.userids) != 1 or behind.departments):
        raise StepRefused("BAD_USER_INPUT", "This way is of one guide (单人), and stays one; make another for several.")
    await _known(planning, row.corpid, behind.userids)
    return Effect(Replace(row.id, row.corpid, row.config_id, row.state, behind, before), values={"corpid": row.corpid})


async def _put_back(ctx: StepContext, intent: Replace, outcome: Named | None) -> None:
    """As it was, where nobody has changed or deleted it since; also where it may never have been changed.

    Our row tells: the platform shows it in no console.
    """
    del outcome
    row = await standing(ctx, contact_way, intent.id)
    if row is None or _kept(row) not in (intent.before, intent.behind):
        return
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    await adapter.update_contact_way(intent.config_id, _spec(intent.before, intent.state))
    async with ctx.projector.batch() as batch:
        await changed(batch, contact_way, intent.id, _columns(intent.before))


# KEYED: everything is replaced, so that twice is once.
@step(
    name="contact_way.update",
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_put_back,
)
async def replace(ctx: StepContext, intent: Replace) -> Named:
    """Other people behind the same code."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    await adapter.update_contact_way(intent.config_id, _spec(intent.behind, intent.state))
    follow_change(ctx, contact_way, intent.id, _columns(intent.behind))
    return Named(intent.id)


async def _plan_remove(planning: Planning, asked: Named) -> Effect:
    row = await _there(planning, asked.id)
    return Effect(Remove(row.id, row.corpid, row.config_id), values={"corpid": row.corpid})


# KEYED: what is deleted twice is deleted. RETRIABLE, since a dead code comes back by nothing.
@step(name="contact_way.delete", tool="enterprise_chat", kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def remove(ctx: StepContext, intent: Remove) -> Named:
    """The printed code is dead. The row stays: contacts whom it brought carry its state."""
    # Gone by an attempt before this one, or by somebody else's doing: gone.
    with suppress(NotFound):
        await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).delete_contact_way(intent.config_id)
    follow_change(ctx, contact_way, intent.id, {"deleted_at": ctx.now})
    return Named(intent.id)


CREATE: Final = Action("contactWayCreate", make, _plan_make)
UPDATE: Final = Action("contactWayUpdate", replace, _plan_replace)
DELETE: Final = Action("contactWayDelete", remove, _plan_remove)
