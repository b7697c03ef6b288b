"""The account's money, its ads and creatives, and changes of many ads of which some fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from adapters.base.errors import Conflict, Invalid, OutcomeUnknown, Rejected
from adapters.social_ads import AdChanged, AdDraft, AdEdit, Advertiser, Fund
from adapters.social_ads.sandbox.accounts import CASH
from tests.adapters.social_ads.conftest import Ads

TODAY = date(2026, 11, 11)
FIRST, SECOND, IDLE = 13397328752, 13397328753, 13397328754
BUDGETS = "POST /v3.0/adgroups/update_daily_budget"
DRAFT = AdDraft(
    name="双12 朋友圈",
    marketing_goal="MARKETING_GOAL_PRODUCT_SALES",
    carrier="MARKETING_CARRIER_TYPE_MINI_PROGRAM_WECHAT",
    starts=date(2026, 12, 1),
    ends=date(2026, 12, 12),
    bid_mode="BID_MODE_OCPM",
    bid=5000,
    optimization_goal="OPTIMIZATIONGOAL_ECOMMERCE_ORDER",
    sites=("SITE_SET_MOMENTS",),
    daily_budget=50_000,
    audiences=(5001,),
)


async def test_the_accounts_budget_is_set_and_lifted(ads: Ads) -> None:
    company = ads.sandbox.world.brand
    assert await ads.adapter.advertiser() == Advertiser(20458, company, "CUSTOMER_STATUS_NORMAL", None)
    await ads.adapter.set_account_budget(300_000)
    assert (await ads.adapter.advertiser()).daily_budget == 300_000
    await ads.adapter.set_account_budget(None)
    assert (await ads.adapter.advertiser()).daily_budget is None
    with pytest.raises(Invalid) as caught:
        await ads.adapter.set_account_budget(4_999)
    assert caught.value.reason == "budget"
    assert ads.calls("POST /v3.0/advertiser/update_daily_budget") == 2


async def test_todays_costs_are_gone_from_the_purse(ads: Ads) -> None:
    costs = (await ads.adapter.realtime_costs(TODAY)).items
    spent = sum(each.cost for each in costs)
    assert {each.adgroup_id for each in costs} == {FIRST, SECOND}
    assert await ads.adapter.funds() == [
        Fund("FUND_TYPE_CASH", "FUND_STATUS_NORMAL", CASH - spent, spent),
        Fund("FUND_TYPE_GIFT", "FUND_STATUS_NOT_ENOUGH", 0, 0),
    ]


async def test_the_hours_of_a_day_sum_to_it(ads: Ads) -> None:
    yesterday = TODAY - timedelta(days=1)
    daily = {row.adgroup_id: row for row in (await ads.adapter.daily_reports(yesterday, TODAY)).items}
    page = await ads.adapter.hourly_reports(yesterday)
    assert page.next_cursor is None
    assert [row.hour for row in page.items] == sorted(row.hour for row in page.items)
    for adgroup_id, day in daily.items():
        hours = [row for row in page.items if row.adgroup_id == adgroup_id]
        assert len(hours) == 24
        assert (sum(row.cost for row in hours), sum(row.clicks for row in hours)) == (day.cost, day.clicks)
        assert sum(row.conversions for row in hours) == day.conversions


async def test_some_ads_alone_are_asked_for(ads: Ads) -> None:
    yesterday = TODAY - timedelta(days=1)
    assert {row.adgroup_id for row in (await ads.adapter.hourly_reports(yesterday, only=[SECOND])).items} == {SECOND}
    days = (await ads.adapter.daily_reports(yesterday, TODAY, only=[FIRST, IDLE])).items
    assert {row.adgroup_id for row in days} == {FIRST}
    assert [ad.adgroup_id for ad in (await ads.adapter.adgroups(only=[IDLE, 42])).items] == [IDLE]


async def test_creatives_belong_to_the_ads(ads: Ads) -> None:
    first = ads.platform.ad_groups[0]
    ads.platform.ad_groups.extend(replace(first, adgroup_id=2_000_000 + n) for n in range(100))
    page = await ads.adapter.creatives()
    rest = await ads.adapter.creatives(page.next_cursor)
    assert (len(page.items), page.next_cursor, len(rest.items), rest.next_cursor) == (100, "100", 3, None)
    creative = page.items[0]
    assert (creative.adgroup_id, creative.active) == (FIRST, True)
    assert creative.review == "CREATIVE_SET_APPROVAL_STATUS_NORMAL"


async def test_ads_are_switched_and_budgeted_one_by_one(ads: Ads) -> None:
    assert await ads.adapter.switch_ads({FIRST: False, IDLE: True}) == [AdChanged(FIRST), AdChanged(IDLE)]
    states = {ad.adgroup_id: ad.status for ad in (await ads.adapter.adgroups()).items}
    assert (states[FIRST], states[IDLE]) == ("ADGROUP_STATUS_SUSPEND", "ADGROUP_STATUS_ACTIVE")

    # The envelope says 0, although one is too small and one does not exist.
    done, small, nobody = await ads.adapter.set_budgets({FIRST: 400_000, SECOND: 5_000, 42: 5_000})

    assert done == AdChanged(FIRST)
    assert isinstance(small, Rejected)
    assert isinstance(nobody, Rejected)
    assert (small.upstream_code, ads.platform.ads.changes[FIRST]["daily_budget"]) == ("1901234", 400_000)
    assert SECOND not in ads.platform.ads.changes


async def test_a_batch_takes_a_call_per_hundred_and_a_failed_call_is_each_ones_failure(ads: Ads) -> None:
    ads.sandbox.kit.faults.add("social_ads", "reset_after", endpoint=BUDGETS)
    lost = await ads.adapter.set_budgets({FIRST: None, IDLE: None})
    assert [type(outcome) for outcome in lost] == [OutcomeUnknown, OutcomeUnknown]
    ads.sandbox.kit.faults.clear()
    before = ads.calls(BUDGETS)
    outcomes = await ads.adapter.set_budgets(dict.fromkeys(range(1, 202), 5_000))
    assert (len(outcomes), ads.calls(BUDGETS) - before) == (201, 3)


async def test_a_new_ad_is_made_once_per_key_and_waits(ads: Ads) -> None:
    first = await ads.adapter.create_ad(DRAFT, "double12-1")
    assert await ads.adapter.create_ad(DRAFT, "double12-1") == first
    made = (await ads.adapter.adgroups()).items[-1]
    assert (made.adgroup_id, made.name, made.status) == (first, "双12 朋友圈", "ADGROUP_STATUS_CREATIVE_EMPTY")
    assert ads.platform.ads.changes[first]["configured_status"] == "AD_STATUS_SUSPEND"
    with pytest.raises(Conflict) as reused:
        await ads.adapter.create_ad(replace(DRAFT, bid=6000), "double12-1")
    assert (reused.value.reason, reused.value.upstream_code) == ("request_id_reused", "31060")
    with pytest.raises(Invalid):
        await ads.adapter.create_ad(DRAFT, "double12-2")  # the name is taken
    assert len(ads.platform.ad_groups) == 4


async def test_an_ad_is_renamed_and_bids_more_until_another_day(ads: Ads) -> None:
    other = ads.platform.ad_groups[1].name
    edit = AdEdit(name="双11 朋友圈 返场", bid=6_000, ends=date(2026, 11, 30))
    await ads.adapter.update_ad(FIRST, edit)
    await ads.adapter.update_ad(FIRST, edit)
    renamed = next(ad for ad in (await ads.adapter.adgroups()).items if ad.adgroup_id == FIRST)
    assert (renamed.name, ads.platform.ads.changes[FIRST]["bid_amount"]) == ("双11 朋友圈 返场", 6_000)
    assert ads.platform.ads.changes[FIRST]["end_date"] == "2026-11-30"
    assert len(ads.sandbox.kit.journal.of_kind("social_ads", "adgroup_update")) == 1

    await ads.adapter.update_ad(FIRST, AdEdit(endless=True))
    assert ads.platform.ads.changes[FIRST]["end_date"] == ""
    for adgroup_id, wrong in ((FIRST, AdEdit(name=other)), (FIRST, AdEdit(ends=date(2020, 1, 1))), (42, AdEdit(bid=1))):
        with pytest.raises(Invalid):
            await ads.adapter.update_ad(adgroup_id, wrong)
    assert ads.platform.ads.changes[FIRST]["adgroup_name"] == "双11 朋友圈 返场"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (AdEdit(), "nothing"),
        (AdEdit(name=""), "name"),
        (AdEdit(bid=0), "bid"),
        (AdEdit(bid=500_001), "bid"),
        (AdEdit(starts=date(2026, 12, 2), ends=date(2026, 12, 1)), "days"),
        (AdEdit(ends=date(2026, 12, 1), endless=True), "days"),
    ],
)
async def test_a_wrong_edit_is_refused_before_any_call(ads: Ads, edit: AdEdit, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        await ads.adapter.update_ad(FIRST, edit)
    assert (caught.value.reason, ads.sandbox.kit.journal.calls) == (reason, [])


@pytest.mark.parametrize(
    ("wrong", "key", "reason"),
    [
        ({"name": ""}, "k", "name"),
        ({"name": "长" * 61}, "k", "name"),
        ({"ends": date(2026, 11, 30)}, "k", "days"),
        ({"daily_budget": 1}, "k", "budget"),
        ({}, "", "key"),
        ({}, "k\n", "key"),
    ],
)
async def test_a_wrong_draft_is_refused_before_any_call(ads: Ads, wrong: dict[str, Any], key: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        await ads.adapter.create_ad(replace(DRAFT, **wrong), key)
    assert caught.value.reason == reason
    assert ads.sandbox.kit.journal.calls == []
