"""Inserts that meet existing rows, written once for both databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Table, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

#: SQLite takes 32,766 bound values in a statement, PostgreSQL 32,767 on asyncpg.
_MAX_VALUES = 30_000

AnyInsert = postgresql.Insert | sqlite.Insert


def insert_for(connection: AsyncConnection, table: Table) -> AnyInsert:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


async def insert_new(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]], *, keys: Sequence[str]
) -> int:
    """Insert the rows whose unique ``keys`` are not in the table yet; returns how many were new."""
    statement = insert_for(connection, table).on_conflict_do_nothing(index_elements=list(keys))
    # RETURNING lets SQLAlchemy send many rows by one statement that it compiles once: ten times as fast as
    # values(rows), which is compiled value by value each time.
    counted = statement.returning(*table.primary_key.columns)
    new = 0
    for chunk in _chunks(table, rows):
        new += len((await connection.execute(counted, chunk)).all())
    return new


async def upsert(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
    unless_newer: str | None = None,
    insert_only: Sequence[str] = (),
) -> int:
    """Insert rows, or overwrite those with the same ``keys``; returns how many were written.

    ``unless_newer`` names a version or time column: a stored row is overwritten only by an equal or
    newer one, so that late and repeated answers do no harm. ``insert_only`` columns keep their first
    value. All rows have the same columns. Of several rows with equal keys the newest, else the last, counts.
    """
    columns = [name for name in rows[0] if name not in {*keys, *insert_only}] if rows else []
    written = 0
    for chunk in _chunks(table, _last_per_key(rows, keys, unless_newer)):
        statement = insert_for(connection, table).values(chunk)
        if columns:
            statement = statement.on_conflict_do_update(
                index_elements=list(keys),
                set_={name: statement.excluded[name] for name in columns},
                where=_not_newer(table, statement, unless_newer),
            )
        else:
            statement = statement.on_conflict_do_nothing(index_elements=list(keys))
        written += (await connection.execute(statement)).rowcount
    return written


def _not_newer(table: Table, statement: AnyInsert, version: str | None) -> ColumnElement[bool] | None:
    if version is None:
        return None
    stored = table.c[version]
    return or_(stored.is_(None), stored <= statement.excluded[version])


def _last_per_key(
    rows: Iterable[Mapping[str, Any]], keys: Sequence[str], version: str | None
) -> list[Mapping[str, Any]]:
    """One statement may touch a row once only (PostgreSQL refuses a second time)."""
    kept: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        earlier = kept.get(key)
        if earlier is None or version is None or row[version] >= earlier[version]:
            kept[key] = row
    return list(kept.values())


def _chunks(table: Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    if not rows:
        return
    names = rows[0].keys()
    for number, row in enumerate(rows):
        if row.keys() != names:
            raise ValueError(
                f"row {number} for table {table.name} has other columns than row 0: "
                f"{sorted(row.keys() ^ names)}; give all rows the same columns"
            )
    size = max(1, _MAX_VALUES // max(1, len(table.columns)))
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
