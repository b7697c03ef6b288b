"""A mini-program's sessions, codes, templates, shipping information and visits."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.base.errors import Conflict, Invalid, NotFound, RateLimited, Rejected, Unavailable
from adapters.base.secrets import Secret
from adapters.mini_program_store import (
    MiniProgramStoreAdapter,
    PaidOrderState,
    Payment,
    Shipment,
    ShippedParcel,
    ShippingMethod,
    Span,
)
from sandbox.server import Sandbox
from tests.adapters.mini_program_store import scenes
from tests.adapters.mini_program_store.conftest import NAME, Act

UPLOAD = "POST /wxa/sec/order/upload_shipping_info"


async def test_a_session_is_checked_and_reset(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    openid, key = await scenes.session(flagship, platform)
    await flagship.session_check(openid, key)
    renewed = await flagship.session_reset(openid, key)
    assert renewed.session_key.reveal() != key.reveal()
    await flagship.session_check(openid, renewed.session_key)
    for over in (key, Secret("made up")):
        with pytest.raises(Rejected) as error:
            await flagship.session_check(openid, over)
        assert (error.value.reason, error.value.upstream_code) == ("session_over", "87009")


async def test_a_payer_without_a_login_has_a_unionid(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    payment, openid = await scenes.trade(platform)
    assert await flagship.paid_unionid(openid, payment) == platform.world.people["linxiaowen"].unionid
    platform.kit.clock.advance(timedelta(minutes=5))
    with pytest.raises(NotFound) as error:
        await flagship.paid_unionid(openid, payment)
    assert error.value.upstream_code == "89300"


async def test_a_scene_becomes_a_picture(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    code = await flagship.scene_code("store=7", "pages/index", width=280)
    assert code.media_type == "image/png"
    assert int.from_bytes(code.content[16:20], "big") == 280
    start = code.content.index(b"IDAT") + 4
    assert len(zlib.decompress(code.content[start:])) == 280 * 281
    assert "IDAT" not in repr(code)
    await flagship.scene_code("s", "pages/new", published=False)
    with pytest.raises(Invalid) as page:
        await flagship.scene_code("s", "pages/new")
    with pytest.raises(Invalid) as scene:
        await flagship.scene_code("a" * 33)
    with pytest.raises(Invalid) as sign:
        await flagship.scene_code("50%")
    assert [e.value.upstream_code for e in (page, scene, sign)] == ["41030", "40169", "40097"]


async def test_codes_have_a_minutes_limit_where_others_have_a_days(
    flagship: MiniProgramStoreAdapter, platform: Sandbox
) -> None:
    platform.kit.faults.add(NAME, "code", endpoint="*/getwxacodeunlimit", value=45009)
    with pytest.raises(RateLimited) as error:
        await flagship.scene_code("s")
    assert (error.value.reason, error.value.retry_after) == ("minute_quota", 60)


async def test_templates_are_listed_added_and_given_up(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    before = await flagship.subscribe_templates()
    assert scenes.template(platform) in {each.template for each in before}
    made = await flagship.subscribe_template_add("401", [1, 2], "取货提醒")
    assert made in {each.template for each in await flagship.subscribe_templates()}
    await flagship.subscribe_template_delete(made)
    assert await flagship.subscribe_templates() == before
    with pytest.raises(Invalid):
        await flagship.subscribe_template_delete(made)


async def test_a_payment_is_shipped_and_corrected_once(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    payment, openid = await scenes.trade(platform)
    shipment = replace(scenes.PICKED_UP, payment=payment)
    now = platform.kit.clock.now()
    assert (await flagship.paid_order(payment)).state is PaidOrderState.TO_SHIP
    await flagship.shipping_upload(shipment, openid, now)
    with pytest.raises(Conflict):
        await flagship.shipping_upload(shipment, openid, now)
    parcel = ShippedParcel("山岚轻羽绒服", "SF", "SF1", receiver_phone="138****0001")
    express = Shipment(payment, ShippingMethod.EXPRESS, (parcel,))
    await flagship.shipping_upload(express, openid, now + timedelta(seconds=1))
    with pytest.raises(Conflict) as third:
        await flagship.shipping_upload(express, openid, now + timedelta(seconds=2))
    assert (third.value.reason, third.value.upstream_code) == ("shipping_state", "10060004")
    shown = await flagship.paid_order(payment)
    assert (shown.state, shown.complete, shown.uploads) == (PaidOrderState.SHIPPED, True, 2)
    assert [(each.carrier, each.tracking_number) for each in shown.parcels] == [("SF", "SF1")]


async def test_a_payment_is_known_after_a_minute_and_to_its_payer(
    flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    made = await act("trade_paid", appid=flagship.account, person="protagonist", amount=100)
    payment = Payment(mchid=made["mchid"], out_trade_no=made["out_trade_no"])
    shipment = replace(scenes.PICKED_UP, payment=payment)
    with pytest.raises(NotFound) as early:
        await flagship.shipping_upload(shipment, made["openid"], platform.kit.clock.now())
    assert early.value.upstream_code == "10060001"
    platform.kit.clock.advance(timedelta(minutes=1))
    with pytest.raises(NotFound):
        await flagship.paid_order(replace(payment, mchid="1"))
    with pytest.raises(Invalid) as other:
        await flagship.shipping_upload(shipment, "oSomebody", platform.kit.clock.now())
    assert other.value.upstream_code == "10060012"
    await flagship.shipping_upload(shipment, made["openid"], platform.kit.clock.now())


async def test_shipments_are_checked_before_the_platform_is_asked(
    flagship: MiniProgramStoreAdapter, platform: Sandbox
) -> None:
    parcel = ShippedParcel("g", "SF", "SF1")
    paid = Payment("42000")
    for wrong in (
        Shipment(paid, ShippingMethod.PICKUP, ()),
        Shipment(paid, ShippingMethod.EXPRESS, (parcel, parcel)),
        Shipment(paid, ShippingMethod.EXPRESS, (parcel,) * 16, split=True),
        Shipment(paid, ShippingMethod.PICKUP, (parcel,), split=True),
        Shipment(paid, ShippingMethod.EXPRESS, (ShippedParcel("g"),)),
        Shipment(paid, ShippingMethod.PICKUP, (ShippedParcel("g" * 121),)),
        Shipment(Payment(mchid="1"), ShippingMethod.PICKUP, (parcel,)),
    ):
        with pytest.raises(Invalid):
            await flagship.shipping_upload(wrong, "o", platform.kit.clock.now())
    assert platform.kit.journal.count(NAME, UPLOAD) == 0


async def test_payments_to_ship_in_pages(flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    for _ in range(60):
        await act("trade_paid", appid=flagship.account, person="protagonist", amount=100)
    first = await flagship.paid_orders(state=PaidOrderState.TO_SHIP)
    second = await flagship.paid_orders(first.next_cursor, state=PaidOrderState.TO_SHIP)
    assert (len(first.items), len(second.items), second.next_cursor) == (50, 10, None)
    assert (await flagship.paid_orders(state=PaidOrderState.SHIPPED)).items == []
    assert (await flagship.paid_orders(openid="oNobody")).items == []


async def test_what_belongs_to_shipping(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    assert await flagship.shipping_managed()
    assert await flagship.shipping_confirmed()
    assert "SF" in {each.code for each in await flagship.shipping_carriers()}
    await flagship.shipping_page_set("pages/order/detail")
    await flagship.shipping_page_set("pages/order/detail")
    assert len(platform.kit.journal.of_kind(NAME, "jump_path_set")) == 1
    payment, openid = await scenes.trade(platform)
    with pytest.raises(Conflict):
        await flagship.remind_receipt(payment, int(platform.kit.clock.now().timestamp()))
    shipment = replace(scenes.PICKED_UP, payment=payment)
    await flagship.shipping_upload_combined(payment, [shipment], openid, platform.kit.clock.now())
    await flagship.remind_receipt(payment, int(platform.kit.clock.now().timestamp()))
    with pytest.raises(Conflict):
        await flagship.remind_receipt(payment, int(platform.kit.clock.now().timestamp()))


@pytest.mark.parametrize(("span", "days"), [(Span.DAY, 1), (Span.WEEK, 7), (Span.MONTH, 31)])
async def test_visits_of_a_day_a_week_and_a_month(
    flagship: MiniProgramStoreAdapter, platform: Sandbox, span: Span, days: int
) -> None:
    day = scenes.yesterday(platform).replace(day=15, month=10)
    trend, kept = await flagship.visit_trend(day, span), await flagship.visit_retention(day, span)
    assert trend is not None
    assert (trend.end - trend.begin).days + 1 == days
    assert trend.begin <= day <= trend.end
    assert (trend.views, trend.seconds_per_visitor) == (trend.sessions * 4, 84.5)
    assert (kept.begin, kept.visitors[0]) == (trend.begin, trend.visitors)


async def test_visits_of_a_span_that_is_not_over(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    today = scenes.yesterday(platform) + timedelta(days=1)
    with pytest.raises(Unavailable) as error:
        await flagship.visit_trend(today)
    assert (error.value.reason, error.value.upstream_code) == ("figures_not_ready", "61503")
    with pytest.raises(Invalid) as portrait:
        await flagship.visitor_portrait(today - timedelta(days=2))
    assert portrait.value.upstream_code == "61501"


async def test_who_visits_what(flagship: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    day = scenes.yesterday(platform)
    totals = await flagship.visit_totals(day)
    assert totals is not None
    assert totals.sharers == totals.shares // 2
    pages = await flagship.visited_pages(day)
    assert [each.path for each in pages] == ["pages/index", "pages/product", "pages/order"]
    spread = await flagship.visit_distribution(day)
    trend = await flagship.visit_trend(day)
    assert trend is not None
    assert sum(spread.sources.values()) == sum(spread.depths.values()) == trend.sessions
    portrait = await flagship.visitor_portrait(day, 7)
    assert (portrait.end - portrait.begin).days == 6
    assert list(portrait.visitors.provinces) == ["上海市"]
