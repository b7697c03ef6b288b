"""Inserts that meet existing rows, written once for both databases.

Many rows go in one statement whose text is made once per table and columns. SQLite gets ``VALUES`` of a few fixed
lengths, which its driver keeps compiled and runs without holding Python's lock; PostgreSQL gets one array per
column, or ``VALUES`` where the rows are few. Compiling an expression per call would cost more than inserting the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from gateway.database.driver import Values, driver_of
from gateway.database.types import COMPUTED, Encrypted, EncryptedJson, Json, KeyedHash

#: SQLite takes 32,766 bound values in a statement.
_MAX_VALUES = 32_766
#: Rows of one statement on SQLite; a larger number is split into these, so that few long texts are ever compiled. Few
#: statements as well: each crosses to the driver's thread and back.
_LENGTHS = (1000, 500, 250, 100, 50, 20, 10, 5, 2, 1)
#: Up to so many rows are one statement.
_SHORT = 100
#: Up to so many rows are values of their own on PostgreSQL: encoding arrays of one costs more.
_FEW = 6
#: Rows of one statement on PostgreSQL.
_ARRAY = 5_000

AnyInsert = postgresql.Insert | sqlite.Insert
_Bind = Callable[[Any], Any]


def insert_for(connection: AsyncConnection, table: Table) -> AnyInsert:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


async def insert_new(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]], *, keys: Sequence[str]
) -> int:
    """Insert the rows whose unique ``keys`` are not in the table yet; returns how many were new."""
    if not rows:
        return 0
    names = tuple(rows[0])
    _check_columns(table, rows)
    conflict = _on_conflict(connection.dialect, table, tuple(keys))
    return await insert_columns(
        connection, table, {name: [row[name] for row in rows] for name in names}, conflict=conflict
    )


async def insert_columns(
    connection: AsyncConnection, table: Table, columns: Mapping[str, Sequence[Any]], *, conflict: str = ""
) -> int:
    """Insert rows that are given column by column; returns how many were written.

    ``conflict`` is the statement's end, from ``ON CONFLICT`` on; without one an existing row raises IntegrityError.
    """
    driver = driver_of(connection)
    return sum(
        [await driver.run(text, values) for text, values in _inserts(connection.dialect, table, columns, conflict)]
    )


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns. Raises IntegrityError where one is there already."""
    if rows:
        _check_columns(table, rows)
        await insert_columns(connection, table, {name: [row[name] for row in rows] for name in rows[0]})


async def insert_returning(
    connection: AsyncConnection, table: Table, columns: Mapping[str, Sequence[Any]], *, conflict: str, returning: str
) -> Sequence[Any]:
    """Insert rows like ``insert_columns``; returns the values of one column of those that were written."""
    quote = connection.dialect.identifier_preparer.quote
    driver, end = driver_of(connection), f"{conflict} RETURNING {quote(returning)}"
    inserts = _inserts(connection.dialect, table, columns, end)
    return [row[0] for text, values in inserts for row in await driver.fetch(text, values)]


def _inserts(
    dialect: Dialect, table: Table, columns: Mapping[str, Sequence[Any]], end: str
) -> Iterator[tuple[str, Values]]:
    """The statements that insert these rows, and their values."""
    count = len(next(iter(columns.values()), ()))
    if not count:
        return
    given = dict(columns) | {n: [value] * count for n, value in _defaults(table).items() if n not in columns}
    names = tuple(given)
    bound = [
        list(values) if bind is None else _bound(bind, values)
        for bind, values in zip(_binds(dialect, table, names), given.values(), strict=True)
    ]
    pieces = _arrays if dialect.name == "postgresql" else _values
    yield from pieces(table, names, bound, end)


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
    if not rows:
        return 0
    _check_columns(table, rows)
    names = tuple(rows[0])
    changed = tuple(name for name in names if name not in {*keys, *insert_only})
    kept = _last_per_key(rows, keys, unless_newer)
    conflict = _on_conflict(connection.dialect, table, tuple(keys), changed, unless_newer, unless_newer)
    return await insert_columns(
        connection, table, {name: [row[name] for row in kept] for name in names}, conflict=conflict
    )


