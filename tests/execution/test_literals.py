"""Literals that hold variables: what graphql-core makes of them, without graphql-core."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import ExecutionResult, build_schema, execute, parse

from gateway.execution import PlanCache, arguments, run

SCHEMA = build_schema(
    """
    scalar Any
    input Point { x: Int! y: Int = 2 label: String tags: [String!] next: Point grid: [[Int]] any: Any small: Int! = 5 }
    input One @oneOf { a: Int b: String }
    type Query { ask(point: Point, points: [Point!], numbers: [Int], one: One, any: Any, must: Point): String }
    """
)
SCHEMA.query_type.fields["ask"].resolve = lambda _source, _info, **given: repr(sorted(given.items()))  # type: ignore[union-attr]

BUILT = [
    "query ($x: Int!) { ask(point: {x: $x}) }",
    "query ($x: Int!, $y: Int) { ask(point: {x: $x, y: $y, label: null}) }",
    'query ($x: Int!, $t: [String!]) { ask(point: {x: 1, tags: $t, next: {x: $x, tags: ["a"]}}) }',
    "query ($x: Int!, $l: String) { ask(points: [{x: $x, label: $l}, {x: 2}], numbers: [1, $x, null]) }",
    "query ($x: Int!) { ask(points: {x: $x}, numbers: [3], must: {x: $x, grid: [[1], [$x], null]}) }",
    "query ($p: Point) { ask(points: [], point: {x: 3, next: $p}) }",
]
BUILT += [
    "query ($x: Int!) { ask(numbers: [], points: [{x: 1}], must: {x: 2, tags: []}) }",
    "query ($x: Int!) { ask(numbers: 3, one: {a: 1}, any: {a: [1]}) }",
]
LEFT = [
    "query ($x: Int) { ask(point: {x: $x}) }",
    "query ($x: Int) { ask(numbers: [1, $x]) }",
    "query ($x: Int) { ask(one: {a: $x}) }",
    "query ($x: Int) { ask(any: [$x, {a: $x}]) }",
    "query ($x: Int) { ask(point: {x: 1, any: {a: $x}}) }",
    "query ($x: Int = 4) { ask(point: {x: $x, small: $x}) }",
    "query ($x: Int) { ask(point: {x: 1, small: $x}) }",
]
VALUES: list[dict[str, Any]] = [
    {},
    {"x": 7},
    {"x": None},
    {"x": 7, "y": None, "l": None, "t": None, "p": None},
    {"x": 7, "y": 8, "l": "l", "t": ["a", "b"], "p": {"x": 1, "next": {"x": 2}}},
]


async def answered(text: str, variables: dict[str, Any]) -> tuple[Any, list[str]]:
    plan: Any = PlanCache(SCHEMA, rules=()).plan(text, None)
    return _told(await run(plan, variables))


def reference(text: str, variables: dict[str, Any]) -> tuple[Any, list[str]]:
    result: Any = execute(SCHEMA, parse(text), variable_values=variables)
    return _told(result)


def _told(result: ExecutionResult) -> tuple[Any, list[str]]:
    return result.data, [error.message for error in result.errors or []]


@pytest.mark.parametrize("variables", VALUES)
@pytest.mark.parametrize("text", BUILT + LEFT)
async def test_the_arguments_are_those_of_graphql_core(text: str, variables: dict[str, Any]) -> None:
    assert await answered(text, variables) == reference(text, variables)


@pytest.mark.parametrize("text", BUILT)
async def test_they_are_made_without_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any) -> Any:
        raise AssertionError("graphql-core was asked to coerce arguments")

    monkeypatch.setattr(arguments, "get_argument_values", asked)
    for variables in ({"x": 7}, VALUES[-1]):
        assert await answered(text, variables) == reference(text, variables)


async def test_a_list_is_made_anew_for_each_run() -> None:
    seen: list[list[str]] = []
    schema = build_schema("input P { x: Int tags: [String] } type Query { ask(p: P): Int }")
    schema.query_type.fields["ask"].resolve = lambda _source, _info, p: seen.append(p["tags"])  # type: ignore[union-attr]
    plan: Any = PlanCache(schema).plan('query ($x: Int) { ask(p: {x: $x, tags: ["a"]}) }', None)
    await run(plan, {"x": 1})
    seen[0].append("changed")
    await run(plan, {"x": 1})
    assert seen[1] == ["a"]
