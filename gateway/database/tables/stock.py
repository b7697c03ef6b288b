"""The gateway's own books: stock by (sku, location, channel), and locks on coupons."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, String, Table

from gateway.database.schema import metadata
from gateway.database.types import Long, UtcDateTime

stock = Table(
    "stock",
    metadata,
    Column("sku", String, primary_key=True),
    Column("location", String, primary_key=True, comment="store id, or CENTRAL"),
    Column("channel", String, primary_key=True, comment="MINI_PROGRAM, STORE or POS"),
    Column("on_hand", Long, nullable=False),
    Column("reserved", Long, nullable=False),
    Column("allotted", Long, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    CheckConstraint("reserved >= 0", name="reserved_not_negative"),
    CheckConstraint("reserved <= on_hand", name="never_oversold"),
)

coupon_lock = Table(
    "coupon_lock",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("stock_id", String, primary_key=True),
    Column("code", String, primary_key=True),
    Column("purchase", String, nullable=False),
    Column("locked_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Index(None, "purchase"),
)
