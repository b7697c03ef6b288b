"""Imports and exports: what was asked, and how far it is. Written by ``gateway.bulk`` alone."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from gateway.database.schema import metadata
from gateway.database.types import Json, Long, UtcDateTime

import_run = Table(
    "import_run",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String, nullable=False, comment="members, identities, tickets or orders"),
    Column("file", String, nullable=False),
    Column("fingerprint", String(64), nullable=False, comment="SHA-256 of the file; another file is another run."),
    Column("format", String, nullable=False),
    Column("encoding", String, nullable=False),
    Column("mapping", Json, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("rejects", String, nullable=False, comment="Path of the file with the rejected rows."),
    Column("job", String(26), comment="The job that works on it, or did last."),
    Column("size", Long, nullable=False),
    Column("lines", Long, nullable=False),
    # The checkpoint: it commits with the rows that it counts.
    Column("byte_offset", Long, nullable=False, comment="Everything before it is dealt with."),
    Column("line", Long, nullable=False),
    Column("reject_bytes", Long, nullable=False, comment="Length of the file of rejects that belongs to it."),
    Column("rows", Long, nullable=False),
    Column("created", Long, nullable=False, comment="Rows that made something new."),
    Column("updated", Long, nullable=False, comment="Rows that changed something."),
    Column("rejected", Long, nullable=False),
    Column("rate", Integer, comment="Rows a second, of late."),
    Column("error_code", String, comment="Why it cannot go on."),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index(None, "kind", "fingerprint"),
    Index(None, "job"),
)

export_run = Table(
    "export_run",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String, nullable=False, comment="MEMBERS, ORDERS or FACTS"),
    Column("filters", Json, nullable=False),
    Column("selection", String, nullable=False, comment="What is written of each row, in GraphQL; empty for facts."),
    Column("purpose", String, nullable=False, comment="What every exported member must allow."),
    # As whom the rows are read: only the caller itself may download the file.
    Column("caller", String, nullable=False),
    Column("audience", String, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("job", String(26)),
    # The checkpoint: everything up to the position is in the first bytes of the file.
    Column("position", Json, comment="Keyset of the last row that was looked at."),
    Column("byte_length", Long, nullable=False),
    Column("done", Long, nullable=False),
    Column("total", Long),
    Column("rows", Long, nullable=False),
    Column("refused", Long, nullable=False, comment="Rows left out, since their member does not allow it."),
    Column("rate", Integer, comment="Rows a second, of late."),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("deleted_at", UtcDateTime, comment="When the file was deleted."),
    Index(None, "job"),
)
