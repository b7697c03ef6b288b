"""How each Python server of the benchmark is run, ours and the peers': uvicorn on uvloop and httptools, one process, no
access log, and the garbage collector told to leave alone what was there before the first request."""

from __future__ import annotations

import os

import uvicorn
from starlette.applications import Starlette

from gateway.ports import listen
from gateway.serving import settle_memory


def upstream() -> str:
    """The replay server's address, from the environment like the Node peers'."""
    return os.environ["UPSTREAM"]


def serve(app: Starlette) -> None:
    """Print the port and serve until terminated."""
    settle_memory()
    listener = listen("127.0.0.1", 0)
    listener.listen(1024)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", access_log=False, log_level="error", lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[listener])
