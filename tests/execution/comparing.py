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


async def disagreement(
    ours: Callable[[World], Any], reference: Callable[[World], Any], world: Callable[[int], World], order: int
) -> str | None:
    """What is wrong with ours, run in an order of completion; None where the reference has this outcome too."""
    mine = outcome(await finished(ours, world(order)))
    theirs = outcome(await finished(reference, world(order)))
    if mine == theirs:
        return None
    first = theirs
    if mine[0] == theirs[0]:
        # Several failures compete for one null: which of them are told depends on which came first.
        for other in range(ORDERS):
            theirs = outcome(await finished(reference, world(10_000 + other)))
            if mine == theirs:
                return None
    return f"ours:\n  {mine[0]}\n  {sorted(mine[1])}\nreference:\n  {first[0]}\n  {sorted(first[1])}"
