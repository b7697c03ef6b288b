"""Rows of the bills."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from adapters.payments import models
from adapters.payments.records import BillRow, FundAccount, FundFlow
from adapters.payments.translation.times import BEIJING, utc

_YUAN: Final = re.compile(r"(-?)(\d{1,12})\.(\d{2})", re.ASCII)
#: 收支类型 of a fund flow.
_DIRECTIONS: Final = {"收入": 1, "支出": -1}


def fen(yuan: str) -> int:
    """A bill's amount, yuan with two decimals, as fen. No floats. Raises ValueError."""
    match = _YUAN.fullmatch(yuan)
    if match is None:
        raise ValueError("an amount of the bill is not yuan with two decimals")
    sign, whole, cents = match.groups()
    amount = int(whole) * 100 + int(cents)
    return -amount if sign else amount


def bill_row(row: models.BillLine) -> BillRow:
    """A row of a trade bill. In payment rows the platform writes ``0`` for the numbers of a refund."""
    refund_id = _number(row["微信退款单号"])
    return BillRow(
        kind="REFUND" if refund_id else "PAYMENT",
        mchid=row["商户号"],
        appid=row["公众账号ID"],
        at=_local(row["交易时间"]),
        transaction_id=row["微信订单号"],
        out_trade_no=row["商户订单号"],
        payer_openid=row["用户标识"],
        trade_type=row["交易类型"],
        state=row["交易状态"],
        total=fen(row["订单金额"]),
        settlement=fen(row["应结订单金额"]),
        refund_id=refund_id,
        out_refund_no=_number(row["商户退款单号"]),
        refund_amount=fen(row["申请退款金额"]),
        refund_state=row["退款状态"],
        description=row["商品名称"],
        attach=row["商户数据包"],
        fee=row["手续费"],
    )


def fund_flow(account: FundAccount, row: models.BillLine) -> FundFlow:
    """A row of a fund flow bill. Raises ValueError."""
    sign = _DIRECTIONS.get(row["收支类型"])
    if sign is None:
        raise ValueError("money neither came in nor went out")
    return FundFlow(
        account=account,
        at=_local(row["记账时间"]),
        business_id=row["微信支付业务单号"],
        flow_id=row["资金流水单号"],
        name=row["业务名称"],
        kind=row["业务类型"],
        amount=sign * fen(row["收支金额(元)"]),
        balance=fen(row["账户结余(元)"]),
        voucher=row["业务凭证号"],
    )


def _local(text: str) -> datetime:
    """A bill's Beijing time."""
    return utc(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING))


def _number(text: str) -> str:
    return "" if text == "0" else text
