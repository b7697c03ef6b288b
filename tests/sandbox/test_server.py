"""Starting and stopping: ports, keys, and the small HTTP client that webhooks use."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.http1 import request
from sandbox.keys import KeyRing
from sandbox.server import running
from tests.conftest import EVENING, StartSandbox


async def test_a_port_that_is_taken_is_an_error_and_nothing_stays_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with running(["social_ads"], now=EVENING, ports={"control": port}):
                raise AssertionError("it must not start")
    async with running(["social_ads"], now=EVENING, ports={"control": port}) as sandbox:
        assert sandbox.control_url == f"http://127.0.0.1:{port}"


async def test_after_the_end_nobody_listens(start_sandbox: StartSandbox) -> None:
    async with running(["social_ads"], now=EVENING) as sandbox:
        url = sandbox.control_url
        assert (await request("GET", f"{url}/control/describe")).status == 200
    with pytest.raises(ConnectionRefusedError):
        await request("GET", f"{url}/control/describe")


async def test_the_end_does_not_wait_for_those_who_are_connected() -> None:
    async with running(["social_ads"], now=EVENING) as sandbox:
        sandbox.kit.faults.add("social_ads", "hang")
        hanging = asyncio.create_task(request("GET", sandbox.urls["social_ads"] + "/v3.0/adgroups/get", seconds=30))
        host, port = sandbox.control_url.removeprefix("http://").split(":")
        _, idle = await asyncio.open_connection(host, int(port))
        while not sandbox.kit.faults.rules[0].seen:  # noqa: ASYNC110 - a rule tells nobody.
            await asyncio.sleep(0.005)
    with pytest.raises((ConnectionResetError, ValueError)):
        await hanging
    idle.close()


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    first = KeyRing(tmp_path / "keys").private_pem("payments/1/merchant")
    assert KeyRing(tmp_path / "keys").private_pem("payments/1/merchant") == first
    assert KeyRing(tmp_path / "keys").private_pem("payments/2/merchant") != first
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()] == [0o600, 0o600]
    assert "PRIVATE" not in KeyRing(tmp_path / "keys").public_pem("payments/1/merchant")


@asynccontextmanager
async def _answering(*raw: bytes) -> AsyncIterator[str]:
    """A server that says these bytes to everybody and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in raw:
            writer.write(part)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks?x=1"


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n fu\r\n0\r\n\r\n",
            200,
            b"hello fu",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
    ],
)
async def test_answers_are_read_in_every_form(raw: bytes, status: int, body: bytes) -> None:
    async with _answering(raw) as url:
        answer = await request("POST", url, {"X-Name": "value"}, b"{}")
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    "raw",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", b"nonsense\r\n\r\n"],
)
async def test_an_answer_that_breaks_off_is_an_error(raw: bytes) -> None:
    async with _answering(raw) as url:
        with pytest.raises(ValueError, match=r"broke off|invalid literal"):
            await request("POST", url)
