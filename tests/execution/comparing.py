"""Ours against the reference: equal data, and errors that the reference gives too."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult

from tests.execution.worlds import World

#: Orders of completion tried before an outcome is said not to be the reference's.
ORDERS = 150


async def finished(start: Callable[[World], Any], world: World) -> ExecutionResult:
    """The result of one run in a world: awaitables are done one by one, and what each brings about is done first."""
    result = start(world)
    me = asyncio.current_task()
    if isawaitable(result):
        task = asyncio.ensure_future(result)
        while not task.done():
            await _idle()
            if not task.done() and not world.open_one():
                raise AssertionError("it waits for nothing")
        result = task.result()
    while world.open_one():
        await _idle()
    for left in asyncio.all_tasks() - {me}:
        left.cancel()
    await _idle()
    world.close()
    found: ExecutionResult = result
    return found


async def _idle() -> None:
    """Until nothing is left to do but to wait."""
    ready: Any = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 — what is waited for is the loop itself
        await asyncio.sleep(0)


def outcome(result: ExecutionResult) -> tuple[Any, frozenset[Any]]:
    """What is compared: the data, and the errors as a set."""
    errors = frozenset(
        (
            error.message,
            tuple(error.path or ()),
            tuple((at.line, at.column) for at in error.locations or ()),
            repr(error.extensions),
            type(error.original_error).__name__,
        )
        for error in result.errors or ()
    )
    return ordered(result.data), errors


def ordered(value: Any) -> Any:
    """The same with the order of keys made part of it, and not-a-number equal to itself."""
    if isinstance(value, dict):
        return tuple((key, ordered(each)) for key, each in value.items())
    if isinstance(value, list):
        return ["list", *(ordered(each) for each in value)]
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return (type(value).__name__, value)


class Reference:
    """What the reference gives for one document with one set of variables, by the order of completion."""

    def __init__(self, run: Callable[[World], Any], world: Callable[[int], World]) -> None:
        self._run = run
        self.world = world
        self._known: dict[int, Any] = {}

    async def outcome(self, order: int) -> tuple[Any, frozenset[Any]]:
        """Its outcome in an order."""
        if order not in self._known:
            self._known[order] = outcome(await finished(self._run, self.world(order)))
        found: tuple[Any, frozenset[Any]] = self._known[order]
        return found


async def disagreement(ours: Callable[[World], Any], reference: Reference, order: int) -> str | None:
    """What is wrong with ours, run in an order of completion; None where the reference has this outcome too."""
    mine = outcome(await finished(ours, reference.world(order)))
    theirs = await reference.outcome(order)
    if mine == theirs:
        return None
    if mine[0] == theirs[0]:
        # Several failures compete for one null: which of them are told depends on which came first.
        for other in range(ORDERS):
            if mine == await reference.outcome(10_000 + other):
                return None
    return f"ours:\n  {mine[0]}\n  {sorted(mine[1])}\nreference:\n  {theirs[0]}\n  {sorted(theirs[1])}"
