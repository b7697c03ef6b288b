"""Wakes the feeds of other processes through Redis. A lost message loses nothing: the feeds look by themselves too."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from gateway.database.commit import Bell
from gateway.runtime.redis import RedisDown, RedisLink

log = logging.getLogger(__name__)

#: Seconds until a Redis that failed is listened to again.
PAUSE: Final = 1.0


class Wake:
    """Publishes this process's commits and hears of those of others, one message for however many at a time."""

    def __init__(self, link: RedisLink, heard: Callable[[], None]) -> None:
        self._link = link
        self._channel = link.key("channel", "facts")
        self._heard = heard
        self._rung = asyncio.Event()
        self._me = os.urandom(8)

    @classmethod
    @asynccontextmanager
    async def open(cls, link: RedisLink, bell: Bell, heard: Callable[[], None]) -> AsyncIterator[Wake]:
        """Runs until the context ends."""
        wake = cls(link, heard)
        bell.listeners.append(wake._rung.set)
        tasks = [asyncio.create_task(work()) for work in (wake._listen, wake._publish)]
        try:
            yield wake
        finally:
            bell.listeners.remove(wake._rung.set)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        down = False
        while True:
            try:
                async with self._link.heard(self._channel) as messages:
                    # What was published before we listened.
                    self._heard()
                    async for message in messages:
                        if message != self._me:
                            self._heard()
            except RedisDown:
                if not down:
                    log.warning("Redis does not wake us; the log is looked at instead")
                down = True
            await asyncio.sleep(PAUSE)

    async def _publish(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            with suppress(RedisDown):
                await self._link.ask(lambda redis: redis.publish(self._channel, self._me))
