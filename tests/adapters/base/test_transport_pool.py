"""Which connection a request goes out on, and which is never used again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from adapters.base.transport import HttpTransport, MaybeSent, NotSent, Request, pool
from tests.adapters.base.raw_server import Scripted, answer, read_request, serving


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true, for a few seconds at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 — what is waited for tells nobody
            await asyncio.sleep(0.005)


async def test_requests_at_once_have_connections_of_their_own_and_later_ones_reuse_them() -> None:
    server = Scripted([answer()])
    async with serving(server) as url, HttpTransport() as transport:
        for _ in range(3):
            await asyncio.gather(*[transport.send(Request("GET", url), 5) for _ in range(4)])
    assert (server.connections, len(server.requests)) == (4, 12)


async def test_origins_do_not_share() -> None:
    one, two = Scripted([answer(b"one")]), Scripted([answer(b"two")])
    async with serving(one) as first, serving(two) as second, HttpTransport() as transport:
        for _ in range(2):
            assert (await transport.send(Request("GET", first), 5)).body == b"one"
            assert (await transport.send(Request("GET", second), 5)).body == b"two"
    assert (one.connections, two.connections) == (1, 1)


@pytest.mark.parametrize(
    "last",
    [
        answer(headers=b"Connection: close\r\n"),
        answer(headers=b"Keep-Alive: max=5, timeout=1\r\n"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        answer() + answer(b"to what?"),
        answer() + b"HTTP/1.1 204 No Content\r\n\r\n",
        answer() + b"garbage",
    ],
)
async def test_some_answers_are_the_last_of_their_connection(last: bytes) -> None:
    server = Scripted([last])
    async with serving(server) as url, HttpTransport() as transport:
        for _ in range(2):
            assert (await transport.send(Request("GET", url), 5)).body == b"ok"
    assert server.connections == 2


async def test_an_answer_to_a_head_that_has_a_body_is_the_last() -> None:
    server = Scripted([answer()])
    async with serving(server) as url, HttpTransport() as transport:
        for _ in range(2):
            assert (await transport.send(Request("HEAD", url), 5)).body == b""
    assert server.connections == 2


async def test_who_answers_before_it_has_read_is_not_asked_again_on_that_connection() -> None:
    connections = 0

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"too large", status="413 Content Too Large"))
        await asyncio.Event().wait()

    async with serving(hasty) as url, HttpTransport() as transport:
        for _ in range(2):
            assert (await transport.send(Request("PUT", url, {}, b"x" * 20_000_000), 5)).status == 413
    assert connections == 2


async def test_what_the_server_closed_is_not_written_to_even_before_the_loop_has_seen_it() -> None:
    """The write would be lost, and nobody could tell whether it was."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        async def one() -> socket.socket:
            accepted, _ = await loop.sock_accept(listener)
            accepted.setblocking(False)
            assert b"\r\n\r\n" in await loop.sock_recv(accepted, 65536)
            await loop.sock_sendall(accepted, answer())
            return accepted

        async with HttpTransport() as transport:
            first = asyncio.ensure_future(one())
            await transport.send(Request("POST", url, {}, b""), 5)
            # No turn of the loop lies between the close and the next request.
            connection = await first
            second = asyncio.ensure_future(one())
            connection.close()
            assert (await transport.send(Request("POST", url, {}, b""), 5)).body == b"ok"
            (await second).close()


async def test_what_the_server_closed_while_idle_is_replaced() -> None:
    server = Scripted([answer()], close=True)
    async with serving(server) as url, HttpTransport() as transport:
        for _ in range(5):
            await transport.send(Request("POST", url, {}, b"x"), 5)
    assert (server.connections, len(server.requests)) == (5, 5)


async def test_a_kept_connection_cut_after_the_write_is_not_tried_again() -> None:
    requests = 0

    async def second_time_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1
        writer.write(answer())
        await read_request(reader)
        requests += 1

    async with serving(second_time_silent) as url, HttpTransport() as transport:
        await transport.send(Request("POST", url, {}, b"x"), 5)
        with pytest.raises(MaybeSent):
            await transport.send(Request("POST", url, {}, b"x"), 5)
        assert requests == 2


@pytest.mark.parametrize("how", ["cancelled", "late"])
async def test_the_answer_to_a_request_that_was_given_up_reaches_nobody(how: str) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def slow_at_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if b"/slow" in request:
            asked.set()
            await reader.read()
            left.set()
        else:
            writer.write(answer(b"fast"))
            await reader.read()

    async with serving(slow_at_first) as url, HttpTransport() as transport:
        if how == "late":
            with pytest.raises(MaybeSent, match="no complete answer in time"):
                await transport.send(Request("GET", url + "/slow"), 0.1)
        else:
            sending = asyncio.ensure_future(transport.send(Request("GET", url + "/slow"), 5))
            await asked.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        async with asyncio.timeout(5):
            await left.wait()
        assert (await transport.send(Request("GET", url + "/fast"), 5)).body == b"fast"


async def test_a_request_waits_for_its_turn_at_a_busy_origin() -> None:
    server = Scripted([answer()])
    async with serving(server) as url, HttpTransport(per_origin=2) as transport:
        await asyncio.gather(*[transport.send(Request("GET", url), 5) for _ in range(20)])
    assert (server.connections, len(server.requests)) == (2, 20)


async def test_no_turn_in_time_is_not_sent() -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        assert not asked.is_set(), "the second request must not go out"
        asked.set()
        await reader.read()

    async with serving(silent) as url, HttpTransport(per_origin=1) as transport:
        first = asyncio.ensure_future(transport.send(Request("GET", url), 5))
        await asked.wait()
        with pytest.raises(NotSent, match="no connection became free in time"):
            await transport.send(Request("POST", url, {}, b"x"), 0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_idle_connections_are_closed_and_their_origins_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.05)
    ended = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal ended
        await read_request(reader)
        writer.write(answer())
        assert not await reader.read()
        ended += 1

    async with serving(counted) as url, HttpTransport() as transport:
        await asyncio.gather(*[transport.send(Request("GET", url), 5) for _ in range(3)])
        await until(lambda: ended == 3)
        await until(lambda: not transport._lines)
        assert transport._sweeping is None


async def test_closing_ends_what_is_under_way_and_what_comes_later_is_not_sent() -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    async with serving(silent) as url:
        async with HttpTransport() as transport:
            sending = asyncio.ensure_future(transport.send(Request("GET", url), 5))
            await asked.wait()
        with pytest.raises(MaybeSent, match="the transport was closed"):
            await sending
        with pytest.raises(NotSent, match="the transport is closed"):
            await transport.send(Request("GET", url), 5)
