"""The careful way to complete a value: with its path, for every kind of value, with the reference's own errors.

Generated code takes the usual case and comes here with everything else. What is rarer still (lists that arrive
one by one) is handed to graphql-core's executor of the same run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLObjectType, default_field_resolver
from graphql.execution.executor import Executor, collect_iterator_awaitables, invalid_return_type_error
from graphql.pyutils import Undefined, is_iterable

from gateway.execution.model import Attribute, Call, Core, Field, Position, Selection, Trail, Typename, path_of

if TYPE_CHECKING:
    from gateway.execution.state import State


def complete(state: State, position: Position, value: Any, trail: Trail, container: Any, key: str | int) -> None:
    """Complete a value that is not awaitable into ``container[key]``. Raises what is wrong with it."""
    if isinstance(value, Exception):
        raise value
    if value is None or value is Undefined:
        if not position.nullable:
            field = position.field
            raise TypeError(f"Cannot return null for non-nullable field {field.parent}.{field.name}.")
        container[key] = None
    elif position.kind == "leaf":
        inner: Any = position.inner
        container[key] = Executor.complete_leaf_value(inner, value)
    elif position.kind == "list":
        _list(state, position, value, trail, container, key)
    elif position.kind == "object":
        inner = position.inner
        _object(state, position, inner, value, trail, container, key)
    else:
        _abstract(state, position, value, trail, container, key)


def _list(state: State, position: Position, value: Any, trail: Trail, container: Any, key: str | int) -> None:
    field, item = position.field, position.item
    assert item is not None  # noqa: S101 — a list has items
    core = state.core()
    if core.is_async_iterable(value):
        # What is asked of the iterable itself is asked now, as with graphql-core.
        items: Any = core.cancellable_iterable(value).__aiter__()
        container[key] = None
        awaitable = _one_by_one(state, position, items, trail)
        state.wait(awaitable, keep(key), position, trail, container, key)
        return
    if not is_iterable(value):
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{field.parent}.{field.name}'.")
    completed: list[Any] = []
    container[key] = completed
    iterator = iter(value)
    nullable = item.nullable
    try:
        for index, each in enumerate(iterator):
            completed.append(None)
            complete_item(state, item, each, (trail, index, None, nullable), completed, index)
    except Exception:
        left = collect_iterator_awaitables(iterator, state.is_awaitable)
        if left:
            core.settle_in_background(left)
        raise


async def _one_by_one(state: State, position: Position, items: Any, trail: Trail) -> Any:
    """The completed list of what an asynchronous iterator brings, by graphql-core; null where it fails and may be."""
    inner: Any = position.inner
    path: Any = path_of(trail)
    details, info = state.details(position.field), state.info(position.field, trail)
    try:
        return await state.core().complete_async_iterator_value(inner.of_type, details, info, path, items, None)
    except Exception as error:
        # Told in this very turn: the items before the failed one are left to the background, where they begin in the
        # next, and what fails of them comes too late for a list that is null already.
        state.fail(position, trail, error)
        return None


def complete_item(state: State, item: Position, value: Any, trail: Trail, completed: list[Any], index: int) -> None:
    """Complete an item of a list, or leave its place open. Raises a located error where null may not stand."""
    try:
        if state.is_awaitable(value):
            state.wait(value, into(item, index), item, trail, completed, index)
        else:
            complete(state, item, value, trail, completed, index)
    except Exception as error:
        state.fail(item, trail, error)
        completed[index] = None


def _object(
    state: State,
    position: Position,
    type_: GraphQLObjectType,
    value: Any,
    trail: Trail,
    container: Any,
    key: str | int,
) -> None:
    field = position.field
    if type_.is_type_of is not None:
        verdict = type_.is_type_of(value, state.info(field, trail))
        if state.is_awaitable(verdict):
            pending: Any = verdict

            async def judged() -> Any:
                if not await pending:
                    raise invalid_return_type_error(type_, value, state.details(field))
                return value

            def put(state: State, value: Any, trail: Trail, container: Any) -> None:
                container[key] = _selection(state, field, type_)(state, value, trail)

            container[key] = None
            state.wait(judged(), put, position, trail, container, key)
            return
        if not verdict:
            raise invalid_return_type_error(type_, value, state.details(field))
    state.variant.learn(position, type_, value)
    container[key] = _selection(state, field, type_)(state, value, trail)


def _selection(state: State, field: Field, type_: GraphQLObjectType) -> Any:
    return state.variant.selection(field, type_).run


def _abstract(state: State, position: Position, value: Any, trail: Trail, container: Any, key: str | int) -> None:
    field = position.field
    abstract: Any = position.inner
    info = state.info(field, trail)
    core = state.core()
    name = (abstract.resolve_type or core.type_resolver)(value, info, abstract)
    if state.is_awaitable(name):
        pending: Any = name

        async def named() -> Any:
            return core.ensure_valid_runtime_type(await pending, abstract, state.details(field), info, value)

        def put(state: State, type_: Any, trail: Trail, container: Any) -> None:
            _object(state, position, type_, value, trail, container, key)

        container[key] = None
        state.wait(named(), put, position, trail, container, key)
        return
    type_ = core.ensure_valid_runtime_type(name, abstract, state.details(field), info, value)
    _object(state, position, type_, value, trail, container, key)


def complete_selection(state: State, selection: Selection, source: Any, trail: Trail | None) -> dict[str, Any]:
    """The dict of an object, field by field in the document's order. Raises a located error to null the object."""
    answer: dict[str, Any] = {}
    for field in state.variant.fields(selection, state):
        complete_field(state, field, source, trail, answer)
    return answer


