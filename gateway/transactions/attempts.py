"""Attempts of a step at a tool: which of several processes may make the call, and whose word ends the step."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.events.projector import Projector
from gateway.transactions.log import SagaLog, SagaMoved, StepRow
from gateway.transactions.records import Progress
from gateway.transactions.states import SagaState
from gateway.transactions.steps import Write


class LoggedAttempt:
    """One attempt, from when its step was read. Any number may get ready at once; the first to begin makes the call.

    Attributes:
        states: where the saga stands while this attempt may begin: where its outcome could be recorded.
        begun: it is committed. Of a step that prepares that comes after its own work.
        number: how many attempts had begun when the step was read, and with this one, once it has.
    """

    def __init__(
        self, log: SagaLog, projector: Projector, row: StepRow, states: Sequence[SagaState], *, begun: bool
    ) -> None:
        self._log = log
        self._projector = projector
        self._row = row
        self.states = states
        self.begun = begun
        self.number = row.attempts

    async def begin(self, also: Sequence[Write] = ()) -> None:
        """Once; then it has begun. Raises SagaMoved, and nothing of ``also`` stays."""
        if self.begun:
            return
        row = self._row
        async with self._projector.batch() as batch:
            held = await self._log.hold(batch.connection, row.saga, *self.states)
            if held is None or not await self._log.attempt(batch.connection, row):
                raise self._moved()
            for write in also:
                await write(batch)
        self.begun, self.number = True, self.number + 1

    async def hold(self, connection: AsyncConnection) -> None:
        """No attempt but this one has begun since, and none does until the commit, nor does the saga move. Raises
        SagaMoved."""
        held = await self._log.hold(connection, self._row.saga, *self.states)
        if held is None or not await self._log.hold_step(connection, self._row, self.number):
            raise self._moved()

    async def call_again(self) -> None:
        """Commit when a call goes out again that would make a second thing beside the first. Raises SagaMoved."""
        async with self._projector.batch() as batch:
            await self.hold(batch.connection)
            await self._log.called(batch.connection, self._row)

    async def tell(self, progress: Progress) -> None:
        """Commit how far it is."""
        async with self._projector.batch() as batch:
            await self._log.progress(batch, self._row, progress)

    def _moved(self) -> SagaMoved:
        return SagaMoved(f"step {self._row.name} of saga {self._row.saga} was begun or ended by another process")
