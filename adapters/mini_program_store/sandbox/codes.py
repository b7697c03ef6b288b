"""Endpoints of a mini-program's codes (小程序码), sessions and templates."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from adapters.mini_program_store.sandbox.bodies import Body, integer, text
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.push import NAME
from adapters.mini_program_store.sandbox.state import TEMPLATES, App, State
from adapters.mini_program_store.sandbox.wire import Refusal, arguments, ok
from sandbox.platform import Kit

SCENE: Final = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
#: Pages of the published version of both mini-programs.
PAGES: Final = {"pages/index", "pages/product", "pages/order", "pages/order/detail"}
PAID_LATELY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CodesApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    kit: Kit

    def routes(self) -> list[Route]:
        """What a mini-program's server asks beside login and messages."""
        audience: Final = "mini_program"
        return [
            self.gate.post("/wxa/getwxacodeunlimit", audience, self.getwxacodeunlimit),
            self.gate.get("/wxa/checksession", audience, self.checksession),
            self.gate.get("/wxa/resetusersessionkey", audience, self.resetusersessionkey),
            self.gate.get("/wxa/getpaidunionid", audience, self.getpaidunionid),
            self.gate.get("/wxaapi/newtmpl/gettemplate", audience, self.gettemplate),
            self.gate.post("/wxaapi/newtmpl/addtemplate", audience, self.addtemplate),
            self.gate.post("/wxaapi/newtmpl/deltemplate", audience, self.deltemplate),
        ]

    def getwxacodeunlimit(self, _app: App, body: Body) -> Response:
        """POST /wxa/getwxacodeunlimit: a picture."""
        scene, page = body.get("scene"), body.get("page", "")
        if not isinstance(scene, str) or not scene:
            raise arguments("scene: expecting a string")
        if len(scene) > 32:
            raise Refusal(40169, "invalid length for scene, or the data is not json string")
        if not SCENE.fullmatch(scene):
            raise arguments("scene: invalid character")
        if body.get("env_version", "release") not in {"release", "trial", "develop"}:
            raise arguments("env_version: unknown value")
        if page and body.get("check_path", True) is not False and page not in PAGES:
            raise Refusal(41030, "invalid page")
        width = integer(body, "width", 280, 1280) if "width" in body else 430
        return Response(_png(scene, width), media_type="image/png")

    def checksession(self, app: App, query: Body) -> Mapping[str, Any]:
        """GET /wxa/checksession."""
        self._session(app, query)
        return ok()

    def resetusersessionkey(self, app: App, query: Body) -> Mapping[str, Any]:
        """GET /wxa/resetusersessionkey."""
        openid = self._session(app, query)
        key = self.state.new_session_key(app.owner.appid, openid)
        self.kit.effect(NAME, "session_reset", openid)
        return ok(openid=openid, session_key=key)

    def getpaidunionid(self, app: App, query: Body) -> Mapping[str, Any]:
        """GET /wxa/getpaidunionid, for some minutes after a payment."""
        openid = query.get("openid")
        person = next((p for p in self.state.world.people.values() if p.openids.get(app.owner.appid) == openid), None)
        if person is None:
            raise Refusal(40003, "invalid openid")
        for trade in self.state.trades:
            named = query.get("transaction_id") == trade.transaction_id or (
                query.get("mch_id") == trade.mchid and query.get("out_trade_no") == trade.out_trade_no
            )
            late = self.kit.clock.now() - trade.paid_at > PAID_LATELY
            if named and not late and (trade.appid, trade.openid) == (app.owner.appid, openid):
                return ok(unionid=person.unionid or "")
        raise Refusal(89300, "invalid order")

    def gettemplate(self, app: App, _query: Body) -> Mapping[str, Any]:
        """GET /wxaapi/newtmpl/gettemplate."""
        own = [
            {"priTmplId": number, "title": name, "content": "\n".join(f"{{{{{f}.DATA}}}}" for f in TEMPLATES[name])}
            for name, number in self.state.templates(app.owner.appid).items()
        ]
        added = [row for (appid, _), row in self.state.added_templates.items() if appid == app.owner.appid]
        return ok(data=[{"example": "", "type": 2, **row} for row in [*own, *added]])

    def addtemplate(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST /wxaapi/newtmpl/addtemplate."""
        title, words = text(body, "tid"), body.get("kidList")
        if not isinstance(words, list) or not 2 <= len(words) <= 5:
            raise arguments("kidList: expecting 2 to 5 keywords")
        number = secrets.token_urlsafe(32)
        row = {"priTmplId": number, "title": title, "content": str(words), "type": 2}
        self.state.added_templates[(app.owner.appid, number)] = row
        self.kit.effect(NAME, "template_added", number)
        return ok(priTmplId=number)

    def deltemplate(self, app: App, body: Body) -> Mapping[str, Any]:
        """POST /wxaapi/newtmpl/deltemplate."""
        number = text(body, "priTmplId")
        if self.state.added_templates.pop((app.owner.appid, number), None) is None:
            raise Refusal(40037, "invalid template_id")
        self.kit.effect(NAME, "template_deleted", number)
        return ok()

    def _session(self, app: App, query: Body) -> str:
        openid = str(query.get("openid"))
        key = self.state.session_keys.get((app.owner.appid, openid), "")
        wanted = hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()
        if not key or query.get("sig_method") != "hmac_sha256" or query.get("signature") != wanted:
            raise Refusal(87009, "invalid signature")
        return openid


def _png(scene: str, width: int) -> bytes:
    """A square of one grey, which the scene decides: a picture that nobody can scan."""
    grey = hashlib.sha256(scene.encode()).digest()[0]
    lines = (b"\x00" + bytes([grey]) * width) * width
    header = struct.pack(">IIBBBBB", width, width, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
