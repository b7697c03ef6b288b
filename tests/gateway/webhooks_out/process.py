"""A gateway that delivers webhooks in a process of its own: ``python -m tests.gateway.webhooks_out.process URL``.

Leases are short, so that the work of one that was killed is soon taken up.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from gateway.app import open_gateway
from tests.gateway.webhooks_out.conftest import settings


async def main(url: str) -> None:
    async with open_gateway(settings(url)) as gateway:
        worker = gateway.worker
        worker._lease = timedelta(seconds=0.9)
        worker._poll_seconds = 0.05
        worker.start()
        await gateway.services.webhooks.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
