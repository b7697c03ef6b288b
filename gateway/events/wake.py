"""Wakes the feeds of other processes through Redis. A lost message loses nothing: the feeds look by themselves too."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.database.commit import Bell
from gateway.database.keyring import Keyring

log = logging.getLogger(__name__)

#: Seconds until a Redis that failed is tried again.
PAUSE: Final = 1.0


class Wake:
    """Publishes this process's commits and hears of those of others, one message for however many at a time."""

    def __init__(self, url: str, channel: str, heard: Callable[[], None]) -> None:
        self._url = url
        self._channel = channel
        self._heard = heard
        self._rung = asyncio.Event()
        self._me = os.urandom(8)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, keyring: Keyring, bell: Bell, heard: Callable[[], None]) -> AsyncIterator[Wake]:
        """Runs until the context ends. The channel is named by the database's hash key: brands may share a Redis."""
        wake = cls(url, f"{keyring.hash('redis', 'namespace')[:9].hex()}:facts", heard)
        bell.listeners.append(wake._rung.set)
        tasks = [asyncio.create_task(wake._forever(each)) for each in (wake._listen, wake._publish)]
        try:
            yield wake
        finally:
            bell.listeners.remove(wake._rung.set)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _forever(self, work: Callable[[Redis], object]) -> None:
        down = False
        while True:
            # One connection for good: whoever listens may wait for hours, so reads have no time limit.
            client = Redis.from_url(self._url, socket_connect_timeout=5)
            try:
                await work(client)  # type: ignore[misc]
            except (RedisError, OSError) as error:
                if not down:
                    log.warning("Redis does not wake us (%s); the log is looked at instead", type(error).__name__)
                down = True
            finally:
                await client.aclose()
            await asyncio.sleep(PAUSE)

    async def _listen(self, client: Redis) -> None:
        async with client.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(self._channel)
            # What was published before we listened.
            self._heard()
            async for message in channel.listen():
                if message["data"] != self._me:
                    self._heard()

    async def _publish(self, client: Redis) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            await client.publish(self._channel, self._me)
