"""What owners do with their endpoints: make, change, test, replay, retry, delete.

Only an endpoint's owner, the API key that made it, sees and changes it; who has the scope ``operations`` sees all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.webhooks import PENDING, webhook_delivery, webhook_endpoint, webhook_replay
from gateway.database.ulid import Ulids
from gateway.events.horizon import START, LoggedFact
from gateway.jobs import Queue
from gateway.members.consent import Purpose
from gateway.settings import Webhooks
from gateway.webhooks.addresses import AddressRefused
from gateway.webhooks.fanning import FanOut, put_delivery
from gateway.webhooks.log import EventLog
from gateway.webhooks.payloads import Answer, Answering, Message, PayloadFailed, body_of, message_of
from gateway.webhooks.records import (
    EVENT_KINDS,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Replay,
    WebhookRefused,
)
from gateway.webhooks.sending import Answered, Sender
from gateway.webhooks.signing import new_secret

SCOPE: Final = "webhooks"
#: Sees the endpoints of all keys.
ALL_SCOPE: Final = "operations"
DESCRIPTION_LENGTH: Final = 200
OVERLAP_HOURS: Final = 24
OVERLAP_HOURS_MOST: Final = 168
#: An id that no event has.
_NO_EVENT: Final = "0" * 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an endpoint shall be; None leaves as it is."""

    url: str | None = field(default=None, repr=False)
    kinds: Sequence[str] | None = None
    query: str | None = None
    purpose: Purpose | None = None
    description: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A request as it would be sent, or was. ``event`` is None for a sample; ``answered`` where it was sent."""

    url: str = field(repr=False)
    message: Message
    event: str | None
    answered: Answered | None


class Endpoints:
    """The endpoints of one gateway."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        log: EventLog,
        fan_out: FanOut,
        sender: Sender,
        answering: Answering,
        settings: Webhooks,
        wire: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._log = log
        self._fan_out = fan_out
        self._sender = sender
        self._answering = answering
        self._settings = settings
        self._wire = wire
        self._ulids = Ulids(database.clock)

    async def create(self, caller: Principal, wish: Wish) -> tuple[Endpoint, str]:
        """A new endpoint and its secret, which is shown this once. It is told what happens from now on.

        Raises WebhookRefused, and Forbidden without the scope ``webhooks``.
        """
        caller.require(SCOPE)
        await self._check(caller, wish, wish.query or "", wish.kinds or ())
        secret, now = new_secret(), self._database.clock.now()
        start = await self._log.horizon.head()
        values = {
            "id": self._ulids.next(),
            "owner": caller.id,
            "url": wish.url,
            "description": wish.description or "",
            "kinds": list(dict.fromkeys(wish.kinds or ())),
            "query": wish.query,
            "purpose": (wish.purpose or Purpose.SERVICE).value,
            "state": EndpointState.ENABLED if wish.enabled is not False else EndpointState.PAUSED,
            "secret": secret,
            "tx": start.tx,
            "seq": start.seq,
            "behind": False,
            "created_at": now,
            "updated_at": now,
        }
        async with self._database.write() as connection:
            mine = select(func.count()).where(webhook_endpoint.c.owner == caller.id)
            if int(await connection.scalar(mine) or 0) >= self._settings.endpoints:
                raise WebhookRefused(
                    "WEBHOOK_ENDPOINTS_EXHAUSTED",
                    f"This API key has {self._settings.endpoints} endpoints, which is the limit; delete one.",
                )
            await connection.execute(webhook_endpoint.insert().values(**values))
        return await self._mine(caller, str(values["id"])), secret

    async def change(self, caller: Principal, endpoint_id: str, wish: Wish) -> Endpoint:
        """Change what is given; enabling also ends a disablement. What waits is tried at once.

        Raises WebhookRefused.
        """
        before = await self._mine(caller, endpoint_id)
        query = before.query if wish.query is None else wish.query
        await self._check(caller, wish, query, before.kinds if wish.kinds is None else wish.kinds)
        given: dict[str, Any] = {
            "url": wish.url,
            "kinds": None if wish.kinds is None else list(dict.fromkeys(wish.kinds)),
            "query": wish.query,
            "purpose": None if wish.purpose is None else wish.purpose.value,
            "description": wish.description,
        }
        values = {name: value for name, value in given.items() if value is not None}
        if wish.enabled is True:
            values |= {"state": EndpointState.ENABLED, "code": None, "failing_since": None}
        elif wish.enabled is False:
            values |= {"state": EndpointState.PAUSED, "code": None}
        async with self._database.write() as connection:
            changed = update(webhook_endpoint).where(webhook_endpoint.c.id == endpoint_id)
            await connection.execute(changed.values(updated_at=self._database.clock.now(), **values))
            await self._hasten(connection, endpoint_id)
            await self._fan_out.put(connection, endpoint_id)
        return await self._mine(caller, endpoint_id)

    async def rotate(self, caller: Principal, endpoint_id: str, overlap_hours: int) -> tuple[Endpoint, str]:
        """A new secret, shown this once; the former one signs as well for some hours. Raises WebhookRefused."""
        await self._mine(caller, endpoint_id)
        if not 0 <= overlap_hours <= OVERLAP_HOURS_MOST:
            raise WebhookRefused(
                "WEBHOOK_OVERLAP_INVALID", f"overlapHours is {overlap_hours}: give 0 to {OVERLAP_HOURS_MOST}."
            )
        secret, now = new_secret(), self._database.clock.now()
        async with self._database.write() as connection:
            one = webhook_endpoint.c.id == endpoint_id
            former = await connection.scalar(select(webhook_endpoint.c.secret).where(one).with_for_update())
            until = now + timedelta(hours=overlap_hours)
            values = {"former_secret": former, "former_until": until} if overlap_hours else _NO_FORMER
            await connection.execute(
                update(webhook_endpoint).where(one).values(secret=secret, updated_at=now, **values)
            )
        return await self._mine(caller, endpoint_id), secret

    async def delete(self, caller: Principal, endpoint_id: str) -> None:
        """Delete it with its deliveries; their jobs find nothing to do. Raises WebhookRefused."""
        await self._mine(caller, endpoint_id)
        async with self._database.write() as connection:
            await self._hasten(connection, endpoint_id)
            for table in (webhook_delivery, webhook_replay):
                await connection.execute(delete(table).where(table.c.endpoint == endpoint_id))
            await connection.execute(delete(webhook_endpoint).where(webhook_endpoint.c.id == endpoint_id))

    async def test(self, caller: Principal, endpoint_id: str, event_id: str | None, *, send: bool) -> Trial:
        """The request for an event, for the latest of its kinds, or without one for a sample; sent only if asked.

        Raises WebhookRefused.
        """
        endpoint = await self._mine(caller, endpoint_id)
        row = await self._row(endpoint_id)
        if row is None:
            raise WebhookRefused("WEBHOOK_UNKNOWN", "There is no such endpoint of yours.")
        event = await self._event(event_id) if event_id is not None else await self._recent(endpoint.kinds)
        try:
            answer = await self._answering.answer(caller, endpoint.query, event.id if event is not None else _NO_EVENT)
        except PayloadFailed:
            raise WebhookRefused("WEBHOOK_PAYLOAD_FAILED", "The graph could not answer just now; try again.") from None
        kind = endpoint.kinds[0] if event is None else event.kind
        body = body_of(kind, event, answer, self._database.clock)
        # Another id than the event's own: a receiver that has had a test must not take the event for a repetition.
        message = message_of(f"test_{self._ulids.next()}", body, row, self._database.clock, self._wire)
        answered = await self._sender.post(endpoint.url, message.headers, body) if send else None
        return Trial(endpoint.url, message, None if event is None else event.id, answered)

    async def retry(self, caller: Principal, delivery_id: str) -> Delivery:
        """Send a delivery once more: a parked or delivered one from the start, a waiting one now.

        Raises WebhookRefused.
        """
        row = await self._database.one(select(webhook_delivery).where(webhook_delivery.c.id == delivery_id))
        endpoint = None if row is None else await self.get(caller, row.endpoint)
        if row is None or endpoint is None or endpoint.owner != caller.id:
            raise WebhookRefused("WEBHOOK_UNKNOWN", "There is no such delivery of yours.")
        if row.state == DeliveryState.WITHHELD:
            raise WebhookRefused("WEBHOOK_DELIVERY_WITHHELD", "The member does not allow it, or is erased.")
        async with self._database.write() as connection:
            over = webhook_delivery.c.id == delivery_id, webhook_delivery.c.state != DeliveryState.PENDING
            again = await connection.execute(
                update(webhook_delivery)
                .where(*over)
                .values(state=DeliveryState.PENDING, attempts=0, next_at=self._database.clock.now())
            )
            if again.rowcount == 1:
                job = await put_delivery(self._queue, connection, delivery_id, row.entity)
                await connection.execute(update(webhook_delivery).where(over[0]).values(job=job))
            else:
                await self._queue.hasten(connection, [row.job])
        found = await self.deliveries_by_id(caller, [delivery_id])
        assert found[0] is not None  # noqa: S101 - it was there a moment ago
        return found[0]

    async def replay(self, caller: Principal, endpoint_id: str, after: str | None, until: str | None) -> Replay:
        """Send what happened between two events once more: after the one, up to and with the other.

        Without ``after`` from the beginning; without ``until``, and at most, up to where the endpoint is.
        Raises WebhookRefused.
        """
        endpoint = await self._mine(caller, endpoint_id)
        start = START if after is None else (await self._event(after)).position
        end = endpoint.position if until is None else min((await self._event(until)).position, endpoint.position)
        now, replay_id = self._database.clock.now(), self._ulids.next()
        async with self._database.write() as connection:
            await connection.execute(
                webhook_replay.insert().values(
                    id=replay_id, endpoint=endpoint_id, tx=start.tx, seq=start.seq, until_tx=end.tx, until_seq=end.seq,
                    events=0, created_at=now, finished_at=None if start < end else now,
                )
            )  # fmt: skip
            await self._fan_out.put(connection, endpoint_id)
        return Replay(replay_id, endpoint_id, 0, now, None if start < end else now)

    async def get(self, caller: Principal, endpoint_id: str) -> Endpoint | None:
        """One endpoint that the caller may see, or None."""
        row = await self._row(endpoint_id)
        visible = row is not None and (row.owner == caller.id or ALL_SCOPE in caller.scopes)
        return Endpoint.of(row) if visible and row is not None else None

    async def deliveries_by_id(self, caller: Principal, delivery_ids: Sequence[str]) -> list[Delivery | None]:
        """By id, in order; None for what is gone or another's."""
        table = webhook_delivery.join(webhook_endpoint, webhook_endpoint.c.id == webhook_delivery.c.endpoint)
        statement = select(webhook_delivery).select_from(table).where(webhook_delivery.c.id.in_(delivery_ids))
        if ALL_SCOPE not in caller.scopes:
            statement = statement.where(webhook_endpoint.c.owner == caller.id)
        found = {row.id: Delivery.of(row) for row in await self._database.fetch(statement)}
        return [found.get(each) for each in delivery_ids]

    async def replay_by_id(self, caller: Principal, replay_id: str) -> Replay | None:
        """By id; None for what is gone or another's."""
        row = await self._database.one(select(webhook_replay).where(webhook_replay.c.id == replay_id))
        if row is None or await self.get(caller, row.endpoint) is None:
            return None
        return Replay.of(row)

    async def _hasten(self, connection: AsyncConnection, endpoint_id: str) -> None:
        waiting = select(webhook_delivery.c.job).where(webhook_delivery.c.endpoint == endpoint_id, PENDING)
        await self._queue.hasten(connection, waiting)

    async def _row(self, endpoint_id: str) -> AnyRow | None:
        return await self._database.one(select(webhook_endpoint).where(webhook_endpoint.c.id == endpoint_id))

    async def _mine(self, caller: Principal, endpoint_id: str) -> Endpoint:
        caller.require(SCOPE)
        row = await self._row(endpoint_id)
        if row is None or row.owner != caller.id:
            raise WebhookRefused("WEBHOOK_UNKNOWN", "There is no such endpoint of yours.")
        return Endpoint.of(row)

    async def _event(self, event_id: str) -> LoggedFact:
        found = await self._log.one(event_id) if len(event_id) == 26 and event_id.isalnum() else None
        if found is None or found.kind not in EVENT_KINDS or await self._log.of_erased([found]):
            raise WebhookRefused(
                "WEBHOOK_EVENT_UNKNOWN", "There is no such event; pass a webhook-id or an eventId as you received it."
            )
        return found

    async def _recent(self, kinds: Sequence[str]) -> LoggedFact | None:
        found = [each for kind in kinds if (each := await self._log.latest(kind)) is not None]
        return max(found, key=lambda each: each.position, default=None)

    async def _check(self, caller: Principal, wish: Wish, query: str, kinds: Sequence[str]) -> None:
        if wish.url is not None:
            try:
                self._sender.addresses.target(wish.url)
            except AddressRefused as error:
                raise WebhookRefused("WEBHOOK_URL_INVALID", str(error)) from None
        if len(wish.description or "") > DESCRIPTION_LENGTH:
            raise WebhookRefused(
                "WEBHOOK_DESCRIPTION_TOO_LONG",
                f"description has more than {DESCRIPTION_LENGTH} characters; shorten it.",
            )
        unknown = [each for each in kinds if each not in EVENT_KINDS]
        if unknown or not kinds:
            what = f"{unknown[0][:40]!r} is none" if unknown else "none is given"
            raise WebhookRefused(
                "WEBHOOK_KIND_UNKNOWN", f"kinds: {what}; docs/webhooks-out.md lists the kinds of events."
            )
        if wish.query is not None or wish.kinds is not None:
            await self._check_query(caller, query, kinds)

    async def _check_query(self, caller: Principal, query: str, kinds: Sequence[str]) -> None:
        """Refuse what is no valid document, or asks for what the caller may not see, before anything is sent."""
        fault = self._answering.fault(query)
        if fault is not None:
            raise WebhookRefused("WEBHOOK_QUERY_INVALID", f"query: {fault}")
        # What a field needs shows when there is something to show: so the latest event of each kind is tried.
        tried = [_NO_EVENT, *[each.id for kind in kinds if (each := await self._log.latest(kind)) is not None]]
        for event_id in tried:
            try:
                answer: Answer = await self._answering.answer(caller, query, event_id)
            except PayloadFailed:
                continue
            if answer.forbidden is not None:
                raise WebhookRefused("WEBHOOK_QUERY_FORBIDDEN", f"query: {answer.forbidden}")


_NO_FORMER: Final[dict[str, Any]] = {"former_secret": None, "former_until": None}
