"""A step that prepares: what a request has no time for is done by a job, and a process that dies is taken over."""

from __future__ import annotations

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Unavailable
from gateway.transactions.records import Progress
from gateway.transactions.states import SagaState
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step
from tests.gateway.atomic.desk import CALLER, FIELDS, Desk, Died, Platform, Word, document, unknown

ALONE = f'mutation {{ b: spread(input: {{text: "b", idempotencyKey: "spread-0001"}}) {FIELDS} }}'
TOGETHER = document("tag:a", "mail:m", "spread:b")
#: The same step alone, and as the last one of several.
EITHER = pytest.mark.parametrize("text", [ALONE, TOGETHER], ids=["alone", "together"])


def done(text: str) -> list[str]:
    """What the platform did, in order."""
    return ["b"] if text == ALONE else ["a", "b", "m"]


@EITHER
async def test_what_a_request_has_no_time_for_a_job_does_at_once(any_desk: Desk, platform: Platform, text: str) -> None:
    with deadline(0.0):
        assert set(await any_desk.codes(text)) == {"TRANSACTION_IN_PROGRESS"}
    assert await any_desk.sagas() == [("RUNNING", ["PENDING"] if text == ALONE else ["DONE", "PENDING", "PENDING"])]
    await any_desk.later(minutes=0)
    assert set(await any_desk.codes(text)) == {"Thing"}
    # Nobody had to ask what became of it.
    assert platform.asked == ["a"] * (text == TOGETHER) + ["prepare b", "b"] + ["m"] * (text == TOGETHER)
    assert {state for state, _ in await any_desk.sagas()} == {"COMPLETED"}


@EITHER
async def test_a_process_that_dies_before_the_call_is_taken_over(any_desk: Desk, platform: Platform, text: str) -> None:
    platform.raising["prepare b"] = [Died(), Died()]
    with pytest.raises(Died):
        await any_desk.ask(text)
    other = Desk(any_desk.database, any_desk.clock, platform)
    # So is the one that took it over.
    await other.later()
    assert await other.progress() == [Progress(1, 2)]
    await other.later()
    assert set(await other.codes(text)) == {"Thing"}
    assert platform.holds == done(text)
    assert [each for each in platform.asked if each.endswith(" b") or each == "b"] == ["prepare b"] * 3 + ["b"]


@EITHER
async def test_after_the_call_began_it_is_asked_about(desk: Desk, platform: Platform, text: str) -> None:
    platform.late.add("b")
    platform.raising["b"] = [Died()]
    with pytest.raises(Died):
        await desk.ask(text)
    await Desk(desk.database, desk.clock, platform).later()
    assert set(await desk.codes(text)) == {"Thing"}
    assert platform.asked.count("b") == platform.asked.count("ask b") == 1


@EITHER
async def test_of_two_that_prepare_at_once_one_begins(any_desk: Desk, platform: Platform, text: str) -> None:
    """The other one dies right after it has begun: nobody may begin it a second time."""
    platform.late.add("b")
    platform.raising["b"] = [Died()]
    platform.meanwhile["prepare b"] = Desk(any_desk.database, any_desk.clock, platform).later
    assert set(await any_desk.codes(text)) == {"TRANSACTION_IN_PROGRESS"}
    assert (platform.asked.count("prepare b"), platform.asked.count("b")) == (2, 1)
    await any_desk.later()
    assert set(await any_desk.codes(text)) == {"Thing"}
    assert (platform.asked.count("b"), platform.holds) == (1, done(text))


@EITHER
async def test_what_another_has_begun_is_not_ended_by_a_refusal(any_desk: Desk, platform: Platform, text: str) -> None:
    """Nobody may be sent it any more, says this process; the other one has sent it, and died."""
    other = Desk(any_desk.database, any_desk.clock, platform)
    platform.late.add("b")
    platform.raising["b"] = [Died()]

    async def refused() -> None:
        await other.later()
        raise StepRefused("NOT_REACHABLE", "Nobody may be sent it.")

    platform.meanwhile["prepare b"] = refused
    assert set(await any_desk.codes(text)) == {"TRANSACTION_IN_PROGRESS"}
    await any_desk.later()
    assert set(await any_desk.codes(text)) == {"Thing"}
    assert (platform.asked.count("b"), platform.holds) == (1, done(text))


