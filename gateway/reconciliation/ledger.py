"""Our side of a merchant account's day: payments, refunds and the orders they are of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.engine import Database
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.tables.projections import payment, purchase, refund

OWN = "MINI_PROGRAM"
#: Numbers per statement; SQLite takes at most 32,766 values.
_NUMBERS = 5000


@dataclass(frozen=True, slots=True)
class OurPayment:
    """A payment as our books have it. ``order_*`` are None where it is of no order of ours."""

    out_trade_no: str
    #: None while our books know the order but nothing of a payment.
    total: int | None
    state: str | None
    refunded: int
    paid_at: datetime | None
    source: str | None = None
    order_state: str | None = None
    order_payable: int | None = None
    order_refunded: int | None = None


@dataclass(frozen=True, slots=True)
class OurRefund:
    """A refund as our books have it."""

    out_refund_no: str
    out_trade_no: str
    amount: int
    state: str
    succeeded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """By number, everything that a bill of the day may be about; also payments of other days, for their refunds."""

    day: date
    payments: Mapping[str, OurPayment]
    refunds: Mapping[str, OurRefund]


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Beginning and end of a day in China."""
    begin = datetime.combine(day, time(), BUSINESS_ZONE)
    return begin, begin + timedelta(days=1)


async def read(database: Database, mchid: str, day: date, trades: Collection[str], refunds: Collection[str]) -> Ledger:
    """What we have under these numbers, and whatever else we say happened that day."""
    begin, end = day_bounds(day)
    paid = (payment.c.mchid == mchid, payment.c.paid_at >= begin, payment.c.paid_at < end)
    own = (purchase.c.mchid == mchid, purchase.c.paid_at >= begin, purchase.c.paid_at < end)
    back = (refund.c.mchid == mchid, refund.c.succeeded_at >= begin, refund.c.succeeded_at < end)
    numbers = set(trades)
    numbers.update(row[0] for row in await database.fetch(select(payment.c.out_trade_no).where(*paid)))
    numbers.update(row[0] for row in await database.fetch(select(purchase.c.out_trade_no).where(*own)))
    found: dict[str, OurRefund] = {}
    for each in await database.fetch(select(refund).where(*back)):
        found[each.out_refund_no] = _refund(each)
    for some in chunks(sorted(refunds), _NUMBERS):
        by_number = select(refund).where(refund.c.mchid == mchid, refund.c.out_refund_no.in_(some))
        found.update({each.out_refund_no: _refund(each) for each in await database.fetch(by_number)})
    numbers.update(each.out_trade_no for each in found.values())
    return Ledger(day, await _payments(database, mchid, numbers), found)


async def _payments(database: Database, mchid: str, numbers: Collection[str]) -> Mapping[str, OurPayment]:
    found: dict[str, OurPayment] = {}
    for some in chunks(sorted(numbers), _NUMBERS):
        known = payment.c.mchid == mchid, payment.c.out_trade_no.in_(some)
        for row in await database.fetch(select(payment).where(*known)):
            found[row.out_trade_no] = OurPayment(row.out_trade_no, row.total, row.state, row.refunded, row.paid_at)
        ordered = purchase.c.mchid == mchid, purchase.c.out_trade_no.in_(some)
        for row in await database.fetch(select(purchase).where(*ordered)):
            seen = found.get(row.out_trade_no)
            found[row.out_trade_no] = OurPayment(
                row.out_trade_no,
                None if seen is None else seen.total,
                None if seen is None else seen.state,
                0 if seen is None else seen.refunded,
                row.paid_at if seen is None else seen.paid_at,
                row.source,
                row.state,
                row.payable,
                row.refunded,
            )
    return found


def _refund(row: AnyRow) -> OurRefund:
    return OurRefund(row.out_refund_no, row.out_trade_no, row.amount, row.state, row.succeeded_at)
