"""The platform as the sandbox's server sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.api import Api
from adapters.official_account.sandbox.callbacks import Callbacks
from adapters.official_account.sandbox.web import TRUSTED_HOSTS
from sandbox.faults import App
from sandbox.platform import Action, Kit
from sandbox.world import World

_VERBS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


class Sandbox:
    """公众号. Tests may shrink ``api.page_size`` and reach into ``accounts``, keyed by appid."""

    name = "official_account"

    def __init__(self, world: World, kit: Kit) -> None:
        self._world = world
        self._kit = kit
        self.accounts = {a.appid: Account(world, a) for a in world.official_accounts}
        self.callbacks = {a.appid: Callbacks(self.name, a, kit) for a in world.official_accounts}
        self.api = Api(self.name, self.accounts, self.callbacks, kit)
        self.app: App = Starlette(routes=[Route("/{path:path}", self.api.handle, methods=_VERBS)])

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``sandbox.platform.Platform``."""
        return {
            "accounts": {a.alias: self._settings(a.appid, base_url) for a in self._world.official_accounts},
            "known": {
                a.alias: {
                    "followers": self._followers_of_the_cast(a.appid),
                    "templates": self.accounts[a.appid].template_names,
                    "subscribe_templates": self.accounts[a.appid].shelf.subscribe_names,
                    "drafts": list(self.accounts[a.appid].shelf.drafts),
                }
                for a in self._world.official_accounts
            },
        }

    def actions(self) -> Mapping[str, Action]:
        """See ``sandbox.platform.Platform``. ``person`` is a person's key or a story of the cast.

        - follow {appid, person, scene?}: through the QR code of a scene, or by search
        - unfollow {appid, person}
        - scan {appid, person, scene}: SCAN for a follower, else they follow
        - say {appid, person, text}: a follower writes to the account
        - subscribe_answer {appid, person, template, answer}: accept or reject of a template's question
        - force_refresh {appid}: another program of the brand makes a new stable token
        - template_status {status}: what TEMPLATESENDJOBFINISH says from now on
        - mass_status {status}: what MASSSENDJOBFINISH says from now on
        - web_code {appid, person, scope?, snapshot?} → {code}: somebody opens a page of the account
        - check_page {appid, url, timestamp, nonceStr, signature} → {errMsg}: the page calls wx.config
        - check_url {appid}: the console's check of the webhook URL
        """
        return {
            "follow": self._follow,
            "unfollow": self._unfollow,
            "scan": self._scan,
            "say": self._say,
            "subscribe_answer": self._subscribe_answer,
            "force_refresh": self._force_refresh,
            "template_status": self._template_status,
            "mass_status": self._mass_status,
            "web_code": self._web_code,
            "check_page": self._check_page,
            "check_url": self._check_url,
        }

    def _settings(self, appid: str, base_url: str) -> Mapping[str, Any]:
        settings = self.accounts[appid].settings
        return {
            "base_url": base_url,
            "kind": "service_account",
            "legal_entity": self._world.merchants[0].legal_entity,
            "appid": appid,
            "secret": settings.secret,
            "gh_id": settings.gh_id,
            "callback_token": settings.callback_token,
            "aes_key": settings.aes_key,
            "encrypted": settings.encrypted,
            "trusted_hosts": list(TRUSTED_HOSTS),
        }

    def _followers_of_the_cast(self, appid: str) -> Mapping[str, str]:
        people = {story: self._world.people[key] for story, key in self._world.cast.items()}
        return {
            story: person.openids[appid]
            for story, person in people.items()
            if person.openids.get(appid) in self.accounts[appid].followers
        }

    # Actions --------------------------------------------------------------------------------------

    async def _follow(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        account, openid = self._who(given)
        self._now_follows(account, openid, str(given.get("scene", "")))
        return {"openid": openid}

    async def _unfollow(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        account, openid = self._who(given)
        if openid not in account.subscribed():
            raise ValueError("this person does not follow the account")
        account.followers[openid].subscribed = False
        appid = account.settings.appid
        self._kit.effect(self.name, "unfollowed", f"{appid}/{openid}")
        self.callbacks[appid].event(openid, "unsubscribe", EventKey="")
        return {"openid": openid}

    async def _scan(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        account, openid = self._who(given)
        scene = str(given["scene"])
        if openid in account.subscribed():
            account.interacted(openid, "scan", self._kit.clock.now())
            self.callbacks[account.settings.appid].event(openid, "SCAN", EventKey=scene, Ticket=_ticket(scene))
        else:
            self._now_follows(account, openid, scene)
        return {"openid": openid}

    async def _say(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        account, openid = self._who(given)
        if openid not in account.subscribed():
            raise ValueError("this person does not follow the account")
        account.interacted(openid, "message", self._kit.clock.now())
        self.callbacks[account.settings.appid].message(openid, str(given.get("text", "你好")))
        return {"openid": openid}

    async def _subscribe_answer(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        account, openid = self._who(given)
        template, answer = str(given["template"]), str(given["answer"])
        one = {"TemplateId": template, "SubscribeStatusString": answer, "PopupScene": "1"}
        grants, whose = account.shelf.grants, (openid, template)
        grants[whose] = grants.get(whose, 0) + 1 if answer == "accept" else 0
        name, popup = "subscribe_msg_popup_event", {"List": one}
        self.callbacks[account.settings.appid].event(openid, name, SubscribeMsgPopupEvent=popup)
        return {"openid": openid}

    def _now_follows(self, account: Account, openid: str, scene: str) -> None:
        if openid in account.subscribed():
            raise ValueError("this person follows the account already")
        way = "ADD_SCENE_QR_CODE" if scene else "ADD_SCENE_SEARCH"
        account.follow(openid, way, scene, self._kit.clock.now())
        account.interacted(openid, "follow", self._kit.clock.now())
        appid = account.settings.appid
        self._kit.effect(self.name, "followed", f"{appid}/{openid}", scene=scene)
        if scene:
            self.callbacks[appid].event(openid, "subscribe", EventKey="qrscene_" + scene, Ticket=_ticket(scene))
        else:
            self.callbacks[appid].event(openid, "subscribe", EventKey="")

    async def _force_refresh(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        account = self._account(given)
        before = account.stable_token.current
        now, _ = account.stable_token.stable(self._kit.clock.now(), force=True)
        return {"refreshed": now != before}

    async def _template_status(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        self.api.messages.template_status = str(given["status"])
        return {"status": self.api.messages.template_status}

    async def _mass_status(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        self.api.mass.status = str(given["status"])
        return {"status": self.api.mass.status}

    async def _web_code(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        account, openid = self._who(given)
        scope, snapshot = str(given.get("scope", "snsapi_base")), bool(given.get("snapshot"))
        return {"code": self.api.web.code(account, openid, scope, snapshot=snapshot)}

    async def _check_page(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"errMsg": self.api.web.check_page(self._account(given), given)}

    async def _check_url(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ok": await self.callbacks[self._account(given).settings.appid].check_url()}

    def _account(self, given: Mapping[str, Any]) -> Account:
        account = self.accounts.get(str(given["appid"]))
        if account is None:
            raise ValueError("there is no official account with this appid")
        return account

    def _who(self, given: Mapping[str, Any]) -> tuple[Account, str]:
        account = self._account(given)
        key = str(given["person"])
        person = self._world.people.get(self._world.cast.get(key, key))
        if person is None or account.settings.appid not in person.openids:
            raise ValueError("there is no such person, or this account has no openid for them")
        return account, person.openids[account.settings.appid]


def _ticket(scene: str) -> str:
    """The ticket of the QR code with this scene."""
    return "gQ" + scene.encode().hex()
