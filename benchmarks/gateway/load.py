"""The load: so many keep-alive connections, each asking again as soon as it has its answer, for a bounded time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast


@dataclass(slots=True)
class Load:
    """What one run saw. ``latencies`` in seconds, in the order of arrival."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    #: The body of the first answer, and how many later ones had another length or another status.
    body: bytes = b""
    different: int = 0

    @property
    def requests(self) -> int:
        """Answers received."""
        return len(self.latencies)

    def quantile_ms(self, share: float) -> float:
        """A latency in milliseconds that this share of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request, to the byte."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"accept: application/json\r\n{lines}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    """A request, to the byte."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


class _Client(asyncio.Protocol):
    """One connection of the load. Reads answers with a length or in chunks."""

    def __init__(self, request: bytes, load: Load, until: float, done: asyncio.Future[None]) -> None:
        self._request = request
        self._load = load
        self._until = until
        self._done = done
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note a complete answer and ask again."""
        self._received += data
        body = _body(self._received)
        if body is None:
            return
        now = time.perf_counter()
        load = self._load
        load.latencies.append(now - self._asked)
        if not load.body:
            load.body = body
        elif len(body) != len(load.body) or not self._received.startswith(b"HTTP/1.1 200"):
            load.different += 1
        self._received.clear()
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Done, or cut off by the server."""
        if self._done.done():
            return
        if exc is None and time.perf_counter() >= self._until:
            self._done.set_result(None)
        else:
            self._done.set_exception(ConnectionError(f"the server closed a connection: {exc}"))


def _body(received: bytearray) -> bytes | None:
    """The body of a complete answer; None while some of it is missing."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        size = int(head[at + 17 :].split(b"\r\n", 1)[0])
        return bytes(received[end + 4 : end + 4 + size]) if len(received) >= end + 4 + size else None
    if not received.endswith(b"0\r\n\r\n"):
        return None
    parts, at = [], end + 4
    while True:
        line = received.index(b"\r\n", at)
        size = int(received[at:line], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(bytes(received[line + 2 : line + 2 + size]))
        at = line + 2 + size + 2


async def run_load(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Put a load on a server of this machine. Raises ConnectionError when the server drops a connection."""
    loop = asyncio.get_running_loop()
    load = Load()
    started = time.perf_counter()
    until = started + seconds
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(lambda end=end: _Client(request, load, until, end), "127.0.0.1", port)  # type: ignore[misc] # the default binds the loop's variable
    await asyncio.gather(*ends)
    load.seconds = time.perf_counter() - started
    return load
