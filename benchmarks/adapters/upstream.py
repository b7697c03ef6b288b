"""The platforms behind the benchmark, in a process of their own: each answer is the sandbox's, and is given again.

A process that emulated every call would be what is measured. So the first request for a method and a path goes to the
sandbox, and later ones get the bytes of its answer. Signed answers are as old as the run, which the callers allow for
some minutes.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import orjson
import uvloop

from sandbox.http1 import request
from sandbox.server import running

PLATFORMS = ("official_account", "payments", "cloud_storage", "enterprise_chat")
#: The message of one answer, by method, path and the header that names the action of 腾讯云's API.
Kept = dict[tuple[str, str, str], bytes]


class Replaying(asyncio.Protocol):
    """One connection, HTTP/1.1 and kept alive; requests come whole and one after the other."""

    def __init__(self, url: str, kept: Kept) -> None:
        self._url = url
        self._kept = kept
        self._buffer = b""
        self._transport: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, target, _ = first.split(" ")
        known = self._kept.get((method, target.partition("?")[0], headers.get("x-tc-action", "")))
        if known is not None:
            self._transport.write(known)
            return
        task = asyncio.create_task(self._first(method, target, headers, rest[:length]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _first(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        # COS and 腾讯云 sign the host; the length is written anew.
        own = {"connection", "accept-encoding", "content-length", "host"}
        sent = {name: value for name, value in headers.items() if name not in own} | {"Host": headers["host"]}
        answer = await request(method, self._url + target, sent, body)
        told = {
            name: value for name, value in answer.headers.items() if name not in {"connection", "transfer-encoding"}
        }
        if method != "HEAD":
            told["content-length"] = str(len(answer.body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        message = f"HTTP/1.1 {answer.status} OK\r\n{lines}\r\n".encode("latin-1") + answer.body
        if answer.status < 300:
            self._kept[(method, target.partition("?")[0], headers.get("x-tc-action", ""))] = message
        self._transport.write(message)


async def main() -> None:
    """Print the accounts, and what there is to ask for, as one line of JSON; serve until the input ends."""
    async with running(PLATFORMS, now=None, seed=1, size=50, state=None) as sandbox:
        loop = asyncio.get_running_loop()
        told = orjson.dumps(sandbox.describe()["platforms"])
        for name, url in sandbox.urls.items():
            kept: Kept = {}
            server = await loop.create_server(lambda url=url, kept=kept: Replaying(url, kept), "127.0.0.1", 0)
            told = told.replace(url.encode(), f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}".encode())
            del name
        asked = {"out_trade_no": sandbox.world.payments[0].out_trade_no, "userid": sandbox.world.guides[0].userid}
        print(orjson.dumps({"platforms": orjson.loads(told), "asked": asked}).decode(), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