async def test_what_another_has_begun_is_asked_about_though_a_platform_was_away(desk: Desk, platform: Platform) -> None:
    """The job that prepares loses its lease; what fails in it says nothing of the call that was made elsewhere."""
    with deadline(0.0):
        await desk.codes(ALONE)
    other = Desk(desk.database, desk.clock, platform)
    platform.late.add("b")
    platform.raising["b"] = [Died()]

    async def away() -> None:
        await other.later(minutes=30)
        raise Unavailable("enterprise_chat", "down", "Down.")

    platform.meanwhile["prepare b"] = away
    await desk.later()
    assert platform.asked == ["prepare b", "prepare b", "b"]
    await desk.later(minutes=30)
    assert platform.asked == ["prepare b", "prepare b", "b", "ask b"]
    assert await desk.codes(ALONE) == ["Thing"]


async def test_what_another_has_begun_is_not_undone_when_nobody_knows_of_it(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one dies between two commits: the step is UNKNOWN, and no person has been called yet."""
    other = Desk(desk.database, desk.clock, platform)
    platform.late.add("b")
    platform.raising["b"] = [unknown()]

    async def dies(_saga: str) -> None:
        raise Died

    monkeypatch.setattr(other.atomics, "give_to_a_person", dies)

    async def tried() -> None:
        await other.later()
        await other.later(minutes=30)

    platform.meanwhile["prepare b"] = tried
    text = document("tag:a", "scatter:b")
    assert await desk.codes(text) == ["TRANSACTION_IN_PROGRESS"] * 2
    assert (platform.holds, await desk.sagas()) == (["a", "b"], [("RUNNING", ["DONE", "UNKNOWN"])])
    await desk.later(minutes=30)
    assert await desk.sagas() == [("NEEDS_ATTENTION", ["DONE", "UNKNOWN"])]


async def test_what_a_person_has_ended_does_not_begin(desk: Desk, platform: Platform) -> None:
    async def resolved() -> None:
        [saga_id] = await desk.saga_ids()
        await desk.atomics.give_to_a_person(saga_id)
        await desk.attention.resolve(CALLER, saga_id, SagaState.COMPLETED, "sent by hand")

    platform.meanwhile["prepare b"] = resolved
    await desk.data(TOGETHER)
    assert platform.asked == ["a", "prepare b"]
    assert await desk.sagas() == [("COMPLETED", ["DONE", "PENDING", "PENDING"])]


async def test_what_is_refused_in_the_job_undoes_the_others(desk: Desk, platform: Platform) -> None:
    with deadline(0.0):
        await desk.codes(TOGETHER)
    platform.raising["prepare b"] = [StepRefused("NOT_REACHABLE", "Nobody may be sent it.")]
    await desk.later()
    data = await desk.data(TOGETHER)
    assert {(each["code"], each["cause"]) for each in data.values()} == {("TRANSACTION_ROLLED_BACK", "NOT_REACHABLE")}
    assert (platform.holds, await desk.sagas()) == ([], [("COMPENSATED", ["UNDONE", "SKIPPED", "FAILED"])])


async def test_a_platform_that_is_away_is_called_again(desk: Desk, platform: Platform) -> None:
    with deadline(0.0):
        await desk.codes(TOGETHER)
    platform.raising["b"] = [Unavailable("enterprise_chat", "down", "Down.")]
    await desk.later()
    assert await desk.codes(TOGETHER) == ["IDEMPOTENCY_IN_FLIGHT"] * 3
    await desk.later()
    assert set(await desk.codes(TOGETHER)) == {"Thing"}
    assert [each for each in platform.asked if each.endswith("b")] == ["prepare b", "b"] * 2


async def test_a_lost_answer_in_the_job_is_asked_about(desk: Desk, platform: Platform) -> None:
    with deadline(0.0):
        await desk.codes(TOGETHER)
    platform.late.add("b")
    platform.raising["b"] = [unknown()]
    await desk.later()
    await desk.later()
    assert set(await desk.codes(TOGETHER)) == {"Thing"}
    assert platform.asked.count("b") == 1


def test_what_is_undone_begins_at_once() -> None:
    async def undo(_ctx: StepContext, _intent: Word, _outcome: Word | None) -> None:
        """Nothing."""

    async def do(ctx: StepContext, intent: Word) -> Word:
        await ctx.begin()
        return intent

    with pytest.raises(TypeError, match="cannot go on in a job"):
        step(name="t", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=undo, prepares=True)(do)
