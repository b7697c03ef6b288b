"""What headquarters does with transactions that need a person: tries again, or says that it was dealt with."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

from adapters.base.runtime import Clock
from gateway.access.principal import Principal
from gateway.database.facts import Fact
from gateway.events.projector import Batch, Projector
from gateway.jobs import Handlers, PostponeJob, Queue, RunningJob
from gateway.transactions import atomic, refunding
from gateway.transactions.log import SagaLog, SagaRow, StepRow
from gateway.transactions.runner import BADLY, COMPENSATE_JOB, HELPED_JOB, Runner
from gateway.transactions.settlement import EXPIRY_ATTEMPTS, EXPIRY_JOB
from gateway.transactions.states import Attention, SagaState, StepState
from gateway.transactions.steps import Delivery, Kind, StepRefused

#: Kinds of transactions whose steps wait for one another.
_IN_ORDER: Final = frozenset({refunding.KIND})
#: Where a pivot stands that keeps nothing from happening after it.
_PASSED: Final = frozenset({StepState.DONE, StepState.SKIPPED})
#: When to look again whether the other steps of a transaction have ended.
_ENDS: Final = timedelta(minutes=1)


class AttentionDesk:
    """Ends NEEDS_ATTENTION, by a person's word. Every answer is a fact with who gave it and why."""

    def __init__(self, log: SagaLog, runner: Runner, projector: Projector, queue: Queue, clock: Clock) -> None:
        self._log = log
        self._runner = runner
        self._projector = projector
        self._queue = queue
        self._clock = clock

    async def retry(self, principal: Principal, saga_id: str, reason: str) -> None:
        """Try again what stopped the transaction. Raises StepRefused TRANSACTION_UNKNOWN, TRANSACTION_SETTLED
        and TRANSACTION_NOT_RETRYABLE; nothing is changed then."""
        await self._retry(principal.id, saga_id, reason)

    def register(self, handlers: Handlers) -> None:
        """Add the job by which one transaction has another tried again."""
        handlers.add(HELPED_JOB, self._helped_job, versions={1})

    async def _helped_job(self, job: RunningJob) -> None:
        """Who asked for the step that helps has said that what it helps is to be tried again."""
        by = await self._log.saga(job.payload["by"])
        assert by is not None  # noqa: S101 — the job was put in the commit of its step
        under_way = False
        for saga_id, seq in await self._log.places_of(job.payload["step"], [job.payload["key"]]):
            if not any(each.seq == seq and each.state is StepState.FAILED for each in await self._log.steps(saga_id)):
                continue
            found = await self._log.saga(saga_id)
            if found is not None and found.state is SagaState.COMPLETING:
                # Its other steps have yet to end; only then it needs somebody.
                under_way = True
                continue
            # Somebody may have answered for it already.
            with suppress(StepRefused):
                await self._retry(by.principal or "", saga_id, by.kind)
        if under_way:
            raise PostponeJob(self._clock.now() + _ENDS)

    async def _retry(self, by: str, saga_id: str, reason: str) -> None:
        row = await self._waiting(saga_id)
        async with self._projector.batch() as batch:
            if row.attention is Attention.STEP_FAILED:
                await self._run_again(batch, row)
            elif row.attention is Attention.UNDECIDED:
                await self._decide_again(batch, row)
            elif row.attention is Attention.UNDO_FAILED:
                await self._move(batch, row, SagaState.COMPENSATING)
                await self._queue.put(batch.connection, COMPENSATE_JOB, 1, {"saga": row.id}, key=row.id)
            elif row.attention is Attention.PAYMENT_UNDECIDED:
                await self._move(batch, row, SagaState.AWAITING_PAYMENT)
                await self._queue.put(
                    batch.connection, EXPIRY_JOB, 1, {"saga": row.id}, key=row.id, max_attempts=EXPIRY_ATTEMPTS
                )
            else:
                raise StepRefused(
                    "TRANSACTION_NOT_RETRYABLE",
                    f"{row.attention}: money and order disagree, which no retry mends. Settle it, then resolve it.",
                )
            batch.facts.append(self._told(by, row, "transaction.retried", reason, {}))

    async def resolve(self, principal: Principal, saga_id: str, outcome: SagaState, reason: str) -> None:
        """Say that it was dealt with outside: COMPLETED or COMPENSATED. Its steps keep what is known of them; when
        nothing is to stay and no platform did anything, our own book gives back what it held.

        Raises StepRefused TRANSACTION_UNKNOWN and TRANSACTION_SETTLED.
        """
        row = await self._waiting(saga_id)
        async with self._projector.batch() as batch:
            await self._move(batch, row, outcome)
            if outcome is SagaState.COMPENSATED:
                steps = await self._log.steps(row.id, batch.connection)
                await self._runner.undo_book(batch, steps)
                await self._runner.give_back_places(batch, steps)
            batch.facts.append(self._told(principal.id, row, "transaction.resolved", reason, {"outcome": outcome}))

    async def _waiting(self, saga_id: str) -> SagaRow:
        row = await self._log.saga(saga_id)
        if row is None:
            raise StepRefused("TRANSACTION_UNKNOWN", "There is no such transaction; pass an id as you received it.")
        if row.state is not SagaState.NEEDS_ATTENTION:
            raise _settled(row.state)
        return row

    async def _move(self, batch: Batch, row: SagaRow, target: SagaState) -> None:
        if not await self._log.move(batch, row.id, target, source=SagaState.NEEDS_ATTENTION):
            raise StepRefused(
                "TRANSACTION_SETTLED", "Somebody else has just answered for this transaction; read it again."
            )

    async def _run_again(self, batch: Batch, row: SagaRow) -> None:
        """Steps that ended badly, and those whose jobs were given up; those after a pivot once that has happened."""
        await self._move(batch, row, SagaState.COMPLETING)
        every = await self._log.steps(row.id)
        # What follows a pivot must not happen while nobody knows whether the pivot did.
        decided = all(each.state in _PASSED for each in every if each.kind is Kind.PIVOT)
        # The only step of a transaction is tried again whatever its kind.
        steps = [each for each in every if (each.kind is Kind.RETRIABLE and decided) or len(every) == 1]
        bad = [each for each in steps if each.state in BADLY and self._may_repeat(each)]
        stopped = [each for each in steps if each.state in {StepState.PENDING, StepState.RUNNING}]
        if not bad and not stopped:
            raise _not_retryable()
        for each in bad:
            await self._log.reopen(batch.connection, each)
        await self._runner.enqueue_again(batch, [*bad, *stopped], in_order=row.kind in _IN_ORDER)

    async def _decide_again(self, batch: Batch, row: SagaRow) -> None:
        """What a client composed: the pivot is asked about or repeated, and all of it happens, or nothing."""
        await self._move(batch, row, SagaState.RUNNING)
        for each in await self._log.steps(row.id, batch.connection):
            if each.kind is Kind.PIVOT and each.state is StepState.UNKNOWN:
                if not self._may_repeat(each):
                    raise _not_retryable()
                await self._log.reopen(batch.connection, each)
        await self._queue.put(batch.connection, atomic.DECIDE_JOB, 1, {"saga": row.id}, key=row.id)

    def _may_repeat(self, row: StepRow) -> bool:
        return row.state is StepState.FAILED or self._runner.delivery(row) in {Delivery.KEYED, Delivery.ASKABLE}

    def _told(self, by: str, row: SagaRow, kind: str, reason: str, more: dict[str, str]) -> Fact:
        now = self._clock.now()
        return Fact(
            kind=kind,
            occurred_at=now,
            source="own",
            source_key=f"{row.id}:{now.isoformat()}",
            order_ref=(row.input or {}).get("order"),
            reason=row.attention,
            payload={"transaction": row.id, "kind": row.kind, "by": by, "because": reason, **more},
        )


def _not_retryable() -> StepRefused:
    return StepRefused(
        "TRANSACTION_NOT_RETRYABLE",
        "What may have happened here can neither be asked about nor repeated. Find out, then resolve it.",
    )


def _settled(state: SagaState) -> StepRefused:
    return StepRefused(
        "TRANSACTION_SETTLED", f"This transaction is {state} and needs nobody; only NEEDS_ATTENTION can be answered."
    )
