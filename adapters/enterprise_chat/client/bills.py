"""What customers paid in chats (对外收款)."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from adapters.base.endpoint import read
from adapters.wechat.api import TokenApi

GET_BILL_LIST: Final = read("get_bill_list", family="bills")


class BillLine(Struct):
    """One thing on a bill; fen."""

    description: str = ""
    amount: int = 0


class BillRefund(Struct):
    """A refund of a bill; ``refund_status`` 2 is paid back."""

    out_refund_no: str
    refund_fee: int = 0
    refund_status: int = 0
    refund_userid: str = ""
    refund_reqtime: int = 0


class Bill(Struct):
    """A payment (``bill_type`` 0) or a refund (1); fen."""

    transaction_id: str
    bill_type: int = 0
    trade_state: int = 0
    pay_time: int = 0
    out_trade_no: str = ""
    out_refund_no: str = ""
    external_userid: str = ""
    total_fee: int = 0
    payee_userid: str = ""
    payment_type: int = 0
    mch_id: str = ""
    remark: str = ""
    commodity_list: list[BillLine] = []
    total_refund_fee: int = 0
    refund_list: list[BillRefund] = []


class BillList(Struct):
    """``externalpay/get_bill_list``: no cursor at the end; a page may be empty before it."""

    bill_list: list[Bill] = []
    next_cursor: str = ""


class BillsClient:
    """externalpay/, with the token of 对外收款 or of an app that may call it."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def get_bill_list(self, begin: int, end: int, payee: str, cursor: str, limit: int) -> BillList:
        """获取对外收款记录: a month at most, 1000 a page."""
        body: dict[str, object] = {"begin_time": begin, "end_time": end, "limit": limit}
        body |= {name: value for name, value in (("payee_userid", payee), ("cursor", cursor)) if value}
        return await self._api.post(GET_BILL_LIST, "/cgi-bin/externalpay/get_bill_list", BillList, body)
