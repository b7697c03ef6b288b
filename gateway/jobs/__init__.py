"""The one durable queue: whatever must happen later, or again, is a job. See docs/jobs.md."""

from gateway.jobs.backoff import Backoff
from gateway.jobs.handlers import Handler, Handlers
from gateway.jobs.model import (
    ORDINARY,
    URGENT,
    Job,
    JobActive,
    JobError,
    Lane,
    LeaseExpired,
    LeaseLost,
    ParkJob,
    PostponeJob,
    State,
)
from gateway.jobs.queue import DEFAULT_MAX_ATTEMPTS, Queue
from gateway.jobs.recurring import Recurring
from gateway.jobs.running import RunningJob, complete_all
from gateway.jobs.worker import Worker

__all__ = [
    "DEFAULT_MAX_ATTEMPTS",
    "ORDINARY",
    "URGENT",
    "Backoff",
    "Handler",
    "Handlers",
    "Job",
    "JobActive",
    "JobError",
    "Lane",
    "LeaseExpired",
    "LeaseLost",
    "ParkJob",
    "PostponeJob",
    "Queue",
    "Recurring",
    "RunningJob",
    "State",
    "Worker",
    "complete_all",
]
