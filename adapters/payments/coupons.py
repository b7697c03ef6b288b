"""Merchant coupons (商家券). Closed to merchants who were not connected before 2025-12-15."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.payments import models, translation
from adapters.payments.checks import Checks
from adapters.payments.client import CouponsClient
from adapters.payments.records import (
    Coupon,
    CouponLink,
    CouponPage,
    CouponSend,
    CouponSent,
    CouponState,
    CouponUse,
    CouponUsed,
)

#: Coupons of a user per call.
COUPONS_PER_CALL: Final = 20


class Coupons:
    """Of one mchid; see ``PaymentsAdapter``."""

    def __init__(self, mchid: str, checks: Checks, client: CouponsClient) -> None:
        self._mchid = mchid
        self._checks = checks
        self._coupons = client

    async def coupons(
        self, openid: str, appid: str, *, state: CouponState | None = None, offset: int = 0, limit: int = 20
    ) -> CouponPage:
        """A page of a user's merchant coupons (商家券), ``limit`` at most COUPONS_PER_CALL.

        One call; INVALID is two states at the platform and may take two.
        """
        self._checks.page(offset, limit, COUPONS_PER_CALL)
        items: list[Coupon] = []
        total = 0
        for remote in translation.COUPON_STATES[state]:
            # What the states before this one hold is skipped; a full page still needs this one's count.
            skip, want = max(0, offset - total), limit - len(items)
            answer = await self._coupons.user_coupons(openid, appid, remote, skip, max(1, want))
            items += [self._coupon(wire, openid, appid) for wire in answer.data[:want]]
            total += answer.total_count
        return CouponPage(tuple(items), total)

    async def coupon(self, openid: str, appid: str, code: str) -> Coupon | NotFound:
        """One coupon of a user; NotFound (a value) when the user has no such coupon."""
        try:
            return self._coupon(await self._coupons.user_coupon(openid, appid, code), openid, appid)
        except NotFound as missing:
            return missing

    async def send_coupon(self, send: CouponSend) -> CouponSent:
        """Give a user a coupon (发券). Equal requests are one, and another ``out_request_no`` gives another coupon.

        Rejected ``not_enough`` when the stock is spent, ``request_blocked`` at the cap of one user.
        """
        self._checks.appid(send.appid)
        request = models.CouponSendRequest(send.openid, send.appid, send.stock_id, send.out_request_no, send.code)
        answer = await self._coupons.send_coupon(msgspec.json.encode(request))
        return CouponSent(answer.stock_id, answer.coupon_code or send.code)

    async def use_coupon(self, use: CouponUse) -> CouponUsed:
        """Write a coupon off (核销). Equal requests are one; Conflict ``already_exists`` when another
        request used it; Rejected ``rule_limit`` outside its validity."""
        request = models.CouponUseRequest(
            use.code, use.stock_id, use.appid, translation.rfc3339(use.used_at), use.use_request_no, use.openid
        )
        answer = await self._coupons.use_coupon(msgspec.json.encode(request))
        return CouponUsed(answer.stock_id, use.code, translation.utc(answer.wechatpay_use_time))

    async def return_coupon(self, stock_id: str, code: str, return_request_no: str) -> datetime:
        """Give a used coupon back (退券) and say when the platform did. Equal requests are one."""
        request = models.CouponReturnRequest(code, stock_id, return_request_no)
        answer = await self._coupons.return_coupon(msgspec.json.encode(request))
        return translation.utc(answer.wechatpay_return_time)

    async def deactivate_coupon(
        self, stock_id: str, code: str, deactivate_request_no: str, reason: str = ""
    ) -> datetime:
        """Make an unused coupon worthless (使券失效) and say when the platform did. Equal requests are one."""
        request = models.CouponDeactivateRequest(code, stock_id, deactivate_request_no, reason)
        answer = await self._coupons.deactivate_coupon(msgspec.json.encode(request))
        return translation.utc(answer.wechatpay_deactivate_time)

    async def associate_coupon(self, link: CouponLink) -> datetime:
        """Say which order a coupon belongs to (关联订单). Equal requests are one.

        Only an unused coupon can be linked: Rejected ``rule_broken`` otherwise. The link locks nothing and uses
        nothing; ``use_coupon`` is still to be called.
        """
        answer = await self._coupons.associate_coupon(self._linked(link))
        return translation.utc(answer.wechatpay_associate_time)

    async def disassociate_coupon(self, link: CouponLink) -> datetime:
        """Undo a link (取消关联): only with the order that was linked, and a request number of its own."""
        answer = await self._coupons.disassociate_coupon(self._linked(link))
        return translation.utc(answer.wechatpay_disassociate_time)

    def _linked(self, link: CouponLink) -> bytes:
        return msgspec.json.encode(
            models.CouponLinkRequest(link.stock_id, link.code, link.out_trade_no, link.out_request_no)
        )

    def _coupon(self, wire: models.Coupon, openid: str, appid: str) -> Coupon:
        return translation.coupon(self._mchid, wire, openid, appid)
