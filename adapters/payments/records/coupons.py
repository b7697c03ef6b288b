"""Merchant coupons (商家券)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


class CouponState(enum.Enum):
    """State of a merchant coupon (商家券). INVALID: deleted by the user or deactivated by the merchant."""

    USABLE = "USABLE"
    USED = "USED"
    EXPIRED = "EXPIRED"
    INVALID = "INVALID"


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
class CouponReceived:
    """领券事件: a merchant coupon was taken. The platform does not say with which appid."""

    mchid: str
    stock_id: str
    code: str
    openid: str = field(repr=False)
    unionid: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class CouponSend:
    """A merchant coupon to give to a user (发放商家券). Equal sends are one.

    ``code`` only for stocks whose codes the merchant gives (``MERCHANT_API``).
    """

    stock_id: str
    appid: str
    openid: str = field(repr=False)
    out_request_no: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class CouponSent:
    """A coupon that was given. ``code`` is empty where the platform does not say it: the user's list does."""

    stock_id: str
    code: str


@dataclass(frozen=True, slots=True)
class CouponLink:
    """A coupon and the order that it belongs to (关联订单). It serves statistics and locks nothing.

    ``out_trade_no``: the order's own number, which must be the linked one to undo it.
    """

    stock_id: str
    code: str
    out_trade_no: str
    out_request_no: str
