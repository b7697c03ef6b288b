"""Endpoints of a mini-program: login, phone number, quota query; and the token that both kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.mini_program_store.sandbox.gate import VERBS, Gate, check_verb, json_body, told_code
from adapters.mini_program_store.sandbox.state import CODE_LIFE, App, Code, State
from adapters.mini_program_store.sandbox.wire import Refusal, answer, arguments, ok
from sandbox.platform import Kit

NAME = "mini_program_store"


@dataclass(frozen=True, slots=True)
class MiniProgramApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    kit: Kit

    def routes(self) -> list[Route]:
        """Everything a mini-program's server may call, and stable_token."""
        phone, quota = "/wxa/business/getuserphonenumber", "/cgi-bin/openapi/quota/get"
        return [
            Route("/cgi-bin/stable_token", self.stable_token, methods=VERBS),
            Route("/sns/jscode2session", self.jscode2session, methods=VERBS),
            self.gate.post(phone, "mini_program", self.getuserphonenumber),
            self.gate.post(quota, "both", self.quota_get),
        ]

    async def stable_token(self, request: Request) -> Response:
        """POST /cgi-bin/stable_token."""
        check_verb(request, "POST")
        body = await json_body(request)
        if body.get("grant_type") != "client_credential":
            raise Refusal(40002, "invalid grant_type")
        app = self.gate.desk.check_secret(body.get("appid"), body.get("secret"))
        told_code(request)
        return answer(self.gate.desk.stable(app.owner.appid, body.get("force_refresh") is True))

    async def jscode2session(self, request: Request) -> Response:
        """GET /sns/jscode2session: no token, the secret is in the query."""
        query = request.query_params
        check_verb(request, "GET")
        app = self.gate.desk.check_secret(query.get("appid"), query.get("secret"))
        told_code(request)
        if app.product != "mini_program":
            raise Refusal(40013, "invalid appid")
        if not query.get("js_code"):
            raise Refusal(41008, "missing code")
        if query.get("grant_type") != "authorization_code":
            raise Refusal(40002, "invalid grant_type")
        return answer(self._session(app, query["js_code"]))

    def _session(self, app: App, js_code: str) -> Mapping[str, Any]:
        code = self._live(self.state.login_codes.get(js_code), app)
        if code.used:
            raise Refusal(40163, "code been used")
        code.used = True
        openid = code.person.openids[app.owner.appid]
        session = {"session_key": self.state.new_session_key(app.owner.appid, openid), "openid": openid}
        self.kit.effect(NAME, "login_code_used", js_code, openid=openid)
        # A user whose apps are not bound to one Open Platform account has no unionid, and there is no
        # errcode in the answer of a success.
        return {**session, "unionid": code.person.unionid} if code.person.unionid else session

    def getuserphonenumber(self, app: App, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST /wxa/business/getuserphonenumber: unknown, used, late and foreign codes are all 40029."""
        if not isinstance(body.get("code"), str):
            raise arguments("code: expecting a string")
        code = self._live(self.state.phone_codes.get(body["code"]), app)
        openid = code.person.openids[app.owner.appid]
        if code.used or body.get("openid", openid) != openid:
            raise Refusal(40029, "invalid code")
        code.used = True
        self.kit.effect(NAME, "phone_code_used", body["code"], openid=openid)
        phone = code.person.phone
        at = int(self.kit.clock.now().timestamp())
        return ok(
            phone_info={
                "phoneNumber": phone,
                "purePhoneNumber": phone,
                "countryCode": "86",
                "watermark": {"timestamp": at, "appid": app.owner.appid},
            }
        )

    def _live(self, code: Code | None, app: App) -> Code:
        late = code is not None and self.kit.clock.now() - code.issued_at > CODE_LIFE
        if code is None or code.appid != app.owner.appid or late:
            raise Refusal(40029, "invalid code")
        return code

    def quota_get(self, _app: App, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST /cgi-bin/openapi/quota/get."""
        path = body.get("cgi_path")
        if not isinstance(path, str) or not path.startswith("/"):
            raise Refusal(76021, "cgi_path not found, please check")
        used = self.kit.journal.count(NAME, f"POST {path}")
        return ok(quota={"daily_limit": 1_000_000, "used": used, "remain": 1_000_000 - used})
