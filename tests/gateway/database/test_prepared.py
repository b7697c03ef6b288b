"""Prepared statements give what SQLAlchemy gives, fail as it fails, and leave no useless connection behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from gateway.database import Database, count_statements
from gateway.database import postgresql as postgresql_backend
from gateway.database.errors import DatabaseLocked, DatabaseUnreachable
from gateway.database.prepared import TEXTS, Prepared
from gateway.database.statements import insert_new, insert_rows
from gateway.database.types import Encrypted, EncryptedJson, Json, KeyedHash, Long, UtcDateTime

#: One column of every kind that the house's tables have.
KINDS = Table(
    "kinds",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("text", String),
    Column("short", String(26)),
    Column("large", Long),
    Column("flag", Boolean),
    Column("day", Date),
    Column("at", UtcDateTime),
    Column("json", Json),
    Column("bytes", LargeBinary),
    Column("sealed", Encrypted),
    Column("sealed_json", EncryptedJson),
    Column("hash", KeyedHash("kinds.hash")),
    Column("number", Integer, nullable=False, default=3),
)
WHOLE: Mapping[str, Any] = {
    "text": "上海 'quoted' $1 :of ?",
    "short": "01JC0000000000000000000000",
    "large": 2**40,
    "flag": True,
    "day": date(2026, 11, 11),
    "at": datetime(2026, 11, 11, 12, 57, 0, 41, tzinfo=UTC),
    "json": {"a": [1, None, "二"]},
    "bytes": b"\x00\xff",
    "sealed": "张三",
    "sealed_json": {"phone": "13800138000"},
    "hash": "13800138000",
}
ALL = Prepared(select(KINDS).order_by(KINDS.c.id))
BY_ID = Prepared(select(KINDS.c.id, KINDS.c.text).where(KINDS.c.id == bindparam("of")))
LISTED = Prepared(
    select(KINDS.c.id)
    .where(KINDS.c.id.in_(bindparam("ids", expanding=True)), KINDS.c.text != "nobody", KINDS.c.at <= bindparam("now"))
    .order_by(KINDS.c.id)
    .limit(bindparam("most", type_=Integer()))
)
NOW = WHOLE["at"] + timedelta(seconds=1)


@pytest.fixture
async def kinds(database: Database) -> Database:
    """With the table, its row 1 full and its row 2 of NULLs, both written by SQLAlchemy."""
    async with database.write() as connection:
        await connection.execute(CreateTable(KINDS))
        await connection.execute(insert(KINDS).values(id=1, **WHOLE))
        await connection.execute(insert(KINDS).values(id=2))
    return database


async def test_rows_are_those_of_sqlalchemy(kinds: Database) -> None:
    theirs = await kinds.fetch(ALL.statement)
    ours = await kinds.fetch(ALL)
    assert ours == theirs
    assert [dict(row._mapping) for row in ours] == [dict(row._mapping) for row in theirs]
    assert ours[0].at == WHOLE["at"]
    assert ours[0].sealed_json == WHOLE["sealed_json"]
    assert ours[1][1:-1] == (None,) * 11


@pytest.mark.parametrize("count", [1, 3, 6, 7, 40])
async def test_inserted_rows_are_those_of_sqlalchemy(kinds: Database, count: int) -> None:
    """As values and as arrays; constants stand where a row says nothing."""
    full = [{"id": 10 + number, **WHOLE} for number in range(count)]
    empty = [{"id": 100 + number, **dict.fromkeys(WHOLE)} for number in range(count)]
    async with kinds.write() as connection:
        await insert_rows(connection, KINDS, full)
        await insert_rows(connection, KINDS, empty)
    theirs = await kinds.fetch(ALL.statement)
    assert [tuple(row)[1:] for row in theirs] == [
        tuple(theirs[0])[1:], tuple(theirs[1])[1:], *[tuple(theirs[0])[1:]] * count, *[tuple(theirs[1])[1:]] * count,
    ]  # fmt: skip
    assert theirs[-1].number == 3


async def test_lists_of_any_length(kinds: Database) -> None:
    async with kinds.write() as connection:
        await insert_rows(connection, KINDS, [{"id": number, **WHOLE} for number in range(3, TEXTS + 20)])
    for length in range(TEXTS + 10):
        ids = list(range(3, 3 + length))
        rows = await kinds.fetch(LISTED, {"ids": ids, "now": NOW, "most": 1000})
        assert [row.id for row in rows] == ids
    rows = await kinds.fetch(LISTED, {"ids": [5, 4, 3], "now": NOW, "most": 2})
    assert [row.id for row in rows] == [3, 4]
    assert await kinds.fetch(LISTED, {"ids": [5], "now": WHOLE["at"] - timedelta(days=1), "most": 2}) == []


async def test_lists_that_stand_in_the_statement(kinds: Database) -> None:
    some = Prepared(select(KINDS.c.id).where(KINDS.c.id.in_([1, 2, 9]), KINDS.c.id >= bindparam("least")))
    assert [row.id for row in await kinds.fetch(some, {"least": 2})] == [2]


async def test_updates_say_how_many_rows_they_touched_or_return_them(kinds: Database) -> None:
    raised = update(KINDS).where(KINDS.c.id >= bindparam("least")).values(number=KINDS.c.number + 1)
    async with kinds.write() as connection:
        assert await Prepared(raised).run(connection, {"least": 1}) == 2
        assert await Prepared(raised).run(connection, {"least": 3}) == 0
        returned = await Prepared(raised.returning(KINDS.c.id, KINDS.c.at)).first(connection, {"least": 1})
        assert returned is not None
        assert (returned.id, returned.at) == (1, WHOLE["at"])
        assert await Prepared(raised.returning(KINDS.c.id)).first(connection, {"least": 3}) is None
        assert await Prepared(delete(KINDS).where(KINDS.c.id == bindparam("of"))).run(connection, {"of": 2}) == 1
    assert [row.number for row in await kinds.fetch(ALL)] == [5]


async def test_a_parameter_that_is_missing_is_named(kinds: Database) -> None:
    with pytest.raises(KeyError, match="now"):
        await kinds.fetch(LISTED, {"ids": [1], "most": 1})


async def test_statements_are_counted(kinds: Database) -> None:
    before = kinds.statements
    with count_statements() as counter:
        await kinds.fetch(BY_ID, {"of": 1})
        async with kinds.write() as connection:
            await insert_rows(connection, KINDS, [{"id": 3}])
            await BY_ID.first(connection, {"of": 3})
    assert counter.value == kinds.statements - before == 3


async def test_a_violated_constraint_is_an_integrity_error_without_values(kinds: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with kinds.write() as connection:
            await insert_rows(connection, KINDS, [{"id": 1, "text": "13800138000"}])
    assert "13800138000" not in str(caught.value)
    assert "(1)" not in str(caught.value)
    async with kinds.write() as connection:
        assert await insert_new(connection, KINDS, [{"id": 1}, {"id": 3}], keys=("id",)) == 1


async def test_a_statement_that_fails_leaves_nothing_of_its_transaction(kinds: Database) -> None:
    with pytest.raises(IntegrityError):  # noqa: PT012 — what came before the failure is what this is about
        async with kinds.write() as connection:
            await insert_rows(connection, KINDS, [{"id": 3}])
            await insert_rows(connection, KINDS, [{"id": 1}])
    assert [row.id for row in await kinds.fetch(ALL)] == [1, 2]


async def test_a_write_that_is_cancelled_anywhere_leaves_nothing_and_blocks_nobody(kinds: Database) -> None:
    for moment in range(12):

        async def write() -> None:
            async with kinds.write() as connection:
                await insert_rows(connection, KINDS, [{"id": 3}])
                await BY_ID.first(connection, {"of": 3})
                raise ZeroDivisionError

        task = asyncio.create_task(write())
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises((asyncio.CancelledError, ZeroDivisionError)):
            await task
        assert [row.id for row in await kinds.fetch(ALL)] == [1, 2]
    async with kinds.write() as connection:
        await insert_rows(connection, KINDS, [{"id": 3}])


@pytest.fixture
async def server(kinds: Database) -> Database:
    if kinds.is_sqlite:
        pytest.skip("a file closes no connections")
    return kinds


def cut(url: str) -> None:
    """The server closes every connection of this test's, as it does when it restarts."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND query LIKE '%kinds%'"
        )


