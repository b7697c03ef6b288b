"""A worker in a process of its own: ``python -m tests.gateway.jobs.process URL FOLDER``.

Jobs of kind ``step`` leave a file per run and a lock file per entity while they run, so that any
overlap shows as a line in ``violations``. Jobs of kind ``hang`` say so and wait to be killed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.database import Database, Keyring
from gateway.database.clock import SystemClock
from gateway.jobs import Handlers, Queue, RunningJob, Worker
from tests.databases import MASTER


async def main(url: str, folder: Path) -> None:
    handlers = Handlers()

    def note(name: str, line: str) -> None:
        with (folder / name).open("a") as file:
            file.write(line + "\n")

    @handlers.handler("step", versions={1})
    async def step(running: RunningJob) -> None:
        entity, number = running.payload
        note("ran", f"{entity} {number}")
        lock = folder / f"lock-{entity}"
        try:
            lock.touch(exist_ok=False)
        except FileExistsError:
            note("violations", f"{entity} {number}")
        await asyncio.sleep(0.003)
        lock.unlink(missing_ok=True)

    @handlers.handler("hang", versions={1})
    async def hang(running: RunningJob) -> None:
        (folder / "hanging").touch()
        await asyncio.Event().wait()

    async with Database.open(url, Keyring(MASTER)) as database:
        worker = Worker(Queue(database, SystemClock()), handlers, concurrency=4, poll_seconds=0.05)
        (folder / f"ready-{worker.name.split(':')[1]}").touch()
        worker.start()
        while not (folder / "stop").exists():  # noqa: ASYNC110 - another process makes the file.
            await asyncio.sleep(0.02)
        await worker.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
