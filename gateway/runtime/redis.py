"""The way to Redis, which may be away at any time: nothing that is only there may be needed to answer."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.database.keyring import Keyring

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds for one answer of Redis; a read that waits longer goes on without it.
ANSWER_SECONDS: Final = 0.5
#: Seconds for which Redis is left alone after it failed.
PAUSE_SECONDS: Final = 1.0

RedisState = Literal["OFF", "OK", "DOWN"]


class RedisDown(Exception):
    """Redis did not answer, or is being left alone because it just did not."""


class RedisLink:
    """One process's connections to Redis.

    After a failure Redis is left alone for a second, so that its absence costs a request nothing; the first failure
    and the return are logged once each.
    """

    def __init__(self, client: Redis, url: str, namespace: str) -> None:
        self._client = client
        self._url = url
        self._namespace = namespace
        self._away_until = 0.0
        self._down = False

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, keyring: Keyring) -> AsyncIterator[RedisLink]:
        """Connections are made on first use: Redis may be away when the gateway starts.

        The namespace follows from the database's own hash key, so that gateways of two databases may share a Redis.
        """
        client = Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            # A connection that died while nobody looked is made anew once.
            retry=Retry(NoBackoff(), 1),
        )
        try:
            yield cls(client, url, keyring.hash("redis", "namespace")[:9].hex())
        finally:
            await client.aclose()

    @property
    def state(self) -> RedisState:
        """For the health page."""
        return "DOWN" if self._down else "OK"

    def key(self, kind: str, name: str) -> str:
        """A key of ours. All of them lie in one slot of a cluster, since scripts touch several."""
        return f"{{{self._namespace}}}:{kind}:{name}"

    async def ask(self, do: Callable[[Redis], Awaitable[T]]) -> T:
        """What ``do`` gives. Raises RedisDown."""
        if self._away_until > time.monotonic():
            raise RedisDown
        try:
            answer = await do(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            if not self._down:
                self._down = True
                log.warning(
                    "Redis does not answer (%s): reads go on without its cache, tokens and wake-ups", _name(error)
                )
            raise RedisDown from error
        if self._down:
            self._down = False
            log.warning("Redis answers again")
        return answer

    @asynccontextmanager
    async def heard(self, channel: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """What is published on a channel from now on. Raises RedisDown, also while it is listened to.

        By a connection of its own: whoever listens may wait for hours, so its reads have no time limit.
        """
        client = Redis.from_url(self._url, socket_connect_timeout=5)
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(channel)
                yield (message["data"] async for message in subscription.listen())
        except (RedisError, OSError) as error:
            raise RedisDown from error
        finally:
            await client.aclose()


def _name(error: BaseException) -> str:
    """Never its text, which may show the URL with its password."""
    return type(error).__name__
