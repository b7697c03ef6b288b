"""What became of customers on their way to another guide: asked every hour, until it is told."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, tuple_, update

from adapters.base.errors import NotFound, UpstreamError
from adapters.enterprise_chat import ContactRemoved, EnterpriseChatAdapter, RemovedBy
from adapters.enterprise_chat.records.handovers import HandoverResult, HandoverStatus
from gateway.database.facts import Fact
from gateway.database.tables.contacts import handover
from gateway.events.projections import enterprise_chat
from gateway.events.projector import Projector
from gateway.jobs import Queue
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.effects.customers import external_userids
from gateway.transactions.effects.handovers import DELAY, results
from gateway.transactions.settling import Settling

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "handovers.settle"
#: After this the platform will not tell any more.
GIVEN_UP: Final = timedelta(days=7)
_ENDS: Final = {HandoverStatus.DONE: "DONE", HandoverStatus.REFUSED: "REFUSED", HandoverStatus.FULL: "FULL"}


class Handovers(Settling):
    """Settles what ``customerHandover`` began. Safe with any number of processes."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue) -> None:
        super().__init__(projector, tools, queue, SETTLE_JOB)

    async def settle(self) -> None:
        """Ask about everybody who waits: one call per pair of guides, and one per customer who came over.

        A platform that does not answer is asked again by the next run; the others are settled all the same.
        """
        rows = await self._projector.database.fetch(
            select(handover).where(handover.c.state == "WAITING").order_by(handover.c.asked_at)
        )
        pairs: dict[tuple[str, str, str, bool], list[Row[Any]]] = defaultdict(list)
        for row in rows:
            pairs[(row.corpid, row.from_userid, row.to_userid, row.resigned)].append(row)
        for (corpid, old, new, resigned), waiting in pairs.items():
            try:
                adapter = self._tools.get(EnterpriseChatAdapter, corpid)
                told = {each.external_userid: each async for each in results(adapter, old, new, resigned=resigned)}
                await self._settle(adapter, waiting, told)
            except (UpstreamError, ToolNotConfigured) as error:
                log.warning("handovers of %s cannot be settled now: %s", corpid, type(error).__name__)

    async def _settle(
        self, adapter: EnterpriseChatAdapter, waiting: Sequence[Row[Any]], told: dict[str, HandoverResult]
    ) -> None:
        externals = await external_userids(self._projector.database, {row.identity for row in waiting})
        now = self._projector.clock.now()
        for row in waiting:
            external = externals.get(row.identity, "")
            result = told.get(external)
            state = None if result is None else _ENDS.get(result.status)
            if state == "DONE":
                await self._came_over(adapter, row, external, (result and result.at) or row.asked_at + DELAY)
            if state is None and now - row.asked_at > GIVEN_UP:
                state = "UNKNOWN"
            if state is not None:
                await self._end(row, state, None if result is None else result.at, now)

    async def _came_over(self, adapter: EnterpriseChatAdapter, row: Row[Any], external: str, at: datetime) -> None:
        """The callbacks say it too, and may be lost: read the customer, and end the former contact."""
        seen = self._projector.asking()
        answer = await adapter.contact(external)
        if not isinstance(answer, NotFound):
            await enterprise_chat.contacts(seen, answer)
        gone = ContactRemoved(row.corpid, row.from_userid, external, RemovedBy.TRANSFER, at)
        await enterprise_chat.removed(self._projector, [gone], source="poll")

    async def _end(self, row: Row[Any], state: str, at: datetime | None, now: datetime) -> None:
        key = (row.saga, row.identity)
        async with self._projector.batch() as batch:
            moved = await batch.connection.execute(
                update(handover)
                .where(tuple_(handover.c.saga, handover.c.identity) == tuple_(*key), handover.c.state == "WAITING")
                .values(state=state, takes_over_at=at, settled_at=now)
            )
            if moved.rowcount != 1 or state == "UNKNOWN":
                return
            members = await enterprise_chat.members_of(batch.connection, [row.identity])
            batch.facts.append(
                Fact(
                    kind="handover.done" if state == "DONE" else "handover.refused",
                    occurred_at=at or now,
                    source="poll",
                    source_key=f"{row.saga}:{row.identity}:settled",
                    account=row.corpid,
                    tool="enterprise_chat",
                    member=members.get(row.identity),
                    identity=row.identity,
                    guide=f"{row.corpid}:{row.to_userid}",
                    reason=None if state == "DONE" else state,
                    payload={"from": row.from_userid, "transaction": row.saga},
                )
            )
