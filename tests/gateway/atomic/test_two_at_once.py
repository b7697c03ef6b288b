"""Two processes at one transaction, or one that ends between two commits: what happened is not told otherwise."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Rejected, Unavailable
from gateway.database import Database
from gateway.transactions.actions import AnyAction, Effect, Planning
from gateway.transactions.atomic import Atomics
from gateway.transactions.runner import Runner
from gateway.transactions.states import SagaState
from gateway.transactions.steps import Delivery, Kind, StepRefused
from tests.databases import ManualClock
from tests.gateway.atomic.desk import CALLER, FIELDS, Desk, Died, Platform, Word, document, unknown


def alone(name: str, word: str = "b") -> str:
    """One field, without the directive."""
    return f'mutation {{ {word}: {name}(input: {{text: "{word}", idempotencyKey: "{name}-0001"}}) {FIELDS} }}'


async def much_later(desk: Desk) -> None:
    """Whatever was to be tried again is."""
    for _ in range(6):
        await desk.later(minutes=120)


class JobInCall:
    """A job of another process, which took this one for dead: its call of ``b`` waits for its answer."""

    def __init__(self, desk: Desk, platform: Platform) -> None:
        self._other = Desk(desk.database, desk.clock, platform)
        self._platform = platform
        self._called, self._ends = asyncio.Event(), asyncio.Event()
        self._job: asyncio.Task[None] | None = None

    @property
    def begun(self) -> bool:
        """The job was started."""
        return self._job is not None

    @property
    def waits(self) -> bool:
        """Its call is under way."""
        return self._called.is_set() and not self._ends.is_set()

    async def begin(self) -> None:
        """It comes as far as its call."""
        self._platform.meanwhile["b"] = self._in_job
        self._job = asyncio.create_task(self._other.later())
        await self._called.wait()

    async def _in_job(self) -> None:
        self._called.set()
        await self._ends.wait()

    async def ends(self) -> None:
        """The job hears its answer."""
        self._ends.set()
        assert self._job is not None
        await self._job


@pytest.mark.parametrize("text", [alone("pay"), document("tag:a", "pay:b")], ids=["alone", "together"])
async def test_a_refusal_says_nothing_of_the_call_that_another_makes(
    any_desk: Desk, platform: Platform, text: str
) -> None:
    job = JobInCall(any_desk, platform)

    async def in_request() -> None:
        platform.holds.remove("b")
        await job.begin()
        raise Rejected("enterprise_chat", "no", "No.")

    platform.meanwhile["b"] = in_request
    assert set(await any_desk.codes(text)) == {"TRANSACTION_IN_PROGRESS"}
    await job.ends()
    await much_later(any_desk)
    assert set(await any_desk.codes(text)) == {"Thing"}
    assert platform.holds[-1] == "b"


@pytest.mark.parametrize("field", ["hand", "pay", "ring", "spread"])
async def test_a_defect_after_the_effect_of_a_pivot_undoes_nothing(
    desk: Desk, platform: Platform, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    platform.late.add("b")
    platform.raising["b"] = [RuntimeError("a bug of ours")]
    text = document("tag:a", f"{field}:b")
    assert await desk.codes(text) == ["TRANSACTION_IN_PROGRESS"] * 2
    assert "failed in a resolver" in caplog.text
    await much_later(desk)
    assert platform.holds == ["a", "b"]
    told = ("NEEDS_ATTENTION", ["DONE", "UNKNOWN"]) if field == "ring" else ("COMPLETED", ["DONE", "DONE"])
    assert await desk.sagas() == [told]


async def test_a_defect_before_the_call_of_a_pivot_undoes_the_others(desk: Desk, platform: Platform) -> None:
    platform.raising["prepare b"] = [RuntimeError("a bug of ours")]
    data = await desk.data(document("tag:a", "spread:b"))
    assert {(each["code"], each["cause"]) for each in data.values()} == {("TRANSACTION_ROLLED_BACK", "INTERNAL")}
    assert (platform.holds, await desk.sagas()) == ([], [("COMPENSATED", ["UNDONE", "FAILED"])])


async def test_a_commit_that_fails_after_the_effect_of_a_pivot_undoes_nothing(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        raise OSError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(Atomics, "finish", breaks)
        assert await desk.codes(document("tag:a", "pay:b")) == ["TRANSACTION_IN_PROGRESS"] * 2
    await much_later(desk)
    assert (platform.holds, await desk.sagas()) == (["a", "b"], [("COMPLETED", ["DONE", "DONE"])])


async def test_a_refusal_after_a_job_has_taken_it_over_leaves_it_to_the_job(any_desk: Desk, platform: Platform) -> None:
    other = Desk(any_desk.database, any_desk.clock, platform)

    async def taken_over() -> None:
        # The job dies while it prepares, too.
        platform.raising["prepare b"] = [Died()]
        await other.later()
        raise StepRefused("NOT_REACHABLE", "Nobody may be sent it.")

    platform.meanwhile["prepare b"] = taken_over
    assert await any_desk.codes(alone("spread")) == ["TRANSACTION_IN_PROGRESS"]
    await much_later(any_desk)
    assert await any_desk.codes(alone("spread")) == ["Thing"]
    assert await any_desk.sagas() == [("COMPLETED", ["DONE"])]


async def test_a_person_is_called_though_the_process_died_right_after_it_knew_nothing(
    any_desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown()]
    deliver = Runner._deliver

    async def dies(*args: Any) -> object:
        try:
            return await deliver(*args)
        except Exception as error:
            raise Died from error

    with monkeypatch.context() as patched:
        patched.setattr(Runner, "_deliver", dies)
        with pytest.raises(Died):
            await any_desk.ask(alone("ring"))
    await much_later(any_desk)
    assert await any_desk.sagas() == [("NEEDS_ATTENTION", ["UNKNOWN"])]
    assert await any_desk.codes(alone("ring")) == ["OUTCOME_UNKNOWN"]


async def test_what_ends_while_a_slow_process_looks_is_answered(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, saga = JobInCall(desk, platform), desk.log.saga

    async def reads_and_then_it_ends(saga_id: str) -> Any:
        found = await saga(saga_id)
        if job.waits:
            await job.ends()
        return found

    platform.meanwhile["prepare b"] = job.begin
    monkeypatch.setattr(desk.log, "saga", reads_and_then_it_ends)
    text = document("tag:a", "spread:b")
    assert set(await desk.codes(text)) <= {"Thing", "TRANSACTION_IN_PROGRESS"}
    assert (await desk.codes(text), platform.holds) == (["Thing", "Thing"], ["a", "b"])


async def test_nothing_is_done_after_a_person_has_ended_it(desk: Desk, platform: Platform) -> None:
    """One field's job is given up, and the other one's platform has told to come back much later."""
    platform.raising["m"] = [RuntimeError("a bug of ours") for _ in range(20)]
    platform.raising["n"] = [Unavailable("enterprise_chat", "down", "Down.", retry_after=120 * 86400)]
    await desk.codes(document("tag:a", "mail:m", "mail:n"))
    for _ in range(60):
        await desk.later(minutes=240)
    assert await desk.sagas() == [("NEEDS_ATTENTION", ["DONE", "RUNNING", "RUNNING"])]
    [saga_id] = await desk.saga_ids()
    await desk.attention.resolve(CALLER, saga_id, SagaState.COMPENSATED, "nothing is to stay")
    tried = len(platform.asked)
    for _ in range(3):
        await desk.later(minutes=120 * 1440)
    assert (platform.asked[tried:], platform.holds) == ([], ["a"])


class Personal(Platform):
    """What is asked of it is the shopper's own."""

    def _action(self, name: str, kind: Kind, delivery: Delivery) -> AnyAction:
        made = super()._action(name, kind, delivery)

        async def plan(_planning: Planning, asked: Word) -> Effect:
            return Effect(asked, subject="member-1")

        return dataclasses.replace(made, step=dataclasses.replace(made.step, personal=True), plan=plan)


