"""The clearance query: one order of rules, half-open days, and no word about other licensees."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from adapters.base.errors import Invalid, NotFound
from adapters.ip_content import Clearance, ClearanceQuery
from tests.adapters.ip_content.conftest import House

NUMBER = "YJ-2026-017"
D11 = date(2026, 11, 11)
D20 = date(2026, 11, 20)
QUERY = ClearanceQuery("yunling-fox", "CN-SH", "T恤", "mini_program", "sell", D11, D20)
ISLE = ClearanceQuery("frontier-isle", "CN-SH", "配饰", "offline_store", "display", D11, D20)


def blocked(reason: str, until: date | None, starts: date = D11, ends: date = D20) -> Clearance:
    return Clearance("blocked", reason, until, starts, ends)  # type: ignore[arg-type]


def granted(starts: date = D11, ends: date = D20) -> Clearance:
    return Clearance("granted_to_you", None, None, starts, ends)


async def test_what_is_licensed_is_granted_in_three_statements(house: House) -> None:
    house.sql.statements = 0

    assert list(await house.adapter.clearance(QUERY)) == [granted()]
    assert house.sql.statements == 3


async def test_the_last_day_of_a_half_open_term_is_the_day_before_its_end(house: House) -> None:
    query = replace(QUERY, starts=date(2026, 12, 31), ends=date(2027, 1, 2))

    assert list(await house.adapter.clearance(query)) == [
        granted(date(2026, 12, 31), date(2027, 1, 1)),
        blocked("term", None, date(2027, 1, 1), date(2027, 1, 2)),
    ]


async def test_before_the_term_the_answer_says_when_it_begins(house: House) -> None:
    query = replace(QUERY, starts=date(2025, 12, 30), ends=date(2026, 1, 2))

    assert list(await house.adapter.clearance(query)) == [
        blocked("term", date(2026, 1, 1), date(2025, 12, 30), date(2026, 1, 1)),
        granted(date(2026, 1, 1), date(2026, 1, 2)),
    ]


async def test_an_ended_licence_blocks_for_its_term(house: House) -> None:
    assert list(await house.adapter.clearance(ISLE)) == [blocked("term", None)]


@pytest.mark.parametrize(
    ("field", "value"),
    [("territory", "JP"), ("category", "鞋"), ("channel", "live_stream"), ("use", "manufacture")],
)
async def test_each_axis_of_the_scope_counts(house: House, field: str, value: str) -> None:
    query = replace(QUERY, **{field: value})  # type: ignore[arg-type]

    assert list(await house.adapter.clearance(query)) == [blocked("grant_scope", None)]


async def test_a_country_is_not_covered_when_one_province_is_left_out(house: House) -> None:
    await house.publish("grant_terms", number=NUMBER, excluded_territories=["CN-XZ"])

    assert list(await house.adapter.clearance(replace(QUERY, territory="CN"))) == [blocked("grant_scope", None)]
    assert list(await house.adapter.clearance(replace(QUERY, territory="CN-XZ"))) == [blocked("grant_scope", None)]
    assert list(await house.adapter.clearance(QUERY)) == [granted()]


async def test_provinces_do_not_make_a_country(house: House) -> None:
    await house.publish("grant_terms", number=NUMBER, territories=["CN-SH", "CN-ZJ"])

    assert [c.reason for c in await house.adapter.clearance(replace(QUERY, territory="CN"))] == ["grant_scope"]


async def test_a_blackout_splits_the_days(house: House) -> None:
    window = {"start": "2026-11-13", "end": "2026-11-15"}
    await house.publish("grant_terms", number=NUMBER, blackouts=[window])

    assert list(await house.adapter.clearance(QUERY)) == [
        granted(D11, date(2026, 11, 13)),
        blocked("blackout", date(2026, 11, 15), date(2026, 11, 13), date(2026, 11, 15)),
        granted(date(2026, 11, 15), D20),
    ]


async def test_a_work_without_agreement_is_available_until_somebody_holds_it(house: House) -> None:
    document = house.sandbox.platforms["ip_content"].department.document  # type: ignore[attr-defined]
    document["agreements"].pop()
    await house.publish(
        "reserve",
        ip="frontier-isle",
        territories=["CN"],
        categories=["配饰"],
        channels=["offline_store"],
        start="2026-11-15",
        end="2027-05-01",
    )

    answer = list(await house.adapter.clearance(ISLE))

    assert answer == [
        Clearance("available", None, None, D11, date(2026, 11, 15)),
        blocked("exclusive_to_other", date(2027, 5, 1), date(2026, 11, 15), D20),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [("territory", "HK"), ("category", "鞋"), ("channel", "vending")],
)
async def test_exclusivity_is_a_product_of_all_axes(house: House, field: str, value: str) -> None:
    document = house.sandbox.platforms["ip_content"].department.document  # type: ignore[attr-defined]
    document["agreements"].pop()
    await house.publish(
        "reserve",
        ip="frontier-isle",
        territories=["CN"],
        categories=["配饰"],
        channels=["offline_store"],
        start="2026-01-01",
        end="2027-01-01",
    )

    answer = await house.adapter.clearance(replace(ISLE, **{field: value}))  # type: ignore[arg-type]

    assert [c.status for c in answer] == ["available"]


async def test_a_reserved_province_blocks_the_whole_country(house: House) -> None:
    document = house.sandbox.platforms["ip_content"].department.document  # type: ignore[attr-defined]
    document["agreements"].pop()
    await house.publish(
        "reserve",
        ip="frontier-isle",
        territories=["CN-BJ"],
        categories=["配饰"],
        channels=["offline_store"],
        start="2026-01-01",
        end="2027-01-01",
    )

    assert [c.reason for c in await house.adapter.clearance(replace(ISLE, territory="CN"))] == ["exclusive_to_other"]
    assert [c.status for c in await house.adapter.clearance(ISLE)] == ["available"]


async def test_a_spent_unit_cap_ends_sales_but_not_display(house: House) -> None:
    await house.publish("grant_terms", number=NUMBER, max_units=500, units_used=500)

    assert list(await house.adapter.clearance(QUERY)) == [blocked("unit_cap", None)]
    assert list(await house.adapter.clearance(replace(QUERY, use="display"))) == [granted()]


async def test_artwork_that_expires_ends_every_use(house: House) -> None:
    document = house.sandbox.platforms["ip_content"].department.document  # type: ignore[attr-defined]
    document["properties"][0]["assets"] = {"available_from": "2026-11-12", "expires_at": "2026-11-18"}
    await house.publish("property_status", slug="yunling-fox", status="licensable")

    assert list(await house.adapter.clearance(QUERY)) == [
        blocked("asset_policy", date(2026, 11, 12), D11, date(2026, 11, 12)),
        granted(date(2026, 11, 12), date(2026, 11, 18)),
        blocked("asset_policy", None, date(2026, 11, 18), D20),
    ]


async def test_a_missing_approval_is_the_last_reason(house: House) -> None:
    await house.publish("grant_terms", number=NUMBER, approval_required_stages=["concept", "packaging"])
    assert list(await house.adapter.clearance(QUERY)) == [blocked("approval_stage", None)]

    await house.publish("grant_terms", number=NUMBER, approved_stages=["packaging", "concept"])
    assert list(await house.adapter.clearance(QUERY)) == [granted()]


async def test_the_first_failure_is_the_reason(house: House) -> None:
    """Everything is wrong at once; one thing after the other is put right."""
    everywhere = {"start": "2026-01-01", "end": "2027-01-01"}
    document = house.sandbox.platforms["ip_content"].department.document  # type: ignore[attr-defined]
    document["properties"][0]["assets"]["expires_at"] = "2026-02-01"
    await house.at_department(
        "grant_terms",
        number=NUMBER,
        channels=["vending"],
        blackouts=[everywhere],
        max_units=1,
        units_used=1,
        approval_required_stages=["concept"],
    )
    await house.at_department("agreement_status", number=NUMBER, status="suspended")
    await house.at_department("property_status", slug="yunling-fox", status="retired")
    await house.publish(
        "reserve",
        ip="yunling-fox",
        territories=["CN"],
        categories=["T恤"],
        channels=["mini_program"],
        start="2026-01-01",
        end="2027-01-01",
    )
    seen = []

    async def look() -> None:
        (only,) = await house.adapter.clearance(QUERY)
        seen.append(only.reason)

    await look()
    await house.publish("property_status", slug="yunling-fox", status="licensable")
    await look()
    await house.publish("agreement_status", number=NUMBER, status="active")
    await look()
    await house.publish("grant_terms", number=NUMBER, channels=["mini_program"])
    await look()
    await house.publish("grant_terms", number=NUMBER, blackouts=[])
    await look()
    document["reservations"].clear()
    await house.publish("grant_terms", number=NUMBER, units_used=1)
    await look()
    await house.publish("grant_terms", number=NUMBER, units_used=0)
    await look()
    document["properties"][0]["assets"]["expires_at"] = None
    await house.publish("grant_terms", number=NUMBER, approved_stages=[])
    await look()
    await house.publish("grant_terms", number=NUMBER, approved_stages=["concept"])
    await look()

    assert seen == [
        "property_status",
        "term",
        "grant_scope",
        "blackout",
        "exclusive_to_other",
        "unit_cap",
        "asset_policy",
        "approval_stage",
        None,
    ]


async def test_after_the_term_stock_is_sold_off_but_not_promoted(house: House) -> None:
    term = {"start": "2026-01-01", "end": "2026-11-13"}
    await house.publish("grant_terms", number=NUMBER, term=term, sell_off_days=5)
    # The grant's own window runs on: the agreement's term cuts it.
    assert (await house.adapter.licences())[1].ends == date(2026, 11, 13)

    assert list(await house.adapter.clearance(QUERY)) == [
        granted(D11, date(2026, 11, 18)),
        blocked("term", None, date(2026, 11, 18), D20),
    ]
    assert list(await house.adapter.clearance(replace(QUERY, use="promote"))) == [
        granted(D11, date(2026, 11, 13)),
        blocked("term", None, date(2026, 11, 13), D20),
    ]


async def test_a_restricted_work_stays_with_those_who_hold_it(house: House) -> None:
    await house.publish("property_status", slug="yunling-fox", status="restricted")

    assert list(await house.adapter.clearance(QUERY)) == [granted()]


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "television"},
        {"use": "burn"},
        {"category": ""},
        {"territory": "China"},
        {"ends": D11},
        {"ends": date(2029, 11, 13)},
    ],
)
async def test_a_question_without_an_answer_is_refused_before_any_statement(
    house: House, wrong: dict[str, object]
) -> None:
    house.sql.statements = 0

    with pytest.raises(Invalid) as caught:
        await house.adapter.clearance(replace(QUERY, **wrong))  # type: ignore[arg-type]

    assert caught.value.reason == "bad_scope"
    assert house.sql.statements == 0


async def test_an_unknown_work_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await house.adapter.clearance(replace(QUERY, property="nobody"))
