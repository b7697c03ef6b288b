"""``sync --check``: what a sync would change now. Every stream is read to its end; nothing is written.

The projections run as they always do, each of their transactions is looked at and rolled back. So what is compared is
what would be stored, and no second description of the tables can be wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.errors import UpstreamError
from gateway.database.engine import Database
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.tables.members import identity
from gateway.database.types import Encrypted, EncryptedJson
from gateway.events.kinds import normal
from gateway.events.projector import Batch, Evidence, Linked, Projector
from gateway.events.sync.stage import Reading, Stage
from gateway.events.sync.stages import STAGES
from gateway.jobs.worker import error_code
from gateway.runtime import OpenTools

#: When we learnt it is no part of what we know.
_OURS_ALONE: Final = frozenset({"as_of", "changed_at", "valid_from", "row"})
#: Writes rows of its own tables past the projections.
_UNCHECKED: Final = frozenset({"ip_content.catalogue"})
#: Rows asked for in one statement.
_CHUNK: Final = 100

Row = Mapping[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, or one row where ``field`` is empty. What may be personal is masked; the row's key has our own
    identity id in the place of a shopper's."""

    table: str
    id: str
    field: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One stream of one account: what differs, or why it could not be read."""

    stream: str
    account: str
    differences: Sequence[Difference]
    error: str | None = None


async def check(projector: Projector, tools: OpenTools, only: Sequence[str] = ()) -> AsyncIterator[Checked]:
    """Read every stream, one after another, and compare. A stream that cannot be read is told and not compared."""
    for stage in STAGES:
        if stage.name in _UNCHECKED or (only and stage.tool not in only):
            continue
        for tool, alias, adapter in tools.items():
            if tool == stage.tool and stage.applies(adapter, alias):
                yield await _stream(projector, tools, stage, adapter)


async def _stream(projector: Projector, tools: OpenTools, stage: Stage, adapter: Any) -> Checked:
    comparing = _Comparing(projector)
    reading = Reading(comparing, tools, adapter, None, projector.clock.now(), _silent)
    try:
        await stage.read(reading)
    except Exception as error:
        code = error.kind if isinstance(error, UpstreamError) else error_code(error)
        return Checked(stage.name, adapter.account, comparing.differences, code)
    return Checked(stage.name, adapter.account, comparing.differences)


async def _silent(_rows: int) -> None:
    pass


class _Undo(Exception):
    """Rolls a transaction back whose changes have been looked at."""


class _Comparing(Projector):
    """A projector whose transactions are compared with what is stored, and undone."""

    def __init__(self, real: Projector) -> None:
        super().__init__(real.database, _Acquaintances(real.database), real.clock, real.open_platform)
        self.differences: list[Difference] = []
        self.listed: dict[str, set[Key]] = {}

    @asynccontextmanager
    async def batch(self, evidence: Sequence[Evidence] = (), *, as_of: datetime | None = None) -> AsyncIterator[Batch]:
        """See ``Projector.batch``; no fact is appended, and nobody is told."""
        linked = await _Acquaintances(self.database).known(evidence)
        now = self.clock.now()
        with suppress(_Undo):
            async with self.database.write() as connection:
                batch = _ComparingBatch(connection, linked, self.database, as_of or self.as_of or now, now, self.listed)
                yield batch
                self.differences += await batch.differences()
                raise _Undo


@dataclass(slots=True)
class _Watch:
    table: Table
    where: ColumnElement[bool]
    before: Mapping[Key, Row]


class _ComparingBatch(Batch):
    def __init__(
        self,
        connection: AsyncConnection,
        linked: Sequence[Linked],
        database: Database,
        as_of: datetime,
        now: datetime,
        listed: dict[str, set[Key]],
    ) -> None:
        super().__init__(connection, linked, database, as_of, now)
        self._listed = listed
        self._watches: list[_Watch] = []

    async def upsert(self, table: Table, rows: Sequence[Mapping[str, Any]], *, insert_only: Sequence[str] = ()) -> int:
        names = [column.name for column in table.primary_key]
        for some in chunks(rows, _CHUNK):
            await self.watch(table, or_(*(and_(*(table.c[name] == row[name] for name in names)) for row in some)))
        self._listed.setdefault(table.name, set()).update(tuple(row[name] for name in names) for row in rows)
        return await super().upsert(table, rows, insert_only=insert_only)

    async def watch(self, table: Table, *where: ColumnElement[bool]) -> None:
        found = and_(*where)
        self._watches.append(_Watch(table, found, await self._rows(table, found)))

    def unlisted(self, table: Table, rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
        """What was listed before keeps its old reading here, since that was undone."""
        names = [column.name for column in table.primary_key]
        listed = self._listed.get(table.name, set())
        return [row for row in rows if tuple(getattr(row, name) for name in names) not in listed]

    async def differences(self) -> list[Difference]:
        """What the transaction has changed of what is watched, each row once, as it was before any of it."""
        found: dict[tuple[str, Key], list[Difference]] = {}
        for watch in self._watches:
            after = await self._rows(watch.table, watch.where)
            for key in sorted({*watch.before, *after}, key=str):
                found.setdefault(
                    (watch.table.name, key), list(_compared(watch.table, key, watch.before.get(key), after.get(key)))
                )
        return [each for differences in found.values() for each in differences]

    async def _rows(self, table: Table, where: ColumnElement[bool]) -> Mapping[Key, Row]:
        names = [column.name for column in table.primary_key]
        rows = await self.connection.execute(select(table).where(where))
        return {tuple(row[name] for name in names): dict(row) for row in rows.mappings()}


def _compared(table: Table, key: Key, ours: Row | None, theirs: Row | None) -> list[Difference]:
    shown = ":".join(each.hex() if isinstance(each, bytes) else str(each) for each in key)
    if ours is None or theirs is None:
        there, gone = "there", "missing"
        return [Difference(table.name, shown, "", there if ours else gone, there if theirs else gone)]
    return [
        Difference(table.name, shown, column.name, *_masked(column.type, ours[column.name], theirs[column.name]))
        for column in table.columns
        if column.name not in _OURS_ALONE and ours[column.name] != theirs[column.name]
    ]


def _masked(kind: Any, *values: Any) -> tuple[str, ...]:
    if isinstance(kind, Encrypted | EncryptedJson):
        return tuple("–" if value is None else f"*** ({len(str(value))})" for value in values)
    return tuple("–" if value is None else str(value) for value in values)


@dataclass(slots=True)
class _Acquaintances:
    """Looks people up and makes nobody's acquaintance."""

    database: Database
    _strangers: int = field(default=0)

    async def prepare(self, evidence: Sequence[Evidence]) -> Any:
        """Not used: see ``known``."""
        raise NotImplementedError(f"{len(evidence)} people are to be linked, which a comparison must not do")

    async def known(self, evidence: Sequence[Evidence]) -> Sequence[Linked]:
        """Whom each evidence's first handle leads to; a stranger leads to nobody."""
        keyring = self.database.keyring
        keys = [
            (h.kind, h.issuer, bytes(keyring.hash(normal(h.kind, h.value), "identity")))
            for h in (each.handles[0] for each in evidence)
        ]
        found: dict[tuple[str, str, bytes], Linked] = {}
        for some in chunks(sorted({value for _, _, value in keys})):
            rows = await self.database.fetch(
                select(
                    identity.c.kind,
                    identity.c.issuer,
                    identity.c.value_hash,
                    identity.c.id,
                    identity.c.member,
                    identity.c.home,
                ).where(identity.c.value_hash.in_(some))
            )
            for row in rows:
                found[row.kind, row.issuer, bytes(row.value_hash)] = Linked(row.id, row.member, row.home)
        return [found.get(key) or Linked(f"unknown:{number}", None, None) for number, key in enumerate(keys)]
