"""One dataloader per batch function, made on first use, for one request only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar, cast

from aiodataloader import DataLoader

C = TypeVar("C")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: Takes the context and the distinct keys; returns values in their order. A value may be an exception.
BatchFunction = Callable[[C, Sequence[K]], Awaitable[Sequence[V]]]


class Loaders(Generic[C]):
    """The loaders of one request. Never shared between two requests."""

    def __init__(self, context: C) -> None:
        self._context = context
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}

    async def load(self, batch: BatchFunction[C, K, V], key: K) -> V:
        """The value of one key, fetched together with the other keys asked for at this moment."""
        # aiodataloader's types leave out exceptions as values; its code raises them for their key.
        return cast(V, await self._loader(batch).load(key))

    async def load_many(self, batch: BatchFunction[C, K, V], keys: Sequence[K]) -> list[V]:
        """The values of several keys, in order."""
        return cast(list[V], await self._loader(batch).load_many(list(keys)))

    def _loader(self, batch: BatchFunction[C, K, V]) -> DataLoader[Any, Any]:
        found = self._loaders.get(batch)
        if found is None:

            async def fetch(keys: list[K]) -> list[V]:
                return list(await batch(self._context, keys))

            found = self._loaders[batch] = DataLoader(fetch, max_batch_size=1000)
        return found
