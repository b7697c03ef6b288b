"""What became of parts of payments (分账): the platform tells their receivers, and is asked by who shared."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, and_, or_, select

from adapters.base.errors import NotFound, UpstreamError
from adapters.payments import PaymentsAdapter, ShareNotice
from gateway.database.tables.sharing import profit_share, profit_share_return
from gateway.events.projections import sharing
from gateway.events.projector import Projector
from gateway.jobs import Queue
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.transactions.actions import DEADLINE
from gateway.transactions.runner import FINAL
from gateway.transactions.settling import Settling

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "profit_shares.settle"
#: Of each kind asked about in one run, the oldest first.
MOST: Final = 1_000


class ProfitShares(Settling):
    """Settles what ``profitShare`` and ``profitShareReturn`` asked for. Safe with any number of processes."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue) -> None:
        super().__init__(projector, tools, queue, SETTLE_JOB, every=timedelta(minutes=10))

    async def settle(self) -> None:
        """Ask about every sharing and every return that is not decided: one call for each.

        A merchant that does not answer is asked again by the next run. So is what it refuses to tell, which keeps no
        other one of the merchant from being settled.
        """
        share, back = profit_share.c, profit_share_return.c
        # Its transaction goes on with what is REQUESTED for so long, or has told an operator that nobody knows.
        old = self._projector.clock.now() - DEADLINE
        due = or_(share.state == "PENDING", and_(share.state == sharing.REQUESTED, share.asked_at <= old))
        shares = await self._projector.database.fetch(
            select(share.mchid, share.number, share.transaction_id)
            .where(due, share.state.in_(sharing.OPEN))
            .group_by(share.mchid, share.number, share.transaction_id)
            .order_by(share.number)
            .limit(MOST)
        )
        due = or_(back.state == "PROCESSING", and_(back.state == sharing.REQUESTED, back.asked_at <= old))
        returns = await self._projector.database.fetch(
            select(back.mchid, back.number, back.share)
            .where(due, back.state.in_(sharing.OPEN_RETURNS))
            .order_by(back.asked_at)
            .limit(MOST)
        )
        silent: set[str] = set()
        await self._each(shares, self._share, silent)
        await self._each(returns, self._return, silent)

    async def notices(self, account: str, events: Sequence[ShareNotice]) -> None:
        """分账动账通知, as receivers of ours get it. Of what came back the platform does not say which return it was,
        so our open ones are asked about."""
        del account
        async with self._projector.batch() as batch:
            for each in events:
                if not each.returned:
                    await sharing.noticed(batch, each)
        for each in events:
            if each.returned:
                await self._returned(each)

    async def _returned(self, notice: ShareNotice) -> None:
        back = profit_share_return.c
        rows = await self._projector.database.fetch(
            select(back.mchid, back.number, back.share, back.state).where(
                back.mchid == notice.mchid, back.share == notice.out_order_no, back.receiver == notice.account
            )
        )
        if not rows:
            async with self._projector.batch() as batch:
                await sharing.returned_elsewhere(batch, notice)
        for row in rows:
            if row.state in sharing.OPEN_RETURNS:
                await self._return(row, gives_up=False)

    async def _each(
        self, rows: Sequence[Row[Any]], ask: Callable[[Row[Any]], Awaitable[None]], silent: set[str]
    ) -> None:
        for row in rows:
            if row.mchid in silent:
                continue
            try:
                await ask(row)
            except FINAL as error:
                log.warning("a share of %s cannot be settled: %s", row.mchid, type(error).__name__)
            except (UpstreamError, ToolNotConfigured) as error:
                silent.add(row.mchid)
                log.warning("shares of %s cannot be settled now: %s", row.mchid, type(error).__name__)

    async def _share(self, row: Row[Any]) -> None:
        found = await self._tools.get(PaymentsAdapter, row.mchid).sharing(row.number, row.transaction_id)
        async with self._projector.batch() as batch:
            if isinstance(found, NotFound):
                await sharing.never_shared(batch, row.mchid, row.number)
            else:
                await sharing.told(batch, found, source="poll")

    async def _return(self, row: Row[Any], *, gives_up: bool = True) -> None:
        """``gives_up``: its transaction is over, so what the platform does not know was never taken on."""
        found = await self._tools.get(PaymentsAdapter, row.mchid).share_return(row.number, row.share)
        async with self._projector.batch() as batch:
            if not isinstance(found, NotFound):
                await sharing.return_told(batch, found, source="poll")
            elif gives_up:
                await sharing.never_returned(batch, row.mchid, row.number)
