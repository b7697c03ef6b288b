"""What both sides do: the same statements, the same prepay, the same way of measuring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database, Keyring
from gateway.database.statements import insert_rows
from gateway.database.tables.projections import purchase
from gateway.database.tables.stock import stock as shelves
from gateway.transactions import stock

MASTER = bytes(range(32))
#: Shoppers take different skus as often as the same one.
SKUS = tuple(f"SKU-{number}" for number in range(20))
WARM_UP = 20


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database, with full shelves."""
    async with Database.open(url, Keyring(MASTER)) as database:
        now = datetime.now(UTC)
        rows = [
            {
                "sku": sku,
                "location": stock.CENTRAL,
                "channel": stock.CHANNEL,
                "on_hand": 10**6,
                "reserved": 0,
                "allotted": 0,
                "updated_at": now,
            }
            for sku in SKUS
        ]
        async with database.write() as connection:
            await connection.execute(shelves.insert(), rows)
        yield database


async def reserve(connection: AsyncConnection, sku: str) -> None:
    """One piece."""
    short = await stock.reserve(connection, stock.CENTRAL, {sku: 1}, datetime.now(UTC))
    assert not short


async def place(connection: AsyncConnection, number: str) -> None:
    """An order that waits for its payment."""
    now = datetime.now(UTC)
    row = {
        "id": f"MINI_PROGRAM:wx:{number}",
        "source": "MINI_PROGRAM",
        "account": "wx",
        "native_id": number,
        "form": "FLAGSHIP",
        "state": "UNPAID",
        "list_total": 89900,
        "discount": 0,
        "freight": 0,
        "payable": 89900,
        "refunded": 0,
        "created_at": now,
        "updated_at": now,
        "method": "EXPRESS",
        "fulfilment_state": "PENDING",
        "changed_at": now,
        "as_of": now,
    }
    await insert_rows(connection, purchase, [row])


async def prepay(number: str) -> str:
    """What the payment platform answers, without the wire."""
    await asyncio.sleep(0)
    return f"wx-{number}"


async def measure(buy: Callable[[int], Awaitable[None]], orders: int, at_once: int) -> None:
    """Print checkouts per second and milliseconds of CPU for each, after a warm-up."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with gate:
            await buy(number)

    await asyncio.gather(*(one(number) for number in range(WARM_UP)))
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(WARM_UP, WARM_UP + orders)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(orjson.dumps({"per_second": round(orders / wall, 1), "cpu_ms": round(cpu / orders * 1000, 3)}).decode())
