"""What is done with stored events, by jobs: in order per platform entity, those of one account together.

Jobs that are claimed together bring their events to the same round. Its records go to their handlers kind by kind, so
that a hundred events are a few transactions and not hundreds; where a kind fails, each of its records is tried alone,
and only that one's job has failed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select, update

from adapters.base.runtime import Clock
from adapters.base.spec import ReceivesWebhooks
from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.inbox import inbox
from gateway.events.rounds import Rounds
from gateway.events.stored import unpacked
from gateway.jobs import LeaseLost, RunningJob, complete_all
from gateway.jobs.worker import error_code
from gateway.runtime import OpenTools

log = logging.getLogger(__name__)

JOB: Final = "inbox.handle"
#: The same event once more, at once and beside its entity's order, for what lives for seconds.
URGENT_JOB: Final = "inbox.urgent"
#: Of ``inbox.handle``, and the floor of its lane.
PRIORITY: Final = 5
#: Events of one round.
TOGETHER: Final = 50

#: Handles one interpreted record of an account; raises to be tried again.
RecordHandler = Callable[[str, Any], Awaitable[None]]
#: Handles records of one kind and account, in the order in which they came; no two are of one entity.
RecordsHandler = Callable[[str, Sequence[Any]], Awaitable[None]]


class AccountGone(Exception):
    """The account of a stored event is not configured any more."""

    code = "HOOK_UNKNOWN"


@dataclass(slots=True)
class _Handled:
    """One event of a round: its records that are still to be handled, and what went wrong."""

    job: RunningJob
    records: Sequence[object] = ()
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Account:
    tool: str
    id: str
    alias: str


@dataclass(slots=True)
class Handling:
    """Handles stored events.

    ``handlers`` maps a tool's record type to what is done with one of them, ``together`` to what is done with many; a
    record in neither is known and unused. ``urgent`` is for records of events that are good for seconds only.
    """

    database: Database
    tools: OpenTools
    clock: Clock
    handlers: dict[type, RecordHandler] = field(default_factory=dict)
    together: dict[type, RecordsHandler] = field(default_factory=dict)
    urgent: dict[type, RecordHandler] = field(default_factory=dict)
    _rounds: dict[_Account, Rounds[RunningJob, None]] = field(default_factory=dict)

    async def handle(self, job: RunningJob) -> None:
        """Job ``inbox.handle``: interpret one stored event and apply its records."""
        account = _Account(job.payload["tool"], job.payload["account"], job.payload["alias"])
        if account not in self._rounds:
            self._rounds[account] = Rounds(lambda jobs: self._round(account, jobs), at_most=TOGETHER)
        try:
            await self._rounds[account].add(job)
        except LeaseLost:
            raise
        except Exception as error:
            if job.last_attempt:
                await self._park(job.payload["id"], error)
            raise

    async def handle_urgent(self, job: RunningJob) -> None:
        """Job ``inbox.urgent``: what an event brings for seconds only, unless they are over."""
        row = await self.database.one(select(inbox).where(inbox.c.id == job.payload["id"]))
        if row is None:
            return
        event = unpacked(row.body)
        if event.good_for is None or self.clock.now() > event.occurred_at + event.good_for:
            log.warning("an event %s of %s came too late to be used", event.kind, row.tool)
            return
        for record in self._adapter(_Account(row.tool, row.account, job.payload["alias"])).interpret(event):
            handler = self.urgent.get(type(record))
            if handler is not None:
                await handler(row.account, record)

    def hurries(self, records: Sequence[object]) -> bool:
        """Whether something is done at once with any of them."""
        return any(type(each) in self.urgent for each in records)

    async def close(self) -> None:
        """Wait for the rounds under way."""
        for rounds in list(self._rounds.values()):
            await rounds.close()

    async def _round(self, account: _Account, jobs: Sequence[RunningJob]) -> Sequence[BaseException | None]:
        """Handle the events of these jobs; their outcomes in order. None of two is of one entity."""
        wanted = [job.payload["id"] for job in jobs]
        rows = {row.id: row for row in await self.database.fetch(select(inbox).where(inbox.c.id.in_(wanted)))}
        adapter = self._adapter(account)
        items = [self._interpreted(adapter, job, rows.get(job.payload["id"])) for job in jobs]
        await self._apply(account.id, items)
        await self._complete([item for item in items if item.error is None])
        return [item.error for item in items]

    def _interpreted(self, adapter: ReceivesWebhooks, job: RunningJob, row: AnyRow | None) -> _Handled:
        """The records of an event. One that is gone or done has none left."""
        if row is None or row.state == "DONE":
            return _Handled(job)
        try:
            return _Handled(job, adapter.interpret(unpacked(row.body)))
        except Exception as error:
            return _Handled(job, error=error)

    async def _apply(self, account: str, items: Sequence[_Handled]) -> None:
        kinds: dict[type, list[tuple[_Handled, object]]] = defaultdict(list)
        for item in items:
            for record in item.records:
                kinds[type(record)].append((item, record))
        await asyncio.gather(*(self._apply_kind(account, kind, found) for kind, found in kinds.items()))

    async def _apply_kind(self, account: str, kind: type, found: Sequence[tuple[_Handled, object]]) -> None:
        many, one = self.together.get(kind), self.handlers.get(kind)
        if many is not None:
            try:
                await many(account, [record for _, record in found])
                return
            except Exception:
                if len(found) > 1:
                    log.warning("%d %s records failed together; trying each", len(found), kind.__name__)
        for item, record in found:
            try:
                if many is not None:
                    await many(account, [record])
                elif one is not None:
                    await one(account, record)
            except Exception as error:
                item.error = error

    async def _complete(self, items: Sequence[_Handled]) -> None:
        """The events and their jobs are done, in one commit."""
        async with self.database.write() as connection:
            ours = await complete_all(connection, [item.job for item in items])
            await connection.execute(
                update(inbox)
                .where(inbox.c.id.in_([job.payload["id"] for job in ours]), inbox.c.state != "DONE")
                .values(state="DONE", attempts=inbox.c.attempts + 1, error_code=None)
            )
        kept = {job.id for job in ours}
        for item in items:
            if item.job.id not in kept:
                item.error = LeaseLost(f"job {item.job.id} was taken over")

    def _adapter(self, account: _Account) -> ReceivesWebhooks:
        adapter = self.tools.by_alias(account.tool, account.alias)
        if not isinstance(adapter, ReceivesWebhooks):
            raise AccountGone(f"the account of a stored {account.tool} event is not configured any more")
        return adapter

    async def _park(self, event_id: str, error: BaseException) -> None:
        """Show the event as one that nobody could handle; it stays stored."""
        code = error_code(error)
        async with self.database.write() as connection:
            await connection.execute(
                update(inbox).where(inbox.c.id == event_id).values(state="PARKED", error_code=code)
            )
