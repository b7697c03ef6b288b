"""What became of group sends (企业群发): which guides confirmed, and whom the message reached.

The platform calls nobody back. An open task is asked about every hour at first, and less and less often the older it
is: one call for its guides, and those for the customers of a guide when the guide is new or has just confirmed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, bindparam, select, update

from adapters.base.errors import UpstreamError
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.sends import Delivery, DeliveryState, SenderState
from gateway.database.facts import Fact
from gateway.database.statements import upsert
from gateway.database.tables.contacts import group_send, group_send_sender, group_send_target
from gateway.events.projections import enterprise_chat
from gateway.events.projector import Batch, Projector
from gateway.jobs import Queue
from gateway.members.gate import Gate
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.effects.customers import external_userids
from gateway.transactions.effects.group_sends import delivery_fact, given_back
from gateway.transactions.settling import Settling

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "group_sends.settle"
#: A guide who has not confirmed until then is not waited for any more.
GIVEN_UP: Final = timedelta(days=30)
#: A task is asked about again when this part of its age has passed.
_PATIENCE: Final = 24


@dataclass(frozen=True, slots=True)
class Known:
    """What our rows say of an open task before the platform is asked: guides by userid, and deliveries by customer."""

    row: Row[Any]
    senders: Mapping[str, Row[Any]]
    customers: Mapping[str, str]
    deliveries: Mapping[str, str]


class GroupSends(Settling):
    """Settles what ``groupSendCreate`` asked for. Safe with any number of processes."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue, gate: Gate) -> None:
        super().__init__(projector, tools, queue, SETTLE_JOB)
        self._gate = gate

    async def settle(self) -> None:
        """Ask about every open task whose time has come.

        A platform that does not answer is asked again by the next run; the other tasks are settled all the same.
        """
        now = self._projector.clock.now()
        rows = await self._projector.database.fetch(
            select(group_send).where(group_send.c.settled_at.is_(None)).order_by(group_send.c.asked_at)
        )
        for row in rows:
            if row.read_at is not None and now - row.read_at < (now - row.asked_at) / _PATIENCE:
                continue
            try:
                await self._read(self._tools.get(EnterpriseChatAdapter, row.corpid), row, now)
            except (UpstreamError, ToolNotConfigured) as error:
                log.warning("a group send of %s cannot be settled now: %s", row.corpid, type(error).__name__)
                await self._end(row, now, None)

    async def _read(self, adapter: EnterpriseChatAdapter, row: Row[Any], now: datetime) -> None:
        senders = await _senders(adapter, row.task_id)
        known = await self._known(row)
        waited_for = []
        for sender in senders:
            before = known.senders.get(sender.userid)
            if before is not None and before.settled_at is not None:
                continue
            if before is None or sender.sent:
                told = await _deliveries(adapter, row.task_id, sender.userid)
                if await self._tell(known, sender, told, now):
                    continue
            waited_for.append(sender)
        await self._end(row, now, waited_for if senders else None)

    async def _known(self, row: Row[Any]) -> Known:
        fetch = self._projector.database.fetch
        senders = await fetch(select(group_send_sender).where(group_send_sender.c.send == row.id))
        targets = await fetch(
            select(group_send_target.c.identity, group_send_target.c.delivery).where(group_send_target.c.send == row.id)
        )
        deliveries = {each.identity: each.delivery for each in targets}
        externals = await external_userids(self._projector.database, deliveries)
        customers = {external: each for each, external in externals.items()}
        return Known(row, {each.userid: each for each in senders}, customers, deliveries)

    async def _tell(self, known: Known, sender: SenderState, told: Sequence[DeliveryState], now: datetime) -> bool:
        """One guide's part, in one commit; True when nothing more is to be told of it."""
        row, before = known.row, known.senders.get(sender.userid)
        # Whoever was erased meanwhile has no row any more.
        mine = {known.customers[each.target]: each for each in told if each.target in known.customers}
        settled = sender.sent and all(each.delivery is not Delivery.PENDING for each in told)
        async with self._projector.batch() as batch:
            await _placed(batch, row.id, mine)
            await self._deliveries(batch, known, mine, now)
            values = {
                "send": row.id,
                "userid": sender.userid,
                "customers": len(told),
                "confirmed_at": sender.sent_at,
                "settled_at": now if settled else None,
            }
            await upsert(batch.connection, group_send_sender, [values], keys=("send", "userid"))
            if before is None:
                batch.facts.append(_guide_fact("group_send.asked", row, sender.userid, row.asked_at, len(told)))
            if sender.sent:
                at = sender.sent_at or now
                batch.facts.append(_guide_fact("group_send.confirmed", row, sender.userid, at, len(told)))
            if settled:
                reached = sum(each.delivery is Delivery.SENT for each in told)
                capped = sum(each.delivery is Delivery.CAPPED for each in told)
                batch.facts.append(
                    _guide_fact("group_send.result", row, sender.userid, now, reached, asked=len(told), capped=capped)
                )
        return settled

    async def _deliveries(self, batch: Batch, known: Known, mine: Mapping[str, DeliveryState], now: datetime) -> None:
        """What is news of customers: facts, and the places of whom it did not reach."""
        row = known.row
        news = {
            each: state
            for each, state in mine.items()
            if state.delivery is not Delivery.PENDING and known.deliveries[each] == "PENDING"
        }
        members = await enterprise_chat.members_of(batch.connection, news)
        batch.facts += [
            delivery_fact("message.delivered", row.id, row.corpid, each, members.get(each), state.sent_at or now)
            for each, state in news.items()
            if state.delivery is Delivery.SENT
        ]
        failed = {each: state.delivery.value for each, state in news.items() if state.delivery is not Delivery.SENT}
        await given_back(batch, self._gate, row.id, row.corpid, failed, now)

    async def _end(self, row: Row[Any], now: datetime, waited_for: Sequence[SenderState] | None) -> None:
        """Where the task stands now: every guide has confirmed, it was cancelled, or nobody waits any longer.

        ``waited_for`` are guides of whom something is still to be told; None where the platform told nothing.
        """
        lapsed = now - row.asked_at > GIVEN_UP
        told = waited_for is not None and not waited_for
        stopped = row.state == "CANCELLED" and waited_for is not None and not any(each.sent for each in waited_for)
        over = told or stopped or lapsed
        state = row.state if row.state != "ASKED" or not over else "CONFIRMED" if told else "LAPSED"
        async with self._projector.batch() as batch:
            moved = await batch.connection.execute(
                update(group_send)
                .where(group_send.c.id == row.id, group_send.c.state == row.state, group_send.c.settled_at.is_(None))
                .values(state=state, read_at=now, settled_at=now if over else None)
            )
            # Where a task lapsed guides may still send it: the places of whom they did not reach stay taken.
            if moved.rowcount == 1 and (told or stopped):
                await given_back(batch, self._gate, row.id, row.corpid, await _left(batch, row.id), now)


