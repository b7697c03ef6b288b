"""The fact log as webhooks read it: pages behind a cursor, single events, and what is left of erased persons."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import and_, or_, select

from gateway.database.engine import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity, member
from gateway.events.horizon import Horizon, LoggedFact, Position

#: How often, and after how many seconds, one that seems to be held back is looked at.
LOOKS: Final = 10
PAUSE: Final = 0.02


class EventLog:
    """Reads events. Holds no state."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.horizon = Horizon(database)

    async def one(self, event_id: str) -> LoggedFact | None:
        """One event by its id; None when there is none, or none that may be read yet."""
        found = await self.horizon.find(event_id)
        if found is None:
            return None
        place = found[0]
        for _ in range(LOOKS):
            page = await self.horizon.read(Position(place.tx, place.seq - 1), limit=1)
            if page or not page.held:
                return page[0] if page and page[0].id == event_id else None
            # A transaction elsewhere on the server that ends just now can be taken for one of ours.
            await asyncio.sleep(PAUSE)
        return None

    async def exists(self, event_id: str) -> bool:
        """Whether there is such an event, readable or not."""
        return await self.horizon.find(event_id) is not None

    async def latest(self, kind: str) -> LoggedFact | None:
        """The latest event of a kind that is about nobody who was erased; None when there is none."""
        newest = (
            select(fact.c.id)
            .where(fact.c.kind == kind)
            .order_by(fact.c.business_date.desc(), fact.c.seq.desc())
            .limit(5)
        )
        for row in await self._database.fetch(newest):
            event = await self.one(row.id)
            if event is not None and not await self.of_erased([event]):
                return event
        return None

    async def of_erased(self, events: Sequence[LoggedFact]) -> Collection[str]:
        """Ids of events whose person was erased: what they name leads nowhere any more."""
        doubtful = [each.id for each in events if each.member is None]
        if not doubtful:
            return ()
        rows = await self._database.fetch(
            select(fact.c.id)
            .outerjoin(identity, identity.c.id == fact.c.identity)
            .outerjoin(member, member.c.id == fact.c.member)
            .where(
                fact.c.id.in_(doubtful),
                or_(
                    and_(fact.c.identity.is_not(None), identity.c.id.is_(None)),
                    and_(fact.c.identity.is_(None), fact.c.member.is_not(None), member.c.id.is_(None)),
                ),
            )
        )
        return {row.id for row in rows}
