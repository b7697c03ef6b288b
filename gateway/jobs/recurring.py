"""Jobs that come back: exactly one per period, whatever the number of processes.

Table ``recurring_job`` remembers the latest period whose job was put; whoever moves it on puts the job, in one
transaction. A run puts the next period's job before its own work, so that a failing run does not end the chain, and
every start of a process mends a chain that stood still. Nothing polls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from gateway.database.statements import insert_new
from gateway.database.tables.jobs import recurring_job
from gateway.jobs.handlers import Handlers
from gateway.jobs.queue import Queue
from gateway.jobs.running import RunningJob

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Before every period, so that the first one moves it on.
_NEVER = _EPOCH

Work = Callable[[RunningJob], Awaitable[None]]


class Recurring:
    """One kind of job that runs once in every period of length ``every``, at its beginning plus ``offset``."""

    def __init__(
        self, queue: Queue, kind: str, work: Work, *, every: timedelta, offset: timedelta = timedelta()
    ) -> None:
        self.kind = kind
        self._queue = queue
        self._work = work
        self._every = every
        self._offset = offset

    def register(self, handlers: Handlers) -> None:
        """Add the handler."""
        handlers.add(self.kind, self._run, versions={1})

    async def ensure(self) -> bool:
        """Put the job of the present period unless it was put; True when it was this call.

        In a new database the first job is that of the next period: there is nothing yet to come back to.
        """
        period = self._period(self._queue.clock.now())
        known = select(recurring_job.c.kind).where(recurring_job.c.kind == self.kind)
        if await self._queue.database.one(known) is None:
            period += self._every
        return await self._put(period)

    async def _run(self, job: RunningJob) -> None:
        # Of two periods that begin while a run waits for its turn, only the later one is put.
        await self._put(self._period(self._queue.clock.now()) + self._every)
        await self._work(job)

    async def _put(self, period: datetime) -> bool:
        async with self._queue.database.write() as connection:
            row = {"kind": self.kind, "period": _NEVER}
            await insert_new(connection, recurring_job, [row], keys=("kind",))
            moved = await connection.execute(
                update(recurring_job)
                .where(recurring_job.c.kind == self.kind, recurring_job.c.period < period)
                .values(period=period)
            )
            if moved.rowcount != 1:
                return False
            payload = {"period": period.isoformat()}
            await self._queue.put(connection, self.kind, 1, payload, run_at=period + self._offset)
            return True

    def _period(self, now: datetime) -> datetime:
        return _EPOCH + (now - self._offset - _EPOCH) // self._every * self._every
