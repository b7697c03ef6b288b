"""Endpoints of a mini-program: login, phone number, quota query; and the token that both kinds share."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.mini_program_store.sandbox.gate import VERBS, Gate, check_verb, json_body, told_code
from adapters.mini_program_store.sandbox.push import Desk, subscribe_event
from adapters.mini_program_store.sandbox.state import CODE_LIFE, TEMPLATES, App, Code, State
from adapters.mini_program_store.sandbox.wire import Refusal, answer, arguments, ok
from sandbox.platform import Kit

NAME = "mini_program_store"
#: What a field's value must look like, by the field's type.
_FIELD_RULES = {
    "thing": re.compile(r".{1,20}", re.DOTALL),
    "amount": re.compile(r"[¥￥]?\d{1,10}(\.\d{1,2})?元?"),
    "time": re.compile(r".{1,20}"),
}


@dataclass(frozen=True, slots=True)
class MiniProgramApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    desk: Desk
    kit: Kit

    def routes(self) -> list[Route]:
        """Everything a mini-program's server may call, and stable_token."""
        phone, quota = "/wxa/business/getuserphonenumber", "/cgi-bin/openapi/quota/get"
        return [
            Route("/cgi-bin/stable_token", self.stable_token, methods=VERBS),
            Route("/cgi-bin/token", self.token, methods=VERBS),
            Route("/sns/jscode2session", self.jscode2session, methods=VERBS),
            self.gate.post(phone, "mini_program", self.getuserphonenumber),
            self.gate.post(quota, "both", self.quota_get),
            self.gate.post("/cgi-bin/message/subscribe/send", "mini_program", self.subscribe_send),
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

    async def token(self, request: Request) -> Response:
        """GET /cgi-bin/token, which many SDKs still ask."""
        query = request.query_params
        check_verb(request, "GET")
        if query.get("grant_type") != "client_credential":
            raise Refusal(40002, "invalid grant_type")
        app = self.gate.desk.check_secret(query.get("appid"), query.get("secret"))
        told_code(request)
        return answer(self.gate.desk.fresh(app.owner.appid))

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

    def subscribe_send(self, app: App, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST /cgi-bin/message/subscribe/send: one grant, one message; what became of it is pushed."""
        openid, template = str(body.get("touser")), str(body.get("template_id"))
        appid = app.owner.appid
        if not any(person.openids.get(appid) == openid for person in self.state.world.people.values()):
            raise Refusal(40003, "invalid openid")
        named = {number: name for name, number in self.state.templates(appid).items()}
        if template not in named:
            raise Refusal(40037, "invalid template_id")
        page = body.get("page", "")
        if not isinstance(page, str) or not (page == "" or page.startswith("pages/")):
            raise Refusal(41030, "invalid page")
        bad = _bad_field(TEMPLATES[named[template]], body.get("data"))
        if bad:
            raise Refusal(47003, f"argument invalid! data.{bad}.value invalid")
        whose = (appid, openid, template)
        if self.state.grants.get(whose, 0) < 1:
            raise Refusal(43101, "user refuse to accept the msg")
        self.state.grants[whose] -= 1
        message = {"template_id": template, "page": page, "data": body["data"]}
        self.kit.effect(NAME, "subscribe_sent", f"{appid}/{openid}/{template}", message=message)
        msgid = str(secrets.randbelow(2**63))
        told = {"TemplateId": template, "MsgID": msgid, "ErrorCode": "0", "ErrorStatus": "success"}
        at = int(self.kit.clock.now().timestamp())
        self.desk.send(app, subscribe_event(app, openid, at, "subscribe_msg_sent_event", told))
        return ok()


def _bad_field(fields: tuple[str, ...], data: object) -> str:
    """The first field that is missing or breaks its type's rule, or empty."""
    given = data if isinstance(data, dict) else {}
    for name in fields:
        value = given.get(name)
        text = value.get("value") if isinstance(value, dict) else None
        if not isinstance(text, str) or not _FIELD_RULES[name.rstrip("0123456789")].fullmatch(text):
            return name
    return ""
