"""The runner itself, with steps made up for the purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from adapters.base.errors import OutcomeUnknown, Rejected, Unavailable
from gateway.access.principal import Principal
from gateway.database import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.sagas import saga, saga_step
from gateway.events.projector import Batch, Projector
from gateway.jobs import Handlers, Queue, State, Worker
from gateway.members.gate import Gate
from gateway.members.graph import IdentityGraph
from gateway.runtime import OpenTools, Quotas
from gateway.runtime.counts import SqlCounts
from gateway.settings import Reach
from gateway.transactions.attention import AttentionDesk
from gateway.transactions.log import Planned, SagaLog
from gateway.transactions.runner import Runner
from gateway.transactions.states import SagaState
from gateway.transactions.steps import (
    AnyStep,
    Delivery,
    Kind,
    Registry,
    StepContext,
    StepRefused,
    StepSkipped,
    UnknownStep,
    step,
)
from tests.databases import ManualClock

HQ = Principal("hq", "hq", frozenset({"operations"}))


class Word(msgspec.Struct, frozen=True):
    """Any intent and any outcome."""

    text: str


def unknown() -> OutcomeUnknown:
    return OutcomeUnknown("payments", "broke_off", "The connection ended.")


class Stage:
    """A runner, what its steps did, and what they are to raise."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.clock = clock
        self.database = database
        self.did: list[str] = []
        #: name of a step → what its next attempts raise, after the effect.
        self.raising: dict[str, list[Exception]] = {}
        self.happened: set[str] = set()
        self.projector = Projector(database, IdentityGraph(database, clock), clock, "op")
        self.queue = Queue(database, clock)
        self.log = SagaLog(database, clock)

    def step(self, name: str, kind: Kind, delivery: Delivery = Delivery.KEYED, **more: object) -> AnyStep:
        async def ask(_ctx: StepContext, intent: Word) -> Word | None:
            self.did.append(f"ask {name}")
            return Word(f"asked {intent.text}") if name in self.happened else None

        async def undo(_ctx: StepContext, intent: Word, outcome: Word | None) -> None:
            self.did.append(f"undo {name} {outcome.text if outcome else None}")
            del intent
            self._raise(f"undo {name}")

        async def run(_ctx: StepContext, intent: Word) -> Word:
            self.did.append(name)
            self._raise(name)
            return Word(f"did {intent.text}")

        run.__annotations__ = {"_ctx": StepContext, "intent": Word, "return": Word}
        more.setdefault("tool", "payments")
        if kind is Kind.COMPENSATABLE:
            more["undo"] = undo
        if delivery is Delivery.ASKABLE:
            more["ask"] = ask
        return step(name=name, kind=kind, delivery=delivery, **more)(run)  # type: ignore[arg-type]

    def _raise(self, name: str) -> None:
        if self.raising.get(name):
            raise self.raising[name].pop(0)

    def runner(self, steps: Sequence[AnyStep]) -> Runner:
        tools = OpenTools({}, {}, Quotas(self.clock, {}, SqlCounts(self.database)))
        return Runner(self.log, Registry(steps), self.projector, self.queue, tools, Gate(self.projector, Reach()))

    async def begin(self, steps: Sequence[AnyStep]) -> Runner:
        runner = self.runner(steps)
        async with self.projector.batch() as batch:
            await self.log.begin(
                batch, "S", "test", [Planned(each, Word(each.name)) for each in steps],
                principal="p", subject="nobody", values={}, deadline=self.clock.now() + timedelta(hours=1),
            )  # fmt: skip
        return runner

    async def forward(self, runner: Runner, target: SagaState = SagaState.AWAITING_PAYMENT) -> object:
        async def finish(batch: Batch) -> None:
            await self.log.move(batch, "S", target)
            if target is SagaState.COMPLETING:
                await runner.enqueue_rest(batch, await self.log.steps("S"))

        return await runner.forward("S", finish)

    async def drain(self, runner: Runner, rounds: int = 1) -> None:
        handlers = Handlers()
        runner.register(handlers)
        worker = Worker(self.queue, handlers, clock=self.clock)
        for _ in range(rounds):
            await worker.drain()
            self.clock.advance(hours=1)

    def desk(self, runner: Runner) -> AttentionDesk:
        return AttentionDesk(self.log, runner, self.projector, self.queue, self.clock)

    async def states(self) -> tuple[str, list[str]]:
        found = await self.log.saga("S")
        assert found is not None
        return found.state.value, [each.state.value for each in await self.log.steps("S")]


