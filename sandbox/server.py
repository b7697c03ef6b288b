"""Serves each platform on its own loopback port, and a control port beside them."""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.clock import SandboxClock
from sandbox.control import control_app
from sandbox.faults import App, Faults, Faulty
from sandbox.journal import Journal
from sandbox.keys import KeyRing
from sandbox.platform import Kit, Platform
from sandbox.pusher import Pusher
from sandbox.world import World, build_world


class _Abortable(HttpToolsProtocol):
    """Lets the fault wrapper cut the TCP connection under a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # narrower than asyncio says
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}


class Embedded(uvicorn.Server):
    """A server inside somebody else's event loop: it takes no signals, and stops at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """End without waiting for those who are connected."""
        self.should_exit = True
        self._stop.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield

    async def main_loop(self) -> None:
        """Renew the Date header each second; uvicorn's own loop wakes ten times as often and stops as late."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut connections and end what still runs, such as a platform that was told to hang."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(slots=True)
class Sandbox:
    """The running sandbox."""

    world: World
    kit: Kit
    platforms: Mapping[str, Platform]
    urls: dict[str, str]
    control_url: str = ""

    def describe(self) -> dict[str, Any]:
        """The JSON object that ``retail-gateway sandbox --json`` prints first."""
        return {
            "control": self.control_url,
            "clockOffsetSeconds": self.kit.clock.offset.total_seconds(),
            "brand": self.world.brand,
            "openPlatform": self.world.open_platform,
            "levels": [
                {"grade": 1, "name": "普卡", "growth": 0},
                {"grade": 2, "name": "银卡", "growth": 1000},
                {"grade": 3, "name": "金卡", "growth": 5000},
                {"grade": 4, "name": "黑卡", "growth": 20000},
            ],
            "masterData": f"{self.control_url}/erp/master.json",
            "platforms": {
                name: {"baseUrl": self.urls[name], **platform.describe(self.urls[name])}
                for name, platform in self.platforms.items()
            },
        }


def load_platforms(names: Sequence[str], world: World, kit: Kit) -> dict[str, Platform]:
    """One emulation per tool name, found at ``adapters.<tool>.sandbox.Sandbox``."""
    return {name: importlib.import_module(f"adapters.{name}.sandbox").Sandbox(world, kit) for name in names}


@asynccontextmanager
async def running(
    names: Sequence[str],
    *,
    now: datetime | None = None,
    seed: int = 20181111,
    size: int = 120,
    state: Path | None = None,
    keys: KeyRing | None = None,
    host: str = "127.0.0.1",
    ports: Mapping[str, int] | None = None,
) -> AsyncIterator[Sandbox]:
    """The named platforms, served until the context ends.

    ``now`` starts the sandbox's clock there (default: the real time). ``state`` is a folder for
    generated keys (default: in memory); ``keys`` shares a key ring between sandboxes of one process.
    ``ports`` fixes ports by platform name or ``control``; the others are free ones.
    Raises OSError when a port is taken.
    """
    clock = SandboxClock(now)
    kit = Kit(clock, Journal(), Faults(), Pusher(), keys or KeyRing(state / "keys" if state else None))
    world = build_world(clock.now(), seed=seed, size=size)
    sandbox = Sandbox(world, kit, load_platforms(names, world, kit), {})
    fixed = ports or {}
    servers: list[tuple[Embedded, asyncio.Task[None]]] = []
    try:
        for name, platform in sandbox.platforms.items():
            app = Faulty(name, platform.app, kit.faults, kit.journal, clock)
            sandbox.urls[name] = await _serve(app, host, fixed.get(name, 0), servers)
        sandbox.control_url = await _serve(control_app(sandbox), host, fixed.get("control", 0), servers)
        yield sandbox
    finally:
        await kit.pusher.close()
        for server, _ in servers:
            server.stop()
        await asyncio.gather(*(task for _, task in servers))


async def _serve(app: App, host: str, port: int, servers: list[tuple[Embedded, asyncio.Task[None]]]) -> str:
    # Without the protocol's name asyncio lets the kernel hold back each body for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    config = uvicorn.Config(
        app,
        http=_Abortable,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
    )
    server = Embedded(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    servers.append((server, task))
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.002)
    return f"http://{host}:{listener.getsockname()[1]}"
