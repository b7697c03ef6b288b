"""Cash coupons (代金券)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import msgspec

from adapters.base.endpoint import idempotent, read
from adapters.payments import models
from adapters.payments.client.wire import Wire, segment

SEND_CASH_COUPON: Final = idempotent("send_cash_coupon", "out_request_no", family="cash_coupons")
USER_CASH_COUPONS: Final = read("user_cash_coupons", family="cash_coupons")
USER_CASH_COUPON: Final = read("user_cash_coupon", family="cash_coupons")
CASH_STOCKS: Final = read("cash_stocks", family="cash_coupons")
CASH_STOCK: Final = read("cash_stock", family="cash_coupons")
#: The state itself is the key: a stock that is started already is started.
START_CASH_STOCK: Final = idempotent("start_cash_stock", "stock_id", family="cash_coupons")
PAUSE_CASH_STOCK: Final = idempotent("pause_cash_stock", "stock_id", family="cash_coupons")
RESTART_CASH_STOCK: Final = idempotent("restart_cash_stock", "stock_id", family="cash_coupons")

_FAVOR: Final = "/v3/marketing/favor"


class CashCouponsClient:
    """``/v3/marketing/favor``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def send_cash_coupon(self, openid: str, body: bytes) -> models.CashCouponSendAnswer:
        """发放代金券批次."""
        target = f"{_FAVOR}/users/{segment(openid)}/coupons"
        return await self._wire.json(SEND_CASH_COUPON, "POST", target, models.CashCouponSendAnswer, body)

    async def user_cash_coupons(
        self, openid: str, appid: str, status: str, stock_id: str, offset: int, limit: int
    ) -> models.CashCouponList:
        """根据商户号查用户的券: those of stocks that this merchant made; empty filters mean all."""
        query = {"appid": appid, "creator_mchid": self._wire.mchid, "offset": str(offset), "limit": str(limit)}
        query |= {name: value for name, value in (("status", status), ("stock_id", stock_id)) if value}
        target = f"{_FAVOR}/users/{segment(openid)}/coupons?{urlencode(query)}"
        return await self._wire.json(USER_CASH_COUPONS, "GET", target, models.CashCouponList)

    async def user_cash_coupon(self, openid: str, appid: str, coupon_id: str) -> models.CashCoupon:
        """查询代金券详情."""
        query = urlencode({"appid": appid})
        target = f"{_FAVOR}/users/{segment(openid)}/coupons/{segment(coupon_id)}?{query}"
        return await self._wire.json(USER_CASH_COUPON, "GET", target, models.CashCoupon)

    async def cash_stocks(self, status: str, offset: int, limit: int) -> models.CashStockList:
        """条件查询批次列表; an empty ``status`` means all."""
        query = {"offset": str(offset), "limit": str(limit), "stock_creator_mchid": self._wire.mchid}
        if status:
            query["status"] = status
        return await self._wire.json(CASH_STOCKS, "GET", f"{_FAVOR}/stocks?{urlencode(query)}", models.CashStockList)

    async def cash_stock(self, stock_id: str) -> models.CashStock:
        """查询批次详情."""
        query = urlencode({"stock_creator_mchid": self._wire.mchid})
        return await self._wire.json(
            CASH_STOCK, "GET", f"{_FAVOR}/stocks/{segment(stock_id)}?{query}", models.CashStock
        )

    async def start_cash_stock(self, stock_id: str) -> models.CashStockSwitched:
        """激活代金券批次."""
        target, body = self._switch(stock_id, "start")
        return await self._wire.json(START_CASH_STOCK, "POST", target, models.CashStockSwitched, body)

    async def pause_cash_stock(self, stock_id: str) -> models.CashStockSwitched:
        """暂停代金券批次."""
        target, body = self._switch(stock_id, "pause")
        return await self._wire.json(PAUSE_CASH_STOCK, "POST", target, models.CashStockSwitched, body)

    async def restart_cash_stock(self, stock_id: str) -> models.CashStockSwitched:
        """重启代金券批次."""
        target, body = self._switch(stock_id, "restart")
        return await self._wire.json(RESTART_CASH_STOCK, "POST", target, models.CashStockSwitched, body)

    def _switch(self, stock_id: str, verb: str) -> tuple[str, bytes]:
        body = msgspec.json.encode({"stock_creator_mchid": self._wire.mchid})
        return f"{_FAVOR}/stocks/{segment(stock_id)}/{verb}", body
