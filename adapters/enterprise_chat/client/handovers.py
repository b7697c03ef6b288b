"""Customers of one employee given to another: 在职继承, and 离职继承 after they left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from adapters.base.endpoint import once, read
from adapters.enterprise_chat import models
from adapters.wechat.api import TokenApi

GET_UNASSIGNED_LIST: Final = read("get_unassigned_list")
TRANSFER_CUSTOMER: Final = once("transfer_customer", family="handover")
TRANSFER_RESULT: Final = read("transfer_result", family="handover")
RESIGNED_TRANSFER_CUSTOMER: Final = once("resigned_transfer_customer", family="handover")
RESIGNED_TRANSFER_RESULT: Final = read("resigned_transfer_result", family="handover")

_ROOT: Final = "/cgi-bin/externalcontact/"


class TransferRow(Struct):
    """``errcode`` 0: under way, and done by itself after a day."""

    external_userid: str
    errcode: int = 0


class Transfer(Struct):
    """``transfer_customer``: the answer as a whole is a success even where every row failed."""

    customer: list[TransferRow] = []


class TransferResultRow(Struct):
    """``status`` 1 done, 2 waiting, 3 the customer refused, 4 the new employee is full."""

    external_userid: str
    status: int
    takeover_time: int = 0


class TransferResult(Struct):
    """``transfer_result``: 1000 a page."""

    customer: list[TransferResultRow] = []
    next_cursor: str = ""


class HandoversClient:
    """The four calls of the two inheritances, and who waits for one."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def get_unassigned_list(self, cursor: str, page_size: int) -> models.UnassignedList:
        """获取待分配的离职成员列表."""
        body = {"cursor": cursor, "page_size": page_size}
        return await self._api.post(GET_UNASSIGNED_LIST, _ROOT + "get_unassigned_list", models.UnassignedList, body)

    async def transfer_customer(self, old: str, new: str, external_userids: Sequence[str], message: str) -> Transfer:
        """分配在职成员的客户: at most 100; ``message`` is what the customer reads, empty for the platform's words."""
        body = _body(old, new, external_userids) | ({"transfer_success_msg": message} if message else {})
        return await self._api.post(TRANSFER_CUSTOMER, _ROOT + "transfer_customer", Transfer, body)

    async def transfer_result(self, old: str, new: str, cursor: str) -> TransferResult:
        """查询客户接替状态."""
        body = {"handover_userid": old, "takeover_userid": new, "cursor": cursor}
        return await self._api.post(TRANSFER_RESULT, _ROOT + "transfer_result", TransferResult, body)

    async def resigned_transfer_customer(self, old: str, new: str, external_userids: Sequence[str]) -> Transfer:
        """分配离职成员的客户: at most 100."""
        body = _body(old, new, external_userids)
        return await self._api.post(RESIGNED_TRANSFER_CUSTOMER, _ROOT + "resigned/transfer_customer", Transfer, body)

    async def resigned_transfer_result(self, old: str, new: str, cursor: str) -> TransferResult:
        """查询客户接替状态, of an employee who left."""
        body = {"handover_userid": old, "takeover_userid": new, "cursor": cursor}
        return await self._api.post(RESIGNED_TRANSFER_RESULT, _ROOT + "resigned/transfer_result", TransferResult, body)


def _body(old: str, new: str, external_userids: Sequence[str]) -> dict[str, object]:
    return {"handover_userid": old, "takeover_userid": new, "external_userid": list(external_userids)}
