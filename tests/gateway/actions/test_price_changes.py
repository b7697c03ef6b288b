"""orderPriceChange: set once while nothing is paid, and seen in our rows."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.transactions.effects.price_changes import CHANGE, MOST, Changed, Price, Wanted
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, bought, code, do, known, misbehave, ordered, ref
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import COAT, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

UPDATE = "POST /channels/ec/order/price/update"
GET = "POST /channels/ec/order/get"


async def waiting(shop: Shop) -> str:
    """An order of two coats that nobody has paid, as our rows have it; its number."""
    made = await shop.act(TOOL, "order_new", person="linxiaowen", sku=COAT, quantity=2)
    await known(shop, made["order_id"])
    return str(made["order_id"])


def repriced(shop: Shop) -> int:
    return shop.effects(TOOL, "order_repriced")


async def test_an_order_gets_another_price(any_shop: Shop) -> None:
    shop = any_shop
    order = ref(shop, await waiting(shop))
    wanted = Wanted(order, (Price(COAT, 150000),), 800)
    for _ in range(2):
        assert await do(shop, CHANGE, wanted) == Changed(150800)
    row = await shop.order(order)
    assert (row.state, row.payable, row.freight, repriced(shop)) == ("UNPAID", 150800, 800, 1)
    assert [each.paid for each in await shop.lines(order)] == [150000]
    [told] = await shop.facts("order.repriced")
    assert (told.order_ref, told.identity, told.amount_fen) == (order, row.identity, 150800)


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_sets_it_once(shop: Shop, fault: FaultKind) -> None:
    order = ref(shop, await waiting(shop))
    wanted = Wanted(order, (Price(COAT, 150000),), None)
    misbehave(shop, fault, UPDATE)
    with hurried():
        await do(shop, CHANGE, wanted)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert isinstance(await do(shop, CHANGE, wanted), Changed)
    assert (repriced(shop), [each.paid for each in await shop.lines(order)]) == (1, [150000])
    assert len(await shop.facts("order.repriced")) == 1


async def test_where_it_cannot_be_read_again_it_is_done_all_the_same(shop: Shop) -> None:
    order = ref(shop, await waiting(shop))
    # The first read is the plan's.
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=GET, value=500, calls=(2, 3, 4, 5))
    with hurried():
        assert await do(shop, CHANGE, Wanted(order, (), 0)) == Changed(None)
    assert len(await shop.facts("order.repriced")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": ()},
        {"lines": (Price("NOT-IN-IT", 1),)},
        {"lines": (Price(COAT, 1), Price(COAT, 2))},
        {"lines": (Price(COAT, -1),)},
        {"freight": MOST + 1},
    ],
)
async def test_what_cannot_be_is_refused(shop: Shop, changes: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"order": ref(shop, await waiting(shop)), "lines": (Price(COAT, 1),), "freight": None}
    assert code(await do(shop, CHANGE, Wanted(**asked | changes))) == "BAD_USER_INPUT"
    assert repriced(shop) == 0


async def test_what_is_paid_keeps_its_price(shop: Shop) -> None:
    lines = (Price(COAT, 1),)
    for order in (ref(shop, await ordered(shop)), await bought(shop)):
        refused = await do(shop, CHANGE, Wanted(order, lines, None), f"key-{order}"[:40])
        assert code(refused) == "ORDER_NOT_REPRICEABLE"
    assert code(await do(shop, CHANGE, Wanted("STORE:x:1", lines, None), "unknown-1")) == "ORDER_UNKNOWN"
    assert repriced(shop) == 0
