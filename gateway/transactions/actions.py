"""Actions: mutations with one effect, each a transaction of one step.

    LABEL = Action("followersTag", tag_followers, plan)
    done = await actions.perform(principal, LABEL, asked, idempotency_key)

``plan`` reads what the effect needs and refuses what cannot be; it has no effect itself. Then one commit holds the
caller's key, the saga, the step's intent, its first attempt and the job that carries it on, should this process die.
Only then a platform is called. The caller hears the outcome; where nobody knows it, they hear the transaction in
which it will be found out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Clock
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.ulid import Ulids
from gateway.events.projector import Batch, Projector
from gateway.jobs import Handlers, Queue, RunningJob
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.settings import Settings
from gateway.transactions.idempotency import Claim, Idempotency, canonical
from gateway.transactions.log import Planned, SagaLog, SagaMoved, SagaRow, StepRow
from gateway.transactions.problems import in_flight, problem
from gateway.transactions.records import Problem
from gateway.transactions.runner import Runner
from gateway.transactions.states import SETTLED, Attention, SagaState, StepState
from gateway.transactions.steps import AnyStep, OutOfTime, Step, StepRefused

A = TypeVar("A")
O = TypeVar("O")  # noqa: E741 — the outcome's type

#: Carries an action on whose process died, or whose platform did not say what became of it.
FINISH_JOB: Final = "action.finish"
#: How long the process that began an action has for it. Longer than any endpoint's time.
LEASE: Final = timedelta(minutes=1)
#: Ends of steps that say themselves what happened.
TOLD: Final = SETTLED - {StepState.UNKNOWN}
#: How long an action may take to be decided; for operators.
DEADLINE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Planning:
    """What a plan may use: it reads, and has no effect.

    ``key`` names the effect: platforms that know repetitions by a key are given it, or a part of it.
    """

    principal: Principal
    key: str
    projector: Projector
    tools: OpenTools
    settings: Settings

    @property
    def database(self) -> Database:
        """For reads."""
        return self.projector.database


@dataclass(frozen=True, slots=True)
class Effect:
    """What is to be done.

    Attributes:
        intent: the step's; what is sent to the platform, byte for byte.
        subject: the member under whose key a personal intent is sealed; empty where none is.
        values: ids that operators may see. ``member`` among them says whose it is to whoever follows transactions.
        book: writes what the intent refers to and is too much for it, in the commit that holds the intent; it is
            given the transaction's id. Raises StepRefused where something else took what it needs: then nothing stays.
    """

    intent: object
    subject: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    book: Callable[[Batch, str], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Action(Generic[A, O]):
    """A mutation's effect. ``mutation`` is the root field; ``plan`` takes what the client asked for, as plain data.

    ``plan`` raises StepRefused, UpstreamError or ToolNotConfigured.
    """

    mutation: str
    step: Step[Any, O]
    plan: Callable[[Planning, A], Awaitable[Effect]]


AnyAction = Action[Any, Any]


@dataclass(frozen=True, slots=True)
class Performed(Generic[O]):
    """It happened, now or under an earlier request with the same key."""

    transaction: str
    outcome: O


class Actions:
    """Performs actions. Safe with any number of processes."""

    def __init__(
        self, log: SagaLog, runner: Runner, projector: Projector, queue: Queue, tools: OpenTools, settings: Settings
    ) -> None:
        self._log = log
        self._runner = runner
        self._projector = projector
        self._queue = queue
        self._tools = tools
        self._settings = settings
        self._clock: Clock = projector.clock
        self._ulids = Ulids(projector.clock)
        self._idempotency = Idempotency(projector.database)
        #: Actions under way: they go on when their client leaves.
        self._running: set[asyncio.Task[Any]] = set()

    def register(self, handlers: Handlers) -> None:
        """Add the job that carries actions on."""
        stuck = self._runner.given_up(Attention.STEP_FAILED, SagaState.RUNNING, SagaState.COMPLETING)
        handlers.add(FINISH_JOB, self._finish_job, versions={1}, given_up=stuck)

    async def drain(self) -> None:
        """Wait for the actions under way: before the database and the tools are closed."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def perform(
        self, principal: Principal, action: Action[A, O], asked: A, idempotency_key: str
    ) -> Performed[O] | Problem:
        """Do it once for this caller and key. A client that leaves does not stop it.

        A refused request leaves its key free. Problems: the plan's, the step's and the platform's own refusals;
        IDEMPOTENCY_MISMATCH, IDEMPOTENCY_IN_FLIGHT, and TRANSACTION_IN_PROGRESS with ``transaction`` among its
        details, when the outcome is being found out, or the request has no time for all of it.
        """
        claim = Claim(scope_of(principal), action.mutation, idempotency_key, canonical(asked))
        earlier = await self._replayed(claim, action)
        if earlier is not None:
            return earlier
        task = asyncio.create_task(self._perform(principal, action, asked, claim))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _perform(
        self, principal: Principal, action: Action[A, O], asked: A, claim: Claim
    ) -> Performed[O] | Problem:
        saga_id = self._ulids.next()
        planning = Planning(principal, saga_id, self._projector, self._tools, self._settings)
        try:
            effect = await action.plan(planning, asked)
        except (StepRefused, UpstreamError, ToolNotConfigured) as error:
            # The refusal may be the doing of the very request that this one repeats.
            return await self._replayed(claim, action) or problem(error)
        claim_id = self._ulids.next()
        try:
            begun = await self._begin(principal, action.step, effect, claim, claim_id, saga_id)
        except StepRefused as error:
            return await self._replayed(claim, action) or problem(error)
        if not begun:
            return await self._replayed(claim, action) or in_flight()
        [row] = await self._log.steps(saga_id)

        async def finish(batch: Batch) -> None:
            await self._idempotency.done(batch.connection, claim_id)

        try:
            failure = await self._runner.single(row, finish)
        except SagaMoved:
            # The job overtook this process and knows the outcome.
            return await self._answer(saga_id, action)
        except OutOfTime:
            async with self._projector.database.write() as connection:
                await self._queue.reschedule(connection, FINISH_JOB, saga_id, self._clock.now())
            return await self._answer(saga_id, action)
        if failure is not None and await self._refused(saga_id):
            async with self._projector.database.write() as connection:
                await self._idempotency.forget(connection, claim_id)
            return problem(failure)
        # Also of an outcome that nobody knows: it keeps its key.
        return await self._answer(saga_id, action)

    async def _begin(
        self, principal: Principal, step: AnyStep, effect: Effect, claim: Claim, claim_id: str, saga_id: str
    ) -> bool:
        """Commit key, saga, intent, attempt and job; False when the key was taken meanwhile."""
        now = self._clock.now()
        if effect.subject:
            await self._projector.database.keyring.ensure(effect.subject)
        async with self._projector.batch() as batch:
            connection = batch.connection
            ids = {"transaction": saga_id}
            if not await self._idempotency.claim(connection, claim, claim_id, ids, now, result=claim.mutation):
                return False
            await self._log.begin(
                batch,
                saga_id,
                claim.mutation,
                [Planned(step, effect.intent, saga_id)],
                principal=principal.id,
                subject=effect.subject,
                values={**effect.values, "claim": claim_id, "caller": claim.scope},
                deadline=now + DEADLINE,
                attempted=step.begins_with_intent,
            )
            if effect.book is not None:
                await effect.book(batch, saga_id)
            payload = {"saga": saga_id, "seq": 1}
            await self._queue.put(connection, FINISH_JOB, 1, payload, key=saga_id, run_at=now + LEASE)
        return True

    async def _refused(self, saga_id: str) -> bool:
        """True when it certainly did not happen."""
        [row] = await self._log.steps(saga_id)
        return row.state is StepState.FAILED

    async def _finish_job(self, job: RunningJob) -> None:
        saga_id = job.payload["saga"]
        [row] = await self._log.steps(saga_id)
        if row.state is StepState.FAILED:
            # Its process died between the refusal and the end of the saga.
            await self._runner.refuse(saga_id)
            return
        if row.tool is None and row.state is StepState.PENDING:
            async with self._runner.within_limit(job, saga_id, Attention.STEP_FAILED):
                await self._runner.single(row, _nothing_more)
            return
        async with self._projector.batch() as batch:
            await self._log.move(batch, saga_id, SagaState.COMPLETING, source=SagaState.RUNNING)
        await self._runner.carry_on(job)

    async def _replayed(self, claim: Claim, action: Action[A, O]) -> Performed[O] | Problem | None:
        """The answer to an earlier request with this key, if there was one."""
        earlier = await self._idempotency.earlier(claim, self._clock.now())
        if earlier is None:
            return None
        if not earlier.same:
            return Problem(
                "IDEMPOTENCY_MISMATCH",
                f"This idempotencyKey was used for another {action.mutation}; make a new key for a new request.",
            )
        return await self._answer(earlier.ids["transaction"], action)

    async def _answer(self, saga_id: str, action: Action[A, O]) -> Performed[O] | Problem:
        [row] = await self._log.steps(saga_id)
        if row.state in TOLD:
            return outcome_of(row, action)
        found = await self._log.saga(saga_id)
        assert found is not None  # noqa: S101 — its step was there
        # Once more, since it may have ended meanwhile: a step ends before its transaction does.
        [row] = await self._log.steps(saga_id)
        told = None if row.state in TOLD else still_open(found)
        return told or (in_progress(saga_id) if row.state not in SETTLED else outcome_of(row, action))


