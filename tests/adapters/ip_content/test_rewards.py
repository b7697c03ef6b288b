"""What a complete set earns: once per member, within the budget, claimed for one payout or expired."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base.errors import NotFound, Rejected
from adapters.ip_content import Reward
from adapters.ip_content.tables import reward
from tests.adapters.ip_content.conftest import House

SET = "FOX-BADGE"
PRIZE = {"id": "P", "kind": "coupon", "name": "满减券", "amount": 8000, "budget": 1, "claim_days": 7}


async def complete(house: House, who: str) -> Reward | None:
    """Somebody collects all five cards."""
    await house.publish("card_rules", activation=SET, daily_cap=None)
    drawn = [await house.adapter.draw_card(SET, who, f"{who}-{number}") for number in range(5)]
    assert [each.set_complete for each in drawn] == [False] * 4 + [True]
    assert all(each.reward is None for each in drawn[:4])
    return drawn[4].reward


async def rewards(house: House) -> int:
    return len(await house.sql.fetch(reward.select()))


async def test_the_draw_that_completes_the_set_reserves_what_it_earns(house: House) -> None:
    found = await complete(house, "m-1")
    assert found is not None
    assert (found.activation, found.kind, found.name, found.amount) == (SET, "points", "集齐奖励", 500)
    assert (found.state, found.expires_at - found.reserved_at) == ("reserved", timedelta(days=30))
    again = await house.adapter.draw_card(SET, "m-1", "m-1-4")
    more = await house.adapter.draw_card(SET, "m-1", "m-1-5")
    assert (again.reward, more.reward, await rewards(house)) == (found, found, 1)
    assert await house.adapter.rewards(["m-2", "m-1"]) == [(), [found]]


async def test_a_budget_that_is_used_up_reserves_nothing(house: House) -> None:
    await house.publish("card_rules", activation=SET, prize=PRIZE)
    assert await complete(house, "m-1") is not None
    assert await complete(house, "m-2") is None
    assert await rewards(house) == 1
    # What expires is somebody else's to earn.
    house.sandbox.kit.clock.advance(timedelta(days=7))
    assert [each.state for each in await house.adapter.expire_rewards()] == ["expired"]
    assert len(await house.adapter.expire_rewards()) == 1
    assert (await house.adapter.draw_card(SET, "m-2", "m-2-4")).reward is not None


async def test_it_is_claimed_for_one_payout(house: House) -> None:
    found = await complete(house, "m-1")
    assert found is not None
    first = await house.adapter.claim_reward(found.id, "m-1", "payout-1")
    assert (first.reward.state, first.already) == ("claimed", False)
    assert (await house.adapter.claim_reward(found.id, "m-1", "payout-1")).already
    with pytest.raises(Rejected) as caught:
        await house.adapter.claim_reward(found.id, "m-1", "payout-2")
    assert caught.value.reason == "reward_claimed"
    with pytest.raises(NotFound):
        await house.adapter.claim_reward(found.id, "m-2", "payout-1")
    assert not await house.adapter.unclaim_reward(found.id, "payout-2")
    assert await house.adapter.unclaim_reward(found.id, "payout-1")
    assert (await house.adapter.claim_reward(found.id, "m-1", "payout-2")).already is False


async def test_what_is_late_is_expired_before_a_round_says_so(house: House) -> None:
    found = await complete(house, "m-1")
    assert found is not None
    house.sandbox.kit.clock.advance(timedelta(days=30))
    [[seen]] = await house.adapter.rewards(["m-1"])
    with pytest.raises(Rejected) as caught:
        await house.adapter.claim_reward(found.id, "m-1", "payout-1")
    assert (seen.state, caught.value.reason) == ("expired", "reward_expired")
    assert [each.id for each in await house.adapter.expire_rewards()] == [found.id]


async def test_an_erased_member_leaves_a_reward_of_nobody(house: House) -> None:
    found = await complete(house, "m-1")
    assert found is not None
    assert await house.adapter.forget("m-1") == 5 + 1
    assert await house.adapter.rewards(["m-1"]) == [()]
    with pytest.raises(NotFound):
        await house.adapter.claim_reward(found.id, "m-1", "payout-1")
