"""Statistics, day by day of Beijing, and money taken in chats."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BehaviourDay:
    """联系客户统计: one day of everybody who was asked for, together.

    Attributes:
        reply_percentage: of chats that customers began, 0 to 100; None on a day without chats.
        reply_minutes: the average until the first answer; None likewise.
        lost: customers who deleted or blocked an employee.
    """

    day: datetime
    chats: int
    messages: int
    reply_percentage: float | None
    reply_minutes: float | None
    lost: int
    applied: int
    added: int


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """群聊数据统计, of one owner or one day. ``groups`` and ``members`` are of the end, the rest happened."""

    new_groups: int
    groups: int
    active_groups: int
    new_members: int
    members: int
    active_members: int
    messages: int


class BillKind(enum.StrEnum):
    """A payment or a refund."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class BillRefund:
    """A refund of a payment; ``paid_back`` once the money is there. Fen."""

    out_refund_no: str
    amount: int
    paid_back: bool


@dataclass(frozen=True, slots=True)
class CollectionBill:
    """对外收款记录. Amounts are fen; ``external_userid`` is empty where a stranger paid.

    Attributes:
        out_trade_no: the platform's, not ours.
        transaction_id: 微信支付's; joins the row to the merchant account's own bills.
        payment_type: the platform's number (0 chat, 1 pay code, 2 live room, 3 product album, 14 transfer,
            15 mini-program).
    """

    corpid: str
    kind: BillKind
    transaction_id: str
    out_trade_no: str
    external_userid: str
    userid: str
    amount: int
    refunded: int
    at: datetime
    mchid: str
    payment_type: int
    remark: str = field(repr=False)
    lines: tuple[tuple[str, int], ...] = ()
    refunds: tuple[BillRefund, ...] = ()
