"""Checkout (下单): quote, buy, renew, sync, and the transaction that one can watch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Clock
from adapters.payments import Payment, PaymentNotice, PaymentsAdapter
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.facts import Source
from gateway.database.tables.members import identity
from gateway.database.tables.projections import purchase
from gateway.database.ulid import Ulids
from gateway.events.projections import payments
from gateway.events.projector import Projector
from gateway.jobs import Handlers, PostponeJob, Queue
from gateway.members.gate import Gate
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.settings import Settings
from gateway.transactions import parties, planning, refunding
from gateway.transactions.actions import Actions, in_progress, scope_of
from gateway.transactions.atomic import Atomics
from gateway.transactions.attention import AttentionDesk
from gateway.transactions.effects import ACTIONS
from gateway.transactions.idempotency import Claim, Idempotency, canonical
from gateway.transactions.log import Planned, SagaLog, SagaMoved, SagaRow, StepRow
from gateway.transactions.order_steps import CODE, CodeAt, PrepaidAt, Prepay
from gateway.transactions.parties import Seller, Shopper
from gateway.transactions.planning import Purchase
from gateway.transactions.pricing import Pricer
from gateway.transactions.problems import check, in_flight, not_payable, problem
from gateway.transactions.records import (
    BasketLine,
    CheckoutDone,
    CheckoutInput,
    CouponRef,
    OrderPayment,
    Problem,
    Quote,
    QuotedLine,
    QuoteInput,
    StepView,
    TransactionView,
    UnusableCoupon,
    UsableCoupon,
)
from gateway.transactions.refunding import RefundService
from gateway.transactions.runner import Runner, SagaBusy
from gateway.transactions.settlement import EXPIRY_ATTEMPTS, EXPIRY_JOB, LEASE, Open, Settlement
from gateway.transactions.states import SagaState, StepState
from gateway.transactions.steps import Registry, StepRefused
from gateway.transactions.views import viewed

__all__ = [
    "BasketLine", "CheckoutDone", "CheckoutInput", "CheckoutService", "CouponRef", "OrderPayment", "Problem",
    "Quote", "QuoteInput", "QuotedLine", "StepView", "TransactionView", "UnusableCoupon", "UsableCoupon",
]  # fmt: skip

#: A prepay_id lives two hours, and so does a code; an older one is asked for again, with the same bytes.
PREPAY_ID_AGE: Final = timedelta(minutes=110)
_PAID = frozenset({SagaState.COMPLETING, SagaState.COMPLETED})


class CheckoutService:
    """Sells baskets. Methods answer a Problem for whatever a caller can cause or a platform did."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        tools: OpenTools,
        projector: Projector,
        clock: Clock,
        settings: Settings,
        gate: Gate,
    ) -> None:
        self._database = database
        self._queue = queue
        self._tools = tools
        self._projector = projector
        self._clock = clock
        self._settings = settings
        self._ulids = Ulids(clock)
        self._log = SagaLog(database, clock)
        self._idempotency = Idempotency(database)
        self._pricer = Pricer(database, tools, clock, settings)
        registry = Registry((*planning.STEPS, *refunding.STEPS, *dict.fromkeys(each.step for each in ACTIONS)))
        self._runner = Runner(self._log, registry, projector, queue, tools, gate)
        #: Every other mutation with an effect.
        self.actions = Actions(self._log, self._runner, projector, queue, tools, settings)
        #: Several of them as one transaction.
        self.atomics = Atomics(
            self._log, self._runner, projector, queue, tools, settings, {each.mutation: each for each in ACTIONS}
        )
        self._settlement = Settlement(self._log, self._runner, projector, queue, tools, self._idempotency)
        #: What gives the money of an order back.
        self.refunds = RefundService(database, queue, tools, projector, clock, settings, self._log, self._runner)
        #: Where a person answers for transactions that need one.
        self.desk = AttentionDesk(self._log, self._runner, projector, queue, clock)
        #: Checkouts under way: they go on when their client leaves.
        self._running: set[asyncio.Task[CheckoutDone | Problem]] = set()

    def register(self, handlers: Handlers) -> None:
        """Add the jobs of checkout to the queue's handlers."""
        self._runner.register(handlers)
        self.actions.register(handlers)
        self.atomics.register(handlers)
        self.desk.register(handlers)
        handlers.add(EXPIRY_JOB, self._settlement.expire, versions={1}, given_up=self._settlement.given_up)

    async def drain(self) -> None:
        """Wait for the checkouts and actions under way: before the database and the tools are closed."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
        await self.actions.drain()
        await self.atomics.drain()

    async def quote(self, principal: Principal, asked: QuoteInput) -> Quote | Problem:
        """What the basket costs now. Reads; one call for the shopper's coupons."""
        try:
            buyer = await parties.shopper(self._database, principal)
            seller = await parties.seller(self._database, self._tools, self._settings, asked)
            return (await self._pricer.price(buyer, seller, asked, list_coupons=True)).quote
        except (StepRefused, UpstreamError, ToolNotConfigured) as error:
            return problem(error)

    async def checkout(self, principal: Principal, asked: CheckoutInput) -> CheckoutDone | Problem:
        """Place the order, all of it or none of it. The same key again never buys twice."""
        try:
            buyer = await parties.shopper(self._database, principal)
        except StepRefused as error:
            return problem(error)
        scope = f"{principal.id}:{buyer.identity}"
        wanted = [asked.quote, asked.expected_payable, asked.click_id, *(["NATIVE"] if asked.by_code else [])]
        claim = Claim(scope, "checkout", asked.idempotency_key, canonical(wanted))
        earlier = await self._replayed(claim)
        if earlier is not None:
            return earlier
        task = asyncio.create_task(self._buy(principal, buyer, asked, claim))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def renew(self, principal: Principal, order_id: str) -> CheckoutDone | Problem:
        """Sign the payment of an unpaid order afresh, or show its code again, under the same number."""
        found = await self._own(principal, order_id, operators=False)
        if isinstance(found, Problem):
            return found
        if found.saga.state in _PAID:
            return not_payable("This order is paid already.")
        return await self._signed(found)

    async def sync(self, principal: Principal, order_id: str) -> OrderPayment | Problem:
        """Ask the payment platform now and apply what it says."""
        found = await self._own(principal, order_id, operators=True)
        if isinstance(found, Problem):
            return found
        if found.prepay.state is StepState.SKIPPED:
            return OrderPayment("SUCCESS" if found.saga.state in _PAID else "CLOSED")
        try:
            return OrderPayment((await self._settlement.ask(found)).value)
        except (UpstreamError, ToolNotConfigured) as error:
            return problem(error)
        except SagaBusy:
            return in_flight()

    async def cancel(self, principal: Principal, order_id: str) -> str | Problem:
        """End an order that waits for its payment; the id of its transaction, COMPENSATED now. The same again answers
        the same."""
        foreign = await self._foreign(order_id)
        found = foreign or await self._own(principal, order_id, operators=True)
        if isinstance(found, Problem):
            return found
        if found.saga.state is SagaState.RUNNING:
            return in_flight()
        with suppress(UpstreamError, ToolNotConfigured, SagaBusy, SagaMoved, PostponeJob):
            await self._settlement.cancel(found, scope_of(principal))
        row = await self._log.saga(found.saga.id)
        if row is None or row.state is SagaState.COMPENSATED:
            return found.saga.id
        if row.state in _PAID:
            return Problem("ORDER_PAID", "This order is paid: it is not cancelled but refunded, by orderRefund.")
        if row.state is SagaState.NEEDS_ATTENTION:
            return Problem("ORDER_NOT_CANCELLABLE", "This order's payment is being looked into; transactions says why.")
        return in_progress(found.saga.id)

    async def _foreign(self, order_id: str) -> Problem | None:
        """Why an order is not cancelled here that was placed elsewhere."""
        row = await self._database.one(select(purchase.c.source).where(purchase.c.id == order_id))
        if row is None or row.source == "MINI_PROGRAM":
            return None
        if row.source == "STORE":
            said = "微信小店 lets no merchant cancel: unpaid orders end by themselves, paid ones by an after-sale."
        else:
            said = f"Orders of source {row.source} are cancelled where they were placed."
        return Problem("ORDER_NOT_CANCELLABLE", said)

    async def transaction(self, transaction_id: str, principal: Principal | None = None) -> TransactionView | None:
        """A transaction and its steps; None when there is none, or it is not the ``principal``'s to see."""
        row = await self._log.saga(transaction_id)
        if row is None or (principal is not None and not await self._may_watch(principal, row)):
            return None
        return viewed(row, await self._log.steps(transaction_id))

    async def transactions(self, transaction_ids: Sequence[str]) -> Sequence[TransactionView | None]:
        """Any transactions, for operators. Two statements."""
        rows = await self._log.sagas(transaction_ids)
        steps = await self._log.steps_of(transaction_ids)
        return [viewed(rows[each], steps[each]) if each in rows else None for each in transaction_ids]

    async def on_payment(self, account: str, notice: PaymentNotice) -> None:
        """支付成功通知, from the inbox. Raises SagaBusy, and is then tried again."""
        del account
        if notice.payment.state.paid:
            await self._settlement.captured(notice.payment, source="webhook")

    async def on_payments(self, account: str, notices: Sequence[PaymentNotice]) -> None:
        """Several of them, of different orders: payments that no order of ours waits for are written together."""
        paid = [each.payment for each in notices if each.payment.state.paid]
        ours = await self._settlement.awaited([each.out_trade_no for each in paid])
        others = [each for each in paid if each.out_trade_no not in ours]
        if others:
            await payments.all_paid(self._projector, others, {}, source="webhook")
        for each in notices:
            if each.payment.out_trade_no in ours:
                await self.on_payment(account, each)

    async def captured(self, payment: Payment, *, source: Source) -> None:
        """A payment that was found paid by other means. Raises SagaBusy."""
        await self._settlement.captured(payment, source=source)

    async def _may_watch(self, principal: Principal, row: SagaRow) -> bool:
        if (row.input or {}).get("caller") == scope_of(principal):
            return True
        order_id = (row.input or {}).get("order", "")
        return not isinstance(await self._own(principal, order_id, operators=True), Problem)

    # Buying ---------------------------------------------------------------------------------------

    async def _buy(
        self, principal: Principal, buyer: Shopper, asked: CheckoutInput, claim: Claim
    ) -> CheckoutDone | Problem:
        try:
            plan = await self._planned(buyer, asked)
            steps = planning.steps(plan)
        except (StepRefused, UpstreamError, ToolNotConfigured) as error:
            # The refusal may be the doing of the very request that this one repeats.
            return await self._replayed(claim) or problem(error)
        try:
            if not await self._begin(principal, plan, steps, claim, self._ulids.next()):
                return await self._replayed(claim) or in_flight()
            failure = await self._settlement.place(plan.saga, noted=True)
        except StepRefused as refusal:
            return problem(refusal)
        except SagaBusy:
            return in_flight()
        if failure is not None:
            return problem(failure)
        return await self._answer(plan.saga)

    async def _planned(self, buyer: Shopper, asked: CheckoutInput) -> Purchase:
        seller = await parties.seller(self._database, self._tools, self._settings, asked.quote)
        priced = await self._pricer.price(buyer, seller, asked.quote, list_coupons=False)
        check(priced, asked)
        now = self._clock.now()
        saga = self._ulids.next(now)
        order = planning.order(saga, f"MP{self._ulids.next(now)}", asked, buyer, seller, priced, now)
        # Whole seconds: it is what the platform is told.
        expires_at = now.replace(microsecond=0) + timedelta(minutes=self._settings.checkout.expires_minutes)
        url = self._notify_url(order.payable, seller)
        shareable = order.mchid in self._settings.checkout.profit_sharing
        return Purchase(saga, asked, buyer, seller, priced, order, expires_at, url, shareable)

    def _notify_url(self, payable: int, seller: Seller) -> str:
        return parties.notify_url(self._tools, self._settings, seller.payments) if payable else ""

    async def _begin(
        self, principal: Principal, plan: Purchase, steps: Sequence[Planned], claim: Claim, claim_id: str
    ) -> bool:
        """One commit: key, saga, all intents, what our own book does first, and the job that goes on when we die.

        False when the key was taken meanwhile. Raises StepRefused, with nothing written.
        """
        now, member = self._clock.now(), plan.shopper.member
        await self._database.keyring.ensure(member)
        async with self._projector.batch() as batch:
            connection, ids = batch.connection, {"transaction": plan.saga, "order": plan.order.id}
            if not await self._idempotency.claim(connection, claim, claim_id, ids, now):
                return False
            outcomes = await self._runner.open(batch, plan.saga, steps)
            await self._log.begin(
                batch,
                plan.saga,
                planning.KIND,
                steps,
                principal=principal.id,
                subject=member,
                values={"order": plan.order.id, "claim": claim_id},
                deadline=plan.expires_at,
                outcomes=outcomes,
            )
            # From the first commit on: whatever becomes of this process, another one goes on.
            await self._queue.put(
                connection,
                EXPIRY_JOB,
                1,
                {"saga": plan.saga},
                key=plan.saga,
                run_at=min(now + LEASE, plan.expires_at),
                max_attempts=EXPIRY_ATTEMPTS,
            )
        return True

    # Answers --------------------------------------------------------------------------------------

    async def _replayed(self, claim: Claim) -> CheckoutDone | Problem | None:
        """The answer to an earlier request with this key, if there was one."""
        earlier = await self._idempotency.earlier(claim, self._clock.now())
        if earlier is None:
            return None
        if not earlier.same:
            return Problem(
                "IDEMPOTENCY_MISMATCH",
                "This idempotencyKey was used for another purchase; make a new key for a new purchase.",
            )
        return await self._answer(earlier.ids["transaction"])

    async def _answer(self, saga_id: str) -> CheckoutDone | Problem:
        found = await self._settlement.open(saga_id)
        if found is None:
            return not_payable("The transaction of this key is gone; use a new idempotencyKey.")
        if found.saga.state in _PAID:
            return CheckoutDone(found.payable.order, saga_id, None)
        return await self._signed(found)

    async def _signed(self, found: Open) -> CheckoutDone | Problem:
        """The payment request of an order that waits for its payment, signed here and now; or its code."""
        if found.saga.state is SagaState.RUNNING:
            return in_flight()
        if found.saga.state is SagaState.NEEDS_ATTENTION:
            return not_payable("This order's payment is being looked into by the brand; do not pay again.")
        now = self._clock.now()
        if found.saga.state is not SagaState.AWAITING_PAYMENT or (found.saga.deadline or now) <= now:
            return not_payable("This order has closed; place a new one with a new idempotencyKey.")
        try:
            adapter = self._tools.get(PaymentsAdapter, found.payable.mchid)
            if found.prepay.name == CODE:
                code = await self._code(adapter, found.prepay)
                return CheckoutDone(found.payable.order, found.saga.id, None, code)
            prepay_id = await self._prepay_id(adapter, found.prepay)
        except (UpstreamError, ToolNotConfigured) as error:
            return problem(error)
        request = adapter.payment_request(found.payable.appid, prepay_id)
        return CheckoutDone(found.payable.order, found.saga.id, request)

    async def _prepay_id(self, adapter: PaymentsAdapter, row: StepRow) -> str:
        stored: PrepaidAt = row.outcome(PrepaidAt)
        if self._clock.now() - stored.at < PREPAY_ID_AGE:
            return stored.prepay_id
        intent: Prepay = row.intent(Prepay)
        return (await adapter.prepay(intent.body)).prepay_id

    async def _code(self, adapter: PaymentsAdapter, row: StepRow) -> str:
        stored: CodeAt = row.outcome(CodeAt)
        if self._clock.now() - stored.at < PREPAY_ID_AGE:
            return stored.url
        intent: Prepay = row.intent(Prepay)
        return (await adapter.prepay_code(intent.body)).url

    async def _own(self, principal: Principal, order_id: str, *, operators: bool) -> Open | Problem:
        """The caller's own order; any order for an operator, where that is allowed."""
        row = await self._database.one(
            select(purchase.c.saga, identity.c.member)
            .join(identity, identity.c.id == purchase.c.identity)
            .where(purchase.c.id == order_id)
        )
        if operators and "operations" in principal.scopes:
            mine = row is not None
        elif principal.member is None:
            return Problem("SESSION_REQUIRED", "This needs a shopper's session: call sessionCreate and send its token.")
        else:
            mine = row is not None and row.member == principal.member
        found = await self._settlement.open(row.saga) if mine and row is not None and row.saga else None
        return found or Problem("ORDER_UNKNOWN", "You have no such order; pass an id as you received it.")
