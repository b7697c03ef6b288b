"""Fixtures for tests that need a database: each such test runs on SQLite and on PostgreSQL.

Use them with ``from tests.databases import *`` in a folder's conftest, or with
``pytest_plugins = ["tests.databases"]`` in the top one.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from gateway.database import Database, Keyring
from gateway.database.migrate import upgrade_now
from gateway.database.urls import DatabaseUrl

MASTER = bytes(range(32))
SERVER = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/test")


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = datetime(2026, 11, 11, 12, 57, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(MASTER)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    upgrade_now(DatabaseUrl.parse(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The server's URL. Skips when none answers, but fails where CI promised one."""
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        reason = f"no PostgreSQL answers at TEST_POSTGRESQL_URL or 127.0.0.1:5432 ({type(error).__name__})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return SERVER


@contextmanager
def own_schema(server: str) -> Iterator[str]:
    """The URL of a new schema on the server, dropped afterwards."""
    schema = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
    separator = "&" if "?" in server else "?"
    yield f"{server}{separator}options={quote(f'-csearch_path={schema}')}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


@pytest.fixture(scope="session")
def postgresql_ddl(postgresql_server: str) -> str:
    """What migrating sends to the server, recorded once: replaying it is ten times faster."""
    sent: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith(("CREATE", "ALTER", "COMMENT", "INSERT")):
            sent.append(statement)

    with own_schema(postgresql_server) as url:
        event.listen(Engine, "before_cursor_execute", record)
        upgrade_now(DatabaseUrl.parse(url))
        event.remove(Engine, "before_cursor_execute", record)
    return ";\n".join(sent)


@pytest.fixture
def empty_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """A schema of the test's own on the server, without tables."""
    with own_schema(postgresql_server) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, on either system."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gateway.db"
    url: str = request.getfixturevalue("empty_postgresql_url")
    return url


@pytest.fixture
def database_url(empty_database_url: str, request: pytest.FixtureRequest) -> str:
    """The same, migrated; for tests that open it themselves or more than once."""
    url = DatabaseUrl.parse(empty_database_url)
    if url.is_sqlite:
        shutil.copyfile(request.getfixturevalue("sqlite_template"), url.path)
    else:
        with psycopg.connect(empty_database_url) as connection:
            connection.execute(request.getfixturevalue("postgresql_ddl"))
    return empty_database_url


@pytest.fixture
async def database(database_url: str, keyring: Keyring, clock: ManualClock) -> AsyncIterator[Database]:
    """An open database, on SQLite and on PostgreSQL in turn."""
    async with Database.open(database_url, keyring, clock=clock) as opened:
        yield opened


@pytest.fixture
async def sqlite_database(
    tmp_path: Path, sqlite_template: Path, keyring: Keyring, clock: ManualClock
) -> AsyncIterator[Database]:
    """An open SQLite database, for tests to which the system makes no difference."""
    shutil.copyfile(sqlite_template, tmp_path / "single.db")
    async with Database.open(f"sqlite:///{tmp_path}/single.db", keyring, clock=clock) as opened:
        yield opened


__all__ = [
    "MASTER",
    "SERVER",
    "ManualClock",
    "clock",
    "database",
    "database_url",
    "empty_database_url",
    "empty_postgresql_url",
    "keyring",
    "postgresql_ddl",
    "postgresql_server",
    "sqlite_database",
    "sqlite_template",
]
