"""The ledger of files: what was granted, and what became of it. Written by ``gateway.transactions.files`` alone."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Long, UtcDateTime

_UNSWEPT = text("swept_at IS NULL")

file_ledger = Table(
    "file_ledger",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("bucket", String, nullable=False),
    # Made of purpose and id alone, so it names nobody.
    Column("key", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("member", String),
    Column("size", Long, nullable=False, comment="Bytes."),
    Column("content_type", String, nullable=False),
    Column("crc64", String, comment="Unsigned decimal text; the platform's own once it is committed."),
    Column("etag", String),
    Column("state", String, nullable=False, comment="PENDING, COMMITTED or DELETED"),
    Column("how", String, nullable=False, comment="POST_POLICY, PRESIGNED_PUT or TEMPORARY_KEY"),
    # A bearer credential: a repeated request is answered with the very same one.
    Column("grant", Encrypted),
    Column("asked_by", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, comment="When the grant ends."),
    Column("committed_at", UtcDateTime),
    Column("deleted_at", UtcDateTime),
    Column("swept_at", UtcDateTime, comment="The object was deleted, and no grant can bring it back."),
    Index(None, "member", "id"),
    Index(None, "state", "expires_at", sqlite_where=_UNSWEPT, postgresql_where=_UNSWEPT),
)
