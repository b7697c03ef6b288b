"""The database fixtures, a queue and a worker on a clock that stands still."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.database import Database
from gateway.jobs import Handlers, Queue, Worker
from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.databases import ManualClock

Put = Callable[..., Awaitable[str]]


@pytest.fixture
def queue(database: Database, clock: ManualClock) -> Queue:
    return Queue(database, clock)


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
def worker(queue: Queue, handlers: Handlers) -> Worker:
    return Worker(queue, handlers, concurrency=4)


@pytest.fixture
def put(queue: Queue, database: Database) -> Put:
    """``await put(payload, kind=…, **options)`` in a transaction of its own; returns the id."""

    async def put(payload: object = None, *, kind: str = "note", version: int = 1, **options: object) -> str:
        async with database.write() as connection:
            return await queue.put(connection, kind, version, payload, **options)  # type: ignore[arg-type]

    return put
