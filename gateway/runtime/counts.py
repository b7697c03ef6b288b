"""Where calls are counted: in this process, or in SQL for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.limits import Window
from gateway.database.engine import Database
from gateway.database.statements import insert_new
from gateway.database.tables.quotas import call_count


class Counted(NamedTuple):
    """What is counted: one endpoint of one account, over one window."""

    tool: str
    account: str
    endpoint: str
    window: Window


@dataclass(frozen=True, slots=True)
class Taken:
    """How many calls are taken in the window that began at ``starts_at``."""

    starts_at: datetime
    calls: int


class Counts(Protocol):
    """Calls taken, by what is counted. Windows never go back: a clock that is behind counts in the newer one."""

    async def take(self, what: Counted, starts_at: datetime, most: Callable[[int], int]) -> tuple[Taken, int]:
        """Take ``most(calls taken so far)`` calls more; how it stands then, and how many it were."""
        ...

    async def all(self) -> Mapping[Counted, Taken]:
        """Everything that was ever counted."""
        ...


class MemoryCounts:
    """Counts of one process."""

    def __init__(self) -> None:
        self._taken: dict[Counted, Taken] = {}

    async def take(self, what: Counted, starts_at: datetime, most: Callable[[int], int]) -> tuple[Taken, int]:
        """See ``Counts``."""
        now = _current(self._taken.get(what), starts_at)
        more = most(now.calls)
        self._taken[what] = then = Taken(now.starts_at, now.calls + more)
        return then, more

    async def all(self) -> Mapping[Counted, Taken]:
        """See ``Counts``."""
        return dict(self._taken)


class SqlCounts:
    """Counts of all processes on one database: one row each, locked while it is changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, what: Counted, starts_at: datetime, most: Callable[[int], int]) -> tuple[Taken, int]:
        """See ``Counts``. A transaction of its own: two statements, four for a row's first time."""
        async with self._database.write() as connection:
            found = await self._locked(connection, what)
            if found is None:
                row = {**_columns(what), "starts_at": starts_at, "taken": 0}
                await insert_new(connection, call_count, [row], keys=_KEYS)
                found = await self._locked(connection, what)
            now = _current(found, starts_at)
            more = most(now.calls)
            then = Taken(now.starts_at, now.calls + more)
            if then != found:
                await connection.execute(
                    update(call_count).where(*_is(what)).values(starts_at=then.starts_at, taken=then.calls)
                )
        return then, more

    async def all(self) -> Mapping[Counted, Taken]:
        """See ``Counts``. One statement."""
        return {
            Counted(row.tool, row.account, row.endpoint, Window[row.per]): Taken(row.starts_at, row.taken)
            for row in await self._database.fetch(select(call_count))
        }

    async def _locked(self, connection: AsyncConnection, what: Counted) -> Taken | None:
        statement = select(call_count.c.starts_at, call_count.c.taken).where(*_is(what)).with_for_update()
        row = (await connection.execute(statement)).first()
        return None if row is None else Taken(row.starts_at, row.taken)


class ShortAndLong:
    """Minutes and hours in one place, days and months in another."""

    def __init__(self, short: Counts, long: Counts) -> None:
        self._short = short
        self._long = long

    async def take(self, what: Counted, starts_at: datetime, most: Callable[[int], int]) -> tuple[Taken, int]:
        """See ``Counts``."""
        return await (self._short if what.window.is_short else self._long).take(what, starts_at, most)

    async def all(self) -> Mapping[Counted, Taken]:
        """See ``Counts``."""
        return {**await self._long.all(), **await self._short.all()}


def counts_of(database: Database) -> Counts:
    """All counts in SQL where several processes may run; a file has one process, which needs it only to remember."""
    return ShortAndLong(MemoryCounts(), SqlCounts(database)) if database.is_sqlite else SqlCounts(database)


def _current(found: Taken | None, starts_at: datetime) -> Taken:
    return found if found is not None and found.starts_at >= starts_at else Taken(starts_at, 0)


_KEYS = ("tool", "account", "endpoint", "per")


def _columns(what: Counted) -> dict[str, str]:
    return {"tool": what.tool, "account": what.account, "endpoint": what.endpoint, "per": what.window.name}


def _is(what: Counted) -> list[ColumnElement[bool]]:
    return [call_count.c[name] == value for name, value in _columns(what).items()]
