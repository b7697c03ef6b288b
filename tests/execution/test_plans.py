"""Plans: the cache and its bounds, specialisation, what falls back, the hooks, and what a run waits for."""

from __future__ import annotations

import asyncio
import gc
import itertools
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
import strawberry
from graphql import ExecutionResult, build_schema, execute, parse

from gateway.execution import (
    Fetched,
    Instead,
    PhasedHook,
    Plan,
    PlanCache,
    Rejected,
    SerialHook,
    Step,
    begin,
    compile_operation,
    explain,
    run,
)
from gateway.execution.strawberry import StrawberryExecutor


@strawberry.input
class PointInput:
    x: int
    y: int = 2


@strawberry.type
class Leaf:
    name: str
    at: datetime


@strawberry.type
class Query:
    @strawberry.field
    def echo(self, text: str = "default", point: PointInput | None = None) -> str:
        return f"{text} {point}"

    @strawberry.field
    def leaf(self) -> Leaf:
        return Leaf(name="n", at=datetime(2026, 1, 2, tzinfo=UTC))

    @strawberry.field
    def elsewhere(self) -> Leaf:
        return Leaf(name="n", at=datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=8))))

    @strawberry.field
    def broken(self) -> int:
        raise ValueError("broken on purpose")

    @strawberry.field
    async def slow(self, info: strawberry.Info) -> int:
        started, go = info.context
        started.set()
        await go.wait()
        return 1


@strawberry.type
class Mutation:
    @strawberry.mutation
    def put(self, info: strawberry.Info, key: str) -> str | None:
        info.context.append(key)
        if key == "bad":
            raise ValueError("refused")
        return key


SCHEMA = strawberry.Schema(Query, Mutation)


def test_a_known_document_is_read_once() -> None:
    read: list[str] = []

    def reading(text: str) -> Any:
        read.append(text)
        return parse(text)

    plans = PlanCache(SCHEMA, read=reading)
    first = plans.plan("{ echo }")
    assert isinstance(first, Plan)
    assert plans.plan("{ echo }") is first
    assert read == ["{ echo }"]


def test_what_is_not_valid_is_not_kept() -> None:
    plans = PlanCache(SCHEMA)
    for text in ("{", "{ nothing }", "query A { echo } query B { echo }"):
        assert isinstance(plans.plan(text), Rejected)
    found = plans.plan("query A { echo }", "B")
    assert isinstance(found, Rejected)
    assert found.missing
    assert len(plans) == 2


def test_the_cache_is_bounded_by_count_and_by_bytes() -> None:
    plans = PlanCache(SCHEMA, count=10)
    for number in range(100):
        plans.plan(f"{{ a{number}: echo }}")
    assert len(plans) == 10
    small = PlanCache(SCHEMA, size=100_000)
    for number in range(100):
        small.plan(f"{{ a{number}: echo }} #" + "x" * 200)
    assert small.bytes <= 100_000
    assert len(small) < 10


def test_a_variant_per_vector_eight_at_most_and_one_for_all_others() -> None:
    names = [f"c{number}" for number in range(20)]
    declared = " ".join(f"${name}: Boolean!" for name in names)
    text = f"query ({declared}) {{ {' '.join(f'{name}: echo @skip(if: ${name})' for name in names)} }}"
    plan = PlanCache(SCHEMA).plan(text)
    assert isinstance(plan, Plan)
    for number in range(100):
        values = {name: bool(number >> bit & 1) for bit, name in enumerate(names)}
        result = begin(plan, values)
        assert isinstance(result, ExecutionResult)
        assert result.data == {name: "default None" for name in names if not values[name]}
        assert (plan.conditional is not None) is (number >= 8)
    assert len(plan.variants) == 8
    assert plan.counts["fallback"] == 0


