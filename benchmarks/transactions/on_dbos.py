"""DBOS Transact (https://github.com/dbos-inc/dbos-transact-py): a workflow of four steps, as its guide writes them."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.transactions import shop
from gateway.database import Database

_database: Database


@DBOS.step()
async def reserve(sku: str) -> None:
    async with _database.write() as connection:
        await shop.reserve(connection, sku)


@DBOS.step()
async def place(number: str) -> None:
    async with _database.write() as connection:
        await shop.place(connection, number)


@DBOS.step()
async def prepay(number: str) -> str:
    return await shop.prepay(number)


@DBOS.step()
async def waits(number: str, prepay_id: str) -> str:
    """The order waits for its payment: the step's own record says so."""
    return f"{number} {prepay_id}"


@DBOS.workflow()
async def checkout(sku: str, number: str) -> str:
    await reserve(sku)
    await place(number)
    return await waits(number, await prepay(number))


async def run(url: str, orders: int, at_once: int) -> None:
    global _database
    async with shop.opened(url) as _database:

        async def buy(count: int) -> None:
            with SetWorkflowID(f"key-{count}"):
                await checkout(shop.SKUS[count % len(shop.SKUS)], f"MP{count:026d}")

        await shop.measure(buy, orders, at_once)


if __name__ == "__main__":
    url, system, orders, at_once = sys.argv[1:]
    config: dict[str, Any] = {"name": "checkout", "system_database_url": system, "log_level": "ERROR"}
    DBOS(config=DBOSConfig(**config))
    DBOS.launch()
    asyncio.run(run(url, int(orders), int(at_once)))
    DBOS.destroy()
