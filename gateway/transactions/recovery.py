"""What a process that died left behind: who looks after it now, and what is left for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.tables.sagas import saga
from gateway.jobs import Worker
from gateway.transactions.states import SagaState

#: States in which a process works on a transaction, or should.
_UNDER_WAY = (SagaState.RUNNING, SagaState.COMPLETING, SagaState.COMPENSATING, SagaState.NEEDS_ATTENTION)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A transaction that has not ended, though nothing outside of the gateway keeps it waiting."""

    id: str
    kind: str
    state: SagaState


@dataclass(frozen=True, slots=True)
class Recovered:
    """What one round did. ``attempts`` counts the jobs that it ran, other work than transactions included."""

    attempts: int
    moved: Sequence[tuple[Unfinished, SagaState]]
    left: Sequence[Unfinished]


class Recovery:
    """Carries transactions on, in any process. Their jobs do the work; this asks for it and tells of it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def unfinished(self) -> Sequence[Unfinished]:
        """Oldest first. Orders that wait for their payment, and have time left, are not among them."""
        unpaid = (saga.c.state == SagaState.AWAITING_PAYMENT) & (saga.c.deadline <= self._clock.now())
        rows = await self._database.fetch(
            select(saga.c.id, saga.c.kind, saga.c.state)
            .where(or_(saga.c.state.in_(_UNDER_WAY), unpaid))
            .order_by(saga.c.created_at, saga.c.id)
        )
        return [Unfinished(row.id, row.kind, SagaState(row.state)) for row in rows]

    async def once(self, worker: Worker) -> Recovered:
        """Take every expired lease and every job that is due, until none is, and compare before with after.

        What fails is tried again at its own time; it is among ``left`` until then.
        """
        before = await self.unfinished()
        attempts = await worker.drain()
        left = await self.unfinished()
        return Recovered(attempts, [each for each in [await self._moved(old) for old in before] if each], left)

    async def _moved(self, old: Unfinished) -> tuple[Unfinished, SagaState] | None:
        row = await self._database.one(select(saga.c.state).where(saga.c.id == old.id))
        return None if row is None or row.state == old.state else (old, SagaState(row.state))
