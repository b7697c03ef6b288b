"""Putting, showing, repeating and cancelling jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from gateway.database import Database
from gateway.database.tables.jobs import job
from gateway.jobs import Handlers, Job, JobActive, ParkJob, Queue, RunningJob, State, Worker
from gateway.jobs.claims import due
from tests.databases import ManualClock
from tests.gateway.jobs.conftest import Put


async def test_a_job_is_queued_sealed_and_then_run_once(
    database: Database, queue: Queue, handlers: Handlers, worker: Worker, put: Put
) -> None:
    seen: list[object] = []

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        seen.append((running.payload, running.attempt, running.version))

    job_id = await put({"phone": "13800138000"})
    stored = await database.one(text("SELECT payload FROM job"))
    assert stored is not None
    assert b"13800138000" not in stored[0]
    queued = await queue.get(job_id)
    assert queued is not None
    assert (queued.state, queued.attempts) == (State.QUEUED, 0)

    assert await worker.drain() == 1

    assert seen == [({"phone": "13800138000"}, 1, 1)]
    done = await queue.get(job_id)
    assert done is not None
    assert (done.state, done.attempts, done.error_code) == (State.DONE, 1, None)
    assert await database.one(select(job.c.payload)) == (None,)
    assert await worker.drain() == 0


async def test_a_rolled_back_transaction_leaves_no_job(
    database: Database, queue: Queue, worker: Worker, handlers: Handlers
) -> None:
    handlers.add("note", _never, versions={1})

    async def put_and_fail() -> None:
        async with database.write() as connection:
            await queue.put(connection, "note", 1, None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await put_and_fail()
    assert await queue.list() == []
    assert await worker.drain() == 0


async def test_a_key_is_unique_until_the_job_is_over(
    queue: Queue, handlers: Handlers, worker: Worker, put: Put
) -> None:
    handlers.add("note", _nothing, versions={1})
    handlers.add("other", _nothing, versions={1})
    first = await put(1, key="daily")
    assert await put(2, key="daily") == first
    other = await put(3, kind="other", key="daily")
    assert other != first
    assert [each.id for each in await queue.list()] == [first, other]
    assert await worker.drain() == 2
    again = await put(4, key="daily")
    assert again not in (first, other)


async def test_a_future_job_waits_for_its_time(
    clock: ManualClock, handlers: Handlers, worker: Worker, put: Put
) -> None:
    handlers.add("note", _nothing, versions={1})
    await put(run_at=clock.now() + timedelta(minutes=1))
    clock.advance(seconds=59)
    assert await worker.drain() == 0
    clock.advance(seconds=1)
    assert await worker.drain() == 1


async def test_urgent_jobs_run_first(queue: Queue, handlers: Handlers, put: Put) -> None:
    order: list[object] = []
    handlers.add("note", _collect(order), versions={1})
    for name, priority in (("low", -1), ("first", 0), ("second", 0), ("high", 5)):
        await put(name, priority=priority)
    assert await Worker(queue, handlers, concurrency=1).drain() == 4
    assert order == ["high", "first", "second", "low"]


async def test_a_job_that_waits_for_its_turn_is_not_due(
    queue: Queue, handlers: Handlers, worker: Worker, clock: ManualClock, put: Put
) -> None:
    handlers.add("note", _nothing, versions={1})
    await put("first", entity="e", run_at=clock.now() + timedelta(minutes=1))
    await put("second", entity="e")
    assert (await queue.due(), await worker.drain()) == (0, 0)
    clock.advance(minutes=1)
    assert await queue.due() == 1
    assert await worker.drain() == 2
    assert await queue.due() == 0


async def test_listing_filters_and_pages(queue: Queue, put: Put) -> None:
    ids = [await put(number, kind="even" if number % 2 == 0 else "odd", entity="e") for number in range(4)]
    assert [each.id for each in await queue.list(kind="even")] == [ids[0], ids[2]]
    assert [each.id for each in await queue.list(after=ids[1], limit=1)] == [ids[2]]
    assert len(await queue.list(entity="e", state=State.QUEUED)) == 4
    assert await queue.list(entity="other") == []
    assert await queue.list(state=State.DONE) == []
    assert await queue.counts() == {State.QUEUED: 4}


async def test_a_cancelled_job_never_runs(queue: Queue, handlers: Handlers, worker: Worker, put: Put) -> None:
    handlers.add("note", _never, versions={1})
    job_id = await put()
    assert await queue.cancel(job_id) is True
    assert await worker.drain() == 0
    assert await _state(queue, job_id) == State.CANCELLED
    assert await queue.cancel(job_id) is False
    assert await queue.cancel("unknown") is False


async def test_a_parked_job_is_taken_up_again(queue: Queue, handlers: Handlers, worker: Worker, put: Put) -> None:
    healthy = False

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        if not healthy:
            raise ParkJob("NEEDS_A_HUMAN")

    job_id = await put()
    assert await queue.retry(job_id) is False
    assert await worker.drain() == 1
    parked = await queue.get(job_id)
    assert isinstance(parked, Job)
    assert (parked.state, parked.error_code) == (State.PARKED, "NEEDS_A_HUMAN")
    assert await queue.cancel(job_id) is True
    healthy = True
    assert await queue.retry(job_id) is True
    assert await worker.drain() == 1
    assert await _state(queue, job_id) == State.DONE


async def test_a_retry_is_refused_beside_an_active_job_of_its_key(
    queue: Queue, handlers: Handlers, worker: Worker, put: Put
) -> None:
    parked = await put(kind="unknown", key="daily")
    await worker.drain()
    active = await put(kind="unknown", key="daily")
    with pytest.raises(JobActive, match="queued or running already"):
        await queue.retry(parked)
    assert await _state(queue, parked) == State.PARKED
    assert await _state(queue, active) == State.QUEUED


async def test_pruning_forgets_what_is_over_but_not_what_is_parked(
    queue: Queue, handlers: Handlers, worker: Worker, clock: ManualClock, put: Put
) -> None:
    handlers.add("note", _nothing, versions={1})
    await put()
    parked = await put(kind="unknown")
    await worker.drain()
    queued = await put()
    assert await queue.prune(clock.now()) == 0
    assert await queue.prune(clock.now() + timedelta(seconds=1)) == 1
    assert [each.id for each in await queue.list()] == [parked, queued]


async def test_looking_for_work_reads_only_the_jobs_that_are_not_over(
    sqlite_database: Database, clock: ManualClock
) -> None:
    compiled = (
        due()
        .limit(1)
        .params(now=clock.now())
        .compile(dialect=sqlite_database._backend.engines[0].dialect, compile_kwargs={"literal_binds": True})
    )
    plan = await sqlite_database.fetch(text(f"EXPLAIN QUERY PLAN {compiled}"))
    steps = [row.detail for row in plan]
    assert steps[0] == "SCAN job USING INDEX ix_job_due"
    assert any("other USING" in step and "INDEX ix_job_entity_active (entity=?" in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)


async def _state(queue: Queue, job_id: str) -> State:
    found = await queue.get(job_id)
    assert found is not None
    return found.state


async def _nothing(running: RunningJob) -> None:
    del running


async def _never(running: RunningJob) -> None:
    raise AssertionError(f"job {running.id} must not run")


def _collect(into: list[object]):  # type: ignore[no-untyped-def]  # a handler
    async def collect(running: RunningJob) -> None:
        into.append(running.payload)

    return collect
