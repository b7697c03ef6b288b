"""Webhooks out as one part of the gateway: its jobs, and what sets them going."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select, update

from adapters.base.runtime import Clock
from gateway.database.clock import SystemClock
from gateway.database.engine import Database
from gateway.database.errors import DatabaseError
from gateway.database.tables.jobs import job as job_table
from gateway.database.tables.webhooks import PENDING, webhook_delivery, webhook_endpoint
from gateway.database.traces import trace
from gateway.jobs import Handlers, PostponeJob, Queue, RunningJob, State
from gateway.members.gate import Gate
from gateway.settings import Webhooks
from gateway.webhooks.delivering import Delivering, Owner
from gateway.webhooks.endpoints import Endpoints
from gateway.webhooks.fanning import DELIVER_JOB, FanOut
from gateway.webhooks.fanning import JOB as FAN_OUT_JOB
from gateway.webhooks.log import EventLog
from gateway.webhooks.payloads import Answering
from gateway.webhooks.records import DeliveryState, EndpointState
from gateway.webhooks.sending import Sender

log = logging.getLogger(__name__)

WATCH_JOB: Final = "webhooks.watch"
#: How long an event may wait whose process died between its commit and the look at the log.
WATCH_EVERY: Final = timedelta(seconds=30)


class Outgoing:
    """Webhooks out of one gateway."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        gate: Gate,
        sender: Sender,
        answering: Answering,
        owner: Owner,
        settings: Webhooks,
        *,
        wire: Clock | None = None,
    ) -> None:
        self._database = database
        self._queue = queue
        clock = wire or SystemClock()
        self.log = EventLog(database)
        self.fan_out = FanOut(database, queue, self.log, settings)
        self.endpoints = Endpoints(database, queue, self.log, self.fan_out, sender, answering, settings, clock)
        self._delivering = Delivering(database, self.log, self.fan_out, gate, sender, answering, owner, settings, clock)
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def register(self, handlers: Handlers) -> None:
        """Add the handlers of its jobs."""
        handlers.add(FAN_OUT_JOB, self.fan_out.handle, versions={1})
        handlers.add(DELIVER_JOB, self._delivering.handle, versions={1})
        handlers.add(WATCH_JOB, self._watch, versions={1})

    async def start(self) -> None:
        """Look at the log after each commit that appended to it, and every half a minute whatever happens."""
        async with self._database.write() as connection:
            # Failing does not end it: it is the net under everything else.
            await self._queue.put(connection, WATCH_JOB, 1, {}, key=WATCH_JOB, max_attempts=2**31 - 1)
        self._database.facts_appended.listeners.append(self._rung.set)
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Listen no more."""
        task, self._task = self._task, None
        if task is not None:
            self._database.facts_appended.listeners.remove(self._rung.set)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def counts(self) -> dict[str, int]:
        """Deliveries by state that somebody may have to look at, and endpoints that were disabled."""
        parked = webhook_delivery.c.state == DeliveryState.PARKED
        disabled = webhook_endpoint.c.state == EndpointState.DISABLED
        counted = {
            "pending": select(func.count()).select_from(webhook_delivery).where(PENDING),
            "parked": select(func.count()).select_from(webhook_delivery).where(parked),
            "disabledEndpoints": select(func.count()).select_from(webhook_endpoint).where(disabled),
        }
        row = await self._database.one(select(*(each.scalar_subquery().label(name) for name, each in counted.items())))
        return {} if row is None else {name: int(getattr(row, name)) for name in counted}

    async def _listen(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                if await self._any_enabled():
                    async with self._database.write() as connection:
                        await self.fan_out.put(connection)
            except DatabaseError as error:
                log.warning("webhooks are not set going (%s); the watch will", error.code)
            except Exception as error:
                log.error("webhooks are not set going: %s; the watch will", trace(error))  # noqa: TRY400

    async def _any_enabled(self) -> bool:
        enabled = select(webhook_endpoint.c.id).where(webhook_endpoint.c.state == EndpointState.ENABLED).limit(1)
        return await self._database.one(enabled) is not None

    async def _watch(self, job: RunningJob) -> None:
        """Job ``webhooks.watch``: the same row again and again, so that nothing polls beside the queue."""
        await self.fan_out.advance(note=True)
        await self._settle_ended()
        raise PostponeJob(job.now() + WATCH_EVERY)

    async def _settle_ended(self) -> None:
        """A job that an operator cancelled, or that killed its workers, has its delivery parked."""
        over: Collection[str] = (State.PARKED, State.CANCELLED)
        ended = select(job_table.c.id).where(job_table.c.kind == DELIVER_JOB, job_table.c.state.in_(over))
        lost = webhook_delivery.c.state == DeliveryState.PENDING, webhook_delivery.c.job.in_(ended)
        if await self._database.one(select(webhook_delivery.c.seq).where(*lost).limit(1)) is None:
            return
        code = "WEBHOOK_JOB_ENDED"
        async with self._database.write() as connection:
            await connection.execute(
                update(webhook_delivery).where(*lost).values(state=DeliveryState.PARKED, next_at=None, code=code)
            )
