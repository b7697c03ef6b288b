"""Abuse at the webhooks' door, over HTTP: it is refused, nothing is done, and little is read."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import orjson
import pytest

from adapters.official_account.sandbox.callbacks import encrypt, sign, to_xml
from gateway.database.tables.facts import fact
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from sandbox.http1 import Answer, request
from sandbox.pusher import Push
from tests.gateway.events.conftest import Flow, StartFlow
from tests.gateway.events.test_hooks_refused import ONE_EACH

TOOLS = ("official_account", "mini_program_store", "payments", "enterprise_chat")
XML = ("official_account", "enterprise_chat")
_LEVELS = 4_000
BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (str(n - 1).encode() if n else b"") * 10) for n in range(9))
    + b"]><xml>&a8;</xml>"
)
BODIES = {
    "entity bomb": BOMB,
    "external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:/etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>',
    "external document type": b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/x.dtd"><xml><Encrypt>a</Encrypt></xml>',
    "deep XML": b"<a>" * _LEVELS + b"</a>" * _LEVELS,
    "many tags": b"<xml>" + b"<a/>" * 100_000 + b"</xml>",
    "deep JSON": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep JSON lists": b'{"Encrypt":' + b"[" * 500_000,
    "not UTF-8": b"<xml><Encrypt>\xff\xfe\x80</Encrypt></xml>",
    "not UTF-8 JSON": b'{"Encrypt":"\xff\xfe\x80"}',
    "declared otherwise": b'<?xml version="1.0" encoding="utf-7"?><xml><Encrypt>+ADw-</Encrypt></xml>',
    "zeros": b"\x00" * 1000,
}


async def _genuine(flow: Flow, tool: str) -> Push:
    """A request of the platform that never reached us."""
    flow.sandbox.kit.pusher.modes[tool] = "lose"
    await ONE_EACH[tool].act(flow)
    return flow.sandbox.kit.pusher.deliveries[-1].build()


async def _send(push: Push, **headers: str) -> Answer:
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return await request(push.method, push.url, {**push.headers, **named}, push.body)


async def _nothing_happened(flow: Flow) -> None:
    await flow.quiet()
    for table in (inbox, job, fact):
        assert await flow.rows(table) == [], table.name
    assert flow.sandbox.kit.journal.count("official_account") == 0


@pytest.mark.parametrize("tool", TOOLS)
async def test_spoilt_bodies_are_refused(start_flow: StartFlow, tool: str) -> None:
    flow = await start_flow(tool, served=True)
    genuine = await _genuine(flow, tool)
    for name, body in BODIES.items():
        answer = await _send(replace(genuine, body=body))
        assert (answer.status, answer.body) == (401 if tool == "payments" else 400, b'{"code":"HOOK_REFUSED"}'), name
    await _nothing_happened(flow)
    # The door still opens.
    assert (await _send(genuine)).status in {200, 204}


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_valid_signature_over_another_body_is_refused(start_flow: StartFlow, tool: str) -> None:
    """A genuine request, one character of its ciphertext changed."""
    flow = await start_flow(tool, served=True)
    one = await _genuine(flow, tool)
    sealed = max(re.findall(rb"[A-Za-z0-9+/]{40,}", one.body), key=len)
    other = sealed[:30] + (b"A" if sealed[30:31] != b"A" else b"B") + sealed[31:]
    answer = await _send(replace(one, body=one.body.replace(sealed, other)))
    assert (answer.status, answer.body) == (401, b'{"code":"HOOK_REFUSED"}')
    await _nothing_happened(flow)


async def test_what_is_encrypted_is_read_as_carefully(start_flow: StartFlow) -> None:
    """Somebody who knows the account's keys is no platform either: a bomb inside the ciphertext."""
    flow = await start_flow("official_account", served=True)
    genuine = await _genuine(flow, "official_account")
    account = flow.sandbox.world.official_accounts[0]
    for name in ("entity bomb", "external entity", "deep XML", "deep JSON", "zeros"):
        sealed = encrypt(account.aes_key, account.appid, BODIES[name].decode())
        query = dict(parse_qsl(urlsplit(genuine.url).query))
        query["msg_signature"] = sign(account.callback_token, query["timestamp"], query["nonce"], sealed)
        url = urlsplit(genuine.url)._replace(query=urlencode(query)).geturl()
        body = to_xml({"ToUserName": account.gh_id, "Encrypt": sealed}).encode()
        answer = await _send(Push("POST", url, genuine.headers, body))
        assert (answer.status, answer.body) == (400, b'{"code":"HOOK_REFUSED"}'), name
    await _nothing_happened(flow)


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_form_or_a_file_is_refused_though_it_is_signed(start_flow: StartFlow, tool: str) -> None:
    flow = await start_flow(tool, served=True)
    genuine = await _genuine(flow, tool)
    for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "image/png", "nonsense"):
        answer = await _send(genuine, content_type=kind)
        assert (answer.status, answer.body) == (415, b'{"code":"HOOK_REFUSED"}'), kind
    await _nothing_happened(flow)
    assert (await flow.health())["webhooksRefused"] == {f"{tool}:type": 4}
    assert (await _send(genuine, content_type="Text/XML; charset=utf-8")).status in {200, 204}


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_replay_is_answered_and_does_nothing(start_flow: StartFlow, tool: str) -> None:
    """Within the window in which the platform itself repeats, a replay cannot be told from a repetition."""
    flow = await start_flow(tool, served=True)
    genuine = await _genuine(flow, tool)
    answers = [await _send(genuine) for _ in range(5)]
    await flow.quiet()
    assert {(each.status, each.body) for each in answers} == {ONE_EACH[tool].reply[:2]}
    assert len(await flow.rows(inbox)) == 1
    assert len(await flow.rows(job)) == 1


