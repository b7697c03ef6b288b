"""The SQL by which workers take jobs, keep them and let them go. One statement each, on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.database.prepared import Prepared
from gateway.database.tables.jobs import job
from gateway.jobs.model import State

_CLAIM_TRIES = 3


@dataclass(frozen=True, slots=True)
class Band:
    """A lane's priorities, ``low`` included and ``high`` not; None is without end."""

    low: int | None = None
    high: int | None = None

    def has(self, priority: int) -> bool:
        """Whether a job of that priority is of this lane."""
        return (self.low is None or priority >= self.low) and (self.high is None or priority < self.high)


_ALL = Band()


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
    priority: int


_RETURNED = (
    job.c.seq,
    job.c.id,
    job.c.kind,
    job.c.version,
    job.c.attempts,
    job.c.max_attempts,
    job.c.worker,
    job.c.priority,
)


# Literals and not parameters: only so can a planner tell that a partial index holds all these rows.
_QUEUED: ColumnElement[str] = literal_column(f"'{State.QUEUED}'")
_RUNNING: ColumnElement[str] = literal_column(f"'{State.RUNNING}'")


def may_start() -> ColumnElement[bool]:
    """Whether a job may start at the parameter ``now``: its time has come or its lease is over, and it is its entity's
    turn."""
    now = bindparam("now", type_=job.c.run_at.type)
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
    return or_(waiting, expired)


@lru_cache(maxsize=16)
def due(band: Band = _ALL) -> Select[int]:
    """Jobs of a band that may start. Made once: putting the expression together costs more than running it."""
    return (
        select(job.c.seq)
        .where(job.c.state.in_([_QUEUED, _RUNNING]), may_start(), *_within(band))
        .order_by(job.c.priority.desc(), job.c.run_at, job.c.seq)
    )


def _within(band: Band) -> list[ColumnElement[bool]]:
    low = [] if band.low is None else [job.c.priority >= band.low]
    return low if band.high is None else [*low, job.c.priority < band.high]


@lru_cache(maxsize=16)
def _any(band: Band) -> Prepared:
    return Prepared(due(band).limit(1))


async def any_due(database: Database, now: datetime, band: Band = _ALL) -> bool:
    """Whether a claim would find something: a read, which no writer has to wait for."""
    return await database.one(_any(band), {"now": now}) is not None


async def claim(
    database: Database,
    worker: str,
    limit: int,
    now: datetime,
    until: datetime,
    band: Band = _ALL,
) -> list[Claim]:
    """Take up to ``limit`` due jobs, most urgent first, and lease them until ``until``."""
    for _ in range(_CLAIM_TRIES):
        try:
            async with database.write() as connection:
                return await _claim(connection, worker, limit, now, until, band)
        except IntegrityError:
            # On PostgreSQL another worker took a job of the same entity while we looked; the partial
            # unique index refuses the second. Look again.
            limit = 1
    return []


@lru_cache(maxsize=16)
def _taking(band: Band) -> Prepared:
    # A CTE, because PostgreSQL may run a subquery inside IN more than once and pass its LIMIT.
    # SQLite has no row locks and leaves FOR UPDATE out; there BEGIN IMMEDIATE lets one claim in at a time.
    limit: ColumnElement[int] = bindparam("at_most", type_=Integer())
    chosen = due(band).limit(limit).with_for_update(skip_locked=True, of=job).cte("chosen")
    return Prepared(
        update(job)
        .where(job.c.seq.in_(select(chosen.c.seq)))
        .values(
            state=State.RUNNING,
            worker=bindparam("by"),
            lease_until=bindparam("until"),
            attempts=job.c.attempts + 1,
            started_at=bindparam("begun"),
        )
        .returning(*_RETURNED, job.c.run_at)
    )


async def _claim(
    connection: AsyncConnection, worker: str, limit: int, now: datetime, until: datetime, band: Band
) -> list[Claim]:
    bound = {"now": now, "at_most": limit, "by": worker, "until": until, "begun": now}
    rows = await _taking(band).all(connection, bound)
    return [Claim(*row[:-1]) for row in sorted(rows, key=lambda row: (-row.priority, row.run_at, row.seq))]


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


def _in_order(seqs: Iterable[int]) -> ColumnElement[bool]:
    """These running jobs, their rows locked by number: two statements over many jobs never wait for each other."""
    found = select(job.c.seq).where(job.c.seq.in_(list(seqs)), job.c.state == State.RUNNING).order_by(job.c.seq)
    return job.c.seq.in_(select(found.with_for_update(of=job).cte("found").c.seq))


async def settle_many(connection: AsyncConnection, claimed: Iterable[Claim], values: dict[str, Any]) -> set[int]:
    """End attempts in one statement; the seqs of those that were still ours."""
    wanted = {each.seq: each for each in claimed}
    if not wanted:
        return set()
    attempts = [(each.seq, each.worker, each.attempt) for each in wanted.values()]
    statement = (
        update(job)
        .where(_in_order(wanted), tuple_(job.c.seq, job.c.worker, job.c.attempts).in_(attempts))
        .values(worker=None, lease_until=None, **values)
        .returning(job.c.seq)
    )
    return set((await connection.execute(statement)).scalars())


async def extend(database: Database, worker: str, seqs: Iterable[int], until: datetime) -> dict[int, tuple[int, bool]]:
    """Lengthen leases: seq → (attempt, whether a cancel was asked) of those that are still ours."""
    statement = (
        update(job)
        .where(_in_order(seqs), job.c.worker == worker)
        .values(lease_until=until)
        .returning(job.c.seq, job.c.attempts, job.c.cancel_requested)
    )
    async with database.write() as connection:
        rows = (await connection.execute(statement)).all()
    return {row.seq: (row.attempts, row.cancel_requested) for row in rows}
