"""Running a plan: our door."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLError
from graphql.execution.executor import UNEXPECTED_MULTIPLE_PAYLOADS, Executor

from gateway.execution.completion import complete_field, complete_value
from gateway.execution.model import Field
from gateway.execution.operation import Operation
from gateway.execution.phases import Instead, PhasedHook, Step, fetch_all
from gateway.execution.state import State


class SerialHook(Protocol):
    """Stands around each root field of a mutation. Arguments are coerced after ``before``, one field at a time."""

    async def before(self, step: Step) -> None:
        """Before the field is fetched. What it raises becomes the field's error; Instead, its value."""

    async def after(self, step: Step, value: Any) -> None:
        """After the field and all below it are complete; ``value`` is its answer, null where it failed."""


async def run(
    plan: Operation,
    variables: dict[str, Any] | None = None,
    context: Any = None,
    root: Any = None,
    *,
    serial: SerialHook | None = None,
    phased: PhasedHook | None = None,
) -> ExecutionResult:
    """The result of an operation, as graphql-core's ``execute`` would give it."""
    result = begin(plan, variables, context, root, serial=serial, phased=phased)
    return result if isinstance(result, ExecutionResult) else await result


def begin(
    plan: Operation,
    variables: dict[str, Any] | None = None,
    context: Any = None,
    root: Any = None,
    *,
    serial: SerialHook | None = None,
    phased: PhasedHook | None = None,
) -> ExecutionResult | Awaitable[ExecutionResult]:
    """Like ``run``, but the result itself where nothing has to be awaited.

    A hook is never left out: a plan that cannot be run with one is not run at all.
    """
    raw = variables or {}
    coerced = plan.variables.coerce(raw)
    if isinstance(coerced, list):
        return ExecutionResult(None, coerced)
    hooked = serial is not None or phased is not None
    variant = plan.variant(coerced, own=hooked)
    if variant is None and hooked:
        why = plan.reason or "a condition of @skip or @include is null"
        return ExecutionResult(None, [GraphQLError(f"This operation cannot be run as it asks to be: {why}.")])
    if variant is None:
        return _by_reference(plan, raw, context, root)
    plan.counts["compiled"] += 1
    state = State(variant, context, root, coerced, raw)
    if phased is not None:
        return _phased(state, phased)
    return execute(state, serial=variant.serial, hook=serial)


def execute(
    state: State, *, serial: bool, hook: SerialHook | None = None
) -> ExecutionResult | Awaitable[ExecutionResult]:
    """Run what a state was made for."""
    selection = state.variant.root
    if serial:
        return _serially(state, hook)
    try:
        state.data = selection.run(state, state.root, None)  # type: ignore[misc]
    except GraphQLError as error:
        _fail_all(state, error)
    if state.fresh and state.leave_behind():
        return _finish(state)
    return _result(state)


def _serially(state: State, hook: SerialHook | None) -> ExecutionResult | Awaitable[ExecutionResult]:
    answer: dict[str, Any] = {}
    state.data = answer
    fields = state.variant.fields(state.variant.root, state)
    if hook is not None:
        return _serial_rest(state, fields, hook)
    for number, field in enumerate(fields):
        try:
            complete_field(state, field, state.root, None, answer)
        except GraphQLError as error:
            _fail_all(state, error)
        if state.fresh and state.leave_behind():
            return _serial_rest(state, fields[number + 1 :], None)
        if state.root_nulled:
            break
    return _result(state)


async def _serial_rest(state: State, fields: Sequence[Field], hook: SerialHook | None) -> ExecutionResult:
    answer = state.data
    assert answer is not None  # noqa: S101 — set by the caller
    await state.drive()
    for field in fields:
        if state.root_nulled:
            break
        step = Step(state, field)
        try:
            if hook is not None:
                try:
                    await hook.before(step)
                except Instead as instead:
                    complete_value(state, field, instead.value, None, answer)
                    await state.drive()
                    continue
                except Exception as error:
                    nullable = field.position.nullable
                    state.fail(field.position, (None, field.key, field.parent.name, nullable), error)
                    answer[field.key] = None
                    continue
            complete_field(state, field, state.root, None, answer)
        except GraphQLError as error:
            _fail_all(state, error)
        if state.fresh:
            await state.drive()
        if hook is not None:
            await hook.after(step, answer.get(field.key))
    return _result(state)


async def _phased(state: State, hook: PhasedHook) -> ExecutionResult:
    try:
        await fetch_all(state, hook)
    except GraphQLError as error:
        _fail_all(state, error)
    return _result(state)


async def _finish(state: State) -> ExecutionResult:
    await state.drive()
    return _result(state)


def _fail_all(state: State, error: GraphQLError) -> None:
    state.errors.add(error, None)
    state.root_nulled = True


def _result(state: State) -> ExecutionResult:
    if state.executor is not None:
        state.executor.run_async_work_finished_hook()
    return ExecutionResult(None if state.root_nulled else state.data, state.errors.errors or None)


def _by_reference(
    plan: Operation, raw: dict[str, Any], context: Any, root: Any
) -> ExecutionResult | Awaitable[ExecutionResult]:
    plan.counts["fallback"] += 1
    values = plan.variables.exact(raw)
    if isinstance(values, list):
        return ExecutionResult(None, values)
    executor: Executor[Any] = plan.reference(values, context, root)
    result: Any = executor.execute_operation()
    if isinstance(result, ExecutionResult):
        return result
    if not executor.is_awaitable(result):
        return ExecutionResult(None, [GraphQLError(UNEXPECTED_MULTIPLE_PAYLOADS)])

    async def awaited() -> ExecutionResult:
        found = await result
        if isinstance(found, ExecutionResult):
            return found
        return ExecutionResult(None, [GraphQLError(UNEXPECTED_MULTIPLE_PAYLOADS)])

    return awaited()
