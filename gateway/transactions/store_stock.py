"""Settles what shops of the platform sold of the pieces that were allotted to them, by the platform's book."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from adapters.base.errors import NotFound, UpstreamError
from adapters.base.priority import background
from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.database.rows import AnyRow
from gateway.database.tables.stock import store_stock
from gateway.events.projector import Projector
from gateway.jobs import Queue
from gateway.runtime import OpenTools
from gateway.transactions import allotments
from gateway.transactions.settling import Settling
from gateway.transactions.store_book import happened, movements

log = logging.getLogger(__name__)
SETTLE_JOB: Final = "stock.settle"
#: Read once more each time: how late a movement may come into the platform's book.
OVERLAP: Final = timedelta(days=1)
#: After this, nobody else finds out what became of a change any more.
GIVEN_UP: Final = timedelta(days=1)


class StoreStock(Settling):
    """Reads and settles. Safe with any number of processes: each movement counts once."""

    def __init__(self, projector: Projector, tools: OpenTools, queue: Queue) -> None:
        super().__init__(projector, tools, queue, SETTLE_JOB)

    async def settle(self) -> None:
        """Settle every shop. One that fails is settled by the next run, which reads on from where this one came to."""
        with background():
            for adapter in self._tools.all(MiniProgramStoreAdapter):
                if adapter.kind != "store":
                    continue
                try:
                    await self.settle_shop(adapter)
                except UpstreamError as error:
                    log.warning("stock of %s cannot be settled now: %s", adapter.account, type(error).__name__)

    async def settle_shop(self, adapter: MiniProgramStoreAdapter) -> None:
        """One shop's allotments, up to now: one call per sku and fifty movements.

        One sku that fails does not keep the others from theirs; the first failure is raised in the end.
        """
        failure: UpstreamError | None = None
        for row in await self._projector.database.fetch(
            select(store_stock).where(store_stock.c.appid == adapter.account).order_by(store_stock.c.sku)
        ):
            try:
                await self._settle(adapter, row)
            except NotFound:
                log.warning("%s is no product of %s any more: its pieces stay allotted", row.sku, adapter.account)
            except UpstreamError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    async def _settle(self, adapter: MiniProgramStoreAdapter, row: AnyRow) -> None:
        now = self._projector.clock.now()
        if row.changing is not None and not await self._ended(adapter, row):
            return
        begin = row.since if row.settled_at is None else max(row.since, row.settled_at - OVERLAP)
        found = await movements(adapter, row.product_id, row.sku_id, begin, now)
        async with self._projector.batch() as batch:
            await allotments.settle(batch, row.appid, row.sku, found)

    async def _ended(self, adapter: MiniProgramStoreAdapter, row: AnyRow) -> bool:
        """Whether the change that is under way has an end, which it is given here when its transaction gave up."""
        change = await allotments.change_of(self._projector.database, row.changing)
        now = self._projector.clock.now()
        if change is not None and change.state == "PENDING":
            if now - change.asked_at < GIVEN_UP:
                return False
            made = await happened(adapter, row.product_id, row.sku_id, change, now)
            async with self._projector.batch() as batch:
                await (allotments.finish if made else allotments.release)(batch, change.key)
        return True
