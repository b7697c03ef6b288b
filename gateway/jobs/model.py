"""A job as it is seen from outside, and the ways in which it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.database.rows import AnyRow
from gateway.database.tables.jobs import job


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Jobs of one kind in one state. ``first_at`` is when the first of them may start or started."""

    kind: str
    state: State
    jobs: int
    first_at: datetime


class State(StrEnum):
    """Where a job stands. QUEUED covers those that wait for their time, their turn or another attempt."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    #: Given up and visible: it failed too often, or nobody knows its kind. ``Queue.retry`` takes it up.
    PARKED = "PARKED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Job:
    """What the queue knows of a job, without its payload."""

    id: str
    kind: str
    version: int
    state: State
    priority: int
    run_at: datetime
    attempts: int
    max_attempts: int
    cancel_requested: bool
    progress_done: int | None
    progress_total: int | None
    progress_note: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: AnyRow) -> Job:
        """From a row of COLUMNS."""
        values = dict(zip(_FIELDS, row, strict=True))
        return cls(**values | {"state": State(values["state"])})


@dataclass(frozen=True, slots=True)
class Lane:
    """Room for jobs of a range of priorities: those of other lanes neither use it nor are held up by it.

    ``floor`` is the lowest priority of the lane, None for everything below the others; ``room`` how many of its jobs
    run at once.
    """

    floor: int | None
    room: int


#: From this priority on a job is worth something for seconds only.
URGENT: Final = 90
#: The priority of whatever does not ask for another one; what is below waits for servers of others.
ORDINARY: Final = 0

_FIELDS = tuple(Job.__dataclass_fields__)
#: The columns of a Job, in its order.
COLUMNS = tuple(job.c[name] for name in _FIELDS)


class JobError(Exception):
    """Base of what the queue raises."""


class LeaseLost(JobError):
    """Another worker has the job now, or it was cancelled; what this one does must not be committed."""


class JobActive(JobError):
    """The job cannot be taken up again: one of its kind and key is queued or running."""


class ParkJob(JobError):
    """Raised by a handler: repeating will not help. ``code`` is stored and shown."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class LeaseExpired(ParkJob):
    """Every attempt ended without a word: the job kills its workers."""

    code: str = "LEASE_EXPIRED"

    def __init__(self) -> None:
        super().__init__(self.code)


class PostponeJob(JobError):
    """Raised by a handler: not yet. The job runs again at ``run_at``; the attempt is not counted."""

    def __init__(self, run_at: datetime) -> None:
        super().__init__(run_at.isoformat())
        self.run_at = run_at
