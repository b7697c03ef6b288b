"""The saga log: what is to be done, committed before it is done, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Update, bindparam, false, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Clock
from gateway.database import ERASED
from gateway.database.engine import Database
from gateway.database.facts import Fact
from gateway.database.prepared import Prepared
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_rows
from gateway.database.tables.sagas import saga, saga_step
from gateway.database.ulid import Ulids, ulid_time
from gateway.events.projector import Batch
from gateway.transactions.records import Progress
from gateway.transactions.states import SAGA_MOVES, SETTLED, Attention, SagaState, StepState, saga_before, step_before
from gateway.transactions.steps import AnyStep, Kind

#: How long a saga may take to be decided, at most: see ``actions.DEADLINE``.
_SIBLINGS: Final = timedelta(days=1)


class IntentErased(Exception):
    """What was to be done is not known any more: the shopper's data key was destroyed."""

    code = "SUBJECT_ERASED"


class SagaMoved(Exception):
    """Somebody else moved the saga or the step on; nothing of this commit stays."""

    code = "SAGA_MOVED"


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
    attention: Attention | None = None


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
    progress: Progress | None = None
    #: When a call was repeated of which each makes a new thing.
    called_at: datetime | None = None

    @property
    def last_call(self) -> datetime | None:
        """When the last call began that may have had an effect; of a keyed or a harmless one, the first."""
        return self.called_at or self.started_at

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
        batch: Batch,
        saga_id: str,
        kind: str,
        plan: Sequence[Planned],
        *,
        principal: str,
        subject: str,
        values: dict[str, Any],
        deadline: datetime | None,
        outcomes: Mapping[int, object] | None = None,
        attempted: bool = False,
    ) -> None:
        """Write the saga and every step's intent, the personal ones sealed for ``subject``, if there is one.

        ``outcomes`` are those of steps that this very transaction has done, by their place from 1. With them, the step
        that follows is RUNNING if it is a compensatable one of a tool: its attempt comes right after the commit. So is,
        where ``attempted`` says it, the first step of a tool of whatever kind.

        What undoing needs (pieces, order, amounts) is not personal, so that erasing a shopper with an open
        order does not keep its stock reserved for ever. ``values`` is shown to operators; of them ``order``, or
        ``member`` where there is none, says in facts whose it is.
        """
        now, done = self._clock.now(), outcomes or {}
        row = {"id": saga_id, "kind": kind, "version": 1, "state": SagaState.RUNNING, "principal": principal}
        row |= {"input": values, "created_at": now, "updated_at": now, "deadline": deadline}
        connection = batch.connection
        await insert_rows(connection, saga, [row])
        batch.facts.append(_moved(saga_id, kind, SagaState.RUNNING, values, now))
        following = 0
        if outcomes is not None or attempted:
            following = next((seq for seq, each in enumerate(plan, 1) if seq not in done and not each.skip), 0)
        rows = []
        for seq, each in enumerate(plan, 1):
            state, outcome = StepState.PENDING, None
            if each.skip:
                state, outcome = StepState.SKIPPED, {"reason": each.skip}
            elif seq in done:
                state, outcome = StepState.DONE, {"value": msgspec.to_builtins(done[seq])}
                batch.facts.append(_stands(saga_id, seq, each.step.name, state, kind, values, now))
            elif seq == following and (attempted or each.step.kind is Kind.COMPENSATABLE):
                state = StepState.PENDING if each.step.tool is None else StepState.RUNNING
            rows.append(self._step_row(saga_id, seq, each, subject, state, outcome, now))
        await insert_rows(connection, saga_step, rows)

    async def append(
        self, connection: AsyncConnection, saga_id: str, seq: int, planned: Planned, *, subject: str, attempted: bool
    ) -> bool:
        """Write one step more of a saga that is RUNNING; False, and nothing written, if it is not any more.

        ``subject`` and ``attempted`` as ``begin`` has them.
        """
        if await self.hold(connection, saga_id, SagaState.RUNNING) is None:
            return False
        state = StepState.RUNNING if attempted else StepState.PENDING
        row = self._step_row(saga_id, seq, planned, subject, state, None, self._clock.now())
        await insert_rows(connection, saga_step, [row])
        return True

    async def note(self, connection: AsyncConnection, saga_id: str, values: dict[str, Any]) -> None:
        """Add to what is known of a saga, such as why it failed; what is there already stays."""
        row = (await connection.execute(select(saga.c.input).where(saga.c.id == saga_id).with_for_update())).one()
        await connection.execute(update(saga).where(saga.c.id == saga_id).values(input=values | (row.input or {})))

    async def cut_short(self, connection: AsyncConnection, saga_id: str, values: dict[str, Any]) -> bool:
        """A saga that waits for its payment has no time left; ``values`` say why. False when it does not wait."""
        if await self.hold(connection, saga_id, SagaState.AWAITING_PAYMENT) is None:
            return False
        await self.note(connection, saga_id, values)
        await connection.execute(update(saga).where(saga.c.id == saga_id).values(deadline=self._clock.now()))
        return True

    def _step_row(
        self, saga_id: str, seq: int, planned: Planned, subject: str, state: StepState, outcome: object, now: datetime
    ) -> dict[str, Any]:
        begun = state in {StepState.DONE, StepState.RUNNING}
        return {
            "saga_id": saga_id,
            "seq": seq,
            "name": planned.step.name,
            "tool": planned.step.tool,
            "kind": planned.step.kind,
            "delivery": planned.step.delivery,
            "state": state,
            "key": planned.key,
            "intent": self._sealed(planned, subject),
            "outcome": outcome,
            "attempts": 1 if begun else 0,
            "started_at": now if begun else None,
            "finished_at": now if state in SETTLED else None,
        }

    def _sealed(self, planned: Planned, subject: str) -> object:
        value = {"version": planned.step.version, "value": msgspec.to_builtins(planned.intent)}
        return self._database.keyring.seal_json(value, subject=subject or None) if planned.step.personal else value

    async def saga(self, saga_id: str) -> SagaRow | None:
        """One saga."""
        return (await self.sagas([saga_id])).get(saga_id)

    async def sagas(self, saga_ids: Sequence[str]) -> dict[str, SagaRow]:
        """Several, by id."""
        rows = await self._database.fetch(select(saga).where(saga.c.id.in_(saga_ids)))
        return {row.id: _saga(row) for row in rows}

    async def steps_of(self, saga_ids: Sequence[str]) -> dict[str, list[StepRow]]:
        """The steps of several, in order."""
        found: dict[str, list[StepRow]] = {each: [] for each in saga_ids}
        statement = select(saga_step).where(saga_step.c.saga_id.in_(saga_ids)).order_by(saga_step.c.seq)
        for row in await self._database.fetch(statement):
            found[row.saga_id].append(_step(row))
        return found

    async def steps(self, saga_id: str, connection: AsyncConnection | None = None) -> list[StepRow]:
        """Its steps, in order; those that ``connection``'s transaction wrote too, if one is given."""
        of = {"of": saga_id}
        if connection is not None:
            return [_step(row) for row in await _STEPS.all(connection, of)]
        return [_step(row) for row in await self._database.fetch(_STEPS, of)]

    async def by_key(self, name: str, key: str) -> str | None:
        """The saga that has a step of this name and natural key."""
        row = await self._database.one(
            select(saga_step.c.saga_id).where(saga_step.c.key == key, saga_step.c.name == name)
        )
        return None if row is None else str(row.saga_id)

    async def known_keys(self, name: str, keys: Sequence[str]) -> set[str]:
        """Which of these natural keys have a step of this name."""
        found: set[str] = set()
        for some in chunks(keys):
            rows = await self._database.fetch(
                select(saga_step.c.key).where(saga_step.c.key.in_(some), saga_step.c.name == name)
            )
            found |= {str(row.key) for row in rows}
        return found

    async def places_of(self, name: str, keys: Sequence[str]) -> list[tuple[str, int]]:
        """Saga and place of every step of this name that has one of these natural keys."""
        found: list[tuple[str, int]] = []
        for some in chunks(keys):
            rows = await self._database.fetch(
                select(saga_step.c.saga_id, saga_step.c.seq)
                .where(saga_step.c.key.in_(some), saga_step.c.name == name)
                .order_by(saga_step.c.saga_id, saga_step.c.seq)
            )
            found += [(row.saga_id, row.seq) for row in rows]
        return found

    async def move(
        self,
        batch: Batch,
        saga_id: str,
        target: SagaState,
        *,
        source: SagaState | None = None,
        attention: Attention | None = None,
    ) -> bool:
        """Move the saga if its state allows it (and is ``source``); False, and nothing changed, if not.

        The move is a fact of the batch. ``attention`` says why a person must look. Out of NEEDS_ATTENTION leads
        only ``source=NEEDS_ATTENTION``.
        """
        params = {"of": saga_id, "why": attention, "now": self._clock.now()}
        row = await _move(target, source).first(batch.connection, params)
        if row is not None:
            batch.facts.append(_moved(saga_id, row.kind, target, row.input, batch.now, reason=attention))
        return row is not None

    async def hold(self, connection: AsyncConnection, saga_id: str, *states: SagaState) -> SagaState | None:
        """Lock the saga until the transaction ends, if it stands in one of the states; else None."""
        params = {"of": saga_id, "now": self._clock.now()}
        row = await _hold(states).first(connection, params)
        return None if row is None else SagaState(row.state)

    async def attempt(self, connection: AsyncConnection, row: StepRow) -> bool:
        """Note that an attempt begins; ``started_at`` keeps the first that may have had an effect.

        False, and nothing changed, where one has begun since ``row`` was read, or the step has ended.
        """
        params = {"of": row.saga, "at": row.seq, "now": self._clock.now(), "seen": row.attempts}
        return await _ATTEMPT.run(connection, params) == 1

    async def called(self, connection: AsyncConnection, row: StepRow) -> None:
        """Note that a call goes out again."""
        await _CALLED.run(connection, {"of": row.saga, "at": row.seq, "now": self._clock.now()})

    async def hold_step(self, connection: AsyncConnection, row: StepRow, attempts: int) -> bool:
        """Lock the step until the transaction ends, if it has not ended and this many attempts have begun."""
        return await _HOLD_STEP.run(connection, {"of": row.saga, "at": row.seq, "seen": attempts}) == 1

    async def progress(self, batch: Batch, row: StepRow, progress: Progress) -> None:
        """Note how far the work of a step is that prepares; a fact of the batch."""
        params = {"of": row.saga, "at": row.seq, "done": progress.done, "total": progress.total}
        of = await _PROGRESS.first(batch.connection, params)
        if of is not None:
            batch.facts.append(_went_on(row, StepState(of.state), of.kind, of.input, batch.now, progress))

    async def nothing_happened(self, connection: AsyncConnection, row: StepRow, attempts: int) -> bool:
        """The last of so many attempts, and the only one that may have had an effect, certainly had none: the key's
        window has not begun. False, and nothing changed, where another one has begun since.

        Not for a step that an earlier attempt may have done: its window runs from that one.
        """
        params = {"of": row.saga, "at": row.seq, "seen": attempts}
        return await _NOTHING_HAPPENED.run(connection, params) == 1

    async def end(
        self,
        batch: Batch,
        row: StepRow,
        state: StepState,
        *,
        outcome: object = None,
        reason: str = "",
        attempts: int | None = None,
    ) -> bool:
        """End the step, with its outcome or with a reason; False when its state does not allow it, or other than
        ``attempts`` have begun: then its end is another's to tell.

        The end is a fact of the batch.
        """
        values: dict[str, Any] = {"finished_at": self._clock.now()}
        if state is StepState.DONE:
            values["outcome"] = {"value": msgspec.to_builtins(outcome)}
            if row.tool is None:
                # A step of our own book begins and ends in this one commit.
                values["started_at"] = self._clock.now()
        elif reason:
            values["outcome"] = {"reason": reason}
        params = {"of": row.saga, "at": row.seq} | {f"{name}_": value for name, value in values.items()}
        if attempts is not None:
            params["seen"] = attempts
        of = await _end(state, tuple(values), attempts is not None).first(batch.connection, params)
        if of is not None:
            batch.facts.append(_stands(row.saga, row.seq, row.name, state, of.kind, of.input, batch.now))
        return of is not None

    async def skip_rest(self, connection: AsyncConnection, saga_id: str, reason: str) -> None:
        """What was never begun will not be."""
        statement = (
            update(saga_step)
            .where(saga_step.c.saga_id == saga_id, saga_step.c.state == StepState.PENDING)
            .values(state=StepState.SKIPPED, outcome={"reason": reason}, finished_at=self._clock.now())
        )
        await connection.execute(statement)

    async def reopen(self, connection: AsyncConnection, row: StepRow) -> bool:
        """A person has a step that ended badly tried again.

        Of one that is UNKNOWN it is kept when its first attempt was; of one that FAILED none had an effect.
        """
        begun = row.started_at if row.state is StepState.UNKNOWN else None
        return await self._set(connection, row, StepState.PENDING, outcome=None, finished_at=None, started_at=begun)

    async def complete(self, batch: Batch, saga_id: str) -> None:
        """End the saga when every step has ended: COMPLETED, or NEEDS_ATTENTION if one ended badly.

        Locks the saga first, so that of two steps that end at once the second sees the first.
        """
        if await self.hold(batch.connection, saga_id, SagaState.COMPLETING) is None:
            return
        rows = await batch.connection.execute(select(saga_step.c.state).where(saga_step.c.saga_id == saga_id))
        states = {StepState(state) for state in rows.scalars()}
        if states <= SETTLED:
            bad = states & {StepState.FAILED, StepState.UNKNOWN}
            if bad:
                await self.move(batch, saga_id, SagaState.NEEDS_ATTENTION, attention=Attention.STEP_FAILED)
            else:
                await self.move(batch, saga_id, SagaState.COMPLETED)

    async def _set(self, connection: AsyncConnection, row: StepRow, state: StepState, **values: Any) -> bool:
        statement = _step_move(state).values(**values)
        return (await connection.execute(statement, {"of": row.saga, "at": row.seq})).rowcount == 1


