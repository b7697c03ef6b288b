"""Webhooks out: endpoints, their deliveries and replays. Written by ``gateway.webhooks`` alone."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Json, KeyedHash, Long, UtcDateTime

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String, nullable=False, comment="Id of the API key as which payloads are read."),
    # Integrators put tokens into paths and queries.
    Column("url", Encrypted, nullable=False),
    Column("description", String, nullable=False),
    Column("kinds", Json, nullable=False),
    Column("query", String, nullable=False, comment="The GraphQL document whose answer is the payload."),
    Column("purpose", String, nullable=False, comment="What the member of an event must allow."),
    Column("state", String, nullable=False, comment="ENABLED, PAUSED or DISABLED"),
    Column("code", String, comment="Why it was disabled."),
    Column("secret", Encrypted, nullable=False),
    Column("former_secret", Encrypted),
    Column("former_until", UtcDateTime, comment="Until then messages are signed with the former secret as well."),
    # The cursor: every fact up to here has been looked at.
    Column("tx", Long, nullable=False),
    Column("seq", Long, nullable=False),
    Column("behind", Boolean, nullable=False, comment="Facts wait until deliveries have ended."),
    Column("failing_since", UtcDateTime, comment="The first failure since the last success."),
    Column("delivered_at", UtcDateTime, comment="The last success."),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "owner", "id"),
)

webhook_replay = Table(
    "webhook_replay",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("endpoint", String(26), nullable=False),
    Column("tx", Long, nullable=False),
    Column("seq", Long, nullable=False),
    Column("until_tx", Long, nullable=False),
    Column("until_seq", Long, nullable=False),
    Column("events", Integer, nullable=False, comment="How many were queued so far."),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime, comment="When the last of them was queued."),
    Index(None, "endpoint", "id"),
)

#: The condition of the partial index over deliveries that are not over yet.
PENDING = text("state = 'PENDING'")
_OF_MEMBER = text("member IS NOT NULL")

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    # The order in which they were queued.
    Column("seq", Long, primary_key=True, autoincrement=True),
    Column("id", String(26), nullable=False, unique=True),
    Column("endpoint", String(26), nullable=False),
    Column("replay", String(26)),
    # The event by its id and its place in the log. The payload is kept nowhere.
    Column("event", String(26), nullable=False),
    Column("event_tx", Long, nullable=False),
    Column("event_seq", Long, nullable=False),
    Column("kind", String, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("entity", KeyedHash("webhook.entity"), nullable=False),
    Column("member", String),
    Column("state", String, nullable=False, comment="PENDING, DELIVERED, PARKED or WITHHELD"),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer, comment="HTTP status of the last attempt."),
    Column("code", String, comment="Why the last attempt failed, or why it was not sent."),
    Column("attempted_at", UtcDateTime),
    Column("next_at", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    Column("job", String(26)),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "endpoint", "seq"),
    Index(None, "endpoint", "entity", "seq", sqlite_where=PENDING, postgresql_where=PENDING),
    Index(None, "member", sqlite_where=_OF_MEMBER, postgresql_where=_OF_MEMBER),
    Index(None, "created_at"),
)
