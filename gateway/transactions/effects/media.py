"""Media of messages (素材): a file of the brand's own is handed from object storage to the platform that shows it.

A platform forgets a 临时素材 after three days, lists none, and nobody sees one that no message names: a second one of
the same file does no harm, and none has to be undone. A picture that is published is there for ever.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import select

from adapters.base.turns import Turns
from adapters.cloud_storage import CloudStorageAdapter
from adapters.cloud_storage.crc64 import Crc64
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.messages import MediaKind
from adapters.official_account import OfficialAccountAdapter
from gateway.database.rows import AnyRow
from gateway.database.statements import upsert
from gateway.database.tables.files import medium
from gateway.events.projector import Batch
from gateway.transactions import file_rows
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects import mini_program_codes
from gateway.transactions.media_kinds import ACCOUNT, CHAT, LIVES, PUBLISHED, TAKEN
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: A medium that lives shorter than this is not handed out again: a message may still wait for a person.
ENOUGH: Final = timedelta(hours=6)
#: The brand's own files, which are no member's.
PURPOSES: Final = frozenset({file_rows.MESSAGE_MEDIA, mini_program_codes.PURPOSE})
NAME_LENGTH: Final = 64
_NAME: Final = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_.-]*", re.ASCII)
_ACCOUNT_KINDS: Final[Mapping[str, Literal["image", "voice", "video", "thumb"]]] = {
    "IMAGE": "image",
    "VOICE": "voice",
    "VIDEO": "video",
    "THUMB": "thumb",
}
#: Files of 20 MB at most that are in this process's memory at once.
_TURNS: Final = Turns(2)


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``account`` None: not said; ``name`` empty: made of the kind."""

    file: str
    kind: str
    account: str | None
    name: str = ""


class Upload(msgspec.Struct, frozen=True):
    """A file, and as what it is to be at this account."""

    file: str
    account: str
    kind: str
    name: str


class Uploaded(msgspec.Struct, frozen=True):
    """It is there until ``expires_at``, UTC."""

    file: str
    account: str
    media_id: str
    expires_at: datetime


class Published(msgspec.Struct, frozen=True):
    """It is there for ever."""

    file: str
    account: str
    url: str


async def _file(planning: Planning, file_id: str) -> Any:
    """A file of the brand's own that is there. Raises StepRefused."""
    row = await file_rows.find(planning.database, file_id)
    if row is None or row.member is not None or row.purpose not in PURPOSES:
        raise StepRefused(
            "FILE_UNKNOWN", "There is no such file of the brand's own; upload it with the purpose MESSAGE_MEDIA."
        )
    if row.state == "PENDING":
        raise StepRefused("FILE_NOT_UPLOADED", "The file is not committed yet; upload it, then fileUploadCommit.")
    _check_there(row)
    return row


def _check_there(row: Any) -> None:
    if row is None or row.state != "COMMITTED":
        raise StepRefused("FILE_DELETED", "The file was deleted; upload it again, and name the new one.")


async def _upload(planning: Planning, tool: str, account: str, asked: Wanted) -> Effect:
    row = await _file(planning, asked.file)
    name = _checked(row, tool, asked)
    return Effect(Upload(row.id, account, asked.kind, name), values={"account": account, "file": row.id})


def _checked(row: Any, tool: str, asked: Wanted) -> str:
    """The name to upload it under. Raises StepRefused."""
    taken = TAKEN.get((tool, asked.kind))
    if taken is None:
        kinds = ", ".join(kind for of, kind in TAKEN if of == tool and kind != PUBLISHED)
        raise StepRefused("BAD_USER_INPUT", f"kind is {asked.kind}: here it is one of {kinds}.")
    ending = taken.endings.get(row.content_type)
    if ending is None:
        raise StepRefused(
            "BAD_USER_INPUT",
            f"The file is {row.content_type}: here it must be one of {', '.join(taken.endings)}.",
        )
    if row.size > taken.most_bytes:
        raise StepRefused(
            "BAD_USER_INPUT", f"The file has {row.size} bytes: the platform takes {taken.most_bytes} of this kind."
        )
    name = asked.name or f"{asked.kind.lower()}.{ending}"
    if len(name) > NAME_LENGTH or not _NAME.fullmatch(name) or not name.lower().endswith(f".{ending}"):
        raise StepRefused(
            "BAD_USER_INPUT",
            f"name has up to {NAME_LENGTH} letters, digits or _.- of ASCII, and ends in .{ending} as the file's type.",
        )
    return name


@asynccontextmanager
async def _content(ctx: StepContext, file_id: str) -> AsyncIterator[bytes]:
    """The file, of a size that its platform takes, as it was committed. Raises StepRefused."""
    row = await file_rows.find(ctx.projector.database, file_id)
    _check_there(row)
    await _TURNS.wait()
    try:
        yield await _read(ctx.tools.get(CloudStorageAdapter, row.bucket), row)
    finally:
        _TURNS.leave()


