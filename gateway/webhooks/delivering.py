"""One delivery: read its event as the endpoint's owner would, sign, send, and record how it went.

Whatever is decided about a delivery and the end of its job are one transaction, so a process that is killed leaves a
job whose lease ends, and the event is sent again: at least once, and never lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.webhooks import webhook_delivery, webhook_endpoint
from gateway.events.horizon import LoggedFact
from gateway.jobs import PostponeJob, RunningJob
from gateway.members.consent import Purpose
from gateway.members.gate import Asked, Gate
from gateway.members.reach import Channel
from gateway.settings import Webhooks
from gateway.webhooks.fanning import FanOut
from gateway.webhooks.log import EventLog
from gateway.webhooks.payloads import Answering, PayloadFailed, body_of, message_of
from gateway.webhooks.records import DeliveryState, EndpointState, wait_after
from gateway.webhooks.sending import Answered, Sender

#: How long a delivery waits for a pause or a disabled endpoint to end; its owner's change wakes it at once.
ASLEEP: Final = timedelta(hours=1)
#: A success is noted at the endpoint this often.
NOTED: Final = timedelta(minutes=1)

Owner = Callable[[str], Principal | None]


class Delivering:
    """Makes deliveries, a few per endpoint at once."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        fan_out: FanOut,
        gate: Gate,
        sender: Sender,
        answering: Answering,
        owner: Owner,
        settings: Webhooks,
        wire: Clock,
    ) -> None:
        self._database = database
        self._log = log
        self._fan_out = fan_out
        self._gate = gate
        self._sender = sender
        self._answering = answering
        self._owner = owner
        self._settings = settings
        self._wire = wire
        self._random = Random()
        #: Endpoint → attempts under way in this process.
        self._running: Counter[str] = Counter()

    async def handle(self, job: RunningJob) -> None:
        """Job ``webhooks.deliver``."""
        delivery = await self._database.one(
            select(webhook_delivery).where(webhook_delivery.c.id == job.payload["delivery"])
        )
        if delivery is None or delivery.state != DeliveryState.PENDING:
            # Its endpoint or its member is gone, or an attempt was recorded whose job was not.
            return
        endpoint = await self._database.one(select(webhook_endpoint).where(webhook_endpoint.c.id == delivery.endpoint))
        if endpoint is None:
            return
        if endpoint.state != EndpointState.ENABLED:
            raise PostponeJob(job.now() + ASLEEP)
        if self._running[endpoint.id] >= self._settings.in_flight:
            # Many that failed before may come due at once; a slow receiver gets no more of this process than that.
            raise PostponeJob(job.now() + timedelta(seconds=self._random.uniform(0.5, 1.5)))
        self._running[endpoint.id] += 1
        try:
            await self._attempt(job, delivery, endpoint)
        finally:
            self._running[endpoint.id] -= 1
            if not self._running[endpoint.id]:
                del self._running[endpoint.id]

    async def _attempt(self, job: RunningJob, delivery: AnyRow, endpoint: AnyRow) -> None:
        owner = self._owner(endpoint.owner)
        if owner is None:
            async with self._database.write() as connection:
                await self._disable(connection, endpoint.id, code="WEBHOOK_OWNER_UNKNOWN")
            raise PostponeJob(job.now() + ASLEEP)
        event = await self._log.one(delivery.event)
        if event is None and await self._log.exists(delivery.event):
            raise PostponeJob(job.now() + timedelta(seconds=1))
        if event is None or await self._log.of_erased([event]):
            await self._withhold(job, delivery, code="WEBHOOK_EVENT_GONE")
            return
        refused = await self._refused(endpoint, event)
        if refused is not None:
            await self._withhold(job, delivery, code=refused)
            return
        result = await self._sent(endpoint, owner, event)
        if result.delivered:
            await self._delivered(job, delivery, endpoint, result)
        else:
            await self._failed(job, delivery, endpoint, result)

    async def _refused(self, endpoint: AnyRow, event: LoggedFact) -> str | None:
        """Why the event's member does not allow it; None when they do, or when it is about nobody."""
        if event.member is None:
            return None
        asked = Asked(purpose=Purpose(endpoint.purpose), channel=Channel.EXPORT, key=f"webhook:{endpoint.id}")
        [decision] = await self._gate.decide(asked, [event.member])
        return None if decision.reason is None else decision.reason.value

    async def _sent(self, endpoint: AnyRow, owner: Principal, event: LoggedFact) -> Answered:
        try:
            answer = await self._answering.answer(owner, endpoint.query, event.id)
        except PayloadFailed:
            return Answered(None, code="WEBHOOK_PAYLOAD_FAILED")
        body = body_of(event.kind, event, answer, self._database.clock)
        if len(body) > self._settings.payload_bytes:
            return Answered(None, code="WEBHOOK_PAYLOAD_TOO_LARGE")
        message = message_of(event.id, body, endpoint, self._database.clock, self._wire)
        return await self._sender.post(endpoint.url, message.headers, message.body)

    async def _delivered(self, job: RunningJob, delivery: AnyRow, endpoint: AnyRow, result: Answered) -> None:
        now = job.now()
        noted = webhook_endpoint.c.delivered_at
        async with self._database.write() as connection:
            await self._end(
                connection,
                delivery,
                state=DeliveryState.DELIVERED,
                attempts=delivery.attempts + 1,
                status=result.status,
                code=None,
                attempted_at=now,
                delivered_at=now,
            )
            await connection.execute(
                update(webhook_endpoint)
                .where(
                    webhook_endpoint.c.id == endpoint.id,
                    or_(webhook_endpoint.c.failing_since.is_not(None), noted.is_(None), noted < now - NOTED),
                )
                .values(failing_since=None, delivered_at=now)
            )
            await job.complete(connection)

    async def _failed(self, job: RunningJob, delivery: AnyRow, endpoint: AnyRow, result: Answered) -> None:
        now, attempts = job.now(), delivery.attempts + 1
        told: dict[str, Any] = {
            "attempts": attempts, "status": result.status, "code": result.code, "attempted_at": now,
        }  # fmt: skip
        over = attempts >= self._settings.attempts or result.code == "WEBHOOK_PAYLOAD_TOO_LARGE"
        again = now + wait_after(attempts, self._random, result.retry_after)
        async with self._database.write() as connection:
            if result.code not in _OURS:
                await self._note_failure(connection, endpoint, now, result)
            if over:
                await self._end(connection, delivery, state=DeliveryState.PARKED, **told)
                await job.complete(connection)
            else:
                changed = update(webhook_delivery).where(webhook_delivery.c.seq == delivery.seq)
                await connection.execute(changed.values(next_at=again, **told))
                if delivery.attempts == 0:
                    await self._top_up(connection, delivery.endpoint)
        if not over:
            raise PostponeJob(again)

    async def _note_failure(
        self, connection: AsyncConnection, endpoint: AnyRow, now: datetime, result: Answered
    ) -> None:
        since = endpoint.failing_since
        if result.code == "WEBHOOK_ENDPOINT_GONE":
            await self._disable(connection, endpoint.id, code="WEBHOOK_ENDPOINT_GONE")
        elif since is None:
            first = webhook_endpoint.c.id == endpoint.id, webhook_endpoint.c.failing_since.is_(None)
            await connection.execute(update(webhook_endpoint).where(*first).values(failing_since=now))
        elif now - since >= timedelta(hours=self._settings.disable_hours):
            await self._disable(connection, endpoint.id, code="WEBHOOK_ENDPOINT_FAILING")

    async def _disable(self, connection: AsyncConnection, endpoint: str, code: str) -> None:
        enabled = webhook_endpoint.c.id == endpoint, webhook_endpoint.c.state == EndpointState.ENABLED
        await connection.execute(
            update(webhook_endpoint)
            .where(*enabled)
            .values(state=EndpointState.DISABLED, code=code, updated_at=self._database.clock.now())
        )

    async def _withhold(self, job: RunningJob, delivery: AnyRow, code: str) -> None:
        async with self._database.write() as connection:
            await self._end(connection, delivery, state=DeliveryState.WITHHELD, code=code)
            await job.complete(connection)

    async def _end(self, connection: AsyncConnection, delivery: AnyRow, **values: Any) -> None:
        ended = update(webhook_delivery).where(webhook_delivery.c.seq == delivery.seq)
        await connection.execute(ended.values(next_at=None, job=None, **values))
        await self._top_up(connection, delivery.endpoint)

    async def _top_up(self, connection: AsyncConnection, endpoint: str) -> None:
        """There may be room for another event now."""
        waits = select(webhook_endpoint.c.behind).where(webhook_endpoint.c.id == endpoint)
        if await connection.scalar(waits):
            await self._fan_out.put(connection, endpoint)


#: Failures that say nothing of the receiver.
_OURS: Final = frozenset({"WEBHOOK_PAYLOAD_FAILED", "WEBHOOK_PAYLOAD_TOO_LARGE"})
