"""The saga log: what is to be done, committed before it is done, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database import ERASED
from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.sagas import saga, saga_step
from gateway.transactions.states import SETTLED, SagaState, StepState, saga_before, step_before
from gateway.transactions.steps import AnyStep, Kind


class IntentErased(Exception):
    """What was to be done is not known any more: the shopper's data key was destroyed."""

    code = "SUBJECT_ERASED"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step of a saga that is about to begin. ``skip`` says why it is not needed."""

    step: AnyStep
    intent: object = None
    key: str | None = None
    skip: str | None = None


@dataclass(frozen=True, slots=True)
class SagaRow:
    """A stored saga."""

    id: str
    kind: str
    version: int
    state: SagaState
    input: dict[str, Any] | None
    principal: str | None
    created_at: datetime
    updated_at: datetime
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A stored step. ``raw_intent`` is ERASED once its subject was erased."""

    saga: str
    seq: int
    name: str
    version: int
    tool: str | None
    kind: Kind
    state: StepState
    key: str | None
    raw_intent: Any
    raw_outcome: Any
    attempts: int
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def erased(self) -> bool:
        """True when the intent cannot be read any more."""
        return self.raw_intent is ERASED

    @property
    def reason(self) -> str | None:
        """Why it was skipped or failed."""
        return self.raw_outcome.get("reason") if isinstance(self.raw_outcome, dict) else None

    def intent(self, kind: type[Any]) -> Any:
        """The intent as its own type. Raises IntentErased."""
        if self.erased:
            raise IntentErased(f"step {self.name} of saga {self.saga}: its shopper was erased")
        return msgspec.convert(self.raw_intent["value"], kind)

    def outcome(self, kind: type[Any]) -> Any:
        """The outcome as its own type; None while there is none."""
        return msgspec.convert(self.raw_outcome["value"], kind) if self.raw_outcome else None


