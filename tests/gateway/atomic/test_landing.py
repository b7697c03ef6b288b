"""A call whose answer was lost and that lands later: of what would be a second thing there is no second call before."""

from __future__ import annotations

import pytest

from adapters.base.errors import Rejected
from gateway.transactions.steps import Delivery, Kind, StepContext, step
from tests.gateway.atomic.desk import Desk, Died, Platform, Word, document, unknown
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
