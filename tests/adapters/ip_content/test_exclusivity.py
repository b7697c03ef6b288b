"""X1 and X2: no promise twice, and nothing granted that is not held."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from adapters.base.errors import Invalid, NotFound
from adapters.ip_content import GrantDraft, GrantObstacle
from adapters.ip_content.clearance import Days, Reserved, Scope
from adapters.ip_content.exclusivity import Held, obstacles
from tests.adapters.ip_content.conftest import House

YEAR = Days(date(2026, 1, 1), date(2027, 1, 1))
NONE: frozenset[str] = frozenset()


def scope(territories: str, categories: str = "snacks", channels: str = "offline_store", out: str = "") -> Scope:
    return Scope(*(frozenset(text.split()) for text in (territories, out, categories, channels)))


OTHERS = Reserved(scope("CN-GD CN-SH"), Days(date(2026, 3, 1), date(2026, 6, 1)))


@pytest.mark.parametrize(
    ("wanted", "days", "blocked"),
    [
        (scope("CN-GD"), YEAR, True),
        (scope("CN"), YEAR, True),  # the country has the province in it
        (scope("CN-ZJ"), YEAR, False),
        (scope("CN", out="CN-GD CN-SH"), YEAR, False),
        (scope("CN", out="CN-GD"), YEAR, True),
        (scope("CN-GD", "toys"), YEAR, False),
        (scope("CN-GD", "toys snacks"), YEAR, True),
        (scope("CN-GD", channels="vending"), YEAR, False),
        (scope("CN-GD"), Days(date(2026, 6, 1), date(2027, 1, 1)), False),  # half-open: the first day after
        (scope("CN-GD"), Days(date(2026, 1, 1), date(2026, 3, 1)), False),
        (scope("CN-GD"), Days(date(2026, 5, 31), date(2026, 6, 1)), True),
    ],
)
def test_exclusivity_is_a_product_of_all_axes(wanted: Scope, days: Days, blocked: bool) -> None:
    found = obstacles(wanted, days, [OTHERS], [], talent=False)
    assert found == ((GrantObstacle("exclusivity_conflict", date(2026, 6, 1)),) if blocked else ())


@pytest.mark.parametrize(
    ("wanted", "days", "enough"),
    [
        (scope("CN-GD"), YEAR, True),
        (scope("CN"), YEAR, False),  # Tibet is not held
        (scope("CN", out="CN-XZ"), YEAR, True),
        (scope("CN-XZ"), YEAR, False),
        (scope("HK"), YEAR, False),
        (scope("CN-GD", "snacks toys"), YEAR, False),
        (scope("CN-GD"), Days(date(2026, 6, 1), date(2027, 1, 2)), False),
    ],
)
def test_nobody_grants_more_than_they_hold(wanted: Scope, days: Days, enough: bool) -> None:
    held = [Held(scope("CN", out="CN-XZ"), YEAR, talent_cleared=True)]
    found = obstacles(wanted, days, [], held, talent=False)
    assert found == (() if enough else (GrantObstacle("rights_in_exceeded", None),))


def test_a_real_face_needs_its_consent() -> None:
    held = [Held(scope("CN"), YEAR, talent_cleared=False)]
    assert obstacles(scope("CN"), YEAR, [], held, talent=False) == ()
    assert obstacles(scope("CN"), YEAR, [], held, talent=True) == (GrantObstacle("talent_consent_missing", None),)
    cleared = [*held, Held(scope("CN"), YEAR, talent_cleared=True)]
    assert obstacles(scope("CN"), YEAR, [], cleared, talent=True) == ()


async def test_a_draft_is_judged_by_the_catalogue(house: House) -> None:
    licence = house.sandbox.world.ip_licences[0]
    draft = GrantDraft(
        licence.property,
        ("CN-SH",),
        ("toys",),
        ("vending",),
        date.fromisoformat(licence.starts),
        date.fromisoformat(licence.ends),
    )
    assert await house.adapter.grant_obstacles(draft) == ()
    await house.publish(
        "reserve",
        ip=licence.property,
        territories=["CN"],
        categories=["toys"],
        channels=["vending"],
        start=licence.starts,
        end=licence.ends,
    )
    await house.publish("property_status", slug=licence.property, status="restricted")

    found = await house.adapter.grant_obstacles(replace(draft, talent=True, territories=("CN-SH", "HK")))

    assert [each.reason for each in found] == ["property_status", "exclusivity_conflict", "rights_in_exceeded"]
    with pytest.raises(Invalid):
        await house.adapter.grant_obstacles(replace(draft, ends=draft.starts))
    with pytest.raises(NotFound):
        await house.adapter.grant_obstacles(replace(draft, property="nobody"))
