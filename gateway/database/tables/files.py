"""The ledger of files: what was granted, and what became of it. Written by ``gateway.transactions.files``, and by
``effects.mini_program_codes`` for pictures of the brand's own, which are no member's; and what platforms hold of
these."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Long, UtcDateTime

_UNSWEPT = text("swept_at IS NULL")
_OWN = text("member IS NULL")

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
    Column("how", String, nullable=False, comment="POST_POLICY, PRESIGNED_PUT, TEMPORARY_KEY or OWN (by the gateway)"),
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
    Index(None, "purpose", "state", "id", sqlite_where=_OWN, postgresql_where=_OWN),
)

mini_program_code = Table(
    "mini_program_code",
    metadata,
    Column("file", String(26), primary_key=True, comment="Its picture, in the ledger."),
    # What it shows and how: a code that was deleted is made anew under another file.
    Column("code", String, nullable=False),
    Column("appid", String, nullable=False),
    Column("scene", String, nullable=False, comment="What the page reads."),
    Column("page", String, nullable=False, comment="Empty for the home page."),
    Column("width", Integer, nullable=False, comment="Pixels."),
    Column("transparent", Boolean, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    # Empty once it was answered for another one too.
    Column("saga", String(26), nullable=False, comment="The transaction that made it."),
    Index(None, "code"),
    Index(None, "made_at", "file"),
)

#: The latest of each: what was uploaded before it ends by itself.
medium = Table(
    "medium",
    metadata,
    Column("file", String(26), primary_key=True, comment="In the ledger; the brand's own."),
    Column("tool", String, primary_key=True, comment="enterprise_chat or official_account"),
    Column("account", String, primary_key=True, comment="corpid or appid"),
    Column("kind", String, primary_key=True, comment="IMAGE, VOICE, VIDEO, FILE, THUMB, or PUBLISHED"),
    Column("name", String, primary_key=True, comment="As whoever gets a file sees it."),
    Column("media_id", String, comment="NULL for a picture that was published."),
    Column("url", String, comment="Of a picture that was published."),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, comment="When the platform forgets it; NULL for never."),
)
