"""Transactions that a client composes: any actions, one after the other, all of them or none.

    opened = await atomics.open(principal, key, document)    # Atomic, or a problem
    opened.at("a")                                           # the next action answers the field "a"
    done = await opened.perform(action, asked)               # Performed, or a problem: QUEUED, or why not
    await opened.complete()                                  # or: await opened.undo(Failed(…))

The first action's commit holds the caller's key, the saga and the job that ends its time, should this process die;
each further one adds its step to the saga. What can be undone runs at once, a pivot last, and what is retriable is put
into the queue by the commit that ends the saga's forward part.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar

import msgspec

from adapters.base.deadline import remaining
from adapters.base.errors import OutcomeUnknown, UpstreamError
from gateway.access.principal import Principal
from gateway.database.ulid import Ulids
from gateway.events.projector import Batch, Projector
from gateway.jobs import Handlers, Queue, RunningJob
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.settings import Settings
from gateway.transactions.actions import (
    TOLD,
    Action,
    AnyAction,
    Effect,
    Performed,
    Planning,
    in_progress,
    nobody_knows,
    outcome_of,
    scope_of,
    still_open,
)
from gateway.transactions.idempotency import Claim, Idempotency
from gateway.transactions.log import Planned, SagaLog, SagaMoved, SagaRow, StepRow
from gateway.transactions.problems import in_flight, problem
from gateway.transactions.records import Problem
from gateway.transactions.runner import NOT_DONE, Runner
from gateway.transactions.states import SETTLED, Attention, SagaState, StepState
from gateway.transactions.steps import Delivery, Kind, OutOfTime, StepRefused

A = TypeVar("A")
O = TypeVar("O")  # noqa: E741 — the outcome's type

#: The kind of these sagas, and the name under which their keys are kept.
KIND: Final = "atomic"
#: What a field answers that is done after the others.
QUEUED: Final = "QUEUED"
#: Decides a transaction whose process died, or whose pivot nobody knows the outcome of.
DECIDE_JOB: Final = "atomic.decide"
#: Added to the time that a request has: nothing of a living process is under way any more when the job comes.
MARGIN: Final = timedelta(minutes=1)
#: How long a transaction may take to be decided; for operators.
DEADLINE: Final = timedelta(days=1)
#: Where a transaction stands that does not go through.
UNDOABLE: Final = (SagaState.RUNNING, SagaState.COMPENSATING, SagaState.COMPENSATED)
#: Where a pivot stands that may have happened.
_OPEN: Final = frozenset({StepState.RUNNING, StepState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a transaction is undone: the response key of the field, and its problem's code and message."""

    field: str | None
    code: str
    message: str


def must_be_last(action: AnyAction) -> bool:
    """Whether nothing that may fail can come after it: it runs at once, and cannot surely be undone."""
    step = action.step
    return step.kind is Kind.PIVOT or (step.kind is Kind.COMPENSATABLE and step.delivery is Delivery.ONCE)


def is_queued(action: AnyAction) -> bool:
    """Whether it is done after all the others, as a job."""
    return action.step.kind is Kind.RETRIABLE