def scope_of(principal: Principal) -> str:
    """Whose keys and transactions: the API key's, and with a session the shopper's or the guide's alone."""
    if principal.guide is not None:
        return f"{principal.id}:{principal.guide}"
    return principal.id if principal.session_identity is None else f"{principal.id}:{principal.session_identity}"


def still_open(saga: SagaRow) -> Problem | None:
    """What is answered of a step that nobody knows the end of, where a person is to look or has looked; else None."""
    if saga.state is SagaState.NEEDS_ATTENTION:
        return nobody_knows(saga.id)
    if saga.state in {SagaState.COMPLETED, SagaState.COMPENSATED}:
        return Problem(
            "RESOLVED",
            "A person has ended this transaction: they know what became of it. If it is still wanted, use a new key.",
            details={"transaction": saga.id},
        )
    return None


def nobody_knows(saga_id: str, **details: str) -> Problem:
    """Nobody can tell, now."""
    return Problem(
        "OUTCOME_UNKNOWN",
        "It may have happened, and the platform cannot tell; a person has to look before it is repeated.",
        details={"transaction": saga_id, **details},
    )


def outcome_of(row: StepRow, action: Action[A, O]) -> Performed[O] | Problem:
    """How a step of the action's ended."""
    if row.state in {StepState.DONE, StepState.UNDONE}:
        return Performed(row.saga, row.outcome(action.step.outcome))
    return _ended(row)


async def _nothing_more(batch: Batch) -> None:
    """The caller's key needs no word: what it answers is read from the saga."""


def in_progress(saga_id: str) -> Problem:
    """Sent, and nobody said yet what became of it; or begun, and more than a request has time for."""
    return Problem(
        "TRANSACTION_IN_PROGRESS",
        "A job goes on with it, or finds out what the platform did; watch the transaction, or send the same request "
        "again later.",
        retryable=True,
        details={"transaction": saga_id},
    )


def _ended(row: StepRow) -> Problem:
    """How a step ended that did not happen, or of which nobody knows."""
    if row.state is StepState.UNKNOWN:
        return nobody_knows(row.saga, reason=row.reason or "")
    code, _, reason = (row.reason or "").partition(":")
    return Problem(
        code or "REJECTED",
        "It was refused, and nothing happened; use a new idempotencyKey for another try.",
        tool=row.tool if reason else None,
        details={"transaction": row.saga, "reason": reason},
    )
