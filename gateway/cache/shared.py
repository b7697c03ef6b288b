"""Entries in Redis, the same for all processes."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from redis.asyncio import Redis

from gateway.cache.store import Generation, StoreDown
from gateway.runtime.redis import RedisDown, RedisLink

T = TypeVar("T")

#: How long a tag's generation is remembered: longer than any entry. One that is lost earlier, or evicted, is made
#: anew and differs from all before it, so it can only make entries count no more.
GENERATION_SECONDS: Final = 7 * 24 * 3600

#: Reads the entry, and the generation of each tag, making those that are missing. The entry comes last: Redis ends an
#: answer at the first nil.
_LOOK: Final = """
local found = {}
for i = 2, #KEYS do
    local generation = redis.call('GET', KEYS[i])
    if not generation then
        generation = ARGV[1] .. ':' .. i
        redis.call('SET', KEYS[i], generation, 'EX', ARGV[2])
    end
    found[i - 1] = generation
end
found[#KEYS] = redis.call('GET', KEYS[1])
return found
"""
_PURGE: Final = """
for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[1] .. ':' .. i, 'EX', ARGV[2]) end
"""
_RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisStore:
    """See ``Store``."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def look(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, tuple[Generation, ...]]:
        """See ``Store``. One round trip."""
        keys = [self._entry(key), *map(self._tag, tags)]
        found: list[Any] = await self._ask(
            lambda redis: redis.eval(_LOOK, len(keys), *keys, secrets.token_hex(8), GENERATION_SECONDS)
        )
        generations = tuple(found[: len(tags)])
        return (found[len(tags)] if len(found) > len(tags) else None), generations

    async def keep(self, key: str, entry: bytes, seconds: float) -> None:
        """See ``Store``."""
        await self._ask(lambda redis: redis.set(self._entry(key), entry, px=max(1, int(seconds * 1000))))

    async def purge(self, tags: Sequence[str]) -> None:
        """See ``Store``. One round trip."""
        keys = [self._tag(tag) for tag in tags]
        await self._ask(lambda redis: redis.eval(_PURGE, len(keys), *keys, secrets.token_hex(8), GENERATION_SECONDS))

    async def claim(self, key: str, seconds: float) -> str | None:
        """See ``Store``."""
        receipt = secrets.token_hex(8)
        name = self._link.key("claim", key)
        took = await self._ask(lambda redis: redis.set(name, receipt, nx=True, px=int(seconds * 1000)))
        return receipt if took else None

    async def release(self, key: str, receipt: str) -> None:
        """See ``Store``."""
        await self._ask(lambda redis: redis.eval(_RELEASE, 1, self._link.key("claim", key), receipt))

    async def _ask(self, do: Callable[[Redis], Awaitable[T]]) -> T:
        try:
            return await self._link.ask(do)
        except RedisDown as error:
            raise StoreDown from error

    def _entry(self, key: str) -> str:
        return self._link.key("entry", key)

    def _tag(self, tag: str) -> str:
        return self._link.key("tag", tag)
