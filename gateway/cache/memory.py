"""Entries of one process, bounded by bytes; what was not used for longest goes first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from gateway.cache.store import Generation

#: What an entry costs beside its own bytes: dict slot, tuple, key (measured).
OVERHEAD: Final = 400
#: Tags whose generation is remembered; beyond it all are given a new one together.
TAGS: Final = 100_000


class MemoryStore:
    """See ``Store``. ``size`` is in bytes."""

    def __init__(self, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._monotonic = monotonic
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._generations: dict[str, Generation] = {}
        self._last = 0
        self._common: Generation = b"0"
        #: Bytes in use.
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def look(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, tuple[Generation, ...]]:
        """See ``Store``."""
        generations = tuple([self._generations.get(tag, self._common) for tag in tags])
        found = self._entries.get(key)
        if found is None:
            return None, generations
        if found[1] <= self._monotonic():
            self._drop(key)
            return None, generations
        self._entries.move_to_end(key)
        return found[0], generations

    async def keep(self, key: str, entry: bytes, seconds: float) -> None:
        """See ``Store``. An entry larger than the whole store is not kept."""
        self._drop(key)
        cost = _cost(key, entry)
        if cost > self._size:
            return
        self._entries[key] = (entry, self._monotonic() + seconds)
        self.bytes += cost
        while self.bytes > self._size:
            self._drop(next(iter(self._entries)))

    async def purge(self, tags: Sequence[str]) -> None:
        """See ``Store``."""
        if len(self._generations) + len(tags) > TAGS:
            self._generations.clear()
            self._common = self._next()
        for tag in tags:
            self._generations[tag] = self._next()

    async def claim(self, key: str, seconds: float) -> str | None:
        """See ``Store``: within one process ``EntityCache`` sees to it."""
        del seconds
        return key

    async def release(self, key: str, receipt: str) -> None:
        """See ``Store``."""

    def _next(self) -> Generation:
        self._last += 1
        return b"%d" % self._last

    def _drop(self, key: str) -> None:
        gone = self._entries.pop(key, None)
        if gone is not None:
            self.bytes -= _cost(key, gone[0])


def _cost(key: str, entry: bytes) -> int:
    return len(key) + len(entry) + OVERHEAD
