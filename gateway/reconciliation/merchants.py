"""One merchant account (mchid) against its trade bill and its fund flow bills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from adapters.base.errors import NotFound, RateLimited, Rejected
from adapters.payments import BillRow, FundAccount, FundFlow, PaymentsAdapter
from gateway.events.projections import payments, purchases
from gateway.events.projector import Projector
from gateway.reconciliation import comparing, ledger
from gateway.reconciliation.comparing import Bills
from gateway.reconciliation.differences import Difference, Kind, Outcome, settled
from gateway.transactions.checkout import CheckoutService
from gateway.transactions.runner import SagaBusy

#: What a query of the payment settles, and what a query of the refund does.
_ASK: Final = frozenset({Kind.MISSING_HERE, Kind.STATE_DIFFERS, Kind.LATE_PAYMENT})


async def reconcile(projector: Projector, checkout: CheckoutService, adapter: PaymentsAdapter, day: date) -> Outcome:
    """Compare, repair what is certain, and compare again. Raises UpstreamErrors.

    Certain is what a query of the payment or refund confirms: it goes the way of a notification. No bill alone
    changes an order.
    """
    bills = Bills(await adapter.trade_bill(day) or (), await _flows(adapter, day))
    ours = await _read(projector, adapter, day, bills)
    elsewhere = _Elsewhere(adapter, day)
    first = await elsewhere.without(comparing.compare(bills, ours))
    learned = sum(
        comparing.foreign(row, known) and known is None
        for row, known in ((row, ours.payments.get(row.out_trade_no)) for row in bills.payments)
    )
    await _repair(projector, checkout, adapter, bills, first)
    # A person is to see the amount that our books have: the bill does not write over it.
    disputed = {each.number for each in first if each.kind is Kind.AMOUNT_DIFFERS}
    if undisputed := [row for row in bills.rows if _number(row) not in disputed]:
        await payments.bill(projector, undisputed)
    again = comparing.compare(bills, await _read(projector, adapter, day, bills))
    repaired, left = settled(first, await elsewhere.without(again))
    return Outcome(len(bills.rows), learned, repaired, left)


async def _read(projector: Projector, adapter: PaymentsAdapter, day: date, bills: Bills) -> ledger.Ledger:
    trades = {row.out_trade_no for row in bills.rows}
    refunds = {row.out_refund_no for row in bills.refunds}
    return await ledger.read(projector.database, adapter.account, day, trades, refunds)


async def _flows(adapter: PaymentsAdapter, day: date) -> Sequence[FundFlow] | None:
    """Of all three accounts: which of them a merchant uses depends on its contract."""
    found: list[FundFlow] | None = None
    for account in FundAccount:
        flows = await adapter.fund_flows(day, account)
        if flows is not None:
            found = [*(found or ()), *flows]
    return found


async def _repair(
    projector: Projector,
    checkout: CheckoutService,
    adapter: PaymentsAdapter,
    bills: Bills,
    differences: Sequence[Difference],
) -> None:
    refunds = {row.out_refund_no for row in bills.refunds}
    for each in differences:
        if each.kind not in _ASK:
            continue
        if each.number in refunds:
            await _repair_refund(projector, adapter, each.number)
        elif each.order is not None:
            await _repair_payment(projector, checkout, adapter, each.order)


async def _repair_payment(
    projector: Projector, checkout: CheckoutService, adapter: PaymentsAdapter, out_trade_no: str
) -> None:
    payment = await adapter.payment(out_trade_no)
    if isinstance(payment, NotFound) or not payment.state.paid:
        return
    try:
        await checkout.captured(payment, source="bill")
    except SagaBusy:
        # Its own job is at it; the second reading says whether that was enough.
        return
    async with projector.batch() as batch:
        await purchases.refunded(batch, adapter.account, [out_trade_no])


async def _repair_refund(projector: Projector, adapter: PaymentsAdapter, out_refund_no: str) -> None:
    refund = await adapter.refund_status(out_refund_no)
    if isinstance(refund, NotFound):
        return
    await payments.refunded(projector, [refund], source="bill")
    async with projector.batch() as batch:
        await purchases.refunded(batch, adapter.account, [refund.out_trade_no])


class _Elsewhere:
    """What stands in the neighbouring days' bills, which are read once, and when they are needed.

    A refund is billed on the day on which it was asked for, and about midnight the platform's clock decides.
    """

    def __init__(self, adapter: PaymentsAdapter, day: date) -> None:
        self._adapter = adapter
        self._day = day
        self._numbers: set[str] | None = None

    async def without(self, differences: Sequence[Difference]) -> Sequence[Difference]:
        """The differences without what stands there."""
        missing = [each for each in differences if each.kind is Kind.MISSING_THERE]
        if not missing:
            return differences
        if self._numbers is None:
            self._numbers = await self._read()
        for each in missing:
            if each.number != each.order and each.number not in self._numbers and await self._asked_earlier(each):
                self._numbers.add(each.number)
        there = self._numbers
        return [each for each in differences if each.kind is not Kind.MISSING_THERE or each.number not in there]

    async def _read(self) -> set[str]:
        numbers: set[str] = set()
        for other in (self._day - timedelta(days=1), self._day + timedelta(days=1)):
            try:
                rows = await self._adapter.trade_bill(other) or ()
            except (Rejected, RateLimited):
                continue
            numbers.update(map(_number, rows))
        return numbers

    async def _asked_earlier(self, each: Difference) -> bool:
        """Whether a refund that arrived on the day was asked for before it."""
        refund = await self._adapter.refund_status(each.number)
        begin, _ = ledger.day_bounds(self._day)
        return not isinstance(refund, NotFound) and refund.created_at is not None and refund.created_at < begin


def _number(row: BillRow) -> str:
    """The number of a difference about this row."""
    return row.out_refund_no or row.out_trade_no
