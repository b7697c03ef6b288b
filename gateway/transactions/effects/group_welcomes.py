"""Welcomes of customer groups (入群欢迎语素材): texts that owners of groups choose from for whoever joins.

The platform lists none of them: the row, in the commit of the outcome, is all that knows the material.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import Invalid, NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.sends import (
    Attachment,
    FileAttachment,
    GroupWelcome,
    LinkAttachment,
    MiniProgramAttachment,
    PictureAttachment,
)
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.contacts import group_welcome
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.group_sends import Piece, attachment_of
from gateway.transactions.effects.own_rows import changed, follow_change, standing
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Bytes of a text; materials of one corp.
TEXT_BYTES: Final = 3000
MOST: Final = 100
_SHOWN: Final = ("PICTURE", "LINK", "MINI_PROGRAM")


class Content(msgspec.Struct, frozen=True):
    """What whoever joins is shown: a text, an attachment, or both."""

    text: str
    attachment: Piece | None = None


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; ``notify``: owners of groups are told of it; ``account`` None: not said."""

    account: str | None
    content: Content
    notify: bool = False


class Change(msgspec.Struct, frozen=True):
    """What the client asked to be changed: ``text`` None stays, and so does the attachment where ``keep``."""

    id: str
    text: str | None
    attachment: Piece | None
    keep: bool


class Named(msgspec.Struct, frozen=True):
    """A material of ours, by our id."""

    id: str


class Make(msgspec.Struct, frozen=True):
    """The material to make. ``id`` is our own name of it."""

    id: str
    corpid: str
    content: Content
    notify: bool


class Replace(msgspec.Struct, frozen=True):
    """What a material is to be, and what it was."""

    id: str
    corpid: str
    template_id: str
    content: Content
    before: Content


class Remove(msgspec.Struct, frozen=True):
    """A material that goes."""

    id: str
    corpid: str
    template_id: str


async def _plan_make(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.account)
    _check(asked.content)
    rows = await planning.database.fetch(
        select(group_welcome.c.id).where(
            group_welcome.c.corpid == adapter.account, group_welcome.c.deleted_at.is_(None)
        )
    )
    if len(rows) >= MOST:
        raise StepRefused(
            "GROUP_WELCOMES_FULL", f"The corp has {len(rows)} welcomes, {MOST} at most; delete one first."
        )
    intent = Make(planning.key, adapter.account, asked.content, asked.notify)
    return Effect(intent, values={"corpid": adapter.account})


def _check(content: Content) -> None:
    size, piece = len(content.text.encode()), content.attachment
    if size > TEXT_BYTES:
        raise StepRefused("BAD_USER_INPUT", f"text has {size} bytes: {TEXT_BYTES} are possible (a character has 3).")
    if not content.text and piece is None:
        raise StepRefused("BAD_USER_INPUT", "A welcome needs a text or an attachment.")
    if piece is not None and piece.kind not in _SHOWN:
        raise StepRefused("BAD_USER_INPUT", "The welcome of a group shows a picture, a link or a mini-program.")


# ONCE: the platform has neither a key nor a list, and a second one would stand beside the first where owners choose.
# A PIVOT: owners may have been told of it.
@step(name="group_welcome.create", tool="enterprise_chat", kind=Kind.PIVOT, delivery=Delivery.ONCE)
async def make(ctx: StepContext, intent: Make) -> Named:
    """One call. Its template_id is kept: whoever loses it can neither change nor delete it."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    template_id = await adapter.add_group_welcome(_record(intent.content), notify=intent.notify)
    _follow(ctx, intent, template_id)
    return Named(intent.id)


def _record(content: Content) -> GroupWelcome:
    return GroupWelcome(content.text, None if content.attachment is None else attachment_of(content.attachment))


def _follow(ctx: StepContext, intent: Make, template_id: str) -> None:
    async def follow(batch: Batch) -> None:
        row = {
            "id": intent.id,
            "saga": ctx.saga,
            "corpid": intent.corpid,
            "template_id": template_id,
            "created_at": ctx.now,
            **_columns(intent.content),
        }
        await insert_new(batch.connection, group_welcome, [row], keys=("id",))

    ctx.on_done.append(follow)


def _columns(content: Content) -> Mapping[str, Any]:
    piece = content.attachment
    return {"text": content.text, "attachment": None if piece is None else msgspec.structs.asdict(piece)}


async def _there(planning: Planning, welcome_id: str) -> tuple[AnyRow, EnterpriseChatAdapter]:
    row = await planning.database.one(
        select(group_welcome).where(group_welcome.c.id == welcome_id, group_welcome.c.deleted_at.is_(None))
    )
    if row is None:
        raise StepRefused("GROUP_WELCOME_UNKNOWN", "There is no such welcome; the query groupWelcomes lists them.")
    return row, planning.tools.get(EnterpriseChatAdapter, row.corpid)


async def _plan_replace(planning: Planning, asked: Change) -> Effect:
    """What it was is the platform's to say: one call."""
    row, adapter = await _there(planning, asked.id)
    before = _content(await adapter.group_welcome(row.template_id))
    content = Content(
        before.text if asked.text is None else asked.text, before.attachment if asked.keep else asked.attachment
    )
    _check(content)
    return Effect(Replace(row.id, row.corpid, row.template_id, content, before), values={"corpid": row.corpid})


