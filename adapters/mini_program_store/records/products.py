"""Products (商品)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


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


class ProductStatus(enum.StrEnum):
    """Whether shoppers can buy it, and who took it off."""

    NEVER_LISTED = "NEVER_LISTED"
    ON_SALE = "ON_SALE"
    RECYCLED = "RECYCLED"
    DELETED = "DELETED"
    DELISTED = "DELISTED"
    DELISTED_BY_PLATFORM = "DELISTED_BY_PLATFORM"
    BANNED = "BANNED"
    #: A state that is newer than this code.
    OTHER = "OTHER"


class DraftState(enum.StrEnum):
    """Where a product's draft stands."""

    EDITING = "EDITING"
    IN_AUDIT = "IN_AUDIT"
    REJECTED = "REJECTED"
    PASSED = "PASSED"
    UPLOADING = "UPLOADING"
    #: No draft, or a state that is newer than this code.
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """The draft (草稿) of a product: what shoppers see once it is audited and listed."""

    appid: str
    product_id: str
    title: str
    state: DraftState
    skus: tuple[Sku, ...]
    spu: str = ""


@dataclass(frozen=True, slots=True)
class SkuDraft:
    """A variant to write. ``sku_id`` is None for a new one; prices fen, at most 10,000,000, and so the stock."""

    code: str
    attributes: tuple[tuple[str, str], ...]
    price: int
    stock: int
    image: str
    market_price: int | None = None
    sku_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProductContent:
    """A product to write. The title has 3 to 60 characters, not only digits and letters; ``images`` are 1 to 9.

    ``categories`` are the numbers of its three levels; ``freight_template`` is one of the store's (运费模板).
    """

    spu: str
    title: str
    images: tuple[str, ...]
    categories: tuple[str, str, str]
    skus: tuple[SkuDraft, ...]
    freight_template: str
    weight_grams: int = 0
    details: str = ""
    detail_images: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    seven_day_return: bool = True
    #: Refund addresses (退货地址) are the console's; empty for its default.
    return_address: str = ""


@dataclass(frozen=True, slots=True)
class SkuChange:
    """A change of price or stock without an audit; None leaves a value as it is. ``price`` fen."""

    sku_id: str
    price: int | None = None
    stock: int | None = None


@dataclass(frozen=True, slots=True)
class SkuStock:
    """Pieces of one variant: ``total`` of all pools, of which ``reserved_for_discounts`` in the flash sale's."""

    product_id: str
    sku_id: str
    total: int
    reserved_for_discounts: int


@dataclass(frozen=True, slots=True)
class StockMovement:
    """One movement of stock; ``kind`` is the platform's own number (op_type), an open set."""

    sku_id: str
    delta: int
    before: int
    after: int
    kind: int
    at: datetime
    order_id: str | None
