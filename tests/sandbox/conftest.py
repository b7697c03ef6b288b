"""A platform of our own behind the sandbox's fault wrapper, on a loopback socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox.clock import SandboxClock
from sandbox.faults import CODE_KEY, App, Faults, Faulty, Receive, Scope, Send
from sandbox.http1 import Answer, request
from sandbox.journal import Journal
from sandbox.server import _serve

BODY = b'{"errcode":0,"items":[1,2,3]}'


@dataclass
class Till:
    """Answers every request with one JSON, and counts what it handled."""

    handled: list[str] = field(default_factory=list)
    codes: list[object] = field(default_factory=list)
    status: int = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        self.handled.append(f"{scope['method']} {scope['path']}")
        self.codes.append(scope.get(CODE_KEY))
        body = b"" if self.status == 204 else BODY
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Stand:
    """The till with its faults, journal and address."""

    till: Till
    faults: Faults
    journal: Journal
    url: str

    async def ask(self, path: str = "/pay", *, method: str = "POST", seconds: float = 5) -> Answer:
        return await request(method, self.url + path, {}, b"{}", seconds=seconds)


Serve = Callable[[App], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """``url = await serve(app)``."""
    servers: list[Any] = []

    async def start(app: App) -> str:
        return await _serve(app, "127.0.0.1", 0, servers)

    yield start
    for server, _ in servers:
        server.stop()
    await asyncio.gather(*(task for _, task in servers))


@pytest.fixture
async def stand(serve: Serve) -> Stand:
    till, faults, journal = Till(), Faults(), Journal()
    return Stand(till, faults, journal, await serve(Faulty("till", till, faults, journal, SandboxClock())))


@dataclass
class Receiver:
    """Somebody who receives webhooks: answers these statuses in turn, then the last one for ever."""

    statuses: tuple[int, ...] = (200,)
    bodies: list[bytes] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = bool(message.get("more_body"))
        await self.gate.wait()
        self.bodies.append(body)
        status = self.statuses[min(len(self.bodies), len(self.statuses)) - 1]
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
