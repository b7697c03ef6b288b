"""Bills: where they lie, and their lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec


class BillLink(msgspec.Struct, frozen=True):
    """Where a bill lies for five minutes, and the hash of its uncompressed bytes."""

    hash_type: str
    hash_value: str
    download_url: str


#: The columns of a trade bill that we read; the bill has 27.
BILL_COLUMNS: Final = (
    "交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "用户标识", "交易类型", "交易状态",
    "应结订单金额", "微信退款单号", "商户退款单号", "退款状态", "商品名称", "商户数据包", "手续费",
    "订单金额", "申请退款金额",
)  # fmt: skip
#: The columns of a fund flow bill that we read; the bill has 11.
FUND_COLUMNS: Final = (
    "记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额(元)",
    "账户结余(元)", "业务凭证号",
)  # fmt: skip

#: One row of a bill, by column name.
BillLine = Mapping[str, str]


def trade_bill_rows(text: str) -> Iterator[BillLine]:
    """Rows of a trade bill; the two summary lines at the end are left out. Raises ValueError.

    A product name may contain a comma: what is too much belongs to it, the one text that no machine made.
    """
    return _rows(text, BILL_COLUMNS, "商品名称")


def fund_flow_rows(text: str) -> Iterator[BillLine]:
    """Rows of a fund flow bill, in the same way; its one free text is the remark."""
    return _rows(text, FUND_COLUMNS, "备注")


def _rows(text: str, columns: Collection[str], free: str) -> Iterator[BillLine]:
    """Values are not quoted but each is prefixed by a backtick, so comma and backtick together separate
    them. Raises ValueError for any other shape."""
    first, *rest = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    header = first.split(",")
    if missing := {*columns, free} - set(header):
        raise ValueError(f"the bill lacks {len(missing)} of the columns that we read")
    name = header.index(free)
    for line in rest:
        if not line.startswith("`"):
            return
        values = line[1:].split(",`")
        if (surplus := len(values) - len(header)) > 0:
            values[name : name + surplus + 1] = [",`".join(values[name : name + surplus + 1])]
        if len(values) != len(header):
            raise ValueError(f"a row of the bill has {len(values)} values for {len(header)} columns")
        yield dict(zip(header, values, strict=True))
    raise ValueError("the bill ends before its summary")
