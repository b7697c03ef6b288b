"""The bytes of a request, and what never becomes one."""

from __future__ import annotations

import pytest

from adapters.base.transport import HttpTransport, NotSent, Request
from adapters.base.transport.head import compose
from tests.adapters.base.raw_server import Scripted, answer, serving

DEFAULTS = b"Accept: */*\r\nUser-Agent: retail-gateway\r\n"


@pytest.mark.parametrize(
    ("request_", "bytes_"),
    [
        (Request("GET", "http://a.example"), b"GET / HTTP/1.1\r\nHost: a.example\r\n" + DEFAULTS),
        (Request("GET", "HTTPS://A.example:443/x"), b"GET /x HTTP/1.1\r\nHost: a.example\r\n" + DEFAULTS),
        (Request("GET", "https://a.example:80?q=1"), b"GET /?q=1 HTTP/1.1\r\nHost: a.example:80\r\n" + DEFAULTS),
        (Request("GET", "http://[::1]:81/"), b"GET / HTTP/1.1\r\nHost: [::1]:81\r\n" + DEFAULTS),
        (Request("GET", "http://a/x/../%2E?a=b%20c#top"), b"GET /x/../%2E?a=b%20c HTTP/1.1\r\nHost: a\r\n" + DEFAULTS),
        (Request("GET", "http://a/x y?q=é\n"), b"GET /x%20y?q=%C3%A9 HTTP/1.1\r\nHost: a\r\n" + DEFAULTS),
        (Request("POST", "http://a/"), b"POST / HTTP/1.1\r\nHost: a\r\n" + DEFAULTS + b"Content-Length: 0\r\n"),
        (
            Request("PUT", "http://a/", {"ACCEPT": "x", "User-agent": "é", "content-length": "3"}, b"abc"),
            b"PUT / HTTP/1.1\r\nHost: a\r\nACCEPT: x\r\nUser-agent: \xe9\r\nContent-Length: 3\r\n",
        ),
    ],
)
def test_a_request_as_bytes(request_: Request, bytes_: bytes) -> None:
    assert compose(request_)[1] == bytes_ + b"\r\n"


@pytest.mark.parametrize(
    "refused",
    [
        Request("GET", "ftp://a/"),
        Request("GET", "a/b"),
        Request("GET", "http://"),
        Request("GET", "http:///x"),
        Request("GET", "http://user:verysecret@a/"),
        Request("GET", "http://a:99999/"),
        Request("GET", "http://a:0/"),
        Request("GET", "http://a:b/"),
        Request("GET", "http://[::1/"),
        Request("GET / HTTP/1.1\r\nX: verysecret", "http://a/"),
        Request("G T", "http://a/"),
        Request("GÉT", "http://a/"),
        Request("GET", "http://a/", {"x": "a\r\nverysecret: b"}),
        Request("GET", "http://a/", {"x": "verysecret\n"}),
        Request("GET", "http://a/", {"x": "\rverysecret"}),
        Request("GET", "http://a/", {"x": "verysecret\0"}),
        Request("GET", "http://a/", {"x": "verysecret 卡"}),
        Request("GET", "http://a/", {"x y": "verysecret"}),
        Request("GET", "http://a/", {"x\r\ny": "verysecret"}),
        Request("GET", "http://a/", {"": "verysecret"}),
        Request("GET", "http://a/", {"Transfer-Encoding": "chunked"}),
        Request("GET", "http://a/", {"Connection": "close"}),
        Request("POST", "http://a/", {"Content-Length": "2"}, b"verysecret"),
        Request("GET", "http://a/", {"Host": "b"}),
    ],
)
async def test_what_is_no_request_is_not_sent(refused: Request) -> None:
    async with HttpTransport() as transport:
        with pytest.raises(NotSent) as caught:
            await transport.send(refused, 5)
    assert "verysecret" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


async def test_large_bodies_arrive_whole() -> None:
    server = Scripted([answer()])
    async with serving(server) as url, HttpTransport() as transport:
        for size in (1, 65_536, 65_537, 5_000_000):
            await transport.send(Request("PUT", url, {}, bytes(range(256)) * (size // 256) + b"x" * (size % 256)), 10)
    bodies = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert [len(body) for body in bodies] == [1, 65_536, 65_537, 5_000_000]
    assert bodies[3] == bytes(range(256)) * 19_531 + b"x" * 64
