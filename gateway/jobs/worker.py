"""Runs jobs: claims what is due, keeps leases alive, records how each attempt ended."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Literal

from sqlalchemy import bindparam, select

from adapters.base.runtime import Clock
from gateway.database import ERASED, DatabaseError
from gateway.database.errors import SealError
from gateway.database.prepared import Prepared
from gateway.database.tables.jobs import job as table
from gateway.jobs.backoff import Backoff
from gateway.jobs.claims import Band, Claim, any_due, claim, extend, settle
from gateway.jobs.handlers import Handlers
from gateway.jobs.model import Lane, LeaseExpired, LeaseLost, ParkJob, PostponeJob, State
from gateway.jobs.queue import Queue
from gateway.jobs.running import RunningJob, done_values, ended_values

_log = logging.getLogger(__name__)

_PAYLOAD = Prepared(select(table.c.payload).where(table.c.seq == bindparam("number")))

Reason = Literal["stop", "cancel", "lost"]


@dataclass(slots=True)
class _Run:
    """One attempt in this worker. ``reason`` says why its task is being cancelled."""

    claim: Claim
    task: asyncio.Task[None]
    reason: Reason | None = None
    #: The handler has returned; what is left is to record it, which nothing may interrupt.
    settling: bool = False

    def interrupt(self, reason: Reason) -> None:
        if self.reason is None and not self.settling:
            self.reason = reason
            self.task.cancel()


class Worker:
    """Runs up to ``concurrency`` jobs at once on this event loop; with ``lanes``, as many of each as it has room for.

    ``clock`` decides what is due and how long leases last; ``sleep`` paces polling and heartbeats and
    must really suspend.
    """

    def __init__(
        self,
        queue: Queue,
        handlers: Handlers,
        *,
        concurrency: int = 10,
        lanes: Sequence[Lane] = (),
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        lease: timedelta = timedelta(seconds=30),
        poll_seconds: float = 1.0,
        backoff: Backoff | None = None,
        random: Random | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._queue = queue
        self._handlers = handlers
        self._lanes = _bands(lanes or [Lane(None, concurrency)])
        self._clock = clock or queue.clock
        self._sleep = sleep
        self._lease = lease
        self._poll_seconds = poll_seconds
        #: When a failed job is tried again.
        self.backoff = backoff or Backoff()
        self._random = random or Random()
        self._runs: dict[int, _Run] = {}
        #: One event per loop that claims: set when jobs may be due or a slot is free.
        self._watchers: set[asyncio.Event] = set()
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work in the background; ``stop`` ends it."""
        if self._loops:
            raise RuntimeError("this worker runs already")
        self._stopping = False
        self._queue.listeners.append(self)
        self._loops = [asyncio.create_task(self._claim_forever()), asyncio.create_task(self._beat_forever())]

    async def stop(self, grace_seconds: float = 10.0) -> None:
        """Claim nothing more, let running jobs finish within the grace, and hand the others back."""
        self._stopping = True
        self.woken()
        # A claim under way ends first, so that what it took is known here and handed back.
        await asyncio.gather(*self._loops[:1], return_exceptions=True)
        tasks = [run.task for run in self._runs.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for run in list(self._runs.values()):
            run.interrupt("stop")
        await asyncio.gather(*(run.task for run in self._runs.values()), return_exceptions=True)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self._loops:
            self._queue.listeners.remove(self)
        self._loops = []

    async def drain(self) -> int:
        """Run until nothing is due, also what these jobs put; returns how many attempts were made."""
        attempts = 0
        beat = asyncio.create_task(self._beat_forever())
        try:
            with self._watching() as changed:
                while True:
                    changed.clear()
                    attempts += await self._fill()
                    if self._runs:
                        await changed.wait()
                    elif not await any_due(self._queue.database, self._clock.now()):
                        return attempts
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat

    def woken(self) -> None:
        """Look for due jobs now instead of at the next poll."""
        for watcher in self._watchers:
            watcher.set()

    def cancelled(self, job_id: str) -> None:
        """Stop the job if it runs here; elsewhere the next heartbeat does it."""
        for run in self._runs.values():
            if run.claim.id == job_id:
                run.interrupt("cancel")

    @contextmanager
    def _watching(self) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._watchers.add(event)
        try:
            yield event
        finally:
            self._watchers.remove(event)

    async def _claim_forever(self) -> None:
        with self._watching() as changed:
            while not self._stopping:
                changed.clear()
                try:
                    await self._fill()
                except DatabaseError as error:
                    _log.warning("the queue cannot be read (%s); trying again", error.code)
                await self._idle(changed)

    async def _idle(self, changed: asyncio.Event) -> None:
        """Until woken (a job was put, one ended) or the next poll."""
        waits = [
            asyncio.ensure_future(changed.wait()),
            asyncio.ensure_future(self._sleep(self._poll_seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _fill(self) -> int:
        """Claim as many due jobs as there is room for, the most urgent lane first, and start them."""
        return sum([await self._fill_lane(band, room) for band, room in self._lanes])

    async def _fill_lane(self, band: Band, room: int) -> int:
        taken = sum(band.has(run.claim.priority) for run in self._runs.values())
        now = self._clock.now()
        # A wide lane takes many at once, and not one for each that ends: they are then done together.
        if room - taken < max(1, room // 4) or not await any_due(self._queue.database, now, band):
            return 0
        claims = await claim(self._queue.database, self.name, room - taken, now, now + self._lease, band)
        for claimed in claims:
            task = asyncio.create_task(self._attempt(claimed))
            task.add_done_callback(partial(_left, claimed))
            self._runs[claimed.seq] = _Run(claimed, task)
        return len(claims)

    async def _attempt(self, claimed: Claim) -> None:
        run = self._runs[claimed.seq]
        try:
            values = await self._outcome(run)
            run.settling = True
            if values is not None:
                await self._settle(claimed, values)
        finally:
            del self._runs[claimed.seq]
            self.woken()

    async def _outcome(self, run: _Run) -> dict[str, Any] | None:
        """Run the handler; what to record, or None when there is nothing (left) for us to record."""
        running: RunningJob | None = None
        try:
            running = await self._prepare(run.claim)
            if running.completed:
                return None
            await self._handlers.find(run.claim.kind, run.claim.version)(running)
            values: dict[str, Any] | None = done_values(self._queue)
        except asyncio.CancelledError:
            values = self._interrupted(run)
        except LeaseLost:
            values = await self._lost(run)
        except PostponeJob as error:
            values = self._queued(run.claim) | {"run_at": error.run_at}
        except ParkJob as error:
            values = self._ended(State.PARKED, error.code)
        except Exception as error:
            values = self._failed(run.claim, error)
        return None if running is not None and running.completed else values

    async def _prepare(self, claimed: Claim) -> RunningJob:
        given_up = claimed.attempt > claimed.max_attempts
        if not given_up:
            self._handlers.find(claimed.kind, claimed.version)
        try:
            row = await self._queue.database.one(_PAYLOAD, {"number": claimed.seq})
        except SealError as error:
            raise ParkJob(error.code) from error
        if row is None or row.payload is ERASED:
            raise ParkJob("SUBJECT_ERASED")
        running = RunningJob(self._queue, claimed, row.payload)
        if given_up:
            # Every attempt ended without a word: this job kills its workers.
            try:
                await self._handlers.give_up(running)
            except Exception as error:
                # Nobody else would tell: not parked before it has been told.
                raise PostponeJob(self._clock.now() + self._lease) from error
            if not running.completed:
                raise LeaseExpired
        return running

    def _interrupted(self, run: _Run) -> dict[str, Any] | None:
        task = asyncio.current_task()
        if run.reason is None and task is not None and task.cancelling():
            # Somebody tears the loop down; the lease will expire and another worker goes on.
            raise asyncio.CancelledError
        if run.reason is None:
            return self._failed(run.claim, asyncio.CancelledError())
        if task is not None:
            task.uncancel()
        if run.reason == "stop":
            return self._queued(run.claim)
        return self._ended(State.CANCELLED) if run.reason == "cancel" else None

    async def _lost(self, run: _Run) -> dict[str, Any] | None:
        """The handler learnt that it may not go on. The fence drops this record if the lease is gone."""
        job = await self._queue.get(run.claim.id)
        return self._ended(State.CANCELLED) if job is not None and job.cancel_requested else None

    def _failed(self, claimed: Claim, error: BaseException) -> dict[str, Any]:
        code = error_code(error)
        # No message: it may hold what a platform or a person said.
        _log.warning(
            "job %s (%s) failed in attempt %d of %d: %s %s",
            claimed.id, claimed.kind, claimed.attempt, claimed.max_attempts, code, _place(error),
        )  # fmt: skip
        if claimed.attempt >= claimed.max_attempts:
            return self._ended(State.PARKED, code)
        wait = self.backoff.wait(claimed.attempt, self._random, error, self._clock.now())
        return {
            "state": State.QUEUED,
            "run_at": self._clock.now() + wait,
            "error_code": code,
        }

    def _queued(self, claimed: Claim) -> dict[str, Any]:
        """Back to the queue at once, with the attempt not counted."""
        return {"state": State.QUEUED, "run_at": self._clock.now(), "attempts": claimed.attempt - 1}

    def _ended(self, state: State, code: str | None = None) -> dict[str, Any]:
        return ended_values(state, self._clock.now(), code)

    async def _settle(self, claimed: Claim, values: dict[str, Any]) -> None:
        try:
            async with self._queue.database.write() as connection:
                kept = await settle(connection, claimed, values)
        except DatabaseError as error:
            _log.warning("job %s: its end is not recorded (%s); it will run again", claimed.id, error.code)
            return
        if not kept:
            _log.warning("job %s: another worker took it over; this attempt counts for nothing", claimed.id)

    async def _beat_forever(self) -> None:
        while True:
            await self._sleep(self._lease.total_seconds() / 3)
            try:
                await self.heartbeat()
            except DatabaseError as error:
                _log.warning("leases are not extended (%s); trying again", error.code)

    async def heartbeat(self) -> None:
        """Extend the leases of running jobs; interrupt those that were cancelled or taken over."""
        runs = dict(self._runs)
        if not runs:
            return
        kept = await extend(self._queue.database, self.name, runs, self._clock.now() + self._lease)
        for seq, run in runs.items():
            attempt, cancel = kept.get(seq, (0, False))
            if attempt != run.claim.attempt:
                run.interrupt("lost")
            elif cancel:
                run.interrupt("cancel")


def _bands(lanes: Sequence[Lane]) -> list[tuple[Band, int]]:
    """(priorities, room) of each lane, the highest first."""
    ordered = sorted(lanes, key=lambda lane: float("-inf") if lane.floor is None else lane.floor, reverse=True)
    above: int | None = None
    bands = []
    for lane in ordered:
        bands.append((Band(lane.floor, above), lane.room))
        above = lane.floor
    return bands


def error_code(error: BaseException) -> str:
    """What a failed job shows: the error's own code or kind, else its class. Never its message."""
    for name in ("code", "kind"):
        code = getattr(error, name, None)
        if isinstance(code, str):
            return code
    return type(error).__name__


def _left(claimed: Claim, task: asyncio.Task[None]) -> None:
    """Say of an attempt that ended without a record what became of it, when it happens and not when it is forgotten."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error(
            "job %s (%s) left its worker in attempt %d of %d: %s %s; it goes on when its lease has run out",
            claimed.id, claimed.kind, claimed.attempt, claimed.max_attempts, error_code(error), _place(error),
        )  # fmt: skip


def _place(error: BaseException) -> str:
    """The innermost line, which tells a maintainer more than a message may."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
