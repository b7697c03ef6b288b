"""Profit sharing (分账)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from adapters.base.endpoint import idempotent, read
from adapters.payments import models
from adapters.payments.client.wire import Wire, segment

#: Receivers are a set: adding one that is there, or deleting one that is not, changes nothing.
ADD_RECEIVER: Final = idempotent("add_receiver", "account", family="sharing")
DELETE_RECEIVER: Final = idempotent("delete_receiver", "account", family="sharing")
SHARE: Final = idempotent("create_sharing", "out_order_no", family="sharing")
QUERY_SHARING: Final = read("query_sharing", family="sharing")
UNFREEZE: Final = idempotent("unfreeze", "out_order_no", family="sharing")
RETURN_SHARE: Final = idempotent("return_share", "out_return_no", family="sharing")
QUERY_SHARE_RETURN: Final = read("query_share_return", family="sharing")
UNSHARED_AMOUNT: Final = read("unshared_amount", family="sharing")

_SHARING: Final = "/v3/profitsharing"


class SharingClient:
    """``/v3/profitsharing``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def add_receiver(self, body: bytes, sealed_for: str) -> models.ReceiverAdded:
        """添加分账接收方."""
        target = f"{_SHARING}/receivers/add"
        return await self._wire.json(ADD_RECEIVER, "POST", target, models.ReceiverAdded, body, sealed_for=sealed_for)

    async def delete_receiver(self, body: bytes) -> models.ReceiverAdded:
        """删除分账接收方."""
        target = f"{_SHARING}/receivers/delete"
        return await self._wire.json(DELETE_RECEIVER, "POST", target, models.ReceiverAdded, body)

    async def create_sharing(self, body: bytes, sealed_for: str) -> models.Sharing:
        """请求分账. 200 means accepted: each part has a result of its own later."""
        target = f"{_SHARING}/orders"
        return await self._wire.json(SHARE, "POST", target, models.Sharing, body, sealed_for=sealed_for)

    async def query_sharing(self, out_order_no: str, transaction_id: str) -> models.Sharing:
        """查询分账结果."""
        query = urlencode({"transaction_id": transaction_id})
        target = f"{_SHARING}/orders/{segment(out_order_no)}?{query}"
        return await self._wire.json(QUERY_SHARING, "GET", target, models.Sharing)

    async def unfreeze(self, body: bytes) -> models.Sharing:
        """解冻剩余资金."""
        return await self._wire.json(UNFREEZE, "POST", f"{_SHARING}/orders/unfreeze", models.Sharing, body)

    async def return_share(self, body: bytes) -> models.ShareReturn:
        """请求分账回退."""
        return await self._wire.json(RETURN_SHARE, "POST", f"{_SHARING}/return-orders", models.ShareReturn, body)

    async def query_share_return(self, out_return_no: str, out_order_no: str) -> models.ShareReturn:
        """查询分账回退结果."""
        query = urlencode({"out_order_no": out_order_no})
        target = f"{_SHARING}/return-orders/{segment(out_return_no)}?{query}"
        return await self._wire.json(QUERY_SHARE_RETURN, "GET", target, models.ShareReturn)

    async def unshared_amount(self, transaction_id: str) -> models.UnsharedAmount:
        """查询剩余待分金额."""
        target = f"{_SHARING}/transactions/{segment(transaction_id)}/amounts"
        return await self._wire.json(UNSHARED_AMOUNT, "GET", target, models.UnsharedAmount)
