"""social_ads in the contract suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any, Literal, cast

import orjson

from adapters.base.errors import UpstreamError
from adapters.social_ads import TOOL, AdDraft, AdEdit, Conversion, ConversionAccepted, LeadFeedback, SocialAdsAdapter
from adapters.social_ads.sandbox import Sandbox as Platform
from sandbox.clock import BEIJING
from sandbox.server import Sandbox
from tests.adapters.contract_case import Case, Operation


async def _ping(adapter: SocialAdsAdapter, _sandbox: Sandbox) -> None:
    await adapter.ping()


async def _adgroups(adapter: SocialAdsAdapter, _sandbox: Sandbox) -> object:
    return (await adapter.adgroups()).items


async def _daily_reports(adapter: SocialAdsAdapter, sandbox: Sandbox) -> object:
    today = sandbox.kit.clock.now().astimezone(BEIJING).date()
    return (await adapter.daily_reports(today - timedelta(days=3), today)).items


async def _leads(adapter: SocialAdsAdapter, sandbox: Sandbox) -> object:
    now = sandbox.kit.clock.now()
    return (await adapter.leads(now - timedelta(days=30), now)).items


async def _report(adapter: SocialAdsAdapter, sandbox: Sandbox) -> ConversionAccepted:
    """The batch answers failures as values; one alone is raised here, as the suite expects of a call."""
    appid = sandbox.world.mini_programs[0].appid
    (outcome,) = await adapter.report_conversions(
        [
            Conversion(
                action_type="PURCHASE",
                at=sandbox.kit.clock.now(),
                outer_action_id="SR20261111000001",
                wechat_openid=sandbox.world.people["linxiaowen"].openids[appid],
                wechat_appid=appid,
                value=81900,
            )
        ]
    )
    if isinstance(outcome, UpstreamError):
        raise outcome
    return outcome


async def _hours(adapter: SocialAdsAdapter, sandbox: Sandbox) -> object:
    return (await adapter.hourly_reports(sandbox.kit.clock.now().astimezone(BEIJING).date())).items


async def _costs(adapter: SocialAdsAdapter, sandbox: Sandbox) -> object:
    return (await adapter.realtime_costs(sandbox.kit.clock.now().astimezone(BEIJING).date())).items


async def _create_ad(adapter: SocialAdsAdapter, _sandbox: Sandbox) -> int:
    today = date(2026, 11, 11)
    draft = AdDraft(
        name="双12",
        marketing_goal="MARKETING_GOAL_PRODUCT_SALES",
        carrier="MARKETING_CARRIER_TYPE_MINI_PROGRAM_WECHAT",
        starts=today,
        ends=None,
        bid_mode="BID_MODE_OCPM",
        bid=5000,
        optimization_goal="OPTIMIZATIONGOAL_ECOMMERCE_ORDER",
        sites=("SITE_SET_MOMENTS",),
    )
    return await adapter.create_ad(draft, "key-1")


def _only(outcomes: Sequence[object]) -> object:
    """A batch answers failures as values; one alone is raised here, as the suite expects of a call."""
    (outcome,) = outcomes
    if isinstance(outcome, UpstreamError):
        raise outcome
    return outcome


async def _edit(adapter: SocialAdsAdapter, sandbox: Sandbox) -> None:
    await adapter.update_ad(sandbox.world.ad_groups[0].adgroup_id, AdEdit(bid=6_000))


async def _switch(adapter: SocialAdsAdapter, sandbox: Sandbox) -> object:
    return _only(await adapter.switch_ads({sandbox.world.ad_groups[0].adgroup_id: False}))


async def _budget(adapter: SocialAdsAdapter, sandbox: Sandbox) -> object:
    return _only(await adapter.set_budgets({sandbox.world.ad_groups[0].adgroup_id: None}))


def _audience(sandbox: Sandbox) -> int:
    """An audience that is there already, whatever happens to the call."""
    platform = cast(Platform, sandbox.platforms["social_ads"])
    body = {"account_id": sandbox.world.ad_account, "name": "会员", "type": "CUSTOMER_FILE"}
    return int(platform.audiences.add(orjson.dumps(body))["audience_id"])


async def _upload(adapter: SocialAdsAdapter, sandbox: Sandbox) -> int:
    return await adapter.send_audience_ids(_audience(sandbox), "HASH_MOBILE_PHONE", ["13500000000"])


async def _read_audience(adapter: SocialAdsAdapter, sandbox: Sandbox) -> object:
    return await adapter.audience(_audience(sandbox))


async def _rename(adapter: SocialAdsAdapter, sandbox: Sandbox) -> None:
    await adapter.update_audience(_audience(sandbox), name="新名")


async def _delete(adapter: SocialAdsAdapter, sandbox: Sandbox) -> None:
    await adapter.delete_audience(_audience(sandbox))


async def _lead_status(adapter: SocialAdsAdapter, sandbox: Sandbox) -> None:
    await adapter.report_lead_status([LeadFeedback(sandbox.world.leads[0].leads_id, "CONFIRM_EFFECTIVE")])


async def _expire(sandbox: Sandbox) -> None:
    await sandbox.platforms["social_ads"].actions()["expire_token"]({})


_Write = tuple[str, Literal["idempotent", "once"], Callable[[Any, Sandbox], Awaitable[object]], str, str]
#: Name, repeat class, call, path, effect.
_WRITES: Sequence[_Write] = (
    (
        "set_account_budget",
        "idempotent",
        lambda a, _: a.set_account_budget(300_000),
        "advertiser/update_daily_budget",
        "account_budget",
    ),
    ("create_ad", "idempotent", _create_ad, "adgroups/add", "adgroup"),
    ("update_ad", "idempotent", _edit, "adgroups/update", "adgroup_update"),
    ("switch_ads", "idempotent", _switch, "adgroups/update_configured_status", "adgroup_status"),
    ("set_budgets", "idempotent", _budget, "adgroups/update_daily_budget", "adgroup_budget"),
    ("create_audience", "once", lambda a, _: a.create_audience("会员"), "custom_audiences/add", "audience"),
    ("update_audience", "idempotent", _rename, "custom_audiences/update", "audience_update"),
    ("delete_audience", "once", _delete, "custom_audiences/delete", "audience_delete"),
    ("send_audience_ids", "once", _upload, "custom_audience_files/add", "audience_file"),
    (
        "create_action_set",
        "once",
        lambda a, _: a.create_action_set("WEB", "官网"),
        "user_action_sets/add",
        "action_set",
    ),
    ("report_lead_status", "idempotent", _lead_status, "leads_status/update", "lead_status"),
)

CASE = Case(
    spec=TOOL,
    alias="main",
    operations=(
        Operation("ping", "read", _ping, "GET /v3.0/adgroups/get"),
        Operation("adgroups", "read", _adgroups, "GET /v3.0/adgroups/get"),
        Operation("daily_reports", "read", _daily_reports, "GET /v3.0/daily_reports/get"),
        Operation("leads", "read", _leads, "GET /v3.0/leads_list/get"),
        Operation(
            "report_conversions",
            "idempotent",
            _report,
            "POST /v3.0/user_actions/add",
            effect_kind="user_action.PURCHASE",
            effects=1,
        ),
        Operation("advertiser", "read", lambda a, _: a.advertiser(), "GET /v3.0/advertiser/get"),
        Operation("funds", "read", lambda a, _: a.funds(), "GET /v3.0/funds/get"),
        Operation("realtime_costs", "read", _costs, "GET /v3.0/realtime_cost/get"),
        Operation("creatives", "read", lambda a, _: a.creatives(), "GET /v3.0/dynamic_creatives/get"),
        Operation("hourly_reports", "read", _hours, "GET /v3.0/hourly_reports/get"),
        Operation("audiences", "read", lambda a, _: a.audiences(), "GET /v3.0/custom_audiences/get"),
        Operation("audience", "read", _read_audience, "GET /v3.0/custom_audiences/get"),
        Operation("audience_files", "read", lambda a, _: a.audience_files(1), "GET /v3.0/custom_audience_files/get"),
        Operation("action_sets", "read", lambda a, _: a.action_sets(), "GET /v3.0/user_action_sets/get"),
        *(
            Operation(name, repeat, run, f"POST /v3.0/{path}", effect_kind=kind, effects=1)
            for name, repeat, run, path, kind in _WRITES
        ),
    ),
    secrets=lambda settings: [
        str(settings[name]) for name in ("client_secret", "access_token", "refresh_token", "click_key")
    ],
    refused_token=_expire,
)
