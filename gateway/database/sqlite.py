"""SQLite: reads on the event loop's own thread, writes one after another on a thread of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import Executable, Table, create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from gateway.database.driver import Sent, drive, driver_of, sqlite_failures, transaction
from gateway.database.errors import DatabaseLocked
from gateway.database.failures import connecting, translated
from gateway.database.prepared import Prepared
from gateway.database.rows import AnyRow
from gateway.database.urls import DatabaseUrl

_BUSY_MILLISECONDS = 5_000
_QUEUE_SECONDS = 30.0
#: Keyed hashes arrive in no order, so that a page of an index comes back soon or late: it had better still be there.
_CACHE_KIBIBYTES = 64 * 1024
#: Pages of the log (4 KiB each) before it is moved into the file. SQLite's own 1,000 are filled by every batch of an
#: import, which then writes the same pages into the file again and again.
_CHECKPOINT_PAGES = 16_000


def json_text(value: Any) -> str:
    """JSON for the engines' own JSON types."""
    return orjson.dumps(value).decode()


class SqliteBackend:
    """One file. The read connection is held open; an indexed read costs about 0.1 ms on it."""

    def __init__(self, url: DatabaseUrl) -> None:
        self.url = url
        self._reader: Engine = create_engine(
            url.sync_url(),
            isolation_level="AUTOCOMMIT",
            poolclass=StaticPool,
            hide_parameters=True,
            json_serializer=json_text,
            json_deserializer=orjson.loads,
        )
        self._writer = create_async_engine(
            url.async_url(),
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            hide_parameters=True,
            json_serializer=json_text,
            json_deserializer=orjson.loads,
        )
        event.listen(self._reader, "connect", _prepare_reader)
        event.listen(self._writer.sync_engine, "connect", _prepare_writer)
        self._sent: Sent = lambda text, values: None
        self._held: Connection | None = None
        self._writing: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None

    def drive(self, sent: Sent) -> None:
        """Have ``sent`` told of each statement that goes to the driver; call it before the first connection is made."""
        drive(self._writer.sync_engine, sent)
        self._sent = sent

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines whose dialects need the keyring and whose statements are counted."""
        return self._reader, self._writer.sync_engine

    async def fetch(self, statement: Executable | Prepared, params: Mapping[str, Any] | None) -> Sequence[AnyRow]:
        """Rows of one statement, read on this very thread."""
        return self.lookup(statement, params)

    def lookup(self, statement: Executable | Prepared, params: Mapping[str, Any] | None) -> Sequence[AnyRow]:
        """The same, for callers that cannot await."""
        if self._held is None:
            with connecting(self.url):
                self._held = self._reader.connect()
        with translated(self.url):
            if isinstance(statement, Prepared):
                return self._prepared(self._held, statement, params or {})
            return self._held.execute(statement, params).all()

    def _prepared(self, held: Connection, statement: Prepared, params: Mapping[str, Any]) -> Sequence[AnyRow]:
        plan = statement.plan(held.dialect)
        text, values = plan.bound(params)
        self._sent(text, values)
        raw: Any = held.connection.driver_connection
        with sqlite_failures(text):
            return plan.rows(raw.execute(text, values).fetchall())

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction; others of this process wait for their turn in order."""
        async with self._one_turn():
            connection = await self._opened()
            with translated(self.url):
                async with transaction(driver_of(connection)):
                    yield connection

    @asynccontextmanager
    async def _one_turn(self) -> AsyncIterator[None]:
        if self._owner is asyncio.current_task():
            raise RuntimeError("write() inside write() would wait for itself; pass the connection along")
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseLocked(
                f"{self.url}: waited {_QUEUE_SECONDS:.0f} seconds for this process's own writer. A write() "
                "block is awaiting something slow, or a task that writes itself"
            ) from None
        self._owner = asyncio.current_task()
        try:
            yield
        finally:
            self._owner = None
            self._turn.release()

    async def _opened(self) -> AsyncConnection:
        if self._writing is None:
            connection = self._writer.connect()
            with connecting(self.url):
                await connection.start()
            self._writing = connection
        return self._writing

    async def forget_deleted(self, tables: Sequence[Table]) -> None:
        """Move the log into the file and empty it: overwritten bytes must not live on in the log."""
        del tables  # One log for all of them; in the file itself secure_delete has overwritten the bytes.
        await asyncio.to_thread(_truncate_log, str(self.url.path))

    async def close(self) -> None:
        """Close both connections, when the transaction that is under way has ended. Raises DatabaseLocked."""
        if self._held is not None:
            self._held.close()
        self._reader.dispose()
        # The writer rolls back before it closes. A statement that came between the two would be a transaction of its
        # own, and half of what it belonged to would be written: so nobody else may have the turn.
        async with self._one_turn():
            if self._writing is not None:
                await self._writing.close()
            await self._writer.dispose()


def _prepare_reader(connection: Any, _: object) -> None:
    for pragma in (f"busy_timeout={_BUSY_MILLISECONDS}", "query_only=ON", f"cache_size=-{_CACHE_KIBIBYTES}"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_writer(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    pragmas = (
        f"busy_timeout={_BUSY_MILLISECONDS}",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        f"cache_size=-{_CACHE_KIBIBYTES}",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
    )
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _truncate_log(path: str) -> None:
    connection = sqlite3.connect(path, timeout=_BUSY_MILLISECONDS / 1000)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()
