"""The seven upstream calls and the batch functions over them, the same for every Python server of the benchmark.

What differs between the servers is who sends: ``Send`` is our HTTP seam in ours and in the hand-written endpoint, and
aiohttp in the Strawberry peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from benchmarks.gateway.models import (
    Catalogue,
    ContactAnswer,
    CouponAnswer,
    FollowerAnswer,
    Listing,
    OrderAnswer,
    ReportAnswer,
)

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Send(Protocol):
    """Sends one request to one tool and reads the answer as a type."""

    async def __call__(self, tool: str, kind: type[T], method: str, path: str, body: object = None) -> T:
        """The answer; ``path`` begins with a slash and has its query."""
        ...


class HasSend(Protocol):
    """A request's context, as far as the batch functions need it: ``services.send``."""

    @property
    def services(self) -> Any:
        """Whatever carries ``send``."""
        ...


async def follower(send: Send, openids: Sequence[str]) -> FollowerAnswer:
    """公众号: 1 to 100 followers."""
    body = {"user_list": [{"openid": openid} for openid in openids]}
    return await send("official_account", FollowerAnswer, "POST", "/cgi-bin/user/info/batchget", body)


async def coupons(send: Send, openid: str, appid: str) -> CouponAnswer:
    """微信支付: one shopper's coupons."""
    path = f"/v3/marketing/busifavor/users/{quote(openid)}/coupons?appid={quote(appid)}"
    return await send("payments", CouponAnswer, "GET", path)


async def order(send: Send, order_id: str) -> OrderAnswer:
    """微信小店: one order."""
    return await send("mini_program_store", OrderAnswer, "POST", "/channels/ec/order/get", {"order_id": order_id})


async def ad_reports(send: Send, account_id: str) -> ReportAnswer:
    """腾讯广告: daily reports of one account."""
    return await send("social_ads", ReportAnswer, "GET", f"/v3.0/daily_reports/get?account_id={quote(account_id)}")


async def files(send: Send, prefix: str) -> Listing:
    """对象存储: one folder."""
    return await send("cloud_storage", Listing, "GET", f"/?prefix={quote(prefix, safe='')}")


async def catalogue(send: Send) -> Catalogue:
    """泛娱乐IP: the catalogue."""
    return await send("ip_content", Catalogue, "GET", "/ip/v1/catalogue")


async def contact(send: Send, external_userid: str) -> ContactAnswer:
    """企业微信: one customer and the guides who know them."""
    path = f"/cgi-bin/externalcontact/get?external_userid={quote(external_userid)}"
    return await send("enterprise_chat", ContactAnswer, "GET", path)


async def follower_batch(context: HasSend, keys: Sequence[tuple[str, ...]]) -> Sequence[FollowerAnswer]:
    """Batch: the platform reads many at once."""
    answer = await follower(context.services.send, list(dict.fromkeys(openid for key in keys for openid in key)))
    found = {person.openid: person for person in answer.user_info_list}
    return [FollowerAnswer([found[openid] for openid in key if openid in found]) for key in keys]


async def _each(keys: Sequence[K], call: Callable[[K], Awaitable[T]]) -> Sequence[T]:
    return [await call(keys[0])] if len(keys) == 1 else await asyncio.gather(*map(call, keys))


async def coupons_batch(context: HasSend, keys: Sequence[tuple[str, str]]) -> Sequence[CouponAnswer]:
    """Batch: one call per shopper."""
    return await _each(keys, lambda key: coupons(context.services.send, *key))


async def order_batch(context: HasSend, keys: Sequence[str]) -> Sequence[OrderAnswer]:
    """Batch: one call per order."""
    return await _each(keys, lambda key: order(context.services.send, key))


async def ad_reports_batch(context: HasSend, keys: Sequence[str]) -> Sequence[ReportAnswer]:
    """Batch: one call per account."""
    return await _each(keys, lambda key: ad_reports(context.services.send, key))


async def files_batch(context: HasSend, keys: Sequence[str]) -> Sequence[Listing]:
    """Batch: one call per folder."""
    return await _each(keys, lambda key: files(context.services.send, key))


async def catalogue_batch(context: HasSend, keys: Sequence[str]) -> Sequence[Catalogue]:
    """Batch: there is one catalogue."""
    return [await catalogue(context.services.send)] * len(keys)


async def contact_batch(context: HasSend, keys: Sequence[str]) -> Sequence[ContactAnswer]:
    """Batch: one call per customer."""
    return await _each(keys, lambda key: contact(context.services.send, key))


def as_json(value: object) -> bytes:
    """A request body."""
    return msgspec.json.encode(value)
