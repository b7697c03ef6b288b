"""Reconciliations: our books against the platforms' bills, for headquarters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated, TypeVar

import strawberry

from gateway.context import Context
from gateway.reconciliation import Book, Kind, State
from gateway.resolvers import ids, reconciliations
from gateway.resolvers.reconciliations import DifferenceRecord, ReconciliationRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.scalars import Money

R = TypeVar("R")


@strawberry.enum(description="How a reconciliation ended (对账结果).")
class ReconciliationState(Enum):
    """States of gateway.reconciliation."""

    CLEAN = strawberry.enum_value("CLEAN", description="Both sides agree (相符).")
    REPAIRED = strawberry.enum_value("REPAIRED", description="There were differences, and none is left (已补记).")
    DIFFERENT = strawberry.enum_value("DIFFERENT", description="Something is left for a person (有差异).")
    FAILED = strawberry.enum_value("FAILED", description="The platform could not be asked (未完成).")


@strawberry.enum(description="What differs; docs/reconciliation.md says what to do about each.")
class DifferenceKind(Enum):
    """Kinds of gateway.reconciliation."""

    MISSING_HERE = strawberry.enum_value("MISSING_HERE", description="The platform has it, our books do not (漏记).")
    MISSING_THERE = strawberry.enum_value(
        "MISSING_THERE", description="Our books have it, the platform does not (多记)."
    )
    AMOUNT_DIFFERS = strawberry.enum_value("AMOUNT_DIFFERS", description="Another amount (金额不符).")
    STATE_DIFFERS = strawberry.enum_value("STATE_DIFFERS", description="Another state (状态不符).")
    LATE_PAYMENT = strawberry.enum_value(
        "LATE_PAYMENT", description="Paid after the order was closed, and not given back in full (关闭后付款)."
    )
    UNKNOWN_ORDER = strawberry.enum_value(
        "UNKNOWN_ORDER", description="Carries a transaction of ours, and there is no such order (订单不存在)."
    )
    FUNDS_MISSING = strawberry.enum_value("FUNDS_MISSING", description="Traded, but no money moved (资金未动).")
    FUNDS_DIFFER = strawberry.enum_value("FUNDS_DIFFER", description="Another amount moved (资金不符).")
    FUNDS_UNKNOWN = strawberry.enum_value(
        "FUNDS_UNKNOWN", description="Money moved for a trade that the bill does not have (不明资金)."
    )
    FEE_DIFFERS = strawberry.enum_value("FEE_DIFFERS", description="Another fee was taken (手续费不符).")
    STOCK_DIFFERS = strawberry.enum_value(
        "STOCK_DIFFERS", description="A shop's stock moved by hand, or more was sold than allotted (渠道库存差异)."
    )


@strawberry.enum(description="What of an account is compared.")
class ReconciliationBook(Enum):
    """Books of gateway.reconciliation."""

    BILLS = strawberry.enum_value("BILLS", description="A merchant account's bills (交易账单, 资金账单).")
    ORDERS = strawberry.enum_value("ORDERS", description="A store's orders, after-sales and stock (订单, 售后, 库存).")
    FUNDS = strawberry.enum_value("FUNDS", description="A store's own ledger of money (资金流水).")


assert {each.name for each in ReconciliationBook} == {each.name for each in Book}  # noqa: S101
assert {each.name for each in DifferenceKind} == {each.name for each in Kind}  # noqa: S101 — two lists would drift
assert {each.name for each in ReconciliationState} == {each.name for each in State}  # noqa: S101


@strawberry.type(description="One difference between our books and a platform's bill (对账差异).")
class ReconciliationDifference:
    """差异."""

    kind: DifferenceKind = strawberry.field(description="What differs.")
    number: str = strawberry.field(
        description="Number of the payment, refund, order, after-sale or flow (单号); or a sku."
    )
    order_number: str | None = strawberry.field(description="Number of the order it is about (商户订单号).")
    ours: Money | None = strawberry.field(description="The amount in our books.")
    theirs: Money | None = strawberry.field(description="The amount in the platform's.")
    our_state: str | None = strawberry.field(description="The state in our books.")
    their_state: str | None = strawberry.field(description="The state in the platform's, in its own words.")
    repaired: bool = strawberry.field(description="Whether it is gone since (已补记).")

    @classmethod
    def of(cls, record: DifferenceRecord) -> ReconciliationDifference:
        return cls(
            kind=DifferenceKind[record.kind],
            number=record.number,
            order_number=record.order,
            ours=Money.maybe(record.ours),
            theirs=Money.maybe(record.theirs),
            our_state=record.our_state,
            their_state=record.their_state,
            repaired=record.repaired,
        )


@strawberry.type(description="Entries of one kind in a store's ledger of a day (资金流水).")
class StoreFunds:
    """资金流水."""

    kind: int = strawberry.field(description="The platform's number for it (funds_type).")
    title: str = strawberry.field(description="What it is, in the platform's words.")
    entries: int = strawberry.field(description="How many entries.")
    amount: Money = strawberry.field(description="Their sum; negative where money left.")


@strawberry.type(description="Money taken out of a store's account, or returned by the bank (提现).")
class StoreWithdrawal:
    """提现."""

    number: str | None = strawberry.field(description="The withdrawal's number (提现单号).")
    title: str = strawberry.field(description="What the entry is, in the platform's words.")
    amount: Money = strawberry.field(description="Negative where money left.")
    state: str | None = strawberry.field(
        description="INIT, CREATE_SUCCESS, SUCCESS, FAIL, REFUND or CLOSE, as it was when the ledger was read."
    )
    at: datetime = strawberry.field(description="When it was booked.")


@strawberry.type(name="Reconciliation", description="One account's day, compared with the platform's own bill (对账).")
class ReconciliationRun(Node):
    """对账."""

    record: strawberry.Private[ReconciliationRecord]
    date: date_type = strawberry.field(description="The day, in China (对账日).")
    tool: str = strawberry.field(description="payments or mini_program_store.")
    account: str = strawberry.field(description="mchid, or appid of a store.")
    book: ReconciliationBook = strawberry.field(description="Which of its books.")
    state: ReconciliationState = strawberry.field(description="How it ended.")
    compared: int = strawberry.field(description="Rows of the platform's that were looked at.")
    learned: int = strawberry.field(description="Rows that only a bill tells of, such as payments at a till.")
    repaired: int = strawberry.field(description="Differences that are gone since.")
    left: int = strawberry.field(description="Differences for a person.")
    error_code: str | None = strawberry.field(description="Why it could not be compared.")
    at: datetime = strawberry.field(description="When it was compared.")

    @strawberry.field(
        description="What moved a store's money that day, by what it is: payments, refunds, fees (技术服务费),"
        " commissions (佣金), withdrawals; empty for other books."
    )
    async def funds(self, info: Info) -> list[StoreFunds]:
        found = await self._of_day(info, reconciliations.funds)
        return [
            StoreFunds(kind=each.kind, title=each.title, entries=each.entries, amount=Money.of(each.amount))
            for each in found
        ]

    @strawberry.field(description="Withdrawals (提现) of a store that day, and what the bank returned; else empty.")
    async def withdrawals(self, info: Info) -> list[StoreWithdrawal]:
        found = await self._of_day(info, reconciliations.withdrawals)
        return [
            StoreWithdrawal(
                number=each.number, title=each.title, amount=Money.of(each.amount), state=each.state, at=each.at
            )
            for each in found
        ]

    async def _of_day(
        self, info: Info, batch: Callable[[Context, Sequence[tuple[str, date_type]]], Awaitable[Sequence[Sequence[R]]]]
    ) -> Sequence[R]:
        if self.book is not ReconciliationBook.FUNDS:
            return ()
        return await info.context.loaders.load(batch, (self.record.account, self.record.day))

    @strawberry.field(description="The differences, repaired ones first. Asked of one run at a time.")
    async def differences(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ReconciliationDifference]:
        page = await reconciliations.differences(info.context, self.record.id, args(first, after, last, before))
        return connect(page, ReconciliationDifference.of)

    @classmethod
    def of(cls, record: ReconciliationRecord) -> ReconciliationRun:
        return cls(
            id=strawberry.ID(ids.encode("rn", record.id)),
            record=record,
            date=record.day,
            tool=record.tool,
            account=record.account,
            book=ReconciliationBook[record.book],
            state=ReconciliationState[record.state],
            compared=record.compared,
            learned=record.learned,
            repaired=record.repaired,
            left=record.left,
            error_code=record.error_code,
            at=record.at,
        )


@strawberry.type(description="Fields about reconciliation.")
class ReconciliationQueries:
    """Reconciliation."""

    @strawberry.field(description="Reconciliations (对账), latest first. Needs the scope operations.")
    async def reconciliations(
        self,
        info: Info,
        date: Annotated[date_type | None, strawberry.argument(description="Only of this day, in China.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ReconciliationRun] | None:
        page = await reconciliations.page(info.context, date, args(first, after, last, before))
        return connect(page, ReconciliationRun.of)
