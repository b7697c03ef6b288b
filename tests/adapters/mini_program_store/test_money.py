"""Coupons, the store's ledger, its live sessions and figures."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from adapters.base.errors import Invalid, NotFound
from adapters.mini_program_store import (
    AfterSaleAccept,
    CouponKind,
    CouponStatus,
    FundsFlow,
    MiniProgramStoreAdapter,
    SettleState,
    StoreCoupon,
    UserCouponStatus,
)
from sandbox.server import Sandbox
from tests.adapters.mini_program_store import scenes
from tests.adapters.mini_program_store.conftest import NAME, Act


async def test_a_coupon_from_its_draft_to_a_shoppers_hand(
    store: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    number = await store.coupon_create(scenes.offer(platform))
    await store.coupon_update(number, scenes.offer(platform, off=9000))
    with pytest.raises(ValueError, match="cannot be taken"):
        await act("coupon_receive", person="protagonist", coupon_id=number)
    await store.coupon_status_set(number, CouponStatus.ACTIVE)
    mine = (await act("coupon_receive", person="protagonist", coupon_id=number))["user_coupon_id"]
    (coupon,) = await store.coupons([number])
    assert isinstance(coupon, StoreCoupon)
    assert (coupon.kind, coupon.status, coupon.name) == ("STORE_THRESHOLD_OFF", "ACTIVE", "满600减80")
    assert (coupon.off, coupon.from_amount, coupon.left, coupon.taken) == (9000, 60000, 99, 1)
    openid = platform.world.people["linxiaowen"].openids[store.account]
    assert [each.user_coupon_id for each in (await store.user_coupon_ids(openid)).items] == [mine]
    taken = await store.user_coupon(openid, mine)
    assert (taken.coupon_id, taken.status, taken.used_at) == (number, UserCouponStatus.VALID, None)
    assert taken.valid_to is not None
    assert taken.valid_from is not None
    assert taken.valid_to - taken.valid_from == timedelta(days=7)
    with pytest.raises(NotFound):
        await store.user_coupon(openid, "1")
    with pytest.raises(Invalid):
        await store.coupon_update(number, scenes.offer(platform))
    await store.coupon_status_set(number, CouponStatus.VOID)
    assert (await store.coupon_ids(CouponStatus.VOID)).items == [number]


async def test_a_share_off_is_told_in_the_platforms_tenths(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    offer = scenes.offer(platform, kind=CouponKind.STORE_DISCOUNT, off=0, pay_percent=85, name="八五折")
    number = await store.coupon_create(offer)
    kept = platform.platforms[NAME].state.coupons[number]  # type: ignore[attr-defined]
    assert kept["coupon_info"]["discount_info"]["discount_num"] == 8500
    (coupon,) = await store.coupons([number])
    assert isinstance(coupon, StoreCoupon)
    assert coupon.pay_percent == 85


async def test_coupons_that_cannot_be_written(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    for changes in (
        {"name": "一二三四五六七八九十一"},
        {"off": 0},
        {"kind": CouponKind.OTHER},
        {"valid_days": None},
        {"kind": CouponKind.PRODUCT_OFF},
        {"take_to": platform.world.now - timedelta(days=9)},
    ):
        with pytest.raises(Invalid):
            await store.coupon_create(scenes.offer(platform, **changes))
    with pytest.raises(Invalid):
        await store.coupon_status_set("1", CouponStatus.EXPIRED)
    assert platform.kit.journal.of_kind(NAME, "coupon_created") == []


async def test_coupon_pages_carry_the_platforms_context(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    state = platform.platforms[NAME].state  # type: ignore[attr-defined]
    state.coupons.update({str(n): {"coupon_id": str(n), "status": 2} for n in range(1, 451)})
    sizes, page = [], await store.coupon_ids(CouponStatus.ACTIVE)
    while page.next_cursor is not None:
        sizes.append(len(page.items))
        page = await store.coupon_ids(CouponStatus.ACTIVE, page.next_cursor)
    assert [*sizes, len(page.items)] == [200, 200, 50]
    with pytest.raises(Invalid):
        await store.coupon_ids(CouponStatus.ACTIVE, "40:")


async def test_the_ledger_is_read_up_to_the_hour_it_is_ready(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    clock = platform.kit.clock
    await scenes.paid(platform)
    begin, end = platform.world.now - timedelta(hours=20), platform.world.now + timedelta(days=9)

    async def seen() -> tuple[datetime, int]:
        found, cursor, known = 0, None, None
        while True:
            page = await store.funds_flow_ids(begin, end, cursor)
            found, cursor, known = found + len(page.flow_ids), page.next_cursor, page.known_until
            if cursor is None:
                return known, found

    until, before = await seen()
    assert until <= clock.now()
    assert until.hour == 16  # Midnight in Beijing.
    clock.advance(timedelta(hours=36))
    later, after = await seen()
    assert later > until
    assert after > before


async def test_refunds_and_orders_meet_in_the_ledger(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    case = await scenes.after_sale(platform, "REFUND")
    await store.after_sale_accept(case, AfterSaleAccept.REFUND)
    kept = platform.platforms[NAME].state.flows[-2:]  # type: ignore[attr-defined]
    platform.kit.clock.advance(timedelta(hours=48))
    income, refund = await store.funds_flows([row["flow_id"] for row in kept])
    assert isinstance(income, FundsFlow)
    assert isinstance(refund, FundsFlow)
    assert (income.kind, refund.kind, refund.title) == (1, 3, "订单退款")
    assert income.amount == -refund.amount > 0
    assert refund.balance == income.balance + refund.amount
    assert (refund.after_sale_id, refund.order_id) == (case, income.order_id)
    assert refund.booked_at == kept[1]["at"]


async def test_ledger_pages_hold_every_entry_once(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    begin, end = platform.world.now - timedelta(days=400), platform.world.now
    found: list[str] = []
    cursor = None
    while True:
        page = await store.funds_flow_ids(begin, end, cursor)
        found += page.flow_ids
        cursor = page.next_cursor
        if cursor is None:
            break
    booked = platform.platforms[NAME].state.flows  # type: ignore[attr-defined]
    assert len(found) > 10
    assert sorted(found) == sorted(row["flow_id"] for row in booked if row["at"] < page.known_until)
    assert len(set(found)) == len(found)


async def test_balance_settlements_and_withdrawals(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number = await scenes.paid(platform)
    balance = await store.store_balance()
    assert balance.pending >= 1
    now = platform.kit.clock.now()
    rows = (await store.order_settlements(now - timedelta(days=1), now + timedelta(seconds=1))).items
    mine = next(row for row in rows if row.order_id == number)
    assert (mine.state, mine.refunded) == (SettleState.PENDING, 0)
    assert mine.settled == mine.paid - mine.commission
    ids = (await store.withdrawal_ids()).items
    withdrawal, missing = await store.withdrawals([*ids, "99"])
    assert not isinstance(withdrawal, NotFound)
    assert (withdrawal.amount, withdrawal.state) == (10_000, "SUCCESS")
    assert isinstance(missing, NotFound)


async def test_live_sessions_in_pages(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    now = platform.world.now
    page = await store.live_sessions(now - timedelta(days=30), now)
    last = await store.live_sessions(now - timedelta(days=30), now, page.next_cursor)
    assert [each.live_id for each in (*page.items, *last.items)] == [f"export/yujian-{n}" for n in (3, 10, 17)]
    assert last.next_cursor is None
    assert page.items[0].seconds == 7200
    assert (await store.channel()).finder_id == "sphYujian"
    assert [each.live_id for each in await store.live_now()] == ["export/yujian-now"]
    assert [each.state for each in await store.live_notices()] == ["预告中"]
    day = (now + timedelta(hours=8) - timedelta(days=3)).date()
    assert [each.live_id for each in await store.store_lives(day, "sphYujian")] == ["export/yujian-3"]


async def test_a_days_figures_are_those_of_its_orders(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    today = (platform.world.now + timedelta(hours=8)).date()
    before = await store.store_day(today)
    number = await scenes.paid(platform)
    (order,) = await store.orders([number])
    assert not isinstance(order, NotFound)
    after = await store.store_day(today)
    assert (after.paid - before.paid, after.orders - before.orders) == (order.payable, 1)


async def test_the_store_tells_its_name(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    info = await store.store_info()
    assert (info.gh_id, info.name, info.status) == (
        platform.world.wechat_store.gh_id,
        platform.world.wechat_store.name,
        "open_finished",
    )
