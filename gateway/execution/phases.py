"""Mutations in two phases: every root field is fetched, one after the other, and completed when all of them are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from graphql.execution.executor import Executor

from gateway.execution.completion import complete_value, fetch
from gateway.execution.model import Field, Position, Trail, Typename
from gateway.execution.state import State


class Step:
    """A root field of a mutation whose turn has come."""

    __slots__ = ("_state", "field")

    def __init__(self, state: State, field: Field) -> None:
        self._state = state
        self.field = field

    @property
    def key(self) -> str:
        """Its response key."""
        return self.field.key

    @property
    def variables(self) -> dict[str, Any]:
        """The coerced variables; what is put here is seen by this field's arguments and by all that follow."""
        return self._state.variables

    @property
    def context(self) -> Any:
        """The context of the run."""
        return self._state.context


class Instead(Exception):
    """Raised by a hook before a field: its resolver is not called, and this value stands for what it gives."""

    def __init__(self, value: object) -> None:
        super().__init__("answered without its resolver")
        self.value = value


class Fetched(Step):
    """A root field, and what its resolver gave: ``value``, or the ``error`` it raised. Both may be replaced."""

    __slots__ = ("error", "value")

    def __init__(self, state: State, field: Field) -> None:
        super().__init__(state, field)
        self.value: Any = None
        self.error: Exception | None = None

    async def leaf(self, path: Sequence[str]) -> Any:
        """The value of one leaf below, by response keys, before the field is complete.

        Nothing else of the selection is read. None where null stands on the way, or the type found there does
        not have the key. Raises what a resolver raises.
        """
        state, field, value = self._state, self.field, self.value
        trail: Trail = (None, field.key, field.parent.name, field.position.nullable)
        for key in path:
            if value is None:
                return None
            type_ = await _type_of(state, field.position, value, trail)
            below = next((each for each in state.variant.selection(field, type_).fields if each.key == key), None)
            if below is None:
                return None
            trail = (trail, key, type_.name, below.position.nullable)
            if isinstance(below.resolver, Typename):
                return type_.name
            value = fetch(state, below, value, trail)
            if state.is_awaitable(value):
                value = await value
            field = below
        inner: Any = field.position.inner
        return None if value is None else Executor.complete_leaf_value(inner, value)

    async def _fetch(self, hook: PhasedHook) -> None:
        state, field = self._state, self.field
        try:
            await hook.before(self)
            value = fetch(state, field, state.root, (None, field.key, field.parent.name, field.position.nullable))
            self.value = await value if state.is_awaitable(value) else value
        except Instead as instead:
            self.value = instead.value
        except Exception as error:
            self.error = error

    def _complete(self, answer: dict[str, Any]) -> None:
        complete_value(self._state, self.field, self.value if self.error is None else self.error, None, answer)


class PhasedHook(Protocol):
    """Decides between the phases. Arguments are coerced after ``before``, one field at a time."""

    async def before(self, step: Step) -> None:
        """Before the field is fetched. What it raises becomes the field's error; Instead, its value."""

    async def fetched(self, found: Fetched) -> bool:
        """After the field is fetched: whether the next one is to be fetched too."""
        ...

    async def settle(self, found: Sequence[Fetched]) -> None:
        """Before any field is completed; all of them are there, also those that were not fetched."""


async def fetch_all(state: State, hook: PhasedHook) -> None:
    """Fetch the root fields as far as the hook wants, let it decide, and complete them into the run's data."""
    answer: dict[str, Any] = {}
    state.data = answer
    fields = state.variant.root.fields
    found = {each.key: Fetched(state, each) for each in fields if not isinstance(each.resolver, Typename)}
    for each in found.values():
        await each._fetch(hook)  # noqa: SLF001 — of this module
        if not await hook.fetched(each):
            break
    await hook.settle(list(found.values()))
    for field in fields:
        if field.key in found:
            found[field.key]._complete(answer)  # noqa: SLF001 — of this module
        else:
            answer[field.key] = field.parent.name
    await state.drive()


async def _type_of(state: State, position: Position, value: Any, trail: Trail) -> Any:
    if position.kind != "abstract":
        return position.inner
    abstract: Any = position.inner
    field, core = position.field, state.core()
    info = state.info(field, trail)
    name = (abstract.resolve_type or core.type_resolver)(value, info, abstract)
    if state.is_awaitable(name):
        pending: Any = name
        name = await pending
    return core.ensure_valid_runtime_type(name, abstract, field.details, info, value)