async def siblings(database: Database, saga_id: str, name: str) -> list[StepRow]:
    """Steps of this name of other sagas that may have had their effect while this one did: all that began a day before
    it, or later."""
    since = Ulids().next(ulid_time(saga_id) - _SIBLINGS)
    rows = await database.fetch(
        select(saga_step).where(saga_step.c.name == name, saga_step.c.saga_id >= since, saga_step.c.saga_id != saga_id)
    )
    return [_step(row) for row in rows]


def _is_one(column: ColumnElement[Any], states: Iterable[StrEnum]) -> ColumnElement[bool]:
    """Not IN, whose list is written into the statement anew each time."""
    return or_(false(), *(column == each for each in states))


# Built once: building a statement for each call, and finding it again among those compiled, costs more than running it.
_STEPS: Final = Prepared(select(saga_step).where(saga_step.c.saga_id == bindparam("of")).order_by(saga_step.c.seq))


@lru_cache
def _move(target: SagaState, source: SagaState | None) -> Prepared:
    allowed = saga_before(target) if source is None else (source,) if target in SAGA_MOVES[source] else ()
    return Prepared(
        update(saga)
        .where(saga.c.id == bindparam("of"), _is_one(saga.c.state, allowed))
        .values(state=target, attention=bindparam("why"), updated_at=bindparam("now"))
        .returning(saga.c.kind, saga.c.input)
    )


