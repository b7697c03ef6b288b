"""Cash coupons (代金券). Nobody uses them: the platform applies them while the user pays."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.payments import models, translation
from adapters.payments.checks import Checks
from adapters.payments.client import CashCouponsClient
from adapters.payments.records import (
    CashCoupon,
    CashCouponPage,
    CashCouponSend,
    CashCouponState,
    CashStock,
    CashStockPage,
    CashStockState,
)

CASH_COUPONS_PER_CALL: Final = 20
CASH_STOCKS_PER_CALL: Final = 10


class CashCoupons:
    """Of one mchid; see ``PaymentsAdapter``."""

    def __init__(self, mchid: str, checks: Checks, client: CashCouponsClient) -> None:
        self._mchid = mchid
        self._checks = checks
        self._cash_coupons = client

    async def send_cash_coupon(self, send: CashCouponSend) -> str:
        """Give a user a cash coupon (发放代金券) and say its id. Equal requests are one.

        Rejected ``not_enough`` when the stock or its money is spent, ``payer_account_abnormal`` for a user whom
        the platform's risk control holds back, ``rule_broken`` while the stock is not running.
        """
        self._checks.appid(send.appid)
        request = models.CashCouponSendRequest(
            send.stock_id, send.out_request_no, send.appid, send.creator_mchid or self._mchid, send.value, send.minimum
        )
        return (await self._cash_coupons.send_cash_coupon(send.openid, msgspec.json.encode(request))).coupon_id

    async def cash_coupons(
        self,
        openid: str,
        appid: str,
        *,
        state: CashCouponState | None = None,
        stock_id: str = "",
        offset: int = 0,
        limit: int = CASH_COUPONS_PER_CALL,
    ) -> CashCouponPage:
        """A page of a user's cash coupons from stocks of this merchant, ``limit`` at most CASH_COUPONS_PER_CALL.

        ``state``: the platform filters by SENDED and USED only.
        """
        self._checks.page(offset, limit, CASH_COUPONS_PER_CALL)
        filtered = state in {None, CashCouponState.SENDED, CashCouponState.USED}
        self._checks.within(filtered, "state", "SENDED or USED")
        status = state.value if state else ""
        answer = await self._cash_coupons.user_cash_coupons(openid, appid, status, stock_id, offset, limit)
        items = tuple(translation.cash_coupon(each, openid, appid) for each in answer.data)
        return CashCouponPage(items, answer.total_count)

    async def cash_coupon(self, openid: str, appid: str, coupon_id: str) -> CashCoupon | NotFound:
        """One cash coupon of a user; NotFound (a value) when the user has no such coupon."""
        try:
            found = await self._cash_coupons.user_cash_coupon(openid, appid, coupon_id)
        except NotFound as missing:
            return missing
        return translation.cash_coupon(found, openid, appid)

    async def cash_stocks(
        self, *, state: CashStockState | None = None, offset: int = 0, limit: int = CASH_STOCKS_PER_CALL
    ) -> CashStockPage:
        """A page of this merchant's stocks, ``limit`` at most CASH_STOCKS_PER_CALL."""
        self._checks.page(offset, limit, CASH_STOCKS_PER_CALL)
        answer = await self._cash_coupons.cash_stocks(state.value if state else "", offset, limit)
        return CashStockPage(
            tuple(translation.cash_stock(self._mchid, each) for each in answer.data), answer.total_count
        )

    async def cash_stock(self, stock_id: str) -> CashStock | NotFound:
        """One stock; NotFound (a value) when there is no such stock of this merchant."""
        try:
            return translation.cash_stock(self._mchid, await self._cash_coupons.cash_stock(stock_id))
        except NotFound as missing:
            return missing

    async def start_cash_stock(self, stock_id: str) -> None:
        """Let a stock be sent (激活): one that was just made in the console cannot be."""
        await self._cash_coupons.start_cash_stock(stock_id)

    async def pause_cash_stock(self, stock_id: str) -> None:
        """Send no more of a stock for now (暂停); coupons in users' hands stay good."""
        await self._cash_coupons.pause_cash_stock(stock_id)

    async def restart_cash_stock(self, stock_id: str) -> None:
        """Send a paused stock again (重启)."""
        await self._cash_coupons.restart_cash_stock(stock_id)
