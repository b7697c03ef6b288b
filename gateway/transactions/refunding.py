"""Refunds of own orders (退款): the whole or a part of what was paid, on the merchant account that collected it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from adapters.base.runtime import Clock
from adapters.payments import PaymentsAdapter, RefundNotice
from adapters.payments.adapter import REASON_BYTES, REFUND_WINDOW
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.projections import purchase, refund
from gateway.database.tables.stock import coupon_lock
from gateway.database.ulid import Ulids
from gateway.events.projector import Batch, Projector
from gateway.jobs import Queue
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.settings import Settings
from gateway.transactions import parties
from gateway.transactions.idempotency import Claim, Idempotency, canonical
from gateway.transactions.log import Planned, SagaLog
from gateway.transactions.order_steps import RESERVE, Nothing, ReserveStock
from gateway.transactions.problems import in_flight, problem
from gateway.transactions.records import CouponRef, Problem, RefundDone, RefundInput
from gateway.transactions.refund_steps import (
    INTERVAL,
    MOST,
    SETTLE,
    STANDING,
    RequestRefund,
    Restock,
    ReturnCoupon,
    SendRefund,
    SettleRefund,
    apply,
    request_refund,
    restock,
    return_coupon,
    send_refund,
    settle_refund,
)
from gateway.transactions.runner import STEP_JOB, Runner
from gateway.transactions.states import SagaState
from gateway.transactions.steps import AnyStep, StepRefused

KIND: Final = "refund"
STEPS: Final[tuple[AnyStep, ...]] = (request_refund, send_refund, settle_refund, return_coupon, restock)
MUTATION: Final = "orderRefund"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A refund that is about to begin. ``send_at`` keeps the platform's distance from the one before."""

    saga: str
    number: str
    order: str
    amount: int
    steps: tuple[Planned, ...]
    send_at: datetime


