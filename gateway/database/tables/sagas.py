"""Transactions over several tools: the idempotency records, the sagas and their steps."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from gateway.database.schema import metadata
from gateway.database.types import EncryptedJson, Json, KeyedHash, UtcDateTime

idempotency = Table(
    "idempotency",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("principal", String, nullable=False),
    Column("mutation", String, nullable=False),
    Column("key", String, nullable=False),
    # Keyed, because inputs are guessable: a plain hash of a phone number is a phone number.
    Column("input_hash", KeyedHash("idempotency.input"), nullable=False),
    Column("state", String, nullable=False),
    Column("result_type", String),
    Column("result_ids", Json),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    UniqueConstraint("principal", "mutation", "key"),
    Index(None, "expires_at"),
)

saga = Table(
    "saga",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("input", EncryptedJson),
    Column("principal", String),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("deadline", UtcDateTime),
    Column("attention", String, comment="Why a person must look, in state NEEDS_ATTENTION."),
    CheckConstraint(
        "state IN ('RUNNING', 'AWAITING_PAYMENT', 'COMPLETING', 'COMPLETED', 'COMPENSATING', 'COMPENSATED',"
        " 'NEEDS_ATTENTION')",
        name="known_state",
    ),
    CheckConstraint("(attention IS NULL) = (state <> 'NEEDS_ATTENTION')", name="attention_has_a_reason"),
    Index(None, "state", "deadline"),
    Index(None, "created_at", "id"),
)

saga_step = Table(
    "saga_step",
    metadata,
    Column("saga_id", String(26), ForeignKey("saga.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("tool", String),
    Column("kind", String, nullable=False, comment="COMPENSATABLE, PIVOT or RETRIABLE"),
    Column("delivery", String, nullable=False, comment="KEYED, ASKABLE or ONCE"),
    Column("state", String, nullable=False),
    Column("key", String, comment="The natural key that the platform is given."),
    Column("intent", EncryptedJson, comment="What is sent, byte for byte, also when it is sent again."),
    Column("outcome", EncryptedJson),
    Column("attempts", Integer, nullable=False, default=0),
    Column("started_at", UtcDateTime),
    Column("called_at", UtcDateTime, comment="When a call was repeated that makes a new thing each time."),
    Column("finished_at", UtcDateTime),
    Column("progress_done", Integer, comment="Of a step that prepares: members whom its attempt has gone through."),
    Column("progress_total", Integer),
    CheckConstraint(
        "state IN ('PENDING', 'RUNNING', 'DONE', 'SKIPPED', 'UNDONE', 'FAILED', 'UNKNOWN')", name="known_state"
    ),
    CheckConstraint("kind IN ('COMPENSATABLE', 'PIVOT', 'RETRIABLE')", name="known_kind"),
    CheckConstraint("delivery IN ('KEYED', 'ASKABLE', 'ONCE')", name="known_delivery"),
    CheckConstraint("started_at IS NOT NULL OR state <> 'UNKNOWN'", name="unknown_was_begun"),
    Index(None, "state", "saga_id"),
    Index(None, "key"),
)

order_address = Table(
    "order_address",
    metadata,
    Column("saga", String(26), primary_key=True),
    Column("purchase", String, primary_key=True),
    Column(
        "address", EncryptedJson, nullable=False, comment="Where the order is to go; deleted once its platform has it."
    ),
    Column("asked_at", UtcDateTime, nullable=False),
    Index(None, "purchase"),
    Index(None, "asked_at"),
)
