"""Profit sharing (分账): parts of a payment go on to other merchants and to people."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


class ReceiverKind(enum.Enum):
    """What a receiver's account is."""

    MERCHANT = "MERCHANT_ID"
    PERSON = "PERSONAL_OPENID"


class Relation(enum.Enum):
    """与分账方的关系类型."""

    STORE = "STORE"
    STAFF = "STAFF"
    STORE_OWNER = "STORE_OWNER"
    PARTNER = "PARTNER"
    HEADQUARTER = "HEADQUARTER"
    BRAND = "BRAND"
    DISTRIBUTOR = "DISTRIBUTOR"
    USER = "USER"
    SUPPLIER = "SUPPLIER"
    SERVICE_PROVIDER = "SERVICE_PROVIDER"
    #: With words of one's own.
    CUSTOM = "CUSTOM"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who may get a part (分账接收方).

    Attributes:
        account: an mchid, or an openid of ``appid``.
        name: 商户全称 or the person's name, which the platform compares; required for merchants.
        custom: the relation in the merchant's own words, for CUSTOM only.
    """

    kind: ReceiverKind
    appid: str
    account: str = field(repr=False)
    relation: Relation
    name: str = field(default="", repr=False)
    custom: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A part to give: ``amount`` fen to a receiver that was added before."""

    kind: ReceiverKind
    account: str = field(repr=False)
    amount: int
    description: str
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ShareIntent:
    """A request to share a payment. Equal intents may be repeated: one number shares once.

    Attributes:
        out_order_no: 1–64 of letters, digits, ``_-|*@``.
        unfreeze_rest: nothing more will be shared; the rest becomes the merchant's own.
    """

    appid: str
    transaction_id: str
    out_order_no: str
    parts: Sequence[Share]
    unfreeze_rest: bool


class ShareResult(enum.Enum):
    """What became of one part (分账结果)."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    #: It did not go out and stays with the merchant.
    CLOSED = "CLOSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class SharePart:
    """One part of a sharing. ``fail_reason`` is the platform's code, such as ``NO_RELATION``; empty otherwise."""

    kind: str
    account: str = field(repr=False)
    amount: int
    description: str
    result: ShareResult
    fail_reason: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sharing:
    """A sharing at 微信支付 (分账单). While not ``finished`` its parts are PENDING; finished parts may be CLOSED."""

    mchid: str
    transaction_id: str
    out_order_no: str
    order_id: str
    finished: bool
    parts: Sequence[SharePart]


class ShareReturnState(enum.Enum):
    """What became of a return (分账回退)."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class ShareReturnIntent:
    """A part to take back from a merchant who got it, before the payment is refunded. One number returns once."""

    out_order_no: str
    out_return_no: str
    return_mchid: str
    amount: int
    description: str


@dataclass(frozen=True, slots=True)
class ShareReturn:
    """A return at 微信支付."""

    mchid: str
    out_order_no: str
    out_return_no: str
    return_id: str
    state: ShareReturnState
    fail_reason: str


@dataclass(frozen=True, slots=True)
class ShareNotice:
    """分账动账通知: one receiver got a part, or gave it back (``returned``).

    The platform tells the receivers; ``mchid`` is who shared.
    """

    mchid: str
    transaction_id: str
    order_id: str
    out_order_no: str
    account: str = field(repr=False)
    amount: int
    returned: bool
    at: datetime
