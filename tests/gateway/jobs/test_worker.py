"""How attempts end: done, failed, parked, postponed, cancelled, lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from gateway.database import Database, Fact, append_facts
from gateway.database.tables.facts import fact
from gateway.jobs import (
    Backoff,
    Handlers,
    Job,
    LeaseLost,
    ParkJob,
    PostponeJob,
    Queue,
    RunningJob,
    State,
    Worker,
)
from tests.databases import ManualClock
from tests.gateway.jobs.conftest import Put

LEASE = timedelta(seconds=30)


async def _job(queue: Queue, job_id: str) -> Job:
    found = await queue.get(job_id)
    assert found is not None
    return found


async def test_a_failure_is_tried_again_later_and_then_parked(
    queue: Queue, handlers: Handlers, clock: ManualClock, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        attempts.append(running.attempt)
        assert running.last_attempt is (running.attempt == 3)
        raise ValueError("13800138000 said no")

    worker = Worker(queue, handlers, backoff=Backoff(base_seconds=10, cap_seconds=15), random=_Most())
    job_id = await put(max_attempts=3)
    assert await worker.drain() == 1
    waiting = await _job(queue, job_id)
    assert (waiting.state, waiting.attempts, waiting.error_code) == (State.QUEUED, 1, "ValueError")
    assert waiting.run_at == clock.now() + timedelta(seconds=10)
    assert await worker.drain() == 0
    clock.advance(seconds=10)
    assert await worker.drain() == 1
    assert (await _job(queue, job_id)).run_at == clock.now() + timedelta(seconds=15)
    clock.advance(seconds=15)
    assert await worker.drain() == 1
    parked = await _job(queue, job_id)
    assert (parked.state, parked.attempts, parked.error_code) == (State.PARKED, 3, "ValueError")
    assert attempts == [1, 2, 3]
    assert "test_worker.py:" in caplog.text
    assert "13800138000" not in caplog.text


def test_full_jitter_lies_between_nothing_and_a_doubling_limit(clock: ManualClock) -> None:
    backoff, random = Backoff(base_seconds=2, cap_seconds=60), Random(7)
    for attempt, limit in ((1, 2), (2, 4), (5, 32), (6, 60), (5_000, 60)):
        waits = [backoff.wait(attempt, random, ValueError(), clock.now()).total_seconds() for _ in range(400)]
        assert 0 <= min(waits) < limit * 0.05
        assert limit * 0.95 < max(waits) <= limit


def test_a_wait_is_as_long_as_the_platform_asks(clock: ManualClock) -> None:
    error = ValueError()
    error.retry_after = 90.0  # type: ignore[attr-defined]  # as adapters.base.errors has it
    assert Backoff().wait(1, Random(1), error, clock.now()) == timedelta(seconds=90)
    error.retry_after = None  # type: ignore[attr-defined]  # the same
    error.resets_at = clock.now() + timedelta(hours=3)  # type: ignore[attr-defined]  # the same
    assert Backoff().wait(1, Random(1), error, clock.now()) == timedelta(hours=3)


@pytest.mark.parametrize(("kind", "version", "code"), [("nobody", 1, "UNKNOWN_KIND"), ("note", 2, "UNKNOWN_VERSION")])
async def test_what_nobody_can_read_is_parked(
    queue: Queue, handlers: Handlers, worker: Worker, put: Put, kind: str, version: int, code: str
) -> None:
    handlers.add("note", _refuse, versions={1})
    job_id = await put(kind=kind, version=version)
    assert await worker.drain() == 1
    parked = await _job(queue, job_id)
    assert (parked.state, parked.error_code) == (State.PARKED, code)


async def test_a_job_of_an_erased_subject_is_parked_unread(
    database: Database, queue: Queue, handlers: Handlers, worker: Worker, put: Put
) -> None:
    handlers.add("note", _refuse, versions={1})
    await database.keyring.ensure("member-1")
    job_id = await put(database.keyring.seal_json({"a": 1}, subject="member-1"))
    await database.keyring.destroy("member-1")
    assert await worker.drain() == 1
    parked = await _job(queue, job_id)
    assert (parked.state, parked.error_code) == (State.PARKED, "SUBJECT_ERASED")


async def test_postponing_does_not_count_as_an_attempt(
    queue: Queue, handlers: Handlers, worker: Worker, clock: ManualClock, put: Put
) -> None:
    start = clock.now()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        if clock.now() == start:
            raise PostponeJob(start + timedelta(minutes=1))

    job_id = await put(max_attempts=1)
    assert await worker.drain() == 1
    waiting = await _job(queue, job_id)
    assert (waiting.state, waiting.attempts) == (State.QUEUED, 0)
    clock.advance(minutes=1)
    assert await worker.drain() == 1
    assert (await _job(queue, job_id)).state == State.DONE


async def test_jobs_of_one_entity_run_in_the_order_of_their_put(
    queue: Queue, handlers: Handlers, clock: ManualClock, put: Put
) -> None:
    order: dict[str, list[int]] = {"a": [], "b": []}
    active: set[str] = set()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        entity, number = running.payload
        assert entity not in active
        active.add(entity)
        await asyncio.sleep(0.001)
        active.remove(entity)
        order[entity].append(number)

    for number in range(6):
        for entity in order:
            # Later ones are more urgent, and must still wait for their entity's turn.
            await put([entity, number], entity=entity, priority=number)
    workers = [Worker(queue, handlers, concurrency=4) for _ in range(2)]
    counts = await asyncio.gather(*(each.drain() for each in workers))
    if sum(counts) < 12:
        # One drained worker may have left while the other still held the entity's turn.
        counts.append(await workers[0].drain())
    assert sum(counts) == 12
    assert order == {"a": [0, 1, 2, 3, 4, 5], "b": [0, 1, 2, 3, 4, 5]}


async def test_a_failed_job_holds_its_entity_back_and_a_parked_one_does_not(
    queue: Queue, handlers: Handlers, clock: ManualClock, put: Put
) -> None:
    ran: list[str] = []

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        ran.append(running.payload)
        if running.payload == "bad":
            raise ValueError

    worker = Worker(queue, handlers, backoff=Backoff(base_seconds=10), random=_Most())
    await put("bad", entity="e", max_attempts=2)
    await put("good", entity="e")
    await put("elsewhere", entity="f")
    assert await worker.drain() == 2
    assert sorted(ran) == ["bad", "elsewhere"]
    clock.advance(seconds=10)
    assert await worker.drain() == 2
    assert ran[2:] == ["bad", "good"]


async def test_a_dead_workers_job_is_taken_over_when_its_lease_is_over(
    queue: Queue, handlers: Handlers, clock: ManualClock, put: Put
) -> None:
    started, attempts = asyncio.Event(), []

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        attempts.append(running.attempt)
        if running.payload == "first" and running.attempt == 1:
            started.set()
            await asyncio.Event().wait()

    job_id = await put("first", entity="e")
    await put("second", entity="e")
    dead, alive = (Worker(queue, handlers, lease=LEASE, sleep=_forever) for _ in range(2))
    draining = asyncio.create_task(dead.drain())
    await started.wait()
    clock.advance(seconds=29)
    assert await alive.drain() == 0
    clock.advance(seconds=1)
    assert await alive.drain() == 2
    assert attempts == [1, 2, 1]
    done = await _job(queue, job_id)
    assert (done.state, done.attempts) == (State.DONE, 2)
    # The first worker awakes, learns that it lost the lease, and changes nothing.
    await dead.heartbeat()
    assert await draining == 1
    assert await _job(queue, job_id) == done


async def test_a_heartbeat_keeps_the_lease(queue: Queue, handlers: Handlers, clock: ManualClock, put: Put) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        started.set()
        await go_on.wait()

    job_id = await put()
    holder, other = (Worker(queue, handlers, lease=LEASE, sleep=_forever) for _ in range(2))
    draining = asyncio.create_task(holder.drain())
    await started.wait()
    clock.advance(seconds=29)
    await holder.heartbeat()
    clock.advance(seconds=29)
    assert await other.drain() == 0
    go_on.set()
    assert await draining == 1
    assert (await _job(queue, job_id)).state == State.DONE


async def test_a_job_that_kills_its_workers_is_parked(
    queue: Queue, handlers: Handlers, clock: ManualClock, put: Put
) -> None:
    started = asyncio.Event()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        started.set()
        await asyncio.Event().wait()

    job_id = await put(max_attempts=1)
    dead = Worker(queue, handlers, lease=LEASE, sleep=_forever)
    draining = asyncio.create_task(dead.drain())
    await started.wait()
    clock.advance(seconds=30)
    assert await Worker(queue, handlers).drain() == 1
    parked = await _job(queue, job_id)
    assert (parked.state, parked.error_code) == (State.PARKED, "LEASE_EXPIRED")
    await dead.heartbeat()
    assert await draining == 1


async def test_an_attempt_that_leaves_no_record_is_told_of(
    queue: Queue, handlers: Handlers, clock: ManualClock, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    class Ended(BaseException):
        """No ``except Exception`` sees it."""

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        if running.attempt == 1:
            raise Ended("13800138000 said no")

    job_id = await put()
    assert await Worker(queue, handlers, lease=LEASE, sleep=_forever).drain() == 1
    [told] = [each.getMessage() for each in caplog.records]
    assert f"job {job_id} (note) left its worker in attempt 1 of 20: Ended test_worker.py:" in told
    assert "13800138000" not in caplog.text
    assert (await _job(queue, job_id)).state == State.RUNNING
    clock.advance(seconds=30)
    assert await Worker(queue, handlers).drain() == 1
    assert (await _job(queue, job_id)).state == State.DONE


async def test_completing_commits_the_jobs_end_with_the_handlers_rows(
    database: Database, queue: Queue, handlers: Handlers, worker: Worker, clock: ManualClock, put: Put
) -> None:
    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        async with database.write() as connection:
            await append_facts(connection, [_fact(clock, running.id)], clock=clock)
            await running.complete(connection)

    job_id = await put()
    assert await worker.drain() == 1
    assert (await _job(queue, job_id)).state == State.DONE
    assert await database.one(select(func.count()).select_from(fact)) == (1,)


async def test_who_lost_the_lease_cannot_commit(
    database: Database, queue: Queue, handlers: Handlers, clock: ManualClock, put: Put
) -> None:
    started, go_on, refused = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        if running.attempt == 1:
            started.set()
            await go_on.wait()
        try:
            async with database.write() as connection:
                await append_facts(connection, [_fact(clock, f"{running.attempt}")], clock=clock)
                await running.complete(connection)
        except LeaseLost:
            refused.set()
            raise

    await put()
    slow = Worker(queue, handlers, lease=LEASE, sleep=_forever)
    draining = asyncio.create_task(slow.drain())
    await started.wait()
    clock.advance(seconds=30)
    assert await Worker(queue, handlers).drain() == 1
    go_on.set()
    assert await draining == 1
    assert refused.is_set()
    assert await database.one(select(func.count()).select_from(fact)) == (1,)


async def test_progress_is_visible_and_a_running_job_is_cancelled(queue: Queue, handlers: Handlers, put: Put) -> None:
    reported, interrupted = asyncio.Event(), []

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        await running.progress(3, 10, "third page")
        reported.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            interrupted.append(running.id)
            raise

    job_id = await put()
    worker = Worker(queue, handlers)
    worker.start()
    await reported.wait()
    running = await _job(queue, job_id)
    assert (running.progress_done, running.progress_total, running.progress_note) == (3, 10, "third page")
    assert await queue.cancel(job_id) is True
    await worker.stop()
    assert interrupted == [job_id]
    assert (await _job(queue, job_id)).state == State.CANCELLED


async def test_a_cancel_from_another_process_arrives_with_the_heartbeat(
    queue: Queue, handlers: Handlers, put: Put
) -> None:
    started = asyncio.Event()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        started.set()
        await asyncio.Event().wait()

    job_id = await put()
    worker = Worker(queue, handlers, sleep=_forever)
    draining = asyncio.create_task(worker.drain())
    await started.wait()
    assert await Queue(queue.database, queue.clock).cancel(job_id) is True
    await worker.heartbeat()
    assert await draining == 1
    assert (await _job(queue, job_id)).state == State.CANCELLED


async def test_progress_of_a_cancelled_job_is_refused(queue: Queue, handlers: Handlers, put: Put) -> None:
    elsewhere = Queue(queue.database, queue.clock)

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        assert await elsewhere.cancel(running.id) is True
        await running.progress(1)
        raise AssertionError("the cancelled job went on")

    job_id = await put()
    assert await Worker(queue, handlers).drain() == 1
    cancelled = await _job(queue, job_id)
    assert (cancelled.state, cancelled.progress_done) == (State.CANCELLED, None)


async def test_a_put_wakes_an_idle_worker_without_a_poll(queue: Queue, handlers: Handlers, put: Put) -> None:
    ran = asyncio.Event()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        ran.set()

    worker = Worker(queue, handlers, sleep=_forever)
    worker.start()
    await asyncio.sleep(0.05)
    await put()
    async with asyncio.timeout(30):
        await ran.wait()
    await worker.stop()
    assert await queue.counts() == {State.DONE: 1}


async def test_stopping_hands_unfinished_jobs_back(queue: Queue, handlers: Handlers, put: Put) -> None:
    started = asyncio.Event()

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        started.set()
        await asyncio.Event().wait()

    job_id = await put()
    worker = Worker(queue, handlers)
    worker.start()
    await started.wait()
    await worker.stop(grace_seconds=0)
    waiting = await _job(queue, job_id)
    assert (waiting.state, waiting.attempts, waiting.run_at) == (State.QUEUED, 0, queue.clock.now())


async def test_no_more_than_the_allowed_number_run_at_once(queue: Queue, handlers: Handlers, put: Put) -> None:
    now, most = 0, 0
    # Nobody passes before three run at once, and nine is three times three.
    three = asyncio.Barrier(3)

    @handlers.handler("note", versions={1})
    async def note(running: RunningJob) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await three.wait()
        now -= 1

    for _ in range(9):
        await put()
    assert await Worker(queue, handlers, concurrency=3).drain() == 9
    assert most == 3


def test_a_second_handler_for_a_version_is_refused(handlers: Handlers) -> None:
    handlers.add("note", _refuse, versions={1, 2})
    with pytest.raises(ValueError, match="version 2 has a handler already"):
        handlers.add("note", _refuse, versions={2, 3})
    with pytest.raises(ParkJob, match="UNKNOWN_VERSION"):
        handlers.find("note", 3)


def _fact(clock: ManualClock, key: str) -> Fact:
    return Fact(kind="qr.scan", occurred_at=clock.now(), source="own", source_key=key)


class _Most(Random):
    def uniform(self, a: float, b: float) -> float:
        return b


async def _forever(seconds: float) -> None:
    await asyncio.Event().wait()


async def _refuse(running: RunningJob) -> None:
    raise AssertionError(f"job {running.id} must not run")