async def insert_over_expired(
    connection: AsyncConnection, table: Table, row: Mapping[str, Any], *, keys: Sequence[str], expires: str, now: str
) -> bool:
    """Insert the row, over one with the same ``keys`` that has expired; False where there is one that has not.

    A stored row has expired when its column ``expires`` is not later than the new row's column ``now``.
    """
    changed = tuple(name for name in row if name not in keys)
    conflict = _on_conflict(connection.dialect, table, tuple(keys), changed, expires, now)
    return await insert_columns(connection, table, {name: [row[name]] for name in row}, conflict=conflict) == 1


@lru_cache
def _on_conflict(
    dialect: Dialect,
    table: Table,
    keys: tuple[str, ...],
    changed: tuple[str, ...] = (),
    stored: str | None = None,
    given: str | None = None,
) -> str:
    """Keep the row that is there, or overwrite it: always, or where its ``stored`` is not later than the ``given``."""
    quote = dialect.identifier_preparer.quote
    named = {column.key: quote(column.name) for column in table.columns}
    target = f" ON CONFLICT ({', '.join(named[key] for key in keys)})"
    if not changed:
        return f"{target} DO NOTHING"
    sets = ", ".join(f"{named[name]} = excluded.{named[name]}" for name in changed)
    if stored is None or given is None:
        return f"{target} DO UPDATE SET {sets}"
    there = f"{quote(table.name)}.{named[stored]}"
    return f"{target} DO UPDATE SET {sets} WHERE {there} IS NULL OR {there} <= excluded.{named[given]}"


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


def _check_columns(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    names = rows[0].keys()
    for number, row in enumerate(rows):
        if row.keys() != names:
            raise ValueError(
                f"row {number} for table {table.name} has other columns than row 0: "
                f"{sorted(row.keys() ^ names)}; give all rows the same columns"
            )


def _bound(bind: _Bind, values: Iterable[Any]) -> list[Any]:
    """Values as the driver takes them. Neighbours are often the very same object: one time, one empty payload."""
    given, taken = None, None
    bound = []
    for value in values:
        if value is not given:
            given, taken = value, None if value is None else bind(value)
        bound.append(taken)
    return bound


def _binds(dialect: Dialect, table: Table, names: tuple[str, ...]) -> list[_Bind | None]:
    """What turns a Python value of each column into the driver's."""
    known = _BINDS.setdefault(dialect, {})
    found = known.get((table, names))
    if found is None:
        found = known[(table, names)] = [_bind(dialect, _column(table, name)) for name in names]
    return found


#: By dialect, which goes with its engine and its keyring.
_BINDS: WeakKeyDictionary[Dialect, dict[tuple[Table, tuple[str, ...]], list[_Bind | None]]] = WeakKeyDictionary()


def _bind(dialect: Dialect, column: Column[Any]) -> _Bind | None:
    kind = column.type
    if isinstance(kind, KeyedHash | Encrypted | EncryptedJson):
        # Both drivers take bytes as they are; SQLAlchemy would wrap each of them once more.
        return lambda value: kind.process_bind_param(value, dialect)
    return kind.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=256)
def _defaults(table: Table) -> Mapping[str, Any]:
    """Constants that stand where a row says nothing."""
    return {
        column.key: column.default.arg
        for column in table.columns
        if isinstance(column.default, ScalarElementColumnDefault)
    }


def _column(table: Table, name: str) -> Column[Any]:
    return table.c[name]


