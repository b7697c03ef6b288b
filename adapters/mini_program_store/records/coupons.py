"""Coupons of the store (小店优惠券)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class CouponKind(enum.StrEnum):
    """What it does, for some products or for the whole store: a share off, money off from a sum, or just money off."""

    PRODUCT_CONDITIONAL_DISCOUNT = "PRODUCT_CONDITIONAL_DISCOUNT"
    PRODUCT_THRESHOLD_OFF = "PRODUCT_THRESHOLD_OFF"
    PRODUCT_DISCOUNT = "PRODUCT_DISCOUNT"
    PRODUCT_OFF = "PRODUCT_OFF"
    STORE_CONDITIONAL_DISCOUNT = "STORE_CONDITIONAL_DISCOUNT"
    STORE_THRESHOLD_OFF = "STORE_THRESHOLD_OFF"
    STORE_DISCOUNT = "STORE_DISCOUNT"
    STORE_OFF = "STORE_OFF"
    #: A kind that is newer than this code; it cannot be written.
    OTHER = "OTHER"


class CouponStatus(enum.StrEnum):
    """Where it stands."""

    EDITING = "EDITING"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    VOID = "VOID"
    DELETED = "DELETED"
    #: A state that is newer than this code.
    OTHER = "OTHER"


class UserCouponStatus(enum.StrEnum):
    """Where a shopper's own one stands."""

    VALID = "VALID"
    EXPIRED = "EXPIRED"
    USED = "USED"
    #: A state that is newer than this code.
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class CouponOffer:
    """A coupon to write.

    ``off`` fen for kinds that take money off; ``pay_percent`` for kinds that take a share (85 pays 85 %), 10 to 100.
    The conditions: at least ``from_amount`` fen or ``from_quantity`` pieces, of ``product_ids`` where any are named.
    Valid from ``valid_from`` to ``valid_to``, or ``valid_days`` after it was taken. The name has 10 characters.
    """

    kind: CouponKind
    name: str
    total: int
    per_person: int
    take_from: datetime
    take_to: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    valid_days: int | None = None
    off: int = 0
    pay_percent: float = 0
    from_amount: int = 0
    from_quantity: int = 0
    product_ids: tuple[str, ...] = ()
    notes: str = ""
    members_only: bool = False
    #: Published by the platform itself when taking begins.
    starts_itself: bool = False


@dataclass(frozen=True, slots=True)
class StoreCoupon:
    """A coupon of the store. ``left`` can still be taken; ``off`` fen, ``pay_percent`` as in CouponOffer."""

    appid: str
    coupon_id: str
    kind: CouponKind
    status: CouponStatus
    name: str
    off: int
    pay_percent: float
    from_amount: int
    from_quantity: int
    product_ids: tuple[str, ...]
    take_from: datetime | None
    take_to: datetime | None
    valid_from: datetime | None
    valid_to: datetime | None
    valid_days: int | None
    left: int
    taken: int
    used: int


@dataclass(frozen=True, slots=True)
class UserCouponRef:
    """A shopper's coupon in a list."""

    user_coupon_id: str
    coupon_id: str


@dataclass(frozen=True, slots=True)
class UserCoupon:
    """A coupon in a shopper's hands; ``discount`` fen and ``order_id`` where it was used."""

    appid: str
    openid: str
    user_coupon_id: str
    coupon_id: str
    status: UserCouponStatus
    taken_at: datetime | None
    valid_from: datetime | None
    valid_to: datetime | None
    used_at: datetime | None
    order_id: str | None
    discount: int
