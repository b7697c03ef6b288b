"""Rows of the bills."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class BillRow:
    """One row of a day's trade bill (交易账单): a payment, or a refund of one.

    Attributes:
        at: 交易时间, for a refund that of the refund.
        trade_type: MICROPAY is a 付款码 payment in a shop, which nothing else tells us of.
        state: SUCCESS, REFUND or REVOKED.
        total: 订单金额, fen; 0 in refund rows.
        settlement: 应结订单金额, fen: what reaches the merchant before fees.
        refund_id: with the refund fields empty or 0 in payment rows.
        refund_amount: 申请退款金额, fen: compare it with what we asked for.
        refund_state: SUCCESS, PROCESSING, FAIL or CHANGE.
        fee: 手续费 in yuan as the bill has it, five decimals, negative for refunds.
    """

    kind: Literal["PAYMENT", "REFUND"]
    mchid: str
    appid: str
    at: datetime
    transaction_id: str
    out_trade_no: str
    payer_openid: str = field(repr=False)
    trade_type: str
    state: str
    total: int
    settlement: int
    refund_id: str
    out_refund_no: str
    refund_amount: int
    refund_state: str
    description: str
    attach: str
    fee: str


class FundAccount(enum.Enum):
    """The three accounts of an mchid that have a fund flow bill (资金账单)."""

    BASIC = "BASIC"
    OPERATION = "OPERATION"
    FEES = "FEES"


@dataclass(frozen=True, slots=True)
class FundFlow:
    """One movement of money in an account of the merchant (资金流水).

    Attributes:
        business_id: 微信支付业务单号: the transaction_id of a payment, the refund_id of a refund.
        flow_id: 资金流水单号, its own number.
        name: 业务名称, such as 交易, 退款, 提现; an open list.
        kind: 业务类型, such as 交易, 退款, 扣除交易手续费; an open list.
        amount: fen; money that left the account is negative.
        balance: fen, after it.
        voucher: 业务凭证号: the merchant's own number, as far as there is one.
    """

    account: FundAccount
    at: datetime
    business_id: str
    flow_id: str
    name: str
    kind: str
    amount: int
    balance: int
    voucher: str
