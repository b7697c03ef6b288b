"""Many rows in one statement whose text does not depend on their number.

SQLAlchemy's VALUES clause is built and bound anew for every number of rows, which costs more than the insert. Here
SQLite gets one prepared statement and a list of rows, PostgreSQL one array per column; either is compiled once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

#: Values of each column, all of one length.
Columns = Mapping[str, Sequence[Any]]


async def insert_columns(
    connection: AsyncConnection, table: Table, columns: Columns, *, conflict: str, returning: str | None = None
) -> Sequence[Any]:
    """Insert rows given by their columns; ``conflict`` is what follows ON CONFLICT, the same on both databases.

    With ``returning``, a unique column whose values are new in every call, the values of the rows that were
    inserted, else nothing. One statement; one more on SQLite where ``returning`` and some rows were left out.
    """
    given = list(columns.values())
    if not given or not given[0]:
        return []
    plan = _plan(connection.dialect, table, tuple(columns), conflict, returning)
    bound = [
        list(column) if process is None else [process(value) for value in column]
        for process, column in zip(plan.processors, given, strict=True)
    ]
    if connection.dialect.name == "postgresql":
        result = await connection.exec_driver_sql(plan.sql, tuple(bound))
        return result.scalars().all() if returning is not None else []
    written = (await connection.exec_driver_sql(plan.sql, list(zip(*bound, strict=True)))).rowcount
    return [] if returning is None else await _inserted(connection, table, columns[returning], returning, written)


async def _inserted(
    connection: AsyncConnection, table: Table, given: Sequence[Any], column: str, written: int
) -> Sequence[Any]:
    """SQLite returns no rows from a list of inserts, but counts them."""
    if written in (0, len(given)):
        return given if written else []
    # json_each takes any number of values in one parameter.
    found = await connection.exec_driver_sql(
        f"SELECT {column} FROM {table.name} WHERE {column} IN (SELECT value FROM json_each(?))",  # noqa: S608
        (orjson.dumps(list(given)).decode(),),
    )
    kept = set(found.scalars())
    return [value for value in given if value in kept]


@dataclass(frozen=True, slots=True)
class _Plan:
    sql: str
    processors: Sequence[Callable[[Any], Any] | None]


#: Per engine, whose dialect knows the keyring of its columns; gone with it.
_plans: WeakKeyDictionary[Dialect, dict[tuple[object, ...], _Plan]] = WeakKeyDictionary()


def _plan(dialect: Dialect, table: Table, names: tuple[str, ...], conflict: str, returning: str | None) -> _Plan:
    known = _plans.setdefault(dialect, {})
    key = (table.name, names, conflict, returning)
    found = known.get(key)
    if found is None:
        found = known[key] = _build(dialect, table, names, conflict, returning)
    return found


def _build(dialect: Dialect, table: Table, names: tuple[str, ...], conflict: str, returning: str | None) -> _Plan:
    types = [table.c[name].type for name in names]
    processors = [each.dialect_impl(dialect).bind_processor(dialect) for each in types]
    listed = ", ".join(names)
    if dialect.name != "postgresql":
        marks = ", ".join("?" * len(names))
        return _Plan(
            f"INSERT INTO {table.name} ({listed}) VALUES ({marks}) ON CONFLICT {conflict}",  # noqa: S608
            processors,
        )
    stored = [each.compile(dialect=dialect) for each in types]
    arrays = ", ".join(f"${number}::{_carried(each)}[]" for number, each in enumerate(stored, 1))
    taken = ", ".join(f"{name}::{each}" if each == "JSONB" else name for name, each in zip(names, stored, strict=True))
    sql = (
        f"INSERT INTO {table.name} ({listed}) SELECT {taken} FROM unnest({arrays}) AS given ({listed})"  # noqa: S608
        f" ON CONFLICT {conflict}"
    )
    return _Plan(sql if returning is None else f"{sql} RETURNING {returning}", processors)


def _carried(stored: str) -> str:
    """A cast to VARCHAR(n) would cut what is too long in silence; the column itself refuses it."""
    return "TEXT" if stored.startswith(("VARCHAR", "JSONB")) else stored
