"""One store account (微信小店) against its own ledger of money (资金流水), which no bill of a merchant account shows.

Entries of a day are out at 16:00 of the next (Beijing). Each is read once, by a call of its own, and kept: what an
entry of another day says is known, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from adapters.base.errors import NotFound
from adapters.mini_program_store import FundsFlow, MiniProgramStoreAdapter, Withdrawal
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.engine import Database
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.projections import after_sale, purchase
from gateway.database.tables.reconciliation import store_funds_flow
from gateway.events.projections import mini_program_store
from gateway.events.projector import Projector
from gateway.reconciliation.differences import Difference, Kind, Outcome, settled
from gateway.reconciliation.ledger import day_bounds

#: funds_type: what shoppers paid, and what went back to them. The set is open: whatever else there is, is learned.
PAID: Final = 1
REFUNDED: Final = 3
#: Out, returned by the bank, and the same when a store closes.
WITHDRAWN: Final = frozenset({4, 5, 22, 23})
#: Hours after the end of a day at which its entries are out.
OUT_AFTER: Final = timedelta(hours=16)
#: How long after a payment it may be booked: the last of a day are compared with the next day's.
MARGIN: Final = timedelta(minutes=10)
_NUMBERS: Final = 5000
_DIGITS: Final = 100


def out_at(day: date) -> datetime:
    """When a day's entries can be read."""
    return day_bounds(day)[1].astimezone(UTC) + OUT_AFTER


async def reconcile(projector: Projector, adapter: MiniProgramStoreAdapter, day: date) -> Outcome:
    """Read the day's entries, compare, read again what our books do not know, and compare again.

    Raises UpstreamErrors. Call it when the entries are out.
    """
    begin, end = day_bounds(day)
    database, appid = projector.database, adapter.account
    ids = await _ids(adapter, begin - MARGIN, end)
    new = await _read(database, adapter, ids)
    first = await _compare(database, appid, day)
    await _ask(projector, adapter, first)
    repaired, left = settled(first, await _compare(database, appid, day))
    compared = await database.one(
        select(func.count().label("rows"))
        .where(store_funds_flow.c.appid == appid, store_funds_flow.c.business_date == day)
        .select_from(store_funds_flow)
    )
    learned = sum(each.kind not in {PAID, REFUNDED} for each in new)
    return Outcome(0 if compared is None else compared.rows, learned, repaired, left)


