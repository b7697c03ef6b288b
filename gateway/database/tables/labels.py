"""What members are searched by, beside the columns of their own row. Written by ``gateway.events.labels`` alone.

Everything here is derived: ``retail-gateway members relabel`` builds it anew.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from gateway.database.schema import metadata
from gateway.database.types import UtcDateTime

member_label = Table(
    "member_label",
    metadata,
    # In this order, so that the members of a label are a range that is in the order of their ids already.
    Column("kind", String(8), primary_key=True, comment="TAG, GUIDE or STORE"),
    Column("value", String, primary_key=True, comment="account:tag id, corpid:userid, or the store's id"),
    Column("member", String(36), primary_key=True),
    Index(None, "member"),
    sqlite_with_rowid=False,
)

member_activity = Table(
    "member_activity",
    metadata,
    # Apart from the member's row, which has many indexes: this changes with every fact.
    Column("member", String(36), primary_key=True),
    Column("last_activity_at", UtcDateTime, nullable=False, comment="The latest fact that the shopper caused."),
    Index(None, "last_activity_at", "member"),
    sqlite_with_rowid=False,
)
