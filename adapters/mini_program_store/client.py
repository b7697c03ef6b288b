"""One method per endpoint of api.weixin.qq.com that this tool calls, named after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.base.endpoint import once, read
from adapters.base.http import Upstream
from adapters.base.transport import Request, Response
from adapters.mini_program_store import models
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.errors import FAULTS
from adapters.wechat.api import TokenApi, get_request
from adapters.wechat.envelope import Envelope, decode
from adapters.wechat.tokens import stable_tokens

# A code is used up by the first call, whoever hears its answer: neither login call is ever repeated.
JSCODE2SESSION: Final = once("jscode2session", timeout=5.0, family="login")
GETUSERPHONENUMBER: Final = once("getuserphonenumber", timeout=5.0, family="login")
# It has no key, and each one spends a grant of the shopper's.
SUBSCRIBE_SEND: Final = once("subscribe_send", family="subscribe")
OPENAPI_QUOTA_GET: Final = read("openapi_quota_get")
BASICS_INFO_GET: Final = read("basics_info_get", family="store")
CATEGORY_DETAIL: Final = read("category_detail", family="product")
PRODUCT_LIST_GET: Final = read("product_list_get", family="product")
PRODUCT_GET: Final = read("product_get", family="product")
PRODUCT_STOCK_GET: Final = read("product_stock_get", family="product")
ORDER_LIST_GET: Final = read("order_list_get", family="order")
ORDER_GET: Final = read("order_get", family="order")
GETAFTERSALELIST: Final = read("getaftersalelist", family="aftersale")
GETAFTERSALEORDER: Final = read("getaftersaleorder", family="aftersale")
VIP_USER_LIST_GET: Final = read("vip_user_list_get", family="vip")
VIP_USER_SCORE_GET: Final = read("vip_user_score_get", family="vip")

_SHOP: Final = "/channels/ec"


class MiniProgramStoreClient:
    """The calls of one appid. Every method raises one of the ten kinds."""

    def __init__(self, upstream: Upstream, config: MiniProgramStoreConfig) -> None:
        self._upstream = upstream
        self._config = config
        tokens = stable_tokens(upstream, config.base_url, config.appid, config.secret, FAULTS)
        self._api = TokenApi(upstream, tokens, config.base_url, FAULTS)

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

    async def getuserphonenumber(self, code: str, openid: str | None = None) -> models.GetUserPhoneNumber:
        """POST /wxa/business/getuserphonenumber; each call is paid for."""
        path = "/wxa/business/getuserphonenumber"
        body = {"code": code} if openid is None else {"code": code, "openid": openid}
        return await self._api.post(GETUSERPHONENUMBER, path, models.GetUserPhoneNumber, body)

    async def subscribe_send(self, message: models.SubscribeSendRequest) -> None:
        """POST /cgi-bin/message/subscribe/send: the answer says no more than that it was taken."""
        await self._api.post(SUBSCRIBE_SEND, "/cgi-bin/message/subscribe/send", Envelope, message)

    async def openapi_quota_get(self, cgi_path: str) -> Envelope:
        """POST /cgi-bin/openapi/quota/get; the figures are not read."""
        path = "/cgi-bin/openapi/quota/get"
        return await self._api.post(OPENAPI_QUOTA_GET, path, Envelope, {"cgi_path": cgi_path})

    async def basics_info_get(self) -> Envelope:
        """GET /channels/ec/basics/info/get; the store's name and so on are not read."""
        return await self._api.get(BASICS_INFO_GET, f"{_SHOP}/basics/info/get", Envelope)

    async def category_detail(self, cat_id: str) -> models.CategoryDetail:
        """POST /channels/ec/category/detail."""
        path = f"{_SHOP}/category/detail"
        return await self._api.post(CATEGORY_DETAIL, path, models.CategoryDetail, {"cat_id": cat_id})

    async def product_list_get(self, page_size: int, next_key: str) -> models.ProductList:
        """POST /channels/ec/product/list/get, without ``status``: that is "all", 0 is not."""
        body: dict[str, object] = {"page_size": page_size}
        if next_key:
            body["next_key"] = next_key
        return await self._api.post(PRODUCT_LIST_GET, f"{_SHOP}/product/list/get", models.ProductList, body)

    async def product_get(self, product_id: str) -> models.ProductGet:
        """POST /channels/ec/product/get, the live data."""
        body = {"product_id": product_id, "data_type": 1}
        return await self._api.post(PRODUCT_GET, f"{_SHOP}/product/get", models.ProductGet, body)

    async def product_stock_get(self, product_id: str, sku_id: str) -> models.StockGet:
        """POST /channels/ec/product/stock/get."""
        body = {"product_id": product_id, "sku_id": sku_id}
        path = f"{_SHOP}/product/stock/get"
        return await self._api.post(PRODUCT_STOCK_GET, path, models.StockGet, body)

    async def order_list_get(
        self, span: Mapping[str, Mapping[str, int]], page_size: int, next_key: str
    ) -> models.OrderList:
        """POST /channels/ec/order/list/get; ``span`` is ``create_time_range`` or ``update_time_range``."""
        body = {**span, "page_size": page_size, "next_key": next_key}
        return await self._api.post(ORDER_LIST_GET, f"{_SHOP}/order/list/get", models.OrderList, body)

    async def order_get(self, order_id: str) -> models.OrderGet:
        """POST /channels/ec/order/get."""
        path = f"{_SHOP}/order/get"
        return await self._api.post(ORDER_GET, path, models.OrderGet, {"order_id": order_id})

    async def getaftersalelist(self, begin: int, end: int, next_key: str) -> models.AfterSaleList:
        """POST /channels/ec/aftersale/getaftersalelist by update time; the fields are flat here."""
        body = {"begin_update_time": begin, "end_update_time": end, "next_key": next_key}
        path = f"{_SHOP}/aftersale/getaftersalelist"
        return await self._api.post(GETAFTERSALELIST, path, models.AfterSaleList, body)

    async def getaftersaleorder(self, after_sale_order_id: str) -> models.AfterSaleGet:
        """POST /channels/ec/aftersale/getaftersaleorder."""
        body = {"after_sale_order_id": after_sale_order_id}
        path = f"{_SHOP}/aftersale/getaftersaleorder"
        return await self._api.post(GETAFTERSALEORDER, path, models.AfterSaleGet, body)

    async def vip_user_list_get(self, page_num: int, page_size: int, need_phone_number: bool) -> models.VipUserList:
        """POST /channels/ec/vip/user/list/get."""
        body = {"page_num": page_num, "page_size": page_size, "need_phone_number": need_phone_number}
        path = f"{_SHOP}/vip/user/list/get"
        return await self._api.post(VIP_USER_LIST_GET, path, models.VipUserList, body)

    async def vip_user_score_get(self, openid: str) -> models.VipScore:
        """POST /channels/ec/vip/user/score/get."""
        path = f"{_SHOP}/vip/user/score/get"
        return await self._api.post(VIP_USER_SCORE_GET, path, models.VipScore, {"openid": openid})
