"""Merchant coupons (商家券)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from adapters.base.endpoint import idempotent, read
from adapters.payments import models
from adapters.payments.client.wire import Wire, segment

USER_COUPONS: Final = read("user_coupons", family="coupons")
USER_COUPON: Final = read("user_coupon", family="coupons")
SEND_COUPON: Final = idempotent("send_coupon", "out_request_no", family="coupons")
USE_COUPON: Final = idempotent("use_coupon", "use_request_no", family="coupons")
RETURN_COUPON: Final = idempotent("return_coupon", "return_request_no", family="coupons")
DEACTIVATE_COUPON: Final = idempotent("deactivate_coupon", "deactivate_request_no", family="coupons")
ASSOCIATE_COUPON: Final = idempotent("associate_coupon", "out_request_no", family="coupons")
DISASSOCIATE_COUPON: Final = idempotent("disassociate_coupon", "out_request_no", family="coupons")

_COUPONS: Final = "/v3/marketing/busifavor"


class CouponsClient:
    """``/v3/marketing/busifavor``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def user_coupons(
        self, openid: str, appid: str, coupon_state: str, offset: int, limit: int
    ) -> models.CouponList:
        """根据过滤条件查询用户券; an empty ``coupon_state`` means all."""
        query = {"appid": appid, "offset": str(offset), "limit": str(limit)}
        if coupon_state:
            query["coupon_state"] = coupon_state
        target = f"{_COUPONS}/users/{segment(openid)}/coupons?{urlencode(query)}"
        return await self._wire.json(USER_COUPONS, "GET", target, models.CouponList)

    async def user_coupon(self, openid: str, appid: str, coupon_code: str) -> models.Coupon:
        """查询用户单张券详情."""
        who, code, app = segment(openid), segment(coupon_code), segment(appid)
        target = f"{_COUPONS}/users/{who}/coupons/{code}/appids/{app}"
        return await self._wire.json(USER_COUPON, "GET", target, models.Coupon)

    async def send_coupon(self, body: bytes) -> models.CouponSendAnswer:
        """向用户发券."""
        return await self._wire.json(SEND_COUPON, "POST", f"{_COUPONS}/coupons/send", models.CouponSendAnswer, body)

    async def use_coupon(self, body: bytes) -> models.CouponUseAnswer:
        """核销用户券."""
        return await self._wire.json(USE_COUPON, "POST", f"{_COUPONS}/coupons/use", models.CouponUseAnswer, body)

    async def return_coupon(self, body: bytes) -> models.CouponReturnAnswer:
        """申请退券."""
        target = f"{_COUPONS}/coupons/return"
        return await self._wire.json(RETURN_COUPON, "POST", target, models.CouponReturnAnswer, body)

    async def deactivate_coupon(self, body: bytes) -> models.CouponDeactivateAnswer:
        """使券失效."""
        target = f"{_COUPONS}/coupons/deactivate"
        return await self._wire.json(DEACTIVATE_COUPON, "POST", target, models.CouponDeactivateAnswer, body)

    async def associate_coupon(self, body: bytes) -> models.CouponLinkAnswer:
        """关联订单信息."""
        target = f"{_COUPONS}/coupons/associate"
        return await self._wire.json(ASSOCIATE_COUPON, "POST", target, models.CouponLinkAnswer, body)

    async def disassociate_coupon(self, body: bytes) -> models.CouponUnlinkAnswer:
        """取消关联订单信息."""
        target = f"{_COUPONS}/coupons/disassociate"
        return await self._wire.json(DISASSOCIATE_COUPON, "POST", target, models.CouponUnlinkAnswer, body)
