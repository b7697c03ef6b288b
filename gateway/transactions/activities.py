"""What time decides in activations (泛娱乐IP): closed raffles are drawn, rewards that nobody claimed expire."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from adapters.base.errors import UpstreamError
from adapters.ip_content import IpContentAdapter
from gateway.database.facts import Fact
from gateway.database.rows import AnyRow
from gateway.database.tables.facts import fact
from gateway.events.projector import Projector
from gateway.jobs import Queue
from gateway.runtime import OpenTools
from gateway.transactions.settling import Settling

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "activations.settle"


class Activities(Settling):
    """Safe with any number of processes: the tool draws a raffle once, and lets a reward expire once."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue) -> None:
        super().__init__(projector, tools, queue, SETTLE_JOB, every=timedelta(minutes=10))

    async def settle(self) -> None:
        """Settle every account. One that fails is settled by the next run; the others all the same."""
        for adapter in self._tools.all(IpContentAdapter):
            try:
                await self._raffles(adapter)
                await self._expiries(adapter)
            except UpstreamError as error:
                log.warning("activations of %s cannot be settled now: %s", adapter.account, type(error).__name__)

    async def _raffles(self, adapter: IpContentAdapter) -> None:
        places = await adapter.settle_drops()
        keys = [f"{each.drop}:{each.entry_ref}" for each in places]
        await self._tell(
            adapter,
            "drop.entered",
            [(key, f"drop.{each.state}") for key, each in zip(keys, places, strict=True)],
        )

    async def _expiries(self, adapter: IpContentAdapter) -> None:
        late = await adapter.expire_rewards()
        await self._tell(adapter, "reward.reserved", [(each.id, "reward.expired") for each in late])

    async def _tell(self, adapter: IpContentAdapter, began: str, ends: Sequence[tuple[str, str]]) -> None:
        """The end of what a fact of ours told the beginning of. The tool knows nobody: whose it is stands there."""
        now = self._projector.clock.now()
        for start in range(0, len(ends), 500):
            some = dict(ends[start : start + 500])
            async with self._projector.batch() as batch:
                for key, kind in some.items():
                    row = (
                        await batch.connection.execute(
                            select(fact).where(
                                fact.c.kind == began, fact.c.account == adapter.account, fact.c.source_key == key
                            )
                        )
                    ).first()
                    if row is not None:
                        batch.facts.append(_end(row, kind, key, now))


def _end(row: AnyRow, kind: str, key: str, now: datetime) -> Fact:
    return Fact(
        kind=kind,
        occurred_at=now,
        source="own",
        source_key=key,
        account=row.account,
        tool=row.tool,
        member=row.member,
        identity=row.identity,
        amount_fen=row.amount_fen,
        quantity=row.quantity,
        payload=row.payload,
    )
