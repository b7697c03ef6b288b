"""Transactions for headquarters, and refunds."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import ids, orders, transactions
from gateway.resolvers.errors import UserError
from gateway.resolvers.transactions import TransactionRecord, Wanted
from gateway.schema.checkout import Transaction, plain_problem
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.orders import Order
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.scalars import Long, Money
from gateway.transactions.records import Problem as ProblemRecord
from gateway.transactions.records import RefundDone, RefundInput


@strawberry.enum(description="Where a transaction stands.")
class TransactionState(Enum):
    """State."""

    RUNNING = strawberry.enum_value("RUNNING", description="Its first steps run.")
    AWAITING_PAYMENT = strawberry.enum_value("AWAITING_PAYMENT", description="待付款: the shopper decides.")
    COMPLETING = strawberry.enum_value("COMPLETING", description="Past the point of no return; the rest runs.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="已完成: every step is done or was not needed.")
    COMPENSATING = strawberry.enum_value("COMPENSATING", description="Steps are being undone.")
    COMPENSATED = strawberry.enum_value("COMPENSATED", description="已撤销: all was undone.")
    NEEDS_ATTENTION = strawberry.enum_value("NEEDS_ATTENTION", description="需人工处理: a person must look.")


@strawberry.enum(description="Why a transaction needs a person.")
class TransactionAttention(Enum):
    """Attention."""

    PAYMENT_MISMATCH = strawberry.enum_value(
        "PAYMENT_MISMATCH", description="金额不符: a payment that does not match the order. Only resolve."
    )
    PAYMENT_LATE = strawberry.enum_value(
        "PAYMENT_LATE", description="关单后付款: a closed order was paid. Only resolve, after a refund."
    )
    PAYMENT_UNDECIDED = strawberry.enum_value(
        "PAYMENT_UNDECIDED", description="The payment platform could not be asked. Retry asks again."
    )
    UNDO_FAILED = strawberry.enum_value("UNDO_FAILED", description="A step could not be undone. Retry undoes again.")
    UNDECIDED = strawberry.enum_value(
        "UNDECIDED",
        description="Nobody could find out whether an @atomic transaction goes through. Retry decides it anew.",
    )
    STEP_FAILED = strawberry.enum_value(
        "STEP_FAILED",
        description="A step was refused, or nobody can tell whether it happened. Retry where that is safe.",
    )


@strawberry.enum(description="What a person found a transaction to have come to.")
class TransactionOutcome(Enum):
    """Outcome."""

    COMPLETED = strawberry.enum_value("COMPLETED", description="It is as if every step had been done.")
    COMPENSATED = strawberry.enum_value("COMPENSATED", description="It is as if nothing had been done.")


@strawberry.input(description="Which transactions; all that is given must hold.")
class TransactionFilter:
    """Filter."""

    states: list[TransactionState] | None = strawberry.field(default=None, description="In one of these states.")
    kind: str | None = strawberry.field(default=None, description="checkout or refund.")
    attention: TransactionAttention | None = strawberry.field(default=None, description="For this reason.")
    from_: datetime | None = strawberry.field(name="from", default=None, description="Begun then or later.")
    before: datetime | None = strawberry.field(default=None, description="Begun before.")

    def record(self) -> Wanted:
        """As a plain record."""
        return Wanted(
            states=tuple(each.name for each in self.states or ()),
            kind=self.kind,
            attention=None if self.attention is None else self.attention.name,
            since=self.from_,
            until=self.before,
        )


@strawberry.type(description="A transaction in the list of all.")
class TransactionEntry:
    """List entry."""

    record: strawberry.Private[TransactionRecord]
    id: strawberry.ID = strawberry.field(description="The transaction's id.")
    kind: str = strawberry.field(description="checkout or refund.")
    state: TransactionState = strawberry.field(description="Where it stands.")
    attention: TransactionAttention | None = strawberry.field(description="Why it needs a person; null if it does not.")
    created_at: datetime = strawberry.field(description="When it began.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(description="The transaction with its steps.")
    async def transaction(self, info: Info) -> Transaction | None:
        view = await info.context.loaders.load(transactions.views, self.record.id)
        return None if view is None else Transaction.of(view)

    @strawberry.field(description="The order that it is about.")
    async def order(self, info: Info) -> Order | None:
        view = await info.context.loaders.load(transactions.views, self.record.id)
        if view is None or view.order_id is None:
            return None
        found = await info.context.loaders.load(orders.orders, view.order_id)
        return None if found is None else Order.of(found)

    @classmethod
    def of(cls, record: TransactionRecord) -> TransactionEntry:
        return cls(
            record=record,
            id=strawberry.ID(ids.encode("tx", record.id)),
            kind=record.kind,
            state=TransactionState[record.state],
            attention=None if record.attention is None else TransactionAttention[record.attention],
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


@strawberry.input(description="Which transaction to try again.")
class TransactionRetryInput:
    """Retry."""

    id: strawberry.ID = strawberry.field(description="The transaction.")
    reason: str = strawberry.field(description="Why, for the audit; 1 to 200 characters, no personal data.")


@strawberry.input(description="Which transaction was dealt with.")
class TransactionResolveInput:
    """Resolve."""

    id: strawberry.ID = strawberry.field(description="The transaction.")
    outcome: TransactionOutcome = strawberry.field(description="What it has come to.")
    reason: str = strawberry.field(description="What was done, for the audit; 1 to 200 characters, no personal data.")


@strawberry.input(description="A refund of an order (退款).")
class OrderRefundInput:
    """Refund."""

    order: strawberry.ID = strawberry.field(description="The order.")
    amount: Long | None = strawberry.field(default=None, description="fen; all that is left of the order by default.")
    reason: str = strawberry.field(description="Shown to the payer; 1 to 80 bytes of UTF-8.")
    idempotency_key: str | None = strawberry.field(
        description="Names this refund: the same key never refunds twice. Required; 8 to 64 characters.", default=None
    )


@strawberry.type(description="A refund that was begun: accepted within seconds, done when the payer's bank says so.")
class OrderRefund:
    """Refund."""

    record: strawberry.Private[RefundDone]
    number: str = strawberry.field(description="商户退款单号 (out_refund_no).")
    amount: Money = strawberry.field(description="What goes back.")

    @strawberry.field(description="The order.")
    async def order(self, info: Info) -> Order | None:
        found = await info.context.loaders.load(orders.orders, self.record.order_id)
        return None if found is None else Order.of(found)

    @strawberry.field(description="The transaction: watch it.")
    async def transaction(self, info: Info) -> Transaction | None:
        view = await info.context.loaders.load(transactions.views, self.record.transaction_id)
        return None if view is None else Transaction.of(view)

    @classmethod
    def of(cls, record: RefundDone) -> OrderRefund:
        return cls(record=record, number=record.number, amount=Money.of(record.amount))


TransactionResult = Annotated[
    Transaction | DomainProblem,
    strawberry.union("TransactionResult", description="The transaction, or why nothing was done."),
]
OrderRefundResult = Annotated[
    OrderRefund | DomainProblem | ToolProblem,
    strawberry.union("OrderRefundResult", description="The refund, or why there is none."),
]


@strawberry.type(description="Fields about transactions.")
class TransactionQueries:
    """Transactions."""

    @strawberry.field(description="Transactions (交易), latest first. Needs the scope operations.")
    async def transactions(
        self,
        info: Info,
        filter: Annotated[TransactionFilter | None, strawberry.argument(description="Which.")] = None,  # noqa: A002
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[TransactionEntry] | None:
        wanted = filter.record() if filter is not None else Wanted()
        page = await transactions.page(info.context, wanted, args(first, after, last, before))
        return connect(page, TransactionEntry.of)


@strawberry.type(description="Mutations about transactions and refunds.")
class TransactionMutations:
    """Transactions."""

    @strawberry.mutation(description="Try again what stopped a transaction (重试交易). Needs the scope operations.")
    async def transaction_retry(
        self,
        info: Info,
        input: Annotated[TransactionRetryInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> TransactionResult:
        try:
            refused = await transactions.retry(info.context, input.id, input.reason)
        except UserError as error:
            return invalid(error)
        return await _answer(info, input.id, refused)

    @strawberry.mutation(
        description="Say that a transaction that needed a person was dealt with (人工处理). Needs the scope operations."
    )
    async def transaction_resolve(
        self,
        info: Info,
        input: Annotated[TransactionResolveInput, strawberry.argument(description="Which, and how.")],  # noqa: A002
    ) -> TransactionResult:
        try:
            refused = await transactions.resolve(info.context, input.id, input.outcome.name, input.reason)
        except UserError as error:
            return invalid(error)
        return await _answer(info, input.id, refused)

    @strawberry.mutation(
        description="Give back what was paid for an own order, wholly or in part (退款). Needs the scope operations."
    )
    async def order_refund(
        self,
        info: Info,
        input: Annotated[OrderRefundInput, strawberry.argument(description="Which order, how much.")],  # noqa: A002
    ) -> OrderRefundResult:
        info.context.principal.require(transactions.SCOPE)
        key = input.idempotency_key
        if key is None or not 8 <= len(key) <= 64:
            return DomainProblem(
                code="IDEMPOTENCY_KEY_REQUIRED",
                message="idempotencyKey must have 8 to 64 characters; make one per refund and keep it for retries.",
                retryable=False,
            )
        try:
            order_id = ids.decode_as("or", input.order)[1]
        except UserError as error:
            return invalid(error)
        amount = None if input.amount is None else int(input.amount)
        asked = RefundInput(order_id, amount, input.reason, key)
        result = await info.context.services.checkout.refunds.refund(info.context.principal, asked)
        return OrderRefund.of(result) if isinstance(result, RefundDone) else plain_problem(result)


async def _answer(info: Info, transaction: strawberry.ID, refused: ProblemRecord | None) -> Transaction | DomainProblem:
    if refused is not None:
        return DomainProblem(code=refused.code, message=refused.message, retryable=refused.retryable)
    view = await info.context.loaders.load(transactions.views, ids.decode_as("tx", transaction)[1])
    assert view is not None  # noqa: S101 — it was answered for just now
    return Transaction.of(view)
