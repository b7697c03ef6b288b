"""The Sql protocol on an SQLite database in memory, with the tool's tables and a count of statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, Row, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from adapters.ip_content.tables import metadata


class Tables:
    """``statements`` counts what was executed since it was last set to 0."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # One connection, as in memory there is only one database: writers take turns, as in the gateway.
        self._turn = asyncio.Lock()
        self.statements = 0
        event.listen(engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.statements += 1

    async def fetch(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        async with self._turn, self._engine.connect() as connection:
            return (await connection.execute(statement, params)).all()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with self._turn, self._engine.begin() as connection:
            yield connection


@asynccontextmanager
async def tables() -> AsyncIterator[Tables]:
    """Fresh tables until the context ends."""
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield Tables(engine)
    finally:
        await engine.dispose()
