"""The SQL by which workers take jobs, keep them and let them go. One statement each, on both databases."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal_column, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.database.tables.jobs import job
from gateway.jobs.model import State

_CLAIM_TRIES = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one job. ``attempt`` and ``worker`` together fence off every other attempt."""

    seq: int
    id: str
    kind: str
    version: int
    attempt: int
    max_attempts: int
    worker: str


_RETURNED = (job.c.seq, job.c.id, job.c.kind, job.c.version, job.c.attempts, job.c.max_attempts, job.c.worker)


# Literals and not parameters: only so can a planner tell that a partial index holds all these rows.
_QUEUED: ColumnElement[str] = literal_column(f"'{State.QUEUED}'")
_RUNNING: ColumnElement[str] = literal_column(f"'{State.RUNNING}'")


@dataclass(frozen=True, slots=True)
class Lane:
    """Which kinds of jobs a worker takes: these only, or all but those."""

    only: Collection[str] | None = None
    never: Collection[str] = ()

    @property
    def condition(self) -> ColumnElement[bool]:
        """On the table of jobs."""
        if self.only is not None:
            return job.c.kind.in_(self.only)
        return job.c.kind.not_in(self.never) if self.never else true()


ALL = Lane()


def due(now: datetime, lane: Lane = ALL) -> Select[int]:
    """Jobs that may start: their time has come or their lease is over, and it is their entity's turn."""
    other = job.alias("other")
    ahead = exists().where(
        other.c.entity == job.c.entity,
        other.c.state.in_([_QUEUED, _RUNNING]),
        or_(other.c.state == _RUNNING, other.c.seq < job.c.seq),
        other.c.seq != job.c.seq,
    )
    # A job whose lease is over holds its entity's turn already.
    expired = and_(job.c.state == _RUNNING, job.c.lease_until <= now)
    waiting = and_(job.c.state == _QUEUED, job.c.run_at <= now, or_(job.c.entity.is_(None), ~ahead))
    return (
        select(job.c.seq)
        .where(job.c.state.in_([_QUEUED, _RUNNING]), or_(waiting, expired), lane.condition)
        .order_by(job.c.priority.desc(), job.c.run_at, job.c.seq)
    )


async def any_due(database: Database, now: datetime, lane: Lane = ALL) -> bool:
    """Whether a claim would find something: a read, which no writer has to wait for."""
    return await database.one(due(now, lane).limit(1)) is not None


async def claim(
    database: Database, worker: str, limit: int, now: datetime, until: datetime, lane: Lane = ALL
) -> list[Claim]:
    """Take up to ``limit`` due jobs, most urgent first, and lease them until ``until``."""
    for _ in range(_CLAIM_TRIES):
        try:
            async with database.write() as connection:
                return await _claim(connection, worker, limit, now, until, lane)
        except IntegrityError:
            # On PostgreSQL another worker took a job of the same entity while we looked; the partial
            # unique index refuses the second. Look again.
            limit = 1
    return []


async def _claim(
    connection: AsyncConnection, worker: str, limit: int, now: datetime, until: datetime, lane: Lane
) -> list[Claim]:
    # A CTE, because PostgreSQL may run a subquery inside IN more than once and pass its LIMIT.
    # SQLite has no row locks and leaves FOR UPDATE out; there BEGIN IMMEDIATE lets one claim in at a time.
    chosen = due(now, lane).limit(limit).with_for_update(skip_locked=True, of=job).cte("chosen")
    statement = (
        update(job)
        .where(job.c.seq.in_(select(chosen.c.seq)))
        .values(
            state=State.RUNNING,
            worker=worker,
            lease_until=until,
            attempts=job.c.attempts + 1,
            started_at=now,
        )
        .returning(*_RETURNED, job.c.priority, job.c.run_at)
    )
    rows = (await connection.execute(statement)).all()
    return [Claim(*row[:-2]) for row in sorted(rows, key=lambda row: (-row.priority, row.run_at, row.seq))]


def mine(claimed: Claim) -> ColumnElement[bool]:
    """The fence: the job is still in this very attempt."""
    return and_(
        job.c.seq == claimed.seq,
        job.c.state == State.RUNNING,
        job.c.worker == claimed.worker,
        job.c.attempts == claimed.attempt,
    )


async def settle(connection: AsyncConnection, claimed: Claim, values: dict[str, Any]) -> bool:
    """End the attempt; False when it is not ours any more, and then nothing is changed."""
    result = await connection.execute(update(job).where(mine(claimed)).values(worker=None, lease_until=None, **values))
    return result.rowcount == 1


async def extend(database: Database, worker: str, seqs: Iterable[int], until: datetime) -> dict[int, tuple[int, bool]]:
    """Lengthen leases: seq → (attempt, whether a cancel was asked) of those that are still ours."""
    statement = (
        update(job)
        .where(job.c.seq.in_(list(seqs)), job.c.state == State.RUNNING, job.c.worker == worker)
        .values(lease_until=until)
        .returning(job.c.seq, job.c.attempts, job.c.cancel_requested)
    )
    async with database.write() as connection:
        rows = (await connection.execute(statement)).all()
    return {row.seq: (row.attempts, row.cancel_requested) for row in rows}
