"""Steps: every effect of a transaction, declared once over a typed function.

``@step(...)`` makes an immutable ``Step``; a ``Registry`` is made of a tuple of them. Nothing is registered
by importing a module, so two gateways in one process do not share anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, Protocol, TypeVar, get_type_hints

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.deadline import remaining
from gateway.database.facts import Fact
from gateway.events.projector import Batch, Projector
from gateway.members.gate import Gate
from gateway.runtime import OpenTools
from gateway.transactions.records import Progress
from gateway.transactions.states import SagaState

I = TypeVar("I")  # noqa: E741 — the intent's type
O = TypeVar("O")  # noqa: E741 — the outcome's type

#: Something of ours that is written in a transaction of the runner's.
Write = Callable[[Batch], Awaitable[None]]

#: Seconds that a request must have left for the platform's answer; without them a job goes on.
ENOUGH: Final = 2.0


class Kind(StrEnum):
    """What can be done when a later step fails."""

    #: It is undone.
    COMPENSATABLE = "COMPENSATABLE"
    #: The point of no return.
    PIVOT = "PIVOT"
    #: It comes after the pivot and is repeated until it ends.
    RETRIABLE = "RETRIABLE"


class Delivery(StrEnum):
    """What is done when nobody knows whether it happened."""

    #: Repeated under the same natural key.
    KEYED = "KEYED"
    #: The platform is asked.
    ASKABLE = "ASKABLE"
    #: Neither: the attempt is committed first, and an unknown outcome stays UNKNOWN.
    ONCE = "ONCE"


class StepRefused(Exception):
    """A rule of ours said no; nothing happened. Becomes a Problem.

    Attributes:
        decided: the platform told it when it was asked what became of the step: it speaks of every attempt.
    """

    decided = False

    def __init__(self, code: str, message: str, *, retryable: bool = False, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details = details


class StepSkipped(Exception):
    """The step turned out not to be needed; ``reason`` is shown.

    ``decided``: it was not needed before either, so that no earlier attempt of it can have done anything.
    """

    def __init__(self, reason: str, *, decided: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.decided = decided


class StepWaits(Exception):
    """Nothing was done and nothing failed: what the step waits for has not come. It is tried again at ``until``."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class OutOfTime(Exception):
    """The request's time is up before the step's call: a job goes on with it."""


class UnknownStep(Exception):
    """A stored step of a name or version that this release does not have."""

    code = "UNKNOWN_STEP"


class Attempt(Protocol):
    """An attempt of a step of a tool, as the saga log has it: ``attempts.LoggedAttempt``."""

    states: Sequence[SagaState]
    begun: bool
    number: int

    async def begin(self, also: Sequence[Write] = ()) -> None:
        """As ``StepContext.begin``, without a word of time."""

    async def hold(self, connection: AsyncConnection) -> None:
        """As ``StepContext.hold``."""

    async def call_again(self) -> None:
        """Commit when a call goes out again that would make a second thing beside the first."""

    async def tell(self, progress: Progress) -> None:
        """Commit how far the work before the call is."""


@dataclass(slots=True)
class StepContext:
    """What a step's function may use.

    A step of a tool sees ``tools`` and no transaction; one of our own book sees ``batch``, the open
    transaction in which its outcome is committed too, and no tools: no platform is called inside a
    write transaction.

    Attributes:
        key: the natural key of the step.
        gate: asked before anything reaches the shopper or tells of them.
        repeated: an attempt before this one may have had its effect. What refuses this one says nothing of that one:
            it was not provably left undone, and nothing that it took is given back.
        facts: appended to the log in the commit of the outcome, also of a failed one, or of the undoing.
        on_done: run in the commit of a good outcome, or of the undoing.
        on_refused: run in the commit of an end that says that nothing was done, by no attempt.
        helped: steps of other transactions, by name and natural key, which failed for want of this one. Once it is done
            they are tried again, by the word of whoever asked for it.
        attempt: None for a step of our own book, which is one commit.
    """

    saga: str
    key: str | None
    projector: Projector
    now: datetime
    gate: Gate
    repeated: bool = False
    facts: list[Fact] = field(default_factory=list)
    on_done: list[Write] = field(default_factory=list)
    on_refused: list[Write] = field(default_factory=list)
    helped: list[tuple[str, str]] = field(default_factory=list)
    open_tools: OpenTools | None = None
    open_batch: Batch | None = None
    attempt: Attempt | None = None

    def in_time(self) -> None:
        """Before each round of long work. Raises OutOfTime where a request has no time left; a job always has."""
        if remaining(ENOUGH) < ENOUGH:
            raise OutOfTime("the request's time is up; a job goes on")

    async def progress(self, done: int, total: int) -> None:
        """Tell whoever watches how many members a step that prepares has gone through."""
        if self.attempt is not None:
            await self.attempt.tell(Progress(done, total))

    async def hold(self, connection: AsyncConnection) -> None:
        """In a transaction of a step that prepares, before it writes what its call goes by: nobody else begins it until
        the commit. Raises SagaMoved where another process has begun it."""
        if self.attempt is not None:
            await self.attempt.hold(connection)

    async def begin(self, *also: Write) -> None:
        """Commit that the attempt of a step that prepares begins: after its own work, right before each call.

        ``also`` is part of that commit, which there is once: it does nothing where this attempt has begun. Raises
        OutOfTime, and SagaMoved where another process has begun it or the transaction has moved on.
        """
        self.in_time()
        if self.attempt is not None:
            await self.attempt.begin(also)

    @property
    def tools(self) -> OpenTools:
        """The platforms."""
        if self.open_tools is None:
            raise RuntimeError("a step of our own book must not call a platform: its transaction is open")
        return self.open_tools

    @property
    def batch(self) -> Batch:
        """The open transaction of a step of our own book."""
        if self.open_batch is None:
            raise RuntimeError("a step of a tool has no transaction; write in on_done")
        return self.open_batch


