"""From an unpaid order to a paid or a closed one: notifications, queries, expiry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from adapters.base.errors import Conflict, NotFound
from adapters.payments import Payment, PaymentsAdapter, PaymentState
from gateway.database.facts import Source
from gateway.database.tables.projections import purchase
from gateway.events.projections import payments, purchases
from gateway.events.projector import Batch, Projector
from gateway.jobs import LeaseExpired, PostponeJob, Queue, RunningJob
from gateway.runtime import OpenTools
from gateway.transactions import stock
from gateway.transactions.idempotency import Idempotency
from gateway.transactions.log import SagaLog, SagaRow, StepRow
from gateway.transactions.order_steps import CANCELLED, CODE, PAYMENT, PREPAY, RESERVE, Captured, Payable, ReserveStock
from gateway.transactions.runner import Failure, Runner, SagaBusy
from gateway.transactions.states import Attention, SagaState, StepState

EXPIRY_JOB = "checkout.expire"
#: How long a process has for placing an order, before another one takes it for dead and goes on.
LEASE = timedelta(minutes=1)
#: Ten days and more, at a wait of an hour at most: stock stays reserved while 微信支付 cannot be asked.
EXPIRY_ATTEMPTS = 500
#: How soon a payment that is under way is looked at again.
SOON = timedelta(minutes=1)
#: Nobody can pay an order in one of these any more.
_OVER = frozenset({PaymentState.CLOSED, PaymentState.REVOKED, PaymentState.PAYERROR})
#: What the end of an order's time still has to end.
_UNSETTLED = frozenset({SagaState.RUNNING, SagaState.AWAITING_PAYMENT, SagaState.COMPENSATING})


@dataclass(frozen=True, slots=True)
class Open:
    """An order's saga with its steps, and the payment it waits for."""

    saga: SagaRow
    steps: Sequence[StepRow]
    payable: Payable

    def step(self, name: str) -> StepRow:
        """One of its steps."""
        return next(each for each in self.steps if each.name == name)

    @property
    def prepay(self) -> StepRow:
        """The step that asked for the payment, on the shopper's own phone or by a code."""
        return next(each for each in self.steps if each.name in {PREPAY, CODE})


