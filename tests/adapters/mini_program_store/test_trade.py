"""Orders are searched, changed and shipped; after-sales are decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.base.errors import Conflict, Invalid, OutcomeUnknown, RateLimited, Unauthorized, Unavailable
from adapters.mini_program_store import (
    AfterSale,
    AfterSaleAccept,
    AfterSaleState,
    LinePrice,
    MiniProgramStoreAdapter,
    Order,
    OrderQuery,
    Parcel,
    ParcelLine,
)
from sandbox.server import Sandbox
from tests.adapters.mini_program_store import scenes
from tests.adapters.mini_program_store.conftest import NAME, Act

SEND = "POST /channels/ec/order/delivery/send"


async def order(store: MiniProgramStoreAdapter, number: str) -> Order:
    (found,) = await store.orders([number])
    assert isinstance(found, Order)
    return found


async def state(store: MiniProgramStoreAdapter, number: str) -> AfterSaleState:
    (found,) = await store.after_sales([number])
    assert isinstance(found, AfterSale)
    return found.state


async def test_orders_are_found_by_what_is_known_of_them(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number = await scenes.paid(platform)
    await store.order_note(number, "老客户，送贺卡")
    assert (await order(store, number)).merchant_notes == "老客户，送贺卡"
    phone = platform.world.people["linxiaowen"].phone
    for query in (
        OrderQuery(merchant_notes="贺卡"),
        OrderQuery(phone_last4=phone[-4:], sku_code=scenes.SKU, status=20),
        OrderQuery(receiver_name="林晓雯", in_after_sale=False, status=20),
    ):
        assert (await store.order_search(query)).items == [number]
    assert (await store.order_search(OrderQuery(merchant_notes="贺卡", in_after_sale=True))).items == []


async def test_an_unpaid_order_can_be_repriced(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number = await scenes.unpaid(platform, 2)
    await store.order_price_change(number, [LinePrice(*scenes.goods(platform), 100000)], freight=1000)
    changed = await order(store, number)
    assert (changed.lines[0].paid_amount, changed.freight, changed.payable) == (100000, 1000, 101000)
    paid = await scenes.paid(platform)
    with pytest.raises(Invalid):
        await store.order_price_change(paid, [LinePrice(*scenes.goods(platform), 1)])


async def test_addresses_change_and_are_masked_in_orders(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number = await scenes.paid(platform)
    await store.order_address_change(number, scenes.ADDRESS)
    assert await store.order_address(number) == scenes.ADDRESS
    shown = await order(store, number)
    assert (shown.receiver_name, shown.receiver_phone, shown.receiver_city) == ("林**", "138****0001", "上海市")
    assert "13800000001" not in repr(scenes.ADDRESS)


async def test_a_buyers_wish_for_another_address_is_answered(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number = await scenes.asked_address(platform)
    assert (await order(store, number)).address_change_waits
    assert (await store.order_search(OrderQuery(address_change_waits=True))).items == [number]
    await store.order_address_request(number, accept=True)
    assert not (await order(store, number)).address_change_waits
    assert (await store.order_address(number)).detail == "武康路 2 号"
    with pytest.raises(Invalid):
        await store.order_address_request(number, accept=False)


async def test_a_relay_number_lives_for_a_while(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number = platform.world.store_orders[0].order_id
    first, second = await store.order_relay_number(number), await store.order_relay_number(number)
    assert (first.taken, second.taken) == (1, 2)
    assert first.expires_at is not None
    assert first.expires_at > platform.kit.clock.now()


async def test_an_order_is_shipped_in_two_parcels(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number = await scenes.paid(platform, 3)
    await store.order_ship(number, [scenes.parcel(platform, "SF1", 1)])
    assert (await order(store, number)).state == "PARTLY_SHIPPED"
    with pytest.raises(Invalid):
        await store.order_ship(number, [scenes.parcel(platform, "SF2", 3)])
    await store.order_ship(number, [scenes.parcel(platform, "SF2", 2)])
    shipped = await order(store, number)
    assert (shipped.state, shipped.carrier, shipped.tracking_number) == ("SHIPPED", "顺丰速运", "SF1")
    with pytest.raises(Invalid):
        await store.order_ship(number, [scenes.parcel(platform)])
    await store.order_parcels_correct(number, [scenes.parcel(platform, "SF7", 3)])
    await store.order_parcel_extra(number, [scenes.parcel(platform, "SF8")], "漏发配件")
    assert (await order(store, number)).tracking_number == "SF7"
    assert {each.code for each in await store.carriers()} >= {"SF", "OTHER"}


async def test_parcels_are_checked_before_the_platform_is_asked(
    store: MiniProgramStoreAdapter, platform: Sandbox
) -> None:
    line = ParcelLine(*scenes.goods(platform), 1)
    for parcels in ([], [Parcel((), "SF", "SF1")], [Parcel((line,), "SF")], [Parcel((line,), "", "SF1")]):
        with pytest.raises(Invalid):
            await store.order_ship("1", parcels)
    assert platform.kit.journal.count(NAME, SEND) == 0
    with pytest.raises(Invalid):
        await store.order_ship(await scenes.paid(platform), [Parcel((replace(line, quantity=0),), "SF", "SF1")])
    with pytest.raises(Invalid):
        await store.order_ship(await scenes.paid(platform), [Parcel((line,))])


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (100003, Unavailable, "order_busy"),
        (606034, Unauthorized, "not_the_shipper"),
        (-1, OutcomeUnknown, "platform_busy"),
    ],
)
async def test_a_shipment_that_was_refused_or_not(
    store: MiniProgramStoreAdapter, platform: Sandbox, code: int, kind: type[Exception], reason: str
) -> None:
    number = await scenes.paid(platform)
    platform.kit.faults.add(NAME, "code", endpoint="*/delivery/send", value=code)
    with pytest.raises(kind) as error:
        await store.order_ship(number, [scenes.parcel(platform)])
    assert error.value.reason == reason  # type: ignore[attr-defined]
    assert platform.kit.journal.count(NAME, SEND) == 1


async def test_a_return_is_agreed_to_twice(store: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    case = await scenes.after_sale(platform, "RETURN")
    with pytest.raises(Conflict) as early:
        await store.after_sale_accept(case, AfterSaleAccept.REFUND)
    assert early.value.reason == "after_sale_state"
    for address, code in (("", "10021058"), ("7", "10021062")):
        with pytest.raises(Invalid) as missing:
            await store.after_sale_accept(case, AfterSaleAccept.RETURN_GOODS, address)
        assert missing.value.upstream_code == code
    known = platform.describe()["platforms"][NAME]["known"]
    await store.after_sale_accept(case, AfterSaleAccept.RETURN_GOODS, known["returnAddresses"][0])
    assert await state(store, case) is AfterSaleState.AWAITING_BUYER
    await act("after_sale_update", after_sale_id=case, status="MERCHANT_WAIT_RECEIPT")
    await store.after_sale_accept(case, AfterSaleAccept.REFUND)
    assert await state(store, case) is AfterSaleState.SUCCEEDED
    (row,) = await store.after_sales([case])
    assert isinstance(row, AfterSale)
    assert (await order(store, row.order_id)).state == "AFTER_SALE_CLOSED"
    with pytest.raises(Conflict):
        await store.after_sale_accept(case, AfterSaleAccept.REFUND)


async def test_an_order_is_refunded_once_a_minute(store: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    number = await scenes.paid(platform, 2)
    cases = [(await act("after_sale_new", order_id=number, type="REFUND"))["after_sale_id"] for _ in range(2)]
    await store.after_sale_accept(cases[0], AfterSaleAccept.REFUND)
    with pytest.raises(RateLimited) as soon:
        await store.after_sale_accept(cases[1], AfterSaleAccept.REFUND)
    assert (soon.value.upstream_code, soon.value.retry_after) == ("10021059", 60)
    platform.kit.clock.advance(timedelta(minutes=1))
    await store.after_sale_accept(cases[1], AfterSaleAccept.REFUND)
    assert await state(store, cases[1]) is AfterSaleState.SUCCEEDED


async def test_a_refusal_names_one_of_the_platforms_reasons(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    case = await scenes.after_sale(platform, "REFUND")
    reasons = await store.after_sale_reject_reasons()
    assert {each.scene for each in reasons} == {1, 4, 5, 6}
    with pytest.raises(Invalid):
        await store.after_sale_reject(case, 99)
    await store.after_sale_reject(case, reasons[0].number, "已签收")
    assert await state(store, case) is AfterSaleState.REJECTED


async def test_other_ways_out_of_an_after_sale(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    for scene in (scenes.after_sale_propose, scenes.after_sale_refund_proof):
        await scene(store, platform)
    await scenes.after_sale_exchange_ship(store, platform)
    await scenes.after_sale_exchange_refuse(store, platform)
    statuses = [row.key.partition(":")[2] for row in platform.kit.journal.of_kind(NAME, "after_sale")]
    assert [each for each in statuses if each.startswith(("USER_WAIT", "MERCHANT_EXCH", "MERCHANT_REJ"))] == [
        "USER_WAIT_CONFIRM_UPDATE",
        "USER_WAIT_CONFIRM",
        "MERCHANT_EXCHANGE_SUCCESS",
        "MERCHANT_REJECT_RETURN",
    ]


async def test_an_after_sale_that_staff_open_is_opened_once(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    platform.kit.faults.add(NAME, "reset_after", endpoint="*/genaftersaleorder", calls=(1,))
    made = await scenes.after_sale_open(store, platform)
    assert platform.kit.journal.count(NAME, "POST /channels/ec/aftersale/genaftersaleorder") == 2
    assert len(platform.kit.journal.of_kind(NAME, "after_sale_opened")) == 1
    assert await state(store, str(made)) is AfterSaleState.AWAITING_MERCHANT
