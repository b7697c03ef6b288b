"""A process that calls until it may not: ``python -m tests.gateway.cache.caller SETTINGS OUTCOME``.

It asks 企业微信 for the customers of one guide again and again, several at a time, until the allowance is used up, and
writes how many calls it made and how it was refused.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from adapters.base.errors import UpstreamError
from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.app import open_gateway
from gateway.settings import load


async def main(settings: Path, outcome: Path) -> dict[str, object]:
    made, refused = 0, ""
    async with open_gateway(load(settings)) as gateway:
        adapter = gateway.services.tools.all(EnterpriseChatAdapter)[0]
        outcome.with_suffix(".ready").touch()
        while not outcome.with_name("go").exists():  # noqa: ASYNC110 - another process makes the file
            await asyncio.sleep(0.01)

        async def call() -> None:
            nonlocal made, refused
            while not refused:
                try:
                    await adapter.guide_ids()
                    made += 1
                except UpstreamError as error:
                    refused = f"{error.kind} {error.reason} {error.resets_at}"

        await asyncio.gather(*(call() for _ in range(4)))
    return {"made": made, "refused": refused}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))))
