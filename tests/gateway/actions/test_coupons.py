"""couponIssue, couponUse and couponReturn: one effect per key, seen in our rows, and undone where that is possible."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import select

from gateway.database.tables.projections import coupon
from gateway.database.tables.sagas import saga_step
from gateway.members.gate import Gate
from gateway.transactions.effects.coupons import ISSUE, RETURN, USE, Gift, Issue, Issued, Moved, Till
from gateway.transactions.records import CouponRef
from gateway.transactions.steps import StepContext
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import allow, code, do
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import MCHID, STORE, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

CALLS = {
    "send": "POST /v3/marketing/busifavor/coupons/send",
    "use": "POST /v3/marketing/busifavor/coupons/use",
    "return": "POST /v3/marketing/busifavor/coupons/return",
}
EFFECTS = ("coupon_taken", "coupon_use", "coupon_return")


def gift(shop: Shop) -> Gift:
    """One more of the stock 满600减80 for 林晓雯."""
    stocks = [each for each in shop.sandbox.world.coupon_stocks if each.mchid == MCHID]
    return Gift(shop.buyer.member or "", "", stocks[0].stock_id)


async def state_of(shop: Shop, ref: CouponRef) -> str:
    row = await shop.database.one(select(coupon.c.state).where(coupon.c.code == ref.code))
    assert row is not None
    return str(row.state)


async def test_a_coupon_is_given_used_and_given_back(any_shop: Shop) -> None:
    shop = any_shop
    await allow(shop)
    asked = gift(shop)
    issued = await do(shop, ISSUE, asked, "issue-key")
    assert isinstance(issued, Issued)
    assert await do(shop, ISSUE, asked, "issue-key") == issued
    ref = CouponRef(MCHID, asked.stock_id, issued.code)
    assert await state_of(shop, ref) == "USABLE"
    till = Till(ref, STORE)
    used = await do(shop, USE, till, "use-key-1")
    assert isinstance(used, Moved)
    assert await do(shop, USE, till, "use-key-1") == used
    assert await state_of(shop, ref) == "USED"
    assert code(await do(shop, USE, till, "use-key-2")) == "COUPON_UNUSABLE"
    assert isinstance(await do(shop, RETURN, till, "return-key"), Moved)
    assert await state_of(shop, ref) == "USABLE"
    assert code(await do(shop, RETURN, till, "return-key-2")) == "COUPON_UNUSABLE"
    assert [shop.effects("payments", each) for each in EFFECTS] == [1, 1, 1]
    facts = await shop.facts("coupon.received", "coupon.used", "coupon.returned")
    told = sorted((each.kind, each.member, each.store) for each in facts)
    me = shop.buyer.member
    assert told == [("coupon.received", me, None), ("coupon.returned", me, STORE), ("coupon.used", me, STORE)]


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_moves_it_once(shop: Shop, fault: FaultKind) -> None:
    await allow(shop)
    for call in CALLS.values():
        shop.sandbox.kit.faults.add("payments", fault, endpoint=call, calls=(1,))

    async def twice(action: object, asked: object, key: str) -> object:
        with hurried():
            await do(shop, action, asked, key)  # type: ignore[arg-type] # one of three actions
        shop.pass_time(minutes=2)
        await shop.worker.drain()
        return await do(shop, action, asked, key)  # type: ignore[arg-type] # the same

    issued = await twice(ISSUE, gift(shop), "issue-key")
    assert isinstance(issued, Issued)
    till = Till(CouponRef(MCHID, gift(shop).stock_id, issued.code))
    assert isinstance(await twice(USE, till, "use-key-1"), Moved)
    assert isinstance(await twice(RETURN, till, "return-key"), Moved)
    assert [shop.effects("payments", each) for each in EFFECTS] == [1, 1, 1]


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_undoing_deactivates_what_was_given(shop: Shop, known: bool) -> None:
    """Also of a coupon of which nobody knows whether it was given: its number gives it once."""
    await allow(shop)
    asked = gift(shop)
    issued = await do(shop, ISSUE, asked, "issue-key")
    row = await shop.database.one(select(saga_step.c.intent).where(saga_step.c.name == ISSUE.step.name))
    assert row is not None
    intent = msgspec.convert(row.intent["value"], Issue)
    gate = Gate(shop.projector, shop.settings.reach)
    ctx = StepContext("saga", None, shop.projector, shop.projector.clock.now(), gate, open_tools=shop.tools)
    assert ISSUE.step.undo is not None
    await ISSUE.step.undo(ctx, intent, issued if known else None)
    assert [shop.effects("payments", each) for each in ("coupon_taken", "coupon_deactivated")] == [1, 1]
    assert await state_of(shop, CouponRef(MCHID, asked.stock_id, issued.code)) == "INVALID"


async def test_who_withdrew_their_consent_is_given_nothing(shop: Shop) -> None:
    await allow(shop)
    await allow(shop, given=False)
    refused = await do(shop, ISSUE, gift(shop), "issue-key-1")
    assert (code(refused), refused.details["reason"]) == ("NOT_ALLOWED", "NO_CONSENT")
    assert shop.effects("payments", "coupon_taken") == 0
    [told] = await shop.facts("reward.refused")
    assert (told.member, told.reason, told.payload) == (
        shop.buyer.member, "NO_CONSENT", {"purpose": "MARKETING", "channel": "REWARD"},
    )  # fmt: skip
    service = msgspec.structs.replace(gift(shop), purpose="SERVICE")
    assert isinstance(await do(shop, ISSUE, service, "issue-key-2"), Issued)


async def test_what_an_order_holds_is_not_the_tills(shop: Shop) -> None:
    ref = await shop.coupon()
    await shop.buy(shop.basket(coupon=ref), 81900)
    held = await do(shop, USE, Till(ref), "use-key-1")
    assert code(held) in {"COUPON_LOCKED", "COUPON_UNKNOWN"}
    assert shop.effects("payments", "coupon_use") == 0


async def test_what_cannot_be_is_refused(shop: Shop) -> None:
    nobody = Gift("nobody", "", gift(shop).stock_id)
    assert code(await do(shop, ISSUE, nobody, "to-nobody")) == "MEMBER_UNKNOWN_TO_MERCHANT"
    assert code(await do(shop, USE, Till(CouponRef(MCHID, "1", "2")), "no-such-one")) == "COUPON_UNKNOWN"
    assert code(await do(shop, USE, Till(CouponRef(MCHID, "1", "2"), "NOWHERE"), "no-store")) == "LOCATION_UNKNOWN"
    assert [shop.effects("payments", each) for each in EFFECTS] == [0, 0, 0]