@pytest.mark.parametrize("vector", list(itertools.product([True, False], repeat=3)))
def test_the_plan_for_all_vectors_keeps_order_and_merged_selections(vector: tuple[bool, ...]) -> None:
    text = """
        query ($a: Boolean!, $b: Boolean!, $c: Boolean!) {
          leaf @include(if: $a) { at name @skip(if: $b) ...L @include(if: $c) }
          first: echo(text: "1") @skip(if: $c)
          leaf @skip(if: $b) { name ... @include(if: $a) @skip(if: $c) { again: name } }
          ...Q @include(if: $b)
          ...Q @include(if: $a)
          __typename @skip(if: $a) @include(if: $b)
          never: echo @skip(if: true)
        }
        fragment L on Leaf { x: name y: at }
        fragment Q on Query { elsewhere { name at @include(if: $c) } first: echo(text: "1") }
    """
    plan = compile_operation(SCHEMA, text, native=False, specialised=0)
    variables = dict(zip("abc", vector, strict=True))
    ours, theirs = begin(plan, variables), execute(SCHEMA._schema, parse(text), variable_values=variables)
    assert isinstance(ours, ExecutionResult)
    assert isinstance(theirs, ExecutionResult)
    # As text, because the order of keys is part of it.
    assert orjson.dumps(ours.data) == orjson.dumps(theirs.data)
    assert plan.counts == {"compiled": 1}


def test_an_error_names_the_nodes_of_the_run() -> None:
    text = "query ($a: Boolean!) { broken @include(if: $a) ... @skip(if: $a) { broken } broken @skip(if: $a) }"
    plan = compile_operation(SCHEMA, text, specialised=0)
    for variables in ({"a": True}, {"a": False}):
        ours, theirs = begin(plan, variables), execute(SCHEMA._schema, parse(text), variable_values=variables)
        assert isinstance(ours, ExecutionResult)
        assert isinstance(theirs, ExecutionResult)
        assert [each.locations for each in ours.errors or ()] == [each.locations for each in theirs.errors or ()]
    assert plan.counts == {"compiled": 2}


def test_fragments_that_double_at_each_level_are_not_compiled_for_all_vectors() -> None:
    """Each is there under twice as many conditions as the one that spreads it. The eight variants stay."""
    levels = 20
    fragments = [
        f"fragment F{n} on Query {{ ...F{n + 1} @include(if: $a{n}) ...F{n + 1} @include(if: $b{n}) }}"
        for n in range(levels)
    ]
    names = [f"{letter}{n}" for letter in "ab" for n in range(levels)]
    declared = " ".join(f"${name}: Boolean!" for name in names)
    text = f"query ({declared}) {{ ...F0 }} {' '.join(fragments)} fragment F{levels} on Query {{ echo }}"
    plan = compile_operation(SCHEMA, text)
    for number in range(12):
        variables = {name: bool(number >> bit & 1) or bit >= 4 for bit, name in enumerate(names)}
        assert begin(plan, variables) == ({"echo": "default None"} if variables["a0"] or variables["b0"] else {}, None)
    assert (len(plan.variants), plan.counts["compiled"], plan.counts["fallback"]) == (8, 8, 4)
    assert plan.described(fell_back=True) == "fallback (too large for all vectors of conditions)"


@strawberry.type
class Box:
    name: str
    boxes: list[Box]


@strawberry.type
class Boxes:
    @strawberry.field
    def box(self) -> Box:
        box = Box(name="innermost", boxes=[])
        for _ in range(30):
            box = Box(name="outer", boxes=[box])
        return box


def test_lists_nested_deeper_than_python_nests_loops() -> None:
    text = f"{{ box {{ {'boxes { ' * 30}name{' }' * 30} }} }}"
    plan = compile_operation(strawberry.Schema(Boxes), text)
    result = begin(plan)
    assert isinstance(result, ExecutionResult)
    found = (result.data or {})["box"]
    for _ in range(30):
        [found] = found["boxes"]
    assert found == {"name": "innermost"}
    assert plan.counts == {"compiled": 1}


