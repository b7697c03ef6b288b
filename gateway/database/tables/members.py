"""Members, the identities that lead to them, and what they allow. Written by ``gateway.members`` alone."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Json, KeyedHash, Long, UtcDateTime

member = Table(
    "member",
    metadata,
    Column("id", String(36), primary_key=True, comment="UUIDv7"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("joined_at", UtcDateTime, comment="The earliest instant that any platform knows of."),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("merged_into", String(36), comment="Set on the id that lost a merge; it resolves for ever."),
    Column("erased_at", UtcDateTime),
    Column("name", Encrypted),
    Column("name_source", String),
    Column("phone", Encrypted),
    Column("phone_hash", KeyedHash("phone")),
    Column("phone_tail_hash", KeyedHash("phone_tail")),
    Column("phone_source", String),
    Column("level", Integer, comment="The platform's grade number; null without a card."),
    Column("growth", Long),
    Column("out_id", String),
    Index(None, "phone_hash"),
    Index(None, "out_id"),
    Index(None, "updated_at", "id"),
)

identity = Table(
    "identity",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String, nullable=False),
    Column("issuer", String, nullable=False, comment="appid, Open Platform account, corpid or card programme"),
    Column("value", Encrypted, nullable=False),
    Column("value_hash", KeyedHash("identity"), nullable=False),
    Column("member", String(36), ForeignKey("member.id"), nullable=False),
    Column("strength", String, nullable=False, comment="STRONG, CONDITIONAL or WEAK"),
    Column("source", String, nullable=False, comment="Where the link came from: tool.endpoint or own."),
    Column("linked_at", UtcDateTime, nullable=False),
    UniqueConstraint("kind", "issuer", "value_hash"),
    Index(None, "value_hash"),
    Index(None, "member"),
)

review_case = Table(
    "review_case",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String, nullable=False),
    Column("members", Json, nullable=False),
    Column("evidence", Json, nullable=False, comment="Identity ids; never their values."),
    Column("state", String, nullable=False, comment="OPEN or DECIDED"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("dedupe_key", String, nullable=False, unique=True),
)

points_entry = Table(
    "points_entry",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("member", String(36), ForeignKey("member.id"), nullable=False),
    Column("delta", Long, nullable=False),
    Column("reason", String, nullable=False),
    Column("source_key", String, nullable=False, unique=True),
    Column("occurred_at", UtcDateTime, nullable=False),
    Index(None, "member"),
)

consent = Table(
    "consent",
    metadata,
    Column("member", String(36), ForeignKey("member.id"), primary_key=True),
    Column("purpose", String, primary_key=True),
    Column("given_at", UtcDateTime, primary_key=True),
    Column("allowed", String, nullable=False, comment="GIVEN or WITHDRAWN"),
    Column("policy_version", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("proof", Encrypted),
)

session = Table(
    "session",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("token_hash", KeyedHash("session"), nullable=False, unique=True),
    Column("identity", String(26), ForeignKey("identity.id"), nullable=False),
    Column("app", String, nullable=False, comment="appid of the mini-program"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)