class Atomics:
    """Opens transactions of clients, and decides those that nobody goes on with."""

    def __init__(
        self,
        log: SagaLog,
        runner: Runner,
        projector: Projector,
        queue: Queue,
        tools: OpenTools,
        settings: Settings,
        actions: Mapping[str, AnyAction],
    ) -> None:
        self.log = log
        self.runner = runner
        self.projector = projector
        self.queue = queue
        self.tools = tools
        self.settings = settings
        #: What can be part of one, by root field.
        self.actions = actions
        self.idempotency = Idempotency(projector.database)
        self.ulids = Ulids(projector.clock)
        #: Undoing that goes on although the request it belongs to is answered.
        self.undoing: set[asyncio.Task[bool]] = set()

    def register(self, handlers: Handlers) -> None:
        """Add the job."""
        stuck = self.runner.given_up(Attention.UNDECIDED, SagaState.RUNNING)
        handlers.add(DECIDE_JOB, self._decide_job, versions={1}, given_up=stuck)

    async def drain(self) -> None:
        """Wait for what is being undone: before the database and the tools are closed."""
        while self.undoing:
            await asyncio.gather(*self.undoing, return_exceptions=True)

    async def open(self, principal: Principal, key: str, asked: str) -> Atomic | Problem:
        """The caller's transaction under this key; ``asked`` is all that the answer depends on, as a text.

        A transaction that went through is opened again, and answers what was. Problems: IDEMPOTENCY_MISMATCH,
        IDEMPOTENCY_IN_FLIGHT, and what became of one that did not go through.
        """
        claim = Claim(scope_of(principal), KIND, key, asked)
        earlier = await self.idempotency.earlier(claim, self.projector.clock.now())
        if earlier is None:
            return Atomic(self, principal, claim, self.ulids.next(), None)
        if not earlier.same:
            return Problem(
                "IDEMPOTENCY_MISMATCH",
                "This key of @atomic was used for another document or other variables; make a new key.",
            )
        saga_id = earlier.ids["transaction"]
        found = await self.log.saga(saga_id)
        assert found is not None  # noqa: S101 — the key and the saga are one commit
        if found.state is SagaState.RUNNING:
            return in_flight()
        failed = "failed" in (found.input or {})
        if found.state is SagaState.COMPENSATED or (failed and found.state is not SagaState.COMPLETED):
            return self.undone(found)
        told = still_open(found)
        if told is not None and (failed or found.attention is Attention.UNDECIDED):
            return told
        return Atomic(self, principal, claim, saga_id, await self.log.steps(saga_id), told)

    def undone(self, saga: SagaRow) -> Problem:
        """What every field of a transaction answers that did not go through."""
        told = (saga.input or {}).get("failed")
        failed = Failed(**told) if told else Failed(None, "RESOLVED", "A person has ended it.")
        if saga.state is SagaState.NEEDS_ATTENTION:
            return Problem(
                "OUTCOME_UNKNOWN",
                f"The transaction failed ({failed.code}), and not all of it could be undone; a person has to look.",
                details={"transaction": saga.id, "field": failed.field, "cause": failed.code},
            )
        return rolled_back(saga.id, failed, finished=saga.state is SagaState.COMPENSATED)

    async def finish(self, batch: Batch, saga_id: str, claim_id: str) -> None:
        """The forward part is over: put what is left into the queue. Raises SagaMoved."""
        if not await self.log.move(batch, saga_id, SagaState.COMPLETING, source=SagaState.RUNNING):
            raise SagaMoved(f"transaction {saga_id} is not RUNNING any more; it does not complete")
        await self.runner.enqueue_rest(batch, await self.log.steps(saga_id, batch.connection))
        await self.idempotency.done(batch.connection, claim_id)

    async def give_to_a_person(self, saga_id: str, job: RunningJob | None = None) -> None:
        """Nobody can tell whether its pivot happened: nothing is undone, and nothing more is done. With it ends the
        job that found this out: whoever answers at once puts another one."""
        async with self.projector.batch() as batch:
            await self.log.move(
                batch,
                saga_id,
                SagaState.NEEDS_ATTENTION,
                source=SagaState.RUNNING,
                attention=Attention.UNDECIDED,
            )
            if job is not None:
                await job.complete(batch.connection)

    async def _decide_job(self, job: RunningJob) -> None:
        saga_id = job.payload["saga"]
        found = await self.log.saga(saga_id)
        if found is None or found.state is not SagaState.RUNNING:
            return
        async with self.runner.within_limit(job, saga_id, Attention.UNDECIDED):
            if await self._decided(job, (found.input or {})["claim"]):
                return
            await self.note_failure(saga_id, await self._why(saga_id))
        # Its own job goes on where a platform does not let something be undone now.
        await self.runner.compensate(saga_id)

    async def _decided(self, job: RunningJob, claim_id: str) -> bool:
        """Whether its pivot has decided it: done, and so is the forward part; or unknown, and a person looks."""
        saga_id = job.payload["saga"]
        pivot = await self.pivot(saga_id)
        # One of a tool that is PENDING prepares: everything before it is done, and so it goes on.
        if pivot is None or not (pivot.state in _OPEN or (pivot.state is StepState.PENDING and pivot.tool)):
            return False

        async def also(batch: Batch) -> None:
            await self.finish(batch, saga_id, claim_id)

        if pivot.state is not StepState.UNKNOWN:
            try:
                return await self.runner.find_out(pivot, also)
            except OutcomeUnknown:
                pivot = await self.pivot(saga_id)
                if pivot is None or pivot.state is not StepState.UNKNOWN:
                    raise
        await self.give_to_a_person(saga_id, job)
        return True

    async def _why(self, saga_id: str) -> Failed:
        """Why a transaction that no process works on is undone."""
        pivot = await self.pivot(saga_id)
        code = "" if pivot is None or pivot.state is not StepState.FAILED else (pivot.reason or "").partition(":")[0]
        if code and code != NOT_DONE:
            return Failed(None, code, "The last field was refused.")
        return Failed(None, "INTERRUPTED", "The process that worked on it ended.")

    async def pivot(self, saga_id: str) -> StepRow | None:
        """The step that cannot be undone, once it has been reached."""
        return next((row for row in await self.log.steps(saga_id) if row.kind is Kind.PIVOT), None)

    async def note_failure(self, saga_id: str, failed: Failed) -> None:
        """For the answers to the same request; the first failure stays."""
        async with self.projector.database.write() as connection:
            if await self.log.hold(connection, saga_id, *UNDOABLE) is not None:
                told = {"field": failed.field, "code": failed.code, "message": failed.message}
                await self.log.note(connection, saga_id, {"failed": told})


