"""Reconciliations: our books against the platforms' bills, for headquarters."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.reconciliation import Kind, State
from gateway.resolvers import ids, reconciliations
from gateway.resolvers.reconciliations import DifferenceRecord, ReconciliationRecord
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.scalars import Money


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


@strawberry.type(name="Reconciliation", description="One account's day, compared with the platform's own bill (对账).")
class ReconciliationRun(Node):
    """对账."""

    record: strawberry.Private[ReconciliationRecord]
    date: date_type = strawberry.field(description="The day, in China (对账日).")
    tool: str = strawberry.field(description="payments or mini_program_store.")
    account: str = strawberry.field(description="mchid, or appid of a store.")
    state: ReconciliationState = strawberry.field(description="How it ended.")
    compared: int = strawberry.field(description="Rows of the platform's that were looked at.")
    learned: int = strawberry.field(description="Rows that only a bill tells of, such as payments at a till.")
    repaired: int = strawberry.field(description="Differences that are gone since.")
    left: int = strawberry.field(description="Differences for a person.")
    error_code: str | None = strawberry.field(description="Why it could not be compared.")
    at: datetime = strawberry.field(description="When it was compared.")

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
