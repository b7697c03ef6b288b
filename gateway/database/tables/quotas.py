"""Calls that all processes together have taken from the platforms' allowances."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from gateway.database.schema import metadata
from gateway.database.types import Long, UtcDateTime

call_count = Table(
    "call_count",
    metadata,
    Column("tool", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("endpoint", String, primary_key=True),
    # "window" is a word of SQL.
    Column("per", String, primary_key=True, comment="MINUTE, HOUR, DAY or MONTH"),
    Column("starts_at", UtcDateTime, nullable=False, comment="Beginning of the window that is counted."),
    Column("taken", Long, nullable=False, comment="Calls made, and those that processes hold in reserve."),
)
