"""Where ours once differed from graphql-core, each by name: random documents found them (``test_differential.py``)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Optional

import pytest
import strawberry
from graphql import ExecutionResult, execute, parse

from gateway.execution import begin, compile_operation


@strawberry.input(one_of=True)
class EitherInput:
    number: strawberry.Maybe[int]
    text: strawberry.Maybe[str]


@strawberry.type
class Query:
    odd: str | None = None

    @strawberry.field
    def either(self, one: EitherInput) -> str | None:
        return repr(one)

    @strawberry.field
    def here(self) -> str:
        return "here"

    # Null fits neither argument's absence nor a default: there is none.
    @strawberry.field
    async def counted(self, numbers: list[int] | None) -> int:
        raise AssertionError(f"called with {numbers}")

    @strawberry.field
    async def named(self, numbers: list[int] | None) -> str | None:
        raise AssertionError(f"called with {numbers}")

    @strawberry.field
    async def broken(self) -> int:
        raise ValueError("broken")

    @strawberry.field
    async def null(self) -> str | None:
        raise ValueError("null")

    @strawberry.field
    def inner(self) -> Optional["Query"]:  # noqa: UP037, UP045 — the class is not there yet
        return self

    @strawberry.field
    def one_by_one(self) -> list["Query"] | None:  # noqa: UP037 — as above
        async def items() -> AsyncIterator[Any]:
            late: Any = asyncio.get_running_loop().create_future()
            late.set_exception(ValueError("late"))
            yield Query(odd=late)
            yield ValueError("not an item")

        return items()  # type: ignore[return-value]


SCHEMA = strawberry.Schema(Query)


async def agreed(text: str, variables: dict[str, Any] | None = None) -> ExecutionResult:
    """The result of ours, compiled, which is graphql-core's too: the data, and the errors with path and place."""

    def told(result: ExecutionResult) -> Any:
        return result.data, {(each.message, *(each.path or ()), str(each.locations)) for each in result.errors or ()}

    plan = compile_operation(SCHEMA, text)
    root = Query(odd=ValueError("odd"))  # type: ignore[arg-type]
    ours = begin(plan, variables, None, root)
    ours = ours if isinstance(ours, ExecutionResult) else await ours
    assert plan.counts == {"compiled": 1}
    theirs = execute(SCHEMA._schema, parse(text), root, variable_values=variables)
    assert told(ours) == told(theirs if isinstance(theirs, ExecutionResult) else await theirs)
    return ours


@pytest.mark.parametrize("text", ["{ null counted(numbers: $n) }", "{ counted(numbers: $n) null }"])
async def test_a_coroutine_function_called_with_too_little_fails_when_it_is_awaited(text: str) -> None:
    """By then its siblings are called, and what fails of them is told too."""
    result = await agreed("query ($n: [Int!]) " + text)
    assert "null" in {each.message for each in result.errors or ()}


async def test_the_same_by_the_careful_way() -> None:
    """An attribute that is an error sends the whole object to it."""
    result = await agreed("query ($n: [Int!]) { inner { odd null counted(numbers: $n) } }")
    assert result.data == {"inner": None}
    assert {each.message for each in result.errors or ()} >= {"odd", "null"}


@pytest.mark.parametrize("fields", ["broken null", "null broken", "broken null again: null"])
async def test_what_fails_in_the_turn_of_a_failure_is_told_too(fields: str) -> None:
    """A nullable field has failed by the time its non-null sibling's failure reaches the null it becomes."""
    result = await agreed(f"{{ inner {{ {fields} }} }}")
    assert result.data == {"inner": None}
    assert {each.message for each in result.errors or ()} == {"broken", "null"}


@pytest.mark.parametrize("fields", ["oneByOne { odd }", "oneByOne { odd } null"])
async def test_items_that_came_one_by_one_are_not_awaited_once_their_list_has_failed(fields: str) -> None:
    """They are awaited when the iterator has ended; a failure of it or of an item puts null for the list before."""
    result = await agreed(f"{{ {fields} }}")
    told = {each.message for each in result.errors or ()}
    assert "not an item" in told
    assert "late" not in told


@pytest.mark.parametrize("literal", ['{number: 1, text: "a"}', "{number: null}", "{}"])
async def test_one_of_several_inputs_that_does_not_fit_is_an_error_of_its_field(literal: str) -> None:
    """A literal is coerced when the operation is compiled; that fails as it would in a run."""
    result = await agreed(f"{{ either(one: {literal}) here }}")
    assert result.data == {"either": None, "here": "here"}
    [error] = result.errors or ()
    assert error.path == ["either"]


@pytest.mark.parametrize("variables", [{}, {"n": None}])
async def test_a_one_of_input_whose_variable_does_not_fit_is_an_error_of_its_field(variables: dict[str, Any]) -> None:
    result = await agreed("query ($n: Int) { either(one: {number: $n}) here }", variables)
    assert result.data == {"either": None, "here": "here"}