@pytest.fixture
def stage(database: Database, clock: ManualClock) -> Stage:
    return Stage(database, clock)


def first_two_and(stage: Stage, last: AnyStep) -> tuple[AnyStep, ...]:
    return stage.step("one", Kind.COMPENSATABLE), stage.step("two", Kind.COMPENSATABLE), last


async def test_intents_come_first_and_outcomes_are_kept(stage: Stage) -> None:
    runner = await stage.begin(first_two_and(stage, stage.step("three", Kind.COMPENSATABLE)))
    assert await stage.states() == ("RUNNING", ["PENDING"] * 3)
    assert [each.intent(Word).text for each in await stage.log.steps("S")] == ["one", "two", "three"]
    assert await stage.forward(runner) is None
    assert stage.did == ["one", "two", "three"]
    assert await stage.states() == ("AWAITING_PAYMENT", ["DONE"] * 3)
    rows = await stage.log.steps("S")
    assert [each.outcome(Word).text for each in rows] == ["did one", "did two", "did three"]
    assert [each.attempts for each in rows] == [1, 1, 1]


@pytest.mark.parametrize("failing", ["one", "two", "three"])
async def test_what_came_before_a_failure_is_undone_in_reverse(stage: Stage, failing: str) -> None:
    runner = await stage.begin(first_two_and(stage, stage.step("three", Kind.COMPENSATABLE)))
    names = ["one", "two", "three"]
    before = names[: names.index(failing)]
    stage.raising[failing] = [Rejected("payments", "no", "No.")]
    failure = await stage.forward(runner)
    assert isinstance(failure, Rejected)
    assert stage.did == [*before, failing, *(f"undo {name} did {name}" for name in reversed(before))]
    after = ["SKIPPED"] * (2 - len(before))
    assert await stage.states() == ("COMPENSATED", ["UNDONE"] * len(before) + ["FAILED"] + after)
    assert await runner.compensate("S") is False


async def test_keyed_and_unknown_is_repeated_and_then_undone_too(stage: Stage) -> None:
    runner = await stage.begin(first_two_and(stage, stage.step("three", Kind.COMPENSATABLE)))
    stage.raising["two"] = [unknown(), unknown()]
    assert isinstance(await stage.forward(runner), OutcomeUnknown)
    assert stage.did == ["one", "two", "two", "undo two None", "undo one did one"]
    assert await stage.states() == ("COMPENSATED", ["UNDONE", "UNDONE", "SKIPPED"])


async def test_askable_and_unknown_is_asked(stage: Stage) -> None:
    last = stage.step("ask me", Kind.COMPENSATABLE, Delivery.ASKABLE)
    runner = await stage.begin(first_two_and(stage, last))
    stage.raising["ask me"], stage.happened = [unknown()], {"ask me"}
    assert await stage.forward(runner) is None
    assert stage.did == ["one", "two", "ask me", "ask ask me"]
    assert (await stage.log.steps("S"))[2].outcome(Word).text == "asked ask me"


async def test_askable_that_did_not_happen_is_done_again(stage: Stage) -> None:
    last = stage.step("ask me", Kind.COMPENSATABLE, Delivery.ASKABLE)
    runner = await stage.begin(first_two_and(stage, last))
    stage.raising["ask me"] = [unknown()]
    assert await stage.forward(runner) is None
    assert stage.did == ["one", "two", "ask me", "ask ask me", "ask me"]


