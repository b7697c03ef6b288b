"""Runs exports as jobs: page by page into a sealed file, each page with its checkpoint in one transaction.

Every row passes the gate of its member's consents; what is refused is counted and told by a fact. Values are read as
the caller who asked would read them, so that they are masked unless it has ``pii:read``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import orjson
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.principal import Principal
from gateway.bulk.listing import LISTINGS, Found, Listing
from gateway.bulk.sealing import SealedFile, opened
from gateway.bulk.speed import Speed
from gateway.database.rows import AnyRow
from gateway.database.tables.bulk import export_run
from gateway.database.ulid import Ulids
from gateway.events.projector import Projector
from gateway.jobs import LeaseLost, ParkJob, Queue, RunningJob
from gateway.members.consent import Purpose
from gateway.members.gate import Asked, Gate
from gateway.members.reach import Channel
from gateway.settings import Exports

JOB = "bulk.export"
EXPIRE_JOB = "bulk.export.expire"
PAGE = 100


class ExportRefused(Exception):
    """An export that cannot be made or fetched. ``code`` stands in docs/errors.md."""

    code = "EXPORT_INVALID"


class ExportUnknown(ExportRefused):
    """There is no such export, or it is another caller's."""

    code = "EXPORT_UNKNOWN"


class ExportNotReady(ExportRefused):
    """It is still being written."""

    code = "EXPORT_NOT_READY"


class ExportExpired(ExportRefused):
    """Its file was deleted when its time was over."""

    code = "EXPORT_EXPIRED"


class Selecting(Protocol):
    """Reads what a selection says of nodes, as a caller would."""

    def fault(self, type_name: str, selection: str) -> str | None:
        """A sentence about what is wrong with a selection, or None."""
        ...

    async def nodes(
        self, caller: Principal, code: str, type_name: str, selection: str, ids: Sequence[str]
    ) -> Sequence[Mapping[str, Any] | None]:
        """One object per id, in order; None for what is gone. At most ``limits.page`` ids."""
        ...


@dataclass(frozen=True, slots=True)
class Export:
    """What became of an export. ``rows`` were written, ``refused`` left out."""

    id: str
    kind: str
    done: int
    total: int | None
    rows: int
    refused: int
    rate: int | None
    finished_at: datetime | None
    expires_at: datetime | None
    deleted_at: datetime | None
    caller: str


