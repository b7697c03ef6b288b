"""Group commit: what many callers bring at about the same time is done together, each hearing of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Rounds(Generic[T, R]):
    """Does items in rounds: those that come while one is under way make up the next, ``at_most`` in one.

    An item that comes alone waits for nobody. ``work`` answers per item, in order, with a value or an exception; what
    it raises itself is every item's. A caller who leaves does not stop the round.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[Sequence[R | BaseException]]], *, at_most: int) -> None:
        self._work = work
        self._at_most = at_most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None

    async def add(self, item: T) -> R:
        """Have the item done, and hear its own outcome."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Wait for the round under way; those who wait for a later one are done too."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                now, self._waiting = self._waiting[: self._at_most], self._waiting[self._at_most :]
                await self._round([each for each in now if not each[1].done()])
        finally:
            self._running = None

    async def _round(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        outcomes: Sequence[R | BaseException]
        try:
            outcomes = await self._work([item for item, _ in batch]) if batch else ()
        except Exception as error:
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
