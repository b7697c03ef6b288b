"""The contestants in Python: each turns (document text, raw variables) into response bytes, with everything warm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import orjson
import strawberry
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.types import ExecutionResult

from benchmarks.execution import by_hand, schema
from gateway.execution import PlanCache, Rejected, run
from gateway.execution.strawberry import StrawberryExecutor
from gateway.loaders import Loaders
from gateway.schema import GatewaySchema

Answer = Callable[[str, Mapping[str, Any]], Awaitable[bytes]]
TYPES = (schema.AdClick, schema.Scan)


class PlainContext:
    """A request with Strawberry's own data loaders."""

    def __init__(self) -> None:
        self.loaders = self
        self._made: dict[Any, DataLoader[Any, Any]] = {}

    def load(self, batch: Callable[[Any, list[Any]], Awaitable[Any]], key: Any) -> Awaitable[Any]:
        """The value of one key."""
        found = self._made.get(batch)
        if found is None:
            found = self._made[batch] = DataLoader(partial(batch, self))
        return found.load(key)


class OurContext:
    """A request with the gateway's loaders, which lets go of them as the gateway's context does."""

    def __init__(self) -> None:
        self.loaders: Loaders[OurContext] | None = Loaders(self)

    def release(self) -> None:
        """See ``gateway.context.Context.release``."""
        self.loaders = None


def _bytes(result: ExecutionResult) -> bytes:
    if result.errors:
        raise RuntimeError(result.errors)
    return orjson.dumps({"data": result.data})


def plain_strawberry() -> Answer:
    """Plain Strawberry at its best: documents cached by its own extensions, its loaders, orjson."""
    one = strawberry.Schema(
        query=schema.Query, config=schema.CONFIG, types=TYPES, extensions=[ParserCache, ValidationCache]
    )

    async def answer(text: str, variables: Mapping[str, Any]) -> bytes:
        result = await one.execute(text, variable_values=dict(variables), context_value=PlainContext())
        return _bytes(result)

    return answer


def hooked_strawberry() -> Answer:
    """Strawberry with our executor in its official hook, and else as the gateway configures it."""
    one = strawberry.Schema(
        query=schema.Query,
        config=schema.CONFIG,
        types=TYPES,
        extensions=[ParserCache, ValidationCache],
        execution_context_class=StrawberryExecutor,
    )

    async def answer(text: str, variables: Mapping[str, Any]) -> bytes:
        context = OurContext()
        result = await one.execute(text, variable_values=dict(variables), context_value=context)
        context.release()
        return _bytes(result)

    return answer


def ours() -> Answer:
    """Compiled plans by the gateway's own door."""
    plans = PlanCache(GatewaySchema(query=schema.Query, config=schema.CONFIG, types=TYPES))

    async def answer(text: str, variables: Mapping[str, Any]) -> bytes:
        plan = plans.plan(text, None)
        if isinstance(plan, Rejected):
            raise TypeError(plan.errors)
        context = OurContext()
        result = await run(plan, dict(variables), context)
        context.release()
        if result.errors:
            raise RuntimeError(result.errors)
        return orjson.dumps({"data": result.data})

    return answer


def contestants() -> dict[str, Answer]:
    """By name."""
    return {
        "strawberry": plain_strawberry(),
        "hook": hooked_strawberry(),
        "ours": ours(),
        "by_hand": by_hand.answer,
    }
