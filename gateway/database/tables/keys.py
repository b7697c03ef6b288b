"""Wrapped data keys, and the credentials of platforms whose tokens rotate."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, String, Table

from gateway.database.schema import metadata
from gateway.database.types import EncryptedJson, UtcDateTime

data_key = Table(
    "data_key",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("subject", String, unique=True, comment="Whose values it seals; null for the shared keys."),
    Column("wrapped", LargeBinary, comment="Null once destroyed: then its values are ERASED."),
    Column("master_id", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("destroyed_at", UtcDateTime),
)

secret = Table(
    "secret",
    metadata,
    Column("tool", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", EncryptedJson, nullable=False, comment="The newest token pair, as a JSON object."),
    Column("version", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