class Atomic:
    """One transaction that a client composes; used by one request, from one task at a time.

    Attributes:
        id: the transaction's.
        decided: nothing can be undone any more: it went through, now or earlier, or nobody knows.
    """

    def __init__(
        self,
        atomics: Atomics,
        principal: Principal,
        claim: Claim,
        saga_id: str,
        steps: list[StepRow] | None,
        told: Problem | None = None,
    ) -> None:
        self._all = atomics
        self._principal = principal
        self._claim = claim
        self._claim_id = atomics.ulids.next()
        self.id = saga_id
        #: By their keys, where this is the answer to a request that was made before.
        self._earlier = None if steps is None else {row.key: row for row in steps}
        #: What a field answers of which nobody knows the end, where a person is to look or has looked.
        self._told = told
        self._steps = 0
        self._field = ""
        self.decided = steps is not None
        #: What every field answers where this request cannot tell the outcome.
        self.answer: Problem | None = None

    def at(self, field: str) -> None:
        """The action that comes next answers the field with this response key."""
        self._field = field

    async def perform(self, action: Action[A, O], asked: A) -> Performed[O] | Problem:
        """Plan the action, and run it where it can be undone or is the last one.

        Problems: QUEUED, with ``transaction`` among its details; or why it was not done, and the whole is to be undone.
        """
        key = self._key()
        if self._earlier is not None:
            earlier = self._earlier.get(key) or self._earlier.get(self._key(before=True))
            if earlier is None or (self._told is not None and earlier.state not in TOLD):
                # Its process died before it came to this field, or nobody knows what became of it.
                return self._told or in_progress(self.id)
            if earlier.state in SETTLED:
                return outcome_of(earlier, action)
            return queued(self.id) if is_queued(action) else in_progress(self.id)
        planning = Planning(self._principal, key, self._all.projector, self._all.tools, self._all.settings)
        try:
            effect = await action.plan(planning, asked)
            row = await self._append(action, effect, key)
            if row is None:
                self.answer = in_flight()
                return self.answer
            if is_queued(action):
                return queued(self.id)
            try:
                await self._run(action, row)
            except (StepRefused, UpstreamError, ToolNotConfigured, OutOfTime, SagaMoved):
                raise
            except Exception:
                # A defect, or a commit that failed: nobody knows by now whether a pivot has happened.
                if action.step.kind is Kind.PIVOT and action.step.tool is not None:
                    self.decided, self.answer = True, in_progress(self.id)
                    if action.step.prepares and await self._all.runner.never_began(row):
                        self.decided, self.answer = False, None
                    else:
                        await self._undecided()
                raise
        except OutcomeUnknown as error:
            if action.step.kind is Kind.PIVOT:
                await self._undecided()
            return problem(error)
        except (StepRefused, UpstreamError, ToolNotConfigured) as error:
            return problem(error)
        except OutOfTime:
            self.answer = await self._goes_on()
            return self.answer
        except SagaMoved:
            return await self._overtaken() or await self._outcome(action, key)
        return await self._outcome(action, key)

    async def _outcome(self, action: Action[A, O], key: str) -> Performed[O] | Problem:
        row = next(each for each in await self._all.log.steps(self.id) if each.key == key)
        return outcome_of(row, action) if row.state in SETTLED else in_progress(self.id)

    async def _overtaken(self) -> Problem | None:
        """The job came before this process was done: None where it has brought the transaction to its end."""
        # In this order: the saga moves on after its pivot.
        pivot = await self._all.pivot(self.id)
        found = await self._all.log.saga(self.id)
        if found is not None and found.state is SagaState.RUNNING and pivot and pivot.state in _OPEN:
            # The job has begun what this process prepared or was slow at; what came of that nobody may know.
            self.decided, self.answer = True, in_progress(self.id)
            return self.answer
        if found is None or found.state in UNDOABLE:
            return Problem("SAGA_MOVED", "It took too long, and another process has begun to undo it.", retryable=True)
        self.decided = True
        return None

    async def complete(self) -> None:
        """Every action succeeded: the transaction goes through. Raises SagaMoved."""
        if self.decided or self._steps == 0:
            return
        async with self._all.projector.batch() as batch:
            await self._all.finish(batch, self.id, self._claim_id)
        self.decided = True

    async def undo(self, failed: Failed) -> Problem:
        """Undo what was done, and what every field answers then: TRANSACTION_ROLLED_BACK, or where the time of
        the request does not suffice, TRANSACTION_IN_PROGRESS."""
        if self._steps == 0:
            return rolled_back(None, failed, finished=True)
        await self._all.note_failure(self.id, failed)
        undoing = asyncio.create_task(self._all.runner.undo(self.id))
        self._all.undoing.add(undoing)
        undoing.add_done_callback(self._all.undoing.discard)
        await asyncio.wait({undoing}, timeout=max(0.0, remaining(self._all.settings.limits.deadline)))
        found = await self._all.log.saga(self.id)
        assert found is not None  # noqa: S101 — a step was appended to it
        return self._all.undone(found)

    def _key(self, *, before: bool = False) -> str:
        """Names the field's effect, for platforms and for the log: 26 characters; as a release ``before`` did."""
        # The caller's key may be used again for another transaction, once it is forgotten.
        which = [] if before else [self.id]
        named = msgspec.json.encode([self._claim.scope, self._claim.key, self._field, *which])
        return base64.b32encode(hashlib.sha256(named).digest())[:26].decode()

    async def _append(self, action: AnyAction, effect: Effect, key: str) -> StepRow | None:
        """Commit the intent; None where another request has taken the key meanwhile. Raises SagaMoved."""
        everything, planned = self._all, Planned(action.step, effect.intent, key)
        attempted = action.step.begins_with_intent and not is_queued(action)
        if effect.subject:
            await everything.projector.database.keyring.ensure(effect.subject)
        async with everything.projector.batch() as batch:
            connection = batch.connection
            if self._steps:
                if not await everything.log.append(
                    connection, self.id, self._steps + 1, planned, subject=effect.subject, attempted=attempted
                ):
                    raise SagaMoved(f"transaction {self.id} is not RUNNING any more; nothing is added to it")
            else:
                now = everything.projector.clock.now()
                ids = {"transaction": self.id}
                if not await everything.idempotency.claim(
                    connection, self._claim, self._claim_id, ids, now, result=KIND
                ):
                    return None
                await everything.log.begin(
                    batch,
                    self.id,
                    KIND,
                    [planned],
                    principal=self._principal.id,
                    subject=effect.subject,
                    values={"claim": self._claim_id, "caller": self._claim.scope},
                    deadline=now + DEADLINE,
                    attempted=attempted,
                )
                run_at = now + timedelta(seconds=everything.settings.limits.deadline) + MARGIN
                await everything.queue.put(connection, DECIDE_JOB, 1, {"saga": self.id}, key=self.id, run_at=run_at)
            if effect.book is not None:
                await effect.book(batch, self.id)
        self._steps += 1
        row = (await everything.log.steps(self.id))[-1]
        # As it was committed: what is read of it may show the attempt of a job already, and that is another.
        return replace(row, started_at=None, attempts=int(attempted))

    async def _run(self, action: AnyAction, row: StepRow) -> None:
        is_pivot = action.step.kind is Kind.PIVOT

        async def also(batch: Batch) -> None:
            if is_pivot:
                await self._all.finish(batch, self.id, self._claim_id)

        await self._all.runner.run_one(row, also)
        self.decided = is_pivot

    async def _goes_on(self) -> Problem:
        """The pivot takes longer than the request: the job does it, at once."""
        self.decided, everything = True, self._all
        async with everything.projector.database.write() as connection:
            await everything.queue.reschedule(connection, DECIDE_JOB, self.id, everything.projector.clock.now())
        return in_progress(self.id)

    async def _undecided(self) -> None:
        """Nobody knows whether the pivot happened: what can be found out, the job finds out."""
        self.decided, self.answer = True, in_progress(self.id)
        row = (await self._all.log.steps(self.id))[-1]
        if row.state is StepState.UNKNOWN:
            await self._all.give_to_a_person(self.id)
            self.answer = nobody_knows(self.id)


def queued(saga_id: str) -> Problem:
    """It is done after all the others, and tried until it ends."""
    return Problem(
        "QUEUED",
        "It is done as soon as the transaction has gone through; watch the transaction to see it end.",
        details={"transaction": saga_id},
    )


def rolled_back(saga_id: str | None, failed: Failed, *, finished: bool) -> Problem:
    """Why nothing was done, or is to stay."""
    where = f"The field {failed.field} failed" if failed.field else "It was not finished"
    details = {"transaction": saga_id, "field": failed.field, "cause": failed.code}
    if finished:
        message = f"{where} ({failed.code}), and nothing of the transaction stays: {failed.message}"
        return Problem("TRANSACTION_ROLLED_BACK", message, details=details)
    message = f"{where} ({failed.code}); what was done before is being undone. Watch the transaction. {failed.message}"
    return Problem("TRANSACTION_IN_PROGRESS", message, retryable=True, details=details)
