"""What checkout takes and answers: plain frozen records. Money is integer fen, instants are aware and UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from adapters.payments import PaymentRequest

Method = Literal["EXPRESS", "PICKUP"]


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many pieces of the brand's sku."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CouponRef:
    """One merchant coupon (商家券)."""

    mchid: str
    stock_id: str
    code: str


@dataclass(frozen=True, slots=True)
class QuoteInput:
    """A basket. ``store`` sells it and hands it out when ``method`` is PICKUP; ``guide`` is ``corpid:userid``."""

    lines: tuple[BasketLine, ...]
    coupon: CouponRef | None
    method: Method
    store: str | None
    guide: str | None


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """A line's price; ``paid`` is ``list_amount`` less its share of the discount."""

    sku: str
    title: str
    quantity: int
    list_amount: int
    discount: int
    paid: int


@dataclass(frozen=True, slots=True)
class UsableCoupon:
    """A coupon that fits the basket, and what it takes off."""

    ref: CouponRef
    name: str
    discount: int


@dataclass(frozen=True, slots=True)
class UnusableCoupon:
    """A coupon that does not fit: NOT_STARTED, EXPIRED, BELOW_MINIMUM, LOCKED or NOT_AN_AMOUNT."""

    ref: CouponRef
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket costs now. The lines' ``paid`` and ``freight`` sum to ``payable``."""

    lines: tuple[QuotedLine, ...]
    list_total: int
    discount: int
    freight: int
    payable: int
    usable: tuple[UsableCoupon, ...]
    unusable: tuple[UnusableCoupon, ...]
    out_of_stock: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckoutInput:
    """A purchase. ``click_id`` is the gdt_vid of the landing page; ``by_code``: it is paid by a code to scan."""

    quote: QuoteInput
    expected_payable: int
    idempotency_key: str
    click_id: str | None
    by_code: bool = False


@dataclass(frozen=True, slots=True)
class CheckoutDone:
    """An order that stands. ``payment_request`` or, for a code that is scanned, ``code_url``: neither when nothing is
    (any more) to be paid."""

    order_id: str
    transaction_id: str
    payment_request: PaymentRequest | None
    code_url: str | None = None


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """What the payment platform says: NOTPAY, SUCCESS, REFUND, CLOSED or USERPAYING."""

    state: str


@dataclass(frozen=True, slots=True)
class RefundInput:
    """A refund of an order; ``amount`` fen, or all that is left of it. ``reason`` is shown to the payer."""

    order: str
    amount: int | None
    reason: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RefundDone:
    """A refund that was begun. ``number`` is its out_refund_no."""

    order_id: str
    transaction_id: str
    number: str
    amount: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not done. ``tool`` is set when a platform is the cause; never its own text."""

    code: str
    message: str
    retryable: bool = False
    tool: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many members an attempt of a step has gone through, of how many."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a transaction; ``reason`` says why it was skipped or failed."""

    name: str
    tool: str | None
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    reason: str | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A transaction as one watches it. ``attention`` says why it needs a person."""

    id: str
    state: str
    steps: tuple[StepView, ...]
    created_at: datetime
    updated_at: datetime
    order_id: str | None
    kind: str = "checkout"
    attention: str | None = None
