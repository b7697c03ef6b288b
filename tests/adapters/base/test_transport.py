"""Before or after the send: the one question that decides whether a write may be repeated."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from adapters.base.transport import HttpTransport, MaybeSent, NotSent, Request

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as opened:
        yield opened


async def served(handler: Serve) -> tuple[asyncio.Server, str]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # Until the client leaves.
    writer.close()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x00\x01\x02 not http\r\n\r\n")
    await writer.drain()
    writer.close()


async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nX-Seen: Yes\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_nobody_listens(transport: HttpTransport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(NotSent):
        await transport.send(Request("POST", f"http://127.0.0.1:{port}/", {}, b"x"), 2)


@pytest.mark.parametrize("handler", [reset, half, garbage])
async def test_the_answer_breaks(transport: HttpTransport, handler: Serve) -> None:
    server, url = await served(handler)
    async with server:
        with pytest.raises(MaybeSent):
            await transport.send(Request("POST", url, {}, b"x"), 2)


async def test_time_runs_out_while_the_platform_works(transport: HttpTransport) -> None:
    left = asyncio.Event()

    async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent(reader, writer)
        left.set()

    server, url = await served(watched)
    async with server:
        with pytest.raises(MaybeSent):
            await transport.send(Request("POST", url, {}, b"x"), 0.2)
        await left.wait()


async def test_a_redirect_is_an_answer_and_is_not_followed(transport: HttpTransport) -> None:
    server, url = await served(redirect)
    async with server:
        answer = await transport.send(Request("GET", url), 2)
    assert (answer.status, answer.headers["x-seen"], answer.body) == (302, "Yes", b"")


async def test_errors_do_not_quote_the_url(transport: HttpTransport) -> None:
    server, url = await served(reset)
    async with server:
        with pytest.raises(MaybeSent) as caught:
            await transport.send(Request("GET", url + "?access_token=verysecrettoken"), 2)
    assert "verysecrettoken" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
