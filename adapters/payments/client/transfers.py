"""Merchant transfers (商家转账)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from adapters.base.endpoint import idempotent, read
from adapters.payments import models
from adapters.payments.client.wire import Wire, segment
from adapters.payments.errors import TRANSFER_FAULTS

#: Queries find a transfer for 30 days; whether its number is remembered for longer is not documented.
TRANSFER: Final = idempotent("create_transfer", "out_bill_no", lifetime=timedelta(days=30), family="transfers")
CANCEL_TRANSFER: Final = idempotent("cancel_transfer", "out_bill_no", family="transfers")
QUERY_TRANSFER: Final = read("query_transfer", family="transfers")
QUERY_TRANSFER_BY_ID: Final = read("query_transfer_by_id", family="transfers")

_BILLS: Final = "/v3/fund-app/mch-transfer/transfer-bills"


class TransfersClient:
    """``/v3/fund-app/mch-transfer``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def create_transfer(self, body: bytes, sealed_for: str) -> models.TransferAnswer:
        """发起转账 (4012716434). 200 means that the user may be asked."""
        return await self._wire.json(
            TRANSFER, "POST", _BILLS, models.TransferAnswer, body, faults=TRANSFER_FAULTS, sealed_for=sealed_for
        )

    async def cancel_transfer(self, out_bill_no: str) -> models.TransferCancelled:
        """撤销转账: a POST without a body."""
        target = f"{_BILLS}/out-bill-no/{segment(out_bill_no)}/cancel"
        return await self._wire.json(CANCEL_TRANSFER, "POST", target, models.TransferCancelled, faults=TRANSFER_FAULTS)

    async def query_transfer(self, out_bill_no: str) -> models.TransferBill:
        """商户单号查询转账单; kept for 30 days."""
        target = f"{_BILLS}/out-bill-no/{segment(out_bill_no)}"
        return await self._wire.json(QUERY_TRANSFER, "GET", target, models.TransferBill, faults=TRANSFER_FAULTS)

    async def query_transfer_by_id(self, transfer_bill_no: str) -> models.TransferBill:
        """微信单号查询转账单."""
        target = f"{_BILLS}/transfer-bill-no/{segment(transfer_bill_no)}"
        return await self._wire.json(QUERY_TRANSFER_BY_ID, "GET", target, models.TransferBill, faults=TRANSFER_FAULTS)
