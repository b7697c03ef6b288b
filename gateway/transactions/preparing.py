"""Attempts of steps that prepare: which of several processes may make the call."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.events.projector import Projector
from gateway.transactions.log import SagaLog, SagaMoved, StepRow
from gateway.transactions.records import Progress
from gateway.transactions.states import SagaState
from gateway.transactions.steps import Write


class Preparing:
    """One attempt, from when its step was read. Any number may prepare at once; the first to begin makes the call.

    It begins only where its outcome could be recorded: where the saga stands in one of ``states``.
    """

    def __init__(self, log: SagaLog, projector: Projector, row: StepRow, states: Sequence[SagaState]) -> None:
        self._log = log
        self._projector = projector
        self._row = row
        self._states = states
        self.begun = False

    async def begin(self, also: Sequence[Write]) -> None:
        """Once; then it has begun. Raises SagaMoved, and nothing of ``also`` stays."""
        if self.begun:
            return
        row = self._row
        async with self._projector.batch() as batch:
            held = await self._log.hold(batch.connection, row.saga, *self._states)
            if held is None or not await self._log.attempt_next(batch.connection, row):
                raise self._moved()
            for write in also:
                await write(batch)
        self.begun = True

    async def hold(self, connection: AsyncConnection) -> None:
        """No attempt but this one has begun since, and none does until the commit. Raises SagaMoved."""
        if not await self._log.hold_step(connection, self._row, self._row.attempts + self.begun):
            raise self._moved()

    async def tell(self, progress: Progress) -> None:
        """Commit how far it is."""
        async with self._projector.batch() as batch:
            await self._log.progress(batch, self._row, progress)

    def _moved(self) -> SagaMoved:
        return SagaMoved(f"step {self._row.name} of saga {self._row.saga} was begun or ended by another process")
