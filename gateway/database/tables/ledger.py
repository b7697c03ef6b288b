"""Points, levels and running totals. Written by ``gateway.database.ledgers`` and ``gateway.database.totals`` alone.

Entries are appended and never edited. An entry or a total with an identity follows it through merges; one without
keeps the member it was written under, and a read takes it from all ids that lead to the member.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from gateway.database.schema import metadata
from gateway.database.types import KeyedHash, Long, UtcDateTime

# An entry is found by its identity or, where it has none, by its member. Whole indexes would have SQLite look for
# "identity IS NULL", which is half of the ledger, before it looks for a member.
_BARE: dict[str, Any] = {"sqlite_where": text("identity IS NULL"), "postgresql_where": text("identity IS NULL")}
_FOLLOWED: dict[str, Any] = {
    "sqlite_where": text("identity IS NOT NULL"),
    "postgresql_where": text("identity IS NOT NULL"),
}

points_entry = Table(
    "points_entry",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("member", String(36), ForeignKey("member.id"), nullable=False),
    Column("identity", String(26), ForeignKey("identity.id"), comment="Where the points hang on a platform's card."),
    Column("kind", String, nullable=False, comment="EARN, BURN, EXPIRE, ADJUST, REVERSAL or CARD"),
    Column("delta", Long, nullable=False),
    Column("reason", String, nullable=False),
    Column("source", String, nullable=False, comment="Whose key it is: card:<appid>, own.<mutation>, order …"),
    # Keys may hold openids and order numbers, so only their hash is kept.
    Column("source_key", KeyedHash("points_entry"), nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, comment="When what is left of it lapses; null never."),
    Column("reversal_of", String(26), comment="The entry that is taken back, or whose rest has lapsed."),
    Column("decided_by", String, comment="The principal, where a person decided."),
    UniqueConstraint("source", "source_key"),
    Index(None, "member", "occurred_at", "id", **_BARE),
    Index(None, "identity", "occurred_at", "id", **_FOLLOWED),
    Index(None, "valid_until", "id"),
    Index(None, "reversal_of"),
)

level_entry = Table(
    "level_entry",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("member", String(36), ForeignKey("member.id"), nullable=False),
    Column("identity", String(26), ForeignKey("identity.id")),
    Column("grade", Integer, nullable=False, comment="The platform's grade number."),
    Column("growth", Long, nullable=False),
    Column("reason", String, nullable=False),
    Column("source", String, nullable=False, comment="Whose level it is: card:<appid> …; each has one at a time."),
    Column("source_key", KeyedHash("level_entry"), nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    UniqueConstraint("source", "source_key"),
    Index(None, "member", "source", "occurred_at", **_BARE),
    Index(None, "identity", "source", "occurred_at", **_FOLLOWED),
)


def _sums() -> tuple[Column[object], ...]:
    """What is kept per subject, business month and tool."""
    return (
        Column("month", Integer, primary_key=True, autoincrement=False, comment="yyyymm, Asia/Shanghai"),
        Column("tool", String, primary_key=True, comment="Empty for what happened at no tool."),
        Column("orders", Long, nullable=False),
        Column("spend", Long, nullable=False, comment="fen"),
        Column("refunds", Long, nullable=False),
        Column("refunded", Long, nullable=False, comment="fen"),
        Column("first_order_at", UtcDateTime),
        Column("last_order_at", UtcDateTime),
        Column("seen_at", UtcDateTime),
    )


identity_total = Table("identity_total", metadata, Column("identity", String(26), primary_key=True), *_sums())

member_total = Table(
    "member_total",
    metadata,
    Column("member", String(36), primary_key=True, comment="Facts that name a member and no identity."),
    *_sums(),
)
