"""One loader per batch function, made on first use, for one request only.

Our own and not a library's because a request makes many of them: a load costs a dict look-up and a future, all loaders
of a request share the turn in which they dispatch, and a batch costs one task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable, Sequence
from contextvars import Context, copy_context
from types import CoroutineType
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
        #: The loop holds its tasks weakly; these live as long as the request.
        self._tasks: list[asyncio.Task[None]] = []

    def load(self, batch: BatchFunction[C, K, V], key: K) -> Awaitable[V]:
        """The value of one key, fetched together with the other keys asked for at this moment.

        A future, so that several can be begun before the first is awaited.
        """
        if key is None:
            raise TypeError("None is no key: ask only for what there is.")
        loader = self._loaders.get(batch)
        if loader is None:
            loader = self._loaders[batch] = _Loader(batch)
        futures = loader.futures
        found = futures.get(key)
        # Whoever is cancelled while waiting for a future cancels it; the next one asks again.
        if found is not None and not found.cancelled():
            return found
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        futures[key] = found = loop.create_future()
        if not loader.keys:
            if not self._waiting:
                # The task begins a turn after it is made, so two turns from now: resolvers that start a turn apart
                # still meet in one batch.
                loop.call_soon(self._spawn)
            self._waiting.append(loader)
        loader.keys.append(key)
        loader.asked.append(found)
        return found

    async def load_many(self, batch: BatchFunction[C, K, V], keys: Sequence[K]) -> list[V]:
        """The values of several keys, in order."""
        return list(await asyncio.gather(*[self.load(batch, key) for key in keys]))

    def _spawn(self) -> None:
        assert self._loop is not None  # noqa: S101 — set by the load that led here
        self._tasks.append(self._loop.create_task(self._dispatch()))

    async def _dispatch(self) -> None:
        """Fetch what was asked for until now."""
        waiting, self._waiting = self._waiting, []
        batches: list[_Batch] = []
        for loader in waiting:
            keys, loader.keys = loader.keys, []
            asked, loader.asked = loader.asked, []
            if len(keys) <= BATCH:
                batches.append((loader, keys, asked))
            else:
                parts = [slice(start, start + BATCH) for start in range(0, len(keys), BATCH)]
                batches += [(loader, keys[part], asked[part]) for part in parts]
        # Each batch may change context variables, for itself.
        within = copy_context() if len(batches) > 1 else None
        await self._relay(batches, within)

    async def _relay(self, batches: list[_Batch], within: Context | None) -> None:
        """Fetch one batch after the other; with the first that has to wait, hand the rest to a task of their own.

        Most batches are read from memory or from SQLite without waiting: all of those share one task.
        """
        for number, (loader, keys, asked) in enumerate(batches):
            waited = False
            try:
                fetching = loader.batch(self._context, keys)
                if fetching.__class__ is CoroutineType:
                    try:
                        what = fetching.send(None)
                    except StopIteration as done:
                        values = done.value
                    else:
                        if within is not None and number + 1 < len(batches):
                            assert self._loop is not None  # noqa: S101 — as above
                            rest = self._relay(batches[number + 1 :], within)
                            self._tasks.append(self._loop.create_task(rest, context=within.copy()))
                        waited = True
                        values = await _Begun(fetching, what)
                else:
                    values = await fetching
                if len(values) != len(keys):
                    raise TypeError(  # noqa: TRY301 — it fails every key, like what the function itself raises
                        f"{loader.batch!r} returned {len(values)} values for {len(keys)} keys;"
                        " it must keep their order."
                    )
            except Exception as error:
                loader.fail(keys, asked, error)
            else:
                _deliver(asked, values)
            if waited:
                return


class _Begun:
    """The rest of a coroutine that was begun by hand and waits for something."""

    __slots__ = ("_coroutine", "_what")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], what: Any) -> None:
        self._coroutine = coroutine
        self._what = what

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, what = self._coroutine, self._what
        while True:
            try:
                sent = yield what
            except BaseException as error:
                try:
                    what = coroutine.throw(error)
                except StopIteration as done:
                    return done.value
            else:
                try:
                    what = coroutine.send(sent)
                except StopIteration as done:
                    return done.value


class _Loader:
    __slots__ = ("asked", "batch", "futures", "keys")

    def __init__(self, batch: Any) -> None:
        self.batch = batch
        self.futures: dict[Any, asyncio.Future[Any]] = {}
        #: What is to be fetched next, and the futures that wait for it, in the same order.
        self.keys: list[Any] = []
        self.asked: list[asyncio.Future[Any]] = []

    def fail(self, keys: list[Any], asked: list[asyncio.Future[Any]], error: Exception) -> None:
        for key, future in zip(keys, asked, strict=True):
            # A failed batch is forgotten: the same key may be asked for again.
            if self.futures.get(key) is future:
                del self.futures[key]
            if not future.done():
                future.set_exception(error)


_Batch = tuple[_Loader, list[Any], list[asyncio.Future[Any]]]


def _deliver(asked: list[asyncio.Future[Any]], values: Sequence[Any]) -> None:
    for future, value in zip(asked, values, strict=True):
        if not future.done():
            if isinstance(value, Exception):
                future.set_exception(value)
            else:
                future.set_result(value)
