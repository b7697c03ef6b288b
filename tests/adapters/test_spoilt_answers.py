"""Whatever a platform answers, a client's method gives its value or one of the ten kinds; nothing else comes out.

A tool joins with a row in ``TOOLS_UNDER_TEST``: a documented answer for every public coroutine of its client. From
each, answers are made that no documentation describes: cut, of other types, with keys missing, with huge numbers, in
bytes that are no UTF-8, as a web page, under any status.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Runtime
from adapters.base.transport import Request, Response
from tests.adapters.cloud_storage import answers as cloud_storage
from tests.adapters.enterprise_chat import answers as enterprise_chat
from tests.adapters.ip_content import answers as ip_content
from tests.adapters.mini_program_store import answers as mini_program_store
from tests.adapters.official_account import answers as official_account
from tests.adapters.payments import answers as payments
from tests.adapters.social_ads import answers as social_ads
from tests.conftest import MakeRuntime

Call = Callable[[Any], Awaitable[object]]


@dataclass(frozen=True)
class Method:
    """A method of a client, called as ``call(client)``, and an answer to it as the vendor documents it."""

    client: Callable[[Runtime], Any]
    name: str
    call: Call
    answer: Response

    def __str__(self) -> str:
        return self.name


#: Per tool: the client classes, and (maker of the client, method, call, answer) for each of their methods.
TOOLS_UNDER_TEST: Mapping[str, tuple[tuple[type, ...], list[Method]]] = {
    "cloud_storage": (cloud_storage.CLIENTS, [Method(*each) for each in cloud_storage.METHODS]),
    "official_account": (official_account.CLIENTS, [Method(*each) for each in official_account.METHODS]),
    "payments": (payments.CLIENTS, [Method(*each) for each in payments.METHODS]),
    "social_ads": (social_ads.CLIENTS, [Method(*each) for each in social_ads.METHODS]),
    "ip_content": (ip_content.CLIENTS, [Method(*each) for each in ip_content.METHODS]),
    "mini_program_store": (mini_program_store.CLIENTS, [Method(*each) for each in mini_program_store.METHODS]),
    "enterprise_chat": (enterprise_chat.CLIENTS, [Method(*each) for each in enterprise_chat.METHODS]),
}
METHODS = [(tool, method) for tool, (_, methods) in TOOLS_UNDER_TEST.items() for method in methods]
each_method = pytest.mark.parametrize("method", [m for _, m in METHODS], ids=[f"{t}-{m.name}" for t, m in METHODS])

_HUGE = ["0", "-1", "1e999", str(2**63), "9" * 400, "true", "null", "", "1.5", "2026-13-45T99:99:99Z"]
_HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body>&nbsp;<p>nginx</body></html>"
_DEEP = b"[" * 100_000
_STATUSES = [200, 200, 200, 204, 206, 301, 304, 400, 401, 403, 404, 409, 412, 416, 429, 500, 502, 503, 599]
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400)


class Canned:
    """A transport that gives one answer."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the protocol's
        del request, timeout
        return self.answer


def _spots(body: bytes) -> list[tuple[int, int]]:
    """Where the values of a document stand, be it XML or JSON."""
    text = [m.span(1) for m in re.finditer(rb">([^<>]+)<", body)]
    return text or [m.span(1) for m in re.finditer(rb'[:,\[]\s*("(?:[^"\\]|\\.)*"|[\w.+-]+)', body)] or [(0, len(body))]


@st.composite
def bodies(draw: st.DrawFn, body: bytes) -> bytes:
    """What could come instead."""
    kind = draw(st.sampled_from(["cut", "value", "without", "bytes", "html", "deep", "noise", "json", "twice"]))
    if kind == "cut":
        return body[: draw(st.integers(0, len(body)))]
    if kind == "value":
        start, end = draw(st.sampled_from(_spots(body)))
        return body[:start] + draw(st.sampled_from(_HUGE)).encode() + body[end:]
    if kind == "without":
        names = sorted(set(re.findall(rb"<(\w+)>", body)) | set(re.findall(rb'"(\w+)"\s*:', body)))
        name = draw(st.sampled_from(names)) if names else b"-"
        return (
            body.replace(b"<" + name + b">", b"<X>")
            .replace(b"</" + name + b">", b"</X>")
            .replace(b'"' + name + b'"', b'"X"')
        )
    if kind == "bytes":
        at = draw(st.integers(0, len(body)))
        return body[:at] + draw(st.binary(min_size=1, max_size=4)) + body[at:]
    if kind == "html":
        return _HTML
    if kind == "deep":
        return _DEEP
    if kind == "json":
        value = draw(_scalars | st.lists(_scalars, max_size=3) | st.dictionaries(st.text(max_size=4), _scalars))
        return json.dumps(value).encode()
    return body * 2 if kind == "twice" else draw(st.binary(max_size=64))


@st.composite
def answers(draw: st.DrawFn, good: Response) -> Response:
    """The good answer, spoilt in body, headers or status."""
    headers = dict(good.headers)
    if headers and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(headers)))
        other = draw(st.sampled_from([*_HUGE, "\x00", "\xff\xfe"]) | st.none())
        if other is None:
            del headers[name]
        else:
            headers[name] = other
    body = draw(bodies(good.body)) if draw(st.booleans()) else good.body
    status = draw(st.sampled_from(_STATUSES)) if draw(st.booleans()) else good.status
    return Response(status, headers, body)


async def _spoil(method: Method, make_runtime: MakeRuntime, answer: Response) -> None:
    with suppress(UpstreamError):
        await method.call(method.client(make_runtime(transport=Canned(answer), retries=False)))


@each_method
async def test_the_documented_answer_is_understood(method: Method, make_runtime: MakeRuntime) -> None:
    await method.call(method.client(make_runtime(transport=Canned(method.answer), retries=False)))


def _examples(number: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=number < 100,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@each_method
@_examples(25)
@given(data=st.data())
async def test_a_spoilt_answer_raises_our_kinds_only(
    method: Method, make_runtime: MakeRuntime, data: st.DataObject
) -> None:
    await _spoil(method, make_runtime, data.draw(answers(method.answer)))


@pytest.mark.long
@each_method
@_examples(1000)
@given(data=st.data())
async def test_no_spoilt_answer_of_many_raises_anything_else(
    method: Method, make_runtime: MakeRuntime, data: st.DataObject
) -> None:
    await _spoil(method, make_runtime, data.draw(answers(method.answer)))


@pytest.mark.parametrize("tool", TOOLS_UNDER_TEST)
def test_every_method_of_a_client_is_here(tool: str) -> None:
    clients, methods = TOOLS_UNDER_TEST[tool]
    public = {
        name
        for client in clients
        for name, function in inspect.getmembers(client, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert {each.name for each in methods} == public


def test_an_error_of_another_kind_would_be_seen(make_runtime: MakeRuntime) -> None:
    """The check itself: what is no UpstreamError comes through."""
    method = replace(METHODS[0][1], call=_broken)
    with pytest.raises(LookupError):
        _spoil(method, make_runtime, method.answer).send(None)


async def _broken(client: Any) -> object:
    del client
    raise LookupError("planted")
