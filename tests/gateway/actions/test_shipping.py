"""orderShip, its correction and orderPickupConfirm: told once, whatever happens on the way, and seen in our rows."""

from __future__ import annotations

import pytest

from gateway.transactions.effects.pickups import CONFIRM
from gateway.transactions.effects.pickups import Wanted as Code
from gateway.transactions.effects.shipment_corrections import CORRECT
from gateway.transactions.effects.shipments import SHIP, Item, Parcel, Shipped, Wanted
from gateway.transactions.order_steps import Nothing
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import HQ, TOOL, bought, code, do, misbehave, ordered, ref
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import COAT, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

UPLOAD = "POST /wxa/sec/order/upload_shipping_info"
SEND = "POST /channels/ec/order/delivery/send"
YTO = Parcel("YTO", "YT0000000001")


async def test_an_order_of_the_store(any_shop: Shop) -> None:
    shop = any_shop
    number = await ordered(shop)
    wanted = Wanted(ref(shop, number), "", (YTO,))
    assert await do(shop, SHIP, wanted) == Shipped(complete=True)
    assert await do(shop, SHIP, wanted) == Shipped(complete=True)
    assert shop.effects(TOOL, "order_shipped") == 1
    row = await shop.order(ref(shop, number))
    assert (row.state, row.fulfilment_state, row.tracking) == ("SHIPPED", "SHIPPED", "YT0000000001")
    assert [each.order_ref for each in await shop.facts("order.shipped")] == [ref(shop, number)]
    assert code(await do(shop, SHIP, wanted, "another-key")) == "ORDER_NOT_SHIPPABLE"


async def test_an_order_in_two_parcels(shop: Shop) -> None:
    number = await ordered(shop, 2)
    first = Wanted(ref(shop, number), "", (Parcel("YTO", "YT1", (Item(COAT, 1),)),))
    assert await do(shop, SHIP, first, "parcel-one") == Shipped(complete=False)
    assert (await shop.order(ref(shop, number))).fulfilment_state == "PARTLY_SHIPPED"
    unnamed = Wanted(ref(shop, number), "", (Parcel("YTO", "YT2"),))
    assert code(await do(shop, SHIP, unnamed, "parcel-two")) == "BAD_USER_INPUT"
    second = Wanted(ref(shop, number), "", (Parcel("YTO", "YT2", (Item(COAT, 1),)),))
    assert await do(shop, SHIP, second, "parcel-three") == Shipped(complete=True)
    assert (await shop.order(ref(shop, number))).state == "SHIPPED"


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
@pytest.mark.parametrize("own", [True, False], ids=["own", "store"])
async def test_an_answer_that_is_lost_ships_once(shop: Shop, fault: FaultKind, own: bool) -> None:
    order = await bought(shop, method="EXPRESS") if own else ref(shop, await ordered(shop))
    effect = "shipping_uploaded" if own else "order_shipped"
    misbehave(shop, fault, UPLOAD if own else SEND)
    wanted = Wanted(order, "", (YTO,))
    with hurried():
        answer = await do(shop, SHIP, wanted)
    if not isinstance(answer, Shipped):
        assert answer.retryable
        shop.pass_time(minutes=2)
        await shop.worker.drain()
        answer = await do(shop, SHIP, wanted)
    assert answer == Shipped(complete=True)
    assert shop.effects(TOOL, effect) == 1
    assert (await shop.order(order)).fulfilment_state == "SHIPPED"
    assert len(await shop.facts("order.shipped")) == 1


async def test_own_orders_by_each_way(shop: Shop) -> None:
    order = await bought(shop, method="EXPRESS")
    assert code(await do(shop, SHIP, Wanted(order, "", ()), "no-parcels")) == "BAD_USER_INPUT"
    assert code(await do(shop, SHIP, Wanted(order, "PICKUP", ()), "no-pickup")) == "ORDER_NOT_SHIPPABLE"
    assert await do(shop, SHIP, Wanted(order, "CITY", ()), "by-rider") == Shipped(complete=True)
    row = await shop.order(order)
    assert (row.method, row.fulfilment_state, row.shipped_at is None) == ("CITY", "SHIPPED", False)
    assert code(await do(shop, SHIP, Wanted(order, "CITY", ()), "once-more")) == "ORDER_NOT_SHIPPABLE"


async def test_two_parcels_of_an_own_order_are_told_at_once(shop: Shop) -> None:
    order = await bought(shop, method="EXPRESS")
    parcels = (YTO, Parcel("SF", "SF0000000002", sender_phone="138****0001"))
    assert await do(shop, SHIP, Wanted(order, "", parcels)) == Shipped(complete=True)
    assert shop.effects(TOOL, "shipping_uploaded") == 1
    assert (await shop.order(order)).tracking == "YT0000000001"


async def test_a_payment_of_this_minute_is_not_known_yet(shop: Shop) -> None:
    done = await shop.buy(shop.basket(method="EXPRESS"), 89900)
    unpaid = await do(shop, SHIP, Wanted(done.order_id, "", (YTO,)), "too-early")
    assert code(unpaid) == "ORDER_NOT_SHIPPABLE"
    await shop.notify(await shop.pay(done))
    recent = await do(shop, SHIP, Wanted(done.order_id, "", (YTO,)), "too-early")
    assert (code(recent), recent.retryable) == ("PAYMENT_TOO_RECENT", True)
    shop.pass_time(minutes=2)
    assert await do(shop, SHIP, Wanted(done.order_id, "", (YTO,)), "too-early") == Shipped(complete=True)


