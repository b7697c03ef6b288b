"""Money that the brand gives to members: 红包 by 商家转账.

Rows are written by ``gateway.events.projections.red_packets`` alone.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, UtcDateTime

_OPEN = text("state IN ('REQUESTED', 'CHECKING', 'WAIT_USER_CONFIRM', 'TRANSFERRING', 'CANCELLING')")

red_packet = Table(
    "red_packet",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("out_bill_no", String(32), primary_key=True, comment="商户单号: made of the transaction."),
    Column("saga", String(26), nullable=False, comment="The transaction that offered it."),
    Column("identity", String(26), comment="The openid that it is for."),
    Column("appid", String, nullable=False),
    Column("transfer_bill_no", String, comment="微信转账单号; null until the platform has taken it on."),
    Column("scene", String, nullable=False, comment="转账场景ID"),
    Column("name", String, nullable=False, comment="活动名称, else the remark that the shopper reads."),
    Column("amount", Integer, nullable=False, comment="fen"),
    Column("state", String, nullable=False),
    Column("reason", String, comment="The platform's code of why it FAILED."),
    Column("package", Encrypted, comment="For wx.requestMerchantTransfer; gone once it is decided."),
    Column("asked_at", UtcDateTime, nullable=False, comment="When it took its place under the daily limit."),
    Column("expires_at", UtcDateTime, comment="Until then the shopper may confirm."),
    Column("settled_at", UtcDateTime, comment="When it was decided, by the platform's clock."),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint(
        "state IN ('REQUESTED', 'CHECKING', 'WAIT_USER_CONFIRM', 'TRANSFERRING', 'CANCELLING', 'SUCCESS', 'FAILED',"
        " 'CANCELLED', 'EXPIRED')",
        name="known_state",
    ),
    Index(None, "identity", "asked_at"),
    Index(None, "asked_at", "out_bill_no"),
    Index("ix_red_packet_open", "asked_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
)
