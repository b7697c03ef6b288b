"""Compares a day's bills with our books. Pure: rows in, differences out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from adapters.payments import BillRow, FundFlow
from gateway.reconciliation.differences import Difference, Kind
from gateway.reconciliation.ledger import OWN, Ledger, OurPayment, OurRefund, day_bounds

#: 交易状态 of a payment that was taken back at the till: no money came in.
REVOKED: Final = "REVOKED"
#: 退款状态 of the bill → what our books may say by then. A bill is older than a query: PROCESSING says nothing.
_REFUND_STATES: Final[Mapping[str, frozenset[str]]] = {
    "SUCCESS": frozenset({"SUCCESS"}),
    "FAIL": frozenset({"CLOSED"}),
    "CHANGE": frozenset({"ABNORMAL", "SUCCESS"}),
}
#: 业务类型 of money that a payment or a refund moves, and the word that all kinds of fee have in them.
_TRADE_KINDS: Final = frozenset({"交易", "退款"})
_FEE: Final = "手续费"
#: What a checkout writes into ``attach``: its transaction, and the store.
_ATTACH: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\|.*")


@dataclass(frozen=True, slots=True)
class Bills:
    """A merchant account's day as 微信支付 has it. ``flows`` None: there is no fund flow bill of that day."""

    rows: Sequence[BillRow]
    flows: Sequence[FundFlow] | None

    @property
    def payments(self) -> list[BillRow]:
        """Rows of payments."""
        return [row for row in self.rows if row.kind == "PAYMENT"]

    @property
    def refunds(self) -> list[BillRow]:
        """Rows of refunds."""
        return [row for row in self.rows if row.kind == "REFUND"]


def compare(bills: Bills, ours: Ledger) -> list[Difference]:
    """Every difference, in the order of the bill; then what the bill lacks; then the money."""
    found: list[Difference] = []
    for row in bills.payments:
        found += _payment(row, ours.payments.get(row.out_trade_no))
    for row in bills.refunds:
        found += _refund(row, ours.refunds.get(row.out_refund_no))
    found += _totals(ours)
    found += missing_there(bills, ours)
    found += _funds(bills)
    return found


def foreign(row: BillRow, ours: OurPayment | None) -> bool:
    """Whether a payment is of no order of ours and does not claim to be: a till's, another system's."""
    return (ours is None or ours.order_state is None) and not _ATTACH.fullmatch(row.attach)


def missing_there(bills: Bills, ours: Ledger) -> list[Difference]:
    """What we say happened that day, and the bill does not have."""
    paid = {row.out_trade_no for row in bills.payments}
    back = {row.out_refund_no for row in bills.refunds}
    return [
        Difference(
            Kind.MISSING_THERE, each.out_trade_no, each.out_trade_no, _taken(each), None, each.state or each.order_state
        )
        for each in ours.payments.values()
        if each.out_trade_no not in paid and _taken(each) and _on(ours.day, each.paid_at)
    ] + [
        Difference(Kind.MISSING_THERE, each.out_refund_no, each.out_trade_no, each.amount, None, each.state)
        for each in ours.refunds.values()
        if each.out_refund_no not in back and each.state == "SUCCESS"
    ]


def _taken(each: OurPayment) -> int:
    """The fen that came in through 微信支付, by our books."""
    if each.total is None:
        return (each.order_payable or 0) if each.source == OWN else 0
    return each.total


def _on(day: date, instant: datetime | None) -> bool:
    begin, end = day_bounds(day)
    return instant is not None and begin <= instant < end


