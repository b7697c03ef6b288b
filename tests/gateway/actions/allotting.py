"""A shop of the platform that is given pieces, and sells them, for tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from gateway.database.tables.projections import offer
from gateway.database.tables.stock import stock, store_allotment
from gateway.transactions.effects.stock_allotments import ALLOT, Wanted
from tests.gateway.actions.trading import TOOL, do, store
from tests.gateway.transactions.shop import COAT, STORE, Shop


async def allot(shop: Shop, delta: int, key: str = "key-of-a-test", location: str = STORE) -> Any:
    return await do(shop, ALLOT, Wanted(COAT, location, store(shop).account, delta), key)


async def book(shop: Shop, location: str = STORE) -> tuple[int, int, int]:
    """(on hand, allotted, of these the shop's)."""
    place = (stock.c.sku == COAT, stock.c.location == location)
    row = await shop.database.one(select(stock).where(*place))
    assert row is not None
    pieces = await shop.database.one(
        select(store_allotment.c.pieces).where(store_allotment.c.sku == COAT, store_allotment.c.location == location)
    )
    return row.on_hand, row.allotted, pieces.pieces if pieces else 0


async def offered(shop: Shop) -> int:
    """The platform's own number."""
    row = await shop.database.one(select(offer).where(offer.c.sku == COAT))
    assert row is not None
    return await store(shop).stock(row.product_id, row.sku_id)


async def by_hand(shop: Shop, delta: int) -> None:
    """Somebody changes the number in the shop's console."""
    row = await shop.database.one(select(offer).where(offer.c.sku == COAT))
    assert row is not None
    await store(shop).stock_change(row.product_id, row.sku_id, delta)


async def sold(shop: Shop, quantity: int) -> str:
    made = await shop.act(TOOL, "order_new", person="linxiaowen", sku=COAT, quantity=quantity)
    return str(made["order_id"])