def complete_selected(selection: Selection, state: State, source: Any, trail: Trail | None) -> dict[str, Any]:
    """The same in the form of ``Selection.run``, for a selection without code."""
    return complete_selection(state, selection, source, trail)


def complete_field(state: State, field: Field, source: Any, trail: Trail | None, answer: dict[str, Any]) -> None:
    """Fetch and complete one field into ``answer``. Raises a located error where null may not stand."""
    key, position = field.key, field.position
    if isinstance(field.resolver, Typename):
        answer[key] = field.parent.name
        return
    below: Trail = (trail, key, field.parent.name, position.nullable)
    try:
        value = fetch(state, field, source, below)
        if state.is_awaitable(value):
            answer[key] = None
            state.wait(value, field.put or into(position, key), position, below, answer, key)
        elif field.put is not None:
            field.put(state, value, below, answer)
        else:
            complete(state, position, value, below, answer, key)
    except Exception as error:
        state.fail(position, below, error)
        answer[key] = None


def complete_value(state: State, field: Field, value: Any, trail: Trail | None, answer: dict[str, Any]) -> None:
    """Complete what was fetched elsewhere; an exception is the field's error. Raises as ``complete_field`` does."""
    key, position = field.key, field.position
    below: Trail = (trail, key, field.parent.name, position.nullable)
    answer[key] = None
    try:
        if field.put is not None:
            field.put(state, value, below, answer)
        else:
            complete(state, position, value, below, answer, key)
    except Exception as error:
        state.fail(position, below, error)
        answer[key] = None


def fetch(state: State, field: Field, source: Any, trail: Trail) -> Any:
    """What the field's resolver gives."""
    resolver, arguments = field.resolver, field.arguments
    if isinstance(resolver, Attribute):
        return getattr(source, resolver.name)
    given: Mapping[str, Any] = {}
    if isinstance(resolver, Call):
        convert = None
        if arguments is not None and arguments.steps is not None:
            coerce, convert = arguments.steps
            given = coerce(state)
        elif arguments is not None:
            given = arguments.of(state) if arguments.of is not None else arguments.constant or {}
        try:
            named: dict[str, Any] = dict.fromkeys(resolver.source_names, source)
            if resolver.info_name is not None:
                named[resolver.info_name] = state.variant.dialect.info(state, field, trail, resolver.definition)
            if convert is not None:
                given = convert(given)
            return resolver.function(*((source,) if resolver.with_self else ()), **named, **given)
        except Exception as error:
            if resolver.later:
                return failing(error)
            raise
    if arguments is not None:
        given = arguments.of(state) if arguments.of is not None else arguments.constant or {}
    assert isinstance(resolver, Core)  # noqa: S101 — a constant is never fetched
    function = resolver.function
    if function is None:
        executor = state.executor
        function = default_field_resolver if executor is None else executor.field_resolver
        if function is default_field_resolver:
            name = field.name
            value = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
            return value(state.info(field, trail), **given) if callable(value) else value
    return function(source, state.info(field, trail), **given)


async def failing(error: Exception) -> Any:
    """Fails with the error when it is awaited, as a coroutine function does whose arguments do not fit."""
    raise error


def abandon(state: State, items: Sequence[Any], index: int) -> None:
    """Let the awaitables run on that a failed list still holds behind an index."""
    left = [each for each in items[index + 1 :] if state.is_awaitable(each)]
    if left:
        state.core().settle_in_background(left)


def into(position: Position, key: str | int) -> Any:
    """A ``Put`` that completes carefully."""

    def put(state: State, value: Any, trail: Trail, container: Any) -> None:
        complete(state, position, value, trail, container, key)

    return put


def keep(key: str | int) -> Any:
    """A ``Put`` for what is complete already."""

    def put(_state: State, value: Any, _trail: Trail, container: Any) -> None:
        container[key] = value

    return put
