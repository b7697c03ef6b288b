"""Keeps dimension rows with their history: one current row per id, closed when its values change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection


async def record_versions(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]], *, at: datetime
) -> int:
    """Make each row the current version as of ``at``; returns how many were new or changed.

    A row that says what the current one says is left alone; otherwise the current one is closed at
    ``at`` and a new one opened. For tables of ``gateway.database.tables.dimensions``.
    """
    keys = [column.name for column in table.primary_key if column.name != "valid_from"]
    return sum([await _record(connection, table, keys, row, at) for row in rows])


async def close_version(connection: AsyncConnection, table: Table, key: Mapping[str, Any], *, at: datetime) -> bool:
    """End the current version without a successor, such as a guide's posting to a store."""
    result = await connection.execute(_current(table, key).values(valid_to=at))
    return result.rowcount == 1


async def _record(
    connection: AsyncConnection, table: Table, keys: Sequence[str], row: Mapping[str, Any], at: datetime
) -> int:
    key = {name: row[name] for name in keys}
    matching = [table.c[name] == value for name, value in key.items()]
    current = (await connection.execute(select(table).where(*matching, table.c.valid_to.is_(None)))).first()
    if current is not None:
        stored = current._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping.
        if all(stored[name] == value for name, value in row.items()):
            return 0
        if stored["valid_from"] == at:
            await connection.execute(_current(table, key).values(**row))
            return 1
        await connection.execute(_current(table, key).values(valid_to=at))
        # Columns that the caller does not know are carried over.
        row = {name: value for name, value in stored.items() if name not in ("valid_from", "valid_to")} | dict(row)
    await connection.execute(table.insert().values(**row, valid_from=at))
    return 1


def _current(table: Table, key: Mapping[str, Any]) -> Any:
    matching = [table.c[name] == value for name, value in key.items()]
    return update(table).where(*matching, table.c.valid_to.is_(None))
