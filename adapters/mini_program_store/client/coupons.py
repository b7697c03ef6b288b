"""Coupons (优惠券). Nothing here gives one to a shopper: they take them themselves."""

from __future__ import annotations

from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.mini_program_store.models import coupons as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

COUPON_CREATE: Final = once("coupon_create", family="coupon")
COUPON_UPDATE: Final = idempotent("coupon_update", "coupon_id", family="coupon")
COUPON_UPDATE_STATUS: Final = idempotent("coupon_update_status", "coupon_id", family="coupon")
COUPON_GET: Final = read("coupon_get", family="coupon")
COUPON_GET_LIST: Final = read("coupon_get_list", family="coupon")
COUPON_GET_USER_COUPON_LIST: Final = read("coupon_get_user_coupon_list", family="coupon")
COUPON_GET_USER_COUPON: Final = read("coupon_get_user_coupon", family="coupon")

_COUPON: Final = "/channels/ec/coupon"


class CouponsClient:
    """The calls of one store about its coupons."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def coupon_create(self, coupon: models.CouponWrite) -> models.CouponCreate:
        """POST /channels/ec/coupon/create."""
        return await self._api.post(COUPON_CREATE, f"{_COUPON}/create", models.CouponCreate, coupon)

    async def coupon_update(self, coupon: models.CouponWrite) -> None:
        """POST /channels/ec/coupon/update."""
        await self._api.post(COUPON_UPDATE, f"{_COUPON}/update", Envelope, coupon)

    async def coupon_update_status(self, coupon_id: str, status: int) -> None:
        """POST /channels/ec/coupon/update_status; 2 publishes, 4 voids, 5 deletes."""
        body = {"coupon_id": coupon_id, "status": status}
        await self._api.post(COUPON_UPDATE_STATUS, f"{_COUPON}/update_status", Envelope, body)

    async def coupon_get(self, coupon_id: str) -> models.CouponGet:
        """POST /channels/ec/coupon/get."""
        return await self._api.post(COUPON_GET, f"{_COUPON}/get", models.CouponGet, {"coupon_id": coupon_id})

    async def coupon_get_list(self, status: int, page: int, page_size: int, page_ctx: str) -> models.CouponList:
        """POST /channels/ec/coupon/get_list; it wants all four."""
        body = {"status": status, "page": page, "page_size": page_size, "page_ctx": page_ctx}
        return await self._api.post(COUPON_GET_LIST, f"{_COUPON}/get_list", models.CouponList, body)

    async def coupon_get_user_coupon_list(
        self, openid: str, page: int, page_size: int, page_ctx: str
    ) -> models.UserCouponList:
        """POST /channels/ec/coupon/get_user_coupon_list, in every state."""
        body = {"openid": openid, "page": page, "page_size": page_size, "page_ctx": page_ctx}
        path = f"{_COUPON}/get_user_coupon_list"
        return await self._api.post(COUPON_GET_USER_COUPON_LIST, path, models.UserCouponList, body)

    async def coupon_get_user_coupon(self, openid: str, user_coupon_id: str) -> models.UserCouponGet:
        """POST /channels/ec/coupon/get_user_coupon."""
        body = {"openid": openid, "user_coupon_id": user_coupon_id}
        return await self._api.post(COUPON_GET_USER_COUPON, f"{_COUPON}/get_user_coupon", models.UserCouponGet, body)
