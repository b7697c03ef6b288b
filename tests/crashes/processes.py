"""The test's end of the zygote."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What every process of the matrix needs, imported once.
WARM = ("gateway.cli", "tests.crashes.playing")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it had printed."""

    signal: int | None
    code: int | None
    output: str


class Zygote:
    """Runs functions in processes of their own, one at a time."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._count = 0

    async def run(self, function: str, **values: Any) -> Ended:
        """Run ``module:function`` and wait for its end, however it comes."""
        return await asyncio.to_thread(self._run, function, values)

    def _run(self, function: str, values: dict[str, Any]) -> Ended:
        self._count += 1
        out = self._folder / f"{self._count}.out"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"run": function, "with": values, "out": str(out)}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Ended(answer.get("signal"), answer.get("code"), out.read_text())


@contextmanager
def zygote(folder: Path) -> Iterator[Zygote]:
    """A warm process to fork from."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.crashes.zygote", *WARM]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield Zygote(process, folder)
        assert process.stdin is not None
        process.stdin.close()
