"""Red packets (红包), as our rows have them: no platform is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.tables.members import identity
from gateway.database.tables.rewards import red_packet
from gateway.resolvers.paging import OwnedList, PageArgs, Slice, keyset

#: Who gives money to members, and sees whom it was given to.
WRITE: Final = "rewards:write"


@dataclass(frozen=True, slots=True)
class RedPacketRecord:
    """One; ``amount`` in fen. ``member`` None: erased."""

    mchid: str
    number: str
    saga: str
    member: str | None
    appid: str
    platform_number: str | None
    scene: str
    name: str
    amount: int
    state: str
    reason: str | None
    package: str | None
    asked_at: datetime
    expires_at: datetime | None
    settled_at: datetime | None


_ROWS: Final = select(red_packet, identity.c.member).outerjoin(identity, identity.c.id == red_packet.c.identity)
_NEWEST: Final = [(red_packet.c.asked_at, True), (red_packet.c.out_bill_no, True)]


def _record(row: Row[Any]) -> RedPacketRecord:
    return RedPacketRecord(
        row.mchid,
        row.out_bill_no,
        row.saga,
        row.member,
        row.appid,
        row.transfer_bill_no,
        row.scene,
        row.name,
        row.amount,
        row.state,
        row.reason,
        row.package,
        row.asked_at,
        row.expires_at,
        row.settled_at,
    )


MEMBER_RED_PACKETS: Final = OwnedList(
    "member.redPackets",
    select(red_packet, identity.c.member).join(identity, identity.c.id == red_packet.c.identity),
    identity.c.member,
    _NEWEST,
    _record,
)


async def page(ctx: Context, state: str | None, args: PageArgs) -> Slice[RedPacketRecord]:
    """All of them, the newest first. Raises Forbidden."""
    ctx.principal.require(WRITE)
    statement = _ROWS if state is None else _ROWS.where(red_packet.c.state == state)
    return await keyset(ctx, f"redPackets:{state}", statement, _NEWEST, args, _record)


async def by_keys(ctx: Context, keys: Sequence[tuple[str, str]]) -> Sequence[RedPacketRecord | None]:
    """Batch by (mchid, number). One statement."""
    rows = await ctx.database.fetch(_ROWS.where(red_packet.c.out_bill_no.in_([number for _, number in keys])))
    found = {(row.mchid, row.out_bill_no): _record(row) for row in rows}
    return [found.get(each) for each in keys]


def may_confirm(ctx: Context, record: RedPacketRecord) -> bool:
    """Whether the caller may see what opens the confirming page: the shopper, or whoever gives."""
    caller = ctx.principal
    mine = caller.member is not None and caller.member == record.member
    return record.state == "WAIT_USER_CONFIRM" and (mine or WRITE in caller.scopes)
