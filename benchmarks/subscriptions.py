"""Idle subscriptions: what each costs in memory, and how long one event takes to reach all of them.

``python -m benchmarks.subscriptions [--json] [--subscriptions N] [--events N]``

A gateway in a process of its own, on a fresh SQLite file, and one client process that speaks graphql-transport-ws.
First each subscription has a socket of its own, then 20 share one. *Memory* is the growth of the gateway's resident
memory per subscription, the socket included. *Delay* is from the commit of a fact, by the gateway's own clock, to the
arrival of its event at the client, which reads all of them on one core: of the first, of half, and of the last; medians
of the events.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks.machine import describe, first_core, last_core
from gateway.app import Gateway, create_app
from gateway.database import Fact, append_facts
from gateway.ports import listen
from gateway.serving import serving, settle_memory
from gateway.settings import from_mapping

KEY = "benchmark-headquarters"
DOCUMENT = "subscription { orderChanged { eventId kind at order { id state payable { amount } } } }"
SHARING = 20
#: Sockets opened at once.
AT_ONCE = 100


# The gateway ----------------------------------------------------------------------------------------


async def _serve(folder: Path) -> None:
    settings = from_mapping(
        {
            "environment": "sandbox",
            "database_url": f"sqlite:///{folder}/gateway.db",
            "master_key": base64.b64encode(bytes(32)).decode(),
            # Sockets come by the hundred, and the client shares the machine.
            "subscriptions": {"init_seconds": 120.0},
            "api_keys": [{"id": "hq", "key": KEY, "audience": "hq"}],
        }
    )
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    app = create_app(settings)
    async with serving(app, listener):
        gateway: Gateway = app.state.gateway
        settle_memory()
        print(port, flush=True)
        commands = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while line := await commands.readline():
            answer = await _tell(gateway) if line == b"tell\n" else _resident(gateway)
            print(orjson.dumps(answer).decode(), flush=True)


async def _tell(gateway: Gateway) -> dict[str, float]:
    async with gateway.services.database.write() as connection:
        now = gateway.clock.now()
        fact = Fact(kind="order.paid", occurred_at=now, source="own", source_key=os.urandom(8).hex(), amount_fen=81900)
        await append_facts(connection, [fact])
    return {"committed": time.monotonic()}


def _resident(gateway: Gateway) -> dict[str, float]:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"kib": pages * os.sysconf("SC_PAGESIZE") / 1024, "followers": len(gateway.services.feed)}


# The client -----------------------------------------------------------------------------------------


class Socket:
    """A socket of graphql-transport-ws, with nothing that the client's own memory or time would tell of."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Socket:
        """Connected and acknowledged."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            "GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        socket = cls(reader, writer)
        socket.send(type="connection_init", payload={"X-API-Key": KEY})
        assert b"connection_ack" in await socket.receive()
        return socket

    def send(self, **message: Any) -> None:
        """A masked text frame; a mask of zeros changes nothing."""
        data = orjson.dumps(message)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
        self._writer.write(b"\x81" + size + bytes(4) + data)

    async def receive(self) -> bytes:
        """The next text. Pings of the server are answered."""
        while True:
            kind, size = await self._reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2))
            data = await self._reader.readexactly(size)
            if kind == 0x81:
                return data
            if kind == 0x89:
                self._writer.write(b"\x8a" + bytes([0x80 | size]) + bytes(4) + data)

    def close(self) -> None:
        """Leave."""
        self._writer.transport.abort()


class Served:
    """The gateway's process."""

    def __init__(self, folder: str) -> None:
        command = [sys.executable, "-m", "benchmarks.subscriptions", "--serve", folder]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self._line())

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    async def ask(self, command: str) -> dict[str, float]:
        """Its answer to a command, without standing in the way of what arrives meanwhile."""
        assert self.process.stdin is not None
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        answer: dict[str, float] = orjson.loads(await asyncio.to_thread(self._line))
        return answer

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


async def _measure(served: Served, count: int, sharing: int, events: int) -> dict[str, Any]:
    before = (await served.ask("memory"))["kib"]
    sockets: list[Socket] = []
    arrived: list[float] = []
    readers: list[asyncio.Task[None]] = []

    async def enter() -> None:
        socket = await Socket.open(served.port)
        sockets.append(socket)
        # From the start: the server pings, and closes what does not answer.
        readers.append(asyncio.create_task(_read(socket, arrived)))
        for number in range(sharing):
            socket.send(id=str(number), type="subscribe", payload={"query": DOCUMENT})

    wanted = count // sharing
    while len(sockets) < wanted:
        await asyncio.gather(*(enter() for _ in range(min(AT_ONCE, wanted - len(sockets)))))
    while (state := await served.ask("memory"))["followers"] < count:  # noqa: ASYNC110 — another process counts
        await asyncio.sleep(0.1)
    delays: list[Sequence[float]] = []
    for _ in range(events):
        arrived.clear()
        committed = (await served.ask("tell"))["committed"]
        while len(arrived) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        delays.append(sorted(at - committed for at in arrived))
        await asyncio.sleep(0.2)
    after = (await served.ask("memory"))["kib"]
    for task in readers:
        task.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for socket in sockets:
        socket.close()
    while (await served.ask("memory"))["followers"]:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    millis = {
        name: round(statistics.median(each[place] for each in delays) * 1000, 1)
        for name, place in (("first", 0), ("half", count // 2), ("last", -1))
    }
    return {
        "subscriptions": count,
        "sockets": len(sockets),
        "kib each": round((state["kib"] - before) / count, 1),
        "kib each after events": round((after - before) / count, 1),
        "delay ms": millis,
    }


async def _read(socket: Socket, arrived: list[float]) -> None:
    while True:
        await socket.receive()
        arrived.append(time.monotonic())


async def _run(count: int, events: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for sharing in (1, SHARING):
            # Each in a fresh process: memory that was used once is not given back.
            served = Served(f"{folder}")
            try:
                os.sched_setaffinity(served.process.pid, {first_core()})
                os.sched_setaffinity(0, {last_core()})
                results.append(await _measure(served, count, sharing, events))
            finally:
                served.stop()
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--subscriptions", type=int, default=2000)
    parser.add_argument("--events", type=int, default=10)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(_serve(Path(options.serve)))
        return
    result = {
        "machine": describe("uvicorn", "websockets"),
        "results": uvloop.run(_run(options.subscriptions, options.events)),
    }
    if options.json:
        print(orjson.dumps(result).decode())
        return
    for each in result["results"]:
        print(
            f"{each['subscriptions']} subscriptions on {each['sockets']} sockets: {each['kib each']} KiB each,", end=" "
        )
        print(f"{each['kib each after events']} after events; an event reached", end=" ")
        print(", ".join(f"{name} after {value} ms" for name, value in each["delay ms"].items()))


if __name__ == "__main__":
    main()
