"""One store account (微信小店) against its own lists of orders and after-sales.

The store's money lies with the platform and stands in no bill of a merchant account; each order and after-sale is
read again and compared instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.mini_program_store import AFTER_SALE_WINDOW, AfterSale, MiniProgramStoreAdapter, Order
from gateway.database.rows import AnyRow
from gateway.database.tables.projections import after_sale, purchase
from gateway.events.projections import mini_program_store
from gateway.events.projector import Projector
from gateway.reconciliation.differences import Difference, Kind, Outcome, settled
from gateway.reconciliation.ledger import day_bounds
from gateway.transactions import allotments
from gateway.transactions.store_stock import StoreStock


async def reconcile(projector: Projector, stock: StoreStock, adapter: MiniProgramStoreAdapter, day: date) -> Outcome:
    """Read what the platform says changed that day, compare, take it over, and compare again.

    Raises UpstreamErrors. What changed later stands in a later day's list: our books may know it already, which is
    no difference.
    """
    begin, end = day_bounds(day)
    seen = projector.asking()
    orders = await _orders(adapter, begin, end)
    after_sales = await _after_sales(adapter, begin, end)
    first = await _compare(projector, adapter.account, orders, after_sales)
    if first:
        await mini_program_store.orders(seen, orders, source="bill")
        if after_sales:
            await mini_program_store.after_sales(seen, after_sales, source="bill")
    second = await _compare(projector, adapter.account, orders, after_sales)
    repaired, left = settled(first, second)
    await stock.settle_shop(adapter)
    left += await _stock(projector, adapter.account, begin, end)
    return Outcome(len(orders) + len(after_sales), 0, repaired, left)


async def _stock(projector: Projector, appid: str, begin: datetime, end: datetime) -> Sequence[Difference]:
    """What moved the store's stock and was no sale of what it was given; pieces, so in words."""
    by_hand, short = await allotments.differing(projector.database, appid, begin, end)
    found = [Difference(Kind.STOCK_DIFFERS, sku, theirs_state=f"MANUAL {pieces:+d}") for sku, pieces in by_hand.items()]
    for sku, order, sold, ours in short:
        found.append(
            Difference(Kind.STOCK_DIFFERS, sku, order, ours_state=f"ALLOTTED {ours}", theirs_state=f"SOLD {sold}")
        )
    return found


async def _orders(adapter: MiniProgramStoreAdapter, begin: datetime, end: datetime) -> list[Order]:
    found: list[Order] = []
    cursor: str | None = None
    while True:
        page = await adapter.order_ids(updated_from=begin, updated_to=end, cursor=cursor)
        found += [each for each in await adapter.orders(page.items) if not isinstance(each, NotFound)]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _after_sales(adapter: MiniProgramStoreAdapter, begin: datetime, end: datetime) -> list[AfterSale]:
    found: list[AfterSale] = []
    while begin < end:
        until, cursor = min(begin + AFTER_SALE_WINDOW, end), None
        while True:
            page = await adapter.after_sale_ids(begin, until, cursor)
            found += [each for each in await adapter.after_sales(page.items) if not isinstance(each, NotFound)]
            cursor = page.next_cursor
            if cursor is None:
                break
        begin = until
    return found


async def _compare(
    projector: Projector,
    appid: str,
    orders: Sequence[Order],
    after_sales: Sequence[AfterSale],
) -> list[Difference]:
    rows = await projector.database.fetch(
        select(purchase.c.native_id, purchase.c.state, purchase.c.payable.label("amount"), purchase.c.updated_at).where(
            purchase.c.source == "STORE",
            purchase.c.account == appid,
            purchase.c.native_id.in_([each.order_id for each in orders]),
        )
    )
    ours = {row.native_id: row for row in rows}
    found: list[Difference] = []
    for each in orders:
        number = each.order_id
        found += _compared(ours.get(number), each.updated_at, number, number, each.payable, each.state.name)
    return found + await _compare_after_sales(projector, appid, after_sales)


async def _compare_after_sales(projector: Projector, appid: str, after_sales: Sequence[AfterSale]) -> list[Difference]:
    rows = await projector.database.fetch(
        select(
            after_sale.c.after_sale_id, after_sale.c.state, after_sale.c.refund.label("amount"), after_sale.c.updated_at
        ).where(
            after_sale.c.appid == appid, after_sale.c.after_sale_id.in_([each.after_sale_id for each in after_sales])
        )
    )
    ours = {row.after_sale_id: row for row in rows}
    found: list[Difference] = []
    for each in after_sales:
        row, state = ours.get(each.after_sale_id), str(each.state)
        found += _compared(row, each.updated_at, each.after_sale_id, each.order_id, each.refund, state)
    return found


def _compared(
    ours: AnyRow | None, updated_at: datetime, number: str, order: str, amount: int, state: str
) -> Iterator[Difference]:
    """What differs of one that the platform last changed at ``updated_at``; ours may have heard of a later change."""
    if ours is None:
        yield Difference(Kind.MISSING_HERE, number, order, None, amount, None, state)
    elif ours.updated_at <= updated_at and (ours.state, ours.amount) != (state, amount):
        kind = Kind.STATE_DIFFERS if ours.state != state else Kind.AMOUNT_DIFFERS
        yield Difference(kind, number, order, ours.amount, amount, ours.state, state)