class RefundService:
    """Gives money back. Answers a Problem for whatever a caller can cause."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        tools: OpenTools,
        projector: Projector,
        clock: Clock,
        settings: Settings,
        log: SagaLog,
        runner: Runner,
    ) -> None:
        self._database = database
        self._queue = queue
        self._tools = tools
        self._projector = projector
        self._clock = clock
        self._settings = settings
        self._log = log
        self._runner = runner
        self._idempotency = Idempotency(database)
        self._ulids = Ulids(clock)

    async def refund(self, principal: Principal, asked: RefundInput) -> RefundDone | Problem:
        """Begin a refund. It is accepted by 微信支付 within seconds, and done when its bank says so: watch the
        transaction. The same key again is the same refund."""
        claim = Claim(
            principal.id, MUTATION, asked.idempotency_key, canonical([asked.order, asked.amount, asked.reason])
        )
        try:
            earlier = await self._replayed(claim)
            return earlier if earlier is not None else await self._begin(principal, asked, claim)
        except (StepRefused, ToolNotConfigured) as error:
            # The refusal may be the doing of the very request that this one repeats.
            return await self._replayed(claim) or problem(error)

    async def on_refund(self, account: str, notice: RefundNotice) -> None:
        """退款结果通知, from the inbox."""
        await self.on_refunds(account, [notice])

    async def on_refunds(self, account: str, notices: Sequence[RefundNotice]) -> None:
        """Several of them: the books follow at once, and the transactions that wait for them go on."""
        await apply(self._projector, account, [each.refund for each in notices], source="webhook")
        found = await self._log.places_of(SETTLE, [each.refund.out_refund_no for each in notices])
        if not found:
            return
        async with self._database.write() as connection:
            for saga_id, seq in found:
                await self._queue.reschedule(connection, STEP_JOB, f"{saga_id}:{seq}", self._clock.now())

    async def _replayed(self, claim: Claim) -> RefundDone | Problem | None:
        earlier = await self._idempotency.earlier(claim, self._clock.now())
        if earlier is None:
            return None
        if not earlier.same:
            return Problem(
                "IDEMPOTENCY_MISMATCH",
                "This idempotencyKey was used for another refund; make a new key for a new refund.",
            )
        ids = earlier.ids
        return RefundDone(ids["order"], ids["transaction"], ids["number"], int(ids["amount"]))

    async def _begin(self, principal: Principal, asked: RefundInput, claim: Claim) -> RefundDone | Problem:
        plan = await self._planned(principal, asked)
        done = RefundDone(plan.order, plan.saga, plan.number, plan.amount)
        claim_id, now = self._ulids.next(), self._clock.now()
        ids = {"order": plan.order, "transaction": plan.saga, "number": plan.number, "amount": str(plan.amount)}
        async with self._projector.batch() as batch:
            taken = await self._idempotency.claim(batch.connection, claim, claim_id, ids, now, result="RefundDone")
            if taken:
                await self._write(batch, principal, plan)
                await self._idempotency.done(batch.connection, claim_id)
        return done if taken else await self._replayed(claim) or in_flight()

    async def _write(self, batch: Batch, principal: Principal, plan: _Plan) -> None:
        """One commit: the refund in our own book, every intent, and the job of the first step."""
        outcomes = await self._runner.open(batch, plan.saga, plan.steps)
        await self._log.begin(
            batch,
            plan.saga,
            KIND,
            plan.steps,
            principal=principal.id,
            subject="",
            values={"order": plan.order, "refund": plan.number},
            deadline=None,
            outcomes=outcomes,
        )
        await self._log.move(batch, plan.saga, SagaState.COMPLETING)
        rows = await self._log.steps(plan.saga, batch.connection)
        await self._runner.enqueue_rest(batch, rows, in_order=True, run_at=plan.send_at)

    async def _planned(self, principal: Principal, asked: RefundInput) -> _Plan:
        row = await self._refundable(asked)
        now = self._clock.now()
        amount = row.payable - await self._given(row) if asked.amount is None else asked.amount
        if amount < 1:
            raise StepRefused("REFUND_TOO_MUCH", "Nothing of this order can go back any more.", refundable=0)
        adapter = self._tools.get(PaymentsAdapter, row.mchid)
        number, saga_id = f"RF{self._ulids.next(now)}", self._ulids.next(now)
        url = parties.notify_url(self._tools, self._settings, adapter)
        request = RequestRefund(row.id, row.mchid, row.out_trade_no, number, amount, asked.reason, by=principal.id)
        send = SendRefund(row.mchid, row.out_trade_no, number, asked.reason, url, amount, row.payable)
        steps = (
            Planned(request_refund, request),
            Planned(send_refund, send, key=number),
            Planned(settle_refund, SettleRefund(row.id, row.mchid, number, now), key=number),
            await self._coupon(row, number),
            await self._restock(row, number),
        )
        return _Plan(saga_id, number, row.id, amount, steps, await self._send_at(row, now))

    async def _refundable(self, asked: RefundInput) -> AnyRow:
        """The order. Raises StepRefused where the platform's or our own rules forbid a refund."""
        row = await self._database.one(select(purchase).where(purchase.c.id == asked.order))
        if row is None:
            raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
        if row.source != "MINI_PROGRAM" or row.mchid is None or row.out_trade_no is None:
            raise StepRefused(
                "ORDER_NOT_REFUNDABLE", f"Orders of source {row.source} are refunded where they were sold, not here."
            )
        if row.state != "PAID":
            raise StepRefused("ORDER_NOT_REFUNDABLE", f"This order is {row.state}; only a paid one can be refunded.")
        if row.payable == 0:
            raise StepRefused("ORDER_NOT_REFUNDABLE", "Nothing was paid for this order.")
        if row.paid_at is not None and self._clock.now() - row.paid_at > REFUND_WINDOW:
            raise StepRefused("ORDER_NOT_REFUNDABLE", f"微信支付 refunds for {REFUND_WINDOW.days} days only.")
        if len(asked.reason.encode()) > REASON_BYTES:
            raise StepRefused("BAD_USER_INPUT", f"reason has more than {REASON_BYTES} bytes; shorten it.")
        return row

    async def _given(self, row: AnyRow) -> int:
        found = await self._database.one(
            select(func.coalesce(func.sum(refund.c.amount), 0).label("given"), func.count().label("times")).where(
                refund.c.mchid == row.mchid,
                refund.c.out_trade_no == row.out_trade_no,
                refund.c.state.in_(STANDING),
            )
        )
        assert found is not None  # noqa: S101 — an aggregate has one row
        if found.times >= MOST:
            raise StepRefused("ORDER_NOT_REFUNDABLE", f"微信支付 refunds one order {MOST} times at most.")
        return int(found.given)

    async def _send_at(self, row: AnyRow, now: datetime) -> datetime:
        """Refunds of one order are a minute apart: the platform refuses a faster one."""
        last = await self._database.one(
            select(func.max(refund.c.as_of).label("at")).where(
                refund.c.mchid == row.mchid,
                refund.c.out_trade_no == row.out_trade_no,
                refund.c.state.in_(STANDING),
            )
        )
        return now if last is None or last.at is None else max(now, last.at + INTERVAL)

    async def _coupon(self, row: AnyRow, number: str) -> Planned:
        held = await self._database.one(select(coupon_lock).where(coupon_lock.c.purchase == row.id))
        if held is None:
            return Planned(return_coupon, Nothing(), skip="NO_COUPON")
        request_no = f"RET{row.out_trade_no}"
        ref = CouponRef(held.mchid, held.stock_id, held.code)
        return Planned(return_coupon, ReturnCoupon(row.id, ref, number, request_no), key=request_no)

    async def _restock(self, row: AnyRow, number: str) -> Planned:
        steps = await self._log.steps(row.saga) if row.saga is not None else []
        reserved = next((each for each in steps if each.name == RESERVE), None)
        if reserved is None:
            return Planned(restock, Nothing(), skip="NOT_OF_THE_GATEWAY")
        sold: ReserveStock = reserved.intent(ReserveStock)
        return Planned(restock, Restock(row.id, row.mchid, number, sold.location, sold.pieces))
