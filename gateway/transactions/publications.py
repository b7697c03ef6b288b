"""How publications (发布) of articles ended, where the platform's event did not come."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, update

from adapters.base.errors import NotFound, UpstreamError
from adapters.official_account import (
    ArticlesPublished,
    OfficialAccountAdapter,
    Publication,
    PublishStatus,
)
from gateway.database.tables.followers import publication
from gateway.events.projections import official_account
from gateway.events.projector import Projector
from gateway.jobs import Queue
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.settling import Settling

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "publications.settle"
#: The event comes within minutes; a publication is asked about after that time, and again when this part of its age
#: has passed: the platform takes 100 such questions a day.
_EVENT: Final = timedelta(minutes=30)
_PATIENCE: Final = 4
#: Publications of one run, the oldest first.
_AT_ONCE: Final = 20


class Publications(Settling):
    """Settles what ``articlePublish`` began. Safe with any number of processes."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue) -> None:
        super().__init__(projector, tools, queue, SETTLE_JOB)

    async def settle(self) -> None:
        """Ask about every open publication whose time has come; one that cannot be asked waits for its next turn."""
        now = self._projector.clock.now()
        rows = await self._projector.database.fetch(
            select(publication)
            .where(publication.c.settled_at.is_(None), publication.c.at < now - _EVENT)
            .order_by(publication.c.at)
        )
        due = [row for row in rows if row.read_at is None or now - row.read_at >= (now - row.at) / _PATIENCE]
        for row in due[:_AT_ONCE]:
            try:
                await self._read(self._tools.get(OfficialAccountAdapter, row.appid), row, now)
            except (UpstreamError, ToolNotConfigured) as error:
                # It was its turn: those of an account that cannot be asked do not keep the others from theirs.
                await self._asked(row, now)
                log.warning("a publication of %s cannot be settled now: %s", row.appid, type(error).__name__)

    async def _read(self, adapter: OfficialAccountAdapter, row: Row[Any], now: datetime) -> None:
        try:
            found = await adapter.publication(row.publish_id)
        except NotFound:
            found = Publication(row.publish_id, PublishStatus.OTHER, "")
        if found.status is PublishStatus.PUBLISHING:
            await self._asked(row, now)
            return
        ended = ArticlesPublished(row.appid, found, now)
        await official_account.publications_ended(self._projector, [ended], source="poll")

    async def _asked(self, row: Row[Any], now: datetime) -> None:
        async with self._projector.database.write() as connection:
            await connection.execute(
                update(publication)
                .where(publication.c.appid == row.appid, publication.c.publish_id == row.publish_id)
                .values(read_at=now)
            )
