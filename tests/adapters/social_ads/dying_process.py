"""A process that is killed between the platform's token exchange and the write of the new pair.

Run by test_tokens.py: ``python -m tests.adapters.social_ads.dying_process <store.json>``; the account's
settings come on standard input. The store is a file, so that it outlives the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

from adapters.base.runtime import Runtime
from adapters.base.transport import HttpTransport
from adapters.social_ads import TOOL
from gateway.runtime import CountingMeter, MemoryTokenStore, Quotas, SystemClock
from tests.conftest import NoSql, account_config


class FileStore:
    """One value in a file; the process dies where the second ``put`` would begin."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.puts = 0

    async def get(self, tool: str, account: str, name: str) -> Mapping[str, str] | None:
        return self.value

    @asynccontextmanager
    async def rotate(self, tool: str, account: str, name: str) -> AsyncIterator[FileStore]:
        yield self

    @property
    def value(self) -> Mapping[str, str] | None:
        return cast(Mapping[str, str], json.loads(self.path.read_text())) if self.path.exists() else None

    async def put(self, value: Mapping[str, str]) -> None:
        self.puts += 1
        if self.puts == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        self.path.write_text(json.dumps(dict(value)))


async def main(path: Path, settings: Mapping[str, object], offset: float) -> None:
    """Make one call with an expired token."""
    clock = SystemClock(timedelta(seconds=offset))
    async with HttpTransport() as transport:
        runtime = Runtime(
            transport,
            clock,
            asyncio.sleep,
            MemoryTokenStore(),
            FileStore(path),
            Quotas(clock),
            CountingMeter(),
            NoSql(),
            lambda text: text,
        )
        async with TOOL.open(account_config(TOOL, settings), runtime) as adapter:
            await adapter.ping()


if __name__ == "__main__":
    told = json.loads(sys.stdin.read())
    asyncio.run(main(Path(sys.argv[1]), told["settings"], told["offset"]))
