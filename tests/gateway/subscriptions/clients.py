"""The npm clients graphql-ws and graphql-sse, told what to do, over a wire that can be cut and held."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.gateway.subscriptions.live import SECONDS

FOLDER = Path(__file__).parents[2] / "clients"


def npm_clients() -> str:
    """The program ``node``, with the clients installed. Skips where there is none, but fails where CI promised one."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        reason = "no node and npm on the PATH (20 or newer), so the npm clients cannot run"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    installed, wanted = FOLDER / "node_modules/.package-lock.json", FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts"], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode and os.environ.get("CI") != "true":
            pytest.skip("`npm ci` in tests/clients failed: no registry can be reached")
        assert done.returncode == 0, done.stderr
    return node


@dataclass(slots=True)
class Wire:
    """TCP between a client and a gateway, which can be cut, and held so that nothing reaches the client."""

    target: int
    port: int = 0
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, forth}
        await asyncio.gather(self._pump(reader, forth, False), self._pump(back, writer, True))
        self._writers -= {writer, forth}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: bool) -> None:
        try:
            while True:
                if held:
                    await self.flows.wait()
                data = await reader.read(65536)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A wire to that port."""
    wire = Wire(port)
    wire.flows.set()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        wire.flows.set()
        wire.cut()
        server.close()
        await server.wait_closed()


@dataclass(slots=True)
class NpmClient:
    """A running ``converse.mjs``."""

    process: asyncio.subprocess.Process
    heard: list[dict[str, Any]] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def say(self, do: str, id: str, query: str = "", **variables: Any) -> None:  # noqa: A002
        assert self.process.stdin is not None
        line = {"do": do, "id": id, "query": query, "variables": variables}
        self.process.stdin.write(orjson.dumps(line) + b"\n")
        await self.process.stdin.drain()

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self.news:
                self.heard.append(orjson.loads(line))
                self.news.notify_all()

    async def hear(self, wanted: Any) -> Any:
        """The first thing heard so far, or soon, for which ``wanted`` gives something."""
        async with asyncio.timeout(SECONDS), self.news:
            while True:
                for each in self.heard:
                    if found := wanted(each):
                        return found
                await self.news.wait()

    def events(self, id: str, name: str) -> list[str]:  # noqa: A002
        """The event ids that this subscription was told so far."""
        return [each["next"]["data"][name]["eventId"] for each in self.heard if each.get("id") == id and "next" in each]

    async def told(self, id: str, name: str, count: int) -> list[str]:  # noqa: A002
        """So many event ids of a subscription, when they have come."""
        async with asyncio.timeout(SECONDS), self.news:
            while len(found := self.events(id, name)) < count:
                await self.news.wait()
        return found


@asynccontextmanager
async def npm_client(kind: str, port: int, key: str) -> AsyncIterator[NpmClient]:
    """``graphql-ws`` or ``graphql-sse``, on a gateway or a wire to it."""
    node = npm_clients()
    scheme = "ws" if kind == "ws" else "http"
    process = await asyncio.create_subprocess_exec(
        node, str(FOLDER / "converse.mjs"), kind, f"{scheme}://127.0.0.1:{port}/graphql", key,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    client = NpmClient(process)
    listening = asyncio.create_task(client.listen())
    try:
        yield client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening
        process._transport.close()  # type: ignore[attr-defined] # or a warning of an unclosed transport follows