async def test_a_null_condition_is_graphql_cores_error() -> None:
    text = "query ($c: Boolean = true) { echo @skip(if: $c) }"
    plan = compile_operation(SCHEMA, text)
    ours = await run(plan, {"c": None})
    theirs = execute(SCHEMA._schema, parse(text), variable_values={"c": None})
    assert isinstance(theirs, ExecutionResult)
    assert [each.message for each in ours.errors or ()] == [each.message for each in theirs.errors or ()]
    assert plan.counts["fallback"] == 1


def test_defer_falls_back_and_says_so() -> None:
    schema = build_schema(
        "directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT\n"
        "type Query { a: Int }"
    )
    plan = compile_operation(schema, "{ ... @defer { a } }")
    assert (plan.path, plan.reason) == ("fallback", "@defer")
    assert plan.described(fell_back=True) == "fallback (@defer)"


def test_instants_are_the_same_bytes_by_both_doors() -> None:
    text = "{ leaf { at } elsewhere { at } }"
    native, plain = compile_operation(SCHEMA, text), compile_operation(SCHEMA, text, native=False)
    ours, texts = begin(native), begin(plain)
    assert isinstance(ours, ExecutionResult)
    assert isinstance(texts, ExecutionResult)
    assert orjson.dumps(ours.data) == orjson.dumps(texts.data)
    assert texts.data == {"leaf": {"at": "2026-01-02T00:00:00+00:00"}, "elsewhere": {"at": "2026-01-02T00:00:00+08:00"}}


async def test_strawberrys_execute_takes_the_hook() -> None:
    schema = strawberry.Schema(Query, execution_context_class=StrawberryExecutor)
    result = await schema.execute("query ($x: Int!) { echo(point: {x: $x}) }", {"x": 1})
    assert result.data == {"echo": "default PointInput(x=1, y=2)"}


def test_an_input_object_is_made_anew_for_each_run() -> None:
    seen: list[Any] = []

    @strawberry.type
    class Keeping:
        @strawberry.field
        def keep(self, values: list[int]) -> int:
            values.append(9)
            seen.append(values)
            return len(values)

    plan = compile_operation(strawberry.Schema(Keeping), "{ keep(values: [1]) }")
    assert [begin(plan), begin(plan)] == [({"keep": 2}, None)] * 2
    assert seen[0] is not seen[1]


def test_a_traceback_shows_generated_source() -> None:
    result = begin(compile_operation(SCHEMA, "{ broken }"))
    assert isinstance(result, ExecutionResult)
    [error] = result.errors or ()
    assert isinstance(error.original_error, ValueError)
    shown = "".join(traceback.format_exception(error.original_error))
    assert "<plan " in shown
    assert "v = f" in shown


def test_explain_prints_plan_and_source() -> None:
    said = explain(compile_operation(SCHEMA, "{ leaf { name } }"))
    assert "leaf: Leaf! — calls Query.leaf" in said
    assert "name: String! — attribute name" in said
    assert "def run_1(state, o, trail):" in said


class Recorder(SerialHook):
    """Remembers its calls, and renames a variable between two fields."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    async def before(self, step: Step) -> None:
        self.calls.append(("before", step.key))
        if step.key == "b":
            step.variables["k"] = "exported"
        if step.key == "d":
            raise ValueError("not now")

    async def after(self, step: Step, value: Any) -> None:
        self.calls.append(("after", step.key, str(value)))


async def test_the_serial_hook_stands_around_each_root_field() -> None:
    hook, context = Recorder(), list[str]()
    plan = compile_operation(
        SCHEMA, 'mutation ($k: String!) { a: put(key: $k) b: put(key: $k) c: put(key: "bad") d: put(key: $k) }'
    )
    result = await run(plan, {"k": "given"}, context, serial=hook)
    assert context == ["given", "exported", "bad"]
    assert result.data == {"a": "given", "b": "exported", "c": None, "d": None}
    assert [each.message for each in result.errors or ()] == ["refused", "not now"]
    assert hook.calls == [
        ("before", "a"),
        ("after", "a", "given"),
        ("before", "b"),
        ("after", "b", "exported"),
        ("before", "c"),
        ("after", "c", "None"),
        ("before", "d"),
    ]


class Deciding(PhasedHook):
    """Hands the first field's answer on, answers ``instead`` without its resolver, and stops at a failure."""

    def __init__(self) -> None:
        self.settled: list[tuple[str, Any, str]] = []

    async def before(self, step: Step) -> None:
        if step.key == "instead":
            raise Instead("answered")

    async def fetched(self, found: Fetched) -> bool:
        if found.key == "a":
            found.variables["k"] = await found.leaf([])
        return found.error is None

    async def settle(self, found: Sequence[Fetched]) -> None:
        self.settled = [(each.key, each.value, str(each.error or "")) for each in found]
        for each in found:
            if each.key == "c":
                each.value = "settled"