class Exporting:
    """The exports of one gateway."""

    def __init__(
        self,
        projector: Projector,
        queue: Queue,
        settings: Exports,
        selecting: Selecting,
        gate: Gate,
        *,
        page: int = PAGE,
    ) -> None:
        self._projector = projector
        self._database = projector.database
        self._clock = projector.clock
        self._queue = queue
        self._settings = settings
        self._selecting = selecting
        self._gate = gate
        self._page = page
        self._ulids = Ulids(projector.clock)

    async def create(
        self, caller: Principal, kind: str, *, filters: Mapping[str, Any], selection: str, purpose: str
    ) -> str:
        """Put an export; returns the job's id. Raises ExportRefused, and Forbidden without the scope ``bulk``."""
        caller.require("bulk")
        # As whom the rows are read.
        caller.require("members:read")
        listing = LISTINGS[kind]
        unknown = sorted(filters.keys() - listing.filters.keys())
        if unknown:
            raise ExportRefused(f"{kind} cannot be filtered by {unknown[0]}; it takes {', '.join(listing.filters)}.")
        if selection and listing.code is None:
            raise ExportRefused(f"{kind} has fixed columns; leave the selection out.")
        chosen = selection or listing.selection
        fault = self._selecting.fault(listing.type_name, chosen) if listing.code is not None else None
        if fault is not None:
            raise ExportRefused(f"selection: {fault}")
        run, now = self._ulids.next(), self._clock.now()
        async with self._database.write() as connection:
            job = await self._queue.put(connection, JOB, 1, {"run": run}, key=run)
            await connection.execute(
                export_run.insert().values(
                    id=run,
                    kind=kind,
                    filters={name: _plain(value) for name, value in filters.items()},
                    selection=chosen,
                    purpose=purpose,
                    caller=caller.id,
                    audience=caller.audience,
                    scopes=sorted(caller.scopes),
                    job=job,
                    byte_length=0,
                    done=0,
                    rows=0,
                    refused=0,
                    created_at=now,
                    updated_at=now,
                )
            )
        return job

    async def of_job(self, job_id: str) -> Export | None:
        """The export that a job writes or wrote."""
        row = await self._database.one(select(export_run).where(export_run.c.job == job_id))
        if row is None:
            return None
        return Export(**{name: getattr(row, name) for name in Export.__dataclass_fields__})

    async def content(self, caller: Principal, run_id: str) -> Iterator[bytes]:
        """The file's lines, in pieces. Raises ExportRefused, and Forbidden without the scope ``bulk``."""
        caller.require("bulk")
        row = await self._row(run_id)
        if row is None or row.caller != caller.id:
            raise ExportUnknown("There is no such export of yours.")
        if row.finished_at is None:
            raise ExportNotReady("The export is still being written; ask its job.")
        path = self._path(run_id)
        if row.deleted_at is not None or row.expires_at <= self._clock.now() or not path.exists():
            raise ExportExpired("The file was deleted when its time was over; make a new export.")
        return opened(path, row.byte_length, self._database.keyring)

    async def handle(self, job: RunningJob) -> None:
        """Job ``bulk.export``: write what is left of an export."""
        row = await self._row(job.payload["run"])
        if row is None or row.finished_at is not None:
            return
        listing = LISTINGS[row.kind]
        caller = Principal(row.caller, row.audience, frozenset(row.scopes))
        total = row.total
        if total is None:
            total = await listing.count(self._database, row.filters)
        try:
            file = SealedFile(self._path(row.id), row.byte_length, self._database.keyring)
        except OSError as error:
            raise ParkJob("EXPORT_FILE_LOST") from error
        writing = _Writing(job, row, total, file)
        try:
            while found := await listing.page(self._database, row.filters, writing.position, self._page):
                lines = await self._lines(caller, listing, row.selection, found)
                async with self._projector.batch() as batch:
                    named = [each.member for each in found if each.member is not None]
                    asked = Asked(purpose=Purpose(row.purpose), channel=Channel.EXPORT, key=f"export:{row.id}")
                    decided = await self._gate.decide(asked, sorted(set(named)), batch=batch)
                    gone = {each.asked for each in decided if not each.allowed}
                    await writing.commit(batch.connection, found, lines, gone)
                writing.committed()
            await self._finish(job, row.id)
        finally:
            file.close()

    async def expire(self, job: RunningJob) -> None:
        """Job ``bulk.export.expire``: delete the file of an export."""
        await self.delete(job.payload["run"])

    async def delete(self, run_id: str) -> None:
        """Delete the file of an export, before its time or when it has come."""
        await asyncio.to_thread(self._path(run_id).unlink, missing_ok=True)
        async with self._database.write() as connection:
            gone = update(export_run).where(export_run.c.id == run_id, export_run.c.deleted_at.is_(None))
            await connection.execute(gone.values(deleted_at=self._clock.now()))

    async def _finish(self, job: RunningJob, run_id: str) -> None:
        now = self._clock.now()
        until = now + timedelta(hours=self._settings.hours)
        async with self._database.write() as connection:
            done = update(export_run).where(export_run.c.id == run_id)
            await connection.execute(done.values(finished_at=now, updated_at=now, expires_at=until))
            await self._queue.put(connection, EXPIRE_JOB, 1, {"run": run_id}, key=run_id, run_at=until)
            await job.complete(connection)

    async def _lines(
        self, caller: Principal, listing: Listing, selection: str, found: Sequence[Found]
    ) -> list[bytes | None]:
        if listing.code is None:
            return [orjson.dumps(each.plain, option=orjson.OPT_APPEND_NEWLINE) for each in found]
        ids = [each.id for each in found]
        nodes = await self._selecting.nodes(caller, listing.code, listing.type_name, selection, ids)
        return [None if node is None else orjson.dumps(node, option=orjson.OPT_APPEND_NEWLINE) for node in nodes]

    async def _row(self, run_id: str) -> AnyRow | None:
        return await self._database.one(select(export_run).where(export_run.c.id == run_id))

    def _path(self, run_id: str) -> Path:
        return Path(self._settings.folder) / f"{run_id}.sealed"


class _Writing:
    """One attempt at an export: its counts, which move only when a page has been committed."""

    def __init__(self, job: RunningJob, row: AnyRow, total: int, file: SealedFile) -> None:
        self._job = job
        self._run = row.id
        self._total = total
        self._file = file
        self._counts = {name: getattr(row, name) for name in ("position", "byte_length", "done", "rows", "refused")}
        self._next = dict(self._counts)
        self._speed = Speed(time.monotonic)

    @property
    def position(self) -> Sequence[Any] | None:
        """The place of the last row of the last page."""
        place: Sequence[Any] | None = self._counts["position"]
        return place

    async def commit(
        self, connection: AsyncConnection, found: Sequence[Found], lines: Sequence[bytes | None], gone: set[str]
    ) -> None:
        """Write what is allowed of a page, then its checkpoint. Raises LeaseLost when the job is another's."""
        allowed = [
            line
            for each, line in zip(found, lines, strict=True)
            if line is not None and (each.member is None or each.member not in gone)
        ]
        length = self._file.append(b"".join(allowed)) if allowed else self._counts["byte_length"]
        done = self._counts["done"] + len(found)
        self._next = {
            "position": list(found[-1].place),
            "byte_length": length,
            "done": done,
            "rows": self._counts["rows"] + len(allowed),
            "refused": self._counts["refused"] + sum(each.member in gone for each in found),
        }
        rate = self._speed.rate(done)
        moved = await connection.execute(
            update(export_run)
            .where(export_run.c.id == self._run, export_run.c.done == self._counts["done"])
            .values(**self._next, total=self._total, rate=rate, updated_at=self._job.now())
        )
        if moved.rowcount != 1:
            raise LeaseLost(f"export {self._run} was continued elsewhere")
        await self._job.progress(done, self._total, connection=connection)

    def committed(self) -> None:
        """The page stands."""
        self._counts = self._next


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
