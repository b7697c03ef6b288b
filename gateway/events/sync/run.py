"""Runs the stages as jobs, keeps their watermarks, and shows how far they are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from adapters.base.errors import QuotaExhausted, RateLimited, UpstreamError
from adapters.base.priority import background
from gateway.database.statements import upsert
from gateway.database.tables.projections import sync_state
from gateway.events.projector import Projector
from gateway.events.sync.stage import Reading, Stage
from gateway.events.sync.stages import STAGES
from gateway.jobs import PostponeJob, Queue, RunningJob, State, Worker
from gateway.jobs.worker import error_code
from gateway.runtime import OpenTools

JOB = "sync.stage"
#: How long a stream waits before it looks again whether those before it have been tried.
WAIT = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stream of one account is."""

    tool: str
    account: str
    stream: str
    state: str
    rows: int
    error_code: str | None
    updated_at: datetime


class Sync:
    """First sync and catch-up of every configured account."""

    def __init__(self, projector: Projector, queue: Queue, tools: OpenTools) -> None:
        self._projector = projector
        self._queue = queue
        self._tools = tools
        self._stages = {stage.name: stage for stage in STAGES}
        #: Called as (stage name, account, rows) while a stage runs in this process.
        self.listeners: list[Callable[[str, str, int], None]] = []

    async def enqueue(self, only: Sequence[str] = ()) -> int:
        """Put one job per stream and account; a stream already waiting is not put twice. Returns how many.

        ``only`` limits it to tools. Streams are read beside each other; one that builds on others waits
        until those that were put with it have been tried.
        """
        wanted = [stage for stage in STAGES if not only or stage.tool in only]
        return await self._put(wanted)

    async def _put(self, stages: Sequence[Stage]) -> int:
        asked_at = self._projector.clock.now().isoformat()
        wanted = [
            (stage, alias, adapter)
            for stage in stages
            for tool, alias, adapter in self._tools.items()
            if tool == stage.tool and stage.applies(adapter, alias)
        ]
        async with self._projector.database.write() as connection:
            for stage, alias, _ in wanted:
                after = [_label(each, adapter.account) for each, _, adapter in wanted if each.name in stage.after]
                payload = {"stage": stage.name, "alias": alias, "asked_at": asked_at, "after": after}
                await self._queue.put(connection, JOB, 1, payload, key=f"{stage.name}:{alias}", max_attempts=8)
        return len(wanted)

    async def finish(self, worker: Worker) -> None:
        """Run the worker until every stream that was asked for has been tried.

        A stream that failed is tried again later, by whichever worker runs then.
        """
        await worker.drain()
        while await self._untried():
            await asyncio.sleep(WAIT.total_seconds())
            await worker.drain()

    async def _untried(self) -> bool:
        waiting = await self._queue.list(kind=JOB, state=State.QUEUED, limit=1000)
        running = await self._queue.list(kind=JOB, state=State.RUNNING, limit=1)
        return bool(running) or any(each.attempts == 0 for each in waiting)

    async def handle(self, job: RunningJob) -> None:
        """Job ``sync.stage``: read one stream of one account to its end."""
        stage = self._stages[job.payload["stage"]]
        adapter = self._tools.by_alias(stage.tool, job.payload["alias"])
        if adapter is None:
            return
        now = self._projector.clock.now()
        if not await self._tried(job.payload["after"], datetime.fromisoformat(job.payload["asked_at"])):
            raise PostponeJob(now + WAIT)
        since = await self._watermark(stage, adapter.account)
        reading = Reading(self._projector, self._tools, adapter, since, now, self._teller(stage, adapter.account, job))
        await self._note(stage, adapter.account, "RUNNING", reading, None)
        try:
            # Nobody waits for it: it leaves a share of every allowance to those for whom somebody does.
            with background():
                await stage.read(reading)
        except Exception as error:
            waiting = isinstance(error, RateLimited | QuotaExhausted)
            state = "WAITING" if waiting else "FAILED"
            code = error.kind if isinstance(error, UpstreamError) else error_code(error)
            await self._note(stage, adapter.account, state, reading, code)
            raise
        # A stream without windows is listed as a whole: what it was when we began is in its projection now.
        reading.watermark = reading.watermark or reading.now
        await self._note(stage, adapter.account, "DONE", reading, None)
        if job.attempt > 1:
            # Those who build on it went ahead without what it has only brought now.
            await self._put([each for each in STAGES if stage.name in each.after])

    def _teller(self, stage: Stage, account: str, job: RunningJob) -> Callable[[int], Awaitable[None]]:
        """Tells listeners each step, and the job's row once a second."""
        last_told = 0.0

        async def tell(rows: int) -> None:
            nonlocal last_told
            for listener in self.listeners:
                listener(stage.name, account, rows)
            if time.monotonic() - last_told > 1:
                last_told = time.monotonic()
                await job.progress(rows, None, stage.name)

        return tell

    async def _tried(self, streams: Sequence[str], asked_at: datetime) -> bool:
        """Whether all of these streams have been read, or could not be, since the sync was asked for."""
        if not streams:
            return True
        tried = {
            f"{each.tool}.{each.stream}:{each.account}"
            for each in await self.progress()
            if each.updated_at >= asked_at and each.state != "RUNNING"
        }
        return tried.issuperset(streams)

    async def progress(self) -> Sequence[Progress]:
        """Every stream that was ever read."""
        rows = await self._projector.database.fetch(
            select(sync_state).order_by(sync_state.c.tool, sync_state.c.account, sync_state.c.stream)
        )
        return [Progress(r.tool, r.account, r.stream, r.state, r.rows, r.error_code, r.updated_at) for r in rows]

    async def _watermark(self, stage: Stage, account: str) -> datetime | None:
        row = await self._projector.database.one(
            select(sync_state.c.watermark).where(
                sync_state.c.tool == stage.tool,
                sync_state.c.account == account,
                sync_state.c.stream == stage.stream,
            )
        )
        return None if row is None else row.watermark

    async def _note(self, stage: Stage, account: str, state: str, reading: Reading, error: str | None) -> None:
        row = {
            "tool": stage.tool,
            "account": account,
            "stream": stage.stream,
            "state": state,
            "rows": reading.rows,
            "watermark": reading.watermark if state == "DONE" else reading.since,
            "error_code": error,
            "updated_at": self._projector.clock.now(),
        }
        async with self._projector.database.write() as connection:
            await upsert(connection, sync_state, [row], keys=("tool", "account", "stream"))


def _label(stage: Stage, account: str) -> str:
    return f"{stage.name}:{account}"
