"""Jobs that come back: one per period, whatever the number of processes."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

from sqlalchemy import func, select

from adapters.base.secrets import Secret
from gateway.app import create_app
from gateway.database import Database, Keyring
from gateway.database.tables.jobs import job, recurring_job
from gateway.jobs import Handlers, Queue, Recurring, RunningJob, State, Worker
from gateway.settings import Settings
from tests.databases import MASTER, ManualClock

HOUR = timedelta(hours=1)
MASTER_KEY = base64.b64encode(MASTER).decode()


class Process:
    """What one process has of it."""

    def __init__(self, database: Database, clock: ManualClock, ran: list[str], *, fails: bool = False) -> None:
        self.ran = ran
        self.fails = fails
        self.queue = Queue(database, clock)
        self.recurring = Recurring(self.queue, "tidy", self.work, every=HOUR, offset=timedelta(minutes=10))
        handlers = Handlers()
        self.recurring.register(handlers)
        self.worker = Worker(self.queue, handlers, clock=clock)

    async def work(self, running: RunningJob) -> None:
        self.ran.append(running.payload["period"][:16])
        if self.fails:
            raise RuntimeError


async def test_each_period_has_one_run_with_three_processes(database_url: str, clock: ManualClock) -> None:
    """12:57 at the start; a period begins at ten past."""
    ran: list[str] = []
    async with (
        Database.open(database_url, Keyring(MASTER), clock=clock) as one,
        Database.open(database_url, Keyring(MASTER), clock=clock) as two,
        Database.open(database_url, Keyring(MASTER), clock=clock) as three,
    ):
        processes = [Process(each, clock, ran) for each in (one, two, three)]
        started = await asyncio.gather(*(each.recurring.ensure() for each in processes))
        assert sorted(started) == [False, False, True]
        await asyncio.gather(*(each.worker.drain() for each in processes))
        assert ran == []
        for _ in range(4):
            clock.advance(hours=1)
            await asyncio.gather(*(each.worker.drain() for each in processes))
            await asyncio.gather(*(each.recurring.ensure() for each in processes))
        assert ran == [f"2026-11-11T{hour}:00" for hour in (13, 14, 15, 16)]


async def test_a_day_of_standstill_is_one_run_and_a_failing_run_does_not_end_the_chain(
    database: Database, clock: ManualClock
) -> None:
    ran: list[str] = []
    process = Process(database, clock, ran, fails=True)
    await process.recurring.ensure()
    clock.advance(hours=24)
    await process.worker.drain()
    # The one that was put before the standstill, again and again; the next one waits for its time.
    assert set(ran) == {"2026-11-11T13:00"}
    waiting = await database.fetch(
        select(job.c.state, job.c.run_at, func.count().label("n")).group_by(job.c.state, job.c.run_at)
    )
    assert clock.now().replace(minute=10) + HOUR in {row.run_at for row in waiting}
    assert sum(row.n for row in waiting) == 2

    ran.clear()
    process.fails = False
    clock.advance(hours=2)
    await process.worker.drain()
    assert set(ran) == {"2026-11-11T13:00", "2026-11-12T13:00"}
    assert (await process.queue.counts())[State.DONE] == 2


async def test_what_comes_back_by_itself_in_a_process_that_serves(database_url: str, clock: ManualClock) -> None:
    settings = Settings(environment="sandbox", database_url=database_url, master_key=Secret(MASTER_KEY))
    for _ in range(2):
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            pass
    async with Database.open(database_url, Keyring(MASTER), clock=clock) as database:
        known = await database.fetch(select(recurring_job.c.kind).order_by(recurring_job.c.kind))
        waiting = await database.fetch(select(job.c.kind, job.c.state).order_by(job.c.kind))
    periods = [
        "activations.settle",
        "audiences.sweep",
        "files.sweep",
        "group_sends.settle",
        "handovers.settle",
        "points.expire.daily",
        "profit_shares.settle",
        "publications.settle",
        "reconciliation",
        "reconciliation.funds",
        "red_packets.settle",
        "retention",
        "stock.settle",
    ]
    assert [row.kind for row in known] == periods
    assert [tuple(row) for row in waiting] == [(kind, "QUEUED") for kind in [*periods, "webhooks.watch"]]
