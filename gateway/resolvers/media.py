"""Media of messages (素材): the brand's own files, and what platforms hold of them. No platform is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, or_, select

from gateway.context import Context
from gateway.database.tables.files import file_ledger, medium
from gateway.resolvers import uploads
from gateway.resolvers.paging import PageArgs, Slice, keyset
from gateway.resolvers.uploads import UploadRecord
from gateway.transactions import file_rows

#: Who uploads them and sends them.
SCOPE: Final = file_rows.MESSAGES_SCOPE
PURPOSE: Final = file_rows.MESSAGE_MEDIA


@dataclass(frozen=True, slots=True)
class MediumRecord:
    """A medium: ``media_id`` until ``expires_at``, or ``url`` for ever."""

    tool: str
    account: str
    kind: str
    name: str
    media_id: str | None
    url: str | None
    uploaded_at: datetime
    expires_at: datetime | None


async def files(ctx: Context, state: str, args: PageArgs) -> Slice[UploadRecord]:
    """The brand's own files for messages in one state, the latest begun first. One statement. Raises Forbidden."""
    ctx.principal.require(SCOPE)
    statement = select(*uploads.COLUMNS).where(
        file_ledger.c.member.is_(None), file_ledger.c.purpose == PURPOSE, file_ledger.c.state == state
    )
    return await keyset(ctx, f"mediaFiles:{state}", statement, [(file_ledger.c.id, True)], args, uploads.record)


async def by_files(ctx: Context, files: Sequence[str]) -> Sequence[Sequence[MediumRecord]]:
    """Batch by the file's id in the ledger: what platforms have of it now, the latest first. One statement."""
    rows = await ctx.database.fetch(
        select(medium)
        .where(
            medium.c.file.in_(files),
            or_(medium.c.expires_at.is_(None), medium.c.expires_at > ctx.database.clock.now()),
        )
        .order_by(medium.c.uploaded_at.desc(), medium.c.tool, medium.c.account, medium.c.kind, medium.c.name)
    )
    found = defaultdict[str, list[MediumRecord]](list)
    for row in rows:
        found[row.file].append(_record(row))
    return [found[each] for each in files]


def _record(row: Row[Any]) -> MediumRecord:
    return MediumRecord(
        row.tool, row.account, row.kind, row.name, row.media_id, row.url, row.uploaded_at, row.expires_at
    )
