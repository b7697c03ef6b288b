"""A small graph with an action of every kind, over a real database and a platform that does what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Annotated, Any, cast

import msgspec
import strawberry
from graphql import ExecutionResult
from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown
from gateway.access.principal import Principal
from gateway.context import Context, Services
from gateway.database import Database
from gateway.database.tables.sagas import saga
from gateway.events.projector import Projector
from gateway.execution import Plan, PlanCache, run
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.gate import Gate
from gateway.members.graph import IdentityGraph
from gateway.runtime import OpenTools
from gateway.runtime.quotas import Quotas
from gateway.schema import GatewaySchema
from gateway.schema.acting import act
from gateway.schema.atomic import hooks
from gateway.schema.directives import DIRECTIVES
from gateway.schema.exports import DocumentRefused
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.settings import Limits, Reach
from gateway.transactions.actions import Action, Actions, AnyAction, Effect, Performed, Planning
from gateway.transactions.atomic import Atomics
from gateway.transactions.attention import AttentionDesk
from gateway.transactions.log import SagaLog
from gateway.transactions.records import Progress
from gateway.transactions.runner import Runner
from gateway.transactions.steps import Delivery, Kind, Registry, StepContext, StepRefused, step
from tests.databases import ManualClock

CALLER = Principal("hq", "hq", frozenset({"checkout"}))


#: Fields whose steps prepare.
PREPARING = {"spread", "scatter"}
#: Two calls make two things.
DOUBLING = {"make", "send"}


class Word(msgspec.Struct, frozen=True):
    """Any intent and any outcome."""

    text: str


class Died(BaseException):
    """The process ended here."""


def unknown() -> OutcomeUnknown:
    return OutcomeUnknown("enterprise_chat", "broke_off", "The connection ended.")


class Platform:
    """What stands at the platform, what was asked of it, and what it is to raise."""

    def __init__(self) -> None:
        self.holds: list[str] = []
        self.asked: list[str] = []
        #: A word (or ``undo`` and a word) → what its next attempts raise; with ``late``, after the effect.
        self.raising: dict[str, list[BaseException]] = {}
        self.late: set[str] = set()
        #: A word whose undoing waits for this.
        self.slow: dict[str, asyncio.Event] = {}
        #: What happens elsewhere after a word's effect, before it is answered.
        self.meanwhile: dict[str, Callable[[], Awaitable[None]]] = {}

    def actions(self) -> dict[str, AnyAction]:
        """One of every kind, by root field."""
        kinds = {
            "tag": (Kind.COMPENSATABLE, Delivery.KEYED),
            "whisper": (Kind.COMPENSATABLE, Delivery.ONCE),
            "hand": (Kind.PIVOT, Delivery.ASKABLE),
            "pay": (Kind.PIVOT, Delivery.KEYED),
            "ring": (Kind.PIVOT, Delivery.ONCE),
            "spread": (Kind.PIVOT, Delivery.ASKABLE),
            "scatter": (Kind.PIVOT, Delivery.ONCE),
            "mail": (Kind.RETRIABLE, Delivery.KEYED),
            "make": (Kind.COMPENSATABLE, Delivery.ASKABLE),
            "send": (Kind.PIVOT, Delivery.ASKABLE),
        }
        return {name: self._action(name, *kind) for name, kind in kinds.items()}

    def _action(self, name: str, kind: Kind, delivery: Delivery) -> AnyAction:
        async def plan(_planning: Planning, asked: Word) -> Effect:
            if asked.text.startswith("refused"):
                raise StepRefused("NOT_REACHABLE", "Not now.")
            return Effect(asked)

        async def ask(_ctx: StepContext, intent: Word) -> Word | None:
            self.asked.append(f"ask {intent.text}")
            self._raise(f"ask {intent.text}")
            return Word(intent.text) if intent.text in self.holds else None

        async def undo(_ctx: StepContext, intent: Word, _outcome: Word | None) -> None:
            self.asked.append(f"undo {intent.text}")
            if intent.text in self.slow:
                await self.slow[intent.text].wait()
            self._raise(f"undo {intent.text}")
            if intent.text in self.holds:
                self.holds.remove(intent.text)

        async def do(ctx: StepContext, intent: Word) -> Word:
            if name in PREPARING:
                await self._prepare(ctx, f"prepare {intent.text}")
            self.asked.append(intent.text)
            if intent.text not in self.late:
                self._raise(intent.text)
            if name in DOUBLING or intent.text not in self.holds:
                self.holds.append(intent.text)
            if intent.text in self.meanwhile:
                await self.meanwhile.pop(intent.text)()
            self._raise(intent.text)
            return intent

        do.__annotations__ = {"ctx": StepContext, "intent": Word, "return": Word}
        declared = step(
            name=f"test.{name}",
            tool="enterprise_chat",
            kind=kind,
            delivery=delivery,
            undo=undo if kind is Kind.COMPENSATABLE else None,
            ask=ask if delivery is Delivery.ASKABLE else None,
            prepares=name in PREPARING,
            idempotent=name not in DOUBLING,
        )(do)
        return Action(name, declared, plan)

    async def _prepare(self, ctx: StepContext, what: str) -> None:
        """Work of ours that may take long, and dies in the second of two rounds."""
        ctx.in_time()
        self.asked.append(what)
        await ctx.progress(1, 2)
        self._raise(what)
        if what in self.meanwhile:
            await self.meanwhile.pop(what)()
        await ctx.begin()

    def _raise(self, name: str) -> None:
        if self.raising.get(name):
            raise self.raising[name].pop(0)


@strawberry.type
class Thing:
    """What an action made."""

    id: strawberry.ID
    name: str
    parts: list[str]

    @strawberry.field
    async def standing(self, info: Info) -> list[str]:
        """What stands at the platform when this is answered."""
        return list(cast("Any", info.context.services).platform.holds)

    @strawberry.field
    async def inner(self, empty: bool = False) -> Thing | None:
        """A thing within, as from the database."""
        return None if empty else Thing(id=strawberry.ID(f"in-{self.id}"), name=self.name, parts=[])

    @strawberry.field
    async def many(self) -> list[Thing]:
        return [self]


ThingResult = Annotated[Thing | DomainProblem | ToolProblem, strawberry.union("ThingResult")]


@strawberry.input
class ThingInput:
    """What to make."""

    text: str = ""
    id: strawberry.ID | None = None
    idempotency_key: str | None = None


async def _do(info: Info, name: str, asked: ThingInput) -> ThingResult:
    text = asked.id or asked.text
    if text == "bug":
        raise RuntimeError("a bug of ours")
    action = info.context.services.checkout.atomics.actions[name]
    done = await act(info, action, Word(text), asked.idempotency_key)
    if not isinstance(done, Performed):
        return done
    return Thing(id=strawberry.ID(f"id-{done.outcome.text}"), name=done.outcome.text, parts=["p"])


@strawberry.type
class Query:
    """Nothing much."""

    @strawberry.field
    async def thing(self) -> Thing:
        return Thing(id=strawberry.ID("q"), name="q", parts=[])


@strawberry.type
class Mutation:
    """An action of every kind, and one field that is none."""

    @strawberry.mutation
    async def tag(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "tag", input)

    @strawberry.mutation
    async def whisper(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "whisper", input)

    @strawberry.mutation
    async def hand(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "hand", input)

    @strawberry.mutation
    async def pay(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "pay", input)

    @strawberry.mutation
    async def ring(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "ring", input)

    @strawberry.mutation
    async def spread(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "spread", input)

    @strawberry.mutation
    async def scatter(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "scatter", input)

    @strawberry.mutation
    async def mail(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "mail", input)

    @strawberry.mutation
    async def make(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "make", input)

    @strawberry.mutation
    async def send(self, info: Info, input: ThingInput) -> ThingResult:  # noqa: A002
        return await _do(info, "send", input)

    @strawberry.mutation
    async def plain(self, text: str) -> ThingResult:
        if text == "refused":
            return DomainProblem(code="NOT_REACHABLE", message="Not now.", retryable=False)
        return Thing(id=strawberry.ID(f"id-{text}"), name=text, parts=[])


SCHEMA = GatewaySchema(query=Query, mutation=Mutation, directives=DIRECTIVES)
#: What a test usually wants to see of an answer.
FIELDS = """{ __typename ... on Thing { name standing }
  ... on DomainProblem { code failedField cause transactionId } ... on ToolProblem { code reason } }"""


def document(*fields: str, key: str = "key-00001", head: str = "") -> str:
    """``tag:words`` makes a field with the word as its response key."""
    lines = []
    for each in fields:
        name, _, word = each.partition(":")
        lines.append(f'{word}: {name}(input: {{text: "{word}"}}) {FIELDS}')
    return f'mutation {head} @atomic(key: "{key}") {{ {" ".join(lines)} }}'


class Desk:
    """One process: nothing of it but the database and the platform outlives it."""

    def __init__(self, database: Database, clock: ManualClock, platform: Platform, *, deadline: float = 8.0) -> None:
        self.database = database
        self.clock = clock
        self.platform = platform
        projector = Projector(database, IdentityGraph(database, clock), clock, "op")
        queue, self.log, tools = Queue(database, clock), SagaLog(database, clock), OpenTools({}, {}, Quotas(clock))
        actions = platform.actions()
        registry = Registry(each.step for each in actions.values())
        runner = Runner(self.log, registry, projector, queue, tools, Gate(projector, Reach()))
        settings: Any = SimpleNamespace(limits=Limits(deadline=deadline))
        self.attention = AttentionDesk(self.log, runner, projector, queue, clock)
        self.atomics = Atomics(self.log, runner, projector, queue, tools, settings, actions)
        single = Actions(self.log, runner, projector, queue, tools, settings)
        handlers = Handlers()
        for each in (runner, self.atomics, single):
            each.register(handlers)
        self.worker = Worker(queue, handlers, clock=clock)
        self.services = SimpleNamespace(
            checkout=SimpleNamespace(atomics=self.atomics, actions=single), platform=platform, database=database
        )
        self.plans = PlanCache(SCHEMA)

    async def ask(
        self, text: str, variables: Mapping[str, Any] | None = None, principal: Principal = CALLER
    ) -> ExecutionResult:
        """The result; raises DocumentRefused."""
        plan = self.plans.plan(text)
        assert isinstance(plan, Plan), plan.errors
        context = Context(cast("Services", self.services), principal, "request")
        given = dict(variables or {})
        return await run(plan, given, context, **await hooks(plan, given, context))

    async def data(self, text: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data of an answer without errors."""
        result = await self.ask(text, variables)
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    async def codes(self, text: str, variables: Mapping[str, Any] | None = None) -> list[str]:
        """Every field's code, or the name of its success type."""
        return [each.get("code", each["__typename"]) for each in (await self.data(text, variables)).values()]

    async def refused(self, text: str, variables: Mapping[str, Any] | None = None) -> tuple[str, str]:
        """Code and message of a document that is refused before anything runs."""
        before = list(self.platform.asked)
        try:
            result = await self.ask(text, variables)
        except DocumentRefused as refused:
            assert self.platform.asked == before
            assert await self.sagas() == []
            return refused.code, str(refused)
        raise AssertionError(f"it was not refused: {result}")

    async def saga_ids(self) -> list[str]:
        """Every transaction, oldest first."""
        return [row.id for row in await self.database.fetch(select(saga.c.id).order_by(saga.c.id))]

    async def sagas(self) -> list[tuple[str, list[str]]]:
        """Every transaction's state and those of its steps."""
        rows = await self.database.fetch(select(saga.c.id, saga.c.state).order_by(saga.c.id))
        return [(row.state, [each.state.value for each in await self.log.steps(row.id)]) for row in rows]

    async def progress(self) -> list[Progress]:
        """How far the steps are that tell it."""
        steps = [each for saga_id in await self.saga_ids() for each in await self.log.steps(saga_id)]
        return [each.progress for each in steps if each.progress is not None]

    async def later(self, minutes: float = 2) -> None:
        """Time passes, and what was due is done."""
        self.clock.advance(minutes=minutes)
        await self.worker.drain()
