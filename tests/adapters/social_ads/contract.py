"""social_ads in the contract suite."""

from __future__ import annotations

from datetime import timedelta

from adapters.base.errors import UpstreamError
from adapters.social_ads import TOOL, Conversion, ConversionAccepted, SocialAdsAdapter
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


async def _expire(sandbox: Sandbox) -> None:
    await sandbox.platforms["social_ads"].actions()["expire_token"]({})


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
    ),
    secrets=lambda settings: [
        str(settings[name]) for name in ("client_secret", "access_token", "refresh_token", "click_key")
    ],
    refused_token=_expire,
)