def _content(record: GroupWelcome) -> Content:
    return Content(record.text, None if record.attachment is None else _piece(record.attachment))


def _piece(record: Attachment) -> Piece:
    if isinstance(record, PictureAttachment):
        return Piece("PICTURE", media_id=record.media_id, url=record.url)
    if isinstance(record, LinkAttachment):
        return Piece(
            "LINK",
            title=record.title,
            url=record.url,
            picture_url=record.picture_url,
            description=record.description,
        )
    if isinstance(record, MiniProgramAttachment):
        return Piece("MINI_PROGRAM", title=record.title, appid=record.appid, page=record.page, media_id=record.media_id)
    return _file(record)


def _file(record: FileAttachment) -> Piece:
    return Piece("VIDEO" if record.video else "FILE", media_id=record.media_id)


async def _put_back(ctx: StepContext, intent: Replace, outcome: Named | None) -> None:
    """As it was, where nobody has changed or deleted it since; also where it may never have been changed.

    Our row tells what transactions did, the platform what was done in its console.
    """
    row = await standing(ctx, group_welcome, intent.id)
    ours = _columns(intent.content)
    if row is None or (outcome is not None and any(getattr(row, name) != value for name, value in ours.items())):
        return
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    try:
        stands = _told(_content(await adapter.group_welcome(intent.template_id)))
    except (Invalid, NotFound):
        # As of a deletion: the platform says of an id that it does not know that it is no proper one.
        return
    if stands == _told(intent.content):
        await adapter.update_group_welcome(intent.template_id, _record(intent.before))
    elif stands != _told(intent.before):
        return
    async with ctx.projector.batch() as batch:
        await changed(batch, group_welcome, intent.id, _columns(intent.before))


def _told(content: Content) -> tuple[str, ...]:
    """What the platform surely says of it as it was given: a picture may have got another name and address."""
    piece = content.attachment
    if piece is None:
        return (content.text,)
    return content.text, piece.kind, piece.title, piece.appid, piece.page, piece.url if piece.kind == "LINK" else ""


# KEYED: everything is replaced, so that twice is once.
@step(
    name="group_welcome.update",
    tool="enterprise_chat",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_put_back,
)
async def replace(ctx: StepContext, intent: Replace) -> Named:
    """One call; groups that chose it greet with it from now on."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    await adapter.update_group_welcome(intent.template_id, _record(intent.content))
    follow_change(ctx, group_welcome, intent.id, _columns(intent.content))
    return Named(intent.id)


async def _plan_remove(planning: Planning, asked: Named) -> Effect:
    row, _ = await _there(planning, asked.id)
    return Effect(Remove(row.id, row.corpid, row.template_id), values={"corpid": row.corpid})


async def _ask_remove(ctx: StepContext, intent: Remove) -> Named | None:
    """The platform says of an id that it does not know that it is no proper one."""
    try:
        await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).group_welcome(intent.template_id)
    except (Invalid, NotFound):
        follow_change(ctx, group_welcome, intent.id, {"deleted_at": ctx.now})
        return Named(intent.id)
    return None


# RETRIABLE: made again it would be another one, which no group has chosen.
@step(
    name="group_welcome.delete",
    tool="enterprise_chat",
    kind=Kind.RETRIABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask_remove,
)
async def remove(ctx: StepContext, intent: Remove) -> Named:
    """Groups that chose it greet no more."""
    try:
        await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).delete_group_welcome(intent.template_id)
    except (Invalid, NotFound):
        # Gone by somebody else's doing: gone.
        gone = await _ask_remove(ctx, intent)
        if gone is None:
            raise
        return gone
    follow_change(ctx, group_welcome, intent.id, {"deleted_at": ctx.now})
    return Named(intent.id)


CREATE: Final = Action("groupWelcomeCreate", make, _plan_make)
UPDATE: Final = Action("groupWelcomeUpdate", replace, _plan_replace)
DELETE: Final = Action("groupWelcomeDelete", remove, _plan_remove)
