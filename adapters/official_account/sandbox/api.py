"""The endpoints, and the order in which the platform checks: token, verb, JSON, meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.callbacks import Callbacks
from adapters.official_account.sandbox.errors import Refused
from adapters.official_account.sandbox.tokens import Issuer
from sandbox.faults import CODE_KEY
from sandbox.platform import Kit

OPENIDS_PER_PAGE = 10_000
USERS_PER_CALL = 100
#: Bytes of a text.
TEXT_BYTES = 2048
#: Escapes of anything but control characters: the platform wants the characters themselves.
_ESCAPED = re.compile(rb"\\u(?!00[0-7])[0-9a-fA-F]{4}")

Handler = Callable[[Account, Any], Mapping[str, Any]]


class Api:
    """``https://api.weixin.qq.com`` for the given accounts, by appid."""

    def __init__(
        self, name: str, accounts: Mapping[str, Account], callbacks: Mapping[str, Callbacks], kit: Kit
    ) -> None:
        self._name = name
        self._accounts = accounts
        self._callbacks = callbacks
        self._kit = kit
        self.page_size = OPENIDS_PER_PAGE
        #: What TEMPLATESENDJOBFINISH will say.
        self.template_status = "success"
        self._endpoints: dict[str, tuple[str, Handler]] = {
            "/cgi-bin/get_api_domain_ip": ("GET", self._addresses),
            "/cgi-bin/getcallbackip": ("GET", self._addresses),
            "/cgi-bin/user/get": ("GET", self._user_get),
            "/cgi-bin/user/info": ("GET", self._user_info),
            "/cgi-bin/user/info/batchget": ("POST", self._batchget),
            "/cgi-bin/tags/get": ("GET", self._tags_get),
            "/cgi-bin/message/template/send": ("POST", self._template_send),
            "/cgi-bin/message/custom/send": ("POST", self._custom_send),
        }

    async def handle(self, request: Request) -> Response:
        """One request to any path."""
        try:
            return _json(await self._answer(request))
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
        verb, handler = self._endpoints[path]
        account = self._authenticated(request)
        self._told_to_refuse(request)
        if request.method != verb:
            raise Refused(43001 if verb == "GET" else 43002)
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

    # Followers and tags ---------------------------------------------------------------------------

    def _addresses(self, _account: Account, _given: Any) -> Mapping[str, Any]:
        return {"ip_list": ["203.0.113.16/28", "203.0.113.80"]}

    def _user_get(self, account: Account, given: Mapping[str, str]) -> Mapping[str, Any]:
        after = given.get("next_openid", "")
        if after and after not in account.followers:
            raise Refused(40003)
        order = list(account.followers.values())
        start = next((i + 1 for i, f in enumerate(order) if f.openid == after), 0)
        rest = [f.openid for f in order[start:] if f.subscribed]
        page = rest[: self.page_size]
        total = len(account.subscribed())
        if not page:
            return {"total": total, "count": 0, "next_openid": ""}
        return {"total": total, "count": len(page), "data": {"openid": page}, "next_openid": page[-1]}

    def _user_info(self, account: Account, given: Mapping[str, str]) -> Mapping[str, Any]:
        return account.user(_own(account, given.get("openid")))

    def _batchget(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        users = given.get("user_list")
        if not isinstance(users, list) or not 1 <= len(users) <= USERS_PER_CALL:
            raise Refused(40032)
        openids = [_own(account, user.get("openid") if isinstance(user, dict) else None) for user in users]
        return {"user_info_list": [account.user(openid) for openid in openids]}

    def _tags_get(self, account: Account, _given: Any) -> Mapping[str, Any]:
        return {"tags": account.tag_rows()}

    # Template messages ----------------------------------------------------------------------------

    def _template_send(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid = _own(account, given.get("touser"))
        template_id = given.get("template_id")
        if template_id not in account.templates:
            raise Refused(40037)
        if openid not in account.subscribed():
            raise Refused(43004)
        jump = given.get("miniprogram")
        if isinstance(jump, dict) and jump.get("appid") and jump["appid"] not in account.mini_programs:
            raise Refused(40166)
        data = given.get("data")
        bad = account.bad_field(str(template_id), data if isinstance(data, dict) else {})
        if bad:
            raise Refused(47003, f" data.{bad}.value invalid")
        key = str(given.get("client_msg_id") or "")
        msgid, new = account.accept_template(key, self._kit.clock.now())
        if new:
            self._deliver(account, openid, msgid, key, given)
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    def _deliver(self, account: Account, openid: str, msgid: int, key: str, given: Mapping[str, Any]) -> None:
        appid = account.settings.appid
        self._kit.effect(
            self._name,
            "template_sent",
            f"{appid}/{key or msgid}",
            msgid=msgid,
            message={k: v for k, v in given.items() if k != "client_msg_id"},
        )
        self._callbacks[appid].event(openid, "TEMPLATESENDJOBFINISH", MsgID=msgid, Status=self.template_status)

    # Customer-service messages -------------------------------------------------------------------

    def _custom_send(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid = _own(account, given.get("touser"))
        if openid not in account.subscribed():
            raise Refused(43004)
        kind = given.get("msgtype")
        if kind not in {"text", "news"}:
            raise Refused(40008)
        part = given.get(kind)
        _check_text(part) if kind == "text" else _check_news(part)
        refused = account.take_message(openid, self._kit.clock.now())
        if refused:
            raise Refused(refused)
        message = {"msgtype": kind, kind: part}
        self._kit.effect(self._name, "custom_sent", f"{account.settings.appid}/{openid}", message=message)
        return {"errcode": 0, "errmsg": "ok"}


def _check_text(part: object) -> None:
    content = part.get("content") if isinstance(part, dict) else None
    if not isinstance(content, str) or not content:
        raise Refused(44004)
    if len(content.encode()) > TEXT_BYTES:
        raise Refused(45002)


def _check_news(part: object) -> None:
    articles = part.get("articles") if isinstance(part, dict) else None
    if not isinstance(articles, list) or not articles:
        raise Refused(44003)
    if len(articles) > 1:
        raise Refused(45008)


def _own(account: Account, openid: object) -> str:
    """An openid of this appid; somebody else's is refused."""
    if not isinstance(openid, str) or openid not in account.unionids:
        raise Refused(40003)
    return openid


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
