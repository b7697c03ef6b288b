"""腾讯广告 emulated: the consent's token pair, ads, reports, leads, conversions, and pushed clicks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adapters.social_ads.sandbox import clicks, lead_status, lists, reports
from adapters.social_ads.sandbox.accounts import Advertiser
from adapters.social_ads.sandbox.actions import UserActions
from adapters.social_ads.sandbox.ads import Ads
from adapters.social_ads.sandbox.audiences import Audiences
from adapters.social_ads.sandbox.envelope import Parameters, Refusal, answer, refuse
from adapters.social_ads.sandbox.gate import Gate
from adapters.social_ads.sandbox.oauth import OAuth
from sandbox.faults import CODE_KEY
from sandbox.platform import Action, Kit
from sandbox.world import Lead, World
from sandbox.world.names import hexa

SET_ID: Final = 1200118316
_CALLBACK: Final = "https://api.e.qq.com/v3.0/user_actions/add"
_Handler = Callable[[Request, bytes], Mapping[str, Any]]


class Sandbox:
    """The platform, with one advertiser account that granted one application."""

    name = "social_ads"

    def __init__(self, world: World, kit: Kit) -> None:
        self._world = world
        self._kit = kit
        self._calls = 0
        self._numbers: Counter[str] = Counter()
        self.ad_groups = list(world.ad_groups)
        self.leads = list(world.leads)
        self.lead_statuses: dict[str, object] = {}
        self.click_key = hexa(world.seed, "ads/click-key", 32)
        self.oauth = OAuth(
            kit,
            world.ad_client_id,
            world.ad_client_secret,
            world.ad_access_token,
            world.ad_refresh_token,
            world.ad_account,
        )
        self.gate = Gate(self.oauth, kit.clock)
        appids = frozenset(program.appid for program in world.mini_programs)
        self._actions = UserActions(kit, world.ad_account, SET_ID, appids)
        self.advertiser = Advertiser(kit, world.ad_account, world.brand, self.ad_groups, world.seed)
        self.ads = Ads(kit, world.ad_account, self.ad_groups, self.advertiser)
        self.audiences = Audiences(kit, world.ad_account, tuple(world.people.values()))
        self.app = Starlette(
            routes=[
                Route("/oauth/authorize", self._page),
                Route("/oauth/token", self._consent(self.oauth.token)),
                Route("/oauth/refresh_token", self._consent(self.oauth.refresh_token)),
                *(Route(f"/v3.0/{path}", self._business(handle)) for path, handle in self._reads().items()),
                *(
                    Route(f"/v3.0/{path}", self._business(handle), methods=["POST"])
                    for path, handle in self._writes().items()
                ),
            ]
        )

    def _reads(self) -> Mapping[str, _Handler]:
        def on(handle: Callable[[Parameters], Mapping[str, Any]]) -> _Handler:
            return lambda request, _: handle(self._parameters(request))

        return {
            "advertiser/get": on(self.advertiser.get),
            "funds/get": on(self.advertiser.funds),
            "realtime_cost/get": on(self.advertiser.realtime_cost),
            "adgroups/get": on(self.ads.get),
            "dynamic_creatives/get": on(self.ads.creatives),
            "daily_reports/get": on(self._daily_reports),
            "hourly_reports/get": on(self._hourly_reports),
            "custom_audiences/get": on(self.audiences.get),
            "custom_audience_files/get": on(self.audiences.files),
            "user_action_sets/get": on(lambda _: self._actions.sets_get()),
            "leads_list/get": on(lambda asked: lists.leads(self.leads, self._world.people, asked)),
        }

    def _writes(self) -> Mapping[str, _Handler]:
        def on(handle: Callable[[bytes], Mapping[str, Any]]) -> _Handler:
            return lambda _, body: handle(body)

        return {
            "advertiser/update_daily_budget": on(self.advertiser.update_daily_budget),
            "adgroups/add": lambda request, body: self.ads.add(body, request.headers.get("x-request-id", "")),
            "adgroups/update": on(self.ads.update),
            "adgroups/update_configured_status": on(self.ads.update_configured_status),
            "adgroups/update_daily_budget": on(self.ads.update_daily_budget),
            "custom_audiences/add": on(self.audiences.add),
            "custom_audiences/update": on(self.audiences.update),
            "custom_audiences/delete": on(self.audiences.delete),
            "custom_audience_files/add": lambda request, body: self.audiences.add_file(
                request.headers.get("content-type", ""), body
            ),
            "user_action_sets/add": on(self._actions.sets_add),
            "user_actions/add": on(self._actions.add),
            "leads_status/update": on(
                lambda body: lead_status.update(self._kit, self._world.ad_account, self.leads, self.lead_statuses, body)
            ),
        }

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``sandbox.platform.Platform``."""
        return {
            "accounts": {
                "main": {
                    "base_url": base_url,
                    "consent_url": f"{base_url}/oauth/authorize",
                    "account_id": self._world.ad_account,
                    "client_id": self._world.ad_client_id,
                    "client_secret": self._world.ad_client_secret,
                    "access_token": self._world.ad_access_token,
                    "refresh_token": self._world.ad_refresh_token,
                    "user_action_set_id": SET_ID,
                    "click_key": self.click_key,
                }
            },
            "known": {
                "adgroups": [ad.adgroup_id for ad in self.ad_groups],
                "leads": [lead.leads_id for lead in self.leads],
                "appid": self._world.mini_programs[0].appid,
            },
        }

    def actions(self) -> Mapping[str, Action]:
        """What people do here."""
        return {
            "click": self._click,
            "lead": self._lead,
            "expire_token": self._expire_token,
            "revoke": self._revoke,
        }

    # Requests -------------------------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        try:
            return RedirectResponse(self.oauth.authorize(request.query_params), 302)
        except Refusal as refusal:
            return refuse(refusal, self._trace(), "")

    def _consent(self, handle: Callable[[Mapping[str, str]], Mapping[str, Any]]) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            trace = self._trace()
            try:
                self.oauth.check_application(request.query_params)
                _told_code(request)
                return answer(handle(request.query_params), trace, "")
            except Refusal as refusal:
                return refuse(refusal, trace, "")

        return serve

    def _business(self, handle: _Handler) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            trace, endpoint = self._trace(), request.url.path
            body = await request.body()
            try:
                self.gate.pass_(request.query_params)
                _told_code(request)
                remaining = self.gate.count(endpoint)
                return answer(handle(request, body), trace, remaining)
            except Refusal as refusal:
                return refuse(refusal, trace, self.gate.remaining(endpoint))

        return serve

    def _trace(self) -> str:
        self._calls += 1
        return hashlib.sha256(f"trace/{self._calls}".encode()).hexdigest()[:32]

    def _parameters(self, request: Request) -> Parameters:
        parameters = Parameters(request.query_params)
        if parameters.integer("account_id") != self._world.ad_account:
            # Which code the platform has for a foreign account is not documented; this is the nearest.
            raise Refusal(11014, "The account is outside the authorisation.", "无权限")
        return parameters

    def _daily_reports(self, parameters: Parameters) -> Mapping[str, Any]:
        return reports.daily_reports(self.ad_groups, self._kit.clock.now(), self._world.seed, parameters)

    def _hourly_reports(self, parameters: Parameters) -> Mapping[str, Any]:
        return reports.hourly_reports(self.ad_groups, self._kit.clock.now(), self._world.seed, parameters)

    # People ---------------------------------------------------------------------------------------

    async def _click(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A shopper clicks an ad: {person, adgroup_id, openid_appid?, empty?: [macro], unreplaced?: [macro]}.

        Answers the tracked ``click_id`` and the ``gdt_vid`` of the landing page, which differ.
        """
        person = self._world.people[str(body["person"])]
        ad = self._ad(body)
        appid = str(body.get("openid_appid") or self._world.mini_programs[0].appid)
        now = int(self._kit.clock.now().timestamp())
        number = self._next("click")
        macros = {
            "ACCOUNT_ID": str(self._world.ad_account),
            "CLICK_ID": self._id("click", number)[:20],
            "CLICK_TIME": str(now),
            "IMPRESSION_ID": "imp" + self._id("impression", number)[:16],
            "IMPRESSION_TIME": str(now - 2),
            "ADGROUP_ID": str(ad),
            "DYNAMIC_CREATIVE_ID": "880001",
            "REQUEST_ID": "req" + self._id("request", number)[:16],
            "WECHAT_OPEN_ID": person.openids.get(appid, ""),
            "CALLBACK": f"{_CALLBACK}?cb={self._id('cb', number)}%2B&conv_id={number}",
        }
        for name in body.get("empty", ()):
            macros[str(name)] = ""
        for name in body.get("unreplaced", ()):
            macros.pop(str(name), None)
        gdt_vid = "wx0" + self._id("gdt_vid", number)[:13]
        self._kit.effect(self.name, "click", self._id("click", number)[:20], adgroup_id=ad, gdt_vid=gdt_vid)
        target = self._kit.pusher.target(self.name, str(self._world.ad_account))
        if target is not None:
            url = clicks.filled(clicks.link(target, self.click_key), macros)
            clicks.push_click(self._kit, self._world.ad_account, url)
        return {"click_id": macros.get("CLICK_ID", ""), "gdt_vid": gdt_vid, "pushed": target is not None}

    async def _lead(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A shopper leaves name and phone on an ad's form: {person, adgroup_id}."""
        person = self._world.people[str(body["person"])]
        lead = Lead(
            self._world.ad_account,
            max((known.leads_id for known in self.leads), default=700000) + 1,
            self._ad(body),
            "wx0" + self._id("lead", self._next("lead"))[:13],
            person.key,
            self._kit.clock.now().replace(microsecond=0),
        )
        self.leads.append(lead)
        self._kit.effect(self.name, "lead", str(lead.leads_id), adgroup_id=lead.adgroup_id)
        return {"leads_id": lead.leads_id, "click_id": lead.click_id}

    async def _expire_token(self, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The access token's 24 hours are over."""
        self.oauth.expire_access()
        return {"expired": True}

    async def _revoke(self, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The advertiser withdraws the consent: both tokens are dead."""
        self.oauth.revoke()
        return {"revoked": True}

    def _ad(self, body: Mapping[str, Any]) -> int:
        wanted = int(body["adgroup_id"])
        if wanted not in {ad.adgroup_id for ad in self.ad_groups}:
            raise ValueError(f"no adgroup {wanted}")
        return wanted

    def _next(self, kind: str) -> int:
        self._numbers[kind] += 1
        return self._numbers[kind]

    def _id(self, label: str, number: int) -> str:
        return hexa(self._world.seed, f"ads/{label}/{number}", 32)


def _told_code(request: Request) -> None:
    """The control API may have this call answered with a business code instead of handling it."""
    code = request.scope.get(CODE_KEY)
    if code is not None:
        raise Refusal(int(code), "told to fail", "按要求失败")
