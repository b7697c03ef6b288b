"""Drawing cards: an entry draws once, odds are weights, and a refusal spends nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base.errors import Invalid, NotFound, QuotaExhausted, Rejected
from adapters.ip_content import CardDrawn
from adapters.ip_content.draws import DrawCard, choose
from adapters.ip_content.tables import draw
from tests.adapters.ip_content.conftest import House

SET = "FOX-BADGE"


async def count(house: House) -> int:
    return len(await house.sql.fetch(draw.select()))


async def test_the_fifth_badge_completes_her_set(house: House) -> None:
    her = house.person("protagonist").unionid
    house.sql.statements = 0

    drawn = await house.adapter.draw_card(SET, her, "scan-new")

    assert dataclasses.replace(drawn, reward=None) == CardDrawn("FOX-5", "星夜", set_complete=True, already=False)
    # What it earns: whether there is one before, what is left of the budget, and the reward.
    assert house.sql.statements == 3 + 3
    ((now,),) = await house.adapter.participations([her])
    assert (now.collected, now.total, now.completed) == (5, 5, True)
    assert timedelta() <= house.sandbox.kit.clock.now() - now.last_at < timedelta(minutes=1)


async def test_asking_again_with_the_same_entry_gives_the_same_card(house: House) -> None:
    her = house.person("protagonist").unionid
    first = await house.adapter.draw_card(SET, her, "scan-new")

    again = await house.adapter.draw_card(SET, her, "scan-new")

    assert again == dataclasses.replace(first, already=True)
    assert await count(house) == 5


async def test_an_entry_of_the_imported_history_is_spent_too(house: House) -> None:
    participation = house.sandbox.world.ip_participations[0]
    her = house.person("protagonist").unionid

    drawn = await house.adapter.draw_card(SET, her, participation.draws["FOX-3"])

    assert drawn == CardDrawn("FOX-3", "溪谷", set_complete=False, already=True)
    assert await count(house) == 4


async def test_simultaneous_repeats_spend_the_entry_once(house: House) -> None:
    who = house.person("gift_receiver").unionid

    drawn = await asyncio.gather(*(house.adapter.draw_card(SET, who, "scan-x") for _ in range(5)))

    assert len({d.card_id for d in drawn}) == 1
    assert sorted(d.already for d in drawn) == [False, True, True, True, True]
    assert await count(house) == 5


async def test_somebody_elses_entry_is_refused(house: House) -> None:
    await house.adapter.draw_card(SET, house.person("gift_receiver").unionid, "scan-x")

    with pytest.raises(Rejected) as caught:
        await house.adapter.draw_card(SET, house.person("protagonist").unionid, "scan-x")

    assert caught.value.reason == "entry_used"
    assert await count(house) == 5


async def test_the_daily_cap_is_a_day_in_beijing(house: House) -> None:
    who = house.person("gift_receiver").unionid
    for number in range(3):
        await house.adapter.draw_card(SET, who, f"scan-{number}")

    with pytest.raises(QuotaExhausted) as caught:
        await house.adapter.draw_card(SET, who, "scan-3")

    # 11 November ends at 16:00 UTC.
    assert caught.value.resets_at is not None
    assert caught.value.resets_at.astimezone(UTC) == datetime(2026, 11, 11, 16, tzinfo=UTC)
    assert await count(house) == 7

    house.sandbox.kit.clock.advance(timedelta(hours=3, minutes=4))  # 00:01 in Beijing
    assert (await house.adapter.draw_card(SET, who, "scan-3")).already is False


async def test_a_repeat_is_answered_after_the_cap_and_after_the_end(house: House) -> None:
    who = house.person("gift_receiver").unionid
    first = [await house.adapter.draw_card(SET, who, f"scan-{number}") for number in range(3)]
    await house.publish("activation_status", code=SET, status="pulled")

    again = await house.adapter.draw_card(SET, who, "scan-0")

    assert (again.card_id, again.already) == (first[0].card_id, True)


@pytest.mark.parametrize("days", [21, 22])
async def test_the_first_day_after_the_window_is_out(house: House, days: int) -> None:
    house.sandbox.kit.clock.advance(timedelta(days=days))

    with pytest.raises(Rejected) as caught:
        await house.adapter.draw_card(SET, house.person("protagonist").unionid, "scan-late")

    assert caught.value.reason == "out_of_window"
    assert await count(house) == 4


async def test_the_last_day_of_the_window_is_in(house: House) -> None:
    house.sandbox.kit.clock.advance(timedelta(days=20))

    assert (await house.adapter.draw_card(SET, house.person("protagonist").unionid, "s")).already is False


async def test_a_pulled_activation_draws_nothing(house: House) -> None:
    await house.publish("activation_status", code=SET, status="pulled")

    with pytest.raises(Rejected) as caught:
        await house.adapter.draw_card(SET, house.person("protagonist").unionid, "scan-new")

    assert caught.value.reason == "out_of_window"
    assert await count(house) == 4


async def test_an_unknown_activation_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await house.adapter.draw_card("NONE", house.person("protagonist").unionid, "scan-new")


@pytest.mark.parametrize(("unionid", "entry_ref"), [("", "scan"), ("someone", ""), ("someone", "x" * 129)])
async def test_a_draw_needs_a_member_and_an_entry(house: House, unionid: str, entry_ref: str) -> None:
    house.sql.statements = 0

    with pytest.raises(Invalid):
        await house.adapter.draw_card(SET, unionid, entry_ref)

    assert house.sql.statements == 0


async def test_stock_ends(house: House) -> None:
    """One copy of each is left over from the imported history, and only of the fifth."""
    cards = {f"FOX-{i}": {"stock": 1} for i in range(1, 6)}
    await house.publish("card_rules", activation=SET, guarantee_after=None, cards=cards)
    who = house.person("gift_receiver").unionid

    assert (await house.adapter.draw_card(SET, who, "scan-1")).card_id == "FOX-5"
    with pytest.raises(Rejected) as caught:
        await house.adapter.draw_card(SET, who, "scan-2")

    assert caught.value.reason == "no_cards_left"
    assert await count(house) == 5


CARDS = [DrawCard("a", "A", 7, None), DrawCard("b", "B", 2, None), DrawCard("c", "C", 1, None)]


def test_odds_are_weights() -> None:
    rng = random.Random(11)

    seen = Counter(drawn.id for _ in range(10_000) if (drawn := choose(CARDS, ["a"], None, rng)))

    assert sum(seen.values()) == 10_000
    assert [round(seen[card] / 1_000) for card in "abc"] == [7, 2, 1]


@pytest.mark.parametrize(
    ("held", "guarantee_after", "possible"),
    [
        ([], 2, "abc"),
        (["a", "a"], 2, "abc"),  # one barren draw
        (["a", "a", "a"], 2, "bc"),  # two barren draws: now a new one is due
        (["a", "a", "a", "b"], 2, "abc"),  # the new one came
        (["a"], 0, "bc"),
        (["a", "c"], 0, "b"),
        (["a", "b", "c"], 0, "abc"),  # complete: anything
        (["a", "a", "a", "a"], None, "abc"),
    ],
)
def test_the_guarantee(held: list[str], guarantee_after: int | None, possible: str) -> None:
    rng = random.Random(1)

    seen = {drawn.id for _ in range(500) if (drawn := choose(CARDS, held, guarantee_after, rng))}

    assert seen == set(possible)


def test_a_card_without_stock_is_never_drawn_even_if_it_is_due() -> None:
    cards = [DrawCard("a", "A", 1, None), DrawCard("b", "B", 1, 0)]

    assert choose(cards, ["a"], 0, random.Random(1)) == cards[0]
    assert choose([cards[1]], [], 0, random.Random(1)) is None
