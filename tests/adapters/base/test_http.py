"""The seam: what it repeats, what it never repeats, and what it tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.base.deadline import deadline
from adapters.base.endpoint import Endpoint, idempotent, once, read
from adapters.base.errors import (
    Fault,
    FaultTable,
    Malformed,
    NotFound,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unavailable,
    UpstreamError,
)
from adapters.base.http import ATTEMPTS, Breaker, Upstream
from adapters.base.transport import MaybeSent, NotSent, Request, Response, Unreadable
from gateway.runtime import CountingMeter
from tests.adapters.base.scripted import ScriptedTransport, Turn, ok
from tests.conftest import MakeRuntime

READ = read("thing_get")
KEYED = idempotent("thing_put", "number")
ONCE = once("thing_send")
URL = "https://platform.example/thing?access_token=verysecrettoken&id=1"


def text(response: Response) -> str:
    """Decodes an answer that must be 200 and UTF-8."""
    if response.status != 200:
        raise ValueError("not a 200")
    return response.body.decode()


Call = Callable[..., Awaitable[Any]]


def calling(
    make_runtime: MakeRuntime, turns: Sequence[Turn], **options: Any
) -> tuple[Upstream, ScriptedTransport, Call]:
    transport = ScriptedTransport(turns, seconds=options.pop("seconds", 0.0))
    concurrency = options.pop("concurrency", 32)
    upstream = Upstream(make_runtime(transport=transport, **options), "foo", "acct", concurrency=concurrency)

    async def call(endpoint: Endpoint, decode: Callable[[Response], Any] = text) -> Any:
        async def prepare() -> Request:
            return Request("GET", URL)

        return await upstream.call(endpoint, prepare, decode)

    return upstream, transport, call


async def test_a_good_answer_is_one_call(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [ok(b"hello")])
    assert await call(READ) == "hello"
    assert len(transport.requests) == 1


@pytest.mark.parametrize("endpoint", [READ, KEYED])
async def test_what_was_not_sent_is_repeated_where_declared(make_runtime: MakeRuntime, endpoint: Endpoint) -> None:
    _, transport, call = calling(make_runtime, [NotSent("refused"), NotSent("refused"), ok(b"late")])
    assert await call(endpoint) == "late"
    assert len(transport.requests) == 3


async def test_a_once_endpoint_is_never_repeated_even_when_nothing_was_sent(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [NotSent("refused"), ok()])
    with pytest.raises(Unavailable) as caught:
        await call(ONCE)
    assert caught.value.reason == "not_sent"
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("endpoint", "kind", "calls"),
    [(READ, Unavailable, ATTEMPTS), (KEYED, OutcomeUnknown, ATTEMPTS), (ONCE, OutcomeUnknown, 1)],
)
async def test_a_broken_answer(
    make_runtime: MakeRuntime, endpoint: Endpoint, kind: type[UpstreamError], calls: int
) -> None:
    _, transport, call = calling(make_runtime, [MaybeSent("reset")])
    with pytest.raises(kind) as caught:
        await call(endpoint)
    assert (caught.value.reason, caught.value.tool, caught.value.account) == ("broke_off", "foo", "acct")
    assert len(transport.requests) == calls


@pytest.mark.parametrize("later", [NotSent("refused"), ok(b"refused"), MaybeSent("reset")])
async def test_an_unknown_write_stays_unknown_whatever_its_repetition_says(
    make_runtime: MakeRuntime, later: Turn
) -> None:
    def decode(_: Response) -> str:
        raise RateLimited("foo", "slow_down", "Slower.", retry_after=60)

    _, transport, call = calling(make_runtime, [MaybeSent("reset"), later])
    with pytest.raises(OutcomeUnknown) as caught:
        await call(KEYED, decode)
    assert caught.value.reason == "broke_off"
    assert len(transport.requests) >= 2


async def test_a_repetition_that_succeeds_settles_an_unknown_write(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [MaybeSent("reset"), ok(b"done")])
    assert await call(KEYED) == "done"
    assert len(transport.requests) == 2


@pytest.mark.parametrize(("endpoint", "kind"), [(READ, Malformed), (KEYED, OutcomeUnknown), (ONCE, OutcomeUnknown)])
async def test_an_unreadable_answer(make_runtime: MakeRuntime, endpoint: Endpoint, kind: type[UpstreamError]) -> None:
    _, _, call = calling(make_runtime, [Response(200, {}, b"\xff\xfe not text")])
    with pytest.raises(kind) as caught:
        await call(endpoint)
    assert caught.value.reason == "unreadable"
    assert caught.value.__cause__ is None, "a cause would quote the platform's body in logs"


@pytest.mark.parametrize(("endpoint", "kind"), [(READ, Malformed), (KEYED, OutcomeUnknown), (ONCE, OutcomeUnknown)])
async def test_what_is_no_http_is_unreadable_too(
    make_runtime: MakeRuntime, endpoint: Endpoint, kind: type[UpstreamError]
) -> None:
    _, _, call = calling(make_runtime, [Unreadable("not HTTP")], retries=False)
    with pytest.raises(kind) as caught:
        await call(endpoint)
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize("error", [NotFound, Rejected, QuotaExhausted])
async def test_a_refusal_is_not_repeated(make_runtime: MakeRuntime, error: type[UpstreamError]) -> None:
    def refuse(_: Response) -> str:
        raise error("foo", "no", "No.")

    _, transport, call = calling(make_runtime, [ok()])
    with pytest.raises(error):
        await call(READ, refuse)
    assert len(transport.requests) == 1


async def test_a_short_wait_that_the_platform_names_is_waited(make_runtime: MakeRuntime) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    answers = iter([True, False])

    def decode(_: Response) -> str:
        if next(answers):
            raise RateLimited("foo", "slow_down", "Slower.", retry_after=1.5)
        return "done"

    _, _, call = calling(make_runtime, [ok()], sleep=sleep)
    assert await call(READ, decode) == "done"
    assert waits == [1.5]


async def test_a_long_wait_is_the_callers_business(make_runtime: MakeRuntime) -> None:
    def refuse(_: Response) -> str:
        raise RateLimited("foo", "slow_down", "Slower.", retry_after=60)

    _, transport, call = calling(make_runtime, [ok()])
    with pytest.raises(RateLimited) as caught:
        await call(READ, refuse)
    assert caught.value.retry_after == 60
    assert len(transport.requests) == 1


async def test_repetition_can_be_switched_off(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [NotSent("refused"), ok()], retries=False)
    with pytest.raises(Unavailable):
        await call(READ)
    assert len(transport.requests) == 1


async def test_a_call_gets_what_is_left_of_the_deadline(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [ok()])
    with deadline(2.0):
        await call(READ)
    await call(READ)
    assert 1.0 < transport.timeouts[0] <= 2.0
    assert transport.timeouts[1] == READ.timeout


async def test_no_call_is_made_after_the_deadline(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [ok()])
    with deadline(-1.0), pytest.raises(Unavailable) as caught:
        await call(ONCE)
    assert caught.value.reason == "deadline"
    assert transport.requests == []


async def test_an_inner_deadline_does_not_lengthen_the_outer(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [ok()])
    with deadline(1.0), deadline(60.0):
        await call(READ)
    assert transport.timeouts[0] <= 1.0


async def test_no_more_calls_at_once_than_allowed(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [ok(b"x")], concurrency=3, seconds=0.01)
    answers = await asyncio.gather(*(call(READ) for _ in range(12)))
    assert answers == ["x"] * 12
    assert transport.most_at_once == 3


async def test_who_finds_no_slot_in_time_is_told_so(make_runtime: MakeRuntime) -> None:
    _, transport, call = calling(make_runtime, [ok()], concurrency=1, seconds=0.3)
    first = asyncio.create_task(call(READ))
    await asyncio.sleep(0.02)
    with deadline(0.05), pytest.raises(Unavailable) as caught:
        await call(READ)
    assert caught.value.reason == "no_slot"
    await first
    assert len(transport.requests) == 1


async def test_the_breaker_opens_and_closes_again(make_runtime: MakeRuntime) -> None:
    upstream, transport, call = calling(make_runtime, [MaybeSent("reset")], retries=False)
    breaker = upstream.breaker("default")
    for _ in range(breaker.threshold):
        with pytest.raises(Unavailable):
            await call(READ)
    assert breaker.open
    with pytest.raises(Unavailable) as caught:
        await call(READ)
    assert caught.value.reason == "breaker_open"
    assert len(transport.requests) == breaker.threshold
    breaker.pause = 0.0
    transport.turns = [ok(b"back")]
    assert await call(READ) == "back"
    assert not breaker.open


async def test_families_break_apart(make_runtime: MakeRuntime) -> None:
    upstream, _, call = calling(make_runtime, [MaybeSent("reset")], retries=False)
    other = read("other_get", family="other")
    for _ in range(upstream.breaker("default").threshold):
        with pytest.raises(Unavailable):
            await call(READ)
    with pytest.raises(Unavailable) as caught:
        await call(other)
    assert caught.value.reason == "broke_off"


async def test_an_open_breaker_lets_one_probe_through() -> None:
    breaker = Breaker(threshold=1, pause=0.0)
    breaker.note(False)
    assert breaker.admit()
    assert not breaker.admit(), "a second call while the probe is under way"
    breaker.note(False)
    assert breaker.open
    assert breaker.admit()
    breaker.abandon()
    assert breaker.admit(), "an abandoned probe does not block the next"


async def test_every_attempt_is_metered(make_runtime: MakeRuntime) -> None:
    meter = CountingMeter()
    _, _, call = calling(make_runtime, [NotSent("refused"), ok()], meter=meter)
    await call(READ)
    assert meter.calls["foo"] == 2
    assert meter.endpoints == {("foo", "thing_get", "UNAVAILABLE"): 1, ("foo", "thing_get", "ok"): 1}


async def test_spent_quota_is_remembered_until_it_resets(make_runtime: MakeRuntime) -> None:
    resets_at = datetime(2027, 1, 1, tzinfo=UTC)

    def refuse(_: Response) -> str:
        raise QuotaExhausted("foo", "daily", "Spent.", resets_at=resets_at)

    upstream, transport, call = calling(make_runtime, [ok(b"again")])
    with pytest.raises(QuotaExhausted):
        await call(READ, refuse)
    with pytest.raises(QuotaExhausted) as caught:
        await call(READ)
    assert caught.value.resets_at == resets_at
    assert len(transport.requests) == 1
    upstream.runtime.clock.advance(timedelta(days=365))  # type: ignore[attr-defined] # the sandbox's clock
    assert await call(READ) == "again"


async def test_requests_are_prepared_anew_for_every_attempt(make_runtime: MakeRuntime) -> None:
    transport = ScriptedTransport([NotSent("refused"), ok()])
    upstream = Upstream(make_runtime(transport=transport), "foo", "acct")
    prepared = iter(range(10))

    async def prepare() -> Request:
        return Request("GET", f"https://platform.example/{next(prepared)}")

    await upstream.call(READ, prepare, text)
    assert [r.url[-1] for r in transport.requests] == ["0", "1"]


async def test_secrets_do_not_reach_the_log(make_runtime: MakeRuntime, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, _, call = calling(make_runtime, [NotSent("refused"), MaybeSent("reset"), Response(200, {}, b"\xff")])
    with pytest.raises(Malformed):
        await call(READ)
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("adapters"))
    assert ours.count("platform.example") >= 2
    assert "verysecrettoken" not in caplog.text


def test_requests_do_not_show_themselves() -> None:
    request = Request("GET", URL, {"Authorization": "Bearer verysecrettoken"}, b"verysecrettoken")
    assert "verysecrettoken" not in repr(request)


TABLE = FaultTable(
    "foo",
    {
        404: Fault(NotFound, "missing", "There is no such thing."),
        -1: Fault(Unavailable, "platform_busy", "Busy; repeat later."),
        -2: Fault(Unavailable, "turned_away", "Nothing was done; repeat later.", refused=True),
    },
)


@pytest.mark.parametrize(
    ("code", "writes", "kind", "reason"),
    [
        ("404", False, NotFound, "missing"),
        (-1, False, Unavailable, "platform_busy"),
        (-1, True, OutcomeUnknown, "platform_busy"),
        (-2, True, Unavailable, "turned_away"),
        (777, False, Rejected, "unknown_code"),
    ],
)
def test_fault_table(code: int | str, writes: bool, kind: type[UpstreamError], reason: str) -> None:
    error = TABLE.error(code, writes=writes, endpoint="thing_get", account="acct", request_id="rid-1")
    assert type(error) is kind
    assert (error.reason, error.upstream_code, error.endpoint, error.request_id) == (
        reason,
        str(code),
        "thing_get",
        "rid-1",
    )