async def _ids(adapter: MiniProgramStoreAdapter, begin: datetime, end: datetime) -> Sequence[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await adapter.funds_flow_ids(begin, end, cursor)
        found += page.flow_ids
        cursor = page.next_cursor
        if cursor is None:
            return list(dict.fromkeys(found))


async def _read(database: Database, adapter: MiniProgramStoreAdapter, ids: Sequence[str]) -> Sequence[FundsFlow]:
    """Read and keep the entries that are new; returns them."""
    flow = store_funds_flow.c
    known: set[str] = set()
    for some in chunks(ids, _NUMBERS):
        rows = await database.fetch(select(flow.flow_id).where(flow.appid == adapter.account, flow.flow_id.in_(some)))
        known |= {row.flow_id for row in rows}
    found: list[FundsFlow] = []
    for some in chunks([each for each in ids if each not in known], _DIGITS):
        flows = [each for each in await adapter.funds_flows(some) if not isinstance(each, NotFound)]
        numbers = sorted({each.withdrawal_id for each in flows if each.withdrawal_id})
        withdrawals = [each for each in await adapter.withdrawals(numbers) if not isinstance(each, NotFound)]
        states = {each.withdrawal_id: each for each in withdrawals}
        async with database.write() as connection:
            rows_ = [_row(each, states) for each in flows if each.booked_at is not None]
            await insert_new(connection, store_funds_flow, rows_, keys=("appid", "flow_id"))
        found += flows
    return found


def _row(each: FundsFlow, withdrawals: dict[str, Withdrawal]) -> dict[str, object]:
    assert each.booked_at is not None  # noqa: S101 — the caller leaves those out
    withdrawal = withdrawals.get(each.withdrawal_id or "")
    return {
        "appid": each.appid,
        "flow_id": each.flow_id,
        "business_date": each.booked_at.astimezone(BUSINESS_ZONE).date(),
        "booked_at": each.booked_at,
        "kind": each.kind,
        "title": each.title,
        "amount": each.amount,
        "order_id": each.order_id,
        "after_sale_id": each.after_sale_id,
        "withdrawal_id": each.withdrawal_id,
        "state": None if withdrawal is None else withdrawal.state,
    }


# Comparing ----------------------------------------------------------------------------------------


async def _compare(database: Database, appid: str, day: date) -> list[Difference]:
    flow = store_funds_flow.c
    rows = await database.fetch(
        select(store_funds_flow)
        .where(flow.appid == appid, flow.business_date == day)
        .order_by(flow.booked_at, flow.flow_id)
    )
    orders = await _orders(database, appid, sorted({row.order_id for row in rows if row.order_id}))
    cases = await _cases(database, appid, sorted({row.after_sale_id for row in rows if row.after_sale_id}))
    found: list[Difference] = []
    paid, refunded = Counter[str](), Counter[str]()
    for row in rows:
        if (row.order_id and row.order_id not in orders) or (row.after_sale_id and row.after_sale_id not in cases):
            kind = Kind.FUNDS_UNKNOWN
            found.append(Difference(kind, row.flow_id, row.order_id, None, row.amount, None, row.title))
        elif row.kind == PAID and row.order_id:
            paid[row.order_id] += row.amount
        elif row.kind == REFUNDED and row.after_sale_id:
            refunded[row.after_sale_id] -= row.amount
    for number, amount in paid.items():
        if orders[number].payable != amount:
            found.append(Difference(Kind.FUNDS_DIFFER, number, number, orders[number].payable, amount))
    for number, amount in refunded.items():
        case = cases[number]
        if case.refund != amount:
            found.append(Difference(Kind.FUNDS_DIFFER, number, case.native_id, case.refund, amount))
    return found + await _missing(database, appid, day)


async def _missing(database: Database, appid: str, day: date) -> list[Difference]:
    """What our books say was paid or given back, and no entry has. 先用后付 has no transaction until it is charged."""
    begin, end = (each - MARGIN for each in day_bounds(day))
    booked = select(store_funds_flow.c.flow_id).where(store_funds_flow.c.appid == appid)
    orders = await database.fetch(
        select(purchase.c.native_id, purchase.c.payable, purchase.c.state)
        .where(purchase.c.source == "STORE", purchase.c.account == appid, purchase.c.payable > 0)
        .where(purchase.c.paid_at >= begin, purchase.c.paid_at < end, purchase.c.transaction_id.is_not(None))
        .where(
            ~booked.where(store_funds_flow.c.order_id == purchase.c.native_id, store_funds_flow.c.kind == PAID).exists()
        )
        .order_by(purchase.c.native_id)
    )
    # What was given back before the ledger was ever read may have changed since for another reason.
    since = select(func.min(store_funds_flow.c.booked_at)).where(store_funds_flow.c.appid == appid).scalar_subquery()
    cases = await database.fetch(
        select(after_sale.c.after_sale_id, after_sale.c.refund, after_sale.c.state, purchase.c.native_id)
        .join(purchase, purchase.c.id == after_sale.c.purchase)
        .where(after_sale.c.appid == appid, after_sale.c.state == "SUCCEEDED", after_sale.c.refund > 0)
        .where(after_sale.c.updated_at >= begin, after_sale.c.updated_at < end, after_sale.c.created_at >= since)
        .where(~booked.where(store_funds_flow.c.after_sale_id == after_sale.c.after_sale_id).exists())
        .order_by(after_sale.c.after_sale_id)
    )
    missing = Kind.FUNDS_MISSING
    return [
        *(Difference(missing, row.native_id, row.native_id, row.payable, None, row.state) for row in orders),
        *(Difference(missing, row.after_sale_id, row.native_id, row.refund, None, row.state) for row in cases),
    ]


async def _ask(projector: Projector, adapter: MiniProgramStoreAdapter, differences: Sequence[Difference]) -> None:
    """Read the orders and after-sales of entries that our books do not know: their events may have been lost."""
    unknown = [each.number for each in differences if each.kind is Kind.FUNDS_UNKNOWN]
    if not unknown:
        return
    flow, seen = store_funds_flow.c, projector.asking()
    rows: list[AnyRow] = []
    for some in chunks(unknown):
        rows += await projector.database.fetch(
            select(flow.order_id, flow.after_sale_id).where(flow.appid == adapter.account, flow.flow_id.in_(some))
        )
    ids = sorted({row.order_id for row in rows if row.order_id})
    orders = [each for each in await adapter.orders(ids) if not isinstance(each, NotFound)]
    await mini_program_store.orders(seen, orders, source="bill")
    ids = sorted({row.after_sale_id for row in rows if row.after_sale_id})
    cases = [each for each in await adapter.after_sales(ids) if not isinstance(each, NotFound)]
    if cases:
        await mini_program_store.after_sales(seen, cases, source="bill")


async def _orders(database: Database, appid: str, numbers: Sequence[str]) -> dict[str, AnyRow]:
    found: dict[str, AnyRow] = {}
    for some in chunks(numbers, _NUMBERS):
        rows = await database.fetch(
            select(purchase.c.native_id, purchase.c.payable).where(
                purchase.c.source == "STORE", purchase.c.account == appid, purchase.c.native_id.in_(some)
            )
        )
        found |= {row.native_id: row for row in rows}
    return found


async def _cases(database: Database, appid: str, numbers: Sequence[str]) -> dict[str, AnyRow]:
    found: dict[str, AnyRow] = {}
    for some in chunks(numbers, _NUMBERS):
        rows = await database.fetch(
            select(after_sale.c.after_sale_id, after_sale.c.refund, purchase.c.native_id)
            .join(purchase, purchase.c.id == after_sale.c.purchase)
            .where(after_sale.c.appid == appid, after_sale.c.after_sale_id.in_(some))
        )
        found |= {row.after_sale_id: row for row in rows}
    return found
