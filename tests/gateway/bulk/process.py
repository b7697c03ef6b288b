"""An import in a process of its own: ``python -m tests.gateway.bulk.process URL KIND FILE BATCH``.

It goes on with the file's import until that is over. Leases are short, so that a killed one's work is soon taken up.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from gateway.bulk.importing import JOB, Importing
from gateway.bulk.reading import Source
from gateway.database import Database, Keyring
from gateway.database.clock import SystemClock
from gateway.events.projector import Projector
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.graph import IdentityGraph
from tests.databases import MASTER

LEASE = timedelta(seconds=0.6)


async def main(url: str, kind: str, path: Path, batch: int) -> None:
    clock = SystemClock()
    async with Database.open(url, Keyring(MASTER), clock=clock) as database:
        queue = Queue(database, clock)
        graph = IdentityGraph(database, clock)
        importing = Importing(Projector(database, graph, clock, "op2018"), graph, queue, batch=batch)
        handlers = Handlers()
        handlers.add(JOB, importing.handle, versions={1})
        run_id = await importing.enqueue(kind, Source(path, "csv"), rejects=path.with_name("rejects.jsonl"))
        worker = Worker(queue, handlers, concurrency=1, poll_seconds=0.05, lease=LEASE)
        worker.start()
        while (run := await importing.run(run_id)) is not None and run.state in ("QUEUED", "RUNNING"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await worker.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
