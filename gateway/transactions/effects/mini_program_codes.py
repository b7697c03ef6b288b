"""Codes (小程序码) that open a page of a mini-program with a scene: its picture goes to object storage alone.

The same code is the same file, whoever makes it and however often; one that was deleted is made anew under
another name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import select, update

from adapters.cloud_storage import CloudStorageAdapter
from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.database.statements import insert_new
from gateway.database.tables.files import file_ledger, mini_program_code
from gateway.events.projector import Batch
from gateway.transactions import file_rows
from gateway.transactions.actions import Action, Effect, Planning, scope_of
from gateway.transactions.effects.wechat_apps import mini_program
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

PURPOSE: Final = "MINI_PROGRAM_CODE"
#: The platform's own limits of a scene and of a width; ours of a page.
SCENE_LENGTH: Final = 32
PAGE_LENGTH: Final = 128
NARROWEST: Final = 280
WIDEST: Final = 1280
#: Instead of a transaction, of a code that was answered for more than one.
SHARED: Final = ""
_SCENE: Final = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~`]{1,32}", re.ASCII)
_PAGE: Final = re.compile(r"([^\s/?][^\s?]*)?", re.ASCII)


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``page`` empty: the home page; ``width`` in pixels; ``account`` None: not said."""

    scene: str
    page: str
    width: int
    transparent: bool
    published: bool
    account: str | None


class Make(msgspec.Struct, frozen=True):
    """The same, of one mini-program; ``file`` is the picture's id in the ledger, and ``bucket`` where it goes."""

    appid: str
    wanted: Wanted
    code: str
    file: str
    bucket: str
    asked_by: str


class Made(msgspec.Struct, frozen=True):
    """The code, by its picture's id."""

    file: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    adapter = mini_program(planning, asked.account)
    bucket = planning.tools.named(CloudStorageAdapter, planning.settings.mini_program_codes)
    if not _SCENE.fullmatch(asked.scene):
        raise StepRefused(
            "BAD_USER_INPUT",
            f"scene has 1 to {SCENE_LENGTH} characters of 0-9 A-Z a-z !#$&'()*+,/:;=?@-._~`.",
        )
    if len(asked.page) > PAGE_LENGTH or not _PAGE.fullmatch(asked.page):
        raise StepRefused(
            "BAD_USER_INPUT",
            f"page is a path up to {PAGE_LENGTH} characters: no leading slash, blanks, or query.",
        )
    if not NARROWEST <= asked.width <= WIDEST:
        raise StepRefused("BAD_USER_INPUT", f"width is {NARROWEST} to {WIDEST} pixels.")
    code = _digest(adapter.account, asked.scene, asked.page, asked.width, asked.transparent).hex()
    rows = await planning.database.fetch(
        select(file_ledger.c.id, file_ledger.c.state)
        .join(mini_program_code, mini_program_code.c.file == file_ledger.c.id)
        .where(mini_program_code.c.code == code)
    )
    there = next((row.id for row in rows if row.state == "COMMITTED"), None)
    # What was deleted is never stored under its former name: a late deletion would take it away again.
    file = there or base64.b32encode(_digest(code, len(rows)))[:26].decode()
    make = Make(adapter.account, asked, code, file, bucket.account, scope_of(planning.principal))
    return Effect(make, values={"appid": adapter.account, "file": file})


def _digest(*parts: Any) -> bytes:
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


async def _undo(ctx: StepContext, intent: Make, outcome: Made | None) -> None:
    """Delete what this transaction alone made. Without a row the object is nobody's: the next making replaces it."""
    if outcome is None:
        return
    database = ctx.projector.database
    made = await database.one(select(mini_program_code.c.saga).where(mini_program_code.c.file == intent.file))
    row = await file_rows.find(database, intent.file)
    if row is not None and made is not None and made.saga == ctx.saga:
        await file_rows.remove(database, ctx.tools, row)


async def _shared(saga: str, file: str, batch: Batch) -> None:
    """What another transaction made was answered for this one, too: the undoing of neither may take it away."""
    await batch.connection.execute(
        update(mini_program_code)
        .where(mini_program_code.c.file == file, mini_program_code.c.saga != saga)
        .values(saga=SHARED)
    )


# KEYED by the code: the same picture again under the same name.
@step(
    name="mini_program_code.create", tool="cloud_storage", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_undo
)  # fmt: skip
async def create(ctx: StepContext, intent: Make) -> Made:
    """The mini-program's platform draws it, the bucket keeps it; neither where the ledger has it already."""
    row = await file_rows.find(ctx.projector.database, intent.file)
    if row is not None and row.state == "COMMITTED":
        ctx.on_done.append(partial(_shared, ctx.saga, intent.file))
        return Made(intent.file)
    if row is not None:
        raise StepRefused("FILE_DELETED", "The code was deleted meanwhile; make it again with a new key.")
    wanted, app = intent.wanted, ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    picture = await app.scene_code(
        wanted.scene, wanted.page, width=wanted.width, transparent=wanted.transparent, published=wanted.published
    )
    bucket, key = ctx.tools.get(CloudStorageAdapter, intent.bucket), f"mini-program-codes/{intent.file}"
    stored = await bucket.put(key, picture.content, picture.media_type)
    filed = {
        "id": intent.file,
        "bucket": intent.bucket,
        "key": key,
        "purpose": PURPOSE,
        "size": stored.size,
        "content_type": picture.media_type,
        "crc64": stored.crc64,
        "etag": stored.etag,
        "state": "COMMITTED",
        "how": "OWN",
        "asked_by": intent.asked_by,
        "created_at": ctx.now,
        # No grant can bring it back once it is deleted.
        "expires_at": ctx.now,
        "committed_at": ctx.now,
    }
    made = {
        "file": intent.file,
        "code": intent.code,
        "appid": intent.appid,
        "scene": wanted.scene,
        "page": wanted.page,
        "width": wanted.width,
        "transparent": wanted.transparent,
        "made_at": ctx.now,
        "saga": ctx.saga,
    }

    async def follow(batch: Batch) -> None:
        # Of two at once the first one counts: its row may have been deleted by now.
        await insert_new(batch.connection, file_ledger, [filed], keys=("id",))
        await insert_new(batch.connection, mini_program_code, [made], keys=("file",))
        await _shared(ctx.saga, intent.file, batch)

    ctx.on_done.append(follow)
    return Made(intent.file)


CREATE: Final = Action("miniProgramCodeCreate", create, _plan)
