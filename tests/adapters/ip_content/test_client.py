"""The two calls on the wire: what is sent, what each answer means, and what never shows."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from adapters.base.errors import Malformed, RateLimited, Unauthorized, Unavailable, UpstreamError
from adapters.base.runtime import Runtime
from adapters.base.transport import Request, Response
from adapters.ip_content import TOOL
from adapters.ip_content.client import IpContentClient
from adapters.ip_content.errors import FAULTS
from sandbox.server import Sandbox
from tests.adapters.ip_content.conftest import PLATFORM, House
from tests.conftest import MakeRuntime, OpenTool, StartSandbox, account_config

TOKEN = "POST /ip/v1/token"
CATALOGUE = "GET /ip/v1/catalogue"


class Scripted:
    """A transport that answers from a list and keeps what was sent."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.sent: list[Request] = []

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the protocol's word
        del timeout
        self.sent.append(request)
        return self.answers.pop(0)


def answer(status: int, value: object = None, **headers: str) -> Response:
    body = b"" if value is None else json.dumps(value).encode()
    return Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)


TOKEN_ANSWER = answer(200, {"access_token": "t-1", "expires_in": 3600})


def client(runtime: Runtime) -> IpContentClient:
    settings = {
        "base_url": "http://rights.test",
        "client_id": "yj",
        "client_secret": "hush-hush",
        "licensee": "party-1",
    }
    return IpContentClient(account_config(TOOL, settings), runtime)


async def test_what_is_sent(make_runtime: MakeRuntime) -> None:
    wire = Scripted(TOKEN_ANSWER, answer(304))

    assert await client(make_runtime(transport=wire)).catalogue('"7"') is None

    token, catalogue = wire.sent
    assert (token.method, token.url) == ("POST", "http://rights.test/ip/v1/token")
    assert token.headers == {"content-type": "application/json", "accept": "application/json"}
    assert token.body == b'{"client_id":"yj","client_secret":"hush-hush"}'
    assert (catalogue.method, catalogue.url) == ("GET", "http://rights.test/ip/v1/catalogue")
    assert catalogue.headers == {
        "authorization": "Bearer t-1",
        "accept": "application/json",
        "if-none-match": '"7"',
    }
    assert catalogue.body is None


async def test_not_modified_without_a_condition_is_malformed(make_runtime: MakeRuntime) -> None:
    wire = Scripted(TOKEN_ANSWER, answer(304))

    with pytest.raises(Malformed):
        await client(make_runtime(transport=wire)).catalogue()


@pytest.mark.parametrize("code", sorted(FAULTS))
async def test_every_code_of_the_table_is_understood(make_runtime: MakeRuntime, code: str) -> None:
    problem = {"type": "about:blank", "title": "secret text", "status": 409, "code": code}
    wire = Scripted(TOKEN_ANSWER, answer(409, problem, x_request_id="r-1"))
    wire.answers += [TOKEN_ANSWER, answer(409, problem)]  # for the code that renews the token

    with pytest.raises(UpstreamError) as caught:
        await client(make_runtime(transport=wire, retries=False)).catalogue()

    error = caught.value
    assert isinstance(error, FAULTS[code].kind)
    assert (error.reason, error.upstream_code, error.endpoint) == (code, code, "catalogue")
    assert "secret text" not in repr(error) + str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (502, b"<html>nginx</html>", Unavailable, "internal"),
        (500, b"", Unavailable, "internal"),
        (403, b"", Unauthorized, "forbidden"),
        (429, b"", RateLimited, "rate_limited"),
        (302, b"", Malformed, "unexpected_status"),
        (200, b"", Malformed, "unreadable"),
        (200, b"\xff\x00<", Malformed, "unreadable"),
        (200, b'{"version": 1', Malformed, "unreadable"),
        (200, b"{}", Malformed, "unreadable"),
    ],
)
async def test_answers_without_a_code(
    make_runtime: MakeRuntime, status: int, body: bytes, kind: type[UpstreamError], reason: str
) -> None:
    wire = Scripted(TOKEN_ANSWER, Response(status, {}, body))

    with pytest.raises(UpstreamError) as caught:
        await client(make_runtime(transport=wire, retries=False)).catalogue()

    assert type(caught.value) is kind
    assert caught.value.reason == reason


async def test_a_wait_that_the_service_names_is_kept(make_runtime: MakeRuntime) -> None:
    problem = {"code": "rate_limited"}
    wire = Scripted(TOKEN_ANSWER, answer(429, problem, retry_after="30"))

    with pytest.raises(RateLimited) as caught:
        await client(make_runtime(transport=wire)).catalogue()

    assert caught.value.retry_after == 30.0
    assert len(wire.sent) == 2


async def test_the_token_is_fetched_once_and_again_after_its_hour(house: House) -> None:
    await house.adapter.ping()
    assert house.calls(TOKEN) == 1

    house.sandbox.kit.clock.advance(timedelta(minutes=56))
    await house.adapter.ping()

    assert house.calls(TOKEN) == 2


async def test_a_service_that_refuses_every_token_is_asked_twice(house: House) -> None:
    house.sandbox.kit.faults.add(PLATFORM, "code", endpoint=CATALOGUE, value="invalid_token")
    before = house.calls(CATALOGUE)

    with pytest.raises(Unauthorized) as caught:
        await house.adapter.ping()

    assert caught.value.reason == "invalid_token"
    assert house.calls(CATALOGUE) == before + 2
    assert house.calls(TOKEN) == 2


async def test_an_import_that_breaks_off_changes_nothing_and_succeeds_later(house: House) -> None:
    await house.at_department("property_status", slug="frontier-isle", status="retired")
    house.sandbox.kit.faults.add(PLATFORM, "truncate", endpoint=CATALOGUE)

    with pytest.raises(Malformed):
        await house.adapter.import_catalogue()

    house.sandbox.kit.faults.clear()
    assert (await house.adapter.import_catalogue()).changed


async def test_secrets_never_show(
    start_sandbox: StartSandbox, open_tool: OpenTool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox = await start_sandbox(PLATFORM)
    settings = _settings(sandbox)
    config = account_config(TOOL, settings)
    assert settings["client_secret"] not in repr(config)
    sandbox.kit.faults.add(PLATFORM, "garbage")
    adapter = await open_tool(TOOL, sandbox, "main")

    with pytest.raises(Malformed) as caught:
        await adapter.ping()

    shown = caplog.text + repr(caught.value) + str(caught.value)
    assert settings["client_secret"] not in shown
    assert "access_token" not in shown


def test_the_default_host_never_resolves() -> None:
    config = account_config(TOOL, {"client_id": "a", "client_secret": "b", "licensee": "party-1"})

    assert config.base_url == "https://licensing.invalid"
    assert config.external_id == "party-1"


def _settings(sandbox: Sandbox) -> dict[str, str]:
    return dict(sandbox.describe()["platforms"][PLATFORM]["accounts"]["main"])
