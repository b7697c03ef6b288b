"""The gateway as an operator runs it: a settings file and processes of the command line, which may be killed."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from sandbox.http1 import request

_COMMAND = (sys.executable, "-m", "gateway")


def write_settings(path: Path, values: Mapping[str, Any]) -> None:
    """A TOML file of plain values."""
    path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in values.items()), "utf-8")


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


class GatewayProcess:
    """``retail-gateway serve``, started again after it was killed. ``url`` is where it listens."""

    def __init__(self, settings: Path, url: str, log: Path) -> None:
        self._settings, self._log = settings, log
        self.url = url
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return when it answers."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_COMMAND, "serve", "--settings", str(self._settings), stdout=log, stderr=log
            )
        async with asyncio.timeout(60):
            while True:
                assert self._process.returncode is None, self._log.read_text()
                try:
                    if (await request("GET", f"{self.url}/health")).status == 200:
                        return
                except (OSError, TimeoutError, ValueError):
                    await asyncio.sleep(0.05)

    async def health(self) -> Mapping[str, Any]:
        """What it says of itself."""
        found: Mapping[str, Any] = orjson.loads((await request("GET", f"{self.url}/health", seconds=30)).body)
        return found

    async def kill(self) -> None:
        """As a power cut does it."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As an operator does it."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await self._process.wait()


async def command(*arguments: str) -> tuple[int, str]:
    """Run a command of ``retail-gateway``; its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()
