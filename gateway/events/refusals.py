"""What was refused at the webhooks' door, as facts: one per minute, account and reason, whoever knocks how often."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from adapters.base.runtime import Clock
from gateway.database.engine import Database
from gateway.database.errors import DatabaseError
from gateway.database.facts import Fact, append_facts
from gateway.database.ulid import Ulids

log = logging.getLogger(__name__)

KIND: Final = "gateway.refused"
_MINUTE: Final = timedelta(minutes=1)
#: Sums that are kept while the database takes nothing.
_MOST: Final = 10_000


class Refusals:
    """Counts in memory and writes the sums when their minute is over; a process that is killed loses one minute.

    Several facts may tell of one minute, one of each process: their quantities add up.
    """

    def __init__(
        self, database: Database, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._database = database
        self._clock = clock
        self._sleep = sleep
        self._ulids = Ulids(clock)
        #: (minute, tool, account, reason) → how many.
        self._counts: Counter[tuple[datetime, str, str, str]] = Counter()
        self._writing: asyncio.Task[None] | None = None

    def note(self, tool: str, account: str, reason: str) -> None:
        """Count one; ``account`` is the platform's own id, ``reason`` one of the tool's few."""
        self._counts[self._clock.now().replace(second=0, microsecond=0), tool, account, reason] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_minutes())

    async def write(self) -> None:
        """Append what was counted. While the database takes nothing it is kept."""
        counted, self._counts = self._counts, Counter()
        facts = [
            Fact(
                kind=KIND,
                occurred_at=minute,
                source="own",
                source_key=self._ulids.next(minute),
                account=account,
                tool=tool,
                reason=reason,
                quantity=count,
                payload={"rule": "webhook"},
            )
            for (minute, tool, account, reason), count in counted.items()
        ]
        try:
            async with self._database.write() as connection:
                await append_facts(connection, facts, clock=self._clock)
        except (DatabaseError, SQLAlchemyError) as error:
            log.warning("%d sums of refused webhooks could not be stored: %s", len(facts), type(error).__name__)
            if len(counted) < _MOST:
                self._counts.update(counted)

    async def close(self) -> None:
        """Append what is left."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._counts:
            await self.write()

    async def _write_minutes(self) -> None:
        while self._counts:
            now = self._clock.now()
            await self._sleep((now.replace(second=0, microsecond=0) + _MINUTE - now).total_seconds())
            await self.write()
