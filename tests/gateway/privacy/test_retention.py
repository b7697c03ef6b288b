"""What has been kept long enough is deleted, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, select

from gateway.database import ERASED, Database
from gateway.database.tables.contacts import app_message
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from gateway.database.tables.keys import data_key
from gateway.database.tables.members import guide_session
from gateway.database.tables.privacy import access_report, erased_handle, sealed_record
from gateway.database.tables.refunds import refund_card
from gateway.database.tables.sagas import idempotency, order_address
from gateway.jobs import Handlers, Queue, Worker
from gateway.members.retention import BATCH, Retention
from gateway.settings import Privacy
from tests.databases import ManualClock

DAY = timedelta(days=1)


async def kept(database: Database, table: Table) -> set[str]:
    [key] = table.primary_key.columns if len(table.primary_key.columns) == 1 else [table.c.id]
    return {str(row[0]) for row in await database.fetch(select(key))}


def _webhook(number: str, state: str, received_at: Any) -> dict[str, Any]:
    return {
        "id": number, "tool": "payments", "account": "1", "kind": "k", "version": 1, "dedupe_key": number,
        "entity": "e", "received_at": received_at, "body": "openid", "state": state, "attempts": 1,
    }  # fmt: skip


async def test_each_term_ends_where_the_settings_say(database: Database, clock: ManualClock) -> None:
    queue, handlers = Queue(database, clock), Handlers()
    retention = Retention(database, queue, Privacy(webhook_days=30, parked_webhook_days=90, job_days=30))
    retention.register(handlers)
    worker = Worker(queue, handlers, clock=clock)
    await retention.daily.ensure()
    await retention.daily.ensure()
    clock.advance(days=1)
    now = clock.now()
    await database.keyring.ensure("archive:TRANSACTION:2025", "archive:TRANSACTION:2026")
    old = database.keyring.seal_json({"n": 1}, subject="archive:TRANSACTION:2025")
    webhooks = [
        *(_webhook(f"old-{n}", "DONE", now - 31 * DAY) for n in range(BATCH + 5)),
        _webhook("fresh", "DONE", now - 29 * DAY),
        _webhook("new", "NEW", now - 400 * DAY),
        _webhook("parked", "PARKED", now - 89 * DAY),
        _webhook("parked-long", "PARKED", now - 91 * DAY),
    ]
    claims = [
        {"id": str(n), "principal": "p", "mutation": "checkout", "key": str(n), "input_hash": "i", "state": "DONE",
         "created_at": now, "expires_at": now + n * DAY}
        for n in (-1, 1)
    ]  # fmt: skip
    reports = [
        {"id": str(n), "member": "m", "requested_at": now, "requested_by": "hq", "state": "READY", "job": "j",
         "expires_at": now + n * DAY}
        for n in (-1, 1)
    ]  # fmt: skip
    records = [
        {"id": str(last), "kind": "purchase", "class_": "TRANSACTION", "natural": str(last), "record": {"n": 1},
         "sealed_on": date(2023, 1, 1), "until": last}
        for last in (date(2026, 11, 12), date(2026, 11, 13))
    ]  # fmt: skip
    async with database.write() as connection:
        await connection.execute(inbox.insert(), webhooks)
        await connection.execute(idempotency.insert(), claims)
        await connection.execute(access_report.insert(), reports)
        await connection.execute(sealed_record.insert(), records)
        for n in (-1, 1):
            row = {"hash": str(n), "erased_at": now, "until": now + n * DAY}
            await connection.execute(erased_handle.insert().values(**row))

    assert await worker.drain() == 1

    assert await kept(database, inbox) == {"fresh", "new", "parked"}
    assert await kept(database, idempotency) == {"1"}
    assert await kept(database, access_report) == {"1"}
    # 2026-11-12 in Beijing has not begun for a record that is kept until the 13th.
    assert await kept(database, sealed_record) == {"2026-11-13"}
    assert len(await kept(database, erased_handle)) == 1
    destroyed = await database.fetch(select(data_key.c.subject).where(data_key.c.wrapped.is_(None)))
    assert [row.subject for row in destroyed] == ["archive:TRANSACTION:2025"]
    assert database.keyring.unseal(old) is ERASED
    rows = await database.fetch(select(job.c.kind, job.c.state).order_by(job.c.seq))
    assert [(row.kind, row.state) for row in rows] == [("retention", "DONE"), ("retention", "QUEUED")]


async def test_what_gives_a_right_goes_when_the_right_is_over(database: Database, clock: ManualClock) -> None:
    queue, handlers = Queue(database, clock), Handlers()
    retention = Retention(database, queue, Privacy())
    retention.register(handlers)
    await retention.daily.ensure()
    clock.advance(days=1)
    now = clock.now()
    cards = [
        {"corpid": "ww1", "message_id": f"{days}", "saga": "s", "userids": ["a"], "response_code": "code",
         "sent_at": now - days * DAY}
        for days in (3, 5)
    ]  # fmt: skip
    sessions = [
        {"id": str(n), "token_hash": str(n), "guide": "ww1:a", "door": "PAGE", "created_at": now,
         "expires_at": now + n * DAY}
        for n in (-2, 0)
    ]  # fmt: skip
    async with database.write() as connection:
        await connection.execute(app_message.insert(), cards)
        await connection.execute(guide_session.insert(), sessions)

    assert await Worker(queue, handlers, clock=clock).drain() == 1

    assert [row.message_id for row in await database.fetch(select(app_message.c.message_id))] == ["3"]
    assert await kept(database, guide_session) == {"0"}


async def test_jobs_that_are_over_go_after_their_term(database: Database, clock: ManualClock) -> None:
    queue, handlers = Queue(database, clock), Handlers()
    retention = Retention(database, queue, Privacy(job_days=1))
    retention.register(handlers)
    worker = Worker(queue, handlers, clock=clock)
    await retention.daily.ensure()
    for _ in range(4):
        clock.advance(days=1)
        await worker.drain()
    rows = await database.fetch(select(job.c.state).order_by(job.c.seq))
    assert [row.state for row in rows] == ["DONE", "DONE", "QUEUED"]


async def test_what_a_platform_never_took_is_kept_for_a_day(database: Database, clock: ManualClock) -> None:
    queue, handlers = Queue(database, clock), Handlers()
    retention = Retention(database, queue, Privacy())
    retention.register(handlers)
    worker = Worker(queue, handlers, clock=clock)
    await retention.daily.ensure()
    clock.advance(days=1)
    async with database.write() as connection:
        for saga, age in (("old", 25), ("young", 23)):
            asked_at, sealed = clock.now() - timedelta(hours=age), database.keyring.seal_json({"number": "6222"})
            card = {"saga": saga, "number": "RF1", "member": None, "card": sealed, "asked_at": asked_at}
            await connection.execute(refund_card.insert().values(**card))
            there = {"saga": saga, "purchase": "p", "address": sealed, "asked_at": asked_at}
            await connection.execute(order_address.insert().values(**there))
    await worker.drain()
    for table in (refund_card, order_address):
        assert [row.saga for row in await database.fetch(select(table.c.saga))] == ["young"]
