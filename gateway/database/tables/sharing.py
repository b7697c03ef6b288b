"""分账: which merchants may get parts of payments, which parts they were given, and what came back.

Rows are written by ``gateway.events.projections.sharing`` alone.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import UtcDateTime

_OPEN = text("state IN ('REQUESTED', 'PENDING')")
_OPEN_RETURN = text("state IN ('REQUESTED', 'PROCESSING')")

profit_receiver = Table(
    "profit_receiver",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("account", String, primary_key=True, comment="The merchant (商户号) that may get parts."),
    Column("relation", String, nullable=False, comment="与分账方的关系类型"),
    Column("custom", String, comment="The relation in the merchant's own words, for CUSTOM."),
    Column("added_at", UtcDateTime, nullable=False),
)

profit_share = Table(
    "profit_share",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("number", String(64), primary_key=True, comment="商户分账单号: made of the transaction."),
    Column(
        "receiver",
        String,
        primary_key=True,
        comment="商户号; the merchant itself where the rest was unfrozen.",
        info={"not_personal": "a merchant's number"},
    ),
    Column("kind", String, nullable=False, comment="SHARE, or REST: unfrozen"),
    Column("out_trade_no", String, nullable=False),
    Column("transaction_id", String, nullable=False),
    Column("saga", String(26), nullable=False),
    Column("amount", Integer, nullable=False, comment="fen; 0 until the platform says how much the rest is."),
    Column("description", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, comment="The platform's code of why it is CLOSED."),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime, comment="When it arrived or was closed, by the platform's clock."),
    CheckConstraint("amount >= 0", name="amount_counts"),
    CheckConstraint("kind IN ('SHARE', 'REST')", name="known_kind"),
    CheckConstraint("state IN ('REQUESTED', 'PENDING', 'SUCCESS', 'CLOSED')", name="known_state"),
    Index(None, "mchid", "out_trade_no"),
    Index("ix_profit_share_open", "asked_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

profit_share_return = Table(
    "profit_share_return",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("number", String(64), primary_key=True, comment="商户回退单号: made of the transaction."),
    Column("share", String(64), nullable=False, comment="The number of the sharing."),
    Column(
        "receiver",
        String,
        nullable=False,
        comment="The merchant that gives it back.",
        info={"not_personal": "a merchant's number"},
    ),
    Column("out_trade_no", String, nullable=False),
    Column("saga", String(26), nullable=False),
    Column("amount", Integer, nullable=False, comment="fen"),
    Column("state", String, nullable=False),
    Column("reason", String, comment="The platform's code of why it FAILED."),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime, comment="When we learnt of its end: the platform does not say when it was."),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("state IN ('REQUESTED', 'PROCESSING', 'SUCCESS', 'FAILED')", name="known_state"),
    Index(None, "mchid", "share"),
    Index(None, "mchid", "out_trade_no"),
    Index("ix_profit_share_return_open", "asked_at", sqlite_where=_OPEN_RETURN, postgresql_where=_OPEN_RETURN),
)
