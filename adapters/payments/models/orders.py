"""Orders and refunds."""

from __future__ import annotations

import msgspec

from adapters.payments.models.envelopes import Instant


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
    """Body of ``POST /v3/pay/transactions/jsapi``, and without payer of ``…/native``."""

    appid: str
    mchid: str
    description: str
    out_trade_no: str
    time_expire: str
    notify_url: str
    amount: PrepayAmount
    payer: Payer | None = None
    attach: str = ""
    settle_info: SettleInfo | None = None


class PrepayAnswer(msgspec.Struct, frozen=True):
    """Answer of the JSAPI prepay."""

    prepay_id: str


class NativeAnswer(msgspec.Struct, frozen=True):
    """Answer of the Native prepay."""

    code_url: str


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
    funds_account: str = ""


class AbnormalRefundRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/{refund_id}/apply-abnormal-refund``; account and name are encrypted."""

    out_refund_no: str
    type: str
    bank_type: str = ""
    bank_account: str = ""
    real_name: str = ""


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