@pytest.mark.postgresql
async def test_connections_that_the_server_closed_are_replaced(server: Database, database_url: str) -> None:
    await asyncio.gather(*(server.fetch(BY_ID, {"of": 1}) for _ in range(5)))
    cut(database_url)
    await asyncio.sleep(0.1)
    for _ in range(6):
        assert len(await server.fetch(BY_ID, {"of": 1})) == 1
    async with server.write() as connection:
        await insert_rows(connection, KINDS, [{"id": 3}])


@pytest.mark.postgresql
@pytest.mark.parametrize("way", ["prepared", "sqlalchemy", "commit"])
async def test_a_transaction_that_the_server_cut_says_so(server: Database, database_url: str, way: str) -> None:
    with pytest.raises(DatabaseUnreachable):  # noqa: PT012 — only the end of the block commits
        async with server.write() as connection:
            await insert_rows(connection, KINDS, [{"id": 3}])
            cut(database_url)
            if way == "prepared":
                await BY_ID.first(connection, {"of": 3})
            elif way == "sqlalchemy":
                await connection.execute(select(KINDS.c.id))
    assert await server.fetch(BY_ID, {"of": 3}) == []


@pytest.mark.postgresql
async def test_who_finds_every_connection_in_use_is_told(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_backend, "POOL_SECONDS", 0.05)
    async with server.write(), asyncio.TaskGroup() as group:
        done = asyncio.Event()

        async def hold() -> None:
            async with server.write():
                await done.wait()

        for _ in range(postgresql_backend.CONNECTIONS - 1):
            group.create_task(hold())
        await asyncio.sleep(0.5)
        with pytest.raises(DatabaseLocked, match="every connection"):
            await server.fetch(BY_ID, {"of": 1})
        done.set()
    assert len(await server.fetch(BY_ID, {"of": 1})) == 1
