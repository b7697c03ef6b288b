"""Transactions that stall or that nobody could decide: what a person does about them, and what is answered then."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import msgspec
import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Rejected, Unavailable
from gateway.jobs import JobActive, Queue, RunningJob, State
from gateway.transactions.actions import AnyAction, Effect
from gateway.transactions.atomic import Atomic, Atomics
from gateway.transactions.runner import Runner
from gateway.transactions.states import SagaState
from gateway.transactions.steps import Registry, UnknownStep
from tests.gateway.atomic.desk import CALLER, Desk, Died, Platform, document, unknown
from tests.gateway.atomic.test_two_at_once import JobInCall, alone, given_up, much_later


def stalled(desk: Desk, platform: Platform, patch: pytest.MonkeyPatch) -> JobInCall:
    """The request stalls between its first commit and its next read: a job begins, and its call is under way."""
    job, steps = JobInCall(desk, platform), desk.log.steps

    async def slow(saga_id: str, connection: Any = None) -> Any:
        rows = await steps(saga_id, connection)
        if connection is None and not job.begun and rows and rows[-1].name != "test.tag":
            await job.begin()
        return await steps(saga_id, connection)

    patch.setattr(desk.log, "steps", slow)
    return job


@pytest.mark.parametrize("text", [alone("pay"), document("tag:a", "pay:b")], ids=["alone", "together"])
async def test_whoever_stalls_does_not_take_the_attempt_of_a_job_for_its_own(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    job, answers = stalled(desk, platform, monkeypatch), platform._raise

    def refuses(name: str) -> None:
        if name == "b" and job.waits:
            raise Rejected("enterprise_chat", "no", "No.")
        answers(name)

    monkeypatch.setattr(platform, "_raise", refuses)
    assert set(await desk.codes(text)) == {"TRANSACTION_IN_PROGRESS"}
    await job.ends()
    await much_later(desk)
    assert (set(await desk.codes(text)), platform.holds[-1]) == ({"Thing"}, "b")


async def test_whoever_stalls_does_not_begin_what_a_job_has_begun(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, text = stalled(desk, platform, monkeypatch), document("tag:a", "scatter:b")
    assert set(await desk.codes(text)) == {"TRANSACTION_IN_PROGRESS"}
    await job.ends()
    assert (platform.asked.count("b"), await desk.codes(text)) == (1, ["Thing", "Thing"])


async def test_a_call_that_may_be_on_its_way_is_asked_about_again(desk: Desk, platform: Platform) -> None:
    """The lease of a job runs out in its call, and the platform does not have it yet when the next one asks."""
    text = document("tag:a", "spread:b")
    with deadline(0.0):
        await desk.codes(text)
    other = Desk(desk.database, desk.clock, platform)

    async def on_its_way() -> None:
        platform.holds.remove("b")
        await other.later(minutes=0.6)
        platform.holds.append("b")

    platform.meanwhile["b"] = on_its_way
    await desk.later()
    await much_later(desk)
    assert (platform.holds, await desk.codes(text)) == (["a", "b"], ["Thing", "Thing"])


async def test_a_refusal_between_two_commits_of_a_job_is_not_the_last_word(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has moved the saga, and has not begun its attempt."""
    other = Desk(desk.database, desk.clock, platform)
    moved, goes_on = asyncio.Event(), asyncio.Event()
    jobs: list[asyncio.Task[None]] = []
    carry_on = Runner.carry_on

    async def waits(runner: Runner, job: Any) -> None:
        moved.set()
        await goes_on.wait()
        await carry_on(runner, job)

    async def in_request() -> None:
        platform.holds.remove("b")
        jobs.append(asyncio.create_task(other.later()))
        await moved.wait()
        raise Rejected("enterprise_chat", "no", "No.")

    monkeypatch.setattr(Runner, "carry_on", waits)
    platform.meanwhile["b"] = in_request
    assert await desk.codes(alone("pay")) == ["TRANSACTION_IN_PROGRESS"]
    goes_on.set()
    await jobs[0]
    assert (platform.holds, await desk.codes(alone("pay"))) == (["b"], ["Thing"])