def _payment(row: BillRow, ours: OurPayment | None) -> Iterator[Difference]:
    number = row.out_trade_no
    if row.state == REVOKED:
        if ours is not None and ours.state in {"SUCCESS", "REFUND"}:
            yield Difference(Kind.STATE_DIFFERS, number, number, ours.total, row.total, ours.state, REVOKED)
        return
    if ours is None or ours.order_state is None:
        if not foreign(row, ours):
            yield Difference(Kind.UNKNOWN_ORDER, number, number, None, row.total, None, row.state)
        elif ours is not None and ours.total != row.total:
            yield Difference(Kind.AMOUNT_DIFFERS, number, number, ours.total, row.total, ours.state, row.state)
        return
    asked = ours.order_payable if ours.total is None else ours.total
    if asked != row.total or ours.order_payable != row.total:
        wrong = asked if asked != row.total else ours.order_payable
        yield Difference(Kind.AMOUNT_DIFFERS, number, number, wrong, row.total, ours.order_state, row.state)
    elif ours.source != OWN:
        return
    elif ours.order_state == "CLOSED":
        if ours.refunded < row.total:
            yield Difference(Kind.LATE_PAYMENT, number, number, ours.refunded, row.total, "CLOSED", row.state)
    elif ours.order_state != "PAID" or ours.total is None:
        yield Difference(Kind.MISSING_HERE, number, number, ours.total, row.total, ours.order_state, row.state)
    elif ours.state not in {"SUCCESS", "REFUND"}:
        yield Difference(Kind.STATE_DIFFERS, number, number, ours.total, row.total, ours.state, row.state)


def _refund(row: BillRow, ours: OurRefund | None) -> Iterator[Difference]:
    number, order = row.out_refund_no, row.out_trade_no
    if ours is None:
        yield Difference(Kind.MISSING_HERE, number, order, None, row.refund_amount, None, row.refund_state)
        return
    if ours.amount != row.refund_amount:
        yield Difference(Kind.AMOUNT_DIFFERS, number, order, ours.amount, row.refund_amount, ours.state)
    if ours.state not in _REFUND_STATES.get(row.refund_state, frozenset({ours.state})):
        yield Difference(
            Kind.STATE_DIFFERS, number, order, ours.amount, row.refund_amount, ours.state, row.refund_state
        )


def _totals(ours: Ledger) -> Iterator[Difference]:
    """What has gone back of an order, beside what has gone back of its payment."""
    for each in ours.payments.values():
        if each.source == OWN and each.total is not None and each.order_refunded != each.refunded:
            yield Difference(
                Kind.STATE_DIFFERS, each.out_trade_no, each.out_trade_no, each.order_refunded, each.refunded
            )


def _funds(bills: Bills) -> Iterator[Difference]:
    """The trade bill beside the money that moved."""
    if bills.flows is None:
        for row in bills.rows:
            if _moves(row):
                yield Difference(Kind.FUNDS_MISSING, _business_id(row), row.out_trade_no, None, _expected(row))
        return
    moved: defaultdict[str, int] = defaultdict(int)
    fees: defaultdict[str, int] = defaultdict(int)
    for flow in bills.flows:
        (fees if _FEE in flow.kind else moved)[flow.business_id] += flow.amount
    for row in bills.rows:
        if _moves(row):
            yield from _money(row, moved.get(_business_id(row)), -fees[_business_id(row)])
    known = {_business_id(row) for row in bills.rows}
    for flow in bills.flows:
        if flow.kind in _TRADE_KINDS and flow.business_id not in known:
            yield Difference(Kind.FUNDS_UNKNOWN, flow.business_id, None, None, flow.amount, None, flow.kind)


def _money(row: BillRow, moved: int | None, fee: int) -> Iterator[Difference]:
    number, expected = _business_id(row), _expected(row)
    if moved is None:
        if expected:
            yield Difference(Kind.FUNDS_MISSING, number, row.out_trade_no, None, expected)
        return
    # The part of a refund that goes back into a coupon is no money of the merchant's.
    agrees = moved == expected if row.kind == "PAYMENT" else expected <= moved < 0
    if not agrees:
        yield Difference(Kind.FUNDS_DIFFER, number, row.out_trade_no, expected, moved)
    said = int((Decimal(row.fee) * 100).to_integral_value(ROUND_HALF_UP))
    if abs(said - fee) > 1:
        yield Difference(Kind.FEE_DIFFERS, number, row.out_trade_no, said, fee)


def _moves(row: BillRow) -> bool:
    return row.state != REVOKED and row.refund_state != "FAIL"


def _business_id(row: BillRow) -> str:
    """微信支付业务单号."""
    return row.refund_id or row.transaction_id


def _expected(row: BillRow) -> int:
    return row.settlement if row.kind == "PAYMENT" else -row.refund_amount
