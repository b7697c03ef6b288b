"""What the daily comparison with the platforms' own bills found. Written by ``gateway.reconciliation`` alone."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, String, Table

from gateway.database.schema import metadata
from gateway.database.types import Long, UtcDateTime

reconciliation = Table(
    "reconciliation",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("business_date", Date, nullable=False, comment="The bill's day, in China."),
    Column("tool", String, nullable=False),
    Column("account", String, nullable=False, comment="mchid, or appid of a store"),
    Column("book", String, nullable=False, comment="BILLS of an mchid; ORDERS or FUNDS of a store"),
    Column("state", String, nullable=False, comment="CLEAN, REPAIRED, DIFFERENT or FAILED"),
    Column("compared", Integer, nullable=False, comment="Rows of the platform's that were looked at."),
    Column("learned", Integer, nullable=False, comment="Rows that only a bill tells of, such as payments at a till."),
    Column("repaired", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("error_code", String, comment="Why it could not be compared."),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "business_date", "id"),
)

reconciliation_difference = Table(
    "reconciliation_difference",
    metadata,
    Column("reconciliation", String(26), ForeignKey("reconciliation.id", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False, comment="docs/reconciliation.md says what each means"),
    Column("number", String, nullable=False, comment="The order's, the refund's or the flow's own number."),
    Column("order_number", String, comment="The order that it is about, by its number at the platform."),
    Column("ours_fen", Long),
    Column("theirs_fen", Long),
    Column("ours_state", String),
    Column("theirs_state", String),
    Column("repaired", Boolean, nullable=False),
    Index(None, "number"),
)

store_funds_flow = Table(
    "store_funds_flow",
    metadata,
    Column("appid", String, primary_key=True),
    Column("flow_id", String, primary_key=True),
    Column("business_date", Date, nullable=False, comment="The day on which it was booked, in China."),
    Column("booked_at", UtcDateTime, nullable=False),
    Column("kind", Integer, nullable=False, comment="The platform's funds_type, an open set."),
    Column("title", String, nullable=False, comment="What it is, in the platform's words."),
    Column("amount", Long, nullable=False, comment="fen; negative where money left"),
    Column("order_id", String),
    Column("after_sale_id", String),
    Column("withdrawal_id", String),
    Column("state", String, comment="Of a withdrawal, when it was read."),
    Index(None, "appid", "business_date"),
    Index(None, "appid", "order_id"),
    Index(None, "appid", "after_sale_id"),
)