async def test_a_try_that_failed_says_nothing_of_a_later_one(desk: Desk, platform: Platform) -> None:
    """Its key's window runs from the later one, which may have had its effect."""
    await desk.codes(document("tag:a", "mail:m"))
    other = Desk(desk.database, desk.clock, platform)
    platform.late.add("m")
    platform.raising["m"] = [Died()]

    async def meanwhile() -> None:
        platform.holds.remove("m")
        await other.later(minutes=30)
        raise Unavailable("enterprise_chat", "down", "Down.")

    platform.meanwhile["m"] = meanwhile
    await desk.later()
    [saga_id] = await desk.saga_ids()
    row = (await desk.log.steps(saga_id))[-1]
    assert (row.attempts, row.started_at is not None) == (2, True)


async def killed(desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch, text: str) -> Desk:
    """Another process, after the deciding job has killed its workers until it was given up."""
    with pytest.raises(Died):
        await desk.ask(text)
    other = Desk(desk.database, desk.clock, platform)

    async def dies(_all: Atomics, _saga: str) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(Atomics, "_why", dies)
        for _ in range(30):
            await other.later()
    assert [state for state, _ in await other.sagas()] == ["NEEDS_ATTENTION"]
    return other


ATTENTION = {
    "STEP_FAILED": (document("tag:a", "mail:m"), "m", "COMPLETED"),
    "UNDECIDED": (document("tag:a", "spread:b"), "prepare b", "COMPLETED"),
    "UNDO_FAILED": (document("tag:a", "tag:refused"), "undo a", "COMPENSATED"),
}


