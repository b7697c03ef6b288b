"""Changing keys while processes serve: another master key, another shared data key.

``rotate`` wraps every data key by the current master key, a few hundred rows per transaction. What is left to do can be
read off the rows, so that a killed run is simply started again, and two runs at once do no harm. Serving processes open
rows wrapped by either key as long as their settings accept both.

``renew_shared`` makes a new shared data key and seals again, cell by cell, what older ones had sealed, and
``renew_subject`` does so for a member. Serving processes take to a new key within a minute; former keys stay until
``retire``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, and_, func, or_, select, tuple_, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.engine import Database
from gateway.database.errors import MasterKeyWrong, SubjectErased
from gateway.database.keyring import Erased, Sealed, WrappedKey, key_id
from gateway.database.keystore import FORMER, SqlKeyStore, former, key_row
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.schema import metadata
from gateway.database.tables.keys import data_key
from gateway.database.types import Encrypted, EncryptedJson

#: Rows per transaction: a writer of a serving process never waits for more than these.
BATCH = 250

#: After this long no process seals by a key that was replaced: a minute until it looks for another one, and then the
#: longest that a transaction may take.
SETTLED = timedelta(minutes=10)


class KeysTooEarly(Exception):
    """Former keys cannot be destroyed yet."""

    code = "KEYS_TOO_EARLY"


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
    ``retire``, because other processes seal with theirs until they look for a newer one.
    """
    new = await _new_shared(database)
    rows = await database.fetch(select(data_key.c.id).where(data_key.c.subject.is_(None), data_key.c.id != new.id))
    return await _reseal_all(database, {bytes(row.id): None for row in rows}, tell)


async def keep_shared_young(database: Database) -> bool:
    """Make a new shared key where the present one is due; True when it was made. Nothing is sealed again."""
    if await SqlKeyStore(database, database.clock).shared() is not None:
        return False
    await _new_shared(database)
    return True


async def _new_shared(database: Database) -> WrappedKey:
    new = database.keyring.renew_shared()
    await SqlKeyStore(database, database.clock).add([new])
    database.keyring.use_shared(new)
    return new


async def renew_subject(database: Database, subjects: Sequence[str], tell: Tell = lambda done, total: None) -> int:
    """Make new keys for subjects and seal again under them what their former ones sealed; returns how many cells.

    Safe to repeat after a kill. A subject without a key, or whose key was destroyed, is passed over.
    """
    ring, now = database.keyring, database.clock.now()
    async with database.write() as connection:
        for subject in subjects:
            this = and_(data_key.c.subject == subject, data_key.c.wrapped.is_not(None))
            row = (await connection.execute(select(data_key.c.id).where(this))).one_or_none()
            if row is None:
                continue
            name = f"{subject}{FORMER}{bytes(row.id).hex()}"
            await connection.execute(update(data_key).where(data_key.c.id == row.id).values(subject=name))
            names = ("id", "subject", "wrapped", "master_id", "created_at")
            values = dict(zip(names, key_row(ring.renewed(subject), now), strict=True))
            await connection.execute(data_key.insert().values(values))
    ring.forget(subjects)
    return await _reseal_all(database, await _former(database, subjects), tell)


async def _former(database: Database, subjects: Sequence[str] | None = None) -> dict[bytes, str | None]:
    """Replaced keys that still open, and whose they were; of all subjects by default."""
    which = data_key.c.subject.contains(FORMER) if subjects is None else or_(*(former(each) for each in subjects))
    rows = await database.fetch(select(data_key.c.id, data_key.c.subject).where(which, data_key.c.wrapped.is_not(None)))
    return {bytes(row.id): row.subject.partition(FORMER)[0] for row in rows}


async def _reseal_all(database: Database, old: Mapping[bytes, str | None], tell: Tell) -> int:
    tables = [table for table in metadata.sorted_tables if sealed_columns(table)]
    cells = 0
    for number, table in enumerate(tables, 1):
        cells += await _reseal(database, table, old)
        tell(number, len(tables))
    await database.forget_deleted()
    return cells


async def retirable_from(database: Database) -> datetime | None:
    """From when on former keys may be destroyed: until then a process may seal by one. None where there are none."""
    living = data_key.c.wrapped.is_not(None)
    shared = await database.fetch(
        select(data_key.c.created_at).where(data_key.c.subject.is_(None), living).order_by(data_key.c.created_at)
    )
    replaced = [each for each in (await _former(database)).values() if each is not None]
    made = [shared[-1].created_at] if len(shared) > 1 else []
    for some in chunks(replaced):
        rows = await database.fetch(select(data_key.c.created_at).where(data_key.c.subject.in_(some), living))
        made += [row.created_at for row in rows]
    return max(made) + SETTLED if made else None


async def retire(database: Database) -> int:
    """Destroy former keys that no cell names any more; returns how many.

    What a process sealed by one of a member's former keys after the renewal is sealed again before. Raises
    KeysTooEarly before ``retirable_from``.
    """
    ready = await retirable_from(database)
    if ready is None:
        return 0
    if database.clock.now() < ready:
        raise KeysTooEarly(
            f"a process may still seal by a former key until {ready.isoformat(timespec='seconds')}; run it again then"
        )
    replaced = await _former(database)
    if replaced:
        await _reseal_all(database, replaced, lambda done, total: None)
    used: set[bytes] = {database.keyring.shared_id}
    for table in metadata.sorted_tables:
        async for rows in _cells(database, table):
            used |= {key_id(cell) for row in rows for cell in row.cells if cell}
    async with database.write() as connection:
        statement = (
            update(data_key)
            .where(
                or_(data_key.c.subject.is_(None), data_key.c.subject.contains(FORMER)),
                data_key.c.wrapped.is_not(None),
                data_key.c.id.not_in(used),
            )
            .values(wrapped=None, destroyed_at=database.clock.now())
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


async def _reseal(database: Database, table: Table, old: Mapping[bytes, str | None]) -> int:
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
    old: Mapping[bytes, str | None],
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
        try:
            new: Sealed = database.keyring.seal_bytes(data, subject=old[key_id(cell)])
        except SubjectErased:
            # Erased since we began: the cell goes with its key.
            continue
        statement = update(table).where(*where, type_coerce(column, LargeBinary) == cell).values({column: new})
        changed += (await connection.execute(statement)).rowcount
    return changed


__all__ = [
    "KeyStatus",
    "MasterUse",
    "keep_shared_young",
    "renew_shared",
    "renew_subject",
    "retirable_from",
    "retire",
    "rotate",
    "sealed_columns",
    "status",
]
