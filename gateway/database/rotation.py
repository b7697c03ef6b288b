"""Changing keys while processes serve: another master key, another shared data key.

``rotate`` wraps every data key by the current master key, a few hundred rows per transaction. What is left to do can be
read off the rows, so that a killed run is simply started again, and two runs at once do no harm. Serving processes open
rows wrapped by either key as long as their settings accept both.

``renew_shared`` makes a new shared data key and seals again, cell by cell, what older ones had sealed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, and_, func, select, tuple_, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.engine import Database
from gateway.database.errors import MasterKeyWrong
from gateway.database.keyring import Erased, Sealed, WrappedKey, key_id
from gateway.database.keystore import SqlKeyStore
from gateway.database.rows import AnyRow
from gateway.database.schema import metadata
from gateway.database.tables.keys import data_key
from gateway.database.types import Encrypted, EncryptedJson

#: Rows per transaction: a writer of a serving process never waits for more than these.
BATCH = 250

#: Told (rows done, rows that there were) after each batch.
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MasterUse:
    """How many data keys a master key has wrapped, and what it is to this process."""

    master_id: str
    keys: int
    #: CURRENT, ACCEPTED, or UNKNOWN: then the settings lack it, and what those keys seal cannot be read.
    role: str


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """Table ``data_key`` in figures."""

    masters: Sequence[MasterUse]
    destroyed: int
    #: Of the shared keys that still open, oldest first.
    shared_since: Sequence[datetime]


async def status(database: Database) -> KeyStatus:
    """What wraps the keys now; the old master key can leave the settings when no key is left under it."""
    ring = database.keyring
    rows = await database.fetch(
        select(data_key.c.master_id, func.count().label("keys"))
        .where(data_key.c.wrapped.is_not(None))
        .group_by(data_key.c.master_id)
        .order_by(data_key.c.master_id)
    )
    destroyed = await database.one(select(func.count().label("keys")).where(data_key.c.wrapped.is_(None)))
    shared = await database.fetch(
        select(data_key.c.created_at)
        .where(data_key.c.subject.is_(None), data_key.c.wrapped.is_not(None))
        .order_by(data_key.c.created_at)
    )
    uses = [MasterUse(row.master_id, row.keys, _role(row.master_id, database)) for row in rows]
    if ring.master_id not in {use.master_id for use in uses}:
        uses.append(MasterUse(ring.master_id, 0, "CURRENT"))
    return KeyStatus(uses, 0 if destroyed is None else destroyed.keys, [row.created_at for row in shared])


def _role(master_id: str, database: Database) -> str:
    if master_id == database.keyring.master_id:
        return "CURRENT"
    return "ACCEPTED" if master_id in database.keyring.accepted_ids else "UNKNOWN"


async def rotate(database: Database, tell: Tell = lambda done, total: None) -> int:
    """Wrap every data key by the current master key; returns how many were wrapped anew.

    Passes over the table until one finds nothing: a process with the former settings may have made keys meanwhile.
    Raises MasterKeyWrong, before anything is changed, when keys are wrapped by a master key that the settings lack.
    """
    unknown = [use for use in (await status(database)).masters if use.role == "UNKNOWN"]
    if unknown:
        raise MasterKeyWrong(
            f"{unknown[0].keys} data keys are wrapped by master key {unknown[0].master_id}, which the settings do not "
            "have; add it to master_keys_accepted and run this again"
        )
    done, total = 0, await _left(database)
    while await _left(database):
        async for rows in _batches(database):
            done += await _rewrap(database, rows)
            tell(done, max(done, total))
    if done:
        # The old wrappings are overwritten; the database's own log must not keep them either.
        await database.forget_deleted(data_key)
    return done


async def _left(database: Database) -> int:
    row = await database.one(select(func.count().label("keys")).where(_stale(database)))
    return 0 if row is None else int(row.keys)


def _stale(database: Database) -> Any:
    return and_(data_key.c.wrapped.is_not(None), data_key.c.master_id != database.keyring.master_id)


async def _batches(database: Database) -> AsyncIterator[Sequence[AnyRow]]:
    last = b""
    while True:
        rows = await database.fetch(
            select(data_key.c.id, data_key.c.subject, data_key.c.wrapped, data_key.c.master_id)
            .where(_stale(database), data_key.c.id > last)
            .order_by(data_key.c.id)
            .limit(BATCH)
        )
        if not rows:
            return
        yield rows
        last = rows[-1].id


async def _rewrap(database: Database, rows: Sequence[AnyRow]) -> int:
    """One batch. A key that was destroyed since it was read stays destroyed."""
    changed = 0
    async with database.write() as connection:
        for row in rows:
            new = database.keyring.rewrapped(WrappedKey(row.id, row.subject, row.wrapped, row.master_id))
            statement = (
                update(data_key)
                .where(data_key.c.id == row.id, data_key.c.wrapped == row.wrapped)
                .values(wrapped=new.wrapped, master_id=new.master_id)
            )
            changed += (await connection.execute(statement)).rowcount
    return changed


async def renew_shared(database: Database, tell: Tell = lambda done, total: None) -> int:
    """Make a new shared key and seal again under it what older shared keys sealed; returns how many cells.

    Safe to repeat after a kill: the next run makes one more key and goes on. Older shared keys stay until
    ``retire_shared``, because other processes seal with theirs until they are restarted.
    """
    ring = database.keyring
    new = ring.renew_shared()
    await SqlKeyStore(database, database.clock).add([new])
    ring.use_shared(new)
    rows = await database.fetch(select(data_key.c.id).where(data_key.c.subject.is_(None), data_key.c.id != new.id))
    old = {bytes(row.id) for row in rows}
    tables = [table for table in metadata.sorted_tables if sealed_columns(table)]
    cells = 0
    for number, table in enumerate(tables, 1):
        cells += await _reseal(database, table, old)
        tell(number, len(tables))
    await database.forget_deleted()
    return cells


async def retire_shared(database: Database) -> int:
    """Destroy the shared keys that no cell names any more, but the newest; returns how many.

    Only when every process was started after the last ``renew_shared``.
    """
    used: set[bytes] = {database.keyring.shared_id}
    for table in metadata.sorted_tables:
        async for rows in _cells(database, table):
            used |= {key_id(cell) for row in rows for cell in row.cells if cell}
    now = database.clock.now()
    async with database.write() as connection:
        statement = (
            update(data_key)
            .where(data_key.c.subject.is_(None), data_key.c.wrapped.is_not(None), data_key.c.id.not_in(used))
            .values(wrapped=None, destroyed_at=now)
        )
        retired = (await connection.execute(statement)).rowcount
    await database.forget_deleted(data_key)
    return retired


def sealed_columns(table: Table) -> list[Column[Any]]:
    """The columns of a table whose cells are sealed."""
    return [column for column in table.columns if isinstance(column.type, Encrypted | EncryptedJson)]


@dataclass(frozen=True, slots=True)
class _Row:
    """Sealed cells of one row, as they are stored, and the row's primary key."""

    key: tuple[Any, ...]
    cells: tuple[bytes | None, ...]