async def test_once_and_unknown_is_never_repeated_and_stays_visible(stage: Stage) -> None:
    runner = await stage.begin(
        (stage.step("one", Kind.COMPENSATABLE), stage.step("once", Kind.RETRIABLE, Delivery.ONCE))
    )
    stage.raising["once"] = [unknown()]
    assert await stage.forward(runner, SagaState.COMPLETING) is None
    await stage.drain(runner, rounds=3)
    assert stage.did == ["one", "once"]
    assert await stage.states() == ("NEEDS_ATTENTION", ["DONE", "UNKNOWN"])


async def test_once_after_a_crash_in_its_attempt_is_not_repeated(stage: Stage) -> None:
    runner = await stage.begin(
        (stage.step("one", Kind.COMPENSATABLE), stage.step("once", Kind.RETRIABLE, Delivery.ONCE))
    )
    await stage.forward(runner, SagaState.COMPLETING)
    async with stage.database.write() as connection:
        await stage.log.attempt(connection, (await stage.log.steps("S"))[1])
    await stage.drain(runner)
    assert stage.did == ["one"]
    assert await stage.states() == ("NEEDS_ATTENTION", ["DONE", "UNKNOWN"])


async def test_once_that_certainly_did_not_happen_is_repeated(stage: Stage) -> None:
    runner = await stage.begin(
        (stage.step("one", Kind.COMPENSATABLE), stage.step("once", Kind.RETRIABLE, Delivery.ONCE))
    )
    stage.raising["once"] = [Unavailable("payments", "not_sent", "Nothing was sent.")]
    await stage.forward(runner, SagaState.COMPLETING)
    await stage.drain(runner, rounds=2)
    assert stage.did == ["one", "once", "once"]
    assert await stage.states() == ("COMPLETED", ["DONE", "DONE"])


async def test_a_retriable_step_is_tried_until_it_ends_badly(stage: Stage) -> None:
    runner = await stage.begin((stage.step("one", Kind.COMPENSATABLE), stage.step("last", Kind.RETRIABLE)))
    stage.raising["last"] = [unknown() for _ in range(100)]
    await stage.forward(runner, SagaState.COMPLETING)
    await stage.drain(runner, rounds=25)
    assert stage.did == ["one", *["last"] * 20]
    assert await stage.states() == ("NEEDS_ATTENTION", ["DONE", "UNKNOWN"])
    assert await stage.queue.list(state=State.PARKED) == []


@pytest.mark.parametrize(
    ("error", "state", "saga"),
    [
        (StepSkipped("NOT_NOW"), "SKIPPED", "COMPLETED"),
        (StepRefused("NO", "No."), "FAILED", "NEEDS_ATTENTION"),
        (Rejected("payments", "no", "No."), "FAILED", "NEEDS_ATTENTION"),
    ],
)
async def test_other_ends_of_a_retriable_step(stage: Stage, error: Exception, state: str, saga: str) -> None:
    runner = await stage.begin((stage.step("one", Kind.COMPENSATABLE), stage.step("last", Kind.RETRIABLE)))
    stage.raising["last"] = [error]
    await stage.forward(runner, SagaState.COMPLETING)
    await stage.drain(runner)
    assert stage.did == ["one", "last"]
    assert await stage.states() == (saga, ["DONE", state])


async def test_a_step_of_another_release_parks_and_is_done_after_the_upgrade(stage: Stage) -> None:
    runner = await stage.begin((stage.step("one", Kind.COMPENSATABLE), stage.step("last", Kind.RETRIABLE, version=2)))
    await stage.forward(runner, SagaState.COMPLETING)
    older = stage.runner((stage.step("one", Kind.COMPENSATABLE), stage.step("last", Kind.RETRIABLE)))
    await stage.drain(older)
    [parked] = await stage.queue.list(state=State.PARKED)
    assert parked.error_code == "UNKNOWN_STEP"
    assert await stage.states() == ("NEEDS_ATTENTION", ["DONE", "PENDING"])
    await stage.desk(runner).retry(HQ, "S", "the release is here")
    await stage.drain(runner)
    assert stage.did == ["one", "last"]
    assert await stage.states() == ("COMPLETED", ["DONE", "DONE"])


