"""The contestants on Node, in a process of their own that is asked line by line."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import orjson
import strawberry

from benchmarks.execution import data, documents, schema
from benchmarks.execution.python import TYPES
from benchmarks.machine import PEERS

CONTESTANTS = ("graphql_js", "graphql_jit")


class Node:
    """The running process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def _ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(command) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the Node peers ended; what they wrote stands above")
        return cast(dict[str, Any], orjson.loads(line))

    async def answer(self, contestant: str, document: str) -> bytes:
        """The response to a document."""
        told = await self._ask(contestant=contestant, document=document)
        return cast(str, told["answer"]).encode()

    async def microseconds(self, contestant: str, document: str, milliseconds: int) -> float:
        """CPU time of the main thread per run, over about so many milliseconds."""
        told = await self._ask(contestant=contestant, document=document, milliseconds=milliseconds)
        return cast(float, told["microseconds"])


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@asynccontextmanager
async def node(core: int) -> AsyncIterator[Node]:
    """Start the peers on a core, with the same schema, documents and data."""
    sdl = strawberry.Schema(query=schema.Query, config=schema.CONFIG, types=TYPES).as_str()
    given = {"sdl": sdl, "documents": documents.DOCUMENTS, "variables": data.VARIABLES, "data": data.data()}
    with tempfile.TemporaryDirectory() as folder:
        path = _written(Path(folder, "given.json"), orjson.dumps(given))
        process = await asyncio.create_subprocess_exec(
            "node",
            str(PEERS / "execution.mjs"),
            str(path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=16 * 1024 * 1024,
            env={**os.environ, "NODE_ENV": "production"},
        )
        os.sched_setaffinity(process.pid, {core})
        try:
            yield Node(process)
        finally:
            process.terminate()
            await process.wait()
