"""One loader per batch function, made on first use, for one request only.

Our own and not a library's because a request makes many of them: a load costs a dict look-up and a future, all loaders
of a request share the turn in which they dispatch, and a batch costs one task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

C = TypeVar("C")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: Takes the context and the distinct keys; returns values in their order. A value may be an exception.
BatchFunction = Callable[[C, Sequence[K]], Awaitable[Sequence[V]]]

#: Keys handed to a batch function at once.
BATCH = 1000


class Loaders(Generic[C]):
    """The loaders of one request. Never shared between two requests."""

    __slots__ = ("_context", "_loaders", "_loop", "_tasks", "_waiting")

    def __init__(self, context: C) -> None:
        self._context = context
        self._loaders: dict[Any, _Loader] = {}
        #: Loaders that have keys to fetch.
        self._waiting: list[_Loader] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        #: The loop holds its tasks weakly.
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self, batch: BatchFunction[C, K, V], key: K) -> Awaitable[V]:
        """The value of one key, fetched together with the other keys asked for at this moment.

        A future, so that several can be begun before the first is awaited.
        """
        if key is None:
            raise TypeError("None is no key: ask only for what there is.")
        loader = self._loaders.get(batch)
        if loader is None:
            loader = self._loaders[batch] = _Loader(batch)
        found = loader.futures.get(key)
        # Whoever is cancelled while waiting for a future cancels it; the next one asks again.
        if found is None or found.cancelled():
            loop = self._loop
            if loop is None:
                loop = self._loop = asyncio.get_running_loop()
            found = loader.futures[key] = loop.create_future()
            if not loader.keys:
                if not self._waiting:
                    # Two turns later: resolvers that start a turn apart still meet in one batch.
                    loop.call_soon(loop.call_soon, self._dispatch)
                self._waiting.append(loader)
            loader.keys.append(key)
        return found

    async def load_many(self, batch: BatchFunction[C, K, V], keys: Sequence[K]) -> list[V]:
        """The values of several keys, in order."""
        return list(await asyncio.gather(*[self.load(batch, key) for key in keys]))

    def _dispatch(self) -> None:
        waiting, self._waiting = self._waiting, []
        assert self._loop is not None  # noqa: S101 — set by the load that scheduled this
        for loader in waiting:
            keys, loader.keys = loader.keys, []
            for start in range(0, len(keys), BATCH):
                task = self._loop.create_task(self._fetch(loader, keys[start : start + BATCH]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _fetch(self, loader: _Loader, keys: list[Any]) -> None:
        futures = [loader.futures[key] for key in keys]
        try:
            values = await loader.batch(self._context, keys)
            if len(values) != len(keys):
                raise TypeError(  # noqa: TRY301 — it fails every key, like what the function itself raises
                    f"{loader.batch!r} returned {len(values)} values for {len(keys)} keys; it must keep their order."
                )
        except Exception as error:
            for key, future in zip(keys, futures, strict=True):
                # A failed batch is forgotten: the same key may be asked for again.
                loader.futures.pop(key, None)
                if not future.done():
                    future.set_exception(error)
            return
        for future, value in zip(futures, values, strict=True):
            if not future.done():
                if isinstance(value, Exception):
                    future.set_exception(value)
                else:
                    future.set_result(value)


class _Loader:
    __slots__ = ("batch", "futures", "keys")

    def __init__(self, batch: Any) -> None:
        self.batch = batch
        self.futures: dict[Any, asyncio.Future[Any]] = {}
        self.keys: list[Any] = []
