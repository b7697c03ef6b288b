"""What headquarters began with customers of guides. Written by ``gateway.transactions`` alone."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import UtcDateTime

_WAITING = text("state = 'WAITING'")

handover = Table(
    "handover",
    metadata,
    Column("saga", String(26), primary_key=True, comment="The transaction that began it."),
    Column("identity", String(26), primary_key=True, comment="The customer."),
    Column("corpid", String, nullable=False),
    Column("from_userid", String, nullable=False),
    Column("to_userid", String, nullable=False),
    Column("resigned", Boolean, nullable=False, comment="Whether the former guide had left (离职继承)."),
    Column("state", String, nullable=False, comment="WAITING, DONE, REFUSED, FULL, REJECTED or UNKNOWN"),
    Column("reason", String, comment="Why the platform did not begin it."),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("takes_over_at", UtcDateTime, comment="When the new guide has, or is to have, the customer."),
    Column("settled_at", UtcDateTime, comment="When the end of it was found out."),
    Index(None, "identity"),
    Index(None, "asked_at", "saga", "identity"),
    Index("ix_handover_waiting", "corpid", "asked_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
)
