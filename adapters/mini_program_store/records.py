"""What leaves this tool. Money is integer fen, instants are aware UTC, ids are text."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adapters.base.secrets import Secret


@dataclass(frozen=True, slots=True)
class Login:
    """Who opened a mini-program. ``session_key`` decrypts what their client sends; it never goes back there.

    ``unionid`` is None where the app is not bound to the brand's Open Platform account.
    """

    appid: str
    openid: str
    unionid: str | None
    session_key: Secret


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that WeChat vouches for, without its country code (``86``)."""

    number: str = field(repr=False)
    country_code: str


@dataclass(frozen=True, slots=True)
class SubscribeMessage:
    """A subscribe message (订阅消息) to a shopper who accepted the template's question once more than was sent.

    ``data``: field name such as ``thing1`` → text. ``page``: behind a tap, with its query; empty opens none.
    """

    openid: str
    template: str
    data: Mapping[str, str] = field(repr=False)
    page: str = ""


@dataclass(frozen=True, slots=True)
class Sku:
    """One variant. ``code`` is the merchant's own, empty where none was entered; ``price`` fen."""

    sku_id: str
    code: str
    attributes: tuple[tuple[str, str], ...]
    price: int
    stock: int


@dataclass(frozen=True, slots=True)
class Product:
    """A product (商品) as shoppers see it. ``spu`` is the merchant's own number.

    ``category`` is the name of the lowest of its three categories, empty where the platform gives none.
    """

    appid: str
    product_id: str
    spu: str
    title: str
    image: str
    category: str
    on_sale: bool
    skus: tuple[Sku, ...]
    updated_at: datetime | None


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
    parcels ``carrier`` and ``tracking_number`` name the first; ``shipped_at`` is when the last one left,
    else when the first did. ``scene`` is LIVE_ROOM, SHORT_VIDEO, PRODUCT_SHARE, SHOP_WINDOW,
    OFFICIAL_ACCOUNT or OTHER. Of a gift, ``openid`` is the receiver and ``giver_openid`` whoever paid.
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


class AfterSaleKind(enum.StrEnum):
    """仅退款, 退货退款, 换货."""

    REFUND = "REFUND"
    RETURN = "RETURN"
    EXCHANGE = "EXCHANGE"
    OTHER = "OTHER"


class AfterSaleState(enum.StrEnum):
    """Who has to move next, or how it ended."""

    #: Filed, and nobody's turn is known.
    REQUESTED = "REQUESTED"
    AWAITING_MERCHANT = "AWAITING_MERCHANT"
    AWAITING_BUYER = "AWAITING_BUYER"
    #: The money is on its way, or stuck there: the platform retries.
    REFUNDING = "REFUNDING"
    SUCCEEDED = "SUCCEEDED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    #: A state that is newer than this code.
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class AfterSale:
    """An after-sale (售后单) of one variant.

    ``refund`` is fen, 0 for an exchange; ``reason`` is the text that the buyer chose.
    """

    appid: str
    after_sale_id: str
    order_id: str
    openid: str
    kind: AfterSaleKind
    state: AfterSaleState
    reason: str
    sku_id: str
    quantity: int
    refund: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class VipMember:
    """A member of the store (小店会员). ``score`` and ``phone`` are None where they were not asked for."""

    appid: str
    openid: str
    unionid: str | None
    grade: int
    experience: int
    score: int | None
    phone: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """A hint: read the order again.

    ``kind`` is CREATED, CANCELLED, PAID, AWAITING_SHIPMENT, PARTLY_SHIPPED, SHIPPED, CONFIRMED, SETTLED
    or UPDATED.
    """

    appid: str
    order_id: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AfterSaleChanged:
    """A hint: read the after-sale again. ``kind`` is the AfterSaleState that the event claims."""

    appid: str
    after_sale_id: str
    order_id: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A hint: read the product again. ``kind`` is AUDITED, LISTED, DELISTED, UPDATED or STOCK_LOW."""

    appid: str
    product_id: str
    kind: str
    at: datetime
