"""What an answer's status, body and errcode become."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from adapters.base.endpoint import once, read
from adapters.base.errors import (
    Fault,
    FaultTable,
    NotFound,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    UpstreamError,
)
from adapters.base.transport import Response
from adapters.wechat.envelope import Envelope, decode, next_midnight, request_id
from adapters.wechat.faults import APP_ROWS, TOKEN_ROWS

TABLE = FaultTable("any_tool", {**APP_ROWS, 40003: Fault(NotFound, "openid_unknown", "No such openid.")})
READ, WRITE = read("list_things"), once("make_thing")


class Things(msgspec.Struct):
    things: list[str]


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 11, 15, 59, tzinfo=UTC)


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status, {}, body)


def refused(body: bytes, status: int = 200, *, write: bool = False) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        decode(answer(body, status), Things, TABLE, WRITE if write else READ, "wx1", clock=Noon())
    return caught.value


@pytest.mark.parametrize(
    "body",
    [b'{"things":["a"]}', b'{"errcode":0,"things":["a"],"new":1}', b'\n{"errcode":"0","things":["a"]}'],
)
def test_success_with_and_without_errcode(body: bytes) -> None:
    assert decode(answer(body), Things, TABLE, READ, "wx1") == Things(["a"])


def test_the_outcome_alone() -> None:
    assert decode(answer(b'{"errcode":0,"errmsg":"ok"}'), Envelope, TABLE, READ, "wx1").errcode == 0


def test_an_errcode_becomes_its_row_and_keeps_the_trace_id_but_not_the_text() -> None:
    error = refused(b'{"errcode":40003,"errmsg":"invalid openid oABC rid: 66b092c6-59489d30-3f991c4d"}')
    assert type(error) is NotFound
    assert (error.reason, error.upstream_code) == ("openid_unknown", "40003")
    assert (error.endpoint, error.account) == ("list_things", "wx1")
    assert error.request_id == "66b092c6-59489d30-3f991c4d"
    assert "oABC" not in str(error)


def test_errcode_as_text_and_one_that_nobody_knows() -> None:
    assert type(refused(b'{"errcode":"48001"}')) is Unauthorized
    unknown = refused(b'{"errcode":987654,"errmsg":null}')
    assert (type(unknown), unknown.upstream_code, unknown.request_id) == (Rejected, "987654", "")


def test_busy_is_safe_for_a_read_and_unknown_for_a_write() -> None:
    assert type(refused(b'{"errcode":-1}')) is Unavailable
    assert type(refused(b'{"errcode":-1}', write=True)) is OutcomeUnknown


def test_a_spent_day_ends_at_midnight_in_beijing() -> None:
    error = refused(b'{"errcode":45009}')
    assert type(error) is QuotaExhausted
    assert error.resets_at == datetime(2026, 11, 11, 16, 0, tzinfo=UTC)
    after = datetime(2026, 11, 11, 16, 0, tzinfo=UTC)
    assert next_midnight(after) == datetime(2026, 11, 12, 16, 0, tzinfo=UTC)


def test_a_fast_minute_says_how_long_to_wait() -> None:
    error = refused(b'{"errcode":45011}')
    assert (type(error), error.retry_after) == (RateLimited, 60.0)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b"<html></html>"), (502, b"<html>"), (500, b'{"errcode":0}'), (404, b"")],
)
def test_what_no_platform_said_is_unavailable_or_unknown(status: int, body: bytes) -> None:
    assert type(refused(body, status)) is Unavailable
    assert type(refused(body, status, write=True)) is OutcomeUnknown


def test_too_many_requests_of_a_proxy() -> None:
    assert type(refused(b"slow down", 429)) is RateLimited


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"\xff\x00<"),
        (200, b'{"things":'),
        (200, b'{"errcode":"x"}'),
        (200, b"{}"),
        (403, b'{"things":["a"]}'),
    ],
)
def test_nonsense_is_left_to_the_seam(status: int, body: bytes) -> None:
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        decode(answer(body, status), Things, TABLE, READ, "wx1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ok rid: 66b092c6-59489d30-3f991c4d", "66b092c6-59489d30-3f991c4d"),
        ("bad hint: [A1b2.C3] rid: 1-2-3", "1-2-3"),
        ("bad, hint: [1700000000_28_5f0c], from ip: 203.0.113.7", "1700000000_28_5f0c"),
        ("no trace in acrid: words", ""),
    ],
)
def test_trace_ids(text: str, found: str) -> None:
    assert request_id(text) == found


def test_rows_renew_only_what_a_new_token_can_mend() -> None:
    assert {code for code, fault in APP_ROWS.items() if fault.renew_token} == {"40001", "40014", "42001"}
    assert not any(fault.renew_token for fault in TOKEN_ROWS.values())
