"""The stock book on both databases: never below nothing, never sold twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest
from sqlalchemy import select

from gateway.database import Database
from gateway.database.tables.stock import stock as table
from gateway.transactions import stock
from tests.databases import ManualClock


class Short(Exception):
    """Rolls a reservation back."""


@pytest.fixture
async def book(database: Database, clock: ManualClock) -> Database:
    rows = [
        {"sku": sku, "location": "S", "channel": channel, "on_hand": pieces, "reserved": 0, "allotted": 0,
         "updated_at": clock.now()}
        for sku, channel, pieces in (("A", "MINI_PROGRAM", 3), ("B", "MINI_PROGRAM", 1), ("A", "STORE", 9))
    ]  # fmt: skip
    async with database.write() as connection:
        await connection.execute(table.insert(), rows)
    return database


async def reserve(book: Database, clock: ManualClock, pieces: Mapping[str, int]) -> tuple[str, ...]:
    short: tuple[str, ...] = ()
    with suppress(Short):
        async with book.write() as connection:
            short = await stock.reserve(connection, "S", pieces, clock.now())
            if short:
                raise Short
    return short


async def state(book: Database) -> dict[str, tuple[int, int]]:
    rows = await book.fetch(
        select(table.c.sku, table.c.channel, table.c.on_hand, table.c.reserved).order_by(table.c.sku, table.c.channel)
    )
    return {f"{row.sku}/{row.channel}": (row.on_hand, row.reserved) for row in rows}


async def test_all_or_none_and_every_short_sku_is_named(book: Database, clock: ManualClock) -> None:
    assert await reserve(book, clock, {"A": 2, "B": 1}) == ()
    assert await reserve(book, clock, {"A": 2, "B": 1, "C": 1}) == ("A", "B", "C")
    assert await state(book) == {"A/MINI_PROGRAM": (3, 2), "A/STORE": (9, 0), "B/MINI_PROGRAM": (1, 1)}
    assert await stock.free(book, "S", ["A", "B", "C"]) == {"A": 1, "B": 0, "C": 0}


async def test_release_and_sell(book: Database, clock: ManualClock) -> None:
    await reserve(book, clock, {"A": 3, "B": 1})
    async with book.write() as connection:
        await stock.release(connection, "S", {"A": 1}, clock.now())
        assert await stock.sell(connection, "S", {"A": 2, "B": 1}, clock.now()) == ()
    assert await state(book) == {"A/MINI_PROGRAM": (1, 0), "A/STORE": (9, 0), "B/MINI_PROGRAM": (0, 0)}


async def test_selling_what_the_book_lost_stops_nothing_and_is_told(book: Database, clock: ManualClock) -> None:
    async with book.write() as connection:
        assert await stock.sell(connection, "S", {"A": 1}, clock.now()) == ("A",)
    assert (await state(book))["A/MINI_PROGRAM"] == (3, 0)


async def test_baskets_that_cross_do_not_wait_for_each_other(book: Database, clock: ManualClock) -> None:
    answers = await asyncio.gather(
        *(reserve(book, clock, pieces) for pieces in ({"A": 1, "B": 1}, {"B": 1, "A": 1}, {"A": 1}, {"B": 1}))
    )
    assert sum(not short for short in answers) == 2
    assert (await state(book))["B/MINI_PROGRAM"] == (1, 1)