async def test_the_phased_hook_sees_all_fields_before_any_is_completed() -> None:
    hook, context = Deciding(), list[str]()
    text = 'mutation ($k: String! = "") { a: put(key: "first") b: put(key: $k) instead: put(key: "no") __typename }'
    result = await run(compile_operation(SCHEMA, text), {}, context, phased=hook)
    assert context == ["first", "first"]
    assert hook.settled == [("a", "first", ""), ("b", "first", ""), ("instead", "answered", "")]
    assert (result.data, result.errors) == (
        {"a": "first", "b": "first", "instead": "answered", "__typename": "Mutation"},
        None,
    )


async def test_what_comes_after_a_failure_is_not_fetched_and_may_be_answered_by_the_hook() -> None:
    hook, context = Deciding(), list[str]()
    plan = compile_operation(SCHEMA, 'mutation { a: put(key: "x") b: put(key: "bad") c: put(key: "y") }')
    result = await run(plan, {}, context, phased=hook)
    assert context == ["x", "bad"]
    assert hook.settled == [("a", "x", ""), ("b", None, "refused"), ("c", None, "")]
    assert result.data == {"a": "x", "b": None, "c": "settled"}
    assert [each.path for each in result.errors or ()] == [["b"]]


async def test_a_hook_is_never_left_out() -> None:
    """Not where a plan has no room for more variants, and not where graphql-core would have to run it."""
    text = 'mutation ($c: Boolean) { a: put(key: "x") b: put(key: "y") @include(if: $c) }'
    full = compile_operation(SCHEMA, text, specialised=0)
    for given, data in ((True, {"a": "x", "b": "y"}), (False, {"a": "x"})):
        hook = Deciding()
        assert (await run(full, {"c": given}, [], phased=hook)).data == data
        assert [each[0] for each in hook.settled] == list(data)
        serial = Recorder()
        await run(full, {"c": given}, [], serial=serial)
        assert [key for word, key, *_ in serial.calls if word == "before"] == list(data)
    assert full.variants == {}
    context = list[str]()
    result = await run(full, {"c": None}, context, phased=Deciding())
    assert (context, result.data) == ([], None)
    [error] = result.errors or ()
    assert "cannot be run as it asks to be" in error.message


async def test_cancelling_a_run_cancels_its_resolvers() -> None:
    started, go = asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(
        run(compile_operation(SCHEMA, "{ a: slow b: slow }"), None, (started, go))  # type: ignore[arg-type]
    )
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _objects(repeat: int, texts: Sequence[str]) -> int:
    plans = PlanCache(SCHEMA, count=20)
    for number in range(repeat):
        plan = plans.plan(texts[number % len(texts)].replace("NUMBER", str(number)))
        assert isinstance(plan, Plan)
        begin(plan, {"c": number % 2 == 0})
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.parametrize(
    "text",
    [
        "query ($c: Boolean = true) { leaf { name @skip(if: $c) at } }",
        "query ($c: Boolean = true) { aNUMBER: echo @skip(if: $c) leaf { at } }",
    ],
    ids=["one document", "many documents"],
)
def test_memory_is_flat(text: str) -> None:
    """The benchmark runs a million; here it is the number of living objects that must not grow with the runs."""
    _objects(60, [text])
    few = _objects(60, [text])
    many = _objects(300, [text])
    assert many - few < 500
