"""What became of red packets (红包): the platform tells of each end once, and is asked where it did not."""

from __future__ import annotations

import logging
from typing import Any, Final

from sqlalchemy import Row, and_, or_, select

from adapters.base.errors import NotFound, UpstreamError
from adapters.payments import PaymentsAdapter
from gateway.database.tables.rewards import red_packet
from gateway.events.projections import red_packets
from gateway.events.projector import Projector
from gateway.jobs import Queue
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.actions import DEADLINE
from gateway.transactions.settling import Settling

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "red_packets.settle"
#: Asked about in one run, the oldest first: the platform answers a hundred a second.
MOST: Final = 2_000


class RedPackets(Settling):
    """Settles what ``redPacketSend`` offered. Safe with any number of processes."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue) -> None:
        super().__init__(projector, tools, queue, SETTLE_JOB)

    async def settle(self) -> None:
        """Ask about each that is not decided and may be: one call for each.

        One that waits for the shopper is asked about when its time is over; until then the platform tells. A merchant
        that does not answer is asked again by the next run.
        """
        now = self._projector.clock.now()
        due = or_(
            red_packet.c.state.in_(("CHECKING", "TRANSFERRING", "CANCELLING")),
            and_(red_packet.c.state == "WAIT_USER_CONFIRM", red_packet.c.expires_at <= now),
            # Its transaction goes on with it for so long, or has told an operator that nobody knows.
            and_(red_packet.c.state == red_packets.REQUESTED, red_packet.c.asked_at <= now - DEADLINE),
        )
        rows = await self._projector.database.fetch(
            select(red_packet.c.mchid, red_packet.c.out_bill_no, red_packet.c.state)
            .where(due, red_packet.c.state.in_(red_packets.OPEN))
            .order_by(red_packet.c.asked_at)
            .limit(MOST)
        )
        silent: set[str] = set()
        for row in rows:
            if row.mchid in silent:
                continue
            try:
                await self._settle(row)
            except (UpstreamError, ToolNotConfigured) as error:
                silent.add(row.mchid)
                log.warning("red packets of %s cannot be settled now: %s", row.mchid, type(error).__name__)

    async def _settle(self, row: Row[Any]) -> None:
        found = await self._tools.get(PaymentsAdapter, row.mchid).transfer_status(row.out_bill_no)
        if not isinstance(found, NotFound):
            await red_packets.told(self._projector, [found], source="poll")
        elif row.state == red_packets.REQUESTED:
            async with self._projector.batch() as batch:
                await red_packets.never_offered(batch, row.mchid, row.out_bill_no)
