"""The seven platforms, replayed: recorded answers behind a given latency, faster than anything that asks for them.

``python -m benchmarks.gateway.replay`` prints its port and serves until its standard input closes. The first part of
a path is the tool: ``/payments/v3/…`` answers ``recorded/payments.json``. ``/-/latency/20`` sets the latency in
milliseconds, ``/-/calls`` answers and forgets how many calls each tool received.

It is a bare protocol on uvloop, with as much of HTTP/1.1 as keep-alive clients use: no server between the socket and
the prepared bytes. The benchmark measures what it can do by itself and reports it beside what was asked of it.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import orjson
import uvloop

RECORDED = Path(__file__).parent / "recorded"


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Replay:
    """What all connections share."""

    def __init__(self) -> None:
        self.answers = {path.stem.encode(): _answer(path.read_bytes().rstrip()) for path in RECORDED.glob("*.json")}
        self.calls: Counter[bytes] = Counter()
        self.latency = 0.0

    def answer(self, target: bytes) -> bytes:
        """The whole answer to a request for a target."""
        tool = target[1 : target.find(b"/", 1)]
        prepared = self.answers.get(tool)
        if prepared is not None:
            self.calls[tool] += 1
            return prepared
        return self._control(target)

    def _control(self, target: bytes) -> bytes:
        match target.split(b"/")[1:]:
            case [b"-", b"latency", milliseconds]:
                self.latency = float(milliseconds) / 1000
                return _answer(b"{}")
            case [b"-", b"calls"]:
                body = orjson.dumps({tool.decode(): n for tool, n in self.calls.items()})
                self.calls.clear()
                return _answer(body)
        return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, replay: Replay, loop: asyncio.AbstractEventLoop) -> None:
        self._replay = replay
        self._loop = loop
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        self._received += data
        for target in self._requests():
            answer = self._replay.answer(target)
            if self._replay.latency and not target.startswith(b"/-/"):
                self._loop.call_later(self._replay.latency, self._write, answer)
            else:
                self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)

    def _requests(self) -> Iterator[bytes]:
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            size = _body_size(head, self._received, end + 4)
            if size is None or len(self._received) < end + 4 + size:
                return
            self._received = self._received[end + 4 + size :]
            yield head.split(b" ", 2)[1]


def _body_size(head: bytes, received: bytes, start: int) -> int | None:
    """Bytes of the body behind ``start``; None while a chunked one is not complete."""
    if head.startswith(b"GET"):
        return 0
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at >= 0:
        return int(lowered[at + 17 :].split(b"\r\n", 1)[0])
    if b"\r\ntransfer-encoding:" in lowered:
        last = received.find(b"0\r\n\r\n", start)
        return None if last < 0 else last + 5 - start
    return 0


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    replay = Replay()
    server = await loop.create_server(lambda: Connection(replay, loop), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve())
