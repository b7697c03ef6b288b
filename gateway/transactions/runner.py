"""Runs sagas: forward in this process, backward when a step fails, and the rest as jobs of the queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base.errors import (
    Conflict,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Rejected,
    UpstreamError,
)
from gateway.events.projector import Batch, Projector
from gateway.jobs import Handler, Handlers, LeaseExpired, ParkJob, PostponeJob, Queue, RunningJob
from gateway.jobs.worker import error_code
from gateway.members.gate import Gate
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.attempts import LoggedAttempt
from gateway.transactions.log import Planned, SagaLog, SagaMoved, StepRow
from gateway.transactions.states import SETTLED, Attention, SagaState, StepState
from gateway.transactions.steps import (
    AnyStep,
    Delivery,
    Kind,
    Registry,
    StepContext,
    StepRefused,
    StepSkipped,
    StepWaits,
    UnknownStep,
)

STEP_JOB = "saga.step"
COMPENSATE_JOB = "saga.compensate"
#: Tries again what a step of another saga has helped; the desk where persons answer does it.
HELPED_JOB = "saga.helped"
#: How long the process that began to undo has for it, before the job takes over.
UNDO_TIME = timedelta(minutes=1)

#: Refusals that stay refusals however often one asks.
FINAL = (Rejected, Invalid, NotFound, Conflict)
#: Steps that a process which died may have left behind it.
_UNFINISHED = frozenset({StepState.PENDING, StepState.RUNNING})
#: A call that was made this long ago has arrived by now, or never will.
LANDS = timedelta(minutes=1)
#: Why a step FAILED whose shopper was erased before it had begun.
ERASED_FIRST = "SUBJECT_ERASED"
#: Why a pivot FAILED that its platform does not know of.
NOT_DONE = "NOT_DONE"
#: Steps that a person must look at.
BADLY = frozenset({StepState.FAILED, StepState.UNKNOWN})
_NOT_REPEATABLE = "An earlier attempt may have done it, and repeating it is not safe."
#: Where a saga stands while a step of it runs before the pivot, and after it: a sibling may have called for a person
#: meanwhile, and what happened, happened.
_BEFORE = (SagaState.RUNNING,)
_AFTER = (SagaState.COMPLETING, SagaState.NEEDS_ATTENTION)
#: Where a saga stands that has yet to end.
_UNDER_WAY = (SagaState.RUNNING, SagaState.AWAITING_PAYMENT, SagaState.COMPLETING, SagaState.COMPENSATING)
Failure = StepRefused | UpstreamError | ToolNotConfigured
InCommit = Callable[[Batch], Awaitable[None]]


class SagaBusy(Exception):
    """The saga is in the middle of something; the same again in a moment will find an answer."""

    code = "SAGA_BUSY"


class Runner:
    """The state machine. Which steps a saga has is its planner's business."""

    def __init__(
        self, log: SagaLog, registry: Registry, projector: Projector, queue: Queue, tools: OpenTools, gate: Gate
    ) -> None:
        self.log = log
        self._registry = registry
        self._projector = projector
        self._queue = queue
        self._tools = tools
        self._gate = gate

    def register(self, handlers: Handlers) -> None:
        """Add the jobs that carry sagas on."""
        stuck = self.given_up(Attention.STEP_FAILED, SagaState.COMPLETING)
        kept = self.given_up(Attention.UNDO_FAILED, SagaState.COMPENSATING)
        handlers.add(STEP_JOB, self._step_job, versions={1}, given_up=stuck)
        handlers.add(COMPENSATE_JOB, self._compensate_job, versions={1}, given_up=kept)

    # Forward --------------------------------------------------------------------------------------

    async def open(self, batch: Batch, saga_id: str, plan: Sequence[Planned]) -> dict[int, object]:
        """Do the steps of our own book that stand first, in the transaction that begins the saga.

        Returns their outcomes by place, for ``SagaLog.begin``. Raises StepRefused: then nothing is to be committed.
        """
        outcomes: dict[int, object] = {}
        for seq, planned in enumerate(plan, 1):
            if planned.skip:
                continue
            if planned.step.tool is not None or planned.step.kind is not Kind.COMPENSATABLE:
                break
            now = self._projector.clock.now()
            ctx = StepContext(saga_id, planned.key, self._projector, now, self._gate, open_batch=batch)
            outcomes[seq] = await planned.step.run(ctx, planned.intent)
            for write in ctx.on_done:
                await write(batch)
            batch.facts += ctx.facts
        return outcomes

    async def forward(self, saga_id: str, finish: InCommit, *, noted: bool = False) -> Failure | None:
        """Run the compensatable steps in order; ``finish`` is part of the last one's commit.

        Goes on where another process stopped. Returns the failure that made it undo what was done. Raises
        SagaBusy when another process goes on with the saga at the same time. Any other error puts a job that
        undoes, and is raised. ``noted`` says that the first attempt was committed with the intents.
        """
        rows = await self.log.steps(saga_id)
        todo = [row for row in rows if row.kind is Kind.COMPENSATABLE and row.state in _UNFINISHED]
        try:
            if noted:
                todo = [_only_just_begun(row, first=row is todo[0]) for row in todo]
            elif todo and todo[0].tool is not None:
                todo[0] = await self._begun(todo[0])
            if not todo:
                async with self._projector.batch() as batch:
                    await finish(batch)
                return None
            for place, row in enumerate(todo):
                following = todo[place + 1] if place + 1 < len(todo) else None
                await self._advance(row, following, finish)
                if following is not None and following.tool is not None:
                    todo[place + 1] = replace(following, attempts=following.attempts + 1)
        except SagaMoved as moved:
            raise SagaBusy(f"saga {saga_id} is being moved by another process") from moved
        except (StepRefused, UpstreamError, ToolNotConfigured) as failure:
            await self._give_up(saga_id)
            return failure
        except Exception:
            await self._compensate_later(saga_id)
            raise
        return None

    async def _advance(self, row: StepRow, following: StepRow | None, finish: InCommit) -> None:
        """One step, its outcome, and the attempt of the next one if that is a tool's."""

        async def also(batch: Batch) -> None:
            if following is None:
                await finish(batch)
            elif following.tool is not None and not await self.log.attempt(batch.connection, following):
                raise SagaMoved(f"step {following.name} of saga {row.saga} was begun by another process")

        await self.run_one(row, also)

    async def run_one(self, row: StepRow, also: InCommit) -> None:
        """Run one step of a saga that is RUNNING; ``also`` is part of its outcome's commit.

        A step of a tool has its attempt noted before, or prepares. Raises the failure, which nothing has been undone
        for, OutOfTime and SagaMoved.
        """
        step = self._registry.find(row.name, row.version)
        if step.tool is None:
            await self._book(step, row, also)
            return
        ctx = self._context(step, row, _BEFORE, begun=not step.prepares)
        outcome = await self._deliver(step, row, ctx)
        async with self._projector.batch() as batch:
            await self._done(batch, row, ctx, outcome, _BEFORE)
            await also(batch)

    async def find_out(self, row: StepRow, also: InCommit) -> bool:
        """What became of a pivot of a tool whose process died or was told nothing; ``also`` as for ``run_one``.

        One that prepares and has not begun is run. True: it is done. False: it certainly did not happen, and is FAILED.
        Raises OutcomeUnknown where the step is UNKNOWN now, and whatever else a platform answers for a later try.
        """
        step = self._registry.find(row.name, row.version)
        ctx = self._context(step, row, _BEFORE)
        if row.erased and row.started_at is None:
            await self._end(row, StepState.FAILED, ctx, ERASED_FIRST)
            return False
        if row.erased or (step.ask is None and self._too_late(step, row)):
            await self._end(row, StepState.UNKNOWN, ctx, "OUTCOME_UNKNOWN")
            raise OutcomeUnknown(step.tool or "", "not_repeatable", "It may have happened, and nobody can tell.")
        intent = row.intent(step.intent)
        await self._begin_before_it_runs(step, ctx)
        if step.ask is not None and row.started_at is not None:
            try:
                outcome = await step.ask(ctx, intent)
            except StepRefused as verdict:
                _may_land(step, row, ctx)
                await self._end(row, StepState.FAILED, ctx, verdict.code)
                return False
            if outcome is None:
                if ctx.now - (row.last_call or ctx.now) < LANDS:
                    raise _on_its_way(step)
                await self._end(row, StepState.FAILED, ctx, NOT_DONE)
                return False
        else:
            try:
                outcome = await step.run(ctx, intent)
            except OutcomeUnknown:
                raise
            except (StepRefused, *FINAL) as error:
                # It speaks of this attempt only; a first one may have had its effect.
                await self._end(row, _unless_begun(row, StepState.FAILED), ctx, _reason(error))
                if row.started_at is None:
                    return False
                raise OutcomeUnknown(step.tool or "", "not_repeatable", "It may have happened before.") from error
            except UpstreamError:
                await self._nothing_in(row, ctx)
                raise
        async with self._projector.batch() as batch:
            await self._done(batch, row, ctx, outcome, _BEFORE)
            await also(batch)
        return True

    async def single(self, row: StepRow, finish: InCommit) -> Failure | None:
        """Run the only step of a saga that this process has just begun; ``finish`` is part of a good outcome's commit.

        Returns the failure. After one that says that nothing was done the saga is COMPENSATED; after an unknown
        outcome the step stays RUNNING where it can be asked about or repeated, and ends UNKNOWN where not. Raises
        OutOfTime of one that prepares: it stays as it is, for a job.
        """
        row = _only_just_begun(row, first=self._registry.find(row.name, row.version).begins_with_intent)

        async def ends(batch: Batch) -> None:
            await self.log.move(batch, row.saga, SagaState.COMPLETING)
            await self.log.complete(batch, row.saga)

        async def also(batch: Batch) -> None:
            await ends(batch)
            await finish(batch)

        try:
            await self.run_one(row, also)
        except OutcomeUnknown as failure:
            [left] = await self.log.steps(row.saga)
            if left.state is StepState.UNKNOWN:
                async with self._projector.batch() as batch:
                    # The key stays taken: a repetition under it could be a second effect.
                    await also(batch)
            return failure
        except (StepRefused, UpstreamError, ToolNotConfigured) as failure:
            await self.refuse(row.saga)
            return failure
        return None

    async def never_began(self, row: StepRow) -> bool:
        """A defect ended a step that prepares. True, and it is FAILED, if no attempt has begun since ``row``."""
        try:
            await self._end(row, StepState.FAILED, None, "INTERNAL")
        except SagaMoved:
            return False
        return True

    async def refuse(self, saga_id: str) -> None:
        """End a saga of which nothing was done: its only step FAILED. Does nothing while the step may go on."""
        [row] = await self.log.steps(saga_id)
        if row.state is not StepState.FAILED:
            return
        async with self._projector.batch() as batch:
            await self.log.move(batch, saga_id, SagaState.COMPENSATING)
            await self.log.move(batch, saga_id, SagaState.COMPENSATED)

    async def carry_on(self, job: RunningJob) -> None:
        """Bring one step of a saga that is COMPLETING to its end; the job's payload names ``saga`` and ``seq``."""
        await self._step_job(job)

    async def _book(self, step: AnyStep, row: StepRow, also: InCommit) -> None:
        """A step of our own book: effect and outcome are one commit."""
        try:
            async with self._projector.batch() as batch:
                ctx = self._context(step, row, _BEFORE, batch)
                outcome = await step.run(ctx, row.intent(step.intent))
                await self._done(batch, row, ctx, outcome, _BEFORE)
                await also(batch)
        except StepRefused as refusal:
            await self._end(row, StepState.FAILED, None, refusal.code)
            raise

    async def _deliver(self, step: AnyStep, row: StepRow, ctx: StepContext) -> object:
        """The effect at a platform; an unknown outcome is asked about, or repeated once under its key."""
        if self._too_late(step, row):
            await self._end(row, StepState.UNKNOWN, ctx, "OUTCOME_UNKNOWN")
            raise OutcomeUnknown(step.tool or "", "not_repeatable", _NOT_REPEATABLE)
        try:
            return await self._run_or_ask(step, row, ctx)
        except OutcomeUnknown as lost:
            if step.delivery is Delivery.ONCE:
                await self._end(row, StepState.UNKNOWN, ctx, "OUTCOME_UNKNOWN")
                raise
            return await self._deliver_again(step, row, ctx, lost)
        except (StepRefused, ToolNotConfigured, UpstreamError) as error:
            # Every kind but OutcomeUnknown says that nothing was done, in this attempt.
            await self._end(row, _failed(row, error), ctx, _reason(error))
            raise

    async def _deliver_again(self, step: AnyStep, row: StepRow, ctx: StepContext, lost: OutcomeUnknown) -> object:
        """After an answer was lost: ask, or repeat. Raises ``lost`` where it may be done and stay: what refuses this
        attempt does not speak of that one. Raises the refusal where nothing was done, or where what was is undone."""
        ctx.repeated = True
        try:
            return await self._run_or_ask(step, row, ctx)
        except (StepRefused, ToolNotConfigured, UpstreamError) as error:
            if _is_verdict(error):
                await self._end(row, StepState.FAILED, ctx, _reason(error))
                raise
            if step.kind is Kind.COMPENSATABLE:
                raise
            raise lost from error

    # Backward -------------------------------------------------------------------------------------

    async def undo(self, saga_id: str) -> bool:
        """Undo a saga now; False where that is not at its end, and a job goes on with it."""
        await self._give_up(saga_id)
        found = await self.log.saga(saga_id)
        return found is not None and found.state is SagaState.COMPENSATED

    async def _give_up(self, saga_id: str) -> None:
        """Undo now; what a platform does not let us undo now is a job."""
        try:
            await self.compensate(saga_id)
        except Exception:
            # Whatever it is, the job meets it again and shows it.
            await self._compensate_later(saga_id)

    async def _compensate_later(self, saga_id: str) -> None:
        async with self._projector.database.write() as connection:
            await self._queue.put(connection, COMPENSATE_JOB, 1, {"saga": saga_id}, key=saga_id)

    async def compensate(self, saga_id: str, also: InCommit | None = None) -> bool:
        """Undo in reverse what was done or may have been; True when the saga is COMPENSATED.

        ``also`` is part of the commit that begins or goes on to undo; there is none where the saga has moved on.
        Safe to repeat and to run twice at once. Raises what a platform answered when it cannot undo, and
        SagaMoved.
        """
        async with self._projector.batch() as batch:
            if await self.log.move(batch, saga_id, SagaState.COMPENSATING):
                # In this very commit: whatever becomes of this process, what it began to undo will be undone.
                run_at = self._projector.clock.now() + UNDO_TIME
                await self._queue.put(
                    batch.connection, COMPENSATE_JOB, 1, {"saga": saga_id}, key=saga_id, run_at=run_at
                )
            elif await self.log.hold(batch.connection, saga_id, SagaState.COMPENSATING) is None:
                return False
            if also is not None:
                await also(batch)
        for row in reversed(await self.log.steps(saga_id)):
            if row.kind is Kind.COMPENSATABLE and row.state in {
                StepState.DONE,
                StepState.RUNNING,
                StepState.UNKNOWN,
            }:
                await self._undo(row)
        async with self._projector.batch() as batch:
            if not await self.log.move(batch, saga_id, SagaState.COMPENSATED):
                return False
            await self.log.skip_rest(batch.connection, saga_id, "COMPENSATED")
            await self._queue.withdraw(batch.connection, COMPENSATE_JOB, saga_id)
            return True

    async def _undo(self, row: StepRow) -> None:
        step = self._registry.find(row.name, row.version)
        assert step.undo is not None  # noqa: S101 — `step` refuses a compensatable one without
        intent, outcome = row.intent(step.intent), row.outcome(step.outcome)
        undoing = (SagaState.COMPENSATING,)
        ctx = self._context(step, row, undoing)
        if step.tool is not None:
            if outcome is None and step.ask is not None and not step.idempotent and row.started_at is not None:
                # What an answer writes is not written of what is about to go.
                asking = self._context(step, row, undoing)
                with suppress(StepRefused):
                    outcome = await step.ask(asking, intent)
                if outcome is None:
                    _may_land(step, row, asking)
            await step.undo(ctx, intent, outcome)
        async with self._projector.batch() as batch:
            if await self.log.hold(batch.connection, row.saga, *undoing) is None:
                raise SagaMoved(f"saga {row.saga} is not being undone any more; step {row.name} stays")
            if not await self.log.end(batch, row, StepState.UNDONE):
                return
            if step.tool is None:
                ctx = self._context(step, row, undoing, batch)
                await step.undo(ctx, intent, outcome)
            for write in ctx.on_done:
                await write(batch)
            batch.facts += ctx.facts

    async def _compensate_job(self, job: RunningJob) -> None:
        async with self.within_limit(job, job.payload["saga"], Attention.UNDO_FAILED):
            await self.compensate(job.payload["saga"])

    @asynccontextmanager
    async def within_limit(self, job: RunningJob, saga_id: str, attention: Attention) -> AsyncIterator[None]:
        """Work of a job on a saga: when its last attempt fails, or it parks, a person must look at the saga."""
        try:
            yield
        except PostponeJob:
            raise
        except Exception as error:
            parks = isinstance(error, ParkJob | UnknownStep)
            if not parks and not job.last_attempt:
                raise
            await self.call_a_person(job, error_code(error), saga_id, attention, *_UNDER_WAY)
            if isinstance(error, UnknownStep):
                raise ParkJob(error.code) from error
            raise

    def given_up(self, attention: Attention, *states: SagaState) -> Handler:
        """The same for a job that kills its workers, for ``Handlers.add``: its payload names ``saga``."""

        async def call(job: RunningJob) -> None:
            await self.call_a_person(job, LeaseExpired.code, job.payload["saga"], attention, *states)

        return call

    async def call_a_person(
        self, job: RunningJob, code: str, saga_id: str, attention: Attention, *states: SagaState
    ) -> None:
        """The job can do no more for a saga that stands in one of the states; another one is another job's.

        It is parked with ``code`` in the same commit: whoever answers at once puts a job anew. Raises LeaseLost, and
        nobody is called.
        """
        async with self._projector.batch() as batch:
            held = await self.log.hold(batch.connection, saga_id, *states, SagaState.NEEDS_ATTENTION)
            if held is None:
                return
            if held in states:
                await self.log.move(batch, saga_id, SagaState.NEEDS_ATTENTION, attention=attention)
            await job.park(batch.connection, code)

    # Past the pivot -------------------------------------------------------------------------------

    async def enqueue_rest(
        self, batch: Batch, rows: Sequence[StepRow], *, in_order: bool = False, run_at: datetime | None = None
    ) -> None:
        """Put a job for every retriable step that is left, in the commit of the pivot.

        ``in_order``: each waits for the end of the one before it, as jobs of one entity do.
        """
        entity = rows[0].saga if in_order else None
        for row in rows:
            if row.kind is Kind.RETRIABLE and row.state is StepState.PENDING:
                payload = {"saga": row.saga, "seq": row.seq, "in_order": in_order}
                await self._queue.put(
                    batch.connection, STEP_JOB, 1, payload, key=f"{row.saga}:{row.seq}", entity=entity, run_at=run_at
                )
        await self.log.complete(batch, rows[0].saga)

    async def enqueue_again(self, batch: Batch, rows: Sequence[StepRow], *, in_order: bool) -> None:
        """Put jobs for steps whose own were given up."""
        for row in sorted(rows, key=lambda each: each.seq):
            payload = {"saga": row.saga, "seq": row.seq, "in_order": in_order}
            entity = row.saga if in_order else None
            await self._queue.put(batch.connection, STEP_JOB, 1, payload, key=f"{row.saga}:{row.seq}", entity=entity)

    async def undo_book(self, batch: Batch, rows: Sequence[StepRow]) -> None:
        """Undo what our own book did, where no platform did anything: a person has said that nothing is to stay."""
        if any(row.tool is not None and row.state is StepState.DONE for row in rows):
            return
        for row in reversed(rows):
            if row.kind is Kind.COMPENSATABLE and row.tool is None and row.state is StepState.DONE:
                step = self._registry.find(row.name, row.version)
                assert step.undo is not None  # noqa: S101 — `step` refuses a compensatable one without
                if await self.log.end(batch, row, StepState.UNDONE):
                    ctx = self._context(step, row, (), batch)
                    await step.undo(ctx, row.intent(step.intent), row.outcome(step.outcome))
                    batch.facts += ctx.facts

    async def give_back_places(self, batch: Batch, rows: Sequence[StepRow]) -> None:
        """Of steps that have not begun and will not: a person has said so."""
        for row in rows:
            if row.started_at is None and row.state in _UNFINISHED:
                await self._nobody_has_a_place(batch, row)

    async def _nobody_has_a_place(self, batch: Batch, row: StepRow) -> None:
        try:
            step = self._registry.find(row.name, row.version)
        except UnknownStep:
            # Of another release, which alone knows them.
            return
        if step.places is not None:
            await self._gate.keep(step.places(row.intent(step.intent)), (), batch=batch)

    def delivery(self, row: StepRow) -> Delivery | None:
        """How a stored step is delivered; None for one that this release does not have."""
        try:
            return self._registry.find(row.name, row.version).delivery
        except UnknownStep:
            return None

    async def _step_job(self, job: RunningJob) -> None:
        rows = await self.log.steps(job.payload["saga"])
        row = next((each for each in rows if each.seq == job.payload["seq"]), None)
        if row is None:
            return
        if row.state in SETTLED:
            # Its process may have died before it could end the saga.
            async with self._projector.batch() as batch:
                await self.log.complete(batch, row.saga)
                await job.complete(batch.connection)
            return
        if job.payload.get("in_order") and any(each.seq < row.seq and each.state in BADLY for each in rows):
            # What it waits for did not happen; whoever looks at that has both tried again.
            async with self._projector.batch() as batch:
                await self.log.move(batch, row.saga, SagaState.NEEDS_ATTENTION, attention=Attention.STEP_FAILED)
                await job.complete(batch.connection)
            return
        async with self.within_limit(job, row.saga, Attention.STEP_FAILED):
            try:
                await self._run_step(row, job)
            except SagaMoved:
                found = await self.log.saga(row.saga)
                # A person may have ended it meanwhile: then nothing more is done.
                if found is None or found.state in _AFTER:
                    raise

    async def _run_step(self, row: StepRow, job: RunningJob) -> None:
        if row.erased:
            await self._end(row, _unless_begun(row, StepState.FAILED), None, ERASED_FIRST, job)
            return
        step = self._registry.find(row.name, row.version)
        if step.tool is None:
            await self._book_job(step, row, job)
            return
        if self._too_late(step, row):
            await self._end(row, StepState.UNKNOWN, None, "OUTCOME_UNKNOWN", job)
            return
        await self._attempt(step, row, job)

    async def _book_job(self, step: AnyStep, row: StepRow, job: RunningJob) -> None:
        """A step of our own book past the pivot: effect, outcome and the job's end are one commit."""
        try:
            async with self._projector.batch() as batch:
                ctx = self._context(step, row, _AFTER, batch)
                outcome = await step.run(ctx, row.intent(step.intent))
                await self._done(batch, row, ctx, outcome, _AFTER)
                await self.log.complete(batch, row.saga)
                await job.complete(batch.connection)
        except StepSkipped as skipped:
            await self._end(row, StepState.SKIPPED, None, skipped.reason, job)
        except StepRefused as refusal:
            await self._end(row, StepState.FAILED, None, refusal.code, job)

    def _too_late(self, step: AnyStep, row: StepRow) -> bool:
        """An earlier attempt may have had an effect, and repeating it is not safe (any more)."""
        if row.started_at is None:
            return False
        expired = step.window is not None and self._projector.clock.now() - row.started_at >= step.window
        return step.delivery is Delivery.ONCE or expired

    async def _attempt(self, step: AnyStep, row: StepRow, job: RunningJob) -> None:
        ctx = self._context(step, row, _AFTER)
        await self._begin_before_it_runs(step, ctx)
        try:
            outcome = await self._run_or_ask(step, row, ctx)
        except StepSkipped as skipped:
            state = StepState.SKIPPED if skipped.decided else _unless_begun(row, StepState.SKIPPED)
            await self._end(row, state, ctx, skipped.reason, job)
        except StepWaits as waits:
            await self._nothing_in(row, ctx)
            raise PostponeJob(waits.until) from waits
        except ToolNotConfigured as error:
            await self._end(row, _unless_begun(row, StepState.SKIPPED), ctx, error.code, job)
        except OutcomeUnknown as error:
            if step.delivery is not Delivery.ONCE and not job.last_attempt:
                if not step.idempotent and error.retry_after is None:
                    error.retry_after = LANDS.total_seconds()
                raise
            await self._end(row, StepState.UNKNOWN, ctx, _reason(error), job)
        except (StepRefused, *FINAL) as error:
            await self._end(row, _failed(row, error), ctx, _reason(error), job)
        except UpstreamError as error:
            if job.last_attempt:
                await self._end(row, _unless_begun(row, StepState.FAILED), ctx, _reason(error), job)
                return
            await self._nothing_in(row, ctx)
            raise
        else:
            async with self._projector.batch() as batch:
                await self._done(batch, row, ctx, outcome, _AFTER)
                await self.log.complete(batch, row.saga)
                await job.complete(batch.connection)

    async def _run_or_ask(self, step: AnyStep, row: StepRow, ctx: StepContext) -> object:
        intent = row.intent(step.intent)
        if step.ask is not None and ctx.repeated:
            try:
                outcome = await step.ask(ctx, intent)
            except StepRefused as verdict:
                _may_land(step, row, ctx)
                verdict.decided = True
                raise
            if outcome is not None:
                return outcome
            _may_land(step, row, ctx)
            if not step.idempotent and ctx.attempt is not None:
                await ctx.attempt.call_again()
        return await step.run(ctx, intent)

    # Commits --------------------------------------------------------------------------------------

    def _context(
        self,
        step: AnyStep,
        row: StepRow,
        states: Sequence[SagaState],
        batch: Batch | None = None,
        *,
        begun: bool = False,
    ) -> StepContext:
        """For one attempt of a step of a saga in ``states``, that was committed with its intent or the step before it
        where it has ``begun``; with the open ``batch``, of our own book."""
        tools = self._tools if batch is None else None
        now = self._projector.clock.now()
        attempt = None
        if step.tool is not None:
            attempt = LoggedAttempt(self.log, self._projector, row, states, begun=begun)
        return StepContext(
            row.saga,
            row.key,
            self._projector,
            now,
            self._gate,
            repeated=row.started_at is not None,
            open_tools=tools,
            open_batch=batch,
            attempt=attempt,
        )

    async def _begun(self, row: StepRow) -> StepRow:
        """Commit that an attempt begins; the step with it. Raises SagaMoved."""
        attempt = LoggedAttempt(self.log, self._projector, row, _BEFORE, begun=False)
        await attempt.begin()
        return replace(row, attempts=attempt.number)

    async def _begin_before_it_runs(self, step: AnyStep, ctx: StepContext) -> None:
        # One that prepared before is not about to prepare but to be asked about.
        if ctx.attempt is not None and (ctx.repeated or not step.prepares):
            await ctx.attempt.begin()

    async def _nothing_in(self, row: StepRow, ctx: StepContext) -> None:
        """This attempt had no effect; ``row`` as it was before it: of an earlier one that does not speak."""
        if row.started_at is None and ctx.attempt is not None and ctx.attempt.begun:
            async with self._projector.database.write() as connection:
                await self.log.nothing_happened(connection, row, ctx.attempt.number)

    async def _done(
        self, batch: Batch, row: StepRow, ctx: StepContext, outcome: object, states: Sequence[SagaState]
    ) -> None:
        """The outcome, if the saga still stands where it stood. Raises SagaMoved."""
        held = await self.log.hold(batch.connection, row.saga, *states)
        # What an attempt has done is done, whichever it was. One that did not begin speaks of none but itself.
        attempts = None if ctx.attempt is None or ctx.attempt.begun else ctx.attempt.number
        if held is None or not await self.log.end(batch, row, StepState.DONE, outcome=outcome, attempts=attempts):
            raise SagaMoved(f"saga {row.saga} is not {states[0]} any more; step {row.name} is not recorded as done")
        for write in ctx.on_done:
            await write(batch)
        for name, key in ctx.helped:
            payload = {"step": name, "key": key, "by": row.saga}
            await self._queue.put(batch.connection, HELPED_JOB, 1, payload, key=f"{row.saga}:{name}:{key}")
        batch.facts += ctx.facts

    async def _end(
        self, row: StepRow, state: StepState, ctx: StepContext | None, reason: str, job: RunningJob | None = None
    ) -> None:
        """Any other end, with its reason. Raises SagaMoved where another process has begun or ended the step since, or
        the saga has moved on: its end is another's to tell."""
        attempt = None if ctx is None else ctx.attempt
        states = SagaState if attempt is None else attempt.states
        number = row.attempts if attempt is None else attempt.number
        async with self._projector.batch() as batch:
            # The saga first, as everywhere: who locks the two the other way round may be waited for in a circle.
            held = await self.log.hold(batch.connection, row.saga, *states)
            if held is None or not await self.log.end(batch, row, state, reason=reason, attempts=number):
                raise SagaMoved(f"step {row.name} of saga {row.saga} is another's by now; it does not end {state}")
            if state is not StepState.UNKNOWN:
                await self._nobody_has_a_place(batch, row)
                for write in ctx.on_refused if ctx is not None else ():
                    await write(batch)
            batch.facts += ctx.facts if ctx is not None else []
            if job is not None:
                await self.log.complete(batch, row.saga)
                await job.complete(batch.connection)


