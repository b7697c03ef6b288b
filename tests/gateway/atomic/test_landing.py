"""A call whose answer was lost and that lands later: of what would be a second thing there is no second call before."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from adapters.base.errors import Rejected
from gateway.events.projector import Batch
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step
from tests.gateway.atomic.desk import CALLER, Desk, Died, Platform, Word, document, unknown
from tests.gateway.atomic.test_two_at_once import alone

ONE = alone("send")
MADE = alone("make")


@pytest.mark.parametrize("text", [ONE, MADE], ids=["pivot", "compensatable"])
@pytest.mark.parametrize("lands", [True, False])
async def test_what_is_not_there_may_still_land(any_desk: Desk, platform: Platform, text: str, *, lands: bool) -> None:
    platform.raising["b"] = [unknown()]
    assert await any_desk.codes(text) == ["TRANSACTION_IN_PROGRESS"]
    await any_desk.later(minutes=0.5)
    if lands:
        platform.holds.append("b")
    await any_desk.later()
    assert await any_desk.codes(text) == ["Thing"]
    assert (platform.holds, platform.asked.count("b")) == (["b"], 1 if lands else 2)


async def test_so_may_what_a_job_has_called_for(any_desk: Desk, platform: Platform) -> None:
    platform.raising["b"] = [unknown(), unknown()]
    await any_desk.codes(ONE)
    await any_desk.later()
    assert platform.asked.count("b") == 2
    for _ in range(10):
        await any_desk.later(minutes=0.09)
    assert platform.asked.count("b") == 2
    platform.holds.append("b")
    await any_desk.later()
    assert (await any_desk.codes(ONE), platform.holds, platform.asked.count("b")) == (["Thing"], ["b"], 2)


async def test_so_may_that_of_a_job_that_died_in_its_call(any_desk: Desk, platform: Platform) -> None:
    platform.raising["b"] = [unknown(), Died()]
    await any_desk.codes(ONE)
    await any_desk.later()
    other = Desk(any_desk.database, any_desk.clock, platform)
    await other.later(minutes=0.6)
    assert platform.asked.count("b") == 2
    await other.later()
    assert (await other.codes(ONE), platform.asked.count("b")) == (["Thing"], 3)


async def test_so_may_that_of_a_worker_that_was_stopped_in_its_call(any_desk: Desk, platform: Platform) -> None:
    platform.raising["b"] = [unknown()]
    await any_desk.codes(ONE)
    called = asyncio.Event()

    async def hangs() -> None:
        platform.holds.remove("b")
        called.set()
        await asyncio.Event().wait()

    platform.meanwhile["b"] = hangs
    any_desk.clock.advance(minutes=2)
    any_desk.worker.start()
    await asyncio.wait_for(called.wait(), 10)
    await any_desk.worker.stop(grace_seconds=0.01)
    other = Desk(any_desk.database, any_desk.clock, platform)
    await other.later(minutes=0.02)
    assert platform.asked.count("b") == 2
    platform.holds.append("b")
    await other.later()
    assert (await other.codes(ONE), platform.holds) == (["Thing"], ["b"])


async def test_so_may_what_a_person_has_called_for_again(desk: Desk, platform: Platform) -> None:
    platform.raising["b"] = [unknown() for _ in range(21)]
    await desk.codes(ONE)
    for _ in range(25):
        await desk.later(minutes=120)
    [saga_id] = await desk.saga_ids()
    platform.raising["b"] = [Died()]
    await desk.attention.retry(CALLER, saga_id, "once more")
    await desk.worker.drain()
    calls = platform.asked.count("b")
    await Desk(desk.database, desk.clock, platform).later(minutes=0.6)
    assert platform.asked.count("b") == calls


@pytest.mark.parametrize("text", [document("make:a", "tag:c"), alone("make", "a")], ids=["together", "alone"])
async def test_a_verdict_of_the_question_is_believed_when_it_cannot_land_any_more(
    desk: Desk, platform: Platform, text: str
) -> None:
    """Somebody else's has its code, and ours is not there: yet."""
    platform.raising = {"a": [unknown()], "ask a": [StepRefused("SPU_TAKEN", "Another has it.") for _ in range(2)]}
    assert set(await desk.codes(text)) == {"TRANSACTION_IN_PROGRESS"}
    platform.raising["ask a"] = []
    platform.holds.append("a")
    await desk.later()
    assert platform.holds == ([] if "tag" in text else ["a"])


async def test_what_the_answer_of_a_question_writes_is_not_written_of_what_goes(desk: Desk, platform: Platform) -> None:
    made, written = desk.atomics.actions["make"], []

    async def asks(ctx: StepContext, intent: Word) -> Word | None:
        async def follow(_batch: Batch) -> None:
            written.append("made")

        ctx.on_done.append(follow)
        return intent if intent.text in platform.holds else None

    registry = desk.atomics.runner._registry
    registry._steps[(made.step.name, made.step.version)] = dataclasses.replace(made.step, ask=asks)
    platform.late.add("a")
    platform.raising["a"] = [Died()]
    with pytest.raises(Died):
        await desk.ask(document("make:a"))
    await desk.later()
    assert (written, platform.holds, await desk.sagas()) == ([], [], [("COMPENSATED", ["UNDONE"])])


@pytest.mark.parametrize("lands", [True, False])
async def test_what_is_undone_may_land_while_it_is(any_desk: Desk, platform: Platform, *, lands: bool) -> None:
    platform.raising = {"a": [unknown()]}
    text = document("make:a", "tag:c")
    assert await any_desk.codes(text) == ["TRANSACTION_IN_PROGRESS"] * 2
    assert "undo a" not in platform.asked
    if lands:
        platform.holds.append("a")
    await any_desk.later()
    assert (await any_desk.codes(text), platform.holds) == (["TRANSACTION_ROLLED_BACK"] * 2, [])
    assert await any_desk.sagas() == [("COMPENSATED", ["UNDONE"])]


async def test_so_may_that_of_a_process_that_died(any_desk: Desk, platform: Platform) -> None:
    platform.raising = {"a": [Died()]}
    text = document("make:a")
    with pytest.raises(Died):
        await any_desk.ask(text)
    other = Desk(any_desk.database, any_desk.clock, platform)
    await other.later()
    assert (platform.holds, [state for state, _ in await other.sagas()]) == ([], ["COMPENSATED"])


async def test_what_the_platform_has_refused_does_not_land(any_desk: Desk, platform: Platform) -> None:
    platform.raising = {"a": [Rejected("enterprise_chat", "no", "No.")]}
    assert await any_desk.codes(document("make:a", "tag:c")) == ["TRANSACTION_ROLLED_BACK"] * 2
    assert await any_desk.sagas() == [("COMPENSATED", ["FAILED"])]


def test_only_of_what_can_be_asked_about_a_second_call_is_told_apart() -> None:
    async def call(_ctx: StepContext, intent: Word) -> Word:
        return intent

    with pytest.raises(TypeError, match="only of an askable one"):
        step(name="test.key", tool="enterprise_chat", kind=Kind.PIVOT, delivery=Delivery.KEYED, idempotent=False)(call)