class SagaLog:
    """Reads and writes the tables saga and saga_step. Moves that the state tables forbid change nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def begin(
        self,
        connection: AsyncConnection,
        saga_id: str,
        kind: str,
        plan: Sequence[Planned],
        *,
        principal: str,
        subject: str,
        values: dict[str, Any],
        deadline: datetime,
        attempted: bool = False,
    ) -> None:
        """Write the saga and every step's intent, the personal ones sealed for ``subject``.

        ``attempted`` notes the first attempt of every step in the same commit.

        What undoing needs (pieces, order, amounts) is not personal, so that erasing a shopper with an open
        order does not keep its stock reserved for ever. ``values`` is shown to operators.
        """
        now = self._clock.now()
        row = {"id": saga_id, "kind": kind, "version": 1, "state": SagaState.RUNNING, "principal": principal}
        row |= {"input": values, "created_at": now, "updated_at": now, "deadline": deadline}
        await connection.execute(saga.insert().values(**row))
        begun = StepState.RUNNING if attempted else StepState.PENDING
        rows = [
            {
                "saga_id": saga_id,
                "seq": seq,
                "name": each.step.name,
                "tool": each.step.tool,
                "kind": each.step.kind,
                "delivery": each.step.delivery,
                "state": StepState.SKIPPED if each.skip else begun,
                "key": each.key,
                "intent": self._sealed(each, subject),
                "outcome": {"reason": each.skip} if each.skip else None,
                "attempts": int(attempted),
                "started_at": now if attempted else None,
                "finished_at": now if each.skip else None,
            }
            for seq, each in enumerate(plan, 1)
        ]
        await connection.execute(saga_step.insert(), rows)

    async def append(
        self, connection: AsyncConnection, saga_id: str, seq: int, planned: Planned, *, subject: str, attempted: bool
    ) -> bool:
        """Write one step more of a saga that is RUNNING; False, and nothing written, if it is not any more.

        ``subject`` and ``attempted`` as ``begin`` has them.
        """
        if await self.hold(connection, saga_id, SagaState.RUNNING) is None:
            return False
        now, declared = self._clock.now(), planned.step
        row = {"saga_id": saga_id, "seq": seq, "name": declared.name, "tool": declared.tool, "kind": declared.kind}
        row |= {"delivery": declared.delivery, "state": StepState.RUNNING if attempted else StepState.PENDING}
        row |= {"key": planned.key, "intent": self._sealed(planned, subject)}
        row |= {"attempts": int(attempted), "started_at": now if attempted else None}
        await connection.execute(saga_step.insert().values(**row))
        return True

    async def note(self, connection: AsyncConnection, saga_id: str, values: dict[str, Any]) -> None:
        """Add to what is known of a saga, such as why it failed; what is there already stays."""
        row = (await connection.execute(select(saga.c.input).where(saga.c.id == saga_id).with_for_update())).one()
        await connection.execute(update(saga).where(saga.c.id == saga_id).values(input=values | (row.input or {})))

    def _sealed(self, planned: Planned, subject: str) -> object:
        value = {"version": planned.step.version, "value": msgspec.to_builtins(planned.intent)}
        return self._database.keyring.seal_json(value, subject=subject) if planned.step.personal else value

    async def saga(self, saga_id: str) -> SagaRow | None:
        """One saga."""
        row = await self._database.one(select(saga).where(saga.c.id == saga_id))
        if row is None:
            return None
        return SagaRow(
            row.id, row.kind, row.version, SagaState(row.state), row.input or None, row.principal,
            row.created_at, row.updated_at, row.deadline,
        )  # fmt: skip

    async def steps(self, saga_id: str) -> list[StepRow]:
        """Its steps, in order."""
        rows = await self._database.fetch(
            select(saga_step).where(saga_step.c.saga_id == saga_id).order_by(saga_step.c.seq)
        )
        return [_step(row) for row in rows]

    async def by_key(self, name: str, key: str) -> str | None:
        """The saga that has a step of this name and natural key."""
        row = await self._database.one(
            select(saga_step.c.saga_id).where(saga_step.c.key == key, saga_step.c.name == name)
        )
        return None if row is None else str(row.saga_id)

    async def move(
        self, connection: AsyncConnection, saga_id: str, target: SagaState, *, source: SagaState | None = None
    ) -> bool:
        """Move the saga if its state allows it (and is ``source``); False, and nothing changed, if not."""
        allowed = [state for state in saga_before(target) if source in {None, state}]
        statement = (
            update(saga)
            .where(saga.c.id == saga_id, saga.c.state.in_(allowed))
            .values(state=target, updated_at=self._clock.now())
        )
        return (await connection.execute(statement)).rowcount == 1

    async def hold(self, connection: AsyncConnection, saga_id: str, *states: SagaState) -> SagaState | None:
        """Lock the saga until the transaction ends, if it stands in one of the states; else None."""
        statement = (
            update(saga)
            .where(saga.c.id == saga_id, saga.c.state.in_(states))
            .values(updated_at=self._clock.now())
            .returning(saga.c.state)
        )
        state = (await connection.execute(statement)).scalar()
        return None if state is None else SagaState(state)

    async def attempt(self, connection: AsyncConnection, row: StepRow) -> bool:
        """Note that an attempt begins; ``started_at`` keeps the first that may have had an effect."""
        now = self._clock.now()
        return await self._set(
            connection,
            row,
            StepState.RUNNING,
            attempts=saga_step.c.attempts + 1,
            started_at=func.coalesce(saga_step.c.started_at, literal(now, saga_step.c.started_at.type)),
        )

    async def nothing_happened(self, connection: AsyncConnection, row: StepRow) -> bool:
        """The step's only attempt so far certainly had no effect: the key's window has not begun.

        Not for a step that an earlier attempt may have done: its window runs from that one.
        """
        return await self._set(connection, row, StepState.RUNNING, started_at=None)

    async def end(
        self, connection: AsyncConnection, row: StepRow, state: StepState, *, outcome: object = None, reason: str = ""
    ) -> bool:
        """End the step, with its outcome or with a reason; False when its state does not allow it."""
        values: dict[str, Any] = {"finished_at": self._clock.now()}
        if state is StepState.DONE:
            values["outcome"] = {"value": msgspec.to_builtins(outcome)}
            if row.tool is None:
                # A step of our own book begins and ends in this one commit.
                values["started_at"] = self._clock.now()
        elif reason:
            values["outcome"] = {"reason": reason}
        return await self._set(connection, row, state, **values)

    async def skip_rest(self, connection: AsyncConnection, saga_id: str, reason: str) -> None:
        """What was never begun will not be."""
        statement = (
            update(saga_step)
            .where(saga_step.c.saga_id == saga_id, saga_step.c.state == StepState.PENDING)
            .values(state=StepState.SKIPPED, outcome={"reason": reason}, finished_at=self._clock.now())
        )
        await connection.execute(statement)

    async def complete(self, connection: AsyncConnection, saga_id: str) -> None:
        """End the saga when every step has ended: COMPLETED, or NEEDS_ATTENTION if one ended badly.

        Locks the saga first, so that of two steps that end at once the second sees the first.
        """
        if await self.hold(connection, saga_id, SagaState.COMPLETING) is None:
            return
        rows = await connection.execute(select(saga_step.c.state).where(saga_step.c.saga_id == saga_id))
        states = {StepState(state) for state in rows.scalars()}
        if states <= SETTLED:
            bad = states & {StepState.FAILED, StepState.UNKNOWN}
            await self.move(connection, saga_id, SagaState.NEEDS_ATTENTION if bad else SagaState.COMPLETED)

    async def _set(self, connection: AsyncConnection, row: StepRow, state: StepState, **values: Any) -> bool:
        statement = (
            update(saga_step)
            .where(
                saga_step.c.saga_id == row.saga,
                saga_step.c.seq == row.seq,
                saga_step.c.state.in_(step_before(state)),
            )
            .values(state=state, **values)
        )
        return (await connection.execute(statement)).rowcount == 1


def _step(row: AnyRow) -> StepRow:
    version = row.intent["version"] if row.intent else 0
    return StepRow(
        row.saga_id, row.seq, row.name, version, row.tool, Kind(row.kind), StepState(row.state), row.key,
        row.intent, row.outcome, row.attempts, row.started_at, row.finished_at,
    )  # fmt: skip
