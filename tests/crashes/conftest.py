"""A shop whose processes die."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.database.tables.stock import stock
from tests.crashes.matrix import Matrix
from tests.crashes.postbox import postbox
from tests.crashes.processes import zygote
from tests.databases import *  # noqa: F403
from tests.databases import MASTER
from tests.gateway.transactions.conftest import OpenShop, opens
from tests.gateway.transactions.shop import Shop

MakeMatrix = Callable[[], Awaitable[Matrix]]

__all__ = ["opens"]


async def many_pieces(shop: Shop) -> None:
    """Enough to sell one in every round."""
    async with shop.database.write() as connection:
        await connection.execute(update(stock).values(on_hand=stock.c.on_hand + 10_000))


@pytest.fixture
async def matrix(opens: OpenShop, database_url: str, tmp_path: Path) -> AsyncIterator[Matrix]:
    """A matrix over a shop on SQLite and on PostgreSQL in turn."""
    async with postbox() as box:
        shop = await opens(database_url, notify_base=box.url, more=("official_account",))
        await many_pieces(shop)
        await shop.allow_ads()
        with zygote(tmp_path) as processes:
            yield Matrix(shop, box, processes, tmp_path, base64.b64encode(MASTER).decode())
