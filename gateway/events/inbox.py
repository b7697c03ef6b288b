"""The webhooks' door: verified, stored, answered. What is stored waits for ``gateway.events.handling``."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.base.runtime import Clock
from adapters.base.spec import ReceivesWebhooks
from adapters.base.webhooks import InboundEvent, WebhookRefused, WebhookReply, WebhookRequest
from gateway.database.engine import Database
from gateway.database.statements import insert_returning
from gateway.database.tables.inbox import inbox
from gateway.database.ulid import Ulids
from gateway.events.handling import JOB, PRIORITY, URGENT_JOB, Handling
from gateway.events.refusals import Refusals
from gateway.events.rounds import Rounds
from gateway.events.stored import packed
from gateway.jobs import URGENT, Queue
from gateway.runtime import OpenTools

log = logging.getLogger(__name__)

#: Events of one commit.
_TOGETHER: Final = 100


class UnknownHook(Exception):
    """No account of that name receives webhooks here."""

    code = "HOOK_UNKNOWN"


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An event that was verified, with where it goes."""

    tool: str
    account: str
    alias: str
    event: InboundEvent
    at: datetime
    urgent: bool

    @property
    def entity(self) -> str:
        return f"{self.tool}:{self.account}:{self.event.entity}"


class Inbox:
    """Receives the platforms' webhooks; ``handling`` is what is done with them."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        tools: OpenTools,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._queue = queue
        self._tools = tools
        self._clock = clock
        self._ulids = Ulids(clock)
        self._arriving: Rounds[_Arrival, None] = Rounds(self._store, at_most=_TOGETHER)
        self.handling = Handling(database, tools, clock)
        #: Refused requests by (tool, reason), for the health page.
        self.refused: Counter[tuple[str, str]] = Counter()
        self._refusals = Refusals(database, clock, sleep)

    async def receive(self, tool: str, alias: str, request: WebhookRequest) -> WebhookReply:
        """Verify, store and answer. Raises UnknownHook, or WebhookRefused; nothing is stored then."""
        adapter = self._tools.by_alias(tool, alias)
        if not isinstance(adapter, ReceivesWebhooks):
            raise UnknownHook(f"no account {alias!r} of {tool!r} receives webhooks here")
        try:
            _check_type(request)
            received = await adapter.receive(request)
        except WebhookRefused as refusal:
            self.refused[(tool, refusal.reason)] += 1
            self._refusals.note(tool, adapter.account, refusal.reason)
            log.warning("webhook of %s/%s refused: %s", tool, alias, refusal.reason)
            raise
        now = self._clock.now()
        for event in received.events:
            urgent = event.good_for is not None and self.handling.hurries(adapter.interpret(event))
            await self._arriving.add(_Arrival(tool, adapter.account, alias, event, now, urgent))
        return received.reply

    async def close(self) -> None:
        """Wait for what is being stored and handled."""
        await self._arriving.close()
        await self.handling.close()
        await self._refusals.close()

    async def _store(self, arrivals: Sequence[_Arrival]) -> Sequence[None]:
        """Keep each event once, whatever number of times it is delivered, with a job to handle it.

        Requests that come together share the commit, which all of them wait for.
        """
        named = {self._ulids.next(each.at): each for each in arrivals}
        async with self._database.write() as connection:
            new = set(
                await insert_returning(connection, inbox, _columns(named), conflict=_KNOWN_ALREADY, returning="id")
            )
            fresh = [(event_id, each) for event_id, each in named.items() if event_id in new]
            await self._queue.put_many(
                connection,
                JOB,
                1,
                [({"id": i, "tool": e.tool, "account": e.account, "alias": e.alias}, e.entity) for i, e in fresh],
                priority=PRIORITY,
            )
            for event_id, each in fresh:
                if each.urgent:
                    # Beside the queue of its entity, and never repeated: late or twice is worse than not at all.
                    payload = {"id": event_id, "alias": each.alias}
                    await self._queue.put(connection, URGENT_JOB, 1, payload, priority=URGENT, max_attempts=1)
        return [None] * len(arrivals)


def _check_type(request: WebhookRequest) -> None:
    """Platforms send text, JSON or XML, or do not say what; browsers and scanners send forms and files."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and given and not _TYPES.fullmatch(given):
        raise WebhookRefused("type", "a webhook is text, JSON or XML", status=415)


_TYPES: Final = re.compile(r"text/[\w.+-]+|application/(?:[\w.-]+\+)?(?:json|xml)|application/octet-stream")

_KNOWN_ALREADY: Final = " ON CONFLICT (tool, account, dedupe_key) DO NOTHING"


def _columns(named: dict[str, _Arrival]) -> dict[str, Sequence[Any]]:
    count, arrivals = len(named), list(named.values())
    return {
        "id": list(named),
        "tool": [each.tool for each in arrivals],
        "account": [each.account for each in arrivals],
        "kind": [each.event.kind for each in arrivals],
        "version": [1] * count,
        "dedupe_key": [each.event.dedupe_key for each in arrivals],
        "entity": [each.entity for each in arrivals],
        "occurred_at": [each.event.occurred_at for each in arrivals],
        "received_at": [each.at for each in arrivals],
        "headers": [None] * count,
        "body": [packed(each.event) for each in arrivals],
        "state": ["NEW"] * count,
        "attempts": [0] * count,
        "error_code": [None] * count,
    }