async def test_goods_are_handed_out_once_for_the_right_code(any_shop: Shop) -> None:
    shop = any_shop
    order = await bought(shop)
    assert await do(shop, SHIP, Wanted(order, "", ()), "lies-ready") == Shipped(complete=True)
    right = (await shop.order(order)).pickup_code
    wrong = f"{(int(right) + 1) % 10**8:08d}"
    assert code(await do(shop, CONFIRM, Code(order, wrong), "wrong-code")) == "PICKUP_CODE_WRONG"
    assert (await shop.order(order)).fulfilment_state == "READY"
    assert await do(shop, CONFIRM, Code(order, right), "right-code") == Nothing()
    assert await do(shop, CONFIRM, Code(order, right), "right-code") == Nothing()
    assert (await shop.order(order)).fulfilment_state == "RECEIVED"
    assert code(await do(shop, CONFIRM, Code(order, right), "second-try")) == "ORDER_NOT_READY"
    [told] = await shop.facts("order.picked_up")
    assert (told.order_ref, told.payload) == (order, {"by": HQ.id})


async def test_unknown_orders(shop: Shop) -> None:
    assert code(await do(shop, SHIP, Wanted("STORE:x:1", "", (YTO,)), "unknown-1")) == "ORDER_UNKNOWN"
    assert code(await do(shop, CONFIRM, Code("STORE:x:1", "00000000"), "unknown-2")) == "ORDER_UNKNOWN"


ZTO = Parcel("ZTO", "ZT0000000001")
UPDATE = "POST /channels/ec/order/deliveryinfo/update"


@pytest.mark.parametrize("fault", [None, "reset_after", "reset_before", "truncate"])
@pytest.mark.parametrize("own", [True, False], ids=["own", "store"])
async def test_a_shipment_is_corrected_once(shop: Shop, fault: FaultKind | None, own: bool) -> None:
    order = await bought(shop, method="EXPRESS") if own else ref(shop, await ordered(shop))
    assert code(await do(shop, CORRECT, Wanted(order, "", (ZTO,)), "too-early")) == "ORDER_NOT_SHIPPED"
    assert await do(shop, SHIP, Wanted(order, "", (YTO,)), "ship-first") == Shipped(complete=True)
    shipped_at = (await shop.order(order)).shipped_at
    shop.pass_time(minutes=1)
    if fault is not None:
        misbehave(shop, fault, UPLOAD if own else UPDATE)
    answer = await do(shop, CORRECT, Wanted(order, "", (ZTO,)), "correct-1")
    if not isinstance(answer, Shipped):
        assert answer.retryable
        shop.pass_time(minutes=2)
        await shop.worker.drain()
        answer = await do(shop, CORRECT, Wanted(order, "", (ZTO,)), "correct-1")
    assert answer == Shipped(complete=True)
    row = await shop.order(order)
    assert (row.fulfilment_state, row.tracking, row.shipped_at) == ("SHIPPED", "ZT0000000001", shipped_at)
    assert shop.effects(TOOL, "shipping_uploaded") == (2 if own else 0)
    assert shop.effects(TOOL, "order_reparcelled") == (0 if own else 1)
    assert [each.order_ref for each in await shop.facts("order.shipment_corrected")] == [order]
    assert len(await shop.facts("order.shipped")) == 1
    again = await do(shop, CORRECT, Wanted(order, "", (ZTO,)), "correct-2")
    assert code(again) == ("SHIPMENT_CORRECTED" if own else "BAD_USER_INPUT")
    assert shop.effects(TOOL, "shipping_uploaded") == (2 if own else 0)


async def test_what_cannot_be_corrected(shop: Shop) -> None:
    order = await bought(shop)
    assert await do(shop, SHIP, Wanted(order, "", ()), "lies-ready") == Shipped(complete=True)
    assert code(await do(shop, CORRECT, Wanted(order, "EXPRESS", (ZTO,)), "picked-up")) == "ORDER_NOT_SHIPPED"
    assert code(await do(shop, CORRECT, Wanted("STORE:x:1", "", (ZTO,)), "unknown-1")) == "ORDER_UNKNOWN"
    number = await ordered(shop, 2)
    parcels = tuple(Parcel("YTO", f"YT{n}", (Item(COAT, 1),)) for n in (1, 2))
    assert await do(shop, SHIP, Wanted(ref(shop, number), "", parcels), "two-parcels") == Shipped(complete=True)
    unnamed = Wanted(ref(shop, number), "", (ZTO, YTO))
    assert code(await do(shop, CORRECT, unnamed, "unnamed")) == "BAD_USER_INPUT"
    assert code(await do(shop, CORRECT, Wanted(ref(shop, number), "VIRTUAL", ()), "virtual")) == "BAD_USER_INPUT"
    assert (shop.effects(TOOL, "shipping_uploaded"), shop.effects(TOOL, "order_reparcelled")) == (1, 0)
