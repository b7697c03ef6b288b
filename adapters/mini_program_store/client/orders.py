"""Orders and their shipment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.mini_program_store.models import orders as models
from adapters.mini_program_store.models.shipping import CompanyList
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

ORDER_LIST_GET: Final = read("order_list_get", family="order")
ORDER_SEARCH: Final = read("order_search", family="order")
ORDER_GET: Final = read("order_get", family="order")
MERCHANTNOTES_UPDATE: Final = idempotent("merchantnotes_update", "order_id", family="order")
PRICE_UPDATE: Final = idempotent("price_update", "order_id", family="order")
ADDRESS_UPDATE: Final = idempotent("address_update", "order_id", family="order")
ADDRESSMODIFY_ACCEPT: Final = once("addressmodify_accept", family="order")
ADDRESSMODIFY_REJECT: Final = once("addressmodify_reject", family="order")
# Each one is counted, and where it was lost the next one is counted too: as a read it may be repeated.
SENSITIVEINFO_DECODE: Final = read("sensitiveinfo_decode", family="privacy")
VIRTUALTELNUMBER_GET: Final = read("virtualtelnumber_get", family="privacy")
DELIVERYCOMPANYLIST_NEW_GET: Final = read("deliverycompanylist_new_get", family="delivery")
# A second parcel of the same goods is no mistake that the platform would notice.
DELIVERY_SEND: Final = once("delivery_send", family="delivery")
# Attempts are counted (unverified how many).
DELIVERYINFO_UPDATE: Final = once("deliveryinfo_update", family="delivery")
DELIVERY_COMPENSATION: Final = once("delivery_compensation", family="delivery")

_ORDER: Final = "/channels/ec/order"


class OrdersClient:
    """The calls of one store about what was bought."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def order_list_get(self, span: Mapping[str, object], page_size: int, next_key: str) -> models.OrderList:
        """POST /channels/ec/order/list/get; ``span`` has ``create_time_range`` or ``update_time_range``."""
        body = {**span, "page_size": page_size, "next_key": next_key}
        return await self._api.post(ORDER_LIST_GET, f"{_ORDER}/list/get", models.OrderList, body)

    async def order_search(self, question: Mapping[str, object], page_size: int, next_key: str) -> models.OrderSearch:
        """POST /channels/ec/order/search."""
        body = {**question, "page_size": page_size, "next_key": next_key}
        return await self._api.post(ORDER_SEARCH, f"{_ORDER}/search", models.OrderSearch, body)

    async def order_get(self, order_id: str) -> models.OrderGet:
        """POST /channels/ec/order/get."""
        return await self._api.post(ORDER_GET, f"{_ORDER}/get", models.OrderGet, {"order_id": order_id})

    async def merchantnotes_update(self, order_id: str, notes: str) -> None:
        """POST /channels/ec/order/merchantnotes/update."""
        body = {"order_id": order_id, "merchant_notes": notes}
        await self._api.post(MERCHANTNOTES_UPDATE, f"{_ORDER}/merchantnotes/update", Envelope, body)

    async def price_update(self, order_id: str, lines: Sequence[models.ChangedPrice], express_fee: int | None) -> None:
        """POST /channels/ec/order/price/update."""
        body: dict[str, object] = {"order_id": order_id, "change_express": express_fee is not None}
        if express_fee is not None:
            body["express_fee"] = express_fee
        body["change_order_infos"] = list(lines)
        await self._api.post(PRICE_UPDATE, f"{_ORDER}/price/update", Envelope, body)

    async def address_update(self, order_id: str, address: models.AddressInfo) -> None:
        """POST /channels/ec/order/address/update."""
        body = {"order_id": order_id, "user_address": address}
        await self._api.post(ADDRESS_UPDATE, f"{_ORDER}/address/update", Envelope, body)

    async def addressmodify_accept(self, order_id: str) -> None:
        """POST /channels/ec/order/addressmodify/accept."""
        await self._api.post(ADDRESSMODIFY_ACCEPT, f"{_ORDER}/addressmodify/accept", Envelope, {"order_id": order_id})

    async def addressmodify_reject(self, order_id: str) -> None:
        """POST /channels/ec/order/addressmodify/reject."""
        await self._api.post(ADDRESSMODIFY_REJECT, f"{_ORDER}/addressmodify/reject", Envelope, {"order_id": order_id})

    async def sensitiveinfo_decode(self, order_id: str) -> models.DecodedAddress:
        """POST /channels/ec/order/sensitiveinfo/decode."""
        path = f"{_ORDER}/sensitiveinfo/decode"
        return await self._api.post(SENSITIVEINFO_DECODE, path, models.DecodedAddress, {"order_id": order_id})

    async def virtualtelnumber_get(self, order_id: str) -> models.VirtualNumber:
        """POST /channels/ec/order/virtualtelnumber/get."""
        path = f"{_ORDER}/virtualtelnumber/get"
        return await self._api.post(VIRTUALTELNUMBER_GET, path, models.VirtualNumber, {"order_id": order_id})

    async def deliverycompanylist_new_get(self) -> CompanyList:
        """POST /channels/ec/order/deliverycompanylist/new/get, all of them."""
        path = f"{_ORDER}/deliverycompanylist/new/get"
        return await self._api.post(DELIVERYCOMPANYLIST_NEW_GET, path, CompanyList, {"ewaybill_only": False})

    async def delivery_send(self, order_id: str, parcels: Sequence[models.Delivery]) -> None:
        """POST /channels/ec/order/delivery/send."""
        body = {"order_id": order_id, "delivery_list": list(parcels)}
        await self._api.post(DELIVERY_SEND, f"{_ORDER}/delivery/send", Envelope, body)

    async def deliveryinfo_update(self, order_id: str, parcels: Sequence[models.Delivery]) -> None:
        """POST /channels/ec/order/deliveryinfo/update: the same goods under other waybills."""
        body = {"order_id": order_id, "delivery_list": list(parcels)}
        await self._api.post(DELIVERYINFO_UPDATE, f"{_ORDER}/deliveryinfo/update", Envelope, body)

    async def delivery_compensation(self, order_id: str, parcels: Sequence[models.Delivery], reason: str) -> None:
        """POST /channels/ec/order/delivery/compensation: one parcel more."""
        body = {"order_id": order_id, "delivery_list": list(parcels), "reason": reason}
        await self._api.post(DELIVERY_COMPENSATION, f"{_ORDER}/delivery/compensation", Envelope, body)
