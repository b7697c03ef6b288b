"""A receiver of webhooks on loopback: uvicorn serves it, and it answers as a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from gateway.ports import listen


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its webhook-id."""
        return self.headers["webhook-id"]

    @property
    def value(self) -> dict[str, Any]:
        """Its body."""
        found: dict[str, Any] = json.loads(self.body)
        return found


Reply = Callable[[Received], Awaitable[int] | int]


@dataclass(slots=True)
class Receiver:
    """``reply`` gives the status of each request; ``extra`` are headers of every answer."""

    url: str
    seen: list[Received] = field(default_factory=list)
    reply: Reply = field(default=lambda _: 204)
    extra: dict[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        request = Received(scope["path"], headers, body)
        self.seen.append(request)
        status = self.reply(request)
        if not isinstance(status, int):
            status = await status
        extra = [(name.encode(), value.encode()) for name, value in self.extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": b"thanks" if status == 200 else b""})


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver, served until the block ends."""
    listener = listen("127.0.0.1", 0)
    receiver = Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}/hooks")
    config = uvicorn.Config(
        receiver, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
            await asyncio.sleep(0.002)
        yield receiver
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
