"""Runs imports as jobs: batch by batch, each batch with its checkpoint in one transaction.

A run is one file, imported once. Killed anywhere, it goes on after the last batch that was committed: the job's lease
ends, another worker takes it, cuts the file of rejects to what belongs to the checkpoint, and reads on from its byte.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.bulk.kinds import Counts, Item, Kind
from gateway.bulk.people import IDENTITY_COLUMNS, MEMBER_COLUMNS, People
from gateway.bulk.purchases import ORDER_COLUMNS, TICKET_COLUMNS, Purchases
from gateway.bulk.reading import FileUnusable, Source, measure
from gateway.bulk.rejects import RejectFile
from gateway.bulk.speed import Speed
from gateway.database.rows import AnyRow
from gateway.database.tables.bulk import import_run
from gateway.database.ulid import Ulids
from gateway.events.projector import Projector
from gateway.jobs import LeaseLost, ParkJob, Queue, RunningJob, State
from gateway.members.graph import IdentityGraph

JOB = "bulk.import"
#: Rows of one transaction. More would hold the other writers of a SQLite file up for longer than they notice.
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """An import, as an operator sees it. ``state`` is the job's, FAILED where it cannot go on."""

    id: str
    kind: str
    file: str
    rejects: str
    dry_run: bool
    state: str
    line: int
    lines: int
    rows: int
    created: int
    updated: int
    rejected: int
    rate: int | None
    error_code: str | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def remaining_seconds(self) -> int | None:
        """At the present rate."""
        if not self.rate or self.finished_at is not None:
            return None
        return round((self.lines - self.line) / self.rate)


class ImportBusy(FileUnusable):
    """The file of rejects belongs to something else."""

    code = "IMPORT_REJECTS_EXIST"


class Importing:
    """The imports of one gateway."""

    def __init__(self, projector: Projector, graph: IdentityGraph, queue: Queue, *, batch: int = BATCH) -> None:
        self._database = projector.database
        self._clock = projector.clock
        self._queue = queue
        self._batch = batch
        self._ulids = Ulids(projector.clock)
        kinds: Sequence[Kind] = (
            People("members", MEMBER_COLUMNS, projector, graph, least=1),
            People("identities", IDENTITY_COLUMNS, projector, graph, least=2),
            Purchases("tickets", TICKET_COLUMNS, projector, "POS"),
            Purchases("orders", ORDER_COLUMNS, projector, "IMPORT"),
        )
        self.kinds: Mapping[str, Kind] = {kind.name: kind for kind in kinds}

    async def enqueue(self, kind: str, source: Source, *, dry_run: bool = False, rejects: Path | None = None) -> str:
        """Put an import of a file, or go on with one of the same file that did not end. Returns the run's id.

        Raises FileUnusable before anything is put.
        """
        self.kinds[kind].columns.check_header(source.header())
        found = await asyncio.to_thread(measure, source)
        path = rejects or source.path.with_name(f"{source.path.name}.rejects.jsonl")
        async with self._database.write() as connection:
            unfinished = await connection.execute(
                select(import_run.c.id, import_run.c.mapping, import_run.c.rejects)
                .where(
                    import_run.c.kind == kind,
                    import_run.c.fingerprint == found.fingerprint,
                    import_run.c.dry_run == dry_run,
                    import_run.c.finished_at.is_(None),
                    import_run.c.encoding == source.encoding,
                    import_run.c.format == source.format,
                )
                .order_by(import_run.c.id)
            )
            run = next((row.id for row in unfinished if row.mapping == dict(source.mapping)), None)
            if run is None:
                if path.exists() and path.stat().st_size:
                    raise ImportBusy(
                        f"{path} holds rejected rows of an earlier import; deal with it, or name another with --rejects"
                    )
                run = self._ulids.next()
                now = self._clock.now()
                await connection.execute(
                    import_run.insert().values(
                        id=run,
                        kind=kind,
                        file=str(source.path.absolute()),
                        fingerprint=found.fingerprint,
                        format=source.format,
                        encoding=source.encoding,
                        mapping=dict(source.mapping),
                        dry_run=dry_run,
                        rejects=str(path.absolute()),
                        size=found.size,
                        lines=found.lines,
                        created_at=now,
                        updated_at=now,
                        **dict.fromkeys(_COUNTED, 0),
                    )
                )
            # A key per run, so that asking again for a file that is being imported changes nothing.
            job = await self._queue.put(connection, JOB, 1, {"run": run}, key=run)
            await connection.execute(update(import_run).where(import_run.c.id == run).values(job=job, error_code=None))
        return run

    async def runs(self, limit: int = 20) -> Sequence[Run]:
        """The latest, newest first."""
        rows = await self._database.fetch(select(import_run).order_by(import_run.c.id.desc()).limit(limit))
        return [await self._view(row) for row in rows]

    async def run(self, run_id: str) -> Run | None:
        """One of them."""
        row = await self._row(run_id)
        return None if row is None else await self._view(row)

    async def of_job(self, job_id: str) -> Run | None:
        """The import that a job works on, or worked on last."""
        row = await self._database.one(select(import_run).where(import_run.c.job == job_id))
        return None if row is None else await self._view(row)

    async def _row(self, run_id: str) -> AnyRow | None:
        return await self._database.one(select(import_run).where(import_run.c.id == run_id))

    async def _view(self, row: AnyRow) -> Run:
        job = None if row.job is None else await self._queue.get(row.job)
        state = "DONE" if row.finished_at is not None else State.DONE if job is None else job.state
        if row.finished_at is None and (state == State.PARKED or job is None):
            state = "FAILED"
        code = row.error_code or (None if job is None else job.error_code)
        values = {name: getattr(row, name) for name in Run.__dataclass_fields__ if name not in ("state", "error_code")}
        return Run(**values, state=str(state), error_code=code)

    async def handle(self, job: RunningJob) -> None:
        """Job ``bulk.import``: import what is left of a file."""
        row = await self._row(job.payload["run"])
        if row is None or row.finished_at is not None:
            return
        try:
            await self._import(job, row)
        except FileUnusable as error:
            await self._note(row.id, error_code=error.code)
            raise ParkJob(error.code) from error

    async def _import(self, job: RunningJob, row: AnyRow) -> None:
        kind = self.kinds[row.kind]
        source = Source(Path(row.file), row.format, row.encoding, row.mapping)
        if (await asyncio.to_thread(measure, source)).fingerprint != row.fingerprint:
            raise FileChanged(f"{row.file} was changed since this import began; import it anew")
        kind.columns.check_header(source.header())
        rejects = RejectFile(Path(row.rejects), row.reject_bytes, row.encoding)
        try:
            attempt = _Attempt(job, row, rejects)
            items = kind.items(source.rows(row.byte_offset, row.line))
            async with aclosing(_ahead(kind, items, self._batch, prepare=not row.dry_run)) as batches:
                async for batch, prepared in batches:
                    attempt.reject(batch)
                    if prepared is None:
                        async with self._database.write() as connection:
                            await attempt.commit(connection, Counts())
                    else:
                        await kind.write(prepared, row.id, attempt.commit)
                    attempt.committed()
            async with self._database.write() as connection:
                now = self._clock.now()
                done = {"finished_at": now, "updated_at": now, "line": row.lines}
                await connection.execute(update(import_run).where(import_run.c.id == row.id).values(**done))
                await job.complete(connection)
        finally:
            rejects.close(drop_if_empty=job.completed)

    async def _note(self, run_id: str, **values: Any) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(import_run).where(import_run.c.id == run_id).values(**values))


