"""A client that listens: what happens to one member, told by subscriptions while the story goes on."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.demo import documents
from gateway.demo.stage import DemoError, Stage

PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One event as it arrived."""

    event_id: str
    at: str
    tool: str | None
    summary: str
    #: From the commit of the fact to the arrival of its event.
    delay_ms: float


@dataclass(slots=True)
class Listener:
    """What was heard so far."""

    heard: list[Heard] = field(default_factory=list)
    _commits: list[tuple[datetime, float]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def committed(self, now: datetime) -> None:
        """The gateway committed facts; its clock and ours are noted, since the story moves the former."""
        self._commits.append((now, time.monotonic()))

    def take(self, data: dict[str, Any]) -> None:
        """An event arrived."""
        arrived = time.monotonic()
        [event] = data.values()
        entry = event.get("entry")
        if entry is None:
            state = f"{event['step'] or '交易'} {event['state']}"
            entry = {"at": event["at"], "recordedAt": event["at"], "tool": None, "summary": state}
        recorded = datetime.fromisoformat(entry["recordedAt"])
        place = bisect_left(self._commits, recorded, key=lambda each: each[0])
        since = self._commits[min(place, len(self._commits) - 1)][1]
        delay = round((arrived - since) * 1000, 1)
        self.heard.append(Heard(event["eventId"], entry["at"], entry["tool"], entry["summary"], delay))
        self._news.set()

    async def until(self, summary: str) -> None:
        """Wait until this was heard. Raises DemoError when it does not come."""
        try:
            async with asyncio.timeout(PATIENCE):
                while all(each.summary != summary for each in self.heard):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise DemoError(f"no subscription told {summary!r} within {PATIENCE:.0f} seconds") from None


@asynccontextmanager
async def listening(stage: Stage, member: str) -> AsyncIterator[Listener]:
    """Follow a member's activity and transactions with headquarters' key, over a WebSocket like any client."""
    listener = Listener()
    clock, bell = stage.gateway.clock, stage.gateway.services.database.facts_appended

    def ring() -> None:
        listener.committed(clock.now())

    url = stage.url.replace("http://", "ws://") + "/graphql"
    bell.listeners.insert(0, ring)
    try:
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
            await _say(socket, type="connection_init", payload={"X-API-Key": stage.keys.hq})
            await socket.recv()
            for name, document in (("activity", documents.ACTIVITY), ("transactions", documents.TRANSACTIONS)):
                payload = {"query": document, "variables": {"member": member}}
                await _say(socket, id=name, type="subscribe", payload=payload)
            task = asyncio.create_task(_hear(socket, listener))
            while len(stage.gateway.services.feed) < 2:  # noqa: ASYNC110 — a client cannot be told by an event
                await asyncio.sleep(0.01)
            try:
                yield listener
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    finally:
        bell.listeners.remove(ring)


async def _say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(orjson.dumps(message).decode())


async def _hear(socket: ClientConnection, listener: Listener) -> None:
    async for text in socket:
        message = orjson.loads(text)
        if message["type"] == "next":
            listener.take(message["payload"]["data"])
