"""The servers of the benchmark as processes: started, pinned, asked for CPU and memory, stopped."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import strawberry

from benchmarks.gateway.schema import CONFIG, Query
from benchmarks.machine import PEERS, node_missing
from gateway.ports import listen

TICKS = os.sysconf("SC_CLK_TCK")
#: The GraphQL peers that ours is compared with, and what each needs beyond Python.
PEER_NAMES = ("strawberry_aiohttp", "mercurius", "hive_gateway")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of the benchmark."""

    name: str
    port: int
    process: asyncio.subprocess.Process

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system, of all of its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def left_out() -> dict[str, str]:
    """Peers that cannot run here, and why."""
    reasons: dict[str, str] = {}
    try:
        import aiohttp  # noqa: F401 — only asked whether it is there
    except ImportError:
        reasons["strawberry_aiohttp"] = "aiohttp is not installed: make peers"
    node = node_missing()
    return reasons | ({"mercurius": node, "hive_gateway": node} if node else {})


async def _spawn(
    name: str, arguments: Sequence[str], core: int, environment: Mapping[str, str], *, port: int = 0
) -> Server:
    process = await asyncio.create_subprocess_exec(
        "taskset",
        "--cpu-list",
        str(core),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE if not port else asyncio.subprocess.DEVNULL,
        env={**os.environ, "NODE_ENV": "production", **environment},
    )
    if process.stdout is not None:
        # What it prints first is its port.
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"{name} did not start; what it wrote stands above")
        port = int(line)
    return Server(name, port, process)


@asynccontextmanager
async def replaying(core: int) -> AsyncIterator[Server]:
    """The replay server."""
    server = await _spawn("replay", [sys.executable, "-m", "benchmarks.gateway.replay"], core, {})
    try:
        yield server
    finally:
        await _stop(server)


@asynccontextmanager
async def running(core: int, upstream: Server, folder: Path) -> AsyncIterator[list[Server]]:
    """Ours, the hand-written endpoint, and every peer that can run here; each one process on the core."""
    url = f"http://127.0.0.1:{upstream.port}"
    sdl = folder / "schema.graphql"
    sdl.write_text(strawberry.Schema(query=Query, config=CONFIG).as_str())
    environment = {"UPSTREAM": url, "SCHEMA": str(sdl)}
    missing = left_out()
    commands = {
        "ours": [sys.executable, "-m", "benchmarks.gateway.ours"],
        "hand_written": [sys.executable, "-m", "benchmarks.peers.hand_written"],
        "strawberry_aiohttp": [sys.executable, "-m", "benchmarks.peers.strawberry_aiohttp"],
        "mercurius": ["node", str(PEERS / "mercurius.mjs")],
    }
    servers: list[Server] = []
    try:
        for name, command in commands.items():
            if name not in missing:
                servers.append(await _spawn(name, command, core, environment))
        if "hive_gateway" not in missing:
            servers.append(await _hive(core, environment, folder))
        yield servers
    finally:
        for server in servers:
            await _stop(server)


async def _hive(core: int, environment: Mapping[str, str], folder: Path) -> Server:
    """Compose the REST sources into a supergraph, and serve it."""
    supergraph = folder / "supergraph.graphql"
    compose = await asyncio.create_subprocess_exec(
        "node",
        str(PEERS / "node_modules/@graphql-mesh/compose-cli/esm/bin.js"),
        "--config-path",
        str(PEERS / "hive/mesh.config.mjs"),
        "--output",
        str(supergraph),
        cwd=PEERS,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    if await compose.wait():
        raise RuntimeError("mesh-compose failed; what it wrote stands above")
    with listen("127.0.0.1", 0) as free:
        port: int = free.getsockname()[1]
    command = [
        "node",
        str(PEERS / "node_modules/@graphql-hive/gateway/dist/bin.js"),
        "--config-path",
        str(PEERS / "hive/gateway.config.mjs"),
        "supergraph",
    ]
    server = await _spawn(
        "hive_gateway", command, core, {**environment, "SUPERGRAPH": str(supergraph), "PORT": str(port)}, port=port
    )
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return server


async def _stop(server: Server) -> None:
    if server.process.returncode is None:
        server.process.terminate()
    try:
        async with asyncio.timeout(10):
            await server.process.wait()
    except TimeoutError:
        server.process.kill()
        await server.process.wait()
