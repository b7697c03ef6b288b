"""What a platform decides later than an action ends: asked about by a job that comes back."""

from __future__ import annotations

from datetime import timedelta

from gateway.events.projector import Projector
from gateway.jobs import Handlers, Queue, Recurring, RunningJob
from gateway.runtime import OpenTools


class Settling:
    """A kind of open question, and the job that asks. Subclasses are safe with any number of processes.

    Attributes:
        settling: the job.
    """

    def __init__(
        self, projector: Projector, tools: OpenTools, queue: Queue, job: str, *, every: timedelta = timedelta(hours=1)
    ) -> None:
        self._projector = projector
        self._tools = tools
        self.settling = Recurring(queue, job, self._settle_job, every=every)

    def register(self, handlers: Handlers) -> None:
        """Add the job."""
        self.settling.register(handlers)

    async def settle(self) -> None:
        """Ask about everything that may be decided. What cannot be asked now is left to the next run."""
        raise NotImplementedError

    async def _settle_job(self, job: RunningJob) -> None:
        del job
        await self.settle()
