"""The own stock book: reserve, release, sell. Each is one conditional UPDATE per sku."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.engine import Database
from gateway.database.prepared import Prepared
from gateway.database.statements import insert_new
from gateway.database.tables.stock import stock

CENTRAL: Final = "CENTRAL"
CHANNEL: Final = "MINI_PROGRAM"
#: What is neither promised to a shopper nor given to a shop of the platform.
FREE: Final = stock.c.on_hand - stock.c.reserved - stock.c.allotted


async def free(database: Database, location: str, skus: Sequence[str]) -> Mapping[str, int]:
    """Pieces that could be reserved now, by sku; a sku without a row has none."""
    rows = await database.fetch(
        select(stock.c.sku, FREE).where(stock.c.sku.in_(skus), stock.c.location == location, stock.c.channel == CHANNEL)
    )
    return dict.fromkeys(skus, 0) | {sku: int(pieces) for sku, pieces in rows}


async def reserve(
    connection: AsyncConnection, location: str, pieces: Mapping[str, int], now: datetime
) -> tuple[str, ...]:
    """Reserve all of it; returns the skus that are short, and then the caller rolls back.

    Skus are taken in one order everywhere, so that two baskets cannot wait for each other.
    """
    short = []
    for sku, wanted in sorted(pieces.items()):
        params = {"of": sku, "at": location, "pieces": wanted, "now": now}
        if await _RESERVE.run(connection, params) == 0:
            short.append(sku)
    return tuple(short)


async def release(connection: AsyncConnection, location: str, pieces: Mapping[str, int], now: datetime) -> None:
    """Give reserved pieces back."""
    for sku, held in sorted(pieces.items()):
        await _RELEASE.run(connection, {"of": sku, "at": location, "pieces": held, "now": now})


async def sell(connection: AsyncConnection, location: str, pieces: Mapping[str, int], now: datetime) -> tuple[str, ...]:
    """Reserved pieces leave the shelf. Returns the skus whose book no longer has them: the money is in, so
    this is for a person to look at and stops nothing."""
    missing = []
    for sku, sold in sorted(pieces.items()):
        params = {"of": sku, "at": location, "pieces": sold, "now": now}
        if await _SELL.run(connection, params) == 0:
            missing.append(sku)
    return tuple(missing)


async def put_back(connection: AsyncConnection, location: str, pieces: Mapping[str, int], now: datetime) -> None:
    """Sold pieces that never left the shelf are for sale again."""
    for sku, returned in sorted(pieces.items()):
        await _PUT_BACK.run(connection, {"of": sku, "at": location, "pieces": returned, "now": now})


async def adjust(
    connection: AsyncConnection, sku: str, location: str, channel: str, delta: int, now: datetime
) -> tuple[int, int] | None:
    """Change what is on hand. Returns (on hand, reserved) after it; None, and nothing changed, when fewer are free.

    A place that the book does not know yet has no pieces.
    """
    row = {
        "sku": sku, "location": location, "channel": channel, "on_hand": 0, "reserved": 0, "allotted": 0,
        "updated_at": now,
    }  # fmt: skip
    if delta > 0:
        await insert_new(connection, stock, [row], keys=("sku", "location", "channel"))
    statement = (
        update(stock)
        .where(stock.c.sku == sku, stock.c.location == location, stock.c.channel == channel)
        .where(FREE + delta >= 0)
        .values(on_hand=stock.c.on_hand + delta, updated_at=now)
        .returning(stock.c.on_hand, stock.c.reserved)
    )
    found = (await connection.execute(statement)).one_or_none()
    return None if found is None else (found.on_hand, found.reserved)


# Built once: building a statement for each call costs more than running it.
_PIECES: Final = bindparam("pieces", type_=stock.c.on_hand.type)
_PLACE: Final = (
    update(stock)
    .where(stock.c.sku == bindparam("of"), stock.c.location == bindparam("at"), stock.c.channel == CHANNEL)
    .values(updated_at=bindparam("now"))
)
_GIVEN_BACK: Final = _PLACE.where(stock.c.reserved >= _PIECES).values(reserved=stock.c.reserved - _PIECES)
_RESERVE: Final = Prepared(_PLACE.where(FREE >= _PIECES).values(reserved=stock.c.reserved + _PIECES))
_RELEASE: Final = Prepared(_GIVEN_BACK)
_SELL: Final = Prepared(_GIVEN_BACK.values(on_hand=stock.c.on_hand - _PIECES))
_PUT_BACK: Final = Prepared(_PLACE.values(on_hand=stock.c.on_hand + _PIECES))
