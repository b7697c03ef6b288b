"""Shipping information (发货信息管理)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


class ShippingMethod(enum.StrEnum):
    """物流快递, 同城配送, 虚拟商品, 用户自提."""

    EXPRESS = "EXPRESS"
    CITY = "CITY"
    VIRTUAL = "VIRTUAL"
    PICKUP = "PICKUP"


class PaidOrderState(enum.StrEnum):
    """Where a payment stands with the platform."""

    TO_SHIP = "TO_SHIP"
    SHIPPED = "SHIPPED"
    RECEIVED = "RECEIVED"
    COMPLETED = "COMPLETED"
    REFUNDED = "REFUNDED"
    #: A state that is newer than this code.
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Payment:
    """Which payment: give ``transaction_id``, or ``mchid`` and ``out_trade_no``."""

    transaction_id: str = ""
    mchid: str = ""
    out_trade_no: str = ""


@dataclass(frozen=True, slots=True)
class ShippedParcel:
    """What was sent. ``carrier`` is a code of ``shipping_carriers``; both it and the number only for EXPRESS.

    ``goods`` has 120 characters at most. 顺丰 wants one of the masked phone numbers (``138****0001``).
    """

    goods: str
    carrier: str = ""
    tracking_number: str = ""
    sender_phone: str = field(default="", repr=False)
    receiver_phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Shipment:
    """Everything that is known of the sending of one payment.

    ``split``: it leaves in several parcels, by EXPRESS only; the shopper is told when ``complete``.
    """

    payment: Payment
    method: ShippingMethod
    parcels: Sequence[ShippedParcel]
    split: bool = False
    complete: bool = True


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """A payment as the platform sees it; ``paid`` fen. ``uploads`` counts completed uploads: a second is the last."""

    appid: str
    transaction_id: str
    out_trade_no: str
    mchid: str
    openid: str
    paid: int
    paid_at: datetime | None
    state: PaidOrderState
    in_complaint: bool
    complete: bool
    uploads: int
    parcels: tuple[ShippedParcel, ...]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier (快递公司): its code and its name."""

    code: str
    name: str
