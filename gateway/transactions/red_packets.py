"""What became of red packets (红包): the platform tells of each end once, and is asked where it did not."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, and_, or_, select

from adapters.base.errors import NotFound, UpstreamError
from adapters.payments import PaymentsAdapter, TransferState
from gateway.database.tables.rewards import red_packet
from gateway.events.projections import red_packets
from gateway.events.projector import Projector
from gateway.jobs import Queue
from gateway.members.gate import Gate
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.actions import DEADLINE
from gateway.transactions.effects import red_packets as effects
from gateway.transactions.effects.gifts import must_be_allowed, openid_of
from gateway.transactions.log import SagaLog
from gateway.transactions.runner import FINAL
from gateway.transactions.settling import Settling
from gateway.transactions.steps import StepRefused

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "red_packets.settle"
#: Asked about in one run, the oldest first: the platform answers a hundred a second.
MOST: Final = 2_000


class RedPackets(Settling):
    """Settles what ``redPacketSend`` offered. Safe with any number of processes."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue, gate: Gate) -> None:
        # Often: one that is checked first cannot be confirmed before it was asked about.
        super().__init__(projector, tools, queue, SETTLE_JOB, every=timedelta(minutes=10))
        self._gate = gate
        self._log = SagaLog(projector.database, projector.clock)

    async def settle(self) -> None:
        """Ask about each that is not decided and may be: one call for each.

        One that waits for the shopper is asked about when its time is over; until then the platform tells. What it
        never tells is the ``package`` of one that it had first to check: that is asked for here. A merchant that does
        not answer is asked again by the next run.
        """
        now = self._projector.clock.now()
        due = or_(
            red_packet.c.state.in_(("CHECKING", "TRANSFERRING", "CANCELLING")),
            and_(
                red_packet.c.state == "WAIT_USER_CONFIRM",
                or_(red_packet.c.expires_at <= now, red_packet.c.package.is_(None)),
            ),
            # Its transaction goes on with it for so long, or has told an operator that nobody knows.
            and_(red_packet.c.state == red_packets.REQUESTED, red_packet.c.asked_at <= now - DEADLINE),
        )
        rows = await self._projector.database.fetch(
            select(
                red_packet.c.mchid,
                red_packet.c.out_bill_no,
                red_packet.c.state,
                red_packet.c.saga,
                red_packet.c.package.is_(None).label("bare"),
            )
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
            except FINAL as error:
                # It speaks of this one: the others of the merchant are asked about all the same.
                log.warning("a red packet of %s cannot be settled: %s", row.mchid, type(error).__name__)
            except (UpstreamError, ToolNotConfigured) as error:
                silent.add(row.mchid)
                log.warning("red packets of %s cannot be settled now: %s", row.mchid, type(error).__name__)

    async def _settle(self, row: Row[Any]) -> None:
        found = await self._tools.get(PaymentsAdapter, row.mchid).transfer_status(row.out_bill_no)
        if not isinstance(found, NotFound):
            await red_packets.told(self._projector, [found], source="poll")
            if row.bare and found.state is TransferState.WAIT_USER_CONFIRM:
                await self._package(row)
        elif row.state == red_packets.REQUESTED:
            async with self._projector.batch() as batch:
                await red_packets.never_offered(batch, row.mchid, row.out_bill_no)

    async def _package(self, row: Row[Any]) -> None:
        """Ask for the same offer again: the platform has just said that it stands, so the number offers nothing more.

        Its answer alone tells the ``package``. One whose shopper was erased, or allows it no more, is left to expire.
        """
        steps = await self._log.steps(row.saga)
        intents = [each.intent(effects.Offer) for each in steps if each.name == effects.offer.name]
        intent = next((each for each in intents if each.number == row.out_bill_no), None)
        if intent is None:
            return
        try:
            [decision] = await self._gate.decide(effects.about(intent), [intent.member])
            must_be_allowed(decision)
            openid, appid = await openid_of(self._projector, intent.identity)
            adapter = self._tools.get(PaymentsAdapter, row.mchid)
            accepted = await adapter.send_transfer(effects.asked_of_platform(intent, openid, appid))
        except StepRefused:
            return
        except FINAL as error:
            log.warning("the package of a red packet of %s is not told: %s", row.mchid, type(error).__name__)
            return
        if accepted.package:
            async with self._projector.batch() as batch:
                await red_packets.packaged(batch, accepted)
