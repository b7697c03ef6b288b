"""Shipping information (发货信息管理): without it the money of a regulated mini-program stays frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.mini_program_store.models import shipping as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

# A payment's shipping may be corrected once: a repetition that nobody meant would spend that.
UPLOAD_SHIPPING_INFO: Final = once("upload_shipping_info", family="shipping")
UPLOAD_COMBINED_SHIPPING_INFO: Final = once("upload_combined_shipping_info", family="shipping")
GET_ORDER: Final = read("get_order", family="shipping")
GET_ORDER_LIST: Final = read("get_order_list", family="shipping")
# It writes to the shopper, and a payment has one such message.
NOTIFY_CONFIRM_RECEIVE: Final = once("notify_confirm_receive", family="shipping")
SET_MSG_JUMP_PATH: Final = idempotent("set_msg_jump_path", "path", family="shipping")
IS_TRADE_MANAGED: Final = read("is_trade_managed", family="shipping")
IS_TRADE_MANAGEMENT_CONFIRMATION_COMPLETED: Final = read(
    "is_trade_management_confirmation_completed", family="shipping"
)
GET_DELIVERY_LIST: Final = read("get_delivery_list", family="shipping")

_ORDER: Final = "/wxa/sec/order"


class ShippingClient:
    """The calls of one mini-program about what it sent."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def upload_shipping_info(self, upload: models.UploadShippingInfo) -> None:
        """POST /wxa/sec/order/upload_shipping_info."""
        await self._api.post(UPLOAD_SHIPPING_INFO, f"{_ORDER}/upload_shipping_info", Envelope, upload)

    async def upload_combined_shipping_info(self, upload: models.UploadCombinedShippingInfo) -> None:
        """POST /wxa/sec/order/upload_combined_shipping_info."""
        path = f"{_ORDER}/upload_combined_shipping_info"
        await self._api.post(UPLOAD_COMBINED_SHIPPING_INFO, path, Envelope, upload)

    async def get_order(self, payment: Mapping[str, str]) -> models.PaidOrderGet:
        """POST /wxa/sec/order/get_order by ``transaction_id``, or ``merchant_id`` and ``merchant_trade_no``."""
        return await self._api.post(GET_ORDER, f"{_ORDER}/get_order", models.PaidOrderGet, payment)

    async def get_order_list(self, question: Mapping[str, object]) -> models.PaidOrderList:
        """POST /wxa/sec/order/get_order_list: whole orders."""
        return await self._api.post(GET_ORDER_LIST, f"{_ORDER}/get_order_list", models.PaidOrderList, question)

    async def notify_confirm_receive(self, payment: Mapping[str, str], received_time: int) -> None:
        """POST /wxa/sec/order/notify_confirm_receive."""
        body = {**payment, "received_time": received_time}
        await self._api.post(NOTIFY_CONFIRM_RECEIVE, f"{_ORDER}/notify_confirm_receive", Envelope, body)

    async def set_msg_jump_path(self, page: str) -> None:
        """POST /wxa/sec/order/set_msg_jump_path."""
        await self._api.post(SET_MSG_JUMP_PATH, f"{_ORDER}/set_msg_jump_path", Envelope, {"path": page})

    async def is_trade_managed(self, appid: str) -> models.TradeManaged:
        """POST /wxa/sec/order/is_trade_managed."""
        return await self._api.post(
            IS_TRADE_MANAGED, f"{_ORDER}/is_trade_managed", models.TradeManaged, {"appid": appid}
        )

    async def is_trade_management_confirmation_completed(self, appid: str) -> models.TradeConfirmed:
        """POST /wxa/sec/order/is_trade_management_confirmation_completed."""
        path = f"{_ORDER}/is_trade_management_confirmation_completed"
        body = {"appid": appid}
        return await self._api.post(IS_TRADE_MANAGEMENT_CONFIRMATION_COMPLETED, path, models.TradeConfirmed, body)

    async def get_delivery_list(self) -> models.DeliveryList:
        """POST /cgi-bin/express/delivery/open_msg/get_delivery_list."""
        path = "/cgi-bin/express/delivery/open_msg/get_delivery_list"
        return await self._api.post(GET_DELIVERY_LIST, path, models.DeliveryList, {})
