"""Checkout."""

from __future__ import annotations

from typing import Any

from adapters.base.runtime import Clock
from adapters.payments import PaymentNotice, RefundNotice
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.events.projector import Projector
from gateway.jobs import Handlers, Queue
from gateway.runtime import OpenTools
from gateway.settings import Settings
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

__all__ = [
    "BasketLine", "CheckoutDone", "CheckoutInput", "CheckoutService", "CouponRef", "OrderPayment", "Problem",
    "Quote", "QuoteInput", "QuotedLine", "StepView", "TransactionView", "UnusableCoupon", "UsableCoupon",
]  # fmt: skip


class CheckoutService:
    def __init__(
        self, database: Database, queue: Queue, tools: OpenTools, projector: Projector, clock: Clock, settings: Settings
    ) -> None:
        pass

    async def quote(self, principal: Principal, asked: QuoteInput) -> Quote | Problem:
        raise NotImplementedError

    async def checkout(self, principal: Principal, asked: CheckoutInput) -> CheckoutDone | Problem:
        raise NotImplementedError

    async def renew(self, principal: Principal, order_id: str) -> CheckoutDone | Problem:
        raise NotImplementedError

    async def sync(self, principal: Principal, order_id: str) -> OrderPayment | Problem:
        raise NotImplementedError

    async def transaction(self, transaction_id: str) -> TransactionView | None:
        raise NotImplementedError

    async def on_payment(self, account: str, notice: PaymentNotice) -> None:
        raise NotImplementedError

    async def on_refund(self, account: str, notice: RefundNotice) -> None:
        raise NotImplementedError

    def register(self, handlers: Handlers) -> None:
        pass
