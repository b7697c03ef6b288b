"""Wrapped data keys in table ``data_key``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database.keyring import WrappedKey
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.keys import data_key

if TYPE_CHECKING:
    from gateway.database.engine import Database

_COLUMNS = (data_key.c.id, data_key.c.subject, data_key.c.wrapped, data_key.c.master_id)

#: AES-GCM with random nonces is good for 2**32 values per key (NIST SP 800-38D section 8.3): at 1,000
#: sealed values a second that is 49 days, so the shared key is renewed before.
SHARED_KEY_LIFE = timedelta(days=30)


#: Keys of one instant have an order too, so that all processes agree.
_NEWEST = (
    select(*_COLUMNS)
    .where(data_key.c.subject.is_(None), data_key.c.wrapped.is_not(None))
    .order_by(data_key.c.created_at.desc(), data_key.c.id.desc())
    .limit(1)
)


def former(subject: str) -> ColumnElement[bool]:
    """Keys that a renewal has replaced: they open what is not sealed anew yet, and an erasure destroys them too."""
    return data_key.c.subject.startswith(f"{subject}{FORMER}", autoescape=True)


#: Between a subject and the id of its former key.
FORMER = "~"


class SqlKeyStore:
    """The KeyStore of one Database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def by_id(self, key_id: bytes) -> WrappedKey | None:
        """By primary key."""
        rows = self._database.lookup(select(*_COLUMNS).where(data_key.c.id == key_id))
        return _key(rows[0]) if rows else None

    def by_subjects(self, subjects: Sequence[str]) -> Sequence[WrappedKey]:
        """By unique key, in one statement."""
        rows = self._database.lookup(select(*_COLUMNS).where(data_key.c.subject.in_(subjects)))
        return [_key(row) for row in rows]

    async def shared(self) -> WrappedKey | None:
        """The newest shared key, unless it is due for renewal."""
        row = await self._database.one(_NEWEST.where(data_key.c.created_at > self._clock.now() - SHARED_KEY_LIFE))
        return None if row is None else _key(row)

    def newest_shared(self) -> WrappedKey | None:
        """The newest shared key, however old it is."""
        rows = self._database.lookup(_NEWEST)
        return _key(rows[0]) if rows else None

    async def add(self, keys: Sequence[WrappedKey]) -> None:
        """Insert; a subject that has a key keeps it."""
        now = self._clock.now()
        names = ("id", "subject", "wrapped", "master_id", "created_at")
        rows = [dict(zip(names, key_row(key, now), strict=True)) for key in keys]
        async with self._database.write() as connection:
            await insert_new(connection, data_key, rows, keys=("subject",))

    async def destroy(self, subject: str) -> bool:
        """Overwrite the key, and see that the database's own log forgets it too."""
        statement = (
            update(data_key)
            .where(or_(data_key.c.subject == subject, former(subject)), data_key.c.destroyed_at.is_(None))
            .values(wrapped=None, destroyed_at=self._clock.now())
        )
        async with self._database.write() as connection:
            destroyed = (await connection.execute(statement)).rowcount > 0
        if destroyed:
            await self._database.forget_deleted(data_key)
        return destroyed


async def destroy_keys(connection: AsyncConnection, subjects: Sequence[str], now: datetime) -> int:
    """Overwrite the subjects' keys in the caller's own transaction; returns how many still opened.

    The caller has its keyring ``forget`` them after the commit, and the database ``forget_deleted``.
    """
    statement = (
        update(data_key)
        .where(
            or_(data_key.c.subject.in_(subjects), *(former(each) for each in subjects)),
            data_key.c.destroyed_at.is_(None),
        )
        .values(wrapped=None, destroyed_at=now)
    )
    return (await connection.execute(statement)).rowcount


def key_row(key: WrappedKey, at: datetime) -> tuple[Any, ...]:
    """Values of id, subject, wrapped, master_id and created_at."""
    return key.id, key.subject, key.wrapped, key.master_id, at


def _key(row: AnyRow) -> WrappedKey:
    return WrappedKey(row.id, row.subject, row.wrapped, row.master_id)
