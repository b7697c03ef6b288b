"""Puts jobs into the one durable queue, and shows, repeats and cancels them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Select, and_, bindparam, delete, func, literal_column, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database import Database, Sealed, Ulids, after_commit
from gateway.database.prepared import Prepared
from gateway.database.statements import insert_columns, insert_returning
from gateway.database.tables.jobs import ACTIVE, PARKED, job
from gateway.jobs.claims import may_start
from gateway.jobs.model import COLUMNS, Job, JobActive, State, Unfinished

DEFAULT_MAX_ATTEMPTS = 20


class Listener(Protocol):
    """A worker of this process."""

    def woken(self) -> None:
        """Jobs may be due."""
        ...

    def cancelled(self, job_id: str) -> None:
        """A running job was asked to stop."""
        ...


class Queue:
    """The durable queue of one database. Every enqueueing is part of the caller's transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.listeners: list[Listener] = []
        self._ulids = Ulids(clock)

    async def put(
        self,
        connection: AsyncConnection,
        kind: str,
        version: int,
        payload: object,
        *,
        key: str | None = None,
        entity: str | None = None,
        run_at: datetime | None = None,
        priority: int = 0,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
    ) -> str:
        """Enqueue within ``connection``'s transaction, and wake this process's workers once it commits.

        Args:
            payload: a JSON value, sealed under the shared key, or ``keyring.seal_json(…, subject=…)``.
            key: while a job of this kind and key is queued or running, its id is returned instead.
            entity: jobs of one entity run one after another, in the order in which they were put.
            priority: higher runs first; it does not overtake within an entity.
        """
        now = self.clock.now()
        values = {
            "id": self._ulids.next(now),
            "kind": kind,
            "version": version,
            "payload": payload if isinstance(payload, Sealed) else self.database.keyring.seal_json(payload),
            "key": key,
            "entity": entity,
            "state": State.QUEUED,
            "priority": priority,
            "run_at": run_at or now,
            "attempts": 0,
            "max_attempts": max_attempts,
            "cancel_requested": False,
            "created_at": now,
        }
        job_id = await self._insert(connection, values)
        after_commit(connection, self.wake)
        return job_id

    async def put_many(
        self,
        connection: AsyncConnection,
        kind: str,
        version: int,
        jobs: Sequence[tuple[object, str | None]],
        *,
        priority: int = 0,
    ) -> None:
        """Enqueue (payload, entity) pairs in this order, in one statement; see ``put``."""
        if not jobs:
            return
        now = self.clock.now()
        count = len(jobs)
        columns: dict[str, Sequence[Any]] = {
            "id": [self._ulids.next(now) for _ in jobs],
            "kind": [kind] * count,
            "version": [version] * count,
            "payload": [self.database.keyring.seal_json(payload) for payload, _ in jobs],
            "key": [None] * count,
            "entity": [entity for _, entity in jobs],
            "state": [State.QUEUED.value] * count,
            "priority": [priority] * count,
            "run_at": [now] * count,
            "attempts": [0] * count,
            "max_attempts": [DEFAULT_MAX_ATTEMPTS] * count,
            "cancel_requested": [False] * count,
            "created_at": [now] * count,
        }
        await insert_columns(connection, job, columns)
        after_commit(connection, self.wake)

    async def _insert(self, connection: AsyncConnection, values: dict[str, Any]) -> str:
        columns = {name: [value] for name, value in values.items()}
        while True:
            ids = await insert_returning(connection, job, columns, conflict=_UNLESS_ACTIVE, returning="id")
            if ids:
                return str(ids[0])
            # It may end between the two statements; then there is room for ours.
            row = await _ACTIVE_ONE.first(connection, {"of": values["kind"], "named": values["key"]})
            if row is not None:
                return str(row.id)

    async def reschedule(self, connection: AsyncConnection, kind: str, key: str, run_at: datetime) -> bool:
        """Have the queued job of this kind and key run at ``run_at``, within ``connection``'s transaction.

        False, and nothing changed, when there is none or it runs already.
        """
        params = {"of": kind, "named": key, "at": run_at}
        return await _RESCHEDULE.run(connection, params) == 1

    async def withdraw(self, connection: AsyncConnection, kind: str, key: str) -> bool:
        """End the queued job of this kind and key within ``connection``'s transaction: its work is done already.

        False, and nothing changed, when there is none or it runs already.
        """
        params = {"of": kind, "named": key, "at": self.clock.now()}
        return await _WITHDRAW.run(connection, params) == 1

    def wake(self) -> None:
        """Have this process's workers look for due jobs now."""
        for listener in self.listeners:
            listener.woken()

    async def get(self, job_id: str) -> Job | None:
        """One job, or None."""
        row = await self.database.one(select(*COLUMNS).where(job.c.id == job_id))
        return None if row is None else Job.of(row)

    async def list(
        self,
        *,
        kind: str | None = None,
        state: State | None = None,
        entity: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Sequence[Job]:
        """Jobs in the order in which they were put, those after job ``after`` only."""
        statement = select(*COLUMNS).order_by(job.c.seq).limit(limit)
        if kind is not None:
            statement = statement.where(job.c.kind == kind)
        if state is not None:
            # A literal, so that the partial indexes of parked and active jobs can serve.
            statement = statement.where(job.c.state == literal_column(f"'{State(state)}'"))
        if entity is not None:
            statement = statement.where(job.c.entity == entity)
        if after is not None:
            seq = select(job.c.seq).where(job.c.id == after).scalar_subquery()
            statement = statement.where(job.c.seq > seq)
        return [Job.of(row) for row in await self.database.fetch(statement)]

    async def due(self) -> int:
        """How many jobs run now or could: none means that the past has been dealt with."""
        row = await self.database.one(
            select(func.count().label("jobs")).where(or_(job.c.state == "RUNNING", may_start())),
            {"now": self.clock.now()},
        )
        return 0 if row is None else int(row.jobs)

    async def counts(self) -> dict[State, int]:
        """How many jobs stand where, for the health page."""
        rows = await self.database.fetch(select(job.c.state, func.count()).group_by(job.c.state))
        return {State(state): count for state, count in rows}

    async def unfinished(self) -> Sequence[Unfinished]:
        """How many jobs of each kind wait, run or were given up. One statement, which reads none that is done."""
        columns = (job.c.kind, job.c.state, func.count().label("jobs"), func.min(job.c.run_at).label("first_at"))
        parts = (select(*columns).where(each).group_by(job.c.kind, job.c.state) for each in (ACTIVE, PARKED))
        rows = await self.database.fetch(union_all(*parts))
        return [Unfinished(row.kind, State(row.state), row.jobs, row.first_at) for row in rows]

    async def retry(self, job_id: str) -> bool:
        """Take up a parked or cancelled job with fresh attempts; False when it is neither.

        Raises JobActive when a job of the same kind and key is queued or running meanwhile.
        """
        now = self.clock.now()
        statement = (
            update(job)
            .where(job.c.id == job_id, job.c.state.in_([State.PARKED, State.CANCELLED]))
            .values(
                state=State.QUEUED,
                attempts=0,
                run_at=now,
                error_code=None,
                cancel_requested=False,
                finished_at=None,
            )
        )
        try:
            async with self.database.write() as connection:
                changed = (await connection.execute(statement)).rowcount == 1
                after_commit(connection, self.wake)
        except IntegrityError as error:
            raise JobActive(f"job {job_id}: one of its kind and key is queued or running already") from error
        return changed

    async def hasten(self, connection: AsyncConnection, job_ids: Select[Any] | Sequence[str]) -> int:
        """Have queued jobs run now instead of at their time; returns how many were queued. Their order stays."""
        now = self.clock.now()
        late = update(job).where(job.c.id.in_(job_ids), job.c.state == State.QUEUED, job.c.run_at > now)
        changed = (await connection.execute(late.values(run_at=now))).rowcount
        after_commit(connection, self.wake)
        return changed

    async def cancel(self, job_id: str) -> bool:
        """Cancel a queued or parked job at once, ask a running one to stop; False when it is over already."""
        waiting = (
            update(job)
            .where(job.c.id == job_id, job.c.state.in_([State.QUEUED, State.PARKED]))
            .values(state=State.CANCELLED, finished_at=self.clock.now())
        )
        running = update(job).where(job.c.id == job_id, job.c.state == State.RUNNING).values(cancel_requested=True)
        async with self.database.write() as connection:
            if (await connection.execute(waiting)).rowcount == 1:
                # The next of its entity may be due now.
                after_commit(connection, self.wake)
                return True
            asked = (await connection.execute(running)).rowcount == 1
        if asked:
            for listener in self.listeners:
                listener.cancelled(job_id)
        return asked

    async def prune(self, before: datetime) -> int:
        """Delete jobs that were done or cancelled before an instant; returns how many. Parked ones stay."""
        statement = delete(job).where(job.c.state.in_([State.DONE, State.CANCELLED]), job.c.finished_at < before)
        async with self.database.write() as connection:
            return (await connection.execute(statement)).rowcount


# Built once: building a statement for each call costs more than running it.
_NAMED: Final = and_(job.c.kind == bindparam("of"), job.c.key == bindparam("named"))
_ACTIVE_ONE: Final = Prepared(select(job.c.id).where(_NAMED, ACTIVE))
_WAITING: Final = update(job).where(_NAMED, job.c.state == literal_column(f"'{State.QUEUED}'"))
_RESCHEDULE: Final = Prepared(_WAITING.values(run_at=bindparam("at")))
_WITHDRAW: Final = Prepared(_WAITING.values(state=State.DONE, payload=None, finished_at=bindparam("at")))
_UNLESS_ACTIVE: Final = f" ON CONFLICT (kind, key) WHERE {ACTIVE.text} DO NOTHING"
