"""The platform's book of what moved a sku's stock (库存流水): read to settle, and for what became of a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from adapters.mini_program_store import MiniProgramStoreAdapter, StockMovement
from gateway.database.rows import AnyRow
from gateway.transactions.allotments import SKEW, name_of

#: What one question spans at most. The platform allows a year; its pages are short.
SPAN: Final = timedelta(days=30)


async def movements(
    adapter: MiniProgramStoreAdapter, product_id: str, sku_id: str, begin: datetime, end: datetime
) -> Sequence[StockMovement]:
    """All of a window. Pages may overlap, and rows come in any order."""
    found: list[StockMovement] = []
    while begin < end:
        until, cursor = min(begin + SPAN, end), None
        while True:
            page = await adapter.stock_movements(product_id, sku_id, begin, until, cursor)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        begin = until
    return found


async def before(adapter: MiniProgramStoreAdapter, product_id: str, sku_id: str, now: datetime) -> Sequence[str]:
    """Names of what stands there before a change: what ``happened`` finds may not be one of them."""
    return [name_of(each) for each in await movements(adapter, product_id, sku_id, now - 2 * SKEW, now + SKEW)]


async def happened(
    adapter: MiniProgramStoreAdapter, product_id: str, sku_id: str, change: AnyRow, now: datetime
) -> bool:
    """Whether a change that is pending was made. As many pieces by hand in the same minutes are taken for it."""
    book = await movements(adapter, product_id, sku_id, change.asked_at - SKEW, now + SKEW)
    return any(
        each.order_id is None and each.delta == change.delta and name_of(each) not in change.known for each in book
    )
