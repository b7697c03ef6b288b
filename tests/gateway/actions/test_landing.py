"""Parcels of the mini-program store whose first call lands after its answer was lost: nothing is told twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.base.errors import OutcomeUnknown
from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.transactions.effects import extra_parcels, shipments
from gateway.transactions.effects.shipments import Item, Parcel
from tests.gateway.actions.test_shop_orders import extra, sent
from tests.gateway.actions.trading import TOOL, code, do, ordered, ref, store
from tests.gateway.transactions.conftest import *  # noqa: F403
from tests.gateway.transactions.shop import COAT, Shop


def on_its_way(patch: pytest.MonkeyPatch, method: str) -> Callable[[], Awaitable[None]]:
    """The first call's answer is lost, and the platform does what it says when it is told to."""
    real, kept = getattr(MiniProgramStoreAdapter, method), []

    async def call(*args: Any) -> Any:
        if not kept:
            kept.append(args)
            raise OutcomeUnknown(TOOL, "broke_off", "The connection ended.")
        return await real(*args)

    async def lands() -> None:
        await real(*kept[0])

    patch.setattr(MiniProgramStoreAdapter, method, call)
    return lands


async def test_a_parcel_is_added_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    order, lands = await sent(shop), on_its_way(monkeypatch, "order_parcel_extra")
    assert code(await do(shop, extra_parcels.ADD, extra(order))) == "TRANSACTION_IN_PROGRESS"
    await lands()
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert shop.effects(TOOL, "order_parcel_added") == 1


async def test_a_part_of_an_order_is_shipped_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    number, lands = await ordered(shop, 2), on_its_way(monkeypatch, "order_ship")
    wanted = shipments.Wanted(ref(shop, number), "EXPRESS", (Parcel("YTO", "YT900", (Item(COAT, 1),)),))
    assert code(await do(shop, shipments.SHIP, wanted)) == "TRANSACTION_IN_PROGRESS"
    await lands()
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    [order] = await store(shop).orders([number])
    assert order.tracking_numbers == ("YT900",)
    assert await do(shop, shipments.SHIP, wanted) == shipments.Shipped(complete=False)
