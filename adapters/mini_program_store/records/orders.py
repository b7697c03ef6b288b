"""Orders of the store (小店订单)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime


class OrderState(enum.StrEnum):
    """Where an order stands."""

    UNPAID = "UNPAID"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    PARTLY_SHIPPED = "PARTLY_SHIPPED"
    SHIPPED = "SHIPPED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    #: Paid, then every item was refunded.
    AFTER_SALE_CLOSED = "AFTER_SALE_CLOSED"
    #: A gift not accepted yet, a group not full yet, or a state that is newer than this code.
    OTHER = "OTHER"


class Fulfilment(enum.StrEnum):
    """How the goods reach the shopper. The platform names no way that means PICKUP today."""

    EXPRESS = "EXPRESS"
    PICKUP = "PICKUP"
    VIRTUAL = "VIRTUAL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """``list_amount`` and ``paid_amount`` are of the whole line, fen.

    ``after_sale_quantity`` counts pieces in an after-sale, open or finished.
    """

    product_id: str
    sku_id: str
    sku_code: str
    title: str
    quantity: int
    list_amount: int
    paid_amount: int
    after_sale_quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """A store order (小店订单).

    The state can lag behind ``paid_at`` by moments: an order may still be UNPAID with ``paid_at`` set.
    ``receiver_name`` and ``receiver_phone`` are masked by the platform (``林**``, ``138****0001``).
    ``list_total`` − ``discount`` + ``freight`` is ``payable`` unless staff changed the price. Of several
    parcels ``carrier`` and ``tracking_number`` name the first, ``tracking_numbers`` all; ``shipped_at`` is when
    the last one left, else when the first did. ``scene`` is LIVE_ROOM, SHORT_VIDEO, PRODUCT_SHARE, SHOP_WINDOW,
    OFFICIAL_ACCOUNT or OTHER; ``live_id`` names the session that sold it. Of a gift, ``openid`` is the
    receiver and ``giver_openid`` whoever paid. ``address_code`` is one address's in this shop, and
    ``wished_address_code`` that of the address which a buyer asks for; empty where the platform does not say it.
    """

    appid: str
    order_id: str
    openid: str
    unionid: str | None
    state: OrderState
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    lines: tuple[OrderLine, ...]
    list_total: int
    discount: int
    freight: int
    payable: int
    transaction_id: str
    receiver_name: str = field(repr=False)
    receiver_phone: str = field(repr=False)
    receiver_city: str
    fulfilment: Fulfilment
    carrier: str
    tracking_number: str
    shipped_at: datetime | None
    scene: str
    giver_openid: str | None = None
    giver_unionid: str | None = None
    live_id: str = ""
    customer_notes: str = field(default="", repr=False)
    merchant_notes: str = field(default="", repr=False)
    address_change_waits: bool = False
    address_code: str = field(default="", repr=False)
    wished_address_code: str = field(default="", repr=False)
    tracking_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """What to search orders for; all that is given must fit. ``phone_last4`` are a number's last four digits."""

    title: str = ""
    sku_code: str = ""
    receiver_name: str = field(default="", repr=False)
    phone_last4: str = field(default="", repr=False)
    merchant_notes: str = ""
    customer_notes: str = ""
    address_change_waits: bool = False
    in_after_sale: bool | None = None
    #: The platform's own number of a state, such as 20 for orders to ship.
    status: int | None = None


@dataclass(frozen=True, slots=True)
class LinePrice:
    """A new price of one line before it is paid: ``amount`` is the whole line's total, fen."""

    product_id: str
    sku_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where an order goes, in the clear."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    province: str
    city: str
    county: str
    detail: str = field(repr=False)
    house_number: str = field(default="", repr=False)
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class RelayNumber:
    """A number that reaches a buyer until ``expires_at`` without showing theirs (虚拟号); ``taken`` counts them."""

    number: str = field(repr=False)
    expires_at: datetime | None
    taken: int


@dataclass(frozen=True, slots=True)
class ParcelLine:
    """So many pieces of a variant."""

    product_id: str
    sku_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel: all that lies in it. Without carrier and number the goods are virtual and need none."""

    lines: tuple[ParcelLine, ...]
    carrier: str = ""
    tracking_number: str = ""
