"""Customers on their way to another guide, and those whom a guide who left has left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.context import Context
from gateway.database.tables.contacts import handover
from gateway.database.tables.members import identity
from gateway.events.kinds import normal
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice, keyset

#: Who gives customers to another guide, and sees who waits.
WRITE = "members:write"


@dataclass(frozen=True, slots=True)
class HandoverRecord:
    """One customer."""

    saga: str
    identity: str
    corpid: str
    old: str
    new: str
    state: str
    reason: str | None
    asked_at: datetime
    takes_over_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnassignedRecord:
    """A customer of a guide who left; ``member`` None: nobody whom we know."""

    corpid: str
    userid: str
    member: str | None
    left_at: datetime


async def page(ctx: Context, state: str | None, guide: tuple[str, str] | None, args: PageArgs) -> Slice[HandoverRecord]:
    """Handovers, the newest first; ``guide`` is the former one. Raises Forbidden."""
    ctx.principal.require(WRITE)
    statement = select(handover)
    if state is not None:
        statement = statement.where(handover.c.state == state)
    if guide is not None:
        statement = statement.where(handover.c.corpid == guide[0], handover.c.from_userid == guide[1])
    order = [(handover.c.asked_at, True), (handover.c.saga, True), (handover.c.identity, True)]
    return await keyset(ctx, f"customerHandovers:{state}:{guide}", statement, order, args, _record)


async def of_transactions(ctx: Context, sagas: Sequence[str]) -> Sequence[Sequence[HandoverRecord]]:
    """Batch by transaction: the customers whom it handed over, as they stand now."""
    rows = await ctx.database.fetch(
        select(handover).where(handover.c.saga.in_(sagas)).order_by(handover.c.saga, handover.c.identity)
    )
    return [[_record(row) for row in rows if row.saga == each] for each in sagas]


async def members_of(ctx: Context, identities: Sequence[str]) -> Sequence[str | None]:
    """Batch by identity: whose it is."""
    rows = await ctx.database.fetch(select(identity.c.id, identity.c.member).where(identity.c.id.in_(identities)))
    found = {row.id: row.member for row in rows}
    return [found.get(each) for each in identities]


async def unassigned(ctx: Context, account: str | None, args: PageArgs) -> Slice[UnassignedRecord]:
    """The platform's list of one corp, forward only; one call per thousand. Raises Forbidden and ToolNotConfigured."""
    ctx.principal.require(WRITE)
    adapter = ctx.services.tools.get(EnterpriseChatAdapter, account)
    page = await forward(ctx, f"unassignedCustomers:{adapter.account}", args, adapter.unassigned)
    members = await known(ctx, adapter.account, [each.external_userid for each in page.items])
    return page.map(
        lambda each: UnassignedRecord(
            adapter.account, each.handover_userid, members.get(each.external_userid), each.left_at
        )
    )


async def known(ctx: Context, corpid: str, externals: Sequence[str]) -> dict[str, str]:
    """external_userid → the member, of those whom we know. One statement."""
    kind, keyring = "EXTERNAL_USERID", ctx.database.keyring
    hashes = {bytes(keyring.hash(normal(kind, each), "identity")): each for each in externals}
    rows = await ctx.database.fetch(
        select(identity.c.value_hash, identity.c.member).where(
            identity.c.kind == kind,
            identity.c.issuer == corpid,
            identity.c.value_hash.in_(list(hashes)),
            identity.c.member.is_not(None),
        )
    )
    return {hashes[bytes(row.value_hash)]: row.member for row in rows}


def _record(row: Row[Any]) -> HandoverRecord:
    return HandoverRecord(
        row.saga,
        row.identity,
        row.corpid,
        row.from_userid,
        row.to_userid,
        row.state,
        row.reason,
        row.asked_at,
        row.takes_over_at,
        row.settled_at,
    )
