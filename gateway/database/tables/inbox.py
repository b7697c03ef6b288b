"""Webhooks as they came in, stored before they are answered."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, EncryptedJson, KeyedHash, UtcDateTime

inbox = Table(
    "inbox",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("tool", String, nullable=False),
    Column("account", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("version", Integer, nullable=False, comment="Of the stored form, so that old readers stay."),
    # Both keys are made of platform ids, openids among them, and are only ever compared.
    Column("dedupe_key", KeyedHash("inbox.dedupe_key"), nullable=False),
    Column("entity", KeyedHash("entity")),
    Column("occurred_at", UtcDateTime),
    Column("received_at", UtcDateTime, nullable=False),
    Column("headers", EncryptedJson),
    Column("body", Encrypted),
    Column("state", String, nullable=False, comment="NEW, DONE or PARKED"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error_code", String),
    UniqueConstraint("tool", "account", "dedupe_key"),
    Index(None, "state", "received_at"),
    Index(None, "received_at"),
)
