"""What leaves this folder. Amounts are integer fen; instants are aware and UTC."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


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


class CouponState(enum.Enum):
    """State of a merchant coupon (商家券). INVALID: deleted by the user or deactivated by the merchant."""

    USABLE = "USABLE"
    USED = "USED"
    EXPIRED = "EXPIRED"
    INVALID = "INVALID"


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
        payer_openid: of that appid.
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
    """

    out_trade_no: str
    out_refund_no: str
    reason: str
    notify_url: str
    refund: int
    total: int


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


@dataclass(frozen=True, slots=True)
class Coupon:
    """A merchant coupon (商家券) in a user's hands.

    ``discount`` and ``minimum`` are fen, None where the coupon takes no fixed amount off. USABLE says nothing
    of ``starts_at``: it may lie ahead.
    """

    mchid: str
    stock_id: str
    code: str
    appid: str
    openid: str = field(repr=False)
    name: str
    state: CouponState
    discount: int | None
    minimum: int | None
    received_at: datetime
    starts_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class CouponPage:
    """Part of a user's coupons; ``total`` counts all of the asked state."""

    items: Sequence[Coupon]
    total: int


@dataclass(frozen=True, slots=True)
class CouponUse:
    """A write-off (核销) to ask for. A repetition must be equal in every field, ``used_at`` included."""

    stock_id: str
    code: str
    appid: str
    openid: str = field(repr=False)
    use_request_no: str
    used_at: datetime


@dataclass(frozen=True, slots=True)
class CouponUsed:
    """A coupon that is written off; ``used_at`` by the platform's clock."""

    stock_id: str
    code: str
    used_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """支付成功通知."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class RefundNotice:
    """退款结果通知."""

    refund: Refund


@dataclass(frozen=True, slots=True)
class CouponReceived:
    """领券事件: a merchant coupon was taken. The platform does not say with which appid."""

    mchid: str
    stock_id: str
    code: str
    openid: str = field(repr=False)
    unionid: str = field(repr=False)
    at: datetime