class Settlement:
    """Applies what the payment platform says. Every method is safe to repeat."""

    def __init__(
        self,
        log: SagaLog,
        runner: Runner,
        projector: Projector,
        queue: Queue,
        tools: OpenTools,
        idempotency: Idempotency,
    ) -> None:
        self._log = log
        self._runner = runner
        self._projector = projector
        self._queue = queue
        self._tools = tools
        self._idempotency = idempotency

    async def open(self, saga_id: str) -> Open | None:
        """A checkout's saga; None when there is none."""
        row = await self._log.saga(saga_id)
        steps = await self._log.steps(saga_id) if row is not None else []
        pivot = next((each for each in steps if each.name == PAYMENT), None)
        if row is None or pivot is None:
            return None
        return Open(row, steps, pivot.intent(Payable))

    async def awaited(self, numbers: Sequence[str]) -> set[str]:
        """Which of these payments a checkout knows of."""
        return await self._log.known_keys(PAYMENT, numbers)

    # Placing --------------------------------------------------------------------------------------

    async def place(self, saga_id: str, *, noted: bool = False) -> Failure | None:
        """Run the steps before the payment, from where they stand. Returns the failure that undid them.

        ``noted``: this process has only just begun the saga. Raises SagaBusy when another process does the same.
        """
        found = await self.open(saga_id)
        assert found is not None  # noqa: S101 — its caller has just read or written it
        claim_id = _claim(found)

        async def finish(batch: Batch) -> None:
            if claim_id is not None:
                await self._idempotency.done(batch.connection, claim_id)
            if found.payable.total == 0:
                await self.settle_free(batch, found.steps, found.payable)
            elif await self._log.move(batch, saga_id, SagaState.AWAITING_PAYMENT):
                # The lease ends; from now on the order's own time runs.
                deadline = found.saga.deadline or batch.now
                await self._queue.reschedule(batch.connection, EXPIRY_JOB, saga_id, deadline)

        failure = await self._runner.forward(saga_id, finish, noted=noted)
        if failure is not None and claim_id is not None:
            async with self._projector.database.write() as connection:
                await self._idempotency.forget(connection, claim_id)
        return failure

    # Money came in --------------------------------------------------------------------------------

    async def captured(self, payment: Payment, *, source: Source) -> None:
        """A payment that 微信支付 says is captured, by notification or by query: one effect, however often.

        Raises SagaBusy while the order is being placed or undone.
        """
        saga_id = await self._log.by_key(PAYMENT, payment.out_trade_no)
        found = None if saga_id is None else await self.open(saga_id)
        if found is None:
            await payments.paid(self._projector, payment, None, source=source)
            return
        if not _matches(found.payable, payment):
            await self._mismatch(found, payment)
            return
        await payments.paid(self._projector, payment, found.payable.order, source=source)
        outcome = Captured(
            payment.paid_at or self._projector.clock.now(),
            payment.total if payment.payer_total is None else payment.payer_total,
            payment.transaction_id,
        )
        async with self._projector.batch() as batch:
            waiting = SagaState.AWAITING_PAYMENT
            if await self._log.move(batch, found.saga.id, SagaState.COMPLETING, source=waiting):
                await self._settle(batch, found.steps, found.payable, outcome, source)
            else:
                await self._late(batch, found, payment, outcome, source)

    async def settle_free(self, batch: Batch, steps: Sequence[StepRow], payable: Payable) -> None:
        """An order of 0 fen is paid in the commit that places it."""
        await self._log.move(batch, steps[0].saga, SagaState.COMPLETING)
        await self._settle(batch, steps, payable, Captured(batch.as_of, 0, None), "own")

    async def _settle(
        self, batch: Batch, steps: Sequence[StepRow], payable: Payable, outcome: Captured, source: Source
    ) -> None:
        await self._sold(batch, steps, payable, outcome, source)
        await self._queue.withdraw(batch.connection, EXPIRY_JOB, steps[0].saga)
        await self._runner.enqueue_rest(batch, steps)

    async def _sold(
        self, batch: Batch, steps: Sequence[StepRow], payable: Payable, outcome: Captured, source: Source
    ) -> None:
        """The order is paid and its pieces are sold."""
        reserved = next(each for each in steps if each.name == RESERVE).intent(ReserveStock)
        pivot = next(each for each in steps if each.name == PAYMENT)
        await purchases.paid(
            batch,
            payable.order,
            at=outcome.at,
            payer_paid=outcome.payer_total,
            transaction_id=outcome.transaction_id,
            source=source,
        )
        missing = await stock.sell(batch.connection, reserved.location, reserved.pieces, batch.as_of)
        for sku in sorted(reserved.pieces.keys() - set(missing)):
            pieces = -reserved.pieces[sku]
            key = f"{payable.number}:{sku}"
            await purchases.told(batch, payable.order, "stock.sold", batch.as_of, key, line=sku, quantity=pieces)
        for sku in missing:
            # The ERP took the pieces back meanwhile: the order stands, and somebody must find one.
            await purchases.told(
                batch, payable.order, "stock.missing", batch.as_of, f"{payable.number}:{sku}", line=sku
            )
        await self._log.end(batch, pivot, StepState.DONE, outcome=outcome)

    async def _late(self, batch: Batch, found: Open, payment: Payment, outcome: Captured, source: Source) -> None:
        """The saga did not wait for a payment: it has one already, or it had given up, or stands still."""
        held = await self._log.hold(
            batch.connection,
            found.saga.id,
            SagaState.RUNNING,
            SagaState.COMPENSATING,
            SagaState.COMPENSATED,
            SagaState.NEEDS_ATTENTION,
        )
        if held in {SagaState.RUNNING, SagaState.COMPENSATING}:
            raise SagaBusy(f"saga {found.saga.id} is {held}; its payment is applied when that has ended")
        order = found.payable.order
        state = await batch.connection.scalar(select(purchase.c.state).where(purchase.c.id == order))
        if held is None or state == "PAID":
            return
        await self._log.move(batch, found.saga.id, SagaState.NEEDS_ATTENTION, attention=Attention.PAYMENT_LATE)
        if state == "UNPAID":
            # The pieces are still held for it. What follows a payment is for the person who looks.
            await self._sold(batch, found.steps, found.payable, outcome, source)
        await purchases.told(
            batch,
            order,
            "payment.late",
            payment.paid_at or batch.as_of,
            payment.transaction_id,
            amount_fen=payment.total,
            reason="NEEDS_ATTENTION" if state == "UNPAID" else "ORDER_CLOSED",
        )

    async def _mismatch(self, found: Open, payment: Payment) -> None:
        async with self._projector.batch() as batch:
            await self._log.move(batch, found.saga.id, SagaState.NEEDS_ATTENTION, attention=Attention.PAYMENT_MISMATCH)
            await purchases.told(
                batch,
                found.payable.order,
                "payment.mismatch",
                batch.as_of,
                payment.transaction_id,
                amount_fen=payment.total,
                reason="AMOUNT" if payment.total != found.payable.total else "ACCOUNT",
                payload={"expected": found.payable.total, "mchid": payment.mchid},
            )

    # Money did not come in ------------------------------------------------------------------------

    async def ask(self, found: Open) -> PaymentState:
        """Ask 微信支付 now and apply what it says. Raises UpstreamErrors and SagaBusy."""
        payment = await self._payments(found).payment(found.payable.number)
        if isinstance(payment, NotFound):
            return PaymentState.NOTPAY
        if payment.state.paid:
            await self.captured(payment, source="poll")
        elif payment.state in _OVER:
            await self._give_back(found)
        return payment.state

    async def cancel(self, found: Open, by: str) -> None:
        """End an order before its time is over: query, close, query again, as when it is.

        What is committed first is that its time is over, so nobody is given its payment any more, and the job ends it
        should this process not. A payment that came in the same moment wins. Raises UpstreamErrors, SagaBusy,
        SagaMoved and PostponeJob, each of which leaves the rest to the job.
        """
        async with self._projector.database.write() as connection:
            if await self._log.cut_short(connection, found.saga.id, {CANCELLED: by}):
                run_at = self._projector.clock.now() + LEASE
                await self._queue.reschedule(connection, EXPIRY_JOB, found.saga.id, run_at)
        await self._expire(found.saga.id)

    async def expire(self, job: RunningJob) -> None:
        """Job ``checkout.expire``: the process that placed the order died, or the order's time is over.

        An order that was being placed is placed to its end, one that is being undone is undone to its end. When
        its time is over: query, close, query again; then give back.
        """
        async with self._runner.within_limit(job, job.payload["saga"], Attention.PAYMENT_UNDECIDED):
            await self._expire(job.payload["saga"])

    async def given_up(self, job: RunningJob) -> None:
        """The same job kills its workers."""
        await self._runner.call_a_person(
            job, LeaseExpired.code, job.payload["saga"], Attention.PAYMENT_UNDECIDED, *_UNSETTLED
        )

    async def _expire(self, saga_id: str) -> None:
        found = await self.open(saga_id)
        if found is not None and found.saga.state is SagaState.RUNNING and self._may_be_placed(found):
            await self.place(found.saga.id)
            found = await self.open(found.saga.id)
        if found is None or found.saga.state not in _UNSETTLED:
            return
        if found.saga.state is SagaState.AWAITING_PAYMENT and found.saga.deadline and self._in_time(found):
            raise PostponeJob(found.saga.deadline)
        if found.saga.state is SagaState.COMPENSATING and not found.prepay.erased:
            await self._runner.compensate(found.saga.id)
            return
        if found.prepay.state is StepState.SKIPPED:
            await self._give_back(found)
            return
        state = await self.ask(found)
        if state is PaymentState.USERPAYING:
            raise PostponeJob(self._projector.clock.now() + SOON)
        if state.paid or state in _OVER:
            return
        state = await self._close(found)
        if not state.paid and state not in _OVER:
            raise SagaBusy(f"order {found.payable.number} is {state.value} after it was closed; asking again")

    def _in_time(self, found: Open) -> bool:
        return found.saga.deadline is not None and self._projector.clock.now() < found.saga.deadline

    def _may_be_placed(self, found: Open) -> bool:
        """What its process left undone can still be done: nobody was erased, and time is left."""
        return self._in_time(found) and not found.prepay.erased

    async def _close(self, found: Open) -> PaymentState:
        try:
            await self._payments(found).close(found.payable.number)
        except NotFound:
            # The prepay never arrived, so nobody can pay.
            await self._give_back(found)
            return PaymentState.CLOSED
        except Conflict:
            # Paid in this very moment: the query says so.
            pass
        return await self.ask(found)

    async def _give_back(self, found: Open) -> None:
        """The platform takes no payment for it any more: undo the order."""
        claim_id = _claim(found)

        async def free(batch: Batch) -> None:
            # Only with the commit that begins to undo: an order that was paid meanwhile keeps its key.
            await self._log.end(batch, found.prepay, StepState.UNDONE)
            if claim_id is not None:
                await self._idempotency.forget(batch.connection, claim_id)

        await self._runner.compensate(found.saga.id, free)

    def _payments(self, found: Open) -> PaymentsAdapter:
        return self._tools.get(PaymentsAdapter, found.payable.mchid)


def _claim(found: Open) -> str | None:
    return (found.saga.input or {}).get("claim")


def _matches(payable: Payable, payment: Payment) -> bool:
    return (
        payment.total == payable.total
        and payment.mchid == payable.mchid
        and payment.appid == payable.appid
        and payment.currency == "CNY"
    )
