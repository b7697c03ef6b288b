"""What facts refer to, with its history: each row holds from ``valid_from`` until before ``valid_to``.

One row per id has no ``valid_to``: the current one. ``gateway.database.versions`` keeps it so.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Json, Long, UtcDateTime


def _valid() -> tuple[Column[object], Column[object]]:
    return Column("valid_from", UtcDateTime, primary_key=True), Column("valid_to", UtcDateTime)


store = Table(
    "store",
    metadata,
    Column("id", String, primary_key=True),
    *_valid(),
    Column("out_id", String),
    Column("name", String, nullable=False),
    Column("region", String),
    Column("city", String),
    Column("own_or_franchise", String),
    Column("legal_entity", String),
    Column("opening_hours", Json),
    Column("wecom_department", String),
    Column("pos_code", String),
)

guide = Table(
    "guide",
    metadata,
    Column("id", String, primary_key=True),
    *_valid(),
    Column("corpid", String, nullable=False),
    Column("userid", String, nullable=False),
    Column("name", Encrypted),
    Column("position", String),
    Column("departments", Json, comment="Ids of the departments that the guide is in; none until they were read."),
    Column("out_id", String),
    Column("state", String, nullable=False),
    Index(None, "corpid", "userid"),
)

guide_store = Table(
    "guide_store",
    metadata,
    Column("guide", String, primary_key=True),
    Column("store", String, primary_key=True),
    *_valid(),
    Index(None, "store"),
)

sku = Table(
    "sku",
    metadata,
    Column("code", String, primary_key=True),
    *_valid(),
    Column("spu", String),
    Column("title", String, nullable=False),
    Column("category", String),
    Column("brand", String),
    Column("ip_property", String),
    Column("gtin", String),
    Column("out_id", String),
    Index(None, "spu"),
)

account = Table(
    "account",
    metadata,
    Column("tool", String, primary_key=True),
    Column("external_id", String, primary_key=True),
    *_valid(),
    Column("alias", String, nullable=False),
    Column("kind", String),
    Column("legal_entity", String),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", String, primary_key=True),
    *_valid(),
    Column("name", String, nullable=False),
    Column("starts_at", UtcDateTime, comment="The window is half-open."),
    Column("ends_at", UtcDateTime),
    Column("baseline_from", UtcDateTime),
    Column("baseline_to", UtcDateTime),
    Column("budget_fen", Long),
)

_CURRENT = text("valid_to IS NULL")

for _table in (store, guide, guide_store, sku, account, campaign):
    _key = [column for column in _table.primary_key if column.name != "valid_from"]
    Index(f"uq_{_table.name}_current", *_key, unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT)
for _table in (store, guide, sku):
    Index(None, _table.c.out_id)
