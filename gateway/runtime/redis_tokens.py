"""Access tokens that all processes share: sealed in Redis, fetched by one process at a time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import msgspec

from adapters.base.runtime import Clock, Token
from gateway.database.errors import SealError
from gateway.database.keyring import Erased, Keyring
from gateway.runtime.redis import RedisDown, RedisLink
from gateway.runtime.stores import MemoryTokenStore

#: Longer than a fetch with its repetitions takes; a process that dies with the lock holds the others up for so long.
LOCK_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.03

_UNLOCK: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class _Stored(msgspec.Struct, array_like=True):
    key: str
    value: str
    expires_at: datetime


class RedisTokenStore:
    """See ``adapters.base.runtime.TokenStore``.

    Without Redis each process goes on with the token it saw last, and fetches its own when that ends: the platforms
    answer the same token to all of them, or keep both alive.
    """

    def __init__(self, link: RedisLink, keyring: Keyring, clock: Clock) -> None:
        self._link = link
        self._keyring = keyring
        self._clock = clock
        self._own = MemoryTokenStore()

    async def get(self, key: str) -> Token | None:
        """See ``TokenStore``."""
        name = self._name("token", key)
        try:
            sealed = await self._link.ask(lambda redis: redis.get(name))
        except RedisDown:
            return await self._own.get(key)
        token = self._opened(key, sealed) if isinstance(sealed, bytes) else None
        if token is not None:
            await self._own.put(key, token)
        return token

    async def put(self, key: str, token: Token) -> None:
        """See ``TokenStore``."""
        await self._own.put(key, token)
        seconds = (token.expires_at - self._clock.now()).total_seconds()
        if seconds < 1:
            return
        name = self._name("token", key)
        sealed = bytes(self._keyring.seal_bytes(msgspec.msgpack.encode(_Stored(key, token.value, token.expires_at))))
        try:
            await self._link.ask(lambda redis: redis.set(name, sealed, px=int(seconds * 1000)))
        except RedisDown:
            return

    @asynccontextmanager
    async def lock(self, key: str) -> AsyncIterator[None]:
        """See ``TokenStore``. Held among all processes while Redis answers, else within this one."""
        name, mine = self._name("token-lock", key), secrets.token_hex(8)
        async with self._own.lock(key):
            held = await self._locked(name, mine)
            try:
                yield
            finally:
                if held:
                    await self._unlock(name, mine)

    async def _locked(self, name: str, mine: str) -> bool:
        until = time.monotonic() + LOCK_SECONDS
        while time.monotonic() < until:
            try:
                if await self._link.ask(lambda redis: redis.set(name, mine, nx=True, px=int(LOCK_SECONDS * 1000))):
                    return True
            except RedisDown:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return False

    async def _unlock(self, name: str, mine: str) -> None:
        try:
            await self._link.ask(lambda redis: redis.eval(_UNLOCK, 1, name, mine))
        except RedisDown:
            return

    def _name(self, kind: str, key: str) -> str:
        return self._link.key(kind, self._keyring.hash(key, kind).hex())

    def _opened(self, key: str, sealed: bytes) -> Token | None:
        try:
            data = self._keyring.unseal(sealed)
            if isinstance(data, Erased):
                return None
            stored = msgspec.msgpack.decode(data, type=_Stored)
        except (SealError, msgspec.MsgspecError):
            return None
        # Whoever can write to Redis must not be able to give one account another one's token.
        return Token(stored.value, stored.expires_at) if stored.key == key else None