def _may_land(step: AnyStep, row: StepRow, ctx: StepContext) -> None:
    """What is not there may still arrive, beside a second call. Raises OutcomeUnknown then."""
    # A request that lost its answer a moment ago has read the step before it began.
    left = LANDS - (ctx.now - (row.last_call or ctx.now))
    if not step.idempotent and left > timedelta():
        raise _on_its_way(step, left)


def _on_its_way(step: AnyStep, left: timedelta | None = None) -> OutcomeUnknown:
    after = None if left is None else left.total_seconds()
    message = "It is not there, and its call may still arrive."
    return OutcomeUnknown(step.tool or "", "on_its_way", message, retry_after=after)


def _only_just_begun(row: StepRow, *, first: bool) -> StepRow:
    """As this process has just committed it: no attempt may have had an effect; one has begun if it is the ``first``.

    What was read after the commit may show the attempt of a job already, and that is another.
    """
    return replace(row, started_at=None, attempts=int(first and row.tool is not None))


def _unless_begun(row: StepRow, state: StepState) -> StepState:
    """``state``, which says that nothing happened; UNKNOWN if an attempt before this one may have done it.

    ``row`` is the step as it was before this attempt: a refusal speaks of its own attempt only.
    """
    return state if row.started_at is None else StepState.UNKNOWN


def _failed(row: StepRow, error: Failure) -> StepState:
    """How a step ends that was refused."""
    return StepState.FAILED if _is_verdict(error) else _unless_begun(row, StepState.FAILED)


def _is_verdict(error: Failure) -> bool:
    """Told by the platform when it was asked: it speaks of every attempt."""
    return isinstance(error, StepRefused) and error.decided


def _reason(error: Failure) -> str:
    """Stable words for what stopped a step; never a platform's own text."""
    return error.code if isinstance(error, StepRefused | ToolNotConfigured) else f"{error.kind}:{error.reason}"
