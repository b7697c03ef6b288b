"""A documented answer for every method of the client, for the tests of spoilt ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.transport import Response
from adapters.social_ads import SocialAdsConfig
from adapters.social_ads.client import SocialAdsClient
from adapters.social_ads.models import BudgetChange, LeadStatus, StatusChange

_WIRE = Path(__file__).parent / "wire"
_CONFIG = SocialAdsConfig(
    account_id=20458,
    client_id=1106789012,
    client_secret=Secret("client-secret"),
    access_token=Secret("a" * 32),
    refresh_token=Secret("b" * 32),
    user_action_set_id=1200118316,
    click_key=Secret("k" * 32),
)
CLIENTS = (SocialAdsClient,)
_PAGE = {"page": 1, "page_size": 10, "total_number": 1, "total_page": 1}
_ITEM = {"code": 1901234, "message": "daily budget too small", "message_cn": "日预算过低", "adgroup_id": 13397328753}


def _client(runtime: Runtime) -> SocialAdsClient:
    return SocialAdsClient(Upstream(runtime, "social_ads", "20458"), _CONFIG)


def _recorded(name: str) -> Response:
    return Response(200, {"x-tsa-trace-id": "t"}, (_WIRE / f"{name}.json").read_bytes())


def _said(**data: Any) -> Response:
    body = {"code": 0, "message": "", "message_cn": "", "data": data}
    return Response(200, {"x-tsa-trace-id": "t"}, orjson.dumps(body))


_ADVERTISER = {
    "account_id": 20458,
    "daily_budget": 0,
    "corporation_name": "屿见",
    "system_status": "CUSTOMER_STATUS_NORMAL",
}
_HOUR = {"hour": 10, "adgroup_id": 13397328752, "view_count": 500, "valid_click_count": 10, "cost": 777}
_CREATIVE = {
    "dynamic_creative_id": 880001,
    "dynamic_creative_name": "618",
    "adgroup_id": 13397328752,
    "dynamic_creative_type": "DYNAMIC_CREATIVE_TYPE_COMMON",
    "configured_status": "AD_STATUS_NORMAL",
    "creative_set_approval_status": "CREATIVE_SET_APPROVAL_STATUS_NORMAL",
    "created_time": 1767225600,
    "last_modified_time": 1769826000,
}
_SET = {
    "user_action_set_id": 1200118316,
    "type": "WECHAT_MINI_PROGRAM",
    "name": "小程序",
    "activate_status": True,
    "access_way": "SELF_BUILT",
}

#: Maker of the client, method, call, answer.
METHODS: list[tuple[Callable[[Runtime], Any], str, Callable[[Any], Any], Response]] = [
    (_client, "oauth_token", lambda c: c.oauth_token("b"), _recorded("oauth_token")),
    (_client, "oauth_code", lambda c: c.oauth_code("c", "https://a.example/"), _recorded("oauth_code")),
    (_client, "oauth_refresh_token", lambda c: c.oauth_refresh_token("b"), _recorded("oauth_refresh_token")),
    (_client, "advertiser_get", lambda c: c.advertiser_get("t"), _said(list=[_ADVERTISER], page_info=_PAGE)),
    (_client, "advertiser_update_daily_budget", lambda c: c.advertiser_update_daily_budget("t", 0), _said()),
    (_client, "funds_get", lambda c: c.funds_get("t"), _recorded("funds_get")),
    (
        _client,
        "realtime_cost_get",
        lambda c: c.realtime_cost_get("t", "2026-01-31", 1, 10),
        _said(list=[{"adgroup_id": 13397328752, "cost": 18650}], page_info=_PAGE),
    ),
    (_client, "adgroups_get", lambda c: c.adgroups_get("t", (), None, 1), _recorded("adgroups_get")),
    (_client, "adgroups_add", lambda c: c.adgroups_add("t", "k", {}), _said(adgroup_id=13397328752)),
    (
        _client,
        "adgroups_update_configured_status",
        lambda c: c.adgroups_update_configured_status("t", [StatusChange(1, "AD_STATUS_NORMAL")]),
        _said(list=[_ITEM], fail_id_list=[13397328753]),
    ),
    (
        _client,
        "adgroups_update_daily_budget",
        lambda c: c.adgroups_update_daily_budget("t", [BudgetChange(1, 100)]),
        _recorded("adgroups_update_daily_budget"),
    ),
    (
        _client,
        "dynamic_creatives_get",
        lambda c: c.dynamic_creatives_get("t", None, 1),
        _said(list=[_CREATIVE], cursor_page_info={"page_size": 1, "total_number": 2, "has_more": True, "cursor": "1"}),
    ),
    (
        _client,
        "daily_reports_get",
        lambda c: c.daily_reports_get("t", "2026-01-01", "2026-01-31", (), 1, 100),
        _recorded("daily_reports_get"),
    ),
    (
        _client,
        "hourly_reports_get",
        lambda c: c.hourly_reports_get("t", "2026-01-31", (), 1, 100),
        _said(list=[_HOUR], page_info=_PAGE),
    ),
    (
        _client,
        "custom_audiences_add",
        lambda c: c.custom_audiences_add("t", "n", None, None),
        _said(audience_id=5001),
    ),
    (
        _client,
        "custom_audiences_get",
        lambda c: c.custom_audiences_get("t", 1, 1, 1),
        _recorded("custom_audiences_get"),
    ),
    (
        _client,
        "adgroups_update",
        lambda c: c.adgroups_update("t", 1, {"bid_amount": 1}),
        _said(adgroup_id=13397328752),
    ),
    (_client, "custom_audiences_update", lambda c: c.custom_audiences_update("t", 1, "n", None), _said()),
    (_client, "custom_audiences_delete", lambda c: c.custom_audiences_delete("t", 1), _said()),
    (
        _client,
        "custom_audience_files_add",
        lambda c: c.custom_audience_files_add("t", 1, "HASH_MOBILE_PHONE", "APPEND", "", b"zip", "ids.zip"),
        _said(custom_audience_file_id=90001),
    ),
    (
        _client,
        "custom_audience_files_get",
        lambda c: c.custom_audience_files_get("t", 1, 2, 1, 1),
        _recorded("custom_audience_files_get"),
    ),
    (
        _client,
        "user_action_sets_add",
        lambda c: c.user_action_sets_add("t", "WEB", "n", None, None),
        _said(user_action_set_id=1200118316),
    ),
    (_client, "user_action_sets_get", lambda c: c.user_action_sets_get("t"), _said(list=[_SET])),
    (_client, "user_actions_add", lambda c: c.user_actions_add("t", b"{}"), _recorded("user_actions_add")),
    (_client, "leads_list_get", lambda c: c.leads_list_get("t", 1, 2, 1, 1, None), _recorded("leads_list_get")),
    (_client, "leads_status_update", lambda c: c.leads_status_update("t", [LeadStatus(1, "X")]), _said()),
]
