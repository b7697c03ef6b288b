"""Wire types of 微信支付 v3, in its own field names. Amounts are fen, in bills yuan with two decimals."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Final

import msgspec

#: RFC 3339 with offset.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class ErrorBody(msgspec.Struct, frozen=True):
    """Body of a 4xx or 5xx; ``message`` is left out on purpose."""

    code: str = ""


class Amount(msgspec.Struct, frozen=True):
    """``amount`` of an order. ``payer_total`` is missing until it is paid."""

    total: int
    payer_total: int | None = None
    currency: str = "CNY"


class Payer(msgspec.Struct, frozen=True):
    """``payer`` of an order."""

    openid: str = ""


class Promotion(msgspec.Struct, frozen=True):
    """One entry of ``promotion_detail``."""

    coupon_id: str
    amount: int
    name: str = ""
    scope: str = ""
    type: str = ""
    stock_id: str = ""
    wechatpay_contribute: int = 0
    merchant_contribute: int = 0
    other_contribute: int = 0


class Transaction(msgspec.Struct, frozen=True):
    """The order object: answer of the query, and content of TRANSACTION.SUCCESS."""

    mchid: str
    out_trade_no: str
    trade_state: str
    appid: str = ""
    transaction_id: str = ""
    trade_type: str = ""
    attach: str = ""
    success_time: Instant | None = None
    payer: Payer = Payer()
    amount: Amount = Amount(0)
    promotion_detail: tuple[Promotion, ...] = ()


class SettleInfo(msgspec.Struct, frozen=True):
    """``settle_info`` of a prepay."""

    profit_sharing: bool


class PrepayAmount(msgspec.Struct, frozen=True):
    """``amount`` of a prepay."""

    total: int
    currency: str = "CNY"


class PrepayRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST /v3/pay/transactions/jsapi``."""

    appid: str
    mchid: str
    description: str
    out_trade_no: str
    time_expire: str
    notify_url: str
    amount: PrepayAmount
    payer: Payer
    attach: str = ""
    settle_info: SettleInfo | None = None


class PrepayAnswer(msgspec.Struct, frozen=True):
    """Answer of the JSAPI prepay."""

    prepay_id: str


class RefundAmount(msgspec.Struct, frozen=True):
    """``amount`` of a refund; ``total`` is the order's."""

    refund: int
    total: int
    currency: str = ""


class RefundRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST /v3/refund/domestic/refunds``."""

    out_trade_no: str
    out_refund_no: str
    amount: RefundAmount
    reason: str = ""
    notify_url: str = ""


class Refund(msgspec.Struct, frozen=True):
    """The refund object of the API; ``status`` is PROCESSING, SUCCESS, CLOSED or ABNORMAL."""

    refund_id: str
    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    status: str
    create_time: Instant
    amount: RefundAmount
    success_time: Instant | None = None


class RefundNotification(msgspec.Struct, frozen=True):
    """Content of REFUND.*: other field names than the API, and no creation time."""

    mchid: str
    transaction_id: str
    out_trade_no: str
    refund_id: str
    out_refund_no: str
    refund_status: str
    amount: RefundAmount
    success_time: Instant | None = None


class CouponNotification(msgspec.Struct, frozen=True):
    """Content of COUPON.SEND: a merchant coupon was taken."""

    coupon_code: str
    stock_id: str
    send_time: Instant
    openid: str = ""
    unionid: str = ""


class Resource(msgspec.Struct, frozen=True):
    """``resource`` of a notification, still encrypted."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""
    original_type: str = ""


class Notification(msgspec.Struct, frozen=True):
    """Envelope of a notification."""

    id: str
    create_time: Instant
    event_type: str
    resource: Resource


class FixedCoupon(msgspec.Struct, frozen=True):
    """``fixed_normal_coupon``: an amount off from a minimum."""

    discount_amount: int
    transaction_minimum: int = 0


class CouponUseRule(msgspec.Struct, frozen=True):
    """``coupon_use_rule``; other kinds of coupon have no fixed amount."""

    fixed_normal_coupon: FixedCoupon | None = None


class Coupon(msgspec.Struct, frozen=True):
    """A merchant coupon (商家券) of a user."""

    coupon_code: str
    stock_id: str
    coupon_state: str
    available_start_time: Instant
    expire_time: Instant
    receive_time: Instant
    stock_name: str = ""
    stock_type: str = ""
    coupon_use_rule: CouponUseRule = CouponUseRule()
    use_time: Instant | None = None


class CouponList(msgspec.Struct, frozen=True):
    """A page of a user's coupons."""

    total_count: int
    data: tuple[Coupon, ...] = ()


class CouponUseRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/coupons/use``."""

    coupon_code: str
    stock_id: str
    appid: str
    use_time: str
    use_request_no: str
    openid: str = ""


class CouponUseAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/use``."""

    stock_id: str
    wechatpay_use_time: Instant


class CouponReturnRequest(msgspec.Struct, frozen=True):
    """Body of ``POST …/coupons/return``."""

    coupon_code: str
    stock_id: str
    return_request_no: str


class CouponReturnAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/coupons/return``."""

    wechatpay_return_time: Instant


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
