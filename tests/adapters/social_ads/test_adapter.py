"""The adapter's records against the world, its paging, and conversions one by one."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Invalid, OutcomeUnknown, RateLimited, Rejected, UpstreamError
from adapters.social_ads import AdGroup, Conversion, ConversionAccepted, DailyReport, Lead
from adapters.social_ads.sandbox.reports import daily_row
from sandbox.clock import BEIJING
from tests.adapters.social_ads.conftest import Ads

REPORTS = "GET /v3.0/daily_reports/get"
LEADS = "GET /v3.0/leads_list/get"
ACTIONS = "POST /v3.0/user_actions/add"
TODAY = date(2026, 11, 11)


async def test_ads_are_those_of_the_world(ads: Ads) -> None:
    page = await ads.adapter.adgroups()
    assert page.next_cursor is None
    assert page.items == [
        AdGroup(
            20458,
            ad.adgroup_id,
            ad.name,
            ad.status,
            ad.created_at.astimezone(UTC).replace(microsecond=0),
            ad.created_at.astimezone(UTC).replace(microsecond=0),
        )
        for ad in ads.sandbox.world.ad_groups
    ]
    assert page.items[0].name == "双11 朋友圈 山岚轻羽绒"


async def test_ads_over_a_page_are_read_by_cursor(ads: Ads) -> None:
    first = ads.platform.ad_groups[0]
    ads.platform.ad_groups.extend(replace(first, adgroup_id=2_000_000 + n, name=f"ad {n}") for n in range(198))
    names: list[str] = []
    cursors: list[str | None] = [None]
    while True:
        page = await ads.adapter.adgroups(cursors[-1])
        names.extend(ad.name for ad in page.items)
        if page.next_cursor is None:
            break
        cursors.append(page.next_cursor)
    assert (len(names), len(set(names)), cursors) == (201, 201, [None, "100", "200"])
    assert ads.calls("GET /v3.0/adgroups/get") == 3


async def test_reports_are_those_of_the_platform_oldest_first(ads: Ads) -> None:
    world, now = ads.sandbox.world, ads.sandbox.kit.clock.now()
    page = await ads.adapter.daily_reports(TODAY - timedelta(days=2), TODAY)
    expected = [
        DailyReport(
            20458,
            ad.adgroup_id,
            day,
            row["view_count"],
            row["valid_click_count"],
            row["cost"],
            row["conversions_count"],
        )
        for day in (date(2026, 11, 9), date(2026, 11, 10))
        for ad in world.ad_groups
        if (row := daily_row(ad, day, now, world.seed)) is not None
    ]
    assert page.items == expected
    assert page.next_cursor is None
    assert len(expected) == 4
    # Within the noise of the emulation the first ad spends its daily cost: 86,000 fen.
    assert 73_100 <= page.items[0].cost <= 98_900


async def test_conversions_of_yesterday_are_not_complete_today(ads: Ads) -> None:
    yesterday = TODAY - timedelta(days=1)
    before = (await ads.adapter.daily_reports(yesterday, TODAY)).items[0]
    ads.sandbox.kit.clock.advance(timedelta(days=2))
    # Two days later the first token is over, too: the adapter renews it unasked.
    after = (await ads.adapter.daily_reports(yesterday, TODAY)).items[0]
    assert after.conversions > before.conversions
    assert (after.cost, after.impressions) == (before.cost, before.impressions)


async def test_a_long_range_is_read_in_windows_of_ninety_days(ads: Ads) -> None:
    start = TODAY - timedelta(days=200)
    first = await ads.adapter.daily_reports(start, TODAY)
    second = await ads.adapter.daily_reports(start, TODAY, first.next_cursor)
    third = await ads.adapter.daily_reports(start, TODAY, second.next_cursor)
    assert (len(first.items), first.next_cursor) == (0, f"{start + timedelta(days=90)}/1")
    assert (len(second.items), second.next_cursor) == (0, f"{start + timedelta(days=180)}/1")
    # 20 days of advertising before today, two ads that spend.
    assert (len(third.items), third.next_cursor) == (40, None)
    assert ads.calls(REPORTS) == 3


async def test_reports_over_a_page(ads: Ads) -> None:
    first = ads.platform.ad_groups[0]
    ads.platform.ad_groups.extend(replace(first, adgroup_id=2_000_000 + n) for n in range(148))
    yesterday = TODAY - timedelta(days=1)
    page = await ads.adapter.daily_reports(yesterday, TODAY)
    rest = await ads.adapter.daily_reports(yesterday, TODAY, page.next_cursor)
    assert (len(page.items), page.next_cursor) == (100, "2026-11-10/2")
    assert (len(rest.items), rest.next_cursor) == (50, None)
    assert len({report.adgroup_id for report in (*page.items, *rest.items)}) == 150


async def test_an_empty_range_costs_no_call(ads: Ads) -> None:
    now = ads.sandbox.kit.clock.now()
    assert (await ads.adapter.daily_reports(TODAY, TODAY)).items == []
    assert (await ads.adapter.leads(now, now)).items == []
    assert ads.sandbox.kit.journal.calls == []


@pytest.mark.parametrize("cursor", ["", "7", "2026-11-10", "x/1"])
async def test_a_foreign_cursor_is_refused_before_any_call(ads: Ads, cursor: str) -> None:
    now = ads.sandbox.kit.clock.now()
    for call in (
        ads.adapter.daily_reports(TODAY - timedelta(days=1), TODAY, cursor),
        ads.adapter.leads(now - timedelta(days=1), now, cursor),
    ):
        with pytest.raises(Invalid) as error:
            await call
        assert error.value.reason == "cursor"
    assert ads.sandbox.kit.journal.calls == []


async def test_leads_are_those_of_the_world_newest_first(ads: Ads) -> None:
    world, now = ads.sandbox.world, ads.sandbox.kit.clock.now()
    page = await ads.adapter.leads(now - timedelta(days=7), now)
    assert page.next_cursor is None
    assert page.items == [
        Lead(
            20458,
            lead.leads_id,
            lead.adgroup_id,
            lead.click_id,
            world.people[lead.person].name,
            world.people[lead.person].phone,
            lead.created_at.astimezone(UTC),
        )
        for lead in world.leads
    ]
    assert len(page.items) == 3


async def test_a_leads_person_is_not_in_its_repr(ads: Ads) -> None:
    now = ads.sandbox.kit.clock.now()
    lead = (await ads.adapter.leads(now - timedelta(days=7), now)).items[0]
    assert lead.phone is not None
    assert lead.phone not in repr(lead)
    assert str(lead.name) not in repr(lead)


async def test_the_range_of_leads_is_half_open(ads: Ads) -> None:
    at = ads.sandbox.world.leads[1].created_at
    assert [lead.lead_id for lead in (await ads.adapter.leads(at, at + timedelta(seconds=1))).items] == [700002]
    assert (await ads.adapter.leads(at - timedelta(hours=1), at)).items == []


async def test_leads_beyond_five_thousand_are_asked_for_by_the_last_one_seen(ads: Ads) -> None:
    first, now = ads.platform.leads[0], ads.sandbox.kit.clock.now()
    # Ten leads a second: the time alone does not say where a page ended.
    ads.platform.leads[:] = [
        replace(first, leads_id=n, created_at=now.replace(microsecond=0) - timedelta(seconds=5 + n // 10))
        for n in range(1, 5302)
    ]
    seen: list[int] = []
    cursors: list[str] = []
    page = await ads.adapter.leads(now - timedelta(days=1), now + timedelta(days=1))
    while True:
        seen.extend(lead.lead_id for lead in page.items)
        if page.next_cursor is None:
            break
        # A lead that comes in meanwhile does not push the pages along.
        ads.sandbox.kit.clock.advance(timedelta(seconds=1))
        await ads.act("lead", person="linxiaowen", adgroup_id=13397328752)
        cursors.append(page.next_cursor)
        page = await ads.adapter.leads(now - timedelta(days=1), now + timedelta(days=1), page.next_cursor)
    assert sorted(seen) == list(range(1, 5302))
    assert ads.calls(LEADS) == 27
    assert [cursor.count("/") for cursor in cursors] == [1] * 24 + [2] * 2


def purchase(ads: Ads, number: int = 1, **changes: object) -> Conversion:
    appid = ads.sandbox.world.mini_programs[0].appid
    usual = Conversion(
        action_type="PURCHASE",
        at=datetime(2026, 11, 11, 20, 58, tzinfo=BEIJING),
        outer_action_id=f"SR{number:04d}",
        click_id="wx07ptidwiwn5fde",
        wechat_openid=ads.sandbox.world.people["linxiaowen"].openids[appid],
        wechat_appid=appid,
        value=81900,
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # a test's own field names


async def test_a_conversion_arrives_as_it_was_reported(ads: Ads) -> None:
    assert await ads.adapter.report_conversions([purchase(ads)]) == [ConversionAccepted("SR0001")]
    (effect,) = ads.sandbox.kit.journal.effects
    assert (effect.kind, effect.key) == ("user_action.PURCHASE", "SR0001")
    assert effect.data == {
        "action_type": "PURCHASE",
        "action_time": int(datetime(2026, 11, 11, 12, 58, tzinfo=UTC).timestamp()),
        "click_id": "wx07ptidwiwn5fde",
        "value": 81900,
        "attributable": True,
    }


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (50, 1), (51, 2), (120, 3)])
async def test_fifty_conversions_are_one_call(ads: Ads, count: int, calls: int) -> None:
    outcomes = await ads.adapter.report_conversions([purchase(ads, n) for n in range(count)])
    assert outcomes == [ConversionAccepted(f"SR{n:04d}") for n in range(count)]
    assert ads.calls(ACTIONS) == calls
    assert len(ads.sandbox.kit.journal.effects) == count


async def test_fifty_kilobytes_are_one_call_too(ads: Ads) -> None:
    long = [purchase(ads, n, click_id="c" * 2000) for n in range(40)]
    outcomes = await ads.adapter.report_conversions(long)
    assert outcomes == [ConversionAccepted(f"SR{n:04d}") for n in range(40)]
    assert ads.calls(ACTIONS) == 2


async def test_a_conversion_repeated_has_one_effect(ads: Ads) -> None:
    for _ in range(2):
        assert await ads.adapter.report_conversions([purchase(ads)]) == [ConversionAccepted("SR0001")]
    assert len(ads.sandbox.kit.journal.effects) == 1


async def test_a_lost_answer_is_repeated_and_has_one_effect(ads: Ads) -> None:
    ads.sandbox.kit.faults.add("social_ads", "reset_after", endpoint=ACTIONS, calls=(1,))
    assert await ads.adapter.report_conversions([purchase(ads)]) == [ConversionAccepted("SR0001")]
    assert ads.calls(ACTIONS) == 2
    assert len(ads.sandbox.kit.journal.effects) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"outer_action_id": ""}, "outer_action_id"),
        ({"at": datetime(2026, 11, 11)}, "naive"),  # noqa: DTZ001 — this is the mistake
        ({"at": datetime(2039, 1, 1, tzinfo=UTC)}, "1970"),
        ({"action_type": "purchase"}, "action_type"),
        ({"action_type": "CUSTOM"}, "CUSTOM"),
        ({"click_id": None, "wechat_openid": None}, "nobody"),
        ({"wechat_appid": None}, "wechat_appid"),
        ({"value": -1}, "negative"),
    ],
)
async def test_what_is_wrong_by_itself_is_not_sent(ads: Ads, changes: dict[str, object], says: str) -> None:
    outcomes = await ads.adapter.report_conversions([purchase(ads, 1), purchase(ads, 2, **changes), purchase(ads, 3)])
    assert [type(outcome) for outcome in outcomes] == [ConversionAccepted, Invalid, ConversionAccepted]
    assert says in str(outcomes[1])
    assert ads.calls(ACTIONS) == 1
    assert [effect.key for effect in ads.sandbox.kit.journal.effects] == ["SR0001", "SR0003"]


async def test_one_item_that_the_platform_refuses_does_not_sink_the_others(ads: Ads) -> None:
    batch = [purchase(ads, n) for n in range(50)]
    # A click id alone is not enough for a WeChat data source, which only the platform knows.
    batch[17] = purchase(ads, 17, wechat_openid=None, wechat_appid=None)
    outcomes = await ads.adapter.report_conversions(batch)
    refused = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, UpstreamError)]
    assert refused == [17]
    assert isinstance(outcomes[17], Invalid)
    assert outcomes[17].upstream_code == "31001"
    assert len(ads.sandbox.kit.journal.effects) == 49
    # Halving: both halves of every call that held the bad one.
    assert ads.calls(ACTIONS) <= 1 + 2 * 6


@pytest.mark.parametrize(("code", "kind"), [("11017", RateLimited), ("30001", OutcomeUnknown)])
async def test_a_call_that_fails_as_a_whole_is_not_halved(ads: Ads, code: str, kind: type[UpstreamError]) -> None:
    ads.sandbox.kit.faults.add("social_ads", "code", endpoint=ACTIONS, value=code)
    outcomes = await ads.adapter.report_conversions([purchase(ads, n) for n in range(10)])
    assert [type(outcome) for outcome in outcomes] == [kind] * 10
    # 11017 says to wait a minute, which is the caller's business; 30001 is tried three times.
    assert ads.calls(ACTIONS) == (1 if kind is RateLimited else 3)
    assert ads.sandbox.kit.journal.effects == []


async def test_a_business_refusal_is_each_items_own(ads: Ads) -> None:
    ads.sandbox.kit.faults.add("social_ads", "code", endpoint=ACTIONS, value="1901234")
    outcomes = await ads.adapter.report_conversions([purchase(ads, n) for n in range(2)])
    assert [type(outcome) for outcome in outcomes] == [Rejected, Rejected]
    assert ads.calls(ACTIONS) == 3


async def test_an_openid_of_a_foreign_app_is_taken_but_never_attributed(ads: Ads) -> None:
    await ads.adapter.report_conversions([purchase(ads, wechat_appid="wx0000000000000000")])
    assert ads.sandbox.kit.journal.effects[0].data["attributable"] is False


async def test_a_conversion_that_was_sent_and_not_answered_in_time_is_unknown(ads: Ads) -> None:
    await ads.adapter.ping()
    ads.sandbox.kit.faults.add("social_ads", "latency", endpoint=ACTIONS, value=3)
    with deadline(0.5):
        (outcome,) = await ads.adapter.report_conversions([purchase(ads)])
    assert type(outcome) is OutcomeUnknown


async def test_no_secret_reaches_the_log(ads: Ads, caplog: pytest.LogCaptureFixture) -> None:
    world, pair = ads.sandbox.world, ads.platform.oauth.pair
    secrets = [world.ad_client_secret, pair.access, pair.refresh, ads.platform.click_key]
    with caplog.at_level(logging.DEBUG):
        await ads.act("expire_token")
        await ads.adapter.ping()
        ads.sandbox.kit.clock.advance(timedelta(days=25))
        ads.sandbox.kit.faults.add("social_ads", "reset_before", endpoint="GET /oauth/*")
        with pytest.raises(UpstreamError):
            await ads.adapter.ping()
    # The emulation's own server logs, too, and is not what runs in production.
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("adapters."))
    assert ours.count("/oauth/refresh_token?client_id=") == 2
    secrets += [ads.platform.oauth.pair.access, ads.platform.oauth.pair.refresh]
    assert [secret for secret in secrets if secret in ours] == []
