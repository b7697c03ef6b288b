"""Real processes on one queue: they share it without overlap, and survive one another's death."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.database import Database
from gateway.database.clock import SystemClock
from gateway.jobs import Handlers, Queue, RunningJob, State, Worker
from tests.databases import ManualClock

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    return path


@pytest.fixture
def start(database_url: str, folder: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.gateway.jobs.process",
            database_url,
            str(folder),
        ]
        started.append(subprocess.Popen(command, cwd=Path(__file__).parents[3]))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.long
async def test_two_processes_never_run_a_job_twice_nor_an_entity_at_once(
    database: Database, folder: Path, start: Start
) -> None:
    queue = Queue(database, SystemClock())
    async with database.write() as connection:
        for number in range(8):
            for entity in range(6):
                await queue.put(connection, "step", 1, [entity, number], entity=f"entity-{entity}")
    processes = [start(), start()]
    await _until(lambda: len(list(folder.glob("ready-*"))) == 2)
    while await queue.counts() != {State.DONE: 48}:
        assert [each.poll() for each in processes] == [None, None]
        await asyncio.sleep(0.05)
    (folder / "stop").touch()
    assert [each.wait(30) for each in processes] == [0, 0]

    lines = [tuple(map(int, line.split())) for line in (folder / "ran").read_text().splitlines()]
    assert Counter(lines) == {(entity, number): 1 for entity in range(6) for number in range(8)}
    for entity in range(6):
        assert [number for each, number in lines if each == entity] == list(range(8))
    assert not (folder / "violations").exists()


async def test_a_killed_process_loses_nothing(
    database: Database, folder: Path, start: Start, handlers: Handlers
) -> None:
    queue = Queue(database, SystemClock())
    async with database.write() as connection:
        job_id = await queue.put(connection, "hang", 1, "payload")
    process = start()
    await _until((folder / "hanging").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    running = await queue.get(job_id)
    assert running is not None
    assert (running.state, running.attempts) == (State.RUNNING, 1)

    seen: list[tuple[object, int]] = []

    @handlers.handler("hang", versions={1})
    async def resume(job: RunningJob) -> None:
        seen.append((job.payload, job.attempt))

    later = ManualClock(SystemClock().now() + timedelta(seconds=31))
    assert await Worker(queue, handlers, clock=ManualClock(SystemClock().now())).drain() == 0
    assert await Worker(queue, handlers, clock=later).drain() == 1
    assert seen == [("payload", 2)]
    done = await queue.get(job_id)
    assert done is not None
    assert (done.state, done.attempts) == (State.DONE, 2)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - another process makes it true.
            await asyncio.sleep(0.02)
