"""The door to the database: reads, write transactions, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, Table, event
from sqlalchemy.ext.asyncio import AsyncConnection

import gateway.database.tables  # noqa: F401 - registers every table on the MetaData.
from adapters.base.runtime import Clock
from gateway.database.clock import SystemClock
from gateway.database.commit import Bell, begin_callbacks, run_callbacks
from gateway.database.counting import count_one
from gateway.database.keyring import Keyring
from gateway.database.keystore import SqlKeyStore
from gateway.database.migrate import prepare
from gateway.database.postgresql import PostgresqlBackend
from gateway.database.prepared import Prepared
from gateway.database.rows import AnyRow
from gateway.database.sqlite import SqliteBackend
from gateway.database.types import bind_keyring
from gateway.database.urls import DatabaseUrl


class _NoRows(logging.Filter):
    """SQLAlchemy logs result rows at DEBUG, with their sealed values opened: nobody may switch that on."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


logging.getLogger("sqlalchemy.engine.Engine").addFilter(_NoRows())


class Database:
    """One open database. Belongs to the event loop and thread that opened it.

    Raises the errors of ``gateway.database.errors``; constraint violations arrive as SQLAlchemy's
    ``IntegrityError``. No error text holds bound values.
    """

    def __init__(self, url: DatabaseUrl, keyring: Keyring, clock: Clock) -> None:
        self.url = url
        self.keyring = keyring
        self.clock = clock
        #: Statements run since the database was opened; see also ``count_statements``.
        self.statements = 0
        #: Told of each statement and its values before it runs; for tests and profiles.
        self.watchers: list[Callable[[str, Any], None]] = []
        #: Rings after each commit of this process that appended facts.
        self.facts_appended = Bell()
        self._backend = SqliteBackend(url) if url.is_sqlite else PostgresqlBackend(url)
        self._backend.drive(self._sent)
        for engine in self._backend.engines:
            bind_keyring(engine.dialect, keyring)
            event.listen(engine, "before_cursor_execute", self._executed)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, keyring: Keyring, *, clock: Clock | None = None) -> AsyncIterator[Database]:
        """``async with Database.open("sqlite:///gateway.db", keyring) as db``."""
        database = await cls.connect(url, keyring, clock=clock)
        try:
            yield database
        finally:
            await database.close()

    @classmethod
    async def connect(cls, url: str, keyring: Keyring, *, clock: Clock | None = None) -> Database:
        """Open; the caller closes. A SQLite file is made and migrated; a server must have been upgraded.

        Raises DatabaseSchemaOld, DatabaseSchemaNewer, DatabaseUnreachable, DatabaseUnwritable,
        DatabaseLocked, MasterKeyWrong.
        """
        where = DatabaseUrl.parse(url)
        await asyncio.to_thread(prepare, where)
        database = cls(where, keyring, clock or SystemClock())
        try:
            await keyring.attach(SqlKeyStore(database, database.clock))
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file and not a server."""
        return self.url.is_sqlite

    async def fetch(
        self, statement: Executable | Prepared, params: Mapping[str, Any] | None = None
    ) -> Sequence[AnyRow]:
        """All rows of one read statement, without a transaction.

        On SQLite it runs on the event loop's own thread: keep it short, indexed and limited.
        """
        return await self._backend.fetch(statement, params)

    async def one(self, statement: Executable | Prepared, params: Mapping[str, Any] | None = None) -> AnyRow | None:
        """The first row of a read statement, or None."""
        rows = await self._backend.fetch(statement, params)
        return rows[0] if rows else None

    def lookup(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Sequence[AnyRow]:
        """Like ``fetch`` for code that cannot await, such as column types. Blocks; for single rows only."""
        return self._backend.lookup(statement, params)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction: committed at the end of the block, rolled back when it raises.

        On SQLite writers take turns, so await nothing slow inside. Blocks do not nest.
        """
        async with self._backend.write() as connection:
            callbacks = begin_callbacks(connection, self.facts_appended)
            yield connection
        run_callbacks(callbacks)

    async def forget_deleted(self, *tables: Table) -> None:
        """Have the database forget overwritten and deleted values as far as it can.

        SQLite empties its log. PostgreSQL vacuums the named tables, which frees the old versions of rows; what its log
        and its archives hold goes as they are dropped.
        """
        await self._backend.forget_deleted(tables)

    async def close(self) -> None:
        """Close every connection."""
        await self._backend.close()

    def _executed(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        """SQLAlchemy's event ``before_cursor_execute``."""
        self._sent(statement, parameters)

    def _sent(self, statement: str, values: Any) -> None:
        self.statements += 1
        count_one()
        for watcher in self.watchers:
            watcher(statement, values)
