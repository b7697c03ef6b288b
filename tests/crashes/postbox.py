"""Receives the platforms' notifications for processes that do not live long enough to listen."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.server import _serve


class Postbox:
    """Answers every notification with success, and hands each out once."""

    def __init__(self) -> None:
        self.url = ""
        self._letters: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.app = Starlette(
            routes=[
                Route("/hooks/{tool}/{account}", self._receive, methods=["POST"]),
                Route("/next", self._next, methods=["GET"]),
            ]
        )

    def empty(self) -> None:
        """Throw away what nobody took: it is lost."""
        while not self._letters.empty():
            self._letters.get_nowait()

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        letter = {
            "tool": request.path_params["tool"],
            "account": request.path_params["account"],
            "headers": dict(request.headers),
            "body": base64.b64encode(body).decode(),
        }
        await self._letters.put(letter)
        return Response(status_code=204)

    async def _next(self, _request: Request) -> Response:
        """The oldest notification; waits for one."""
        return JSONResponse(await asyncio.wait_for(self._letters.get(), 10))


@asynccontextmanager
async def postbox() -> AsyncIterator[Postbox]:
    """A postbox on loopback."""
    box, servers = Postbox(), []  # type: ignore[var-annotated]
    box.url = await _serve(box.app, "127.0.0.1", 0, servers)
    try:
        yield box
    finally:
        for server, task in servers:
            server.stop()
            await task
