"""Ours against the reference: equal data, and errors that the reference gives too."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult

from tests.execution.worlds import OTHER, World

#: Orders of completion tried before an outcome is said not to be the reference's.
ORDERS = 1_000

Outcome = tuple[Any, frozenset[Any]]


async def finished(start: Callable[[World], Any], world: World) -> ExecutionResult | None:
    """The result of one run in a world: awaitables are done one by one, and what each brings about is done first.

    None where it ends as cancelled, though nobody cancelled it.
    """
    result = start(world)
    me = asyncio.current_task()
    if isawaitable(result):
        task = asyncio.ensure_future(result)
        while not task.done():
            await _idle()
            if not task.done() and not world.open_one():
                raise AssertionError("it waits for nothing")
        result = None if task.cancelled() else task.result()
    while world.open_one():
        await _idle()
    for left in asyncio.all_tasks() - {me}:
        left.cancel()
    await _idle()
    world.close()
    found: ExecutionResult | None = result
    return found


async def _idle() -> None:
    """Until nothing is left to do but to wait."""
    ready: Any = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 — what is waited for is the loop itself
        await asyncio.sleep(0)


def outcome(result: ExecutionResult | None) -> Outcome | None:
    """What is compared: the data, and the errors as a set, each with the null it became. None for no answer."""
    if result is None:
        return None
    errors = frozenset(
        (
            error.message,
            tuple(error.path or ()),
            tuple((at.line, at.column) for at in error.locations or ()),
            repr(error.extensions),
            type(error.original_error).__name__,
            _null(result.data, error.path or ()),
        )
        for error in result.errors or ()
    )
    return ordered(result.data), errors


def _null(data: Any, path: Sequence[str | int]) -> tuple[str | int, ...] | None:
    """The place of the null on the way to a path; None where there is none, which is wrong for an error."""
    for depth, key in enumerate(path):
        if data is None:
            return tuple(path[:depth])
        data = data[key]
    return tuple(path) if data is None else None


def by_null(errors: Iterable[Any]) -> dict[Any, set[Any]]:
    """Errors by the null they became."""
    found: dict[Any, set[Any]] = {}
    for each in errors:
        found.setdefault(each[-1], set()).add(each)
    return found


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
    """What the reference gives for one document with one set of variables, by the order of completion.

    ``explore`` is how it runs in the orders that are tried where several failures compete.
    """

    def __init__(
        self, run: Callable[[World], Any], explore: Callable[[World], Any], world: Callable[[int], World]
    ) -> None:
        self._run = run
        self._explore = explore
        self.world = world
        self._known: dict[int, Outcome | None] = {}

    @property
    def unanswered(self) -> bool:
        """Whether it had no answer in an order that ours was run in."""
        return any(found is None for order, found in self._known.items() if order < OTHER)

    async def outcome(self, order: int) -> Outcome | None:
        """Its outcome in an order; None where it ends without an answer.

        Where a future is the value of two fields and one of them fails beside it, graphql-core cancels the future, and
        that cancellation goes up from the other field as if the whole run were cancelled. Worlds of other orders shield
        their futures from it.
        """
        if order not in self._known:
            run = self._run if order < OTHER else self._explore
            self._known[order] = outcome(await finished(run, self.world(order)))
        return self._known[order]


async def disagreement(ours: Callable[[World], Any], reference: Reference, order: int) -> str | None:
    """What is wrong with ours, run in an order of completion; None where the reference has this outcome too.

    Several failures compete for one null: which of them are told depends on which came first. For each null there must
    be an order in which the reference tells exactly what ours tells. What is done below one null neither hastens nor
    delays what is done below another, so the orders found are parts of one order; to come upon that one as a whole
    would take as many attempts as all the nulls' possibilities multiplied.
    """
    mine = outcome(await finished(ours, reference.world(order)))
    theirs = await reference.outcome(order)
    if mine is not None and mine == theirs:
        return None
    if mine is None:
        return "ours: no answer"
    missing = ours_told = by_null(mine[1])
    if theirs is None or mine[0] == theirs[0]:
        for other in (order, *range(OTHER, OTHER + ORDERS)):
            found = await reference.outcome(other)
            if found is None or found[0] != mine[0]:
                continue
            told = by_null(found[1])
            if told.keys() == ours_told.keys():
                missing = {null: errors for null, errors in missing.items() if errors != told[null]}
                if not missing:
                    return None
    answer = "no answer" if theirs is None else f"{theirs[0]}\n  {sorted(theirs[1], key=repr)}"
    return (
        f"ours:\n  {mine[0]}\n  {sorted(mine[1], key=repr)}\nreference:\n  {answer}\nnever told so at {list(missing)}"
    )
