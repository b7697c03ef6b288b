"""Imports on a database, run by a worker in this process."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select

from gateway.bulk.importing import JOB, Importing, Run
from gateway.bulk.reading import Format, Source
from gateway.database import Database
from gateway.events.projector import Projector
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.graph import IdentityGraph
from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.databases import ManualClock

OPEN_PLATFORM = "op2018"
EXAMPLES = Path(__file__).parents[3] / "examples" / "import"

Import = Callable[..., Awaitable[Run]]


def importing(database: Database, clock: ManualClock, *, batch: int = 1000) -> tuple[Importing, Worker]:
    queue = Queue(database, clock)
    graph = IdentityGraph(database, clock)
    made = Importing(Projector(database, graph, clock, OPEN_PLATFORM), graph, queue, batch=batch)
    handlers = Handlers()
    handlers.add(JOB, made.handle, versions={1})
    return made, Worker(queue, handlers)


@pytest.fixture
def import_file(database: Database, clock: ManualClock, tmp_path: Path) -> Import:
    """``await import_file("members", path, …)`` imports it to the end and returns the run."""

    async def import_file(kind: str, path: Path, *, batch: int = 1000, **options: Any) -> Run:
        made, worker = importing(database, clock, batch=batch)
        form: Format = "jsonl" if path.suffix == ".jsonl" else "csv"
        source = Source(path, form, options.pop("encoding", "utf-8"), options.pop("mapping", {}))
        options.setdefault("rejects", tmp_path / f"rejects-{clock.now():%H%M%S}.jsonl")
        run_id = await made.enqueue(kind, source, **options)
        await worker.drain()
        found = await made.run(run_id)
        assert found is not None
        clock.advance(seconds=1)
        return found

    return import_file


async def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    """All of a table, in a fixed order."""
    found = await database.fetch(select(table).order_by(*table.primary_key))
    return [dict(row._mapping) for row in found]


def rejects(run: Run) -> list[dict[str, Any]]:
    """What its file of rejects holds."""
    path = Path(run.rejects)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
