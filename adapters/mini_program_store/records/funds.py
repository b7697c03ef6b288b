"""The store's own ledger (资金结算). Amounts are fen."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoreBalance:
    """``available`` can be withdrawn, ``pending`` is not settled yet; ``sub_mchid`` holds it."""

    appid: str
    sub_mchid: str
    available: int
    pending: int


@dataclass(frozen=True, slots=True)
class FundsPage:
    """Numbers of entries. Nothing later than ``known_until`` can be in it: ask again from there."""

    flow_ids: tuple[str, ...]
    next_cursor: str | None
    known_until: datetime


@dataclass(frozen=True, slots=True)
class FundsFlow:
    """An entry (资金流水). ``amount`` is negative where money left; ``kind`` is the platform's open set of numbers."""

    appid: str
    flow_id: str
    kind: int
    title: str
    amount: int
    balance: int
    booked_at: datetime | None
    order_id: str | None
    after_sale_id: str | None
    withdrawal_id: str | None
    transaction_id: str | None
    remark: str


class SettleState(enum.StrEnum):
    """待结算, 无需结算, 已结算, 部分结算."""

    PENDING = "PENDING"
    NOTHING = "NOTHING"
    SETTLED = "SETTLED"
    PARTLY = "PARTLY"
    #: A state that is newer than this code.
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class OrderSettlement:
    """What an order brings the store: estimates until it is SETTLED."""

    appid: str
    order_id: str
    state: SettleState
    paid: int
    refunded: int
    settled: int
    commission: int
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawal (提现). ``state`` is the platform's: INIT, CREATE_SUCCESS, SUCCESS, FAIL, REFUND or CLOSE."""

    appid: str
    withdrawal_id: str
    amount: int
    state: str
    reason: str
    created_at: datetime | None
    updated_at: datetime | None