class FileChanged(FileUnusable):
    """The rest of another file must not be taken for the rest of this one."""

    code = "IMPORT_FILE_CHANGED"


_COUNTED = ("byte_offset", "line", "reject_bytes", "rows", "created", "updated", "rejected")


class _Attempt:
    """One attempt at a run: its counts, which move only when a batch has been committed."""

    def __init__(self, job: RunningJob, row: AnyRow, rejects: RejectFile) -> None:
        self._job = job
        self._run = row.id
        self._total = row.lines
        self._rejects = rejects
        self._counts = {name: getattr(row, name) for name in _COUNTED}
        self._next = dict(self._counts)
        self._speed = Speed(time.monotonic)

    def reject(self, batch: Sequence[Item]) -> None:
        """Put a batch's faulty rows on the disk, before the checkpoint that counts them."""
        last = batch[-1].rows[-1]
        rejected = [item for item in batch if item.fault is not None]
        for item in rejected:
            if item.fault is not None:
                self._rejects.add(item.rows, item.at or item.rows[0], item.fault)
        length = self._rejects.sync() if rejected else self._counts["reject_bytes"]
        self._next = self._counts | {
            "byte_offset": last.end,
            "line": last.line + last.lines - 1,
            "reject_bytes": length,
            "rows": self._counts["rows"] + sum(len(item.rows) for item in batch),
            "rejected": self._counts["rejected"] + sum(len(item.rows) for item in rejected),
        }

    async def commit(self, connection: AsyncConnection, counts: Counts) -> None:
        """The checkpoint. Raises LeaseLost, which rolls the batch back, when the job is another's."""
        rate = self._speed.rate(self._next["rows"])
        values = self._next | {
            "created": self._counts["created"] + counts.created,
            "updated": self._counts["updated"] + counts.updated,
            "rate": rate,
            "updated_at": self._job.now(),
        }
        moved = await connection.execute(
            update(import_run)
            .where(import_run.c.id == self._run, import_run.c.byte_offset == self._counts["byte_offset"])
            .values(**values)
        )
        if moved.rowcount != 1:
            raise LeaseLost(f"import {self._run} was continued elsewhere")
        self._next = {name: values[name] for name in _COUNTED}
        await self._job.progress(self._next["line"], self._total, self._note(rate), connection=connection)

    def committed(self) -> None:
        """The batch stands."""
        self._counts = self._next

    def _note(self, rate: int | None) -> str:
        if not rate:
            return f"{self._next['rows']} rows"
        left = (self._total - self._next["line"]) / rate
        return f"{self._next['rows']} rows, {rate} a second, {left:.0f} s left"


async def _ahead(
    kind: Kind, items: Iterator[Item], size: int, *, prepare: bool
) -> AsyncGenerator[tuple[list[Item], Any], None]:
    """Batches with what is prepared of them; one is read and prepared on a thread while the one before is written.

    SQLite and the cryptography work without Python's lock, so that two cores are used.
    """

    def take() -> tuple[list[Item], Any]:
        batch = list(islice(items, size))
        records = [item.record for item in batch if item.fault is None]
        return batch, kind.prepare(records) if prepare and records else None

    upcoming = asyncio.create_task(asyncio.to_thread(take))
    try:
        while (found := await asyncio.shield(upcoming))[0]:
            upcoming = asyncio.create_task(asyncio.to_thread(take))
            yield found
    finally:
        # A thread cannot be interrupted, and nobody may close the file that it reads from.
        await asyncio.gather(upcoming, return_exceptions=True)