def _values(
    table: Table, names: tuple[str, ...], columns: Sequence[list[Any]], end: str
) -> Iterator[tuple[str, Values]]:
    rows = list(zip(*columns, strict=True))
    for start, length in _pieces(len(rows), _MAX_VALUES // len(names)):
        text = _values_text(table, names, length, end)
        yield text, tuple(chain.from_iterable(rows[start : start + length]))


def _pieces(count: int, limit: int) -> Iterator[tuple[int, int]]:
    """(start, length) of statements that cover ``count`` rows, long ones with few different lengths."""
    if count <= min(limit, _SHORT):
        yield 0, count
        return
    start = 0
    for length in _LENGTHS:
        if length > limit and length > 1:
            continue
        while count - start >= length:
            yield start, length
            start += length


@lru_cache(maxsize=512)
def _values_text(table: Table, names: tuple[str, ...], length: int, end: str) -> str:
    quote = sqlite.dialect().identifier_preparer.quote
    row = f"({', '.join('?' * len(names))})"
    columns = ", ".join(quote(_column(table, name).name) for name in names)
    return f"INSERT INTO {quote(table.name)} ({columns}) VALUES {', '.join([row] * length)}{end}"  # noqa: S608


def _arrays(
    table: Table, names: tuple[str, ...], columns: Sequence[list[Any]], end: str
) -> Iterator[tuple[str, Values]]:
    count = len(columns[0])
    if count <= _FEW:
        yield _few_text(table, names, count, end), tuple(chain.from_iterable(zip(*columns, strict=True)))
        return
    text = _arrays_text(table, names, end)
    for start in range(0, len(columns[0]), _ARRAY):
        yield text, tuple(values[start : start + _ARRAY] for values in columns)


_POSTGRESQL: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def _kind(column: Column[Any]) -> str:
    """The type that a value is given in. A cast to VARCHAR(n) would cut what is too long in silence; the column itself
    refuses it."""
    return column.type.compile(_POSTGRESQL).split("(")[0]


def _filled(table: Table, names: tuple[str, ...]) -> tuple[str, list[str]]:
    """The names of the columns that are inserted, and expressions for the last of them, which the server computes."""
    quote = _POSTGRESQL.identifier_preparer.quote
    computed = [each for each in table.columns if COMPUTED in each.info and each.key not in names]
    columns = [*(_column(table, name) for name in names), *computed]
    return ", ".join(quote(each.name) for each in columns), [each.info[COMPUTED] for each in computed]


@lru_cache(maxsize=512)
def _few_text(table: Table, names: tuple[str, ...], count: int, end: str) -> str:
    columns, computed = _filled(table, names)
    kinds = [_kind(_column(table, name)) for name in names]
    rows = []
    for row in range(count):
        given = [f"${row * len(names) + number}::{kind}" for number, kind in enumerate(kinds, 1)]
        rows.append(f"({', '.join([*given, *computed])})")
    name = _POSTGRESQL.identifier_preparer.quote(table.name)
    return f"INSERT INTO {name} ({columns}) VALUES {', '.join(rows)}{end}"  # noqa: S608


@lru_cache(maxsize=512)
def _arrays_text(table: Table, names: tuple[str, ...], end: str) -> str:
    kinds, values = [], []
    for number, name in enumerate(names, 1):
        column = _column(table, name)
        # The driver's codec for JSON does not reach into arrays.
        is_json = isinstance(column.type, Json)
        kinds.append(f"${number}::{'TEXT' if is_json else _kind(column)}[]")
        values.append(f"new.c{number}{'::jsonb' if is_json else ''}")
    columns, computed = _filled(table, names)
    values += computed
    labels = ", ".join(f"c{number}" for number in range(1, len(names) + 1))
    source = f"unnest({', '.join(kinds)}) AS new ({labels})"
    # No value is part of the text: names come from the tables alone.
    name = _POSTGRESQL.identifier_preparer.quote(table.name)
    return f"INSERT INTO {name} ({columns}) SELECT {', '.join(values)} FROM {source}{end}"  # noqa: S608
