"""Limited editions: a place per entry, limits and stock hold, a raffle is drawn once, and a refusal spends nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base.errors import Invalid, NotFound, QuotaExhausted, Rejected
from adapters.ip_content import DropEntered
from adapters.ip_content.tables import drop_entry
from tests.adapters.ip_content.conftest import House

EDITION, RAFFLE = "FOX-BADGE-DROP", "FOX-BADGE-RAFFLE"


async def entries(house: House) -> int:
    return len(await house.sql.fetch(drop_entry.select()))


async def left(house: House, code: str = EDITION) -> int:
    [found] = await house.adapter.drops([code])
    assert not isinstance(found, NotFound)
    return found.stock_left


async def test_a_place_is_taken_once_per_entry(house: House) -> None:
    house.sql.statements = 0
    first = await house.adapter.enter_drop(EDITION, "m-1", "e-1")
    assert (first.place.state, first.already, house.sql.statements) == ("won", False, 4)
    again = await house.adapter.enter_drop(EDITION, "m-1", "e-1")
    assert again == DropEntered(first.place, already=True)
    with pytest.raises(Rejected) as caught:
        await house.adapter.enter_drop(EDITION, "m-2", "e-1")
    assert (caught.value.reason, await entries(house), await left(house)) == ("entry_used", 1, 499)


async def test_limits_stock_and_time_spend_nothing(house: House) -> None:
    await house.adapter.enter_drop(EDITION, "m-1", "e-1")
    with pytest.raises(QuotaExhausted) as limit:
        await house.adapter.enter_drop(EDITION, "m-1", "e-2")
    assert limit.value.reason == "limit_reached"
    await house.publish("drop_terms", code=EDITION, stock_total=1)
    with pytest.raises(Rejected) as sold:
        await house.adapter.enter_drop(EDITION, "m-2", "e-2")
    house.sandbox.kit.clock.advance(timedelta(days=5))
    with pytest.raises(Rejected) as closed:
        await house.adapter.enter_drop(RAFFLE, "m-2", "e-2")
    with pytest.raises(NotFound):
        await house.adapter.enter_drop("NONE", "m-2", "e-2")
    with pytest.raises(Invalid):
        await house.adapter.enter_drop(EDITION, "", "e-2")
    assert (sold.value.reason, closed.value.reason, await entries(house)) == ("sold_out", "closed", 1)


async def test_a_place_that_is_given_back_is_for_others(house: House) -> None:
    await house.publish("drop_terms", code=EDITION, stock_total=1)
    await house.adapter.enter_drop(EDITION, "m-1", "e-1")
    assert await house.adapter.withdraw_drop(EDITION, "e-1")
    # Whoever did not hear of it asks again.
    assert await house.adapter.withdraw_drop(EDITION, "e-1")
    assert not await house.adapter.withdraw_drop(EDITION, "e-unknown")
    assert (await house.adapter.enter_drop(EDITION, "m-2", "e-2")).place.state == "won"
    # The entry itself stays spent.
    assert (await house.adapter.enter_drop(EDITION, "m-1", "e-1")).place.state == "withdrawn"


async def test_a_raffle_is_drawn_when_it_has_closed_and_an_import_leaves_it_drawn(house: House) -> None:
    for number in range(4):
        assert (await house.adapter.enter_drop(RAFFLE, f"m-{number}", f"e-{number}")).place.state == "entered"
    assert await house.adapter.settle_drops() == []
    house.sandbox.kit.clock.advance(timedelta(days=5))
    told = await house.adapter.settle_drops()
    assert sorted(each.state for each in told) == ["lost", "lost", "won", "won"]
    await house.publish("drop_terms", code=RAFFLE, stock_total=3)
    assert await house.adapter.settle_drops() == told
    house.sandbox.kit.clock.advance(timedelta(days=2))
    assert await house.adapter.settle_drops() == []
    [found] = await house.adapter.drops([RAFFLE])
    assert not isinstance(found, NotFound)
    assert found.stock_left == 1
    assert found.drawn_at is not None


async def test_an_erased_member_wins_nothing(house: House) -> None:
    for number in range(2):
        await house.adapter.enter_drop(RAFFLE, f"m-{number}", f"e-{number}")
    assert await house.adapter.forget("m-0") == 1
    house.sandbox.kit.clock.advance(timedelta(days=5))
    assert [(each.entry_ref, each.state) for each in await house.adapter.settle_drops()] == [
        ("e-0", "lost"), ("e-1", "won"),
    ]  # fmt: skip


async def test_any_number_of_members_and_activations_is_read_in_the_same_statements(house: House) -> None:
    for number in range(3):
        await house.adapter.enter_drop(RAFFLE, f"m-{number}", f"e-{number}")
    for some in (1, 10, 50):
        house.sql.statements = 0
        places = await house.adapter.drop_places([f"m-{n}" for n in range(some)])
        drops = await house.adapter.drops_of(["FOX-BADGE", *(f"none-{n}" for n in range(some))])
        assert ([len(each) for each in drops[:2]], house.sql.statements) == ([2, 0], 3)
        assert sum(len(each) for each in places) == min(some, 3)
