"""PostgreSQL: connections of asyncpg held ready; reads without a transaction; key lookups synchronously on psycopg."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
from sqlalchemy import Executable, Table, create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.base.turns import Turns
from gateway.database.driver import Sent, drive, driver_of, transaction
from gateway.database.failures import POOL_SECONDS, all_in_use, connecting, translated
from gateway.database.prepared import Prepared
from gateway.database.rows import AnyRow
from gateway.database.sqlite import json_text
from gateway.database.urls import DatabaseUrl

#: Connections that one process holds at most.
CONNECTIONS: Final = 20
#: Statements that the driver keeps prepared per connection; what is made once is run by everybody.
_PREPARED: Final = 400


class PostgresqlBackend:
    """Connections in autocommit, each taken for one statement, or for one transaction of the driver's own.

    They wait in a list: a turn through SQLAlchemy's pool costs more than a statement.
    """

    def __init__(self, url: DatabaseUrl, *, connections: int = CONNECTIONS) -> None:
        self.url = url
        self._engine = create_async_engine(
            url.async_url(),
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            connect_args={"timeout": 10.0, "statement_cache_size": _PREPARED} | url.asyncpg_arguments(),
            hide_parameters=True,
            json_serializer=json_text,
            json_deserializer=orjson.loads,
        )
        self._lookups = create_engine(
            url.sync_url(),
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10},
            hide_parameters=True,
        )
        self._turns = Turns(connections)
        self._free: list[AsyncConnection] = []
        self._closed = False

    def drive(self, sent: Sent) -> None:
        """Have ``sent`` told of each statement that goes to the driver; call it before the first connection is made."""
        drive(self._engine.sync_engine, sent)

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines whose dialects need the keyring and whose statements are counted."""
        return self._engine.sync_engine, self._lookups

    async def fetch(self, statement: Executable | Prepared, params: Mapping[str, Any] | None) -> Sequence[AnyRow]:
        """Rows of one statement."""
        async with self._taken() as connection:
            with translated(self.url):
                if isinstance(statement, Prepared):
                    return await statement.all(connection, params or {})
                return (await connection.execute(statement, params)).all()

    def lookup(self, statement: Executable, params: Mapping[str, Any] | None) -> Sequence[AnyRow]:
        """Rows of one short statement for callers that cannot await; it blocks this thread."""
        with connecting(self.url), self._lookups.connect() as connection:
            return connection.execute(statement, params).all()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One ordinary transaction."""
        async with self._taken() as connection:
            with translated(self.url):
                async with transaction(driver_of(connection)):
                    yield connection

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[AsyncConnection]:
        """A connection, which is free again at the end of the block unless it is gone. Raises DatabaseError."""
        if not self._turns.take():
            try:
                async with asyncio.timeout(POOL_SECONDS):
                    await self._turns.wait()
            except TimeoutError:
                raise all_in_use(self.url) from None
        try:
            connection = await self._opened()
            try:
                yield connection
            finally:
                if not (connection.invalidated or self._closed) and driver_of(connection).is_usable:
                    self._free.append(connection)
                else:
                    await _dropped(connection)
        finally:
            self._turns.leave()

    async def _opened(self) -> AsyncConnection:
        while self._free:
            connection = self._free.pop()
            # The server may have closed it since, as it does when it restarts.
            if driver_of(connection).is_usable:
                return connection
            await _dropped(connection)
        connection = self._engine.connect()
        with connecting(self.url):
            await connection.start()
        return connection

    async def forget_deleted(self, tables: Sequence[Table]) -> None:
        """Vacuum the tables, without waiting for locks: what is skipped, autovacuum does later."""
        if not tables:
            return
        names = ", ".join(self._engine.dialect.identifier_preparer.format_table(table) for table in tables)
        async with self._taken() as connection:
            await connection.exec_driver_sql(f"VACUUM (SKIP_LOCKED) {names}")

    async def close(self) -> None:
        """Close all connections; one that is still taken is closed when it is given back."""
        self._closed = True
        for connection in self._free:
            await connection.close()
        self._free.clear()
        await self._engine.dispose()
        self._lookups.dispose()


async def _dropped(connection: AsyncConnection) -> None:
    """Close a connection without asking anything of it."""
    await connection.invalidate()
    await connection.close()