async def test_sagas_in_flight_are_finished_by_the_code_of_their_own_version(stage: Stage) -> None:
    """The new release brings version 2 of a step and keeps version 1 for what was begun before it."""
    one, old = stage.step("one", Kind.COMPENSATABLE), stage.step("last", Kind.RETRIABLE)
    before = await stage.begin((one, old))
    await stage.forward(before, SagaState.COMPLETING)
    ran: list[int] = []

    async def run_old(_ctx: StepContext, intent: Word) -> Word:
        ran.append(1)
        return intent

    async def run_new(_ctx: StepContext, intent: Word) -> Word:
        ran.append(2)
        return intent

    after = stage.runner((one, replace(old, run=run_old), replace(old, version=2, run=run_new)))
    await stage.drain(after)
    assert ran == [1]
    assert await stage.states() == ("COMPLETED", ["DONE", "DONE"])


async def test_a_failed_step_is_run_again_when_a_person_says_so(stage: Stage) -> None:
    runner = await stage.begin((stage.step("one", Kind.COMPENSATABLE), stage.step("last", Kind.RETRIABLE)))
    stage.raising["last"] = [Rejected("payments", "not_enough", "No money.")]
    await stage.forward(runner, SagaState.COMPLETING)
    await stage.drain(runner)
    assert await stage.states() == ("NEEDS_ATTENTION", ["DONE", "FAILED"])
    await stage.desk(runner).retry(HQ, "S", "funded")
    with pytest.raises(StepRefused, match="COMPLETING"):
        await stage.desk(runner).retry(HQ, "S", "again")
    await stage.drain(runner)
    assert await stage.states() == ("COMPLETED", ["DONE", "DONE"])
    rows = await stage.database.fetch(select(fact.c.kind, fact.c.payload))
    assert Counter(row.kind for row in rows) == {
        "transaction.running": 1,
        "transaction.completing": 2,
        "transaction.needs_attention": 1,
        "transaction.retried": 1,
        "transaction.completed": 1,
        "transaction.step": 3,
    }
    [told] = [row.payload for row in rows if row.kind == "transaction.retried"]
    assert told == {"transaction": "S", "kind": "test", "by": "hq", "because": "funded"}


@pytest.mark.parametrize(
    ("delivery", "window"), [(Delivery.ONCE, None), (Delivery.KEYED, timedelta(minutes=9))], ids=["once", "windowed"]
)
async def test_a_failed_step_did_nothing_and_is_run_again_however_it_is_delivered(
    stage: Stage, delivery: Delivery, window: timedelta | None
) -> None:
    last = stage.step("last", Kind.RETRIABLE, delivery, window=window)
    runner = await stage.begin((stage.step("one", Kind.COMPENSATABLE), last))
    stage.raising["last"] = [Rejected("payments", "not_enough", "No money.")]
    await stage.forward(runner, SagaState.COMPLETING)
    await stage.drain(runner)
    await stage.desk(runner).retry(HQ, "S", "funded")
    await stage.drain(runner)
    assert await stage.states() == ("COMPLETED", ["DONE", "DONE"])


