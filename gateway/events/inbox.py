"""Webhooks: verified, stored, answered, then handled by a job; in order per platform entity."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import select, update

from adapters.base.runtime import Clock
from adapters.base.spec import ReceivesWebhooks
from adapters.base.webhooks import InboundEvent, Received, WebhookRefused, WebhookReply, WebhookRequest
from gateway.database.engine import Database
from gateway.database.statements import insert_new
from gateway.database.tables.inbox import inbox
from gateway.database.ulid import Ulids
from gateway.jobs import Queue, RunningJob
from gateway.jobs.worker import error_code
from gateway.runtime import OpenTools

log = logging.getLogger(__name__)

JOB = "inbox.handle"

#: Handles one interpreted record of a tool; raises to be tried again.
RecordHandler = Callable[[str, Any], Awaitable[None]]


class UnknownHook(Exception):
    """No account of that name receives webhooks here."""

    code = "HOOK_UNKNOWN"


class Inbox:
    """Receives and handles the platforms' webhooks.

    ``handlers`` maps a tool's record type to what is done with it; a record without a handler is known
    and unused.
    """

    def __init__(self, database: Database, queue: Queue, tools: OpenTools, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._tools = tools
        self._clock = clock
        self._ulids = Ulids(clock)
        self.handlers: dict[type, RecordHandler] = {}
        #: Refused requests by (tool, reason), for the health page.
        self.refused: Counter[tuple[str, str]] = Counter()

    async def receive(self, tool: str, alias: str, request: WebhookRequest) -> WebhookReply:
        """Verify, store and answer. Raises UnknownHook, or WebhookRefused; nothing is stored then."""
        adapter = self._tools.by_alias(tool, alias)
        if not isinstance(adapter, ReceivesWebhooks):
            raise UnknownHook(f"no account {alias!r} of {tool!r} receives webhooks here")
        try:
            received = await adapter.receive(request)
        except WebhookRefused as refusal:
            self.refused[(tool, refusal.reason)] += 1
            log.warning("webhook of %s/%s refused: %s", tool, alias, refusal.reason)
            raise
        if received.events:
            await self._store(tool, alias, adapter.account, received)
        return received.reply

    async def _store(self, tool: str, alias: str, account: str, received: Received) -> None:
        """Keep each event once, whatever number of times it is delivered, with a job to handle it."""
        now = self._clock.now()
        async with self._database.write() as connection:
            for event in received.events:
                row = {
                    "id": self._ulids.next(now),
                    "tool": tool,
                    "account": account,
                    "kind": event.kind,
                    "version": 1,
                    "dedupe_key": event.dedupe_key,
                    "entity": f"{tool}:{account}:{event.entity}",
                    "occurred_at": event.occurred_at,
                    "received_at": now,
                    "headers": None,
                    "body": orjson.dumps(_pack(event), default=str).decode(),
                    "state": "NEW",
                    "attempts": 0,
                    "error_code": None,
                }
                if await insert_new(connection, inbox, [row], keys=("tool", "account", "dedupe_key")):
                    await self._queue.put(
                        connection,
                        JOB,
                        1,
                        {"id": row["id"], "alias": alias},
                        entity=f"{tool}:{account}:{event.entity}",
                        priority=5,
                    )

    async def handle(self, job: RunningJob) -> None:
        """Job ``inbox.handle``: interpret one stored event and apply its records."""
        row = await self._database.one(select(inbox).where(inbox.c.id == job.payload["id"]))
        if row is None or row.state == "DONE":
            return
        try:
            await self._apply(row.tool, row.account, job.payload["alias"], _unpack(orjson.loads(row.body)))
        except Exception as error:
            if job.last_attempt:
                await self._park(row.id, error)
            raise
        async with self._database.write() as connection:
            await connection.execute(
                update(inbox).where(inbox.c.id == row.id).values(state="DONE", attempts=row.attempts + 1)
            )
            await job.complete(connection)

    async def _apply(self, tool: str, account: str, alias: str, event: InboundEvent) -> None:
        adapter = self._tools.by_alias(tool, alias)
        if not isinstance(adapter, ReceivesWebhooks):
            raise UnknownHook(f"the account of a stored {tool} event is not configured any more")
        for record in adapter.interpret(event):
            handler = self.handlers.get(type(record))
            if handler is not None:
                await handler(account, record)

    async def _park(self, event_id: str, error: Exception) -> None:
        """Show the event as one that nobody could handle; it stays stored."""
        code = error_code(error)
        async with self._database.write() as connection:
            await connection.execute(
                update(inbox).where(inbox.c.id == event_id).values(state="PARKED", error_code=code)
            )


def _pack(event: InboundEvent) -> dict[str, object]:
    return {
        "kind": event.kind,
        "dedupe_key": event.dedupe_key,
        "entity": event.entity,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        "payload": event.payload,
        "claim": event.claim,
    }


def _unpack(value: Mapping[str, Any]) -> InboundEvent:
    return InboundEvent(
        kind=value["kind"],
        dedupe_key=value["dedupe_key"],
        entity=value["entity"],
        occurred_at=datetime.fromisoformat(value["occurred_at"]),
        payload=value["payload"],
        claim=value["claim"],
    )