async def test_erasure_after_a_lost_answer_does_not_make_it_undone(
    sqlite_database: Database, clock: ManualClock
) -> None:
    platform = Personal()
    desk = Desk(sqlite_database, clock, platform)
    platform.late.add("b")
    platform.raising["b"] = [unknown(), unknown()]
    assert await desk.codes(alone("mail")) == ["TRANSACTION_IN_PROGRESS"]
    await desk.database.keyring.destroy("member-1")
    other = Desk(sqlite_database, clock, platform)
    await much_later(other)
    assert await other.sagas() == [("NEEDS_ATTENTION", ["UNKNOWN"])]
    assert await other.codes(alone("mail")) == ["OUTCOME_UNKNOWN"]


async def test_a_key_that_is_used_again_after_it_was_forgotten_names_other_effects(desk: Desk) -> None:
    text = document("tag:a")
    for _ in range(2):
        assert await desk.codes(text) == ["Thing"]
        await desk.later(minutes=8 * 1440)
    keys = {each.key for saga_id in await desk.saga_ids() for each in await desk.log.steps(saga_id)}
    assert len(keys) == len(await desk.saga_ids()) == 2


@pytest.mark.parametrize("text", [alone("spread"), document("tag:a", "spread:b")], ids=["alone", "together"])
async def test_a_person_is_called_where_a_job_kills_its_workers(desk: Desk, platform: Platform, text: str) -> None:
    platform.raising["prepare b"] = [Died() for _ in range(100)]
    with pytest.raises(Died):
        await desk.ask(text)
    other = Desk(desk.database, desk.clock, platform)
    for _ in range(25):
        await other.later(minutes=120)
    assert (await other.sagas())[0][0] == "NEEDS_ATTENTION"
    platform.raising.clear()
    [saga_id] = await other.saga_ids()
    await other.attention.retry(CALLER, saga_id, "a release without the defect")
    await other.later()
    assert (set(await other.codes(text)), platform.holds[-1]) == ({"Thing"}, "b")


