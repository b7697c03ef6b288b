"""Login on web pages, and the ticket of the JS-SDK."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.checks import Endpoints
from adapters.official_account.sandbox.errors import Refused
from adapters.official_account.sandbox.shelf import WebCode, WebToken
from sandbox.platform import Kit

CODE_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(seconds=7200)
#: Hosts of the brand's pages, as the console has them (JS接口安全域名).
TRUSTED_HOSTS = ("m.yujian.example",)


class Web:
    """网页授权, JS-SDK."""

    def __init__(self, name: str, accounts: Mapping[str, Account], kit: Kit) -> None:
        self._name = name
        self._accounts = accounts
        self._kit = kit
        #: Paths that take no token of an account.
        self.open_paths: Mapping[str, Callable[[Mapping[str, str]], Mapping[str, Any]]] = {
            "/sns/oauth2/access_token": self._access_token,
            "/sns/oauth2/refresh_token": self._refresh_token,
            "/sns/userinfo": self._userinfo,
            "/sns/auth": self._auth,
        }
        self._tickets: dict[str, tuple[str, Any]] = {}

    def endpoints(self) -> Endpoints:
        """See ``Api``."""
        return {"/cgi-bin/ticket/getticket": ("GET", self._ticket)}

    def code(self, account: Account, openid: str, scope: str, *, snapshot: bool) -> str:
        """Somebody opens a page."""
        code = secrets.token_hex(16)
        account.shelf.web_codes[code] = WebCode(openid, scope, self._kit.clock.now(), snapshot)
        return code

    def check_page(self, account: Account, given: Mapping[str, Any]) -> str:
        """What ``wx.config`` of a page answers."""
        page = str(given["url"]).partition("#")[0]
        if urlsplit(page).hostname not in TRUSTED_HOSTS:
            return "config:invalid url domain"
        ticket, until = self._tickets.get(f"{account.settings.appid}/jsapi", ("", None))
        text = f"jsapi_ticket={ticket}&noncestr={given['nonceStr']}&timestamp={given['timestamp']}&url={page}"
        good = until is not None and until > self._kit.clock.now()
        if not good or hashlib.sha1(text.encode()).hexdigest() != given["signature"]:
            return "config:invalid signature"
        return "config:ok"

    def _ticket(self, account: Account, given: Mapping[str, str]) -> Mapping[str, Any]:
        if given.get("type") not in {"jsapi", "wx_card"}:
            raise Refused(40097)
        now, name = self._kit.clock.now(), f"{account.settings.appid}/{given['type']}"
        if name not in self._tickets or self._tickets[name][1] <= now:
            self._tickets[name] = (secrets.token_urlsafe(64), now + TOKEN_LIFE)
        ticket, until = self._tickets[name]
        return {"errcode": 0, "errmsg": "ok", "ticket": ticket, "expires_in": int((until - now).total_seconds())}

    def _access_token(self, given: Mapping[str, str]) -> Mapping[str, Any]:
        account = self._owner(given)
        if given.get("secret") != account.settings.secret:
            raise Refused(40125)
        if given.get("grant_type") != "authorization_code":
            raise Refused(40002)
        if not given.get("code"):
            raise Refused(41008)
        code = account.shelf.web_codes.get(given["code"])
        if code is None:
            raise Refused(40029)
        if code.used:
            raise Refused(40163)
        if self._kit.clock.now() - code.at >= CODE_LIFE:
            raise Refused(42003)
        code.used = True
        self._kit.effect(self._name, "web_code_used", f"{account.settings.appid}/{code.openid}")
        answer = self._issue(account, code.openid, code.scope)
        if code.snapshot:
            answer["is_snapshotuser"] = 1
        if code.scope == "snsapi_userinfo" and account.unionids[code.openid]:
            answer["unionid"] = account.unionids[code.openid]
        return answer

    def _refresh_token(self, given: Mapping[str, str]) -> Mapping[str, Any]:
        account = self._owner(given)
        for held in account.shelf.web_tokens.values():
            if held.refresh == given.get("refresh_token"):
                return self._issue(account, held.openid, held.scope, held.refresh)
        raise Refused(40030)

    def _issue(self, account: Account, openid: str, scope: str, refresh: str = "") -> dict[str, Any]:
        token, refresh = secrets.token_urlsafe(48), refresh or secrets.token_urlsafe(48)
        account.shelf.web_tokens[token] = WebToken(openid, scope, self._kit.clock.now() + TOKEN_LIFE, refresh)
        return {
            "access_token": token,
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "refresh_token": refresh,
            "openid": openid,
            "scope": scope,
        }

    def _userinfo(self, given: Mapping[str, str]) -> Mapping[str, Any]:
        account, held = self._held(given)
        if held.scope != "snsapi_userinfo":
            raise Refused(50001)
        return {
            "openid": held.openid,
            "nickname": "微信用户",
            "sex": 0,
            "province": "",
            "city": "",
            "country": "",
            "headimgurl": "https://thirdwx.qlogo.cn/mmopen/vi_32/invented/132",
            "privilege": [],
            "unionid": account.unionids[held.openid] or "",
        }

    def _auth(self, given: Mapping[str, str]) -> Mapping[str, Any]:
        self._held(given)
        return {"errcode": 0, "errmsg": "ok"}

    def _held(self, given: Mapping[str, str]) -> tuple[Account, WebToken]:
        for account in self._accounts.values():
            held = account.shelf.web_tokens.get(given.get("access_token", ""))
            if held is None:
                continue
            if held.until <= self._kit.clock.now():
                raise Refused(42001)
            if held.openid != given.get("openid"):
                raise Refused(40003)
            return account, held
        raise Refused(40001)

    def _owner(self, given: Mapping[str, str]) -> Account:
        account = self._accounts.get(given.get("appid", ""))
        if account is None:
            raise Refused(40013)
        return account