@pytest.mark.parametrize("why", ATTENTION)
async def test_a_person_who_answers_before_the_job_has_ended_is_heard(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    text, what, end = ATTENTION[why]
    call, answered = Runner.call_a_person, []

    async def and_is_answered_at_once(runner: Runner, job: RunningJob, code: str, saga_id: str, *args: Any) -> None:
        await call(runner, job, code, saga_id, *args)
        found = await desk.log.saga(saga_id)
        answered.append(found and found.attention)
        platform.raising.clear()
        await desk.attention.retry(CALLER, saga_id, "a release without the defect")

    monkeypatch.setattr(Runner, "call_a_person", and_is_answered_at_once)
    platform.raising[what] = [RuntimeError("a bug of ours") for _ in range(50)]
    with deadline(0.0):
        await desk.codes(text)
    for _ in range(40):
        await desk.later(minutes=120)
    assert (answered, [state for state, _ in await desk.sagas()]) == ([why], [end])


async def test_so_is_who_answers_for_two_jobs_before_the_second_has_ended(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one has called already."""
    call, calls = Runner.call_a_person, []

    async def and_the_second_is_answered(runner: Runner, job: RunningJob, code: str, saga_id: str, *args: Any) -> None:
        await call(runner, job, code, saga_id, *args)
        calls.append(job.id)
        if len(calls) == 2:
            await desk.attention.retry(CALLER, saga_id, "a release without the defect")

    monkeypatch.setattr(Runner, "call_a_person", and_the_second_is_answered)
    platform.raising = {each: [RuntimeError("a bug of ours") for _ in range(20)] for each in "mn"}
    await desk.codes(document("tag:a", "mail:m", "mail:n"))
    for _ in range(60):
        await desk.later(minutes=240)
    assert (len(set(calls)), await desk.sagas()) == (2, [("COMPLETED", ["DONE"] * 3)])


async def test_so_is_who_answers_a_job_that_knows_nothing_of_the_pivot(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    give, answered = Atomics.give_to_a_person, []

    async def and_is_answered_at_once(everything: Atomics, saga_id: str, job: RunningJob | None = None) -> None:
        await give(everything, saga_id, job)
        if not answered:
            answered.append(saga_id)
            await desk.attention.retry(CALLER, saga_id, "well again")

    monkeypatch.setattr(Atomics, "give_to_a_person", and_is_answered_at_once)
    platform.raising["b"] = [unknown(), unknown(), Rejected("enterprise_chat", "no", "No.")]
    await desk.codes(document("tag:a", "pay:b"))
    for _ in range(20):
        await desk.later(minutes=120)
    assert (len(answered), [state for state, _ in await desk.sagas()]) == (1, ["COMPLETED"])


async def test_a_parked_job_is_not_taken_up_beside_that_of_a_person(desk: Desk, platform: Platform) -> None:
    platform.raising = {"m": [RuntimeError("a bug of ours") for _ in range(20)]}
    await desk.codes(document("tag:a", "mail:m"))
    for _ in range(40):
        await desk.later(minutes=240)
    queue = Queue(desk.database, desk.clock)
    [parked] = await queue.list(state=State.PARKED)
    assert parked.error_code == "RuntimeError"
    [saga_id] = await desk.saga_ids()
    await desk.attention.retry(CALLER, saga_id, "a release without the defect")
    with pytest.raises(JobActive):
        await queue.retry(parked.id)


HALF = document("tag:a", "mail:m", "tag:c")


async def half(desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """As ``killed``; the first process died before it came to the third field of HALF."""
    append = Atomic._append

    async def dies_before(opened: Atomic, action: AnyAction, effect: Effect, key: str) -> Any:
        if opened._field == "c":
            raise Died
        return await append(opened, action, effect, key)

    with monkeypatch.context() as patched:
        patched.setattr(Atomic, "_append", dies_before)
        return await killed(desk, platform, monkeypatch, HALF)


async def test_half_of_a_transaction_is_not_completed_by_a_retry(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await half(desk, platform, monkeypatch)
    assert await other.codes(HALF) == ["OUTCOME_UNKNOWN"] * 3
    [saga_id] = await other.saga_ids()
    await other.attention.retry(CALLER, saga_id, "a release without the defect")
    await much_later(other)
    assert (platform.holds, await other.codes(HALF)) == ([], ["TRANSACTION_ROLLED_BACK"] * 3)


@pytest.mark.parametrize("goes", ["back", "forward"])
async def test_a_job_that_dies_after_it_has_decided_leaves_the_rest_to_the_others(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch, goes: str
) -> None:
    """In its last attempt: what it began to undo is undone, what it let through is done, and nobody is called."""
    text = document("tag:a", "mail:m", "tag:c" if goes == "back" else "pay:c")
    platform.raising["c"] = [Died()]
    with pytest.raises(Died):
        await desk.ask(text)
    other = Desk(desk.database, desk.clock, platform)
    decided, tries = Atomics._decided, [0]

    async def dies(everything: Atomics, saga_id: str, claim_id: str) -> bool:
        tries[0] += 1
        if tries[0] < 20:
            raise Died
        if await decided(everything, saga_id, claim_id):
            raise Died
        return False

    monkeypatch.setattr(Atomics, "_decided", dies)
    platform.raising |= {"undo a": [Died()], "m": [Unavailable("enterprise_chat", "down", "Down.", retry_after=7200)]}
    for _ in range(60):
        await other.later(minutes=5)
    assert tries == [20]
    assert [state for state, _ in await other.sagas()] == ["COMPENSATED" if goes == "back" else "COMPLETED"]


async def test_whoever_is_to_be_called_is_called_though_that_failed_once(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.raising["prepare b"] = [Died() for _ in range(100)]
    with pytest.raises(Died):
        await desk.ask(alone("spread"))
    other = Desk(desk.database, desk.clock, platform)
    call = Runner.call_a_person
    failed: list[int] = []

    async def breaks_once(runner: Runner, *args: Any) -> None:
        if not failed:
            failed.append(1)
            raise OSError("the database was away for a moment")
        await call(runner, *args)

    monkeypatch.setattr(Runner, "call_a_person", breaks_once)
    for _ in range(40):
        await other.later(minutes=120)
    assert (failed, await other.sagas()) == ([1], [("NEEDS_ATTENTION", ["PENDING"])])


@pytest.mark.parametrize(
    ("outcome", "told"),
    [(None, "OUTCOME_UNKNOWN"), (SagaState.COMPLETED, "RESOLVED"), (SagaState.COMPENSATED, "RESOLVED")],
)
async def test_what_is_answered_of_a_field_alone_that_was_given_up(
    desk: Desk, platform: Platform, outcome: SagaState | None, told: str
) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown() for _ in range(60)]
    saga_id = await given_up(desk, platform, alone("pay"), "ask b")
    if outcome is not None:
        await desk.attention.resolve(CALLER, saga_id, outcome, "seen at the platform")
    assert await desk.codes(alone("pay")) == [told]


async def test_what_ends_between_two_reads_is_answered_as_it_ended(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown(), unknown()]
    assert await desk.codes(alone("pay")) == ["TRANSACTION_IN_PROGRESS"]
    steps, other = desk.log.steps, Desk(desk.database, desk.clock, platform)

    async def and_then_the_job_ends_it(saga_id: str) -> Any:
        rows = await steps(saga_id)
        monkeypatch.setattr(desk.log, "steps", steps)
        await other.later()
        return rows

    monkeypatch.setattr(desk.log, "steps", and_then_the_job_ends_it)
    assert await desk.codes(alone("pay")) == ["Thing"]


async def test_a_field_that_was_never_come_to_is_answered_after_a_person_has_ended_it(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await half(desk, platform, monkeypatch)
    [saga_id] = await other.saga_ids()
    await other.attention.resolve(CALLER, saga_id, SagaState.COMPLETED, "done by hand")
    assert await other.codes(HALF) == ["Thing", "RESOLVED", "RESOLVED"]


async def test_a_person_ends_what_is_of_another_release(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = document("tag:a", "mail:m", "spread:b")
    saga_id = await given_up(desk, platform, text)
    find = Registry.find

    def unknown_to_this_one(registry: Registry, name: str, version: int) -> Any:
        if name in {"test.mail", "test.spread"}:
            raise UnknownStep(name)
        return find(registry, name, version)

    monkeypatch.setattr(Registry, "find", unknown_to_this_one)
    await desk.attention.resolve(CALLER, saga_id, SagaState.COMPENSATED, "nothing is to stay")
    assert [state for state, _ in await desk.sagas()] == ["COMPENSATED"]


async def test_what_is_answered_after_a_person_has_completed_it(desk: Desk, platform: Platform) -> None:
    text = document("tag:a", "mail:m", "spread:b")
    saga_id = await given_up(desk, platform, text)
    await desk.attention.resolve(CALLER, saga_id, SagaState.COMPLETED, "done by hand")
    assert await desk.codes(text) == ["Thing", "RESOLVED", "RESOLVED"]


async def test_what_is_answered_after_a_person_has_left_what_could_not_be_undone(
    desk: Desk, platform: Platform
) -> None:
    text = document("tag:a", "pay:b")
    platform.raising["b"] = [Rejected("enterprise_chat", "no", "No.")]
    platform.raising["undo a"] = [Rejected("enterprise_chat", "no", "No.") for _ in range(60)]
    await desk.codes(text)
    for _ in range(40):
        await desk.later(minutes=120)
    [saga_id] = await desk.saga_ids()
    await desk.attention.resolve(CALLER, saga_id, SagaState.COMPLETED, "it stays")
    assert await desk.codes(text) == ["RESOLVED", "RESOLVED"]


async def test_a_database_that_stays_away_after_the_effect_of_a_pivot(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = desk.log.steps
    away: list[int] = []

    async def breaks(*_: object) -> None:
        away.append(1)
        raise OSError("the database is away")

    async def reads(*args: Any) -> Any:
        if away:
            raise OSError("the database is away")
        return await steps(*args)

    text = document("tag:a", "hand:b")
    with monkeypatch.context() as patched:
        patched.setattr(Atomics, "finish", breaks)
        patched.setattr(desk.log, "steps", reads)
        assert await desk.codes(text) == ["TRANSACTION_IN_PROGRESS"] * 2
    await much_later(desk)
    assert (platform.holds, await desk.codes(text)) == (["a", "b"], ["Thing", "Thing"])


async def test_a_transaction_of_the_release_before_is_answered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It named its steps by the caller's key alone."""

    def as_it_was(opened: Atomic) -> str:
        named = msgspec.json.encode([opened._claim.scope, opened._claim.key, opened._field])
        return base64.b32encode(hashlib.sha256(named).digest())[:26].decode()

    text = document("tag:a")
    with monkeypatch.context() as patched:
        patched.setattr(Atomic, "_key", as_it_was)
        first = await desk.data(text)
    assert await desk.data(text) == first