@lru_cache
def _hold(states: Sequence[SagaState]) -> Prepared:
    return Prepared(
        update(saga)
        .where(saga.c.id == bindparam("of"), _is_one(saga.c.state, states))
        .values(updated_at=bindparam("now"))
        .returning(saga.c.state)
    )


def _step_in(states: Iterable[StepState]) -> Update:
    return update(saga_step).where(
        saga_step.c.saga_id == bindparam("of"),
        saga_step.c.seq == bindparam("at"),
        _is_one(saga_step.c.state, states),
    )


def _step_move(state: StepState) -> Update:
    return _step_in(step_before(state)).values(state=state)


_NOW: Final = bindparam("now", type_=saga_step.c.started_at.type)
_ATTEMPTED: Final = _step_move(StepState.RUNNING).values(
    attempts=saga_step.c.attempts + 1, started_at=func.coalesce(saga_step.c.started_at, _NOW)
)
_AS_SEEN: Final = saga_step.c.attempts == bindparam("seen")
_ATTEMPT: Final = Prepared(_ATTEMPTED.where(_AS_SEEN))
_UNDER_WAY: Final = (StepState.PENDING, StepState.RUNNING)
_CALLED: Final = Prepared(_step_in(_UNDER_WAY).values(called_at=_NOW))
_HOLD_STEP: Final = Prepared(_step_in(_UNDER_WAY).where(_AS_SEEN).values(attempts=saga_step.c.attempts))
_NOTHING_HAPPENED: Final = Prepared(_step_in((StepState.RUNNING,)).where(_AS_SEEN).values(started_at=None))
_OF_SAGA: Final = [
    select(column).where(saga.c.id == bindparam("of")).scalar_subquery().label(column.key)
    for column in (saga.c.kind, saga.c.input)
]