async def _read(bucket: CloudStorageAdapter, row: Any) -> bytes:
    pieces, size, check = list[bytes](), 0, Crc64()
    async for piece in bucket.stream(row.key):
        size += len(piece)
        if size > row.size:
            break
        check.update(piece)
        pieces.append(piece)
    if size != row.size or (row.crc64 and not check.matches(row.crc64)):
        # Its grant lives for a quarter of an hour, and whoever holds it can replace the object.
        raise StepRefused("FILE_MISMATCH", "The object was replaced after its commit; upload it anew.")
    return b"".join(pieces)


async def _known(ctx: StepContext, tool: str, intent: Upload) -> AnyRow | None:
    """What the platform has of it, and will have for a while."""
    columns = medium.c
    row = await ctx.projector.database.one(
        select(columns.media_id, columns.url, columns.expires_at).where(
            columns.file == intent.file,
            columns.tool == tool,
            columns.account == intent.account,
            columns.kind == intent.kind,
            columns.name == intent.name,
        )
    )
    return row if row is not None and (row.expires_at is None or row.expires_at >= ctx.now + ENOUGH) else None


def _follow(
    ctx: StepContext, tool: str, intent: Upload, *, media_id: str | None, url: str | None, expires_at: datetime | None
) -> None:
    """What the platform has now, in the commit of the outcome."""
    row = {
        "file": intent.file,
        "tool": tool,
        "account": intent.account,
        "kind": intent.kind,
        "name": intent.name,
        "media_id": media_id,
        "url": url,
        "uploaded_at": ctx.now,
        "expires_at": expires_at,
    }

    async def follow(batch: Batch) -> None:
        await upsert(batch.connection, medium, [row], keys=("file", "tool", "account", "kind", "name"))

    ctx.on_done.append(follow)


async def _nothing_to_undo(ctx: StepContext, intent: Upload, outcome: Uploaded | None) -> None:
    """No call deletes a 临时素材; nobody sees one that no message names, and it ends by itself."""


async def _plan_chat(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(EnterpriseChatAdapter, asked.account)
    return await _upload(planning, CHAT, adapter.account, asked)


# KEYED by the file: a second one of it serves as well, and the first one is forgotten after three days.
@step(name="media.upload", tool=CHAT, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_nothing_to_undo)
async def upload(ctx: StepContext, intent: Upload) -> Uploaded:
    """From object storage to 企业微信; nothing where it has it already."""
    known = await _known(ctx, CHAT, intent)
    if known is not None:
        return Uploaded(intent.file, intent.account, known.media_id, known.expires_at)
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.account)
    async with _content(ctx, intent.file) as content:
        media_id = await adapter.upload_media(MediaKind[intent.kind], intent.name, content)
    expires_at = ctx.now + LIVES[CHAT]
    _follow(ctx, CHAT, intent, media_id=media_id, url=None, expires_at=expires_at)
    return Uploaded(intent.file, intent.account, media_id, expires_at)


async def _plan_account(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    return await _upload(planning, ACCOUNT, adapter.account, asked)


# KEYED as above.
@step(
    name="account_media.upload", tool=ACCOUNT, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_nothing_to_undo
)  # fmt: skip
async def account_upload(ctx: StepContext, intent: Upload) -> Uploaded:
    """From object storage to 公众号; nothing where it has it already."""
    known = await _known(ctx, ACCOUNT, intent)
    if known is not None:
        return Uploaded(intent.file, intent.account, known.media_id, known.expires_at)
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.account)
    async with _content(ctx, intent.file) as content:
        media_id = await adapter.media_upload(_ACCOUNT_KINDS[intent.kind], intent.name, content)
    expires_at = ctx.now + LIVES[ACCOUNT]
    _follow(ctx, ACCOUNT, intent, media_id=media_id, url=None, expires_at=expires_at)
    return Uploaded(intent.file, intent.account, media_id, expires_at)


# KEYED by the file: another address of the same picture serves as well. A PIVOT: it is there for ever.
@step(name="picture.publish", tool=CHAT, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def publish(ctx: StepContext, intent: Upload) -> Published:
    """From object storage to 企业微信; nothing where it has it already."""
    known = await _known(ctx, CHAT, intent)
    if known is not None:
        return Published(intent.file, intent.account, known.url)
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.account)
    async with _content(ctx, intent.file) as content:
        url = await adapter.publish_image(intent.name, content)
    _follow(ctx, CHAT, intent, media_id=None, url=url, expires_at=None)
    return Published(intent.file, intent.account, url)


PUBLISH: Final = Action("picturePublish", publish, _plan_chat)
UPLOAD: Final = Action("mediaUpload", upload, _plan_chat)
ACCOUNT_UPLOAD: Final = Action("mediaUpload", account_upload, _plan_account)
