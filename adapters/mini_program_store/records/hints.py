"""What pushes tell: read it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    """A hint: read the product again. ``kind`` is AUDITED, LISTED, DELISTED, UPDATED or STOCK_LOW.

    ``passed`` is what an audit came to, None where the event does not say; ``reason`` is why it did not pass, in the
    platform's words.
    """

    appid: str
    product_id: str
    kind: str
    at: datetime
    passed: bool | None = None
    reason: str = ""
