"""The emulation checks what the platform checks, in its order, with its codes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from sandbox.http1 import Answer, request
from tests.adapters.social_ads.conftest import Ads
from tests.adapters.social_ads.test_client import GO_QUERY


async def get(ads: Ads, path: str, **parameters: Any) -> Answer:
    """A call with everything right, unless a parameter is given (None leaves it out)."""
    usual: dict[str, Any] = {"account_id": ads.sandbox.world.ad_account, **common(ads)}
    asked = {name: value for name, value in {**usual, **parameters}.items() if value is not None}
    return await request("GET", f"{ads.sandbox.urls['social_ads']}{path}?{urlencode(asked)}")


def common(ads: Ads) -> dict[str, Any]:
    return {
        "access_token": ads.platform.oauth.pair.access,
        "timestamp": int(ads.sandbox.kit.clock.now().timestamp()),
        "nonce": secrets.token_hex(8),
    }


async def post_actions(ads: Ads, body: Any) -> Answer:
    url = f"{ads.sandbox.urls['social_ads']}/v3.0/user_actions/add?{urlencode(common(ads))}"
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return await request("POST", url, {"Content-Type": "application/json"}, raw)


def code(answer: Answer) -> int:
    return int(orjson.loads(answer.body)["code"])


async def test_a_success_has_the_documented_envelope_and_headers(ads: Ads) -> None:
    answer = await get(ads, "/v3.0/adgroups/get")
    body = orjson.loads(answer.body)
    assert (answer.status, body["code"], body["message"], body["message_cn"]) == (200, 0, "", "")
    assert len(answer.headers["x-tsa-trace-id"]) == 32
    assert answer.headers["x-ratelimit-remaining"] == "100%,100%"
    assert body["data"]["page_info"] == {"page": 1, "page_size": 10, "total_number": 3, "total_page": 1}
    # Without ``fields`` a short set comes back.
    assert set(body["data"]["list"][0]) == {"adgroup_id", "adgroup_name"}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"access_token": None}, 11005),
        ({"access_token": "short"}, 11004),
        ({"access_token": "f" * 32}, 11002),
        ({"timestamp": None}, 31001),
        ({"timestamp": 1}, 31003),
        ({"timestamp": "now"}, 31002),
        ({"nonce": None}, 31001),
        ({"nonce": "n" * 33}, 31003),
        ({"account_id": None}, 31001),
        ({"account_id": 1}, 11014),
        ({"fields": "adgroup_id"}, 31002),
        ({"page_size": 101}, 31003),
        ({"pagination_mode": "SIDEWAYS"}, 31033),
        ({"filtering": '[{"field":"adgroup_id","operator":"IN","values":[1]}]'}, 31002),
        ({"filtering": '[{"field":"colour","operator":"IN","values":["1"]}]'}, 31033),
    ],
)
async def test_refusals_of_a_list_call(ads: Ads, wrong: Mapping[str, Any], expected: int) -> None:
    answer = await get(ads, "/v3.0/adgroups/get", **wrong)
    body = orjson.loads(answer.body)
    assert (answer.status, body["code"]) == (200, expected)
    assert "data" not in body
    assert ("errors" in body) == (31000 <= expected <= 31999)
    assert answer.headers["x-tsa-trace-id"] in body["message"]


async def test_a_nonce_counts_once_per_token_for_ten_minutes(ads: Ads) -> None:
    assert code(await get(ads, "/v3.0/adgroups/get", nonce="same")) == 0
    again = await get(ads, "/v3.0/adgroups/get", nonce="same")
    assert "The nonce has been used before." in orjson.loads(again.body)["message"]
    ads.sandbox.kit.clock.advance(timedelta(minutes=10))
    assert code(await get(ads, "/v3.0/adgroups/get", nonce="same")) == 0


async def test_an_expired_token_is_told_from_a_revoked_one(ads: Ads) -> None:
    ads.sandbox.kit.clock.advance(timedelta(hours=24))
    assert code(await get(ads, "/v3.0/adgroups/get")) == 11000
    await ads.act("revoke")
    assert code(await get(ads, "/v3.0/adgroups/get")) == 11002


async def test_calls_over_the_limits_of_minute_and_day(ads: Ads) -> None:
    ads.platform.gate.per_minute = 2
    answers = [await get(ads, "/v3.0/adgroups/get") for _ in range(3)]
    assert [code(answer) for answer in answers] == [0, 0, 11017]
    assert answers[2].headers["x-ratelimit-remaining"] == "100%,0%"
    ads.sandbox.kit.clock.advance(timedelta(minutes=1))
    ads.platform.gate.reads_per_day = 2
    assert code(await get(ads, "/v3.0/adgroups/get")) == 11018


async def test_the_official_sdks_query_is_understood(ads: Ads) -> None:
    world = ads.sandbox.world
    day = "2026-11-10"
    query = (
        GO_QUERY.replace("tok0123456789abcdef", ads.platform.oauth.pair.access)
        .replace("1769826000", str(int(ads.sandbox.kit.clock.now().timestamp())))
        .replace("2026-01-01", day)
        .replace("2026-01-31", day)
    )
    answer = await request("GET", f"{ads.sandbox.urls['social_ads']}/v3.0/daily_reports/get?{query}")
    rows = orjson.loads(answer.body)["data"]["list"]
    assert [row["adgroup_id"] for row in rows] == [
        world.ad_groups[0].adgroup_id,
        world.ad_groups[1].adgroup_id,
    ]
    assert rows[0]["cost"] > rows[1]["cost"]
    # order_amount is not emulated; what was not asked for is not answered.
    assert set(rows[0]) == {"date", "adgroup_id", "view_count", "valid_click_count", "cost"}


async def test_an_advertisers_day_is_the_sum_of_its_ads(ads: Ads) -> None:
    common_parameters = {
        "date_range": '{"start_date":"2026-10-20","end_date":"2026-11-11"}',
        "fields": '["date","adgroup_id","cost","view_count"]',
        "page_size": 100,
    }
    by_ad = orjson.loads(
        (
            await get(
                ads,
                "/v3.0/daily_reports/get",
                level="REPORT_LEVEL_ADGROUP",
                group_by='["date","adgroup_id"]',
                **common_parameters,
            )
        ).body
    )["data"]["list"]
    by_day = orjson.loads(
        (
            await get(
                ads,
                "/v3.0/daily_reports/get",
                level="REPORT_LEVEL_ADVERTISER",
                group_by='["date"]',
                **common_parameters,
            )
        ).body
    )["data"]["list"]
    # The ads began 20 days ago; the suspended one spends nothing and has no rows.
    assert (len(by_ad), len(by_day)) == (42, 21)
    assert {row["adgroup_id"] for row in by_ad} == {13397328752, 13397328753}
    for day in by_day:
        assert day["cost"] == sum(row["cost"] for row in by_ad if row["date"] == day["date"])


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"level": "REPORT_LEVEL_MOON"}, 31033),
        ({"group_by": '["date"]'}, 31033),
        ({"date_range": '{"start_date":"2026-08-01","end_date":"2026-10-30"}'}, 31003),
        ({"date_range": '{"start_date":"2025-11-01","end_date":"2025-11-02"}'}, 31003),
        ({"date_range": '{"start_date":"soon"}'}, 31002),
        ({"fields": None}, 31001),
    ],
)
async def test_refusals_of_a_report_call(ads: Ads, wrong: Mapping[str, Any], expected: int) -> None:
    right = {
        "level": "REPORT_LEVEL_ADGROUP",
        "group_by": '["date","adgroup_id"]',
        "date_range": '{"start_date":"2026-11-01","end_date":"2026-11-10"}',
        "fields": '["cost"]',
    }
    assert code(await get(ads, "/v3.0/daily_reports/get", **{**right, **wrong})) == expected


def action(ads: Ads, **changes: Any) -> dict[str, Any]:
    appid = ads.sandbox.world.mini_programs[0].appid
    openid = ads.sandbox.world.people["linxiaowen"].openids[appid]
    return {
        "action_time": 1794401000,
        "action_type": "PURCHASE",
        "outer_action_id": "SR1",
        "user_id": {"wechat_openid": openid, "wechat_app_id": appid},
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 0),
        ({"action_type": "CUSTOM"}, 31001),
        ({"action_type": "purchase"}, 31033),
        ({"action_time": 2_147_483_648}, 31003),
        ({"user_id": None}, 31001),
        ({"user_id": None, "trace": {"click_id": "wx0"}}, 31001),
        ({"user_id": {"wechat_openid": "o1"}}, 31001),
    ],
)
async def test_identity_and_shape_of_an_action(ads: Ads, changes: Any, expected: int) -> None:
    body = {"account_id": 20458, "user_action_set_id": 1200118316, "actions": [action(ads, **changes)]}
    assert code(await post_actions(ads, body)) == expected
    assert len(ads.sandbox.kit.journal.of_kind("social_ads", "user_action.PURCHASE")) == (expected == 0)


async def test_one_bad_action_fails_the_call_and_nothing_is_kept(ads: Ads) -> None:
    actions = [action(ads), action(ads, outer_action_id="SR2", user_id=None)]
    body = {"account_id": 20458, "user_action_set_id": 1200118316, "actions": actions}
    assert code(await post_actions(ads, body)) == 31001
    assert ads.sandbox.kit.journal.effects == []


async def test_limits_of_a_conversion_call(ads: Ads) -> None:
    body = {"account_id": 20458, "user_action_set_id": 1200118316}
    fifty_one = [action(ads, outer_action_id=f"SR{n}") for n in range(51)]
    assert code(await post_actions(ads, {**body, "actions": fifty_one})) == 31003
    assert code(await post_actions(ads, {**body, "actions": []})) == 31003
    assert code(await post_actions(ads, b" " * (50 * 1024 + 1))) == 31003
    assert code(await post_actions(ads, {**body, "actions": [action(ads)], "user_action_set_id": 1})) == 31033
    assert code(await post_actions(ads, {**body, "actions": fifty_one[:50]})) == 0


async def test_an_action_counts_once_per_source_id_and_type(ads: Ads) -> None:
    body = {"account_id": 20458, "user_action_set_id": 1200118316, "actions": [action(ads)]}
    refund = {**body, "actions": [action(ads, action_type="RE_FUND")]}
    assert [code(await post_actions(ads, b)) for b in (body, body, refund)] == [0, 0, 0]
    effects = ads.sandbox.kit.journal.effects
    assert [(e.kind, e.key) for e in effects] == [
        ("user_action.PURCHASE", "SR1"),
        ("user_action.RE_FUND", "SR1"),
    ]
    assert [e.data["attributable"] for e in effects] == [True, True]


async def test_oauth_exchanges_the_pair_and_kills_the_old_one(ads: Ads) -> None:
    oauth, world = ads.platform.oauth, ads.sandbox.world
    old = (oauth.pair.access, oauth.pair.refresh)
    application = {"client_id": world.ad_client_id, "client_secret": world.ad_client_secret}
    base = f"{ads.sandbox.urls['social_ads']}/oauth/refresh_token?"
    good = await request("GET", base + urlencode({**application, "refresh_token": old[1]}))
    data = orjson.loads(good.body)["data"]
    assert (data["access_token_expires_in"], data["refresh_token_expires_in"]) == (86400, 2592000)
    assert {data["access_token"], data["refresh_token"]}.isdisjoint(old)
    assert code(await get(ads, "/v3.0/adgroups/get", access_token=old[0])) == 11002
    assert code(await request("GET", base + urlencode({**application, "refresh_token": old[1]}))) == 11012
    assert code(await request("GET", base + urlencode({**application, "refresh_token": "x"}))) == 11010
    assert code(await request("GET", base + urlencode({**application, "client_secret": "x"}))) == 11007
    assert oauth.exchanges == 1


async def test_a_told_code_is_answered_after_authentication(ads: Ads) -> None:
    ads.sandbox.kit.faults.add("social_ads", "code", value="30001")
    assert code(await get(ads, "/v3.0/adgroups/get", access_token="f" * 32)) == 11002
    assert code(await get(ads, "/v3.0/adgroups/get")) == 30001
    assert code(await post_actions(ads, b"")) == 30001