async def _pour(flow: Flow, pieces: int) -> tuple[bytes, int]:
    """Send up to so many pieces, reading nothing before; the answer, and how many bytes of the body were taken."""
    parts = urlsplit(flow.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    taken = 0
    try:
        writer.write(
            b"POST /hooks/payments/main HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(pieces):
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
            taken += 65536
        writer.write(b"0\r\n\r\n")
        return await reader.read(), taken
    except ConnectionError:
        return b"", taken
    finally:
        writer.close()


async def test_who_sends_too_much_is_told(start_flow: StartFlow) -> None:
    """Twice the limit, from a client that reads after it has sent all: the connection is not reset before."""
    flow = await start_flow("payments", served=True)
    twice = 2 * flow.settings.limits.webhook_bytes // 65536
    for answer, taken in await asyncio.gather(*(_pour(flow, twice) for _ in range(20))):
        assert taken == 2 * flow.settings.limits.webhook_bytes
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.endswith(b'{"code":"BODY_TOO_LARGE"}')
    await _nothing_happened(flow)


async def test_an_endless_body_is_cut_off(start_flow: StartFlow) -> None:
    """Sixty-four megabytes, from twenty at once: the connection is closed after a few, and what lies in buffers."""
    flow = await start_flow("payments", served=True)
    for _, taken in await asyncio.gather(*(_pour(flow, 1000) for _ in range(20))):
        assert taken < 20 * flow.settings.limits.webhook_bytes
    await _nothing_happened(flow)
    assert (await flow.health())["environment"] == "sandbox"


async def test_a_body_that_trickles_is_not_waited_for(start_flow: StartFlow) -> None:
    flow = await start_flow("payments", served=True)
    services = flow.gateway.services
    limits = msgspec.structs.replace(services.settings.limits, webhook_seconds=0.2)
    object.__setattr__(services, "settings", msgspec.structs.replace(services.settings, limits=limits))
    parts = urlsplit(flow.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST /hooks/payments/main HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")

    async def trickle() -> None:
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.05)

    slowly = asyncio.create_task(trickle())
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(len(b'{"code":"BODY_TOO_SLOW"}'))
    slowly.cancel()
    writer.close()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert orjson.loads(body) == {"code": "BODY_TOO_SLOW"}
    await _nothing_happened(flow)
    # Others were served meanwhile, and are.
    assert (await flow.health())["environment"] == "sandbox"


async def test_who_leaves_in_the_middle_leaves_nothing(start_flow: StartFlow) -> None:
    flow = await start_flow("payments", served=True)
    parts = urlsplit(flow.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST /hooks/payments/main HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    await writer.drain()
    writer.transport.abort()
    assert (await flow.health())["environment"] == "sandbox"
    await _nothing_happened(flow)
