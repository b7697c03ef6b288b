"""cashCouponSend: one coupon per key, through the gate, and known as used when a payment took it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adapters.payments import CashCouponUsed
from gateway.database.tables.projections import cash_coupon
from gateway.events.projections import cash_coupons
from gateway.transactions.effects.cash_coupons import SEND, Gift, Sent
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import allow, code, do
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import MCHID, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

TOOL = "payments"
USERS = "/v3/marketing/favor/users/*/coupons"
#: 满100减10, which runs; and one that was not started.
RUNS, WAITS = "9856000", "9856001"


def gift(shop: Shop, stock: str = RUNS, purpose: str = "MARKETING") -> Gift:
    return Gift(shop.buyer.member or "", "", stock, purpose)


async def rows(shop: Shop) -> list[tuple[Any, ...]]:
    c = cash_coupon.c
    found = await shop.database.fetch(select(c.coupon_id, c.name, c.value, c.minimum, c.used_at))
    return [tuple(each) for each in found]


def given(shop: Shop) -> int:
    return shop.effects(TOOL, "cash_coupon")


async def test_one_is_given_and_a_payment_takes_it(any_shop: Shop) -> None:
    shop, me = any_shop, any_shop.buyer.member
    await allow(shop)
    sent = await do(shop, SEND, gift(shop), "cash-key-1")
    assert isinstance(sent, Sent)
    assert await do(shop, SEND, gift(shop), "cash-key-1") == sent
    assert given(shop) == 1
    assert await rows(shop) == [(sent.coupon, "双11代金券满100减10", 1000, 10000, None)]
    at = (shop.projector.clock.now() + timedelta(minutes=1)).replace(microsecond=0)
    mine, other = (CashCouponUsed(MCHID, RUNS, number, "4200000001", 1000, at) for number in (sent.coupon, "1"))
    # A notice may come again.
    for _ in range(2):
        await cash_coupons.used(shop.projector, MCHID, [mine, other])
    [row] = await rows(shop)
    assert row[-1] == at
    told = await shop.facts("coupon.received", "coupon.used")
    assert sorted((each.kind, each.member or "", each.amount_fen, each.payload["stock"]) for each in told) == [
        ("coupon.received", me, 1000, RUNS),
        ("coupon.used", "", 1000, RUNS),
        ("coupon.used", me, 1000, RUNS),
    ]


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_gives_one(shop: Shop, fault: FaultKind) -> None:
    await allow(shop)
    shop.sandbox.kit.faults.add(TOOL, fault, endpoint=f"POST {USERS}", calls=(1,))
    with hurried():
        await do(shop, SEND, gift(shop))
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert isinstance(await do(shop, SEND, gift(shop)), Sent)
    assert (given(shop), len(await rows(shop)), len(await shop.facts("coupon.received"))) == (1, 1, 1)


async def test_what_it_is_stays_unknown_where_it_cannot_be_read(shop: Shop) -> None:
    await allow(shop)
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"GET {USERS}/*", value=500)
    with hurried():
        sent = await do(shop, SEND, gift(shop))
    assert isinstance(sent, Sent)
    assert await rows(shop) == [(sent.coupon, None, None, None, None)]


async def test_nothing_is_given_past_the_gate_or_from_a_stock_that_waits(shop: Shop) -> None:
    await allow(shop)
    assert code(await do(shop, SEND, gift(shop, WAITS), "cash-key-1")) == "REJECTED"
    await allow(shop, given=False)
    refused = await do(shop, SEND, gift(shop), "cash-key-2")
    assert (code(refused), refused.details["reason"]) == ("NOT_ALLOWED", "NO_CONSENT")
    assert (given(shop), await rows(shop)) == (0, [])
    [told] = await shop.facts("reward.refused")
    assert (told.member, told.reason) == (shop.buyer.member, "NO_CONSENT")
    stranger = Gift("nobody", "", RUNS, "SERVICE")
    assert code(await do(shop, SEND, stranger, "cash-key-3")) == "MEMBER_UNKNOWN_TO_MERCHANT"
    assert isinstance(await do(shop, SEND, gift(shop, purpose="SERVICE"), "cash-key-4"), Sent)