async def _cells(database: Database, table: Table) -> AsyncIterator[Sequence[_Row]]:
    columns = sealed_columns(table)
    if not columns:
        return
    keys = list(table.primary_key)
    raw = [type_coerce(column, LargeBinary).label(f"cell_{column.name}") for column in columns]
    statement = select(*keys, *raw).order_by(*keys).limit(BATCH)
    last: tuple[Any, ...] | None = None
    while True:
        page = statement if last is None else statement.where(tuple_(*keys) > tuple_(*_bound(keys, last)))
        rows = [_Row(tuple(row[: len(keys)]), tuple(row[len(keys) :])) for row in await database.fetch(page)]
        if not rows:
            return
        yield rows
        last = rows[-1].key


def _bound(keys: Sequence[Column[Any]], values: Sequence[Any]) -> list[Any]:
    return [type_coerce(value, column.type) for column, value in zip(keys, values, strict=True)]


async def _reseal(database: Database, table: Table, old: set[bytes]) -> int:
    columns, keys = sealed_columns(table), list(table.primary_key)
    changed = 0
    async for rows in _cells(database, table):
        due = [row for row in rows if any(cell and key_id(cell) in old for cell in row.cells)]
        if due:
            async with database.write() as connection:
                for row in due:
                    changed += await _reseal_row(connection, database, table, (keys, columns), row, old)
    return changed


async def _reseal_row(
    connection: AsyncConnection,
    database: Database,
    table: Table,
    columns: tuple[Sequence[Column[Any]], Sequence[Column[Any]]],
    row: _Row,
    old: set[bytes],
) -> int:
    """Only where the cell is still the one that was read: a value written meanwhile is newer than ours."""
    keys, sealed = columns
    where = [column == value for column, value in zip(keys, row.key, strict=True)]
    changed = 0
    for column, cell in zip(sealed, row.cells, strict=True):
        if not cell or key_id(cell) not in old:
            continue
        data = database.keyring.unseal(cell)
        if isinstance(data, Erased):
            continue
        new: Sealed = database.keyring.seal_bytes(data)
        statement = update(table).where(*where, type_coerce(column, LargeBinary) == cell).values({column: new})
        changed += (await connection.execute(statement)).rowcount
    return changed


__all__ = ["KeyStatus", "MasterUse", "renew_shared", "retire_shared", "rotate", "sealed_columns", "status"]
