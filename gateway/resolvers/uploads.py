"""Files that were uploaded through the gateway's grants, as its ledger knows them: no platform is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.owned import UPLOADS
from gateway.database.tables.files import file_ledger
from gateway.members.family import present_ids
from gateway.resolvers.benefits import FileRecord
from gateway.resolvers.members import MemberRecord
from gateway.resolvers.paging import OwnedList, PageArgs, Slice

STATES = ("PENDING", "COMMITTED", "DELETED")
#: All but what nobody is shown.
COLUMNS = tuple(each for each in file_ledger.columns if each.name not in {"grant", "asked_by"})


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """A row of the ledger. ``size`` is bytes, ``crc64`` unsigned decimal text."""

    id: str
    file: FileRecord
    purpose: str
    content_type: str
    crc64: str | None
    state: str
    created_at: datetime
    expires_at: datetime
    committed_at: datetime | None
    deleted_at: datetime | None


def record(row: Row[Any]) -> UploadRecord:
    """Of a row that has ``COLUMNS``."""
    name = row.key.partition("/")[2]
    return UploadRecord(
        row.id,
        FileRecord(row.bucket, row.key, name, row.size, row.committed_at or row.created_at),
        row.purpose,
        row.content_type,
        row.crc64,
        row.state,
        row.created_at,
        row.expires_at,
        row.committed_at,
        row.deleted_at,
    )


#: One list per state: ids are in the order of their making.
MEMBER_UPLOADS = {
    state: OwnedList(
        f"member.uploads.{state}",
        select(UPLOADS).where(UPLOADS.c.state == state),
        UPLOADS.c.owner,
        [(UPLOADS.c.id, True)],
        record,
    )
    for state in STATES
}


async def page(ctx: Context, member: MemberRecord, state: str, args: PageArgs) -> Slice[UploadRecord]:
    """The member's uploads in one state, the latest begun first. One statement for a page of members."""
    return await MEMBER_UPLOADS[state].page(ctx, member.id, args)


async def by_ids(ctx: Context, ids: Sequence[str]) -> Sequence[tuple[str | None, UploadRecord] | None]:
    """Batch by id: the upload with the id that its member has now, None for no member's. Two statements."""
    rows = await ctx.database.fetch(select(*COLUMNS).where(file_ledger.c.id.in_(ids)))
    home = await present_ids(ctx.database.fetch, sorted({row.member for row in rows if row.member}))
    found = {row.id: (home.get(row.member, row.member), record(row)) for row in rows}
    return [found.get(each) for each in ids]