async def _placed(batch: Batch, send_id: str, mine: Mapping[str, DeliveryState]) -> None:
    """Which guide has each customer, and what became of them; an end that was told stays."""
    if not mine:
        return
    await batch.connection.execute(
        update(group_send_target)
        .where(
            group_send_target.c.send == send_id,
            group_send_target.c.identity == bindparam("who"),
            group_send_target.c.delivery == "PENDING",
        )
        .values(userid=bindparam("guide"), delivery=bindparam("became"), sent_at=bindparam("at")),
        [
            {"who": each, "guide": state.userid, "became": state.delivery.value, "at": state.sent_at}
            for each, state in mine.items()
        ],
    )


async def _left(batch: Batch, send_id: str) -> Mapping[str, str]:
    """Customers to whom nobody will send it any more, and why: in no guide's task, or not sent by theirs."""
    waits = (group_send_target.c.send == send_id, group_send_target.c.delivery == "PENDING")
    rows = await batch.connection.execute(
        select(group_send_target.c.identity, group_send_target.c.userid).where(*waits)
    )
    left = {row.identity: "UNREACHABLE" if row.userid is None else "NOT_SENT" for row in rows}
    nobodys = group_send_target.c.userid.is_(None)
    for reason, whose in (("UNREACHABLE", nobodys), ("NOT_SENT", ~nobodys)):
        if reason in left.values():
            await batch.connection.execute(update(group_send_target).where(*waits, whose).values(delivery=reason))
    return left


async def _senders(adapter: EnterpriseChatAdapter, task_id: str) -> Sequence[SenderState]:
    """Every guide who was asked; one call per thousand."""
    found: list[SenderState] = []
    cursor: str | None = None
    while True:
        page = await adapter.group_send_senders(task_id, cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _deliveries(adapter: EnterpriseChatAdapter, task_id: str, userid: str) -> Sequence[DeliveryState]:
    """What became of every customer of one guide's; one call per thousand."""
    found: list[DeliveryState] = []
    cursor: str | None = None
    while True:
        page = await adapter.group_send_deliveries(task_id, userid, cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def _guide_fact(kind: str, row: Row[Any], userid: str, at: datetime, quantity: int, **payload: int) -> Fact:
    """About one guide; ``quantity`` are customers."""
    return Fact(
        kind=kind,
        occurred_at=at,
        source="poll",
        source_key=f"{row.id}:{userid}",
        account=row.corpid,
        tool="enterprise_chat",
        guide=f"{row.corpid}:{userid}",
        quantity=quantity,
        payload={"group_send": row.id, **payload},
    )
