"""Statements handed to the driver as they are: no compiling, no result of SQLAlchemy's around the rows.

SQLAlchemy takes 100 µs for a statement on asyncpg and 160 on aiosqlite, where several hops lead to the driver's thread
and back; the driver alone takes 16. What runs often goes this way: ``Prepared`` and the inserts of
``gateway.database.statements``. Failures leave here as SQLAlchemy's, so that nobody needs to know which way was taken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol

import aiosqlite
import asyncpg  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

#: Where a connection has its driver, in SQLAlchemy's ``info``.
DRIVER: Final = "gateway_driver"
#: Class 23 of https://www.postgresql.org/docs/current/errcodes-appendix.html.
_INTEGRITY: Final = "23"

#: A row as the driver gives it.
RawRow = Sequence[Any]
#: Values in the order of the text's placeholders.
Values = Sequence[Any]
#: Is told of a statement and its values before it runs.
Sent = Callable[[str, Any], None]


class Driver(Protocol):
    """One connection of the driver, in whatever transaction it is."""

    async def fetch(self, text: str, values: Values) -> Sequence[RawRow]:
        """The rows of one statement."""
        ...

    async def run(self, text: str, values: Values) -> int:
        """Run one statement; returns how many rows it touched."""
        ...

    async def begin(self) -> None:
        """Begin a transaction."""
        ...

    async def commit(self) -> None:
        """End it, with its changes."""
        ...

    async def rollback(self) -> None:
        """End it, without; nothing where none is open."""
        ...


class SqliteDriver:
    """aiosqlite: one hop to its thread and back for each statement."""

    def __init__(self, connection: aiosqlite.Connection, sent: Sent) -> None:
        self.connection = connection
        self._sent = sent

    async def fetch(self, text: str, values: Values) -> Sequence[RawRow]:
        """See ``Driver``."""
        self._sent(text, values)
        with sqlite_failures(text):
            return list(await self.connection.execute_fetchall(text, values))

    async def run(self, text: str, values: Values) -> int:
        """See ``Driver``."""
        self._sent(text, values)
        with sqlite_failures(text):
            return (await self.connection.execute(text, values)).rowcount

    async def begin(self) -> None:
        """See ``Driver``. For writing from the first moment: two processes that read before they write would fail at
        once instead of waiting (https://sqlite.org/isolation.html).
        """
        await self._control("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        """See ``Driver``."""
        await self._control("COMMIT")

    async def rollback(self) -> None:
        """See ``Driver``. Its turn on the driver's thread comes after whatever was cancelled on the way there."""
        await self.connection.rollback()

    async def _control(self, text: str) -> None:
        with sqlite_failures(text):
            await self.connection.execute(text)


class AsyncpgDriver:
    """asyncpg, which keeps a statement prepared for each text."""

    def __init__(self, connection: asyncpg.Connection, sent: Sent) -> None:
        self.connection = connection
        self._sent = sent

    async def fetch(self, text: str, values: Values) -> Sequence[RawRow]:
        """See ``Driver``."""
        self._sent(text, values)
        with self._failures(text):
            rows: Sequence[RawRow] = await self.connection.fetch(text, *values)
            return rows

    async def run(self, text: str, values: Values) -> int:
        """See ``Driver``."""
        self._sent(text, values)
        with self._failures(text):
            # "UPDATE 3", "INSERT 0 3"; a word alone where nothing is counted.
            count = (await self.connection.execute(text, *values)).rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def begin(self) -> None:
        """See ``Driver``."""
        await self._control("BEGIN")

    async def commit(self) -> None:
        """See ``Driver``."""
        await self._control("COMMIT")

    async def rollback(self) -> None:
        """See ``Driver``. A connection that is gone has rolled back already."""
        if self.connection.is_in_transaction() and not self.connection.is_closed():
            await self._control("ROLLBACK")

    async def _control(self, text: str) -> None:
        with self._failures(text):
            await self.connection.execute(text)

    @property
    def is_usable(self) -> bool:
        """Whether the connection lives, and is in no transaction that somebody left open."""
        return not (self.connection.is_closed() or self.connection.is_in_transaction())

    @contextmanager
    def _failures(self, text: str) -> Iterator[None]:
        """Raise the driver's failures as SQLAlchemy's, without the values that PostgreSQL quotes in their details."""
        try:
            yield
        except asyncpg.PostgresError as error:
            kind = IntegrityError if str(error.sqlstate).startswith(_INTEGRITY) else DBAPIError
            bare = type(error)(error.args[0] if error.args else "")
            raise self._failure(kind, text, bare) from None
        except asyncpg.InterfaceError as error:
            raise self._failure(DBAPIError, text, error) from error

    def _failure(self, kind: type[DBAPIError], text: str, error: Exception) -> DBAPIError:
        gone = self.connection.is_closed()
        return kind(text, None, error, hide_parameters=True, connection_invalidated=gone)


@asynccontextmanager
async def transaction(driver: Driver) -> AsyncIterator[None]:
    """Committed at the end of the block, rolled back when anything in it fails or is cancelled."""
    try:
        await driver.begin()
        yield
        await driver.commit()
    except BaseException:
        await driver.rollback()
        raise


@contextmanager
def sqlite_failures(text: str) -> Iterator[None]:
    """Raise the driver's failures as SQLAlchemy's."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise IntegrityError(text, None, error, hide_parameters=True) from error
    except sqlite3.Error as error:
        raise DBAPIError(text, None, error, hide_parameters=True) from error


def drive(engine: Engine, sent: Sent) -> None:
    """Give each connection that the asynchronous engine makes its driver. ``sent`` is called before each statement."""
    kind = SqliteDriver if engine.dialect.name == "sqlite" else AsyncpgDriver

    def connected(connection: Any, record: Any) -> None:
        record.info[DRIVER] = kind(connection.driver_connection, sent)

    event.listen(engine, "connect", connected)


def driver_of(connection: AsyncConnection) -> Any:
    """The driver of a connection that ``Database.write`` gave out."""
    assert connection.sync_connection is not None  # noqa: S101 — it is None before it is started only
    return connection.sync_connection.info[DRIVER]