@dataclass(frozen=True, slots=True)
class Step(Generic[I, O]):
    """A declared step. ``tool`` is None for our own book.

    Attributes:
        ask: tells what became of an attempt: the outcome, or None when it did not happen. Raises StepRefused when it
            did not happen and will not.
        undo: takes the intent, and the outcome if it is known.
        window: how long the platform knows the key, from the first attempt on; None means for good.
        idempotent: of an askable one: a second call adds nothing to the first. Where it would make a second thing, what
            is not there is taken for on its way until a minute after the call (``runner.LANDS``): only then it is
            called again, or taken for undone.
        places: under which key of the gate an intent takes places; they are given back in the commit that says that
            nothing was done.
        personal: the intent holds personal values: it is sealed under the shopper's own key and dies with it; where
            nobody knows whose it is, under the shared one.
        prepares: work that may take longer than a request, such as the gate for thousands, comes before its call. It
            is PENDING until it says ``ctx.begin()`` itself: until then whoever takes it over runs it anew, and asks
            nobody.
    """

    name: str
    version: int
    tool: str | None
    kind: Kind
    delivery: Delivery
    run: Callable[[StepContext, I], Awaitable[O]]
    intent: type[I]
    outcome: type[O]
    ask: Callable[[StepContext, I], Awaitable[O | None]] | None = None
    undo: Callable[[StepContext, I, O | None], Awaitable[None]] | None = None
    window: timedelta | None = None
    personal: bool = False
    prepares: bool = False
    places: Callable[[I], str] | None = None
    idempotent: bool = True

    @property
    def begins_with_intent(self) -> bool:
        """Its first attempt is committed together with its intent: nothing comes before the call."""
        return self.tool is not None and not self.prepares


AnyStep = Step[Any, Any]


class _Declare(Protocol):
    """Takes the function that a step is declared over; its types are the step's."""

    def __call__(self, function: Callable[[StepContext, I], Awaitable[O]], /) -> Step[I, O]: ...


def step(
    *,
    name: str,
    kind: Kind,
    delivery: Delivery,
    tool: str | None = None,
    version: int = 1,
    ask: Callable[[StepContext, Any], Awaitable[Any]] | None = None,
    undo: Callable[[StepContext, Any, Any], Awaitable[None]] | None = None,
    window: timedelta | None = None,
    personal: bool = False,
    prepares: bool = False,
    places: Callable[[Any], str] | None = None,
    idempotent: bool = True,
) -> _Declare:
    """Declare a step over ``async def f(ctx: StepContext, intent: I) -> O``; I and O are stored as JSON.

    Raises TypeError for a compensatable step without ``undo`` or that prepares, an askable one without ``ask``, and one
    that is neither askable nor ``idempotent``.
    """
    if kind is Kind.COMPENSATABLE and undo is None:
        raise TypeError(f"step {name!r} is compensatable: give undo")
    if kind is Kind.COMPENSATABLE and prepares:
        raise TypeError(f"step {name!r} is compensatable: the request sees its end, so it cannot go on in a job")
    if not idempotent and delivery is not Delivery.ASKABLE:
        raise TypeError(f"step {name!r} is {delivery}: only of an askable one a second call has to be told apart")
    if delivery is Delivery.ASKABLE and ask is None:
        raise TypeError(f"step {name!r} is askable: give ask")

    def declare(function: Callable[[StepContext, I], Awaitable[O]]) -> Step[I, O]:
        hints = get_type_hints(function)
        outcome = hints.pop("return")
        intent = next(kind for kind in hints.values() if kind is not StepContext)
        return Step(
            name, version, tool, kind, delivery, function, intent, outcome, ask, undo, window, personal, prepares,
            places, idempotent,
        )  # fmt: skip

    return declare


class Registry:
    """The steps that this release can run, by name and version."""

    def __init__(self, steps: Iterable[AnyStep]) -> None:
        self._steps: dict[tuple[str, int], AnyStep] = {}
        for each in steps:
            if (each.name, each.version) in self._steps:
                raise ValueError(f"step {each.name!r} version {each.version} is declared twice")
            self._steps[(each.name, each.version)] = each

    def find(self, name: str, version: int) -> AnyStep:
        """The step. Raises UnknownStep."""
        try:
            return self._steps[(name, version)]
        except KeyError:
            raise UnknownStep(f"no step {name!r} version {version} in this release") from None
