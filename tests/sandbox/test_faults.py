"""Each kind of misbehaviour, as a client sees it, and what the journal says of it."""

from __future__ import annotations

import pytest

from sandbox.clock import SandboxClock
from sandbox.faults import ConnectionCut, FaultKind, Faults, Faulty
from sandbox.journal import Journal
from tests.sandbox.conftest import BODY, Stand, Till


def _journal(stand: Stand) -> list[tuple[str, str, int, str]]:
    return [(call.platform, call.endpoint, call.status, call.fault) for call in stand.journal.calls]


async def test_without_a_fault_the_platform_answers(stand: Stand) -> None:
    answer = await stand.ask()
    assert (answer.status, answer.body) == (200, BODY)
    assert stand.till.handled == ["POST /pay"]
    assert _journal(stand) == [("till", "POST /pay", 200, "")]


@pytest.mark.parametrize(
    ("kind", "value", "status", "body", "handled"),
    [
        ("latency", 0.01, 200, BODY, True),
        ("status", 503, 503, b"", False),
        ("status", 429, 429, b"", False),
        ("html", 0, 502, b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", False),
        ("truncate", 0, 200, BODY[: len(BODY) // 2], True),
        ("garbage", 0, 200, b"\xff\x00<", True),
        ("code", "45009", 200, BODY, True),
    ],
)
async def test_an_answer_that_is_not_the_platforms(
    stand: Stand, kind: FaultKind, value: float | str, status: int, body: bytes, handled: bool
) -> None:
    stand.faults.add("till", kind, value=value)

    answer = await stand.ask()

    assert (answer.status, answer.body) == (status, body)
    # A shortened body is a complete answer: its length is told as it is.
    assert answer.headers["content-length"] == str(len(body))
    assert stand.till.handled == (["POST /pay"] if handled else [])
    assert stand.till.codes == ([value if kind == "code" else None] if handled else [])
    assert _journal(stand) == [("till", "POST /pay", status, kind)]


@pytest.mark.parametrize(("kind", "handled"), [("reset_before", False), ("reset_after", True)])
async def test_the_connection_is_cut_before_or_after_the_effect(stand: Stand, kind: FaultKind, handled: bool) -> None:
    stand.faults.add("till", kind)

    # Either the reset itself, or the end of the stream where it comes between two reads.
    with pytest.raises((ConnectionResetError, ValueError)):
        await stand.ask()

    assert stand.till.handled == (["POST /pay"] if handled else [])
    assert _journal(stand) == [("till", "POST /pay", 0, kind)]


async def test_a_platform_that_hangs_answers_nobody_and_does_not_hold_up_its_end(stand: Stand) -> None:
    stand.faults.add("till", "hang", calls=(1,))
    with pytest.raises(TimeoutError):
        await stand.ask(seconds=0.05)
    assert (await stand.ask()).status == 200
    assert stand.till.handled == ["POST /pay"]
    assert sorted(_journal(stand)) == [("till", "POST /pay", 0, "hang"), ("till", "POST /pay", 200, "")]


async def test_a_spoilt_204_has_a_body_of_its_own(stand: Stand) -> None:
    stand.till.status = 204
    stand.faults.add("till", "garbage", calls=(1,))
    first, second = await stand.ask(), await stand.ask()
    assert (first.status, first.body) == (200, b"\xff\x00<")
    assert (second.status, second.body) == (204, b"")


async def test_only_the_matching_calls_are_hit(stand: Stand) -> None:
    rule = stand.faults.add("till", "status", endpoint="POST /pay/*", value=500, calls=(2, 3))
    stand.faults.add("another", "status", value=418)

    paths = ["/pay/1", "/other", "/pay/2", "/pay/3", "/pay/4"]
    statuses = [(await stand.ask(path)).status for path in paths]
    statuses.append((await stand.ask("/pay/5", method="GET")).status)

    assert statuses == [200, 200, 500, 500, 200, 200]
    assert rule.seen == 4
    stand.faults.clear()
    assert (await stand.ask("/pay/2")).status == 200


async def test_rules_work_together(stand: Stand) -> None:
    """Slow, and then cut off after the effect: the worst of both."""
    stand.faults.add("*", "latency", value=0.01)
    stand.faults.add("till", "reset_after")
    with pytest.raises((ConnectionResetError, ValueError)):
        await stand.ask()
    assert stand.till.handled == ["POST /pay"]
    assert _journal(stand) == [("till", "POST /pay", 0, "latency,reset_after")]


async def test_in_process_a_cut_is_an_exception() -> None:
    """Without a socket there is nothing to cut, and silence would look like success."""
    till, faults, journal = Till(), Faults(), Journal()
    faults.add("till", "reset_before")

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: object) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "GET", "path": "/"}
    with pytest.raises(ConnectionCut):
        await Faulty("till", till, faults, journal, SandboxClock())(scope, receive, send)
    assert till.handled == []
    assert [call.status for call in journal.calls] == [0]
