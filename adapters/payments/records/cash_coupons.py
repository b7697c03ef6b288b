"""Cash coupons (代金券), which 微信支付 itself applies to a payment."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


class CashCouponState(enum.Enum):
    """State of a cash coupon. UNKNOWN stands for what the platform invents tomorrow."""

    SENDED = "SENDED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"


class CashStockState(enum.Enum):
    """State of a stock (批次). Only a RUNNING one can be sent."""

    UNACTIVATED = "unactivated"
    AUDIT = "audit"
    RUNNING = "running"
    #: The platform spells it ``stoped``.
    STOPPED = "stoped"
    PAUSED = "paused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CashCouponSend:
    """A cash coupon to give to a user (发放代金券). Equal sends are one.

    Attributes:
        creator_mchid: who made the stock; empty for this merchant itself.
        value: fen, only for a stock that leaves its value open; with ``minimum``, fen.
    """

    stock_id: str
    appid: str
    openid: str = field(repr=False)
    out_request_no: str
    creator_mchid: str = ""
    value: int = 0
    minimum: int = 0


@dataclass(frozen=True, slots=True)
class CashCoupon:
    """A cash coupon in a user's hands. ``value`` and ``minimum`` are fen, None where no fixed amount comes off."""

    mchid: str
    stock_id: str
    coupon_id: str
    appid: str
    openid: str = field(repr=False)
    name: str
    state: CashCouponState
    value: int | None
    minimum: int | None
    received_at: datetime
    starts_at: datetime
    expires_at: datetime
    used_at: datetime | None
    transaction_id: str


@dataclass(frozen=True, slots=True)
class CashCouponPage:
    """Part of a user's cash coupons; ``total`` counts all that were asked for."""

    items: Sequence[CashCoupon]
    total: int


@dataclass(frozen=True, slots=True)
class CashStock:
    """A stock of cash coupons. ``sent`` counts those in users' hands."""

    mchid: str
    stock_id: str
    name: str
    state: CashStockState
    starts_at: datetime | None
    ends_at: datetime | None
    sent: int


@dataclass(frozen=True, slots=True)
class CashStockPage:
    """Part of a merchant's stocks."""

    items: Sequence[CashStock]
    total: int


@dataclass(frozen=True, slots=True)
class CashCouponUsed:
    """代金券核销通知: a payment took the coupon. The payment's own promotion says the same, with who bears it."""

    mchid: str
    stock_id: str
    coupon_id: str
    transaction_id: str
    amount: int
    at: datetime
