"""The endpoints, and the order in which the platform checks: token, verb, JSON, meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from adapters.official_account.sandbox import figures
from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.callbacks import Callbacks
from adapters.official_account.sandbox.checks import Handler
from adapters.official_account.sandbox.content import FILE, Content
from adapters.official_account.sandbox.errors import Refused
from adapters.official_account.sandbox.mass import Mass
from adapters.official_account.sandbox.messages import Messages
from adapters.official_account.sandbox.people import People
from adapters.official_account.sandbox.tokens import Issuer
from adapters.official_account.sandbox.web import Web
from sandbox.faults import CODE_KEY
from sandbox.platform import Kit

#: Escapes of anything but control characters: the platform wants the characters themselves.
_ESCAPED = re.compile(rb"\\u(?!00[0-7])[0-9a-fA-F]{4}")


class Api:
    """``https://api.weixin.qq.com`` for the given accounts, by appid."""

    def __init__(
        self, name: str, accounts: Mapping[str, Account], callbacks: Mapping[str, Callbacks], kit: Kit
    ) -> None:
        self._name = name
        self._accounts = accounts
        self._kit = kit
        self.people = People(name, kit)
        self.messages = Messages(name, callbacks, kit)
        self.mass = Mass(name, callbacks, kit)
        self.content = Content(name, callbacks, kit)
        self.web = Web(name, accounts, kit)
        self._endpoints: dict[str, tuple[str, Handler]] = {
            "/cgi-bin/get_api_domain_ip": ("GET", self._addresses),
            "/cgi-bin/getcallbackip": ("GET", self._addresses),
            **self.people.endpoints(),
            **self.messages.endpoints(),
            **self.mass.endpoints(),
            **self.content.endpoints(),
            **figures.endpoints(kit),
            **self.web.endpoints(),
        }

    async def handle(self, request: Request) -> Response:
        """One request to any path."""
        try:
            answer = await self._answer(request)
            file = answer.get(FILE)
            return Response(file[1], media_type=file[0]) if file else _json(answer)
        except Refused as refused:
            return _json(refused.body(self._kit.clock.now()))
        except LookupError:
            return Response(status_code=404)

    async def _answer(self, request: Request) -> Mapping[str, Any]:
        path = request.url.path
        if path == "/cgi-bin/token":
            return self._token(request)
        if path == "/cgi-bin/stable_token":
            return await self._stable_token(request)
        if path in self.web.open_paths:
            self._told_to_refuse(request)
            if request.method != "GET":
                raise Refused(43001)
            return self.web.open_paths[path](request.query_params)
        verb, handler = self._endpoints[path]
        account = self._authenticated(request)
        self._told_to_refuse(request)
        if request.method != verb:
            raise Refused(43001 if verb == "GET" else 43002)
        if path == "/cgi-bin/media/upload":
            file = await request.body(), request.headers.get("content-type", "")
            return self.content.media_upload(account, request.query_params.get("type", ""), *file)
        given = await _json_body(request) if verb == "POST" else request.query_params
        return handler(account, given)

    # Tokens ---------------------------------------------------------------------------------------

    def _token(self, request: Request) -> Mapping[str, Any]:
        if request.method != "GET":
            raise Refused(43001)
        account = self._credentials(request.query_params)
        self._told_to_refuse(request)
        value, seconds = account.token.issue(self._kit.clock.now())
        return {"access_token": value, "expires_in": seconds}

    async def _stable_token(self, request: Request) -> Mapping[str, Any]:
        if request.method != "POST":
            raise Refused(43002)
        body = await _json_body(request)
        account = self._credentials(body)
        self._told_to_refuse(request)
        force = body.get("force_refresh", False) is True
        before = account.stable_token.current
        value, seconds = account.stable_token.stable(self._kit.clock.now(), force=force)
        if value != before:
            self._kit.effect(self._name, "stable_token", account.settings.appid, forced=force)
        return {"access_token": value, "expires_in": seconds}

    def _credentials(self, given: Mapping[str, Any]) -> Account:
        if given.get("grant_type") != "client_credential":
            raise Refused(40002)
        if not given.get("appid"):
            raise Refused(41002)
        if not given.get("secret"):
            raise Refused(41004)
        account = self._accounts.get(str(given["appid"]))
        if account is None:
            raise Refused(40013)
        if given["secret"] != account.settings.secret:
            raise Refused(40125)
        return account

    def _authenticated(self, request: Request) -> Account:
        token = request.query_params.get("access_token", "")
        if not token:
            raise Refused(41001)
        for account in self._accounts.values():
            for issuer in (account.stable_token, account.token):
                if issuer.knows(token):
                    return self._judged(account, issuer, token)
        raise Refused(40001)

    def _judged(self, account: Account, issuer: Issuer, token: str) -> Account:
        code = issuer.verdict(token, self._kit.clock.now())
        if code:
            raise Refused(code)
        return account

    def _told_to_refuse(self, request: Request) -> None:
        if CODE_KEY in request.scope:
            raise Refused(int(request.scope[CODE_KEY]))

    def _addresses(self, _account: Account, _given: Any) -> Mapping[str, Any]:
        return {"ip_list": ["203.0.113.16/28", "203.0.113.80"]}


async def _json_body(request: Request) -> Mapping[str, Any]:
    raw = await request.body()
    if not raw:
        raise Refused(44002)
    if _ESCAPED.search(raw):
        raise Refused(40033)
    try:
        value = orjson.loads(raw)
    except ValueError:
        raise Refused(47001) from None
    if not isinstance(value, dict):
        raise Refused(47001)
    return value


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json; encoding=utf-8")
