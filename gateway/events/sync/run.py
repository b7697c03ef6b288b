"""Runs the stages as jobs, keeps their watermarks, and shows how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from adapters.base.errors import QuotaExhausted, RateLimited, UpstreamError
from gateway.database.statements import upsert
from gateway.database.tables.projections import sync_state
from gateway.events.projector import Projector
from gateway.events.sync.stage import Reading, Stage
from gateway.events.sync.stages import STAGES
from gateway.jobs import PostponeJob, Queue, RunningJob
from gateway.runtime import OpenTools

JOB = "sync.stage"
#: How long a stream waits before it looks again whether those before it are done.
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

        ``only`` limits it to tools. Streams of one tool run in the order of ``STAGES``, tools beside each
        other; a stream that builds on another tool's waits for it.
        """
        count = 0
        asked_at = self._projector.clock.now().isoformat()
        async with self._projector.database.write() as connection:
            for stage in STAGES:
                if only and stage.tool not in only:
                    continue
                for tool, alias, adapter in self._tools.items():
                    if tool == stage.tool and stage.applies(adapter, alias):
                        payload = {"stage": stage.name, "alias": alias, "asked_at": asked_at}
                        await self._queue.put(
                            connection,
                            JOB,
                            1,
                            payload,
                            key=f"{stage.name}:{alias}",
                            entity=f"sync:{tool}",
                            max_attempts=8,
                        )
                        count += 1
        return count

    async def handle(self, job: RunningJob) -> None:
        """Job ``sync.stage``: read one stream of one account to its end."""
        stage = self._stages[job.payload["stage"]]
        adapter = self._tools.by_alias(stage.tool, job.payload["alias"])
        if adapter is None:
            return
        now = self._projector.clock.now()
        if not await self._ready(stage, datetime.fromisoformat(job.payload["asked_at"])):
            raise PostponeJob(now + WAIT)
        state = await self._state(stage, adapter.account)
        last_told = 0.0

        async def tell(rows: int) -> None:
            nonlocal last_told
            for listener in self.listeners:
                listener(stage.name, adapter.account, rows)
            if time.monotonic() - last_told > 1:
                last_told = time.monotonic()
                await job.progress(rows, None, stage.name)

        reading = Reading(self._projector, self._tools, adapter, state, now, tell)
        try:
            await stage.read(reading)
        except UpstreamError as error:
            waiting = isinstance(error, RateLimited | QuotaExhausted)
            await self._note(stage, adapter.account, "WAITING" if waiting else "FAILED", reading, error.kind)
            raise
        await self._note(stage, adapter.account, "DONE", reading, None)

    async def _ready(self, stage: Stage, asked_at: datetime) -> bool:
        """Whether the streams that this one builds on have been tried since the sync was asked for."""
        if not stage.after:
            return True
        tried = {f"{p.tool}.{p.stream}:{p.account}" for p in await self.progress() if p.updated_at >= asked_at}
        return all(
            f"{name}:{adapter.account}" in tried
            for name in stage.after
            for tool, alias, adapter in self._tools.items()
            if tool == self._stages[name].tool and self._stages[name].applies(adapter, alias)
        )

    async def progress(self) -> Sequence[Progress]:
        """Every stream that was ever read."""
        rows = await self._projector.database.fetch(
            select(sync_state).order_by(sync_state.c.tool, sync_state.c.account, sync_state.c.stream)
        )
        return [Progress(r.tool, r.account, r.stream, r.state, r.rows, r.error_code, r.updated_at) for r in rows]

    async def _state(self, stage: Stage, account: str) -> datetime | None:
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