async def test_what_may_have_happened_once_is_not_repeated_by_anybody(stage: Stage) -> None:
    last = stage.step("last", Kind.RETRIABLE, Delivery.ONCE)
    runner = await stage.begin((stage.step("one", Kind.COMPENSATABLE), last))
    stage.raising["last"] = [unknown()]
    await stage.forward(runner, SagaState.COMPLETING)
    await stage.drain(runner)
    assert await stage.states() == ("NEEDS_ATTENTION", ["DONE", "UNKNOWN"])
    with pytest.raises(StepRefused) as refused:
        await stage.desk(runner).retry(HQ, "S", "try")
    assert refused.value.code == "TRANSACTION_NOT_RETRYABLE"
    await stage.drain(runner)
    assert stage.did == ["one", "last"]
    await stage.desk(runner).resolve(HQ, "S", SagaState.COMPLETED, "it had arrived")
    assert await stage.states() == ("COMPLETED", ["DONE", "UNKNOWN"])
    with pytest.raises(StepRefused) as refused:
        await stage.desk(runner).resolve(HQ, "S", SagaState.COMPENSATED, "no")
    assert refused.value.code == "TRANSACTION_SETTLED"


async def test_the_database_refuses_states_that_nobody_knows(stage: Stage) -> None:
    await stage.begin((stage.step("one", Kind.COMPENSATABLE),))
    for table, where, values in (
        (saga, saga.c.id == "S", {"state": "DONE"}),
        (saga, saga.c.id == "S", {"state": "NEEDS_ATTENTION"}),
        (saga_step, saga_step.c.saga_id == "S", {"state": "COMPLETED"}),
        (saga_step, saga_step.c.saga_id == "S", {"delivery": "TWICE"}),
    ):
        with pytest.raises(IntegrityError):
            async with stage.database.write() as connection:
                await connection.execute(update(table).where(where).values(**values))
    for each in SagaState:
        reason = "STEP_FAILED" if each is SagaState.NEEDS_ATTENTION else None
        async with stage.database.write() as connection:
            await connection.execute(update(saga).where(saga.c.id == "S").values(state=each, attention=reason))


async def test_a_bug_in_a_step_undoes_by_a_job_and_is_raised(stage: Stage) -> None:
    runner = await stage.begin(first_two_and(stage, stage.step("three", Kind.COMPENSATABLE)))
    stage.raising["three"] = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        await stage.forward(runner)
    await stage.drain(runner)
    assert stage.did == ["one", "two", "three", "undo three None", "undo two did two", "undo one did one"]
    assert (await stage.states())[0] == "COMPENSATED"


async def test_an_undo_that_never_succeeds_needs_attention(stage: Stage) -> None:
    runner = await stage.begin(first_two_and(stage, stage.step("three", Kind.COMPENSATABLE)))
    stage.raising["three"] = [Rejected("payments", "no", "No.")]
    stage.raising["undo two"] = [unknown() for _ in range(100)]
    await stage.forward(runner)
    assert await stage.states() == ("COMPENSATING", ["DONE", "DONE", "FAILED"])
    await stage.drain(runner, rounds=25)
    assert await stage.states() == ("NEEDS_ATTENTION", ["DONE", "DONE", "FAILED"])


async def test_own_book_steps_see_no_platform_and_tool_steps_no_transaction(stage: Stage) -> None:
    ctx = StepContext("S", None, stage.projector, stage.clock.now(), Gate(stage.projector, Reach()))
    with pytest.raises(RuntimeError, match="must not call a platform"):
        _ = ctx.tools
    with pytest.raises(RuntimeError, match="no transaction"):
        _ = ctx.batch


def test_declarations_that_cannot_work_are_refused(stage: Stage) -> None:
    with pytest.raises(TypeError, match="give undo"):
        step(name="x", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED)
    with pytest.raises(TypeError, match="give ask"):
        step(name="x", kind=Kind.RETRIABLE, delivery=Delivery.ASKABLE)
    one = stage.step("one", Kind.COMPENSATABLE)
    assert (one.intent, one.outcome, one.version) == (Word, Word, 1)
    with pytest.raises(ValueError, match="declared twice"):
        Registry([one, one])
    with pytest.raises(UnknownStep):
        Registry([one]).find("one", 2)
