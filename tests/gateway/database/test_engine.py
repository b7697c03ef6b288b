"""Reads, write transactions, counters and the errors that say what to do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database, Keyring, after_commit, count_statements, upgrade
from gateway.database.errors import (
    DatabaseLocked,
    DatabaseSchemaNewer,
    DatabaseSchemaOld,
    DatabaseUnreachable,
    DatabaseUnwritable,
    DatabaseUrlInvalid,
)
from gateway.database.tables.keys import secret
from gateway.database.urls import DatabaseUrl
from tests.databases import MASTER, ManualClock

COUNT = select(func.count()).select_from(secret)


async def add(connection: AsyncConnection, name: str, clock: ManualClock) -> None:
    values = {"tool": "social_ads", "account": "1", "name": name, "value": {"a": "b"}, "version": 1}
    await connection.execute(insert(secret).values(**values, updated_at=clock.now()))


async def test_a_committed_write_is_read_and_a_failed_one_is_not(database: Database, clock: ManualClock) -> None:
    committed: list[str] = []

    async def write(name: str, *, fail: bool) -> None:
        async with database.write() as connection:
            await add(connection, name, clock)
            after_commit(connection, lambda: committed.append(name))
            assert committed == ([] if name == "kept" else ["kept"])
            if fail:
                raise ZeroDivisionError

    await write("kept", fail=False)
    with pytest.raises(ZeroDivisionError):
        await write("lost", fail=True)
    rows = await database.fetch(select(secret.c.name, secret.c.value))
    assert rows == [("kept", {"a": "b"})]
    assert committed == ["kept"]
    assert await database.one(select(secret.c.name).where(secret.c.name == "lost")) is None


async def test_reads_do_not_see_an_open_transaction_and_do_not_wait_for_it(
    database: Database, clock: ManualClock
) -> None:
    async with database.write() as connection:
        await add(connection, "new", clock)
        assert await database.one(COUNT) == (0,)
        assert (await connection.execute(COUNT)).scalar_one() == 1
    assert await database.one(COUNT) == (1,)


async def test_writers_of_one_process_all_get_their_turn(database: Database, clock: ManualClock) -> None:
    async def write(number: int) -> None:
        async with database.write() as connection:
            await add(connection, f"{number}", clock)
            await asyncio.sleep(0)

    await asyncio.gather(*(write(number) for number in range(20)))
    assert await database.one(COUNT) == (20,)


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(database: Database, clock: ManualClock) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            await add(connection, "lost", clock)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as connection:
        await add(connection, "kept", clock)
    assert await database.fetch(select(secret.c.name)) == [("kept",)]


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_what_is_being_written_while_the_database_closes_is_written_whole_or_not_at_all(
    database_url: str, clock: ManualClock, turns: int
) -> None:
    database = await Database.connect(database_url, Keyring(MASTER), clock=clock)
    begun = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            await add(connection, "one", clock)
            begun.set()
            # Wherever closing has come to by then.
            for _ in range(turns):
                await asyncio.sleep(0.001)
            await add(connection, "two", clock)

    writing = asyncio.create_task(write())
    await begun.wait()
    await database.close()
    await asyncio.gather(writing, return_exceptions=True)
    async with Database.open(database_url, Keyring(MASTER), clock=clock) as again:
        assert await again.fetch(select(secret.c.name).order_by(secret.c.name)) in ([], [("one",), ("two",)])


async def test_a_constraint_violation_reaches_the_caller_without_its_values(
    database: Database, clock: ManualClock
) -> None:
    async def twice() -> None:
        async with database.write() as connection:
            await add(connection, "13800138000", clock)
            await add(connection, "13800138000", clock)

    with pytest.raises(IntegrityError) as caught:
        await twice()
    assert "hide_parameters" in str(caught.value)
    assert await database.one(COUNT) == (0,)


async def test_statements_are_counted_per_scope_and_task(database: Database, clock: ManualClock) -> None:
    before = database.statements
    with count_statements() as outer:
        await database.fetch(COUNT)
        with count_statements() as inner:
            await asyncio.gather(database.one(COUNT), database.one(COUNT))
            async with database.write() as connection:
                await add(connection, "x", clock)
        assert (outer.value, inner.value) == (4, 3)
    await database.fetch(COUNT)
    assert outer.value == 4
    assert database.statements - before == 5


async def test_parameters_are_bound(database: Database) -> None:
    rows = await database.fetch(text("SELECT :number + 1"), {"number": 41})
    assert rows == [(42,)]


async def test_nested_writes_are_refused_on_sqlite(sqlite_database: Database) -> None:
    async with sqlite_database.write():
        with pytest.raises(RuntimeError, match="pass the connection along"):
            async with sqlite_database.write():
                pass
    async with sqlite_database.write() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


async def test_the_read_connection_refuses_writes(sqlite_database: Database) -> None:
    with pytest.raises(OperationalError, match="attempt to write a readonly database"):
        sqlite_database._backend._held.execute(text("DELETE FROM secret"))  # type: ignore[union-attr]
    assert (await sqlite_database.fetch(text("PRAGMA query_only"))) == [(1,)]


async def test_the_sqlite_writer_is_durable(sqlite_database: Database) -> None:
    async with sqlite_database.write() as connection:
        found = {}
        for name in ("journal_mode", "synchronous", "busy_timeout", "secure_delete", "foreign_keys"):
            found[name] = (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "secure_delete": 1,
        "foreign_keys": 1,
    }


async def test_a_locked_file_says_so(sqlite_database: Database, clock: ManualClock) -> None:
    other = sqlite3.connect(sqlite_database.url.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with sqlite_database._backend._writer.connect() as writer:  # type: ignore[union-attr]
        raw = await writer.get_raw_connection()
        await raw.driver_connection.execute("PRAGMA busy_timeout=20")  # type: ignore[union-attr]
    with pytest.raises(DatabaseLocked, match=r"single\.db is locked") as caught:
        async with sqlite_database.write() as connection:
            await add(connection, "x", clock)
    assert caught.value.code == "DATABASE_LOCKED"
    other.execute("ROLLBACK")
    other.close()
    async with sqlite_database.write() as connection:
        await add(connection, "x", clock)


async def test_a_missing_directory_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnwritable, match=r"No such file or directory\. The directory must exist"):
        await Database.connect(f"sqlite:///{tmp_path}/missing/gateway.db", Keyring(MASTER))
    assert os.listdir(tmp_path) == []


async def test_a_file_that_is_a_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnwritable, match="Is a directory"):
        await Database.connect(f"sqlite:///{tmp_path}", Keyring(MASTER))


async def test_a_new_file_is_private(tmp_path: Path) -> None:
    async with Database.open(f"sqlite:///{tmp_path}/gateway.db", Keyring(MASTER)):
        assert {entry.stat().st_mode & 0o777 for entry in os.scandir(tmp_path)} == {0o600}


async def test_an_unreachable_server_is_named_without_its_password(unused_tcp_port: int) -> None:
    url = f"postgresql://gateway:s3cret@127.0.0.1:{unused_tcp_port}/retail"
    with pytest.raises(DatabaseUnreachable) as caught:
        await Database.connect(url, Keyring(MASTER))
    assert str(caught.value).startswith(f"postgresql://127.0.0.1:{unused_tcp_port}/retail is unreachable")
    assert "s3cret" not in str(caught.value)
    assert caught.value.code == "DATABASE_UNREACHABLE"


@pytest.mark.postgresql
async def test_a_server_without_the_schema_is_refused_until_upgraded(empty_postgresql_url: str) -> None:
    with pytest.raises(DatabaseSchemaOld, match=r"has schema none and this release needs .* db upgrade"):
        await Database.connect(empty_postgresql_url, Keyring(MASTER))
    await upgrade(empty_postgresql_url)
    async with Database.open(empty_postgresql_url, Keyring(MASTER)) as database:
        assert await database.one(COUNT) == (0,)


async def test_a_newer_schema_is_refused(database_url: str) -> None:
    async with Database.open(database_url, Keyring(MASTER)) as database, database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(DatabaseSchemaNewer, match="has schema future, which this release does not know"):
        await Database.connect(database_url, Keyring(MASTER))


async def test_two_processes_may_create_one_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    opened = await asyncio.gather(*(Database.connect(url, Keyring(MASTER)) for _ in range(4)))
    assert {each.keyring.hash("x") for each in opened} == {opened[0].keyring.hash("x")}
    for each in opened:
        await each.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root:s3cret@localhost/x", "begins with 'mysql'"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("s3cret", "cannot be read"),
    ],
)
def test_other_urls_are_refused(url: str, why: str) -> None:
    with pytest.raises(DatabaseUrlInvalid, match=why) as caught:
        DatabaseUrl.parse(url)
    assert "s3cret" not in str(caught.value)


def test_libpq_words_are_understood_by_both_drivers() -> None:
    url = DatabaseUrl.parse(
        "postgresql://u:p@db/name?sslmode=require&options=-csearch_path%3Da%20-c%20jit%3Doff&connect_timeout=3"
    )
    assert url.asyncpg_arguments() == {
        "ssl": "require",
        "timeout": 3.0,
        "server_settings": {"search_path": "a", "jit": "off"},
    }
    assert repr(url) == "postgresql://db:5432/name"
    with pytest.raises(DatabaseUrlInvalid, match="the parameter 'colour'"):
        DatabaseUrl.parse("postgresql://db/name?colour=red").asyncpg_arguments()
