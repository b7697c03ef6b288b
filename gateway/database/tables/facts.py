"""The fact log: what happened, appended once and never edited. Written by ``gateway.database.facts``."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table, UniqueConstraint, text

from gateway.database.schema import metadata
from gateway.database.types import COMPUTED, Json, KeyedHash, Long, UtcDateTime

#: Facts of a member as such. Those of an identity follow it, and their ``member`` is who it led to at the time.
_MEMBER_LEVEL = text("identity IS NULL")
_OF_ORDER = text("order_ref IS NOT NULL")
#: No row on SQLite: there seq alone is the order, and no index is kept twice.
_NUMBERED = text("tx > 0")

fact = Table(
    "fact",
    metadata,
    # The database numbers the rows: (tx, seq) is the order in which readers see them (gateway/events/horizon.py).
    Column("seq", Long, primary_key=True, autoincrement=True),
    Column(
        "tx",
        Long,
        nullable=False,
        server_default=text("0"),
        info={COMPUTED: "pg_current_xact_id()::text::bigint"},
        comment="PostgreSQL: the transaction that wrote it; 0 on SQLite, which commits in the order of seq.",
    ),
    Column("id", String(26), nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("business_date", Date, nullable=False, comment="The day of occurred_at in Asia/Shanghai."),
    Column("tool", String),
    Column("account", String, nullable=False, comment="The platform's own id; empty for our own facts."),
    Column("source", String, nullable=False, comment="webhook, poll, own, import or bill"),
    # Keys of platform events contain openids and the like, so only their hash is kept.
    Column("source_key", KeyedHash("fact.source_key"), nullable=False),
    Column("member", String),
    Column("identity", String, comment="Our own id of the identity, not the platform's."),
    Column("store", String),
    Column("guide", String),
    Column("campaign", String),
    Column("ad", String),
    Column("order_ref", String),
    Column("line", String),
    Column("amount_fen", Long),
    Column("quantity", Long),
    Column("reason", String),
    Column("arm", String, comment="treated or control"),
    Column("is_test", Boolean, nullable=False),
    Column("reversal_of", String(26)),
    Column("payload", Json, nullable=False, comment="Never personal data."),
    UniqueConstraint("kind", "account", "source_key"),
    Index(None, "member", "occurred_at", "id", sqlite_where=_MEMBER_LEVEL, postgresql_where=_MEMBER_LEVEL),
    Index(None, "identity", "occurred_at", "id"),
    Index(None, "kind", "business_date"),
    Index(None, "recorded_at", "id"),
    Index(None, "tx", "seq", sqlite_where=_NUMBERED),
    # Most facts are of no order, and every index of this table costs every fact.
    Index(None, "order_ref", sqlite_where=_OF_ORDER, postgresql_where=_OF_ORDER),
)
