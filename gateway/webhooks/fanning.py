"""From the log to deliveries: each endpoint's cursor goes on as far as there is room for it.

The log is the queue: what an endpoint cannot take yet stays there, so an endpoint that is down for a week costs as many
rows as its window has, and no more. Reading goes up to the commit horizon, and the cursor moves in the transaction that
puts the deliveries: an event is queued exactly once, whoever is killed when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.webhooks import PENDING, webhook_delivery, webhook_endpoint, webhook_replay
from gateway.database.ulid import Ulids
from gateway.events.horizon import LoggedFact, Position
from gateway.jobs import ORDINARY, PostponeJob, Queue, RunningJob
from gateway.settings import Webhooks
from gateway.webhooks.log import EventLog
from gateway.webhooks.records import DeliveryState, Endpoint, EndpointState, entity_of

JOB: Final = "webhooks.fan_out"
DELIVER_JOB: Final = "webhooks.deliver"
#: Deliveries wait for somebody's server: they have a lane of their own, below everything else.
DELIVER_PRIORITY: Final = ORDINARY - 1
#: Until facts that a running transaction holds back are looked for again.
HELD: Final = timedelta(milliseconds=200)
PAGE: Final = 100

_earlier = webhook_delivery.alias("earlier")


async def put_delivery(queue: Queue, connection: AsyncConnection, delivery: str, entity: bytes) -> str:
    """The job of a delivery, after all others of its entity; returns its id."""
    payload, place = {"delivery": delivery}, f"webhook:{entity.hex()}"
    return await queue.put(connection, DELIVER_JOB, 1, payload, entity=place, priority=DELIVER_PRIORITY)


class _Moved(Exception):
    """The cursor is not where it was: another pass was faster, or the endpoint was changed."""


@dataclass(slots=True)
class _Reading:
    """Somebody's way through the log: the endpoint's own, or a replay's, which ends at ``until``.

    ``waiting`` says that it did not get to the end, for want of room.
    """

    endpoint: Endpoint
    position: Position
    until: Position | None = None
    replay: str | None = None
    waiting: bool = False


class FanOut:
    """Puts deliveries."""

    def __init__(self, database: Database, queue: Queue, log: EventLog, settings: Webhooks) -> None:
        self._database = database
        self._queue = queue
        self._log = log
        self._settings = settings
        self._ulids = Ulids(database.clock)

    async def put(self, connection: AsyncConnection, endpoint: str = "") -> None:
        """Have one endpoint's cursor go on, or everybody's."""
        payload = {"endpoint": endpoint}
        await self._queue.put(connection, JOB, 1, payload, key=endpoint or "all", entity=JOB, priority=1)

    async def handle(self, job: RunningJob) -> None:
        """Job ``webhooks.fan_out``."""
        await job.release_key()
        if await self.advance(job.payload["endpoint"]):
            raise PostponeJob(job.now() + HELD)

    async def advance(self, only: str = "", *, note: bool = False) -> bool:
        """Go on as far as there is room; True when a running transaction holds facts back.

        ``note`` stores places that were reached without finding anything.
        """
        statement = select(webhook_endpoint).where(webhook_endpoint.c.state == EndpointState.ENABLED)
        if only:
            statement = statement.where(webhook_endpoint.c.id == only)
        held = False
        for row in await self._database.fetch(statement.order_by(webhook_endpoint.c.id)):
            endpoint = Endpoint.of(row)
            readings = [_Reading(endpoint, endpoint.position)]
            for each in await self._replays(endpoint.id):
                until = Position(each.until_tx, each.until_seq)
                readings.append(_Reading(endpoint, Position(each.tx, each.seq), until, each.id))
            try:
                for reading in readings:
                    held |= await self._follow(reading, note)
            except _Moved:
                held = True
            else:
                if any(each.endpoint.behind for each in readings) and not any(each.waiting for each in readings):
                    await self._set_behind(endpoint.id, behind=False)
        return held

    async def _follow(self, reading: _Reading, note: bool) -> bool:
        told = reading.endpoint.behind
        while True:
            # Before the page: whatever stands up to there is seen by it.
            head = await self._log.horizon.head()
            room = await self._room(reading.endpoint.id)
            if room <= 0:
                reading.waiting = reading.position < (reading.until or head)
                if told or not reading.waiting:
                    return False
                # Who ends a delivery from here on sees that somebody waits; who ended one just now made room.
                await self._set_behind(reading.endpoint.id, behind=True)
                reading.endpoint = replace(reading.endpoint, behind=True)
                told = True
                continue
            limit = min(room, PAGE)
            page = await self._log.horizon.read(reading.position, kinds=reading.endpoint.kinds, limit=limit)
            events = [each for each in page if reading.until is None or each.position <= reading.until]
            more = len(events) == limit
            reached = events[-1].position if more else max(head, page[-1].position if page else reading.position)
            ends = reading.until is not None and not more
            if events or note or ends:
                await self._commit(reading, reached, events, ends=ends)
            reading.position = max(reading.position, reached)
            reading.waiting = False
            if not more:
                return page.held and reading.until is None

    async def _commit(self, reading: _Reading, reached: Position, events: Sequence[LoggedFact], *, ends: bool) -> None:
        """Deliveries, their jobs and the cursor in one transaction. Raises _Moved when somebody else was faster."""
        gone = await self._log.of_erased(events)
        wanted = [each for each in events if each.id not in gone]
        values: dict[str, Any] = {"tx": reached.tx, "seq": reached.seq}
        if reading.replay is None:
            moving = update(webhook_endpoint).where(
                webhook_endpoint.c.id == reading.endpoint.id,
                webhook_endpoint.c.state == EndpointState.ENABLED,
                webhook_endpoint.c.tx == reading.position.tx,
                webhook_endpoint.c.seq == reading.position.seq,
            )
        else:
            moving = update(webhook_replay).where(
                webhook_replay.c.id == reading.replay,
                webhook_replay.c.tx == reading.position.tx,
                webhook_replay.c.seq == reading.position.seq,
            )
            values["events"] = webhook_replay.c.events + len(wanted)
            values |= {"finished_at": self._database.clock.now()} if ends else {}
        async with self._database.write() as connection:
            if (await connection.execute(moving.values(**values))).rowcount != 1:
                raise _Moved
            for each in wanted:
                await self._put(connection, reading, each)

    async def _put(self, connection: AsyncConnection, reading: _Reading, event: LoggedFact) -> None:
        now, delivery = self._database.clock.now(), self._ulids.next()
        entity = self._database.keyring.hash(f"{reading.endpoint.id}:{entity_of(event)}", "webhook.entity")
        job = await put_delivery(self._queue, connection, delivery, entity)
        await connection.execute(
            webhook_delivery.insert().values(
                id=delivery,
                endpoint=reading.endpoint.id,
                replay=reading.replay,
                event=event.id,
                event_tx=event.position.tx,
                event_seq=event.position.seq,
                kind=event.kind,
                occurred_at=event.occurred_at,
                entity=entity,
                member=event.member,
                state=DeliveryState.PENDING,
                attempts=0,
                next_at=now,
                job=job,
                created_at=now,
            )
        )

    async def _room(self, endpoint: str) -> int:
        """How many events may be queued: few that could be sent at once, and no more than the window in all."""
        ahead = (
            select(_earlier.c.seq)
            .where(
                _earlier.c.endpoint == webhook_delivery.c.endpoint,
                _earlier.c.entity == webhook_delivery.c.entity,
                _earlier.c.seq < webhook_delivery.c.seq,
                _earlier.c.state == DeliveryState.PENDING,
            )
            .exists()
        )
        fresh = func.sum(case((and_(webhook_delivery.c.attempts == 0, ~ahead), 1), else_=0))
        row = await self._database.one(
            select(func.count().label("pending"), fresh.label("fresh"))
            .select_from(webhook_delivery)
            .where(webhook_delivery.c.endpoint == endpoint, PENDING)
        )
        assert row is not None  # noqa: S101 - an aggregate has a row
        return min(self._settings.in_flight - int(row.fresh or 0), self._settings.window - int(row.pending))

    async def _replays(self, endpoint: str) -> Sequence[AnyRow]:
        open_ = webhook_replay.c.endpoint == endpoint, webhook_replay.c.finished_at.is_(None)
        return await self._database.fetch(select(webhook_replay).where(*open_).order_by(webhook_replay.c.id))

    async def _set_behind(self, endpoint: str, *, behind: bool) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                update(webhook_endpoint).where(webhook_endpoint.c.id == endpoint).values(behind=behind)
            )
