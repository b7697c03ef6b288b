"""The HTTP server inside an event loop that is ours: start-up errors are raised, signals left alone."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import uvicorn
from starlette.applications import Starlette


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: the command line cancels the task that serves."""
        yield


#: Objects allocated before the youngest are looked through; then how often that happens before the older ones are.
GC_THRESHOLDS = (10_000, 20, 50)


def settle_memory() -> None:
    """Spare the garbage collector what lives as long as the process. Called once, when everything is open.

    Modules, the graph and the tables are some hundred thousand objects; looking through all of them again and again
    costs as much CPU as serving a whole member. Only for a process that does nothing but serve: what is garbage in a
    cycle at this moment stays.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


#: The largest message that a socket takes.
WS_BYTES = 2**20


@asynccontextmanager
async def serving(app: Starlette, listener: socket.socket, *, grace_seconds: int = 5) -> AsyncIterator[None]:
    """Open the application, then serve it on a bound socket until the context ends.

    The application's lifespan is entered here and not by uvicorn, which would print a trace and exit
    where we want the error. Requests under way get the grace to finish.
    """
    with closing(listener):
        async with app.router.lifespan_context(app), _running(app, listener, grace_seconds):
            yield


@asynccontextmanager
async def _running(app: Starlette, listener: socket.socket, grace_seconds: int) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=WS_BYTES,
        # A socket's compressor would be most of what an idle subscription costs.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=grace_seconds,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        yield
    finally:
        # Streams end by themselves only when they are told.
        getattr(app.state, "before_stop", _nothing)()
        server.should_exit = True
        await task


def _nothing() -> None:
    pass
