"""Many rows in one statement: all types arrive, what is there already stays, and the answer says what was new."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from gateway.database import Database, count_statements
from gateway.database.statements import insert_returning
from gateway.database.tables.facts import fact
from tests.databases import ManualClock

KNOWN = " ON CONFLICT (kind, account, source_key) DO NOTHING"


def columns(clock: ManualClock, *numbers: int, **changed: Any) -> dict[str, list[Any]]:
    """Facts by number, with every type of column that the log has."""
    row = {
        "kind": "order.paid",
        "schema_version": 1,
        "occurred_at": clock.now(),
        "recorded_at": clock.now(),
        "business_date": date(2026, 11, 11),
        "account": "wx1",
        "source": "import",
        "member": None,
        "amount_fen": 2**53,
        "is_test": False,
        "payload": {"名": "山岚", "n": [1, None, True], "quote": '"{},\\'},
    } | changed
    given = {name: [value] * len(numbers) for name, value in row.items()}
    return given | {"id": [f"{n:026}" for n in numbers], "source_key": [f"key {n}" for n in numbers]}


async def insert(database: Database, given: dict[str, list[Any]]) -> tuple[list[int], int]:
    async with database.write() as connection:
        with count_statements() as counter:
            found = await insert_returning(connection, fact, given, conflict=KNOWN, returning="id")
        return sorted(int(each) for each in found), counter.value


async def test_every_type_arrives(database: Database, clock: ManualClock) -> None:
    given = columns(clock, 1)
    assert await insert(database, given) == ([1], 1)
    [row] = await database.fetch(select(*(fact.c[name] for name in given)))
    expected = {name: values[0] for name, values in given.items()}
    expected["source_key"] = database.keyring.hash("key 1", "fact.source_key")
    assert row._asdict() == expected
    assert await database.fetch(select(fact.c.id).where(fact.c.source_key == "key 1")) == [(f"{1:026}",)]


async def test_it_says_what_was_new(database: Database, clock: ManualClock) -> None:
    assert await insert(database, columns(clock, 1, 2, 3)) == ([1, 2, 3], 1)
    again = columns(clock, 11, 12, 13, kind="order.paid")
    again["source_key"] = ["key 1", "key 2", "key 3"]
    assert await insert(database, again) == ([], 1)
    mixed = columns(clock, 21, 22, 23)
    mixed["source_key"] = ["key 2", "key 22", "key 22"]
    assert await insert(database, mixed) == ([22], 1)
    assert await insert(database, columns(clock)) == ([], 0)


async def test_many_rows_are_few_statements(database: Database, clock: ManualClock) -> None:
    """A thousand in one on SQLite, which takes a limited number of values; five thousand on PostgreSQL."""
    assert await insert(database, columns(clock, *range(7_000))) == (list(range(7_000)), 7 if database.is_sqlite else 2)
    assert await insert(database, columns(clock, *range(8_000, 8_099), source_key="")) == (list(range(8_000, 8_099)), 1)
    assert await database.one(select(func.count()).select_from(fact)) == (7_099,)


async def test_nothing_is_cut_to_a_columns_length(database: Database, clock: ManualClock) -> None:
    """SQLite keeps any length; PostgreSQL refuses, where a cast would cut in silence."""
    given = columns(clock, 1, reversal_of="x" * 27)
    if database.is_sqlite:
        assert await insert(database, given) == ([1], 1)
    else:
        with pytest.raises(DBAPIError):
            await insert(database, given)
