"""After-sales (售后单)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


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

    ``refund`` is fen, 0 for an exchange; ``reason`` is the text that the buyer chose; ``status`` is the platform's
    own word for its state, which says more.
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
    product_id: str = ""
    #: How the buyer sends the goods back, empty until they did.
    return_carrier: str = ""
    return_tracking_number: str = ""
    #: Seconds that the merchant has left to answer, None where nobody waits for them.
    seconds_left: int | None = None
    status: str = ""


class AfterSaleAccept(enum.StrEnum):
    """What is agreed to: that goods come back, or that the money goes back now."""

    RETURN_GOODS = "RETURN_GOODS"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class RejectReason:
    """A reason for saying no, and where it applies: the platform's number of a scene (1, 4, 5 or 6)."""

    number: int
    text: str
    scene: int


@dataclass(frozen=True, slots=True)
class AfterSaleProposal:
    """Another way out, proposed to the buyer. ``amount`` fen; the two numbers are of the platform's own lists."""

    after_sale_id: str
    kind: AfterSaleKind
    amount: int
    proposal_type: int
    reason_type: int
    text: str
    media_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AfterSaleRequest:
    """An after-sale that the merchant opens. ``request_id`` makes repeating harmless; ``amount`` fen."""

    request_id: str
    order_id: str
    product_id: str
    sku_id: str
    quantity: int
    amount: int
    kind: AfterSaleKind
    reason: str
    return_address: str = ""
    text: str = ""
