"""What random documents are compared by can itself disagree."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError

from tests.execution.comparing import Reference, disagreement
from tests.execution.worlds import OTHER

DATA = {"a": None, "b": {"c": None}}


def world(order: int) -> Any:
    """Nothing waits in it."""
    return SimpleNamespace(order=order, open_one=lambda: False, close=lambda: None)


def result(a: str, c: str, data: Any = DATA) -> ExecutionResult:
    """Failures below two nulls: which of several is told."""
    return ExecutionResult(data, [GraphQLError(a, path=["a", 0, a]), GraphQLError(c, path=["b", "c", c])])


def reference(usual: Any, *others: Any) -> Reference:
    """What it gives in the usual order, and in the others in turn; an exception ends the run with it."""

    async def given(each: Any) -> ExecutionResult:
        if isinstance(each, BaseException):
            raise each
        answer: ExecutionResult = each
        return answer

    return Reference(
        lambda _: given(usual),
        lambda at: given((others or (usual,))[(at.order - OTHER) % len(others or (usual,))]),
        world,
    )


async def against(theirs: Reference, ours: ExecutionResult | None = None) -> str | None:
    return await disagreement(lambda _: ours or result("x", "y"), theirs, 1)


@pytest.mark.parametrize(
    "theirs",
    [
        [result("x", "y")],
        [result("z", "z"), result("z", "z"), result("x", "y")],
        # Each null in an order of its own.
        [result("z", "y"), result("x", "z")],
        [asyncio.CancelledError(), result("x", "y")],
        [asyncio.CancelledError(), asyncio.CancelledError(), result("x", "z"), result("z", "y")],
    ],
)
async def test_it_agrees_where_the_reference_tells_the_same_below_each_null_in_some_order(theirs: list[Any]) -> None:
    assert await against(reference(*theirs)) is None


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        # Never told there.
        ([result("x", "z")], "never told so at [('b', 'c')]"),
        ([result("z", "y"), result("w", "y")], "never told so at [('a',)]"),
        # Told too little, and too much.
        ([ExecutionResult(DATA, result("x", "y").errors[:1])], "never told so"),  # type: ignore[index]
        (
            [ExecutionResult(DATA, [*(result("x", "y").errors or ()), *(result("z", "z").errors or ())])],
            "never told so",
        ),
        # Other data, if only in the order of the keys, though the errors are the same.
        ([result("x", "y", {"b": {"c": None}, "a": None})], "never told so"),
        # No answer in any order.
        ([asyncio.CancelledError()], "no answer"),
    ],
)
async def test_it_disagrees_otherwise(theirs: list[Any], said: str) -> None:
    found = await against(reference(*theirs))
    assert found is not None
    assert said in found


async def test_an_order_without_an_answer_is_known_and_ours_must_have_one() -> None:
    silent = reference(asyncio.CancelledError(), result("x", "y"))
    assert await against(silent) is None
    assert silent.unanswered

    async def cancelled() -> ExecutionResult:
        raise asyncio.CancelledError

    answering = reference(result("x", "y"))
    assert await disagreement(lambda _: cancelled(), answering, 1) == "ours: no answer"
    assert not answering.unanswered
