"""storeCouponCreate, storeCouponUpdate and storeCouponMove: written once, changed while nobody can take them, moved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.mini_program_store import CouponKind, CouponStatus, StoreCoupon
from gateway.members.gate import Gate
from gateway.transactions.effects.store_coupons import CREATE, MOVE, UPDATE, Changed, Make, Move, New, Other
from gateway.transactions.steps import StepContext
from sandbox.faults import FaultKind
from tests.adapters.mini_program_store.scenes import offer
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, code, do, misbehave, store
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

COUPON = "POST /channels/ec/coupon/"
LOST: list[FaultKind] = ["reset_after", "reset_before", "truncate", "hang"]


def new(shop: Shop, **changes: Any) -> New:
    return New("", offer(shop.sandbox, **changes))


async def seen(shop: Shop, done: Changed) -> StoreCoupon:
    """As the platform has it."""
    [found] = await store(shop).coupons([done.coupon])
    assert isinstance(found, StoreCoupon)
    return found


async def again(shop: Shop, action: Any, asked: object, key: str = "key-of-a-test") -> Any:
    """Its answer is lost; two minutes later the same request comes once more."""
    with hurried():
        await do(shop, action, asked, key)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    return await do(shop, action, asked, key)


async def told(shop: Shop) -> list[tuple[str, str | None]]:
    facts = await shop.facts("store_coupon.created", "store_coupon.updated", "store_coupon.moved")
    return [(each.kind, each.reason) for each in facts]


async def test_a_coupon_from_its_draft_to_its_end(any_shop: Shop) -> None:
    shop = any_shop
    for _ in range(2):
        made = await do(shop, CREATE, new(shop), "create-key")
    assert (await seen(shop, made)).status is CouponStatus.EDITING
    wanted = Other(made.appid, made.coupon, offer(shop.sandbox, off=9000))
    for _ in range(2):
        assert await do(shop, UPDATE, wanted, "update-key") == made
    assert (await seen(shop, made)).off == 9000
    for to in (CouponStatus.ACTIVE, CouponStatus.VOID, CouponStatus.DELETED):
        for _ in range(2):
            assert await do(shop, MOVE, Move(made.appid, made.coupon, to), f"move-key-{to}") == made
        assert (await seen(shop, made)).status is to
    effects = [shop.effects(TOOL, each) for each in ("coupon_created", "coupon_updated", "coupon_status")]
    assert effects == [1, 1, 3]
    assert await told(shop) == [
        ("store_coupon.created", None),
        ("store_coupon.updated", None),
        ("store_coupon.moved", "ACTIVE"),
        ("store_coupon.moved", "VOID"),
        ("store_coupon.moved", "DELETED"),
    ]


@pytest.mark.parametrize("fault", LOST)
async def test_an_answer_that_is_lost_writes_one_coupon(shop: Shop, fault: FaultKind) -> None:
    """Also beside one that says the same and was there before."""
    before = await store(shop).coupon_create(offer(shop.sandbox))
    misbehave(shop, fault, f"{COUPON}create")
    made = await again(shop, CREATE, new(shop))
    assert made.coupon != before
    assert (shop.effects(TOOL, "coupon_created"), await told(shop)) == (2, [("store_coupon.created", None)])


@pytest.mark.parametrize(
    "changes",
    [
        {"take_to": timedelta(days=31)},
        {"kind": CouponKind.PRODUCT_THRESHOLD_OFF, "product_ids": ("2",)},
        {"valid_days": None, "valid_from": timedelta(0), "valid_to": timedelta(days=3)},
    ],
    ids=["time", "products", "validity"],
)
async def test_a_colleagues_coupon_of_the_same_name_is_not_taken_for_its_own(
    shop: Shop, changes: dict[str, Any]
) -> None:
    """Neither answered for it, nor deleted with it."""
    now = shop.sandbox.world.now
    given = {name: now + each if isinstance(each, timedelta) else each for name, each in changes.items()}
    mine = given | ({"product_ids": ("1",)} if "product_ids" in given else {})
    mine |= {name: each + timedelta(days=1) for name, each in given.items() if name in {"take_to", "valid_to"}}
    theirs = await store(shop).coupon_create(offer(shop.sandbox, **given))
    intent = Make(store(shop).account, offer(shop.sandbox, **mine), ())
    gate, at = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    ctx = StepContext("saga", None, shop.projector, at, gate, open_tools=shop.tools)
    assert CREATE.step.ask is not None
    assert CREATE.step.undo is not None
    assert await CREATE.step.ask(ctx, intent) is None
    await CREATE.step.undo(ctx, intent, None)
    assert (await seen(shop, Changed(intent.appid, theirs))).status is CouponStatus.EDITING
    # Its own is found, among both.
    own = await store(shop).coupon_create(intent.offer)
    assert await CREATE.step.ask(ctx, intent) == Changed(intent.appid, own)


@pytest.mark.parametrize("fault", LOST)
async def test_an_answer_that_is_lost_changes_and_moves_it_once(shop: Shop, fault: FaultKind) -> None:
    made = await do(shop, CREATE, new(shop), "create-key")
    misbehave(shop, fault, f"{COUPON}update")
    misbehave(shop, fault, f"{COUPON}update_status")
    wanted = Other(made.appid, made.coupon, offer(shop.sandbox, off=9000))
    assert await again(shop, UPDATE, wanted, "update-key") == made
    assert await again(shop, MOVE, Move(made.appid, made.coupon, CouponStatus.ACTIVE), "move-key") == made
    found = await seen(shop, made)
    assert (found.off, found.status) == (9000, CouponStatus.ACTIVE)
    assert (shop.effects(TOOL, "coupon_status"), len(await told(shop))) == (1, 3)


async def test_the_same_coupon_of_another_transaction_is_not_taken_for_its_own(any_shop: Shop) -> None:
    shop = any_shop
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"{COUPON}create", value=500)
    with hurried():
        assert code(await do(shop, CREATE, new(shop))) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=2)
    theirs = await do(shop, CREATE, new(shop), "a-later-key")
    await shop.worker.drain()
    made = await do(shop, CREATE, new(shop))
    assert (isinstance(made, Changed), made != theirs, shop.effects(TOOL, "coupon_created")) == (True, True, 2)


async def test_terms_that_came_later_stay(any_shop: Shop) -> None:
    """The first ones got no answer, and their job comes when the second ones are there."""
    shop = any_shop
    made = await do(shop, CREATE, new(shop), "create-key")
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"{COUPON}update", value=500)
    first = Other(made.appid, made.coupon, offer(shop.sandbox, off=9000))
    with hurried():
        assert code(await do(shop, UPDATE, first)) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=2)
    later = Other(made.appid, made.coupon, offer(shop.sandbox, off=7000))
    assert await do(shop, UPDATE, later, "a-later-key") == made
    await shop.worker.drain()
    assert (await seen(shop, made)).off == 7000
    assert code(await do(shop, UPDATE, first)) == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_what_was_written_is_deleted_again(shop: Shop, known: bool) -> None:
    made = await do(shop, CREATE, new(shop))
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    ctx = StepContext("saga", None, shop.projector, now, gate, open_tools=shop.tools)
    assert CREATE.step.undo is not None
    for _ in range(2):
        await CREATE.step.undo(ctx, Make(made.appid, offer(shop.sandbox), ()), made if known else None)
        assert (await seen(shop, made)).status is CouponStatus.DELETED
    assert shop.effects(TOOL, "coupon_status") == 1


async def test_a_coupon_goes_where_its_state_lets_it(shop: Shop) -> None:
    made = await do(shop, CREATE, new(shop), "create-key")
    refused = await do(shop, MOVE, Move(made.appid, made.coupon, CouponStatus.VOID), "void-key")
    assert (code(refused), refused.details["state"]) == ("STORE_COUPON_STATE", "EDITING")
    await do(shop, MOVE, Move(made.appid, made.coupon, CouponStatus.ACTIVE), "publish-key")
    for to in (CouponStatus.ACTIVE, CouponStatus.DELETED):
        assert code(await do(shop, MOVE, Move(made.appid, made.coupon, to), f"key-{to}")) == "STORE_COUPON_STATE"
    wanted = Other(made.appid, made.coupon, offer(shop.sandbox, off=9000))
    assert code(await do(shop, UPDATE, wanted, "update-key")) == "STORE_COUPON_STATE"
    assert shop.effects(TOOL, "coupon_status") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "一二三四五六七八九十一"},
        {"kind": CouponKind.OTHER, "from_amount": 0},
        {"off": 0},
        {"off": 10_000_001},
        {"pay_percent": 85},
        {"kind": CouponKind.STORE_DISCOUNT, "off": 0, "from_amount": 0, "pay_percent": 100},
        {"kind": CouponKind.STORE_DISCOUNT, "off": 0, "pay_percent": 85},
        {"kind": CouponKind.STORE_DISCOUNT, "off": 0, "from_amount": 0, "pay_percent": 99.999},
        {"kind": CouponKind.STORE_DISCOUNT, "off": 0, "from_amount": 0, "pay_percent": 85.555},
        {"from_amount": 0},
        {"kind": CouponKind.PRODUCT_OFF, "from_amount": 0},
        {"product_ids": ("1",)},
        {"kind": CouponKind.PRODUCT_THRESHOLD_OFF, "product_ids": ("1",) * 101},
        {"total": 0},
        {"per_person": 101},
        {"valid_days": 0},
        {"valid_days": None},
        {"notes": "x" * 201},
    ],
)
async def test_what_the_shop_would_not_take(shop: Shop, changes: dict[str, Any]) -> None:
    assert code(await do(shop, CREATE, new(shop, **changes))) == "BAD_USER_INPUT"
    assert shop.effects(TOOL, "coupon_created") == 0


async def test_times_that_cannot_be(shop: Shop) -> None:
    now = shop.sandbox.world.now
    for place, changes in enumerate(
        (
            {"take_to": now - timedelta(days=9)},
            {"valid_from": now},
            {"valid_days": None, "valid_from": now, "valid_to": now},
        )
    ):
        assert code(await do(shop, CREATE, new(shop, **changes), f"create-key-{place}")) == "BAD_USER_INPUT"


async def test_what_the_shop_does_not_have(shop: Shop) -> None:
    foreign = Move("wx0000000000000000", "1", CouponStatus.ACTIVE)
    assert code(await do(shop, MOVE, foreign, "foreign-key")) == "TOOL_NOT_CONFIGURED"
    unknown = Move(store(shop).account, "1", CouponStatus.ACTIVE)
    assert code(await do(shop, MOVE, unknown, "unknown-key")) == "INVALID"
