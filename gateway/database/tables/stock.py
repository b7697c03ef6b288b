"""The gateway's own books: stock by (sku, location, channel), what shops have of it, and locks on coupons."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, String, Table

from gateway.database.schema import metadata
from gateway.database.types import Json, Long, UtcDateTime

stock = Table(
    "stock",
    metadata,
    Column("sku", String, primary_key=True),
    Column("location", String, primary_key=True, comment="store id, or CENTRAL"),
    Column("channel", String, primary_key=True, comment="MINI_PROGRAM, STORE or POS"),
    Column("on_hand", Long, nullable=False),
    Column("reserved", Long, nullable=False),
    Column("allotted", Long, nullable=False, comment="Of what is on hand, given to shops of the platform."),
    Column("updated_at", UtcDateTime, nullable=False),
    CheckConstraint("reserved >= 0", name="reserved_not_negative"),
    CheckConstraint("allotted >= 0", name="allotted_not_negative"),
    CheckConstraint("reserved + allotted <= on_hand", name="never_oversold"),
)

store_stock = Table(
    "store_stock",
    metadata,
    Column("appid", String, primary_key=True),
    Column("sku", String, primary_key=True),
    Column("product_id", String, nullable=False),
    Column("sku_id", String, nullable=False),
    Column("changing", String, comment="The change that is under way; the next one waits, and so does settling."),
    Column("since", UtcDateTime, nullable=False, comment="When the first pieces were allotted."),
    Column("settled_at", UtcDateTime, comment="Up to when the platform's book is settled."),
)

store_allotment = Table(
    "store_allotment",
    metadata,
    Column("appid", String, primary_key=True),
    Column("sku", String, primary_key=True),
    Column("location", String, primary_key=True, comment="store id, or CENTRAL"),
    Column("pieces", Long, nullable=False),
    CheckConstraint("pieces >= 0", name="pieces_not_negative"),
    Index(None, "sku"),
)

store_stock_change = Table(
    "store_stock_change",
    metadata,
    Column("key", String, primary_key=True),
    Column("saga", String(26), nullable=False),
    Column("appid", String, nullable=False),
    Column("sku", String, nullable=False),
    Column("location", String, nullable=False),
    Column("delta", Long, nullable=False),
    Column("state", String, nullable=False, comment="PENDING, DONE or REFUSED"),
    Column("known", Json, nullable=False, comment="Movements that stood in the platform's book before it."),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("movement", String, comment="It, in the platform's book."),
    Index(None, "appid", "sku", "asked_at"),
)

store_stock_movement = Table(
    "store_stock_movement",
    metadata,
    Column("appid", String, primary_key=True),
    Column("sku_id", String, primary_key=True),
    Column("movement", String, primary_key=True, comment="Second, kind, before, after and order."),
    Column("sku", String, nullable=False),
    Column("moved_at", UtcDateTime, nullable=False),
    Column("delta", Long, nullable=False),
    Column("cause", String, nullable=False, comment="ALLOTTED, ORDER or MANUAL"),
    Column("order_id", String),
    Column("taken", Json, nullable=False, comment="Pieces of each location's allotment; negative where given back."),
    Index(None, "appid", "moved_at"),
    Index(None, "appid", "sku_id", "order_id"),
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
