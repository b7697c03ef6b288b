"""Orders (基础支付) and refunds."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from adapters.base.endpoint import idempotent, read
from adapters.payments import models
from adapters.payments.client.wire import Wire, nothing, segment
from adapters.payments.errors import REFUND_FAULTS

#: An out_trade_no is remembered for ever; a prepay_id or code_url made from it lives two hours.
JSAPI_PREPAY: Final = idempotent("jsapi_prepay", "out_trade_no", family="orders")
NATIVE_PREPAY: Final = idempotent("native_prepay", "out_trade_no", family="orders")
QUERY: Final = read("query_by_out_trade_no", family="orders")
QUERY_BY_ID: Final = read("query_by_id", family="orders")
CLOSE: Final = idempotent("close_order", "out_trade_no", family="orders")
REFUND: Final = idempotent("create_refund", "out_refund_no", lifetime=timedelta(days=365), family="refunds")
QUERY_REFUND: Final = read("query_refund", family="refunds")
ABNORMAL_REFUND: Final = idempotent("apply_abnormal_refund", "out_refund_no", family="refunds")

_ORDERS: Final = "/v3/pay/transactions"
_REFUNDS: Final = "/v3/refund/domestic/refunds"


class OrdersClient:
    """``/v3/pay/transactions`` and ``/v3/refund/domestic``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def jsapi_prepay(self, body: bytes) -> models.PrepayAnswer:
        """JSAPI/小程序下单 (4012791856). The same number with the same parameters gives a new prepay_id."""
        return await self._wire.json(JSAPI_PREPAY, "POST", f"{_ORDERS}/jsapi", models.PrepayAnswer, body)

    async def native_prepay(self, body: bytes) -> models.NativeAnswer:
        """Native下单. As for JSAPI, and without a payer."""
        return await self._wire.json(NATIVE_PREPAY, "POST", f"{_ORDERS}/native", models.NativeAnswer, body)

    async def query_by_out_trade_no(self, out_trade_no: str) -> models.Transaction:
        """商户订单号查询订单."""
        target = f"{_ORDERS}/out-trade-no/{segment(out_trade_no)}?{self._mine()}"
        return await self._wire.json(QUERY, "GET", target, models.Transaction)

    async def query_by_id(self, transaction_id: str) -> models.Transaction:
        """微信支付订单号查询订单."""
        target = f"{_ORDERS}/id/{segment(transaction_id)}?{self._mine()}"
        return await self._wire.json(QUERY_BY_ID, "GET", target, models.Transaction)

    async def close_order(self, out_trade_no: str) -> None:
        """关闭订单; 204, and repeatable."""
        body = msgspec.json.encode({"mchid": self._wire.mchid})
        target = f"{_ORDERS}/out-trade-no/{segment(out_trade_no)}/close"
        await self._wire.call(CLOSE, "POST", target, nothing, body)

    async def create_refund(self, body: bytes) -> models.Refund:
        """退款申请 (4013071036). 200 means accepted, not done."""
        return await self._wire.json(REFUND, "POST", _REFUNDS, models.Refund, body, faults=REFUND_FAULTS)

    async def query_refund(self, out_refund_no: str) -> models.Refund:
        """查询单笔退款 (4013071041)."""
        return await self._wire.json(QUERY_REFUND, "GET", f"{_REFUNDS}/{segment(out_refund_no)}", models.Refund)

    async def apply_abnormal_refund(self, refund_id: str, body: bytes, sealed_for: str) -> models.Refund:
        """发起异常退款: to a bank card instead."""
        target = f"{_REFUNDS}/{segment(refund_id)}/apply-abnormal-refund"
        return await self._wire.json(
            ABNORMAL_REFUND, "POST", target, models.Refund, body, faults=REFUND_FAULTS, sealed_for=sealed_for
        )

    def _mine(self) -> str:
        return urlencode({"mchid": self._wire.mchid})