async def given_up(desk: Desk, platform: Platform, text: str, what: str = "b") -> str:
    """The platform is away until nobody tries any more; the transaction."""
    with deadline(0.0):
        await desk.codes(text)
    platform.raising[what] = [Unavailable("enterprise_chat", "down", "Down.") for _ in range(50)]
    for _ in range(30):
        await desk.later(minutes=120)
    platform.raising.clear()
    assert (await desk.sagas())[0][0] == "NEEDS_ATTENTION"
    [saga_id] = await desk.saga_ids()
    return saga_id


async def test_a_pivot_whose_platform_was_away_for_long_is_tried_again_by_a_person(
    any_desk: Desk, platform: Platform
) -> None:
    text = document("tag:a", "mail:m", "spread:b")
    saga_id = await given_up(any_desk, platform, text)
    # Also of the one that would be done after it nobody says that it will be.
    assert await any_desk.codes(text) == ["OUTCOME_UNKNOWN"] * 3
    await any_desk.attention.retry(CALLER, saga_id, "well again")
    await any_desk.later()
    assert (platform.holds, await any_desk.codes(text)) == (["a", "b", "m"], ["Thing"] * 3)


async def test_a_pivot_that_can_be_asked_about_again_is(desk: Desk, platform: Platform) -> None:
    """Its call arrived, and then its platform could not be asked for long."""
    platform.late.add("b")
    platform.raising = {"b": [unknown()], "ask b": [Unavailable("enterprise_chat", "down", "Down.") for _ in range(50)]}
    text = document("tag:a", "mail:m", "hand:b")
    saga_id = await given_up(desk, platform, text, "ask b")
    await desk.attention.retry(CALLER, saga_id, "well again")
    await desk.later()
    assert (platform.holds, platform.asked.count("b")) == (["a", "b", "m"], 1)


async def test_a_person_says_what_became_of_a_pivot(desk: Desk, platform: Platform) -> None:
    text = document("tag:a", "mail:m", "spread:b")
    saga_id = await given_up(desk, platform, text)
    await desk.attention.resolve(CALLER, saga_id, SagaState.COMPENSATED, "nothing is to stay")
    data = await desk.data(text)
    assert {(each["code"], each["cause"]) for each in data.values()} == {("TRANSACTION_ROLLED_BACK", "RESOLVED")}


async def test_a_pivot_alone_that_was_refused_in_a_job_is_tried_again_by_a_person(
    desk: Desk, platform: Platform
) -> None:
    with deadline(0.0):
        await desk.codes(alone("spread"))
    platform.raising["b"] = [Rejected("enterprise_chat", "quota", "No.")]
    await desk.later()
    assert await desk.sagas() == [("NEEDS_ATTENTION", ["FAILED"])]
    [saga_id] = await desk.saga_ids()
    await desk.attention.retry(CALLER, saga_id, "bought more of it")
    await desk.later()
    assert (platform.holds, await desk.codes(alone("spread"))) == (["b"], ["Thing"])


async def test_what_nobody_knows_is_answered_the_same_again(desk: Desk, platform: Platform) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown()]
    text = document("tag:a", "mail:m", "ring:b")
    assert await desk.codes(text) == await desk.codes(text) == ["OUTCOME_UNKNOWN"] * 3