_PROGRESS: Final = Prepared(
    _step_in(_UNDER_WAY)
    .values(progress_done=bindparam("done"), progress_total=bindparam("total"))
    .returning(saga_step.c.state, *_OF_SAGA)
)


@lru_cache
def _end(state: StepState, names: tuple[str, ...], as_seen: bool) -> Prepared:
    values: dict[str, Any] = {name: bindparam(f"{name}_") for name in names}
    moved = _step_move(state).where(_AS_SEEN) if as_seen else _step_move(state)
    return Prepared(moved.values(values).returning(*_OF_SAGA))


def _moved(
    saga_id: str,
    kind: str,
    state: SagaState,
    values: Mapping[str, Any] | None,
    at: datetime,
    *,
    reason: str | None = None,
) -> Fact:
    """A state of a transaction, as a fact: ``transaction.completed`` and so on."""
    whose = values or {}
    return Fact(
        kind=f"transaction.{state.lower()}",
        occurred_at=at,
        source="own",
        # It may come to one state more than once.
        source_key=f"{saga_id}:{at.isoformat()}",
        member=whose.get("member"),
        order_ref=whose.get("order"),
        reason=reason,
        payload={"transaction": saga_id, "kind": kind, "state": state},
    )


def _stands(
    saga_id: str, seq: int, name: str, state: StepState, kind: str, values: Mapping[str, Any] | None, at: datetime
) -> Fact:
    """Where a step stands, as a fact; as it is told when it has ended."""
    whose = values or {}
    return Fact(
        kind="transaction.step",
        occurred_at=at,
        source="own",
        source_key=f"{saga_id}:{seq}:{state}:{at.isoformat()}",
        member=whose.get("member"),
        order_ref=whose.get("order"),
        payload={"transaction": saga_id, "kind": kind, "step": name, "state": state},
    )


def _went_on(
    row: StepRow, state: StepState, kind: str, values: Mapping[str, Any] | None, at: datetime, progress: Progress
) -> Fact:
    """How far a step is, as a fact."""
    stands = _stands(row.saga, row.seq, row.name, state, kind, values, at)
    return replace(
        stands,
        kind="transaction.progress",
        # Whoever takes it over begins anew.
        source_key=f"{row.saga}:{row.seq}:{progress.done}:{at.isoformat()}",
        quantity=progress.done,
        payload={**stands.payload, "total": progress.total},
    )


def _saga(row: AnyRow) -> SagaRow:
    return SagaRow(
        row.id, row.kind, row.version, SagaState(row.state), row.input or None, row.principal,
        row.created_at, row.updated_at, row.deadline, Attention(row.attention) if row.attention else None,
    )  # fmt: skip


def _step(row: AnyRow) -> StepRow:
    version = row.intent["version"] if row.intent else 0
    return StepRow(
        row.saga_id, row.seq, row.name, version, row.tool, Kind(row.kind), StepState(row.state), row.key,
        row.intent, row.outcome, row.attempts, row.started_at, row.finished_at,
        None if row.progress_done is None else Progress(row.progress_done, row.progress_total), row.called_at,
    )  # fmt: skip
