"""The world: the same for the same seed, and as untidy as the stories need."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sandbox.world import build_world
from tests.conftest import EVENING


def test_the_same_seed_gives_the_same_world() -> None:
    assert build_world(EVENING, seed=7, size=60) == build_world(EVENING, seed=7, size=60)


def test_another_seed_gives_other_people_with_the_same_stories() -> None:
    one, other = build_world(EVENING, seed=7, size=60), build_world(EVENING, seed=8, size=60)
    assert one.cast == other.cast
    she, her = one.people["linxiaowen"], other.people["linxiaowen"]
    assert (she.name, her.name) == ("林晓雯", "林晓雯")
    assert she.unionid != her.unionid
    assert not set(she.openids.values()) & set(her.openids.values())
    assert one.corp.corpid != other.corp.corpid


def test_a_larger_world_contains_the_smaller_one() -> None:
    """What a person did depends on the person and not on how many others there are."""
    small, large = build_world(EVENING, size=60), build_world(EVENING, size=90)
    assert {key: large.people[key] for key in small.people} == small.people
    kept = {order.order_id for order in large.store_orders}
    assert {order.order_id for order in small.store_orders} <= kept
    assert len(large.people) == len(small.people) + 30


def test_later_the_same_things_happened_later() -> None:
    one, later = build_world(EVENING, size=60), build_world(EVENING + timedelta(days=1), size=60)
    assert [o.created_at + timedelta(days=1) for o in one.store_orders] == [o.created_at for o in later.store_orders]


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^now must be aware: give it a UTC offset$"):
        build_world(datetime(2026, 11, 11, 20, 57))  # noqa: DTZ001 - that is the mistake.


@pytest.mark.parametrize("size", [49, 0, -1])
def test_a_small_world_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"^size is {size}, the least is 50: the story needs its 43 unassigned"):
        build_world(EVENING, size=size)
    assert len(build_world(EVENING, size=50).people) == 50 + 13


def test_nothing_happens_in_the_future_and_nothing_is_naive() -> None:
    world = build_world(EVENING, size=60)
    instants = [
        *(f.subscribed_at for f in world.followers),
        *(c.added_at for c in world.contacts),
        *(o.updated_at for o in world.store_orders),
        *(p.paid_at for p in world.payments if p.paid_at),
        *(r.succeeded_at for r in world.refunds if r.succeeded_at),
        *(c.received_at for c in world.coupons),
        *(o.modified_at for o in world.objects),
    ]
    assert all(each.tzinfo is not None and each <= EVENING for each in instants)


def test_the_untidy_cases_are_there() -> None:
    world = build_world(EVENING, size=60)
    person = {story: world.people[key] for story, key in world.cast.items()}
    assert person["no_unionid"].unionid == ""
    assert person["same_phone_a"].phone == person["same_phone_b"].phone
    assert person["same_phone_a"].unionid != person["same_phone_b"].unionid
    [gift] = [o for o in world.store_orders if o.person == "guoran"]
    assert gift.receiver == "hejia"
    guides = {c.userid: c.deleted_by for c in world.contacts if c.person == "xuli"}
    assert guides == {"chenyutong": "", "sunyue": "CUSTOMER"}
    assert [f.subscribed for f in world.followers if f.openid in person["unfollowed"].openids.values()] == [False]
    assert {c.state for c in world.coupons if c.person == "luoyi"} == {"EXPIRED"}
    [paid], [back] = ([p for p in world.payments if p.person == "gaoyuan"], world.refunds)
    assert (paid.total, back.amount, back.out_trade_no) == (79800, 39900, paid.out_trade_no)
    assert [p.trade_type for p in world.payments if p.person == "maqiang"] == ["MICROPAY"]
    assert [p.mchid for p in world.payments if p.person == "huxin"] == [world.merchants[1].mchid]
    left = next(g for g in world.guides if g.left_at)
    assert (left.name, sum(c.userid == left.userid for c in world.contacts)) == ("李佳怡", 43)


def test_money_adds_up() -> None:
    world = build_world(EVENING, size=60)
    for order in world.store_orders:
        assert sum(line.list_amount for line in order.lines) - order.discount + order.freight == order.payable


def test_find_by_openid_and_sku() -> None:
    world = build_world(EVENING, size=60)
    she = world.people["linxiaowen"]
    for openid in she.openids.values():
        assert world.person_by_openid(openid) is she
    assert world.person_by_openid("nobody") is None
    assert world.sku("SL-DOWN-1M").price == 89900
    with pytest.raises(KeyError, match="SL-NONE"):
        world.sku("SL-NONE")
