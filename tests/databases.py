"""Fixtures for tests that need a database: each such test runs on SQLite and on PostgreSQL.

Use them with ``from tests.databases import *`` in a folder's conftest, or with
``pytest_plugins = ["tests.databases"]`` in the top one.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
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


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A file that the first process of this test run makes, at the path that it is given, and the others wait for."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path, half = folder / name, folder / f"half-{name}"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(half)
            half.rename(path)
    return path


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: migrating takes longer than most tests."""
    return shared(tmp_path_factory, "empty.db", lambda path: upgrade_now(DatabaseUrl.parse(f"sqlite:///{path}")))


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


#: PostgreSQL has locks for some 6,000 objects at once. Making or dropping a schema takes a thousand: one at a time.
_MY_TURN = "SELECT pg_advisory_lock(hashtext('tests: schemas'))"
_NEXT = "SELECT pg_advisory_unlock_all()"
#: A commit of a test need not reach the disk before the next statement.
_SESSION = "-csearch_path={} -csynchronous_commit=off"


@contextmanager
def own_schema(server: str) -> Iterator[str]:
    """The URL of a new schema on the server, dropped afterwards."""
    schema = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
    separator = "&" if "?" in server else "?"
    yield f"{server}{separator}options={quote(_SESSION.format(schema))}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(_MY_TURN)
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


@pytest.fixture(scope="session")
def postgresql_ddl(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What migrating sends to the server, recorded once: replaying it is ten times faster."""

    def record(path: Path) -> None:
        path.write_text(_recorded_ddl(postgresql_server))

    return shared(tmp_path_factory, "migrated.sql", record).read_text()


def _recorded_ddl(server: str) -> str:
    sent: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith(("CREATE", "ALTER", "COMMENT", "INSERT")):
            sent.append(statement)

    with own_schema(server) as url:
        event.listen(Engine, "before_cursor_execute", record)
        upgrade_now(DatabaseUrl.parse(url))
        event.remove(Engine, "before_cursor_execute", record)
    return ";\n".join(sent)


#: Tables and indexes of the current schema with how many columns and checks they have, in a word.
_FORM = """
SELECT md5(string_agg(concat_ws(' ', relname, relkind, relnatts, relchecks), ',' ORDER BY relname))
FROM pg_class WHERE relnamespace = current_schema()::regnamespace
"""
#: Tables in the order in which rows can leave: what refers to another table was made after it.
_TABLES = """
SELECT quote_ident(relname) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' ORDER BY oid DESC
"""
_NUMBERS_BEGIN_ANEW = """
SELECT setval(oid::regclass, 1, false) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S'
"""


@dataclass(frozen=True, slots=True)
class LentSchema:
    """A migrated schema."""

    url: str
    connection: psycopg.Connection
    filled: str
    form: object

    @classmethod
    def make(cls, url: str, connection: psycopg.Connection, ddl: str) -> LentSchema:
        """Give an empty schema its tables."""
        connection.execute(_MY_TURN)
        connection.execute(ddl.encode())
        connection.execute(_NEXT)
        # A connection that a test left open must not hold the next test up for good.
        connection.execute("SET lock_timeout = '10s'")
        tables = [name for [name] in connection.execute(_TABLES).fetchall()]
        filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)  # noqa: S608
        return cls(url, connection, filled, cls._form(connection))

    @staticmethod
    def _form(connection: psycopg.Connection) -> object:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return connection.execute(_FORM).fetchall(), version

    def is_as_made(self) -> bool:
        """Whether nothing changed but rows."""
        return self._form(self.connection) == self.form

    def empty(self) -> None:
        """Take all rows out. Some ten times faster than TRUNCATE, which makes files anew."""
        filled = self.connection.execute(self.filled.encode()).fetchall()
        self.connection.execute("; ".join(f"DELETE FROM {name}" for [name] in filled).encode())  # noqa: S608
        self.connection.execute(_NUMBERS_BEGIN_ANEW)


#: What fills a schema: the text that COPY takes, by table, and where each sequence stands.
Content = tuple[dict[str, bytes], dict[str, int]]

_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value > 0"


def content_of(url: str) -> Content:
    """All rows of a schema, tables that others refer to first."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [name for [name] in reversed(connection.execute(_TABLES).fetchall())]
        copied = {}
        for name in tables:
            with connection.cursor().copy(f"COPY {name} TO STDOUT".encode()) as rows:
                if data := b"".join(map(bytes, rows)):
                    copied[name] = data
        return copied, dict(connection.execute(_SEQUENCES).fetchall())


def fill(url: str, content: Content) -> None:
    """Put rows into a schema with empty tables."""
    copied, sequences = content
    with psycopg.connect(url) as connection:
        for name, data in copied.items():
            with connection.cursor().copy(f"COPY {name} FROM STDIN".encode()) as rows:
                rows.write(data)
        for name, value in sequences.items():
            connection.execute("SELECT setval(%s::regclass, %s)", (name, value))


class LentSchemas:
    """Schemas that tests have one after the other, since emptying takes a tenth of making.

    One in which a test changed more than rows is not lent again.
    """

    def __init__(self, server: str, ddl: str, stack: ExitStack) -> None:
        self._server = server
        self._ddl = ddl
        self._stack = stack
        self._free: list[LentSchema] = []

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The URL of a schema with empty tables."""
        schema = self._emptied() or self._made()
        yield schema.url
        # Not emptied yet: what else the test opened may still write as it closes.
        self._free.append(schema)

    def _emptied(self) -> LentSchema | None:
        """One that was lent before."""
        while self._free:
            schema = self._free.pop()
            if schema.is_as_made():
                schema.empty()
                return schema
        return None

    def _made(self) -> LentSchema:
        url = self._stack.enter_context(own_schema(self._server))
        connection = self._stack.enter_context(closing(psycopg.connect(url, autocommit=True)))
        return LentSchema.make(url, connection, self._ddl)


@pytest.fixture(scope="session")
def lent_schemas(postgresql_server: str, postgresql_ddl: str) -> Iterator[LentSchemas]:
    """Those of this process; dropped at its end."""
    with ExitStack() as stack:
        yield LentSchemas(postgresql_server, postgresql_ddl, stack)


@pytest.fixture
def empty_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """A schema of the test's own on the server, without tables."""
    with own_schema(postgresql_server) as url:
        yield url


@pytest.fixture
def postgresql_url(lent_schemas: LentSchemas) -> Iterator[str]:
    """A migrated schema on the server."""
    with lent_schemas.lend() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, on either system."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gateway.db"
    url: str = request.getfixturevalue("empty_postgresql_url")
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same, migrated; for tests that open it themselves or more than once."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "gateway.db")
        return f"sqlite:///{tmp_path}/gateway.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


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
    "lent_schemas",
    "postgresql_ddl",
    "postgresql_server",
    "postgresql_url",
    "sqlite_database",
    "sqlite_template",
]
