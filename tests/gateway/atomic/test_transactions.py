"""All fields or none: forward, back, queued, unknown, repeated, and by a process that dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from adapters.base.errors import Rejected, Unavailable
from gateway.access.principal import Principal
from gateway.runtime import ToolNotConfigured
from gateway.transactions.atomic import Atomic, Atomics
from gateway.transactions.states import SagaState
from gateway.transactions.steps import StepRefused
from tests.gateway.atomic.desk import CALLER, FIELDS, Desk, Died, Platform, document, unknown


def rejected() -> Rejected:
    return Rejected("enterprise_chat", "not_friend", "No.")


def unavailable() -> Unavailable:
    return Unavailable("enterprise_chat", "down", "Down.")


def not_configured() -> ToolNotConfigured:
    return ToolNotConfigured("enterprise_chat")


def refused() -> StepRefused:
    return StepRefused("NOT_REACHABLE", "Not now.")


async def test_all_fields_are_answered_when_all_have_happened(any_desk: Desk) -> None:
    data = await any_desk.data(document("tag:a", "tag:b", "hand:c"))
    assert data == {
        word: {"__typename": "Thing", "name": word, "standing": ["a", "b", "c"]} for word in ("a", "b", "c")
    }
    assert await any_desk.sagas() == [("COMPLETED", ["DONE"] * 3)]


async def test_a_failure_undoes_in_reverse_and_every_field_says_which(any_desk: Desk, platform: Platform) -> None:
    platform.raising["c"] = [rejected()]
    data = await any_desk.data(document("tag:a", "tag:b", "tag:c", "tag:d"))
    assert list(data) == ["a", "b", "c", "d"]
    for each in data.values():
        assert (each["code"], each["failedField"], each["cause"]) == ("TRANSACTION_ROLLED_BACK", "c", "REJECTED")
        assert each["transactionId"]
    assert platform.asked == ["a", "b", "c", "undo b", "undo a"]
    assert platform.holds == []
    assert await any_desk.sagas() == [("COMPENSATED", ["UNDONE", "UNDONE", "FAILED"])]


@pytest.mark.parametrize(
    ("word", "cause"), [("refused", "NOT_REACHABLE"), ("bug", "INTERNAL")], ids=["a problem", "an error"]
)
async def test_problems_and_errors_of_a_field_are_failures(
    desk: Desk, platform: Platform, word: str, cause: str
) -> None:
    data = await desk.data(document("tag:a", f"tag:{word}"))
    assert {(each["code"], each["failedField"], each["cause"]) for each in data.values()} == {
        ("TRANSACTION_ROLLED_BACK", word, cause)
    }
    assert platform.holds == []


async def test_what_fails_before_anything_happened_leaves_the_key_free(desk: Desk, platform: Platform) -> None:
    [answer] = (await desk.data(document("tag:refused"))).values()
    assert (answer["code"], answer["transactionId"]) == ("TRANSACTION_ROLLED_BACK", None)
    assert await desk.sagas() == []
    assert await desk.codes(document("tag:a")) == ["Thing"]
    assert platform.holds == ["a"]


async def test_retriable_fields_are_done_after_the_others(desk: Desk, platform: Platform) -> None:
    data = await desk.data(document("mail:m", "tag:a", "hand:b"))
    assert [data["m"]["code"], data["a"]["__typename"], data["b"]["__typename"]] == ["QUEUED", "Thing", "Thing"]
    assert data["m"]["transactionId"]
    assert platform.asked == ["a", "b"]
    assert await desk.sagas() == [("COMPLETING", ["PENDING", "DONE", "DONE"])]

    await desk.worker.drain()

    assert platform.asked == ["a", "b", "m"]
    assert await desk.sagas() == [("COMPLETED", ["DONE"] * 3)]
    # Whoever asks again hears how it ended.
    assert await desk.codes(document("mail:m", "tag:a", "hand:b")) == ["Thing"] * 3
    assert platform.asked == ["a", "b", "m"]


async def test_a_failure_leaves_retriable_fields_undone(desk: Desk, platform: Platform) -> None:
    platform.raising["b"] = [rejected()]
    assert await desk.codes(document("tag:a", "mail:m", "hand:b")) == ["TRANSACTION_ROLLED_BACK"] * 3
    await desk.later()
    assert platform.asked == ["a", "b", "undo a"]
    assert await desk.sagas() == [("COMPENSATED", ["UNDONE", "SKIPPED", "FAILED"])]


async def test_an_undo_that_is_not_let_through_goes_on_as_a_job(desk: Desk, platform: Platform) -> None:
    platform.raising = {"b": [rejected()], "undo a": [unavailable()]}
    data = await desk.data(document("tag:a", "tag:b"))
    assert {(each["code"], each["failedField"]) for each in data.values()} == {("TRANSACTION_IN_PROGRESS", "b")}
    assert platform.holds == ["a"]

    await desk.later()

    assert platform.holds == []
    assert await desk.codes(document("tag:a", "tag:b")) == ["TRANSACTION_ROLLED_BACK"] * 2


async def test_an_undo_that_takes_longer_than_the_request_has(desk: Desk, platform: Platform) -> None:
    hurried = Desk(desk.database, desk.clock, platform, deadline=0.0)
    platform.raising["b"] = [rejected()]
    platform.slow["a"] = asyncio.Event()
    assert await hurried.codes(document("tag:a", "tag:b")) == ["TRANSACTION_IN_PROGRESS"] * 2
    platform.slow["a"].set()
    await hurried.atomics.drain()
    assert platform.holds == []
    assert await hurried.codes(document("tag:a", "tag:b")) == ["TRANSACTION_ROLLED_BACK"] * 2


async def test_the_same_request_again_is_answered_by_what_it_did(desk: Desk, platform: Platform) -> None:
    text = document("tag:a", "hand:b")
    first = await desk.data(text)
    # Laid out in another way, it is the same request.
    assert await desk.data(text.replace(" ", "  ")) == first
    assert platform.asked == ["a", "b"]
    assert await desk.codes(document("tag:a", "hand:other")) == ["IDEMPOTENCY_MISMATCH"] * 2
    assert await desk.codes(document("tag:a", "hand:b", key="key-00002")) == ["Thing"] * 2
    assert len(await desk.sagas()) == 2


async def test_other_variables_are_another_request(desk: Desk) -> None:
    text = f'mutation ($t: String!) @atomic(key: "key-00001") {{ a: tag(input: {{text: $t}}) {FIELDS} }}'
    assert await desk.codes(text, {"t": "x"}) == ["Thing"]
    assert await desk.codes(text, {"t": "x"}) == ["Thing"]
    assert await desk.codes(text, {"t": "y"}) == ["IDEMPOTENCY_MISMATCH"]


async def test_a_key_is_the_callers_own(desk: Desk) -> None:
    await desk.codes(document("tag:a"))
    other = await desk.ask(document("tag:b"), principal=Principal("other", "hq", frozenset()))
    assert other.data is not None
    assert other.data["b"]["__typename"] == "Thing"


async def test_a_rolled_back_request_again_is_answered_the_same(desk: Desk, platform: Platform) -> None:
    platform.raising["b"] = [rejected()]
    first = await desk.data(document("tag:a", "tag:b"))
    assert await desk.data(document("tag:a", "tag:b")) == first
    assert platform.asked == ["a", "b", "undo a"]


async def test_while_it_runs_the_answer_is_in_flight(desk: Desk, platform: Platform) -> None:
    text = document("tag:a", "tag:b")
    platform.raising["b"] = [Died()]
    with pytest.raises(Died):
        await desk.ask(text)
    assert await desk.codes(text) == ["IDEMPOTENCY_IN_FLIGHT"] * 2
    assert platform.asked == ["a", "b"]


async def test_one_key_at_once_is_one_transaction(any_desk: Desk, platform: Platform) -> None:
    text = document("tag:a", "tag:b")
    answers = await asyncio.gather(*(any_desk.codes(text) for _ in range(6)))
    assert ["Thing", "Thing"] in answers
    assert {code for codes in answers for code in codes} == {"IDEMPOTENCY_IN_FLIGHT", "Thing"}
    assert platform.asked.count("a") == platform.asked.count("b") == 1
    assert len(await any_desk.sagas()) == 1


@pytest.mark.parametrize("happened", [True, False])
async def test_a_pivot_of_which_nobody_knows_is_found_out(desk: Desk, platform: Platform, happened: bool) -> None:
    platform.raising["b"] = [unknown(), unknown()]
    text = document("tag:a", "mail:m", "hand:b")
    data = await desk.data(text)
    assert {each["code"] for each in data.values()} == {"TRANSACTION_IN_PROGRESS"}
    assert platform.holds == ["a"]
    if happened:
        platform.holds.append("b")

    await desk.later()

    if happened:
        assert await desk.codes(text) == ["Thing"] * 3
        assert platform.holds == ["a", "b", "m"]
    else:
        assert await desk.codes(text) == ["TRANSACTION_ROLLED_BACK"] * 3
        assert platform.holds == []


async def test_a_pivot_under_a_key_is_repeated(desk: Desk, platform: Platform) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown(), unknown()]
    text = document("tag:a", "pay:b")
    assert await desk.codes(text) == ["TRANSACTION_IN_PROGRESS"] * 2
    await desk.later()
    assert await desk.codes(text) == ["Thing"] * 2
    assert await desk.sagas() == [("COMPLETED", ["DONE", "DONE"])]


async def test_a_once_pivot_of_which_nobody_knows_needs_a_person(desk: Desk, platform: Platform) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown()]
    data = await desk.data(document("tag:a", "mail:m", "ring:b"))
    assert {each["code"] for each in data.values()} == {"OUTCOME_UNKNOWN"}
    await desk.later()
    # Nothing is undone, since it may have happened, and nothing more is done.
    assert platform.asked == ["a", "b"]
    assert await desk.sagas() == [("NEEDS_ATTENTION", ["DONE", "PENDING", "UNKNOWN"])]


async def test_what_waits_for_a_pivot_is_not_tried_while_nobody_knows_of_the_pivot(
    desk: Desk, platform: Platform
) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown()]
    text = document("tag:a", "mail:m", "ring:b")
    await desk.codes(text)
    [saga_id] = await desk.saga_ids()
    with pytest.raises(StepRefused) as refused:
        await desk.attention.retry(CALLER, saga_id, "let us see")
    assert refused.value.code == "TRANSACTION_NOT_RETRYABLE"
    await desk.later()
    assert platform.asked == ["a", "b"]
    await desk.attention.resolve(CALLER, saga_id, SagaState.COMPLETED, "it rang")
    assert await desk.codes(text) == ["Thing", "RESOLVED", "RESOLVED"]
    assert platform.asked == ["a", "b"]


async def test_what_a_person_has_undone_again(desk: Desk, platform: Platform) -> None:
    platform.raising = {"b": [rejected()], "undo a": [rejected() for _ in range(25)]}
    text = document("tag:a", "tag:b")
    await desk.codes(text)
    for _ in range(25):
        await desk.later(minutes=6 * 60)
    assert await desk.sagas() == [("NEEDS_ATTENTION", ["DONE", "FAILED"])]
    assert await desk.codes(text) == ["OUTCOME_UNKNOWN"] * 2
    platform.raising.clear()
    [saga_id] = await desk.saga_ids()
    await desk.attention.retry(CALLER, saga_id, "the platform is well again")
    await desk.later()
    assert platform.holds == []
    assert await desk.codes(text) == ["TRANSACTION_ROLLED_BACK"] * 2


@pytest.mark.parametrize("late", [False, True], ids=["before the effect", "after the effect"])
@pytest.mark.parametrize("word", ["a", "b", "c"])
async def test_a_process_that_dies_has_its_transaction_undone(
    any_desk: Desk, platform: Platform, word: str, late: bool
) -> None:
    platform.raising[word] = [Died()]
    if late:
        platform.late.add(word)
    text = document("tag:a", "mail:m", "tag:b", "tag:c")
    with pytest.raises(Died):
        await any_desk.ask(text)

    other = Desk(any_desk.database, any_desk.clock, platform)
    await other.later(minutes=1)
    assert [state for state, _ in await other.sagas()] == ["RUNNING"], "its time was not over yet"
    await other.later()

    assert platform.holds == []
    assert "m" not in platform.asked
    [(state, steps)] = await other.sagas()
    assert state == "COMPENSATED"
    assert set(steps) <= {"UNDONE", "SKIPPED"}
    data = await other.data(text)
    assert {(each["code"], each["cause"]) for each in data.values()} == {("TRANSACTION_ROLLED_BACK", "INTERRUPTED")}


@pytest.mark.parametrize("late", [False, True], ids=["before the effect", "after the effect"])
async def test_a_process_that_dies_at_the_pivot(desk: Desk, platform: Platform, late: bool) -> None:
    platform.raising["b"] = [Died()]
    if late:
        platform.late.add("b")
    text = document("tag:a", "mail:m", "hand:b")
    with pytest.raises(Died):
        await desk.ask(text)
    other = Desk(desk.database, desk.clock, platform)
    await other.later()
    assert platform.holds == (["a", "b", "m"] if late else [])
    assert await other.codes(text) == (["Thing"] * 3 if late else ["TRANSACTION_ROLLED_BACK"] * 3)


#: What is done after a lost answer, and what comes of that. A refused question is a verdict: see below.
_ERRORS: tuple[Callable[[], Exception], ...] = (unavailable, rejected, unknown, not_configured)
LOST = [*((field, then) for field in ("hand", "pay", "spread") for then in _ERRORS), ("pay", refused)]


@pytest.mark.parametrize(("field", "then"), LOST, ids=lambda each: getattr(each, "__name__", each))
async def test_after_a_lost_answer_what_cannot_be_asked_or_repeated_is_not_undone(
    desk: Desk, platform: Platform, field: str, then: Callable[[], Exception]
) -> None:
    """It has happened: what is refused now, the question or the repetition, does not speak of it."""
    platform.late.add("b")
    platform.raising = {"b": [unknown(), then()]} if field == "pay" else {"b": [unknown()], "ask b": [then()]}
    text = document("tag:a", f"{field}:b")
    assert await desk.codes(text) == ["TRANSACTION_IN_PROGRESS"] * 2
    assert await desk.sagas() == [("RUNNING", ["DONE", "RUNNING"])]
    await desk.later()
    assert await desk.codes(text) == ["Thing"] * 2
    assert platform.holds == ["a", "b"]


@pytest.mark.parametrize("field", ["hand", "spread"])
async def test_after_a_lost_answer_the_platforms_verdict_undoes_the_others(
    desk: Desk, platform: Platform, field: str
) -> None:
    platform.raising = {"b": [unknown()], "ask b": [StepRefused("CLOSED", "It was closed meanwhile.")]}
    text = document("tag:a", f"{field}:b")
    data = await desk.data(text)
    assert {(each["code"], each["cause"]) for each in data.values()} == {("TRANSACTION_ROLLED_BACK", "CLOSED")}
    assert (platform.holds, await desk.sagas()) == ([], [("COMPENSATED", ["UNDONE", "FAILED"])])


async def test_a_lost_answer_of_what_can_be_undone_is_undone(desk: Desk, platform: Platform) -> None:
    platform.late.add("a")
    platform.raising = {"a": [unknown(), rejected()]}
    data = await desk.data(document("tag:a", "hand:b"))
    assert {(each["code"], each["cause"]) for each in data.values()} == {("TRANSACTION_ROLLED_BACK", "REJECTED")}
    assert (platform.holds, await desk.sagas()) == ([], [("COMPENSATED", ["UNDONE"])])


async def test_a_pivot_that_will_not_happen_by_its_platforms_word(desk: Desk, platform: Platform) -> None:
    platform.raising = {"b": [Died()], "ask b": [StepRefused("CLOSED", "It was closed meanwhile.")]}
    text = document("tag:a", "hand:b")
    with pytest.raises(Died):
        await desk.ask(text)
    await Desk(desk.database, desk.clock, platform).later()
    assert platform.holds == []
    assert await desk.sagas() == [("COMPENSATED", ["UNDONE", "FAILED"])]
    assert await desk.codes(text) == ["TRANSACTION_ROLLED_BACK"] * 2


async def test_a_process_that_dies_before_the_last_commit(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(Atomics, "finish", die)
        with pytest.raises(Died):
            await desk.ask(document("tag:a", "tag:b"))
    assert platform.holds == ["a", "b"]
    await Desk(desk.database, desk.clock, platform).later()
    assert platform.holds == []
    assert await desk.sagas() == [("COMPENSATED", ["UNDONE", "UNDONE"])]


async def test_a_refused_repetition_of_a_pivot_does_not_say_that_it_did_not_happen(
    desk: Desk, platform: Platform
) -> None:
    platform.late.add("b")
    platform.raising["b"] = [unknown(), unknown(), rejected()]
    await desk.codes(document("tag:a", "pay:b"))
    await desk.later()
    assert platform.holds == ["a", "b"]
    assert await desk.sagas() == [("NEEDS_ATTENTION", ["DONE", "UNKNOWN"])]


async def test_a_pivot_that_cannot_be_asked_about_now_is_asked_about_later(desk: Desk, platform: Platform) -> None:
    platform.late.add("b")
    platform.raising = {"b": [unknown(), unknown(), unavailable()]}
    text = document("tag:a", "pay:b")
    await desk.codes(text)
    await desk.later()
    assert await desk.codes(text) == ["IDEMPOTENCY_IN_FLIGHT"] * 2
    await desk.later(minutes=60)
    assert await desk.codes(text) == ["Thing"] * 2


async def test_a_process_that_was_taken_for_dead_at_the_pivot(desk: Desk, platform: Platform) -> None:
    other = Desk(desk.database, desk.clock, platform)
    platform.meanwhile["b"] = other.later
    assert await desk.codes(document("tag:a", "hand:b")) == ["Thing"] * 2
    assert platform.holds == ["a", "b"]
    assert await desk.sagas() == [("COMPLETED", ["DONE"] * 2)]


async def test_a_process_that_was_taken_for_dead_before(desk: Desk, platform: Platform) -> None:
    other = Desk(desk.database, desk.clock, platform)
    platform.meanwhile["b"] = other.later
    text = document("tag:a", "tag:b", "tag:c")
    first = await desk.data(text)
    assert {(each["code"], each["cause"]) for each in first.values()} == {("TRANSACTION_ROLLED_BACK", "INTERRUPTED")}
    assert platform.holds == []
    assert await other.data(text) == first


async def test_a_process_that_was_taken_for_dead_at_the_end(
    desk: Desk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = Atomic.complete

    async def late(self: Atomic) -> None:
        await Desk(desk.database, desk.clock, platform).later()
        await complete(self)

    monkeypatch.setattr(Atomic, "complete", late)
    assert await desk.codes(document("tag:a", "mail:m")) == ["TRANSACTION_ROLLED_BACK"] * 2
    assert platform.holds == []
    await desk.later()
    assert platform.asked == ["a", "undo a"]


async def test_without_the_directive_fields_are_what_they_were(desk: Desk, platform: Platform) -> None:
    platform.raising["b"] = [rejected()]
    one, two = (f'{word}: tag(input: {{text: "{word}", idempotencyKey: "key-{word}-001"}}) {FIELDS}' for word in "ab")
    assert await desk.codes(f"mutation {{ {one} {two} }}") == ["Thing", "REJECTED"]
    assert platform.holds == ["a"]
