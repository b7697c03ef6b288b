"""Login, phone numbers, codes and subscribe messages of a mini-program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.base.endpoint import once, read
from adapters.base.http import Upstream
from adapters.base.transport import Request, Response
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.errors import CODE_FAULTS, FAULTS
from adapters.mini_program_store.models import mini_program as models
from adapters.wechat.api import TokenApi, get_request
from adapters.wechat.envelope import Envelope, decode

# A code is used up by the first call, whoever hears its answer: neither login call is ever repeated.
JSCODE2SESSION: Final = once("jscode2session", timeout=5.0, family="login")
GETUSERPHONENUMBER: Final = once("getuserphonenumber", timeout=5.0, family="login")
CHECKSESSION: Final = read("checksession", family="login")
# A repetition would make another key, and the first one's signature would not fit any more.
RESETUSERSESSIONKEY: Final = once("resetusersessionkey", family="login")
GETPAIDUNIONID: Final = read("getpaidunionid", family="login")
# Codes are not counted and leave nothing behind.
GETWXACODEUNLIMIT: Final = read("getwxacodeunlimit", timeout=10.0, family="code")
# It has no key, and each one spends a grant of the shopper's.
SUBSCRIBE_SEND: Final = once("subscribe_send", family="subscribe")
GETTEMPLATE: Final = read("gettemplate", family="subscribe")
ADDTEMPLATE: Final = once("addtemplate", family="subscribe")
DELTEMPLATE: Final = once("deltemplate", family="subscribe")
OPENAPI_QUOTA_GET: Final = read("openapi_quota_get")

_PNG: Final = (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82")
_JPEG: Final = (b"\xff\xd8\xff", b"\xff\xd9")


class MiniProgramClient:
    """The calls of one mini-program's server about its shoppers."""

    def __init__(self, upstream: Upstream, config: MiniProgramStoreConfig, api: TokenApi) -> None:
        self._upstream = upstream
        self._config = config
        self._api = api

    async def jscode2session(self, js_code: str) -> models.JsCode2Session:
        """GET /sns/jscode2session: no access token, the secret stands in the query."""

        async def prepare() -> Request:
            query = {
                "appid": self._config.appid,
                "secret": self._config.secret.reveal(),
                "js_code": js_code,
                "grant_type": "authorization_code",
            }
            return get_request(self._config.base_url, "/sns/jscode2session", query)

        def answer(response: Response) -> models.JsCode2Session:
            return decode(response, models.JsCode2Session, FAULTS, JSCODE2SESSION, self._config.appid)

        return await self._upstream.call(JSCODE2SESSION, prepare, answer)

    async def checksession(self, openid: str, signature: str) -> None:
        """GET /wxa/checksession."""
        await self._api.get(CHECKSESSION, "/wxa/checksession", Envelope, _signed(openid, signature))

    async def resetusersessionkey(self, openid: str, signature: str) -> models.Session:
        """GET /wxa/resetusersessionkey."""
        query = _signed(openid, signature)
        return await self._api.get(RESETUSERSESSIONKEY, "/wxa/resetusersessionkey", models.Session, query)

    async def getpaidunionid(self, openid: str, payment: Mapping[str, str]) -> models.PaidUnionid:
        """GET /wxa/getpaidunionid; ``payment`` is ``transaction_id``, or ``mch_id`` and ``out_trade_no``."""
        query = {"openid": openid, **payment}
        return await self._api.get(GETPAIDUNIONID, "/wxa/getpaidunionid", models.PaidUnionid, query)

    async def getuserphonenumber(self, code: str, openid: str | None = None) -> models.GetUserPhoneNumber:
        """POST /wxa/business/getuserphonenumber; each call is paid for."""
        path = "/wxa/business/getuserphonenumber"
        body = {"code": code} if openid is None else {"code": code, "openid": openid}
        return await self._api.post(GETUSERPHONENUMBER, path, models.GetUserPhoneNumber, body)

    async def getwxacodeunlimit(self, request: models.SceneCodeRequest) -> bytes:
        """POST /wxa/getwxacodeunlimit: the answer is a picture, and JSON only where it is refused."""
        return await self._api.post_for_bytes(GETWXACODEUNLIMIT, "/wxa/getwxacodeunlimit", request, _image, CODE_FAULTS)

    async def subscribe_send(self, message: models.SubscribeSendRequest) -> None:
        """POST /cgi-bin/message/subscribe/send: the answer says no more than that it was taken."""
        await self._api.post(SUBSCRIBE_SEND, "/cgi-bin/message/subscribe/send", Envelope, message)

    async def gettemplate(self) -> models.TemplateList:
        """GET /wxaapi/newtmpl/gettemplate."""
        return await self._api.get(GETTEMPLATE, "/wxaapi/newtmpl/gettemplate", models.TemplateList)

    async def addtemplate(self, tid: str, keywords: Sequence[int], scene: str) -> models.TemplateAdded:
        """POST /wxaapi/newtmpl/addtemplate."""
        body = {"tid": tid, "kidList": list(keywords), "sceneDesc": scene}
        return await self._api.post(ADDTEMPLATE, "/wxaapi/newtmpl/addtemplate", models.TemplateAdded, body)

    async def deltemplate(self, template: str) -> None:
        """POST /wxaapi/newtmpl/deltemplate."""
        await self._api.post(DELTEMPLATE, "/wxaapi/newtmpl/deltemplate", Envelope, {"priTmplId": template})

    async def openapi_quota_get(self, cgi_path: str) -> Envelope:
        """POST /cgi-bin/openapi/quota/get; the figures are not read."""
        path = "/cgi-bin/openapi/quota/get"
        return await self._api.post(OPENAPI_QUOTA_GET, path, Envelope, {"cgi_path": cgi_path})


def _signed(openid: str, signature: str) -> Mapping[str, str]:
    return {"openid": openid, "signature": signature, "sig_method": "hmac_sha256"}


def _image(body: bytes) -> bytes:
    """A whole PNG or JPEG; anything else, and one that was cut, raises ValueError."""
    if any(body.startswith(first) and body.endswith(last) for first, last in (_PNG, _JPEG)):
        return body
    raise ValueError("the answer is no picture")
