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

from adapters.payments.sandbox import (
    bills,
    cash_coupons,
    certificates,
    coupons,
    orders,
    refunds,
    sharing,
    transfers,
    wire,
)
from adapters.payments.sandbox.notifications import Post
from adapters.payments.sandbox.payouts import Payouts
from adapters.payments.sandbox.people import People
from adapters.payments.sandbox.state import Book, Handler, books
from adapters.payments.sandbox.wire import PlatformKey, Refused
from sandbox.faults import CODE_KEY, App
from sandbox.platform import Action, Kit
from sandbox.world import World


class Sandbox:
    """微信支付 for the brand's mchids."""

    name = "payments"

    def __init__(self, world: World, kit: Kit) -> None:
        self._world = world
        self._kit = kit
        self.books = books(world)
        post = Post(kit, self.signing_key)
        self._people = People(world, kit, self.books, post)
        self._payouts = Payouts(kit, self.books, post)
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
        """See ``sandbox.platform.Platform``; ``People`` and ``Payouts`` say what each one takes."""
        return {**self._people.actions(), **self._payouts.actions()}

    def signing_key(self, mchid: str, kind: str) -> PlatformKey:
        """A key of the platform towards a merchant: ``public_key`` or ``certificate``."""
        book = self.books[mchid]
        if kind == "certificate":
            return certificates.signing_key(book, self._kit)
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
            "platform_certificates": [certificates.pem(book, self._kit)] if old else [],
            "appids": list(merchant.appids),
        }

    def _routes(self) -> list[Route]:
        products = (bills, cash_coupons, certificates, coupons, orders, refunds, sharing, transfers)
        return [self._route(*each) for product in products for each in product.routes(self._kit)]

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


def _response(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    kept = {**headers, "Request-Id": wire.request_id("268435456" if status < 400 else "268435461")}
    return Response(body, status, kept, media_type="application/json; charset=utf-8" if body else None)
