"""The fact log is read in an order that never changes, whatever order transactions commit in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.database import Database, Fact, Keyring, append_facts
from gateway.database.tables.facts import fact
from gateway.events.horizon import START, Horizon, LoggedFact, Position
from tests.databases import MASTER

AT = datetime(2026, 11, 11, 12, 57, tzinfo=UTC)


def told(key: str, kind: str = "lead") -> Fact:
    return Fact(kind=kind, occurred_at=AT, source="own", source_key=key, payload={"key": key})


async def write(database: Database, *keys: str) -> None:
    async with database.write() as connection:
        await append_facts(connection, [told(key) for key in keys])


async def eventually(horizon: Horizon, count: int, after: Position = START, **options: Any) -> Sequence[LoggedFact]:
    """So many facts: on PostgreSQL whatever else writes in that database holds them back for a moment."""
    async with asyncio.timeout(30):
        while len(found := await horizon.read(after, **options)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return found


async def keys(horizon: Horizon, after: Position = START) -> list[str]:
    return [each.payload["key"] for each in await horizon.read(after)]


async def test_pages_have_no_gap_and_no_repetition(database: Database) -> None:
    horizon = Horizon(database)
    for number in range(7):
        await write(database, f"{number}a", f"{number}b")

    await eventually(horizon, 14)
    place, seen = START, []
    while page := await horizon.read(place, limit=3):
        seen += [each.payload["key"] for each in page]
        place = page[-1].position

    assert seen == [f"{number}{letter}" for number in range(7) for letter in "ab"]
    assert place == await horizon.head()
    assert await horizon.read(place) == []


async def test_kinds_and_ids(database: Database) -> None:
    horizon = Horizon(database)
    assert await horizon.head() == START
    async with database.write() as connection:
        await append_facts(connection, [told("1"), told("2", "qr.scan"), told("3")])

    [scan] = await eventually(horizon, 1, kinds={"qr.scan"})

    assert scan.kind == "qr.scan"
    assert await horizon.find(scan.id) == (scan.position, scan.recorded_at)
    assert await horizon.find("0" * 26) is None
    everything = [each.position for each in await horizon.read(START)]
    assert everything == sorted(everything)


@pytest.mark.postgresql
async def test_a_slower_transaction_is_not_overtaken(postgresql_url: str) -> None:
    """The later one commits first: a reader that went by numbers alone would then never see the earlier one."""
    async with Database.open(postgresql_url, Keyring(MASTER)) as database:
        horizon = Horizon(database)
        await write(database, "first")
        await eventually(horizon, 1)
        hold, held = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            async with database.write() as connection:
                await append_facts(connection, [told("slow")])
                held.set()
                await hold.wait()

        task = asyncio.create_task(slow())
        await held.wait()
        await write(database, "fast")

        before = await keys(horizon)
        place = await horizon.head()
        hold.set()
        await task
        await eventually(horizon, 3)

        assert before == ["first"]
        assert await keys(horizon, place) == ["slow", "fast"]


@pytest.mark.postgresql
async def test_a_log_restored_from_another_server_comes_first(postgresql_url: str) -> None:
    async with Database.open(postgresql_url, Keyring(MASTER)) as database:
        horizon = Horizon(database)
        await write(database, "old")
        async with database.write() as connection:
            await connection.execute(fact.update().values(tx=2**60))
        assert await keys(horizon) == []

        await horizon.renumber_restored()
        await write(database, "new")

        await eventually(horizon, 2)
        assert await keys(horizon) == ["old", "new"]


async def test_the_bell_rings_once_per_commit_that_appended(database: Database) -> None:
    rung: list[int] = []
    database.facts_appended.listeners.append(lambda: rung.append(1))

    await write(database, "1", "2")
    assert len(rung) == 1
    await write(database, "1")
    assert len(rung) == 1, "what was known already is no news"
    with contextlib.suppress(ZeroDivisionError):
        async with database.write() as connection:
            await append_facts(connection, [told("3")])
            raise ZeroDivisionError
    assert len(rung) == 1
    async with database.write() as connection:
        await append_facts(connection, [told("4")])
        await append_facts(connection, [told("5")])
    assert len(rung) == 2
