"""One run of a plan: its errors, what it waits for, and how a failure finds the null it becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, located_error
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import CollectedErrors, Executor
from graphql.pyutils import is_awaitable as default_is_awaitable

from gateway.execution.model import Field, Position, Put, Trail, path_of

if TYPE_CHECKING:
    from gateway.execution.variant import Variant


class Waiting:
    """A value that is not there yet, and the place in the answer that it will take."""

    __slots__ = ("awaitable", "container", "future", "key", "position", "put", "state", "trail")

    def __init__(
        self, state: State, awaitable: Any, put: Put, position: Position, trail: Trail, container: Any, key: str | int
    ) -> None:
        self.state = state
        self.awaitable = awaitable
        self.put = put
        self.position = position
        self.trail = trail
        self.container = container
        self.key = key
        self.future: asyncio.Future[Any] | None = None

    def arrive(self, future: asyncio.Future[Any]) -> None:
        """Called by the future when it is done: complete the value, and begin what that asks for."""
        state = self.state
        if self not in state.active:
            # The place is gone. A failure nobody waits for any more must still be looked at.
            if not future.cancelled():
                future.exception()
            return
        del state.active[self]
        try:
            try:
                value = future.result()
            except Exception as error:
                state.settle_failure(self, error)
            else:
                state.settle(self, value)
            if state.fresh:
                state.start_fresh()
        except BaseException as error:
            state.collapse(error)
        else:
            if not state.active:
                state.wake()


class _Nothing:
    """No value is of this class."""


#: Predicates that hold for every coroutine.
_USUAL: set[Any] = {default_is_awaitable}


def holds_for_coroutines(predicate: Callable[[Any], bool]) -> None:
    """State that an ``is_awaitable`` of another library holds for every coroutine."""
    _USUAL.add(predicate)


class State:
    """What one run holds. Containers are filled in place; nothing is copied when a late value arrives."""

    __slots__ = (
        "active",
        "cancelled",
        "conditions",
        "context",
        "coroutine",
        "data",
        "errors",
        "executor",
        "fresh",
        "is_awaitable",
        "raw_variables",
        "root",
        "root_nulled",
        "variables",
        "variant",
        "waiter",
    )

    def __init__(
        self,
        variant: Variant,
        context: Any,
        root: Any,
        variables: dict[str, Any],
        raw_variables: dict[str, Any] | None,
        executor: Executor[Any] | None = None,
    ) -> None:
        self.variant = variant
        self.context = context
        self.root = root
        self.variables = variables
        #: What holds in this run, for a plan that tests its conditions.
        self.conditions: list[bool] = variant.vector(variables)
        self.raw_variables = raw_variables
        self.executor = executor
        self.errors: CollectedErrors = CollectedErrors() if executor is None else executor.collected_errors
        self.is_awaitable: Callable[[Any], bool] = default_is_awaitable if executor is None else executor.is_awaitable
        #: The class that is awaitable without asking; none where even coroutines are to be taken as values.
        self.coroutine: type = CoroutineType if self.is_awaitable in _USUAL else _Nothing
        self.data: dict[str, Any] | None = None
        self.root_nulled = False
        #: Registered, not started.
        self.fresh: list[Waiting] = []
        #: Started, not done.
        self.active: dict[Waiting, None] = {}
        self.waiter: asyncio.Future[None] | None = None
        self.cancelled: list[asyncio.Future[Any]] = []

    def core(self) -> Executor[Any]:
        """graphql-core's executor of this very run, for what is left to it; it collects the same errors."""
        if self.executor is None:
            self.executor = self.variant.operation.executor(self)
            self.executor.collected_errors = self.errors
        return self.executor

    def details(self, field: Field) -> list[FieldDetails]:
        """The nodes that ask for a field in this run."""
        return field.details if field.choices is None else self.variant.chosen(field, self)

    def info(self, field: Field, trail: Trail) -> Any:
        """The info of a field as graphql-core gives it; ``trail`` may be that of one of its items."""
        at: Trail = trail
        while isinstance(at[1], int):
            assert at[0] is not None  # noqa: S101 — an index stands below a key
            at = at[0]
        path: Any = path_of(at)
        return self.core().build_resolve_info(
            field.definition, [d.node for d in self.details(field)], field.parent, path
        )

    def wait(self, awaitable: Any, put: Put, position: Position, trail: Trail, container: Any, key: str | int) -> None:
        """Leave the place open until the awaitable is done."""
        self.fresh.append(Waiting(self, awaitable, put, position, trail, container, key))

    def fail(self, position: Position, trail: Trail, error: Exception) -> None:
        """Null for a failed position, or the located error raised on where null may not stand."""
        path: Any = path_of(trail)
        located = located_error(error, [each.node for each in self.details(position.field)], path.as_list())
        if not position.nullable:
            raise located
        self.errors.add(located, path)

    def is_dead(self, waiting: Waiting) -> bool:
        """Whether the place is gone, because it or something above it became null."""
        if self.root_nulled:
            return True
        return bool(self.errors.errors) and self.errors.has_nulled_position(path_of(waiting.trail))

    def settle(self, waiting: Waiting, value: Any) -> None:
        """Complete what was waited for."""
        try:
            waiting.put(self, value, waiting.trail, waiting.container)
        except Exception as error:
            self.settle_failure(waiting, error)

    def settle_failure(self, waiting: Waiting, error: Exception) -> None:
        """Put null where it may stand: here or further up."""
        try:
            self.fail(waiting.position, waiting.trail, error)
        except GraphQLError as located:
            self._nullify(waiting.trail, located)
        else:
            waiting.container[waiting.key] = None

    def _nullify(self, trail: Trail, error: GraphQLError) -> None:
        at: Trail | None = trail
        while at is not None and not at[3]:
            at = at[0]
        # Whoever is done by now has failed, or not, before this failure reaches the null that it becomes.
        for waiting in list(self.active):
            if waiting.future is not None and waiting.future.done() and _below(waiting.trail, at):
                self._settle_below(waiting, at)
        self.errors.add(error, path_of(at))
        if at is None:
            self.root_nulled = True
        else:
            container, key = self._place(at)
            container[key] = None
        for waiting in list(self.active):
            if _below(waiting.trail, at):
                del self.active[waiting]
                self._cancel(waiting)

    def _settle_below(self, waiting: Waiting, null: Trail | None) -> None:
        """Complete what is done for the sake of the errors below a null that is about to be put."""
        del self.active[waiting]
        future = waiting.future
        if future is None or future.cancelled():
            return
        error: BaseException | None = future.exception()
        if error is None:
            try:
                waiting.put(self, future.result(), waiting.trail, waiting.container)
            except Exception as wrong:
                error = wrong
        at: Trail | None = waiting.trail
        while at is not None and at != null and not at[3]:
            at = at[0]
        # One that becomes the same null came too late.
        if isinstance(error, Exception) and at is not None and at != null:
            self.settle_failure(waiting, error)

    def _place(self, trail: Trail) -> tuple[Any, str | int]:
        above = trail[0]
        if above is None:
            return self.data, trail[1]
        container, key = self._place(above)
        return container[key], trail[1]

    def _cancel(self, waiting: Waiting) -> None:
        future = waiting.future
        # A future that was handed to us may be shared, with another field or another request: it is not ours to cancel.
        if future is not None and future is not waiting.awaitable and not future.done():
            future.cancel()
            self.cancelled.append(future)

    async def drive(self) -> None:
        """Wait until nothing is left to wait for. Each value is completed as soon as it is there.

        One awaitable alone is awaited where it stands; of several, coroutines get a task each, and futures need none.
        """
        try:
            while True:
                if len(self.fresh) == 1 and not self.active:
                    await self._alone(self.fresh.pop())
                elif self.fresh:
                    self.start_fresh()
                elif self.active:
                    self.waiter = asyncio.get_running_loop().create_future()
                    await self.waiter
                else:
                    break
        finally:
            if self.active or self.fresh or self.cancelled:
                await self._stop()

    def wake(self) -> None:
        """Let ``drive`` go on."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def collapse(self, error: BaseException) -> None:
        """End the run with what is no error of a field, such as a cancellation from within."""
        waiter = self.waiter
        if waiter is None or waiter.done():
            raise error
        waiter.set_exception(error)

    async def _alone(self, waiting: Waiting) -> None:
        if self.is_dead(waiting):
            self.core().settle_in_background([waiting.awaitable])
            return
        try:
            value = await waiting.awaitable
        except Exception as error:
            self.settle_failure(waiting, error)
        else:
            self.settle(waiting, value)

    def start_fresh(self) -> None:
        """Start what was registered."""
        loop = asyncio.get_running_loop()
        suspicious = self.root_nulled or bool(self.errors.errors)
        fresh, self.fresh = self.fresh, []
        for waiting in fresh:
            awaitable = waiting.awaitable
            if suspicious and self.is_dead(waiting):
                # What was begun before its parent failed runs on for its effects, as with graphql-core.
                self.core().settle_in_background([awaitable])
                continue
            if awaitable.__class__ is CoroutineType:
                future: asyncio.Future[Any] = loop.create_task(awaitable)
            else:
                future = asyncio.ensure_future(awaitable)
            waiting.future = future
            self.active[waiting] = None
            future.add_done_callback(waiting.arrive)

    async def _stop(self) -> None:
        for waiting in self.active:
            self._cancel(waiting)
        self.active.clear()
        for waiting in self.fresh:
            if asyncio.iscoroutine(waiting.awaitable):
                waiting.awaitable.close()
        self.fresh.clear()
        if self.cancelled:
            await asyncio.gather(*self.cancelled, return_exceptions=True)
            self.cancelled.clear()

    def leave_behind(self) -> bool:
        """Drop the dead among what was registered; whether something living is left to wait for."""
        if self.root_nulled or self.errors.errors:
            dead = [each for each in self.fresh if self.is_dead(each)]
            if dead:
                self.fresh = [each for each in self.fresh if each not in dead]
                self.core().settle_in_background([each.awaitable for each in dead])
        return bool(self.fresh)


Driven = Coroutine[Any, Any, None]


def _below(trail: Trail, above: Trail | None) -> bool:
    """Whether a path is another or leads through it; all lead through None, the whole answer."""
    if above is None:
        return True
    at: Trail | None = trail
    while at is not None:
        if at == above:
            return True
        at = at[0]
    return False
