"""Activations on their way: only along the machine, only where licences reach, beside others only where both permit."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from adapters.base.errors import NotFound, Rejected
from adapters.ip_content import MOVES, ActivationMoved
from adapters.ip_content.clearance import Days, GrantRights, Scope
from adapters.ip_content.moves import covered, shared
from adapters.ip_content.tables import activation_move
from tests.adapters.ip_content.conftest import House

CODE, ISLE = "FOX-POP", "ISLE-POP"
STORES = {"SH-AFL": "CN-SH", "HZ-HB": "CN-ZJ"}


async def plan(house: House, code: str = CODE, ip: str = "yunling-fox", **more: Any) -> None:
    """A new activation in two stores, in December."""
    given = {"name": "快闪", "stores": list(STORES), "start": "2026-12-05", "end": "2026-12-20"} | more
    await house.publish("activation_new", code=code, ip=ip, **given)


async def move(house: House, target: str, code: str = CODE, key: str = "", **territories: str) -> ActivationMoved:
    places = territories or STORES
    return await house.adapter.move_activation(code, target, user="u", key=key or target, territories=places)


async def refused(house: House, target: str, code: str = CODE, **territories: str) -> str:
    """The reason; nothing has moved, and nothing was noted."""
    before = [each.state for each in await house.adapter.all_activations()]
    noted = await house.sql.fetch(activation_move.select())
    with pytest.raises(Rejected) as caught:
        await move(house, target, code, f"refused-{target}", **territories)
    assert [each.state for each in await house.adapter.all_activations()] == before
    assert await house.sql.fetch(activation_move.select()) == noted
    return caught.value.reason


async def test_from_plan_to_measurement_each_step_once(house: House) -> None:
    await plan(house)
    way = ["planned", "cleared", "installed", "live", "closed", "measured"]
    house.sql.statements = 0
    for source, target in pairwise(way):
        assert await move(house, target) == ActivationMoved(CODE, source, target, already=False)
    assert house.sql.statements == 5 * 5 + 2
    assert await move(house, "live") == ActivationMoved(CODE, "installed", "live", already=True)
    [found] = [each for each in await house.adapter.all_activations() if each.code == CODE]
    assert found.state == "measured"
    assert len(await house.sql.fetch(activation_move.select())) == 5


async def test_no_other_way(house: House) -> None:
    await plan(house)
    every = {*MOVES, *(target for targets in MOVES.values() for target in targets)}
    for target in sorted(every - MOVES["planned"]):
        assert await refused(house, target) == "illegal_transition"
    assert (await move(house, "blocked")).target == "blocked"
    assert (await move(house, "cleared")).source == "blocked"
    with pytest.raises(NotFound):
        await move(house, "live", "NONE")


async def test_a_store_outside_the_territory_is_not_cleared(house: House) -> None:
    """A1."""
    number = house.sandbox.world.ip_licences[0].number
    await house.publish("grant_terms", number=number, territories=["CN-SH"])
    await plan(house)
    assert await refused(house, "cleared") == "store_not_in_territory"
    await house.publish("grant_terms", number=number, territories=["CN-SH", "CN-ZJ"])
    # A store whose province nobody knows is in no territory.
    assert await refused(house, "cleared", **{"SH-AFL": "CN-SH"}) == "store_not_in_territory"
    await move(house, "cleared")
    await move(house, "installed")
    await house.publish("agreement_status", number=number, status="suspended")
    assert await refused(house, "live") == "store_not_in_territory"


async def test_two_works_in_one_store_want_both_grants(house: House) -> None:
    """A2."""
    fox, isle = (each.number for each in house.sandbox.world.ip_licences[:2])
    window = {"start": "2026-01-01", "end": "2027-01-01"}
    await house.publish("grant_terms", number=isle, status="active", window=window, term=window)
    await plan(house)
    await plan(house, ISLE, "frontier-isle", stores=["SH-AFL"])
    await move(house, "cleared")
    assert await refused(house, "cleared", ISLE) == "co_presence_denied"
    await house.publish("grant_terms", number=isle, co_presence=True)
    assert await refused(house, "cleared", ISLE) == "co_presence_denied"
    await house.publish("grant_terms", number=fox, co_presence=True)
    assert (await move(house, "cleared", ISLE, "isle")).target == "cleared"


def rights(starts: date, ends: date, *, channel: str = "offline_store", together: bool = False) -> GrantRights:
    scope = Scope(frozenset({"CN"}), frozenset({"CN-TW"}), frozenset({"x"}), frozenset({channel}))
    nothing = Days(ends, ends)
    black = Days(date(2026, 6, 10), date(2026, 6, 12))
    return GrantRights(
        scope, frozenset({"display"}), Days(starts, ends), nothing, (black,), None, frozenset(), together
    )


JUNE, JULY, AUGUST = date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1)


@pytest.mark.parametrize(
    ("days", "territory", "grants", "is_covered"),
    [
        (Days(JULY, AUGUST), "CN-SH", [rights(JULY, AUGUST)], True),
        (Days(JULY, AUGUST), "CN-TW", [rights(JULY, AUGUST)], False),
        (Days(JULY, AUGUST), "CN-SH", [rights(JULY, AUGUST, channel="ooh_display")], True),
        (Days(JULY, AUGUST), "CN-SH", [rights(JULY, AUGUST, channel="vending")], False),
        (Days(JULY, AUGUST), "CN-SH", [rights(JULY, date(2026, 7, 31))], False),
        (Days(JULY, AUGUST), "CN-SH", [rights(JULY, date(2026, 7, 15)), rights(date(2026, 7, 15), AUGUST)], True),
        (Days(JUNE, AUGUST), "CN-SH", [rights(JUNE, AUGUST)], False),
        (Days(JUNE, AUGUST), "CN-SH", [], False),
    ],
)
def test_every_day_of_the_window_is_covered(
    days: Days, territory: str, grants: list[GrantRights], is_covered: bool
) -> None:
    assert covered(days, territory, grants) is is_covered


def test_one_silent_grant_is_a_no() -> None:
    open_, silent = rights(JULY, AUGUST, together=True), rights(JULY, AUGUST)
    days = Days(JULY, AUGUST)
    assert shared(days, "CN-SH", [open_], [open_])
    assert not shared(days, "CN-SH", [open_], [open_, silent])
    # Grants of other days have no say.
    assert shared(days, "CN-SH", [open_], [open_, rights(AUGUST, date(2026, 9, 1))])
