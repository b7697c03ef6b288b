"""What can differ between our books and a platform's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of difference; docs/reconciliation.md says what to do about each."""

    #: The platform has a payment, refund or order that our books do not show.
    MISSING_HERE = "MISSING_HERE"
    #: Our books show one that the platform does not have.
    MISSING_THERE = "MISSING_THERE"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    STATE_DIFFERS = "STATE_DIFFERS"
    #: Paid, but our order was closed, and the money has not gone back in full.
    LATE_PAYMENT = "LATE_PAYMENT"
    #: The payment carries a transaction of ours, and there is no such order.
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    #: In the trade bill, but no money moved.
    FUNDS_MISSING = "FUNDS_MISSING"
    #: Another amount moved than the trade bill says.
    FUNDS_DIFFER = "FUNDS_DIFFER"
    #: Money moved as for a trade that the trade bill does not have.
    FUNDS_UNKNOWN = "FUNDS_UNKNOWN"
    #: Another fee was taken than the trade bill says, by more than one fen.
    FEE_DIFFERS = "FEE_DIFFERS"
    #: A store's stock was moved by nobody's order and not by us, or more was sold than was allotted.
    STOCK_DIFFERS = "STOCK_DIFFERS"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``number`` is out_trade_no, out_refund_no, order id, after-sale id, sku or a flow's number.

    Amounts are fen; None where a side has nothing to say. ``order`` is the number of the order it is about.
    """

    kind: Kind
    number: str
    order: str | None = None
    ours_fen: int | None = None
    theirs_fen: int | None = None
    ours_state: str | None = None
    theirs_state: str | None = None

    @property
    def place(self) -> tuple[Kind, str]:
        """What makes it the same difference in another reading."""
        return self.kind, self.number


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the comparison of one account's day came to.

    ``learned`` counts rows that only a bill tells of and that were taken over; they are no differences.
    """

    compared: int
    learned: int
    repaired: Sequence[Difference]
    left: Sequence[Difference]


def settled(first: Sequence[Difference], second: Sequence[Difference]) -> tuple[list[Difference], list[Difference]]:
    """(repaired, left) from the readings before and after the repairs."""
    still = {each.place for each in second}
    return [each for each in first if each.place not in still], list(second)
