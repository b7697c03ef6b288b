"""Group sends (企业群发): what guides were asked to send, who confirmed, and whom it reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select

from gateway.context import Context
from gateway.database.tables.contacts import (
    group_send,
    group_send_refusal,
    group_send_sender,
    group_send_target,
)
from gateway.resolvers.paging import OwnedList, PageArgs, Slice, keyset

#: Who asks guides to send, and sees what came of it.
SCOPE: Final = "messages:send"


@dataclass(frozen=True, slots=True)
class SendRecord:
    """One task."""

    id: str
    saga: str
    corpid: str
    userid: str
    purpose: str
    text: str
    state: str
    asked_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SenderRecord:
    """A guide who was asked."""

    corpid: str
    userid: str
    customers: int
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """A customer of a task."""

    identity: str
    corpid: str
    userid: str | None
    delivery: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    """A member whom the gate left out."""

    member: str
    reason: str
    opens_at: datetime | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of a task: customers by delivery, members left out, guides."""

    deliveries: Mapping[str, int]
    left_out: int
    guides: int
    confirmed: int


async def page(ctx: Context, state: str | None, args: PageArgs) -> Slice[SendRecord]:
    """Tasks, the newest first. Raises Forbidden."""
    ctx.principal.require(SCOPE)
    statement = select(group_send)
    if state is not None:
        statement = statement.where(group_send.c.state == state)
    order = [(group_send.c.asked_at, True), (group_send.c.id, True)]
    return await keyset(ctx, f"groupSends:{state}", statement, order, args, _record)


async def by_ids(ctx: Context, ids: Sequence[str]) -> Sequence[SendRecord | None]:
    """Batch by id."""
    rows = await ctx.database.fetch(select(group_send).where(group_send.c.id.in_(ids)))
    found = {row.id: _record(row) for row in rows}
    return [found.get(each) for each in ids]


async def figures(ctx: Context, ids: Sequence[str]) -> Sequence[Figures]:
    """Batch by id: three statements."""
    fetch = ctx.database.fetch
    target, sender, refusal = group_send_target.c, group_send_sender.c, group_send_refusal.c
    deliveries: dict[str, dict[str, int]] = defaultdict(dict)
    for row in await fetch(
        select(target.send, target.delivery, func.count().label("n"))
        .where(target.send.in_(ids))
        .group_by(target.send, target.delivery)
    ):
        deliveries[row.send][row.delivery] = row.n
    left_out = {
        row.send: row.n
        for row in await fetch(
            select(refusal.send, func.count().label("n")).where(refusal.send.in_(ids)).group_by(refusal.send)
        )
    }
    guides = {
        row.send: (row.n, row.confirmed)
        for row in await fetch(
            select(sender.send, func.count().label("n"), func.count(sender.confirmed_at).label("confirmed"))
            .where(sender.send.in_(ids))
            .group_by(sender.send)
        )
    }
    return [Figures(deliveries[each], left_out.get(each, 0), *guides.get(each, (0, 0))) for each in ids]


def _record(row: Row[Any]) -> SendRecord:
    return SendRecord(
        row.id, row.saga, row.corpid, row.userid, row.purpose, row.text, row.state, row.asked_at, row.settled_at
    )


def _targets(delivery: str | None) -> OwnedList[TargetRecord]:
    statement = select(group_send_target, group_send.c.corpid).join(
        group_send, group_send.c.id == group_send_target.c.send
    )
    if delivery is not None:
        statement = statement.where(group_send_target.c.delivery == delivery)
    return OwnedList(
        f"groupSendDeliveries:{delivery}",
        statement,
        group_send_target.c.send,
        [(group_send_target.c.identity, False)],
        lambda row: TargetRecord(row.identity, row.corpid, row.userid, row.delivery, row.sent_at),
    )


#: Deliveries of a task, all of them or those of one kind.
DELIVERIES: Final = {
    each: _targets(each)
    for each in (None, "PENDING", "SENT", "NO_FRIEND", "CAPPED", "OTHER", "UNREACHABLE", "NOT_SENT")
}
SENDERS: Final = OwnedList(
    "groupSendSenders",
    select(group_send_sender, group_send.c.corpid).join(group_send, group_send.c.id == group_send_sender.c.send),
    group_send_sender.c.send,
    [(group_send_sender.c.userid, False)],
    lambda row: SenderRecord(row.corpid, row.userid, row.customers, row.confirmed_at),
)
LEFT_OUT: Final = OwnedList(
    "groupSendLeftOut",
    select(group_send_refusal),
    group_send_refusal.c.send,
    [(group_send_refusal.c.member, False)],
    lambda row: RefusalRecord(row.member, row.reason, row.opens_at),
)
