"""The store's own ledger (资金结算). Calls that move money are not made from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.base.endpoint import read
from adapters.mini_program_store.models import funds as models
from adapters.wechat.api import TokenApi

GETBALANCE: Final = read("getbalance", family="funds")
GETFUNDSFLOWLIST: Final = read("getfundsflowlist", family="funds")
GETFUNDSFLOWDETAIL: Final = read("getfundsflowdetail", family="funds")
LISTORDERFLOW: Final = read("listorderflow", family="funds")
GETWITHDRAWLIST: Final = read("getwithdrawlist", family="funds")
GETWITHDRAWDETAIL: Final = read("getwithdrawdetail", family="funds")

_FUNDS: Final = "/channels/ec/funds"


class FundsClient:
    """The calls of one store about its money."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def getbalance(self) -> models.Balance:
        """POST /channels/ec/funds/getbalance."""
        return await self._api.post(GETBALANCE, f"{_FUNDS}/getbalance", models.Balance, {})

    async def getfundsflowlist(self, question: Mapping[str, object]) -> models.FlowList:
        """POST /channels/ec/funds/getfundsflowlist."""
        return await self._api.post(GETFUNDSFLOWLIST, f"{_FUNDS}/getfundsflowlist", models.FlowList, question)

    async def getfundsflowdetail(self, flow_id: str) -> models.FlowDetail:
        """POST /channels/ec/funds/getfundsflowdetail."""
        body = {"flow_id": flow_id}
        return await self._api.post(GETFUNDSFLOWDETAIL, f"{_FUNDS}/getfundsflowdetail", models.FlowDetail, body)

    async def listorderflow(self, question: Mapping[str, object]) -> models.OrderFlowList:
        """POST /channels/ec/funds/listorderflow."""
        return await self._api.post(LISTORDERFLOW, f"{_FUNDS}/listorderflow", models.OrderFlowList, question)

    async def getwithdrawlist(self, page_num: int, page_size: int) -> models.WithdrawList:
        """POST /channels/ec/funds/getwithdrawlist."""
        body = {"page_num": page_num, "page_size": page_size}
        return await self._api.post(GETWITHDRAWLIST, f"{_FUNDS}/getwithdrawlist", models.WithdrawList, body)

    async def getwithdrawdetail(self, withdraw_id: str) -> models.Withdrawal:
        """POST /channels/ec/funds/getwithdrawdetail."""
        body = {"withdraw_id": withdraw_id}
        return await self._api.post(GETWITHDRAWDETAIL, f"{_FUNDS}/getwithdrawdetail", models.Withdrawal, body)
