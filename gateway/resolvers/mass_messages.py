"""Mass messages (群发) of official accounts: ours, and those from the platform's console, as its events tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from adapters.official_account import MassStatus, OfficialAccountAdapter
from gateway.context import Context
from gateway.database.tables.followers import mass_message
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who speaks to members, and sees what was said.
SCOPE = "messages:send"


@dataclass(frozen=True, slots=True)
class MassMessageRecord:
    """One message; None where nothing was told, or, of what a transaction knows, it was sent in the console."""

    appid: str
    message_id: str
    at: datetime
    saga: str | None
    data_id: str | None
    content: str | None
    purpose: str | None
    tag: str | None
    reached: int | None
    state: str
    reason: str | None
    total: int | None
    filtered: int | None
    sent: int | None
    failed: int | None
    finished_at: datetime | None
    taken_back_at: datetime | None


async def page(ctx: Context, account: str | None, args: PageArgs) -> Slice[MassMessageRecord]:
    """The newest first; of one account, or of all. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(SCOPE)
    ctx.services.tools.get(OfficialAccountAdapter, account)
    statement = select(mass_message)
    if account is not None:
        statement = statement.where(mass_message.c.appid == account)
    order = [(mass_message.c.at, True), (mass_message.c.appid, True), (mass_message.c.message_id, True)]
    return await keyset(ctx, f"massMessages:{account}", statement, order, args, _record)


async def by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[MassMessageRecord | None]:
    """Batch by (appid, message id). One statement."""
    rows = await ctx.database.fetch(
        select(mass_message).where(mass_message.c.message_id.in_({each for _, each in keys}))
    )
    found = {(row.appid, row.message_id): _record(row) for row in rows}
    return [found.get(each) for each in keys]


async def state_now(ctx: Context, record: MassMessageRecord) -> str | None:
    """What the platform says: of the one message of a request, since each is a call."""
    if not ctx.may_read_live(("massMessage", record.appid, record.message_id)):
        return None
    status: MassStatus = await ctx.tool(OfficialAccountAdapter, record.appid).sending_status(record.message_id)
    return status.value


async def speed(ctx: Context, account: str | None) -> tuple[str, int]:
    """The appid, and how fast its messages go, by the platform's number; one call."""
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(OfficialAccountAdapter, account)
    return adapter.account, await adapter.sending_speed()


def _record(row: Row[Any]) -> MassMessageRecord:
    state = "DELETED" if row.taken_back_at is not None else row.state or "SENDING"
    return MassMessageRecord(
        row.appid, row.message_id, row.at, row.saga, row.data_id, row.content, row.purpose, row.tag, row.reached, state,
        row.reason, row.total, row.filtered, row.sent, row.failed, row.finished_at, row.taken_back_at,
    )  # fmt: skip
