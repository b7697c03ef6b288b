"""Rows of the ledger of files: whose they are, and how an object goes."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select, update

from adapters.cloud_storage import CloudStorageAdapter
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.reading import Fetch
from gateway.database.tables.files import file_ledger
from gateway.members.family import present_ids
from gateway.runtime import OpenTools
from gateway.transactions.steps import StepRefused

#: Whoever works on files of members that are not their own.
SCOPE: Final = "members:write"
#: Pictures, voices, films and files of the brand's own, which messages carry; and who works on them.
MESSAGE_MEDIA: Final = "MESSAGE_MEDIA"
MESSAGES_SCOPE: Final = "messages:send"


async def find(database: Database, file_id: str) -> Any:
    """The row, or None."""
    return await database.one(select(file_ledger).where(file_ledger.c.id == file_id))


async def is_self(fetch: Fetch, principal: Principal, member: str) -> bool:
    """Whether an id leads to the shopper of this session, now: who merged keeps what they had under each id."""
    if principal.member is None:
        return False
    home = await present_ids(fetch, [member, principal.member])
    return member in home and home[member] == home.get(principal.member)


async def theirs(database: Database, principal: Principal, file_id: str) -> Any:
    """The row. Raises StepRefused where there is none that the caller may touch."""
    row = await find(database, file_id)
    if row is None:
        allowed = False
    elif row.purpose == MESSAGE_MEDIA:
        allowed = MESSAGES_SCOPE in principal.scopes
    else:
        allowed = SCOPE in principal.scopes or await is_self(database.fetch, principal, row.member or "")
    if not allowed:
        raise StepRefused("FILE_UNKNOWN", "There is no such file, or it is not yours.")
    return row


async def remove(database: Database, tools: OpenTools, row: Any, *, only: str | None = None) -> bool:
    """First the ledger, then the object; swept once no grant can bring it back. Safe to repeat.

    ``only``: nothing is done, and the answer is False, when the row is not in that state any more.
    Raises what the platform answers; then the ledger says DELETED, and the sweep goes on with the object.
    """
    now = database.clock.now()
    move = update(file_ledger).where(file_ledger.c.id == row.id)
    if only is not None:
        move = move.where(file_ledger.c.state == only)
    async with database.write() as connection:
        moved = await connection.execute(move.values(state="DELETED", deleted_at=row.deleted_at or now, grant=None))
    if moved.rowcount != 1:
        return False
    await tools.get(CloudStorageAdapter, row.bucket).delete(row.key)
    if now >= row.expires_at:
        async with database.write() as connection:
            await connection.execute(update(file_ledger).where(file_ledger.c.id == row.id).values(swept_at=now))
    return True
