"""The platform: routes, authentication in the vendor's order, signed answers, and what people do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.payments.sandbox import bills, certificates, coupons, orders, refunds, wire
from adapters.payments.sandbox.people import People
from adapters.payments.sandbox.state import Book, books
from adapters.payments.sandbox.wire import PlatformKey, Refused
from sandbox.faults import CODE_KEY, App
from sandbox.platform import Action, Kit
from sandbox.world import World

#: Handles an authenticated request: an object to answer, None for 204, bytes for an unsigned file.
Handler = Callable[[Book, Request, bytes], "dict[str, Any] | bytes | None"]


class Sandbox:
    """微信支付 for the brand's mchids."""

    name = "payments"

    def __init__(self, world: World, kit: Kit) -> None:
        self._world = world
        self._kit = kit
        self.books = books(world)
        self._downloads = bills.Downloads()
        self._people = People(world, kit, self.books, self.signing_key)
        self.app: App = Starlette(routes=self._routes())

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``sandbox.platform.Platform``."""
        hero = self._world.people[self._world.cast["protagonist"]]
        hers = next(p for p in self._world.payments if p.person == hero.key)
        return {
            "accounts": {book.merchant.alias: self._settings(book, base_url) for book in self.books.values()},
            "known": {
                "appid": hers.appid,
                "openid": hers.payer_openid,
                "outTradeNo": hers.out_trade_no,
                "transactionId": hers.transaction_id,
                "refund": next(refund.out_refund_no for refund in self._world.refunds),
                "coupon": next(c.code for c in self._world.coupons if c.person == hero.key),
            },
        }

    def actions(self) -> Mapping[str, Action]:
        """See ``sandbox.platform.Platform``; ``People`` says what each one takes."""
        return self._people.actions()

    def signing_key(self, mchid: str, kind: str) -> PlatformKey:
        """A key of the platform towards a merchant: ``public_key`` or ``certificate``."""
        if kind == "certificate":
            return certificates.signing_key(self._kit, mchid)
        book = self.books[mchid]
        return PlatformKey(book.merchant.platform_key_id, self._kit.keys.rsa(f"payments/{mchid}/platform"))

    def _settings(self, book: Book, base_url: str) -> dict[str, Any]:
        merchant, keys = book.merchant, self._kit.keys
        old = certificates.has_certificate(merchant)
        return {
            "base_url": base_url,
            "kind": "merchant",
            "legal_entity": merchant.legal_entity,
            "mchid": merchant.mchid,
            "apiv3_key": merchant.apiv3_key,
            "merchant_serial": merchant.merchant_serial,
            "merchant_private_key": keys.private_pem(f"payments/{merchant.mchid}/merchant"),
            "platform_key_id": merchant.platform_key_id,
            "platform_public_key": keys.public_pem(f"payments/{merchant.mchid}/platform"),
            "platform_certificates": [certificates.pem(self._kit, merchant.mchid)] if old else [],
            "appids": list(merchant.appids),
        }

    def _routes(self) -> list[Route]:
        order, coupon = "/v3/pay/transactions", "/v3/marketing/busifavor"
        one_coupon = f"{coupon}/users/{{openid}}/coupons/{{code}}/appids/{{appid}}"
        return [
            self._route("POST", order + "/jsapi", lambda b, _r, raw: orders.prepay(b, self._kit, raw)),
            self._route("GET", order + "/out-trade-no/{number}", self._query),
            self._route("GET", order + "/id/{number}", self._query_by_transaction),
            self._route("POST", order + "/out-trade-no/{number}/close", self._close),
            self._route("POST", "/v3/refund/domestic/refunds", lambda b, _r, raw: refunds.create(b, self._kit, raw)),
            self._route("GET", "/v3/refund/domestic/refunds/{number}", self._query_refund),
            self._route("GET", "/v3/bill/tradebill", self._trade_bill),
            self._route("GET", "/v3/bill/fundflowbill", self._fund_flow_bill),
            self._route("GET", "/v3/billdownload/file", self._download),
            self._route("GET", coupon + "/users/{openid}/coupons", self._coupons),
            self._route("GET", one_coupon, self._coupon),
            self._route("POST", coupon + "/coupons/use", lambda b, _r, raw: coupons.use(b, self._kit, raw)),
            self._route("POST", coupon + "/coupons/return", lambda b, _r, raw: coupons.give_back(b, self._kit, raw)),
            self._route("GET", "/v3/certificates", lambda b, _r, _raw: certificates.listed(b.merchant, self._kit)),
        ]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        order_path = path.startswith("/v3/pay/transactions")

        async def serve(request: Request) -> Response:
            return await self._serve(request, handler, order_path=order_path)

        endpoint: Callable[[Request], Awaitable[Response]] = serve
        return Route(path, endpoint, methods=[method])

    async def _serve(self, request: Request, handler: Handler, *, order_path: bool) -> Response:
        raw = await request.body()
        try:
            book = self._authenticated(request, raw, order_path=order_path)
            answer = handler(book, request, raw)
        except Refused as refused:
            return _response(refused.status, refused.body(), {})
        if isinstance(answer, bytes):
            return Response(answer, 200, media_type="application/octet-stream")
        body = b"" if answer is None else orjson.dumps(answer)
        kind = certificates.asked_for(book.merchant, request.headers.get("wechatpay-serial", ""))
        signed = self.signing_key(book.merchant.mchid, kind).headers(body, self._kit.clock.now())
        return _response(204 if answer is None else 200, body, signed)

    def _authenticated(self, request: Request, raw: bytes, *, order_path: bool) -> Book:
        """The platform's checks before it looks at content, in its order; last, the code that a test set."""
        if not order_path and not (request.headers.get("accept") and request.headers.get("user-agent")):
            raise Refused("INVALID_REQUEST", "Http头缺少Accept或User-Agent")
        asked = wire.claim(request.headers.get("authorization"), order_path=order_path)
        book = self.books.get(asked.mchid)
        if book is None:
            raise Refused("MCH_NOT_EXISTS", "商户号不存在")
        target: bytes = request.scope["raw_path"]
        if query := request.scope["query_string"]:
            target += b"?" + query
        wire.check(
            asked,
            self._merchant_key(asked.mchid),
            book.merchant.merchant_serial,
            self._kit.clock.now(),
            (request.method.encode(), target, raw),
        )
        if (code := request.scope.get(CODE_KEY)) is not None:
            raise Refused(code, "系统按指令返回的错误")
        return book

    def _merchant_key(self, mchid: str) -> RSAPublicKey:
        return self._kit.keys.rsa(f"payments/{mchid}/merchant").public_key()

    def _query(self, book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        self._own(book, request)
        return orders.describe(book, orders.found(book, request.path_params["number"]))

    def _query_by_transaction(self, book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        self._own(book, request)
        return orders.describe(book, orders.by_transaction(book, request.path_params["number"]))

    @staticmethod
    def _own(book: Book, request: Request) -> None:
        if request.query_params.get("mchid") != book.merchant.mchid:
            raise Refused("PARAM_ERROR", "输入源“/query/mchid”校验失败")

    def _close(self, book: Book, request: Request, raw: bytes) -> None:
        orders.close(book, self._kit, request.path_params["number"], raw)

    def _query_refund(self, book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        return refunds.describe(*refunds.found(book, request.path_params["number"]))

    def _trade_bill(self, book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        query = request.query_params
        if query.get("bill_type", "ALL") != "ALL":
            raise Refused("PARAM_ERROR", "only bill_type ALL is emulated here")
        now = self._kit.clock.now()
        return self._offer(book, request, bills.trade_bill(book, query.get("bill_date", ""), now))

    def _fund_flow_bill(self, book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        query = request.query_params
        day, account = query.get("bill_date", ""), query.get("account_type", "BASIC")
        return self._offer(book, request, bills.fund_flow_bill(book, day, account, self._kit.clock.now()))

    def _offer(self, book: Book, request: Request, plain: bytes) -> dict[str, Any]:
        zipped = request.query_params.get("tar_type") == "GZIP"
        now, host = self._kit.clock.now(), request.headers["host"]
        return self._downloads.offer(book.merchant.mchid, plain, zipped, now, host)

    def _download(self, book: Book, request: Request, _raw: bytes) -> bytes:
        token = request.query_params.get("token", "")
        return self._downloads.fetch(book.merchant.mchid, token, self._kit.clock.now())

    def _coupons(self, book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        openid = request.path_params["openid"]
        return coupons.listed(book, self._kit.clock.now(), openid, request.query_params)

    def _coupon(self, book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        path = request.path_params
        return coupons.one(book, self._kit.clock.now(), path["openid"], path["code"], path["appid"])


def _response(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    kept = {**headers, "Request-Id": wire.request_id("268435456" if status < 400 else "268435461")}
    return Response(body, status, kept, media_type="application/json; charset=utf-8" if body else None)
