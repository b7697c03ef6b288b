"""Rotating credentials in SQL: sealed, and changed by one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.statements import upsert
from gateway.database.tables.keys import secret


class SqlSecretStore:
    """See ``adapters.base.runtime.SecretStore``.

    The lock is a PostgreSQL advisory lock on a connection of its own, held over the platform's answer;
    the new value is committed by another connection before the lock is freed. On SQLite there is one
    process by design, and an asyncio lock does.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._locks: dict[tuple[str, str, str], asyncio.Lock] = {}

    async def get(self, tool: str, account: str, name: str) -> Mapping[str, str] | None:
        """See ``SecretStore``."""
        row = await self._database.one(
            select(secret.c.value).where(secret.c.tool == tool, secret.c.account == account, secret.c.name == name)
        )
        return None if row is None else dict(row.value)

    @asynccontextmanager
    async def rotate(self, tool: str, account: str, name: str) -> AsyncIterator[_Rotation]:
        """See ``SecretStore``."""
        key = (tool, account, name)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if self._database.is_sqlite:
                yield _Rotation(self, key, await self.get(*key))
                return
            async with self._database.write() as connection:
                await _advisory_lock(connection, ":".join(key))
                yield _Rotation(self, key, await self.get(*key))

    async def put(self, key: tuple[str, str, str], value: Mapping[str, str]) -> None:
        """Commit a value."""
        tool, account, name = key
        row = {
            "tool": tool,
            "account": account,
            "name": name,
            "value": dict(value),
            "version": 1,
            "updated_at": self._clock.now(),
        }
        async with self._database.write() as connection:
            await upsert(connection, secret, [row], keys=("tool", "account", "name"))


class _Rotation:
    """See ``adapters.base.runtime.Rotation``."""

    def __init__(self, store: SqlSecretStore, key: tuple[str, str, str], value: Mapping[str, str] | None) -> None:
        self._store = store
        self._key = key
        self._value = value

    @property
    def value(self) -> Mapping[str, str] | None:
        return self._value

    async def put(self, value: Mapping[str, str]) -> None:
        await self._store.put(self._key, value)
        self._value = value


async def _advisory_lock(connection: AsyncConnection, name: str) -> None:
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
