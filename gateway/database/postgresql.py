"""PostgreSQL: pooled asyncpg; reads without a transaction; key lookups synchronously on psycopg."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import Executable, Table, create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.database.failures import POOL_SECONDS, connecting, translated
from gateway.database.rows import AnyRow
from gateway.database.sqlite import json_text
from gateway.database.urls import DatabaseUrl


class PostgresqlBackend:
    """One pool for reads and writes. A connection is taken for one statement or one transaction."""

    def __init__(self, url: DatabaseUrl, *, pool_size: int = 10) -> None:
        self.url = url
        self._engine = create_async_engine(
            url.async_url(),
            pool_size=pool_size,
            pool_timeout=POOL_SECONDS,
            connect_args={"timeout": 10.0} | url.asyncpg_arguments(),
            hide_parameters=True,
            json_serializer=json_text,
            json_deserializer=orjson.loads,
        )
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lookups = create_engine(
            url.sync_url(),
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10},
            hide_parameters=True,
        )

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines whose dialects need the keyring and whose statements are counted."""
        return self._engine.sync_engine, self._lookups

    async def fetch(self, statement: Executable, params: Mapping[str, Any] | None) -> Sequence[AnyRow]:
        """Rows of one statement."""
        connection = self._reader.connect()
        with connecting(self.url):
            await connection.start()
        try:
            with translated(self.url):
                return (await connection.execute(statement, params)).all()
        finally:
            await connection.close()

    def lookup(self, statement: Executable, params: Mapping[str, Any] | None) -> Sequence[AnyRow]:
        """Rows of one short statement for callers that cannot await; it blocks this thread."""
        with connecting(self.url), self._lookups.connect() as connection:
            return connection.execute(statement, params).all()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One ordinary transaction."""
        connection = self._engine.connect()
        with connecting(self.url):
            await connection.start()
        try:
            with translated(self.url):
                async with connection.begin():
                    yield connection
        finally:
            await connection.close()

    async def forget_deleted(self, tables: Sequence[Table]) -> None:
        """Vacuum the tables, without waiting for locks: what is skipped, autovacuum does later."""
        if not tables:
            return
        names = ", ".join(self._engine.dialect.identifier_preparer.format_table(table) for table in tables)
        async with self._reader.connect() as connection:
            await connection.exec_driver_sql(f"VACUUM (SKIP_LOCKED) {names}")

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        self._lookups.dispose()
