"""Bounded concurrency: so many at once, the others in the order in which they came.

Without it a burst of wide queries interleaves, and all of them end late.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Places for ``limit`` at once."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return len(self._waiting)

    def take(self) -> bool:
        """A place at once, if one is free and nobody waits for it."""
        if self._free <= 0 or self._waiting:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """A place when it is one's turn."""
        if self.take():
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                # The place was given in the same moment: pass it on.
                self.leave()
            elif mine in self._waiting:
                self._waiting.remove(mine)
            raise

    def leave(self) -> None:
        """Give the place to whoever waits longest."""
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        self._free += 1
