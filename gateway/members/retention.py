"""Deletes what has been kept long enough: one recurring job a day, in small transactions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, delete, select, tuple_, update

from gateway.database import rotation
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.engine import Database
from gateway.database.tables.contacts import app_message
from gateway.database.tables.inbox import inbox
from gateway.database.tables.keys import data_key
from gateway.database.tables.members import guide_session, phone_proof, session
from gateway.database.tables.privacy import access_report, erased_handle, sealed_record
from gateway.database.tables.refunds import refund_card
from gateway.database.tables.sagas import idempotency, order_address
from gateway.database.tables.webhooks import webhook_delivery
from gateway.jobs import Handlers, Queue, Recurring, RunningJob
from gateway.settings import Privacy

JOB: Final = "retention"
#: Rows per transaction, so that nobody waits long for the writer.
BATCH: Final = 500
#: The quietest hour of the shop: 03:30 in Beijing.
AT: Final = timedelta(hours=19, minutes=30)


class Retention:
    """The terms of docs/data-protection.md, carried out."""

    def __init__(self, database: Database, queue: Queue, terms: Privacy, *, delivery_days: int = 30) -> None:
        self._database = database
        self._queue = queue
        self._terms = terms
        self._delivery_days = delivery_days
        #: The run of every day.
        self.daily = Recurring(queue, JOB, self._run, every=timedelta(days=1), offset=AT)

    def register(self, handlers: Handlers) -> None:
        """Add the job's handler."""
        self.daily.register(handlers)

    async def _run(self, job: RunningJob) -> None:
        done = 0
        for number, (table, where) in enumerate(self._expired(self._database.clock.now()), 1):
            deleted = await self._delete(table, where)
            done += deleted
            await job.progress(number, None, f"{done} rows deleted; last table {table.name}")
        await self._queue.prune(self._database.clock.now() - timedelta(days=self._terms.job_days))
        await self._destroy_archive_keys(self._database.clock.now())
        await rotation.keep_shared_young(self._database)

    def _expired(self, now: datetime) -> Sequence[tuple[Table, ColumnElement[bool]]]:
        handled = now - timedelta(days=self._terms.webhook_days)
        parked = now - timedelta(days=self._terms.parked_webhook_days)
        told = now - timedelta(days=self._delivery_days)
        today = now.astimezone(BUSINESS_ZONE).date()
        return [
            # A caller with a session that ended a moment ago is told so, not that it is unknown.
            (session, session.c.expires_at < now - timedelta(days=1)),
            (guide_session, guide_session.c.expires_at < now - timedelta(days=1)),
            (phone_proof, phone_proof.c.proved_at < now - timedelta(days=1)),
            (idempotency, idempotency.c.expires_at < now),
            # Of a change that its platform refused, or that nobody could finish.
            (order_address, order_address.c.asked_at < now - timedelta(days=1)),
            (refund_card, refund_card.c.asked_at < now - timedelta(days=1)),
            # Nothing of it can be changed any more: its buttons, which last longest, for three days.
            (app_message, app_message.c.sent_at < now - timedelta(days=4)),
            (inbox, (inbox.c.state == "DONE") & (inbox.c.received_at < handled)),
            (inbox, (inbox.c.state == "PARKED") & (inbox.c.received_at < parked)),
            (webhook_delivery, (webhook_delivery.c.created_at < told) & (webhook_delivery.c.state != "PENDING")),
            (access_report, access_report.c.expires_at < now),
            (erased_handle, erased_handle.c.until < now),
            (sealed_record, sealed_record.c.until <= today),
        ]

    async def _delete(self, table: Table, where: ColumnElement[bool]) -> int:
        keys: list[Any] = list(table.primary_key)
        some = select(*keys).where(where).limit(BATCH)
        deleted = 0
        while True:
            async with self._database.write() as connection:
                count = (await connection.execute(delete(table).where(tuple_(*keys).in_(some)))).rowcount
            deleted += count
            if count < BATCH:
                return deleted

    async def _destroy_archive_keys(self, now: datetime) -> None:
        """Keys of sealed records whose last year is over: backups of the records cannot be read any more either."""
        rows = await self._database.fetch(
            select(data_key.c.subject).where(data_key.c.subject.like("archive:%"), data_key.c.wrapped.is_not(None))
        )
        year = now.astimezone(BUSINESS_ZONE).year
        over = [row.subject for row in rows if int(row.subject.rpartition(":")[2]) < year]
        if not over:
            return
        async with self._database.write() as connection:
            await connection.execute(
                update(data_key).where(data_key.c.subject.in_(over)).values(wrapped=None, destroyed_at=now)
            )
        self._database.keyring.forget(over)
        await self._database.forget_deleted(data_key)
