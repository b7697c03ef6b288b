"""Orders and refunds."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime


class PaymentState(enum.Enum):
    """State of an order at 微信支付 (交易状态). UNKNOWN stands for what it invents tomorrow."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    #: Some refund was made, perhaps a partial one: still a paid order.
    REFUND = "REFUND"
    CLOSED = "CLOSED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"

    @property
    def paid(self) -> bool:
        """True when the money was captured, refunded since or not."""
        return self in {PaymentState.SUCCESS, PaymentState.REFUND}


class RefundState(enum.Enum):
    """State of a refund (退款状态). ABNORMAL: the payer's account cannot take it, an operator must act."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    #: Refused for good; another try needs a new number.
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class PrepayIntent:
    """What ``prepay_body`` turns into the bytes that are stored and sent.

    Attributes:
        out_trade_no: 6–32 of letters, digits, ``_-|*``; unique per mchid for ever.
        description: 1–127 characters, shown to the payer (商品描述). No emoji.
        notify_url: https, without query string, 255 characters at most.
        expires_at: the platform itself refuses payers after it; a minute to fifteen days ahead.
        attach: 128 characters at most; comes back in query, notification and bill.
        total: fen, 1 at least.
        payer_openid: of that appid; empty for a code to scan (Native), whose payer nobody knows yet.
        profit_sharing: must be declared here or sharing later fails.
    """

    appid: str
    out_trade_no: str
    description: str
    notify_url: str
    expires_at: datetime
    attach: str
    total: int
    payer_openid: str = field(repr=False)
    profit_sharing: bool = False


@dataclass(frozen=True, slots=True)
class Prepaid:
    """An accepted prepay. ``prepay_id`` lives two hours; the same body sent again gives a fresh one."""

    prepay_id: str


@dataclass(frozen=True, slots=True)
class ScanCode:
    """An accepted Native prepay (Native下单). ``url`` is to be shown as a QR code; it lives two hours."""

    url: str


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Arguments of ``wx.requestPayment``; a mini-program sends all but ``app_id``."""

    app_id: str
    time_stamp: str
    nonce_str: str
    package: str
    sign_type: str
    pay_sign: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PromotionDetail:
    """A cash coupon (代金券) that 微信支付 applied while the payer paid; who bore how much, fen."""

    coupon_id: str
    name: str
    amount: int
    stock_id: str
    wechatpay_contribution: int
    merchant_contribution: int
    other_contribution: int


@dataclass(frozen=True, slots=True)
class Payment:
    """An order at 微信支付.

    ``transaction_id``, ``trade_type`` and ``payer_openid`` are empty until it is paid. ``total`` is what was
    asked for; ``payer_total`` what the payer paid after coupons, None until it is paid.
    """

    mchid: str
    appid: str
    out_trade_no: str
    transaction_id: str
    state: PaymentState
    trade_type: str
    total: int
    payer_total: int | None
    currency: str
    paid_at: datetime | None
    payer_openid: str = field(repr=False)
    attach: str
    promotion: tuple[PromotionDetail, ...]


@dataclass(frozen=True, slots=True)
class RefundIntent:
    """A refund to ask for.

    Attributes:
        out_refund_no: 1–64 of letters, digits, ``_-|*@``. One number refunds once; another, again.
        reason: 80 bytes of UTF-8 at most, shown to the payer.
        notify_url: https; without it the platform may fall back to its old XML callback.
        refund: fen to give back, of ``total`` fen of the whole order.
        from_available: take the money from the available balance (可用余额), where what is not settled falls short.
    """

    out_trade_no: str
    out_refund_no: str
    reason: str
    notify_url: str
    refund: int
    total: int
    from_available: bool = False


@dataclass(frozen=True, slots=True)
class BankCard:
    """Where an ABNORMAL refund goes instead (异常退款).

    Attributes:
        of_payer: False sends it to the merchant's own card, from which it is paid out by hand.
        bank: 开户银行, in the platform's own spelling (``ICBC_DEBIT``); with number and name for the payer's card only.
    """

    of_payer: bool
    bank: str = ""
    number: str = field(default="", repr=False)
    holder: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund at 微信支付. Accepted (PROCESSING) is not done. ``created_at`` is None in notifications."""

    mchid: str
    out_trade_no: str
    transaction_id: str
    out_refund_no: str
    refund_id: str
    state: RefundState
    amount: int
    total: int
    created_at: datetime | None
    succeeded_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """支付成功通知."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class RefundNotice:
    """退款结果通知."""

    refund: Refund
