"""What a handler is given: the job it runs, and how to report, commit and notice a lost lease."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import after_commit
from gateway.database.tables.jobs import job
from gateway.jobs.claims import Claim, mine, settle, settle_many
from gateway.jobs.model import LeaseLost, State
from gateway.jobs.queue import Queue


class RunningJob:
    """One attempt at a job. It may have been attempted before, so handlers are safe to repeat."""

    def __init__(self, queue: Queue, claim: Claim, payload: Any) -> None:
        self._queue = queue
        self._claim = claim
        self.payload = payload
        #: Set once ``complete`` or ``park`` was committed; the worker then has nothing left to record.
        self.completed = False

    @property
    def id(self) -> str:
        """The job's id."""
        return self._claim.id

    @property
    def kind(self) -> str:
        """The job's kind."""
        return self._claim.kind

    @property
    def version(self) -> int:
        """The payload's version."""
        return self._claim.version

    @property
    def attempt(self) -> int:
        """1 for the first attempt."""
        return self._claim.attempt

    @property
    def last_attempt(self) -> bool:
        """Whether a failure will park the job."""
        return self._claim.attempt >= self._claim.max_attempts

    def now(self) -> datetime:
        """The queue's clock."""
        return self._queue.clock.now()

    async def progress(
        self,
        done: int,
        total: int | None = None,
        note: str | None = None,
        *,
        connection: AsyncConnection | None = None,
    ) -> None:
        """Show how far it is. ``note`` is plain text for operators, without personal data.

        With ``connection`` it is part of the handler's own transaction: then what that wrote commits only while the
        job is ours. Raises LeaseLost when the job is not ours any more or was asked to stop.
        """
        statement = (
            update(job)
            .where(mine(self._claim), job.c.cancel_requested.is_(False))
            .values(progress_done=done, progress_total=total, progress_note=note)
        )
        if connection is not None:
            kept = (await connection.execute(statement)).rowcount == 1
        else:
            async with self._queue.database.write() as own:
                kept = (await own.execute(statement)).rowcount == 1
        if not kept:
            raise LeaseLost(f"job {self.id} was cancelled or taken over")

    async def release_key(self) -> None:
        """Let the key go: what is put under it from here on is another job, which will see what this one may miss.

        Call it before reading what the job is about. With an entity of its own that other job waits for this one.
        """
        async with self._queue.database.write() as connection:
            kept = await connection.execute(update(job).where(mine(self._claim)).values(key=None))
            if kept.rowcount != 1:
                raise LeaseLost(f"job {self.id} was taken over")

    async def complete(self, connection: AsyncConnection) -> None:
        """Mark the job done in the handler's own transaction: its rows and the job's end are one commit.

        Raises LeaseLost, which rolls that transaction back, when another worker has the job.
        """
        await self._end(connection, done_values(self._queue))

    async def park(self, connection: AsyncConnection, code: str) -> None:
        """Park the job in the handler's own transaction, which calls whoever is to look at it: who answers at once can
        put the job anew. What the handler raises after it is logged and changes nothing. Raises LeaseLost.
        """
        await self._end(connection, ended_values(State.PARKED, self.now(), code))

    async def _end(self, connection: AsyncConnection, values: dict[str, Any]) -> None:
        if not await settle(connection, self._claim, values):
            raise LeaseLost(f"job {self.id} was taken over; this attempt must not commit")
        after_commit(connection, self._set_completed)

    def _set_completed(self) -> None:
        self.completed = True


async def complete_all(connection: AsyncConnection, jobs: Sequence[RunningJob]) -> list[RunningJob]:
    """Mark jobs done in the handler's own transaction; those that are still ours, in order."""
    if not jobs:
        return []
    values = done_values(jobs[0]._queue)  # noqa: SLF001 — of this very module
    kept = await settle_many(connection, [each._claim for each in jobs], values)  # noqa: SLF001
    ours = [each for each in jobs if each._claim.seq in kept]  # noqa: SLF001
    for each in ours:
        after_commit(connection, each._set_completed)  # noqa: SLF001
    return ours


def done_values(queue: Queue) -> dict[str, Any]:
    """A job that is done keeps no payload: it is not needed any more and may be personal."""
    return {"payload": None, **ended_values(State.DONE, queue.clock.now())}


def ended_values(state: State, at: datetime, code: str | None = None) -> dict[str, Any]:
    """A job that nobody runs again of itself."""
    return {"state": state, "error_code": code, "finished_at": at}
