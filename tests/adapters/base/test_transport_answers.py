"""What is an answer, where it ends, and what is none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from adapters.base.transport import HttpTransport, MaybeSent, Request, Unreadable, connection
from tests.adapters.base.raw_server import Scripted, answer, read_request, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nTrailer: x\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as opened:
        yield opened


@pytest.mark.parametrize(
    ("method", "sent", "status", "body"),
    [
        ("GET", answer(b"hello"), 200, b"hello"),
        ("GET", answer(b""), 200, b""),
        ("GET", CHUNKED, 200, b"abcde"),
        ("GET", INTERIM + answer(b"hello"), 200, b"hello"),
        ("POST", INTERIM + CHUNKED, 200, b"abcde"),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, b""),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 200, b""),
        ("HEAD", b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n", 404, b""),
        ("GET", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", 200, b"ab"),
    ],
)
async def test_an_answer_ends_where_it_says_and_the_connection_is_kept(
    transport: HttpTransport, method: str, sent: bytes, status: int, body: bytes
) -> None:
    server = Scripted([sent])
    async with serving(server) as url:
        for _ in range(3):
            got = await transport.send(Request(method, url), 5)
            assert (got.status, got.body) == (status, body)
    assert server.connections == 1


async def test_interim_answers_and_trailers_leave_no_headers(transport: HttpTransport) -> None:
    async with serving(Scripted([INTERIM + CHUNKED])) as url:
        got = await transport.send(Request("GET", url), 5)
    assert dict(got.headers) == {"transfer-encoding": "chunked"}


async def test_header_names_are_lower_case_and_repeated_ones_are_joined(transport: HttpTransport) -> None:
    headers = b"X-One: a\r\nx-one: b\r\nX-Name: caf\xe9\r\nX-Empty:\r\n"
    async with serving(Scripted([answer(headers=headers)])) as url:
        got = await transport.send(Request("GET", url), 5)
    assert dict(got.headers) == {"x-one": "a, b", "x-name": "café", "x-empty": "", "content-length": "2"}


@pytest.mark.parametrize("size", [0, 1, 300_000])
async def test_without_a_length_the_end_of_the_connection_is_the_end(transport: HttpTransport, size: int) -> None:
    server = Scripted([b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * size], close=True)
    async with serving(server) as url:
        assert (await transport.send(Request("GET", url), 5)).body == b"x" * size
        assert (await transport.send(Request("GET", url), 5)).body == b"x" * size
    assert server.connections == 2


async def test_a_reset_is_no_end(transport: HttpTransport) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What is left unread turns the close into a reset.
        await reader.readexactly(1)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    async with serving(serve) as url:
        with pytest.raises(MaybeSent):
            await transport.send(Request("POST", url, {}, b"x" * 4_000_000), 5)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("whole", [INTERIM + answer(b"hello"), CHUNKED])
async def test_an_answer_cut_anywhere_is_none(transport: HttpTransport, whole: bytes, reset: bool) -> None:
    server = Scripted([whole[:size] for size in range(len(whole))], close=True, reset=reset)
    async with serving(server) as url:
        for _ in range(len(whole)):
            with pytest.raises(MaybeSent):
                await transport.send(Request("POST", url, {}, b"x"), 5)
    assert len(server.requests) == len(whole), "nothing is sent twice"


@pytest.mark.parametrize("whole", [INTERIM + answer(b"hello"), CHUNKED])
async def test_an_answer_that_comes_byte_by_byte_is_one(transport: HttpTransport, whole: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in whole:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        await reader.read()

    async with serving(serve) as url:
        assert (await transport.send(Request("GET", url), 5)).body in {b"hello", b"abcde"}


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02 not http\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"<html>502</html>\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc",
    ],
)
async def test_what_is_no_http_is_unreadable(transport: HttpTransport, garbage: bytes) -> None:
    server = Scripted([garbage])
    async with serving(server) as url:
        for _ in range(2):
            with pytest.raises(Unreadable) as caught:
                await transport.send(Request("GET", url + "/?access_token=verysecrettoken"), 5)
            assert "verysecrettoken" not in repr(caught.value)
    assert server.connections == 2, "who speaks nonsense is not asked again on the same connection"


@pytest.mark.parametrize("ends", [True, False])
async def test_a_head_has_a_limit(transport: HttpTransport, ends: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + b"x" * (connection.MAX_HEAD_BYTES + 1)
    async with serving(Scripted([head + b"\r\n\r\n" if ends else head])) as url:
        with pytest.raises(Unreadable, match="the head is over 65536 bytes"):
            await transport.send(Request("GET", url), 5)


async def test_interim_answers_without_end_are_cut(transport: HttpTransport) -> None:
    async with serving(Scripted([INTERIM * 2000])) as url:
        with pytest.raises(Unreadable, match="the head is over 65536 bytes"):
            await transport.send(Request("GET", url), 5)


async def test_a_length_over_the_limit_is_refused_before_the_body(transport: HttpTransport) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (connection.MAX_ANSWER_BYTES + 1)
    async with serving(Scripted([head])) as url:
        with pytest.raises(Unreadable, match=f"the answer is over {connection.MAX_ANSWER_BYTES} bytes"):
            await transport.send(Request("GET", url), 5)


@pytest.mark.parametrize(
    ("limit", "endless"),
    [
        ("MAX_ANSWER_BYTES", b"\r\n" + b"x" * 5000),
        ("MAX_ANSWER_BYTES", b"Transfer-Encoding: chunked\r\n\r\n" + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 5),
        ("MAX_WIRE_BYTES", b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000),
        ("MAX_WIRE_BYTES", b"Transfer-Encoding: chunked\r\n\r\n1;" + b"e" * 5000),
        ("MAX_WIRE_BYTES", b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: " + b"t" * 5000),
    ],
)
async def test_an_answer_without_end_is_cut(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, limit: str, endless: bytes
) -> None:
    monkeypatch.setattr(connection, limit, 2000)
    async with serving(Scripted([b"HTTP/1.1 200 OK\r\n" + endless])) as url:
        with pytest.raises(Unreadable, match="the answer is over"):
            await transport.send(Request("GET", url), 5)


async def test_the_answers_of_a_server_that_others_wrote(transport: HttpTransport) -> None:
    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "12345")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/x"
        for size in (0, 1, 70_000, 3_000_000):
            got = await transport.send(Request("POST", url, {}, b"x" * size), 5)
            assert (got.status, got.body) == (201, b"x" * size)
        assert (await transport.send(Request("HEAD", url), 5)).headers["content-length"] == "12345"
        assert (await transport.send(Request("POST", url), 5)).body == b""
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()
