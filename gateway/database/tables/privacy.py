"""Rights of persons: erasures, what stays sealed after one, access reports."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, String, Table

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, EncryptedJson, Json, KeyedHash, UtcDateTime

erasure = Table(
    "erasure",
    metadata,
    # Random and not a ULID: who holds it may see how far the erasure is, when the session has ended.
    Column("id", String(32), primary_key=True),
    Column("member", String(36), nullable=False, unique=True, comment="Our own id; its row is a tombstone afterwards."),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", String, nullable=False, comment="SHOPPER, or the principal's id"),
    Column("state", String, nullable=False, comment="QUEUED, WAITING, FILES, SWEEPING or DONE"),
    Column("job", String(26), nullable=False),
    Column("subjects", Json, comment="Our own ids of what is erased, while it is; null once done."),
    Column("report", Json, comment="Counts, grounds and dates; never personal data."),
    Column("erased_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
)

erased_handle = Table(
    "erased_handle",
    metadata,
    # Of its own purpose, so that it equals no hash in any other table.
    Column("hash", KeyedHash("erased_handle"), primary_key=True),
    Column("erased_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Index(None, "until"),
)

sealed_record = Table(
    "sealed_record",
    metadata,
    Column("id", String(32), primary_key=True, comment="Random: it tells neither when nor for whom."),
    Column("kind", String, nullable=False, comment="The table that the record was in."),
    Column("class", String, nullable=False, comment="TRANSACTION or ACCOUNTING", key="class_"),
    Column("natural", KeyedHash("sealed_record"), nullable=False, unique=True, comment="Of the record's own number."),
    Column("record", EncryptedJson, nullable=False, comment="Without name, phone, address, openid or unionid."),
    Column("sealed_on", Date, nullable=False),
    Column("until", Date, nullable=False),
    Index(None, "until"),
)

access_report = Table(
    "access_report",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("member", String(36), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", String, nullable=False),
    Column("state", String, nullable=False, comment="QUEUED or READY"),
    Column("job", String(26), nullable=False),
    Column("document", Encrypted, comment="JSON, under the member's data key."),
    Column("ready_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "member"),
    Index(None, "expires_at"),
)
