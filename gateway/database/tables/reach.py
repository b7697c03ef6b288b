"""What decides whether a member may be spoken to, and what was said. Written by ``gateway.members`` alone.

Rows name the member id under which they were written and are never re-pointed: a read takes them from all ids that
lead to the member, so that an unmerge gives each side its own back.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from gateway.database.schema import metadata
from gateway.database.types import KeyedHash, UtcDateTime

minor = Table(
    "minor",
    metadata,
    Column("member", String(36), ForeignKey("member.id"), primary_key=True),
    Column("minor", Boolean, nullable=False, comment="Whether staff know the member to be under 14."),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("decided_by", String, nullable=False, comment="The principal."),
)

send_attempt = Table(
    "send_attempt",
    metadata,
    Column("id", String(26), primary_key=True),
    # Callers make keys of what they have, order numbers and the like; they are only ever compared.
    Column("key", KeyedHash("send_attempt.key"), nullable=False),
    Column("member", String(36), nullable=False),
    Column("identity", String(26), comment="Whom it went to, where the channel has a name for the member."),
    Column("purpose", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("account", String, nullable=False, comment="The platform's own id; empty without one."),
    Column("template", String, nullable=False, comment="Subscribe template; empty without one."),
    Column("outcome", String, nullable=False, comment="ALLOWED, CAPPED, REFUSED or RELEASED"),
    Column("reason", String, comment="Why not."),
    Column("counted", Boolean, nullable=False, comment="Whether it takes a place under the caps."),
    Column("decided_at", UtcDateTime, nullable=False),
    UniqueConstraint("key", "member"),
    Index(None, "member", "decided_at"),
)

#: On PostgreSQL whoever holds a member's row decides alone about that member, until the commit.
send_turn = Table(
    "send_turn",
    metadata,
    Column("member", String(36), primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
)

subscribe_grant = Table(
    "subscribe_grant",
    metadata,
    Column("appid", String, primary_key=True),
    Column("identity", String(26), primary_key=True),
    Column("template", String, primary_key=True),
    Column("remaining", Integer, nullable=False, comment="How many messages may still be sent."),
    Column("changed_at", UtcDateTime, nullable=False),
    Index(None, "identity"),
)

subscribe_answer = Table(
    "subscribe_answer",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("appid", String, nullable=False),
    Column("identity", String(26), nullable=False),
    Column("template", String, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("told_by", String, nullable=False, comment="CLIENT or PLATFORM: both may tell of one answer."),
    Column("paired", Boolean, nullable=False, comment="Whether the other one has told of it too."),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("source_key", KeyedHash("subscribe_answer.source_key"), nullable=False, unique=True),
    Index(None, "identity", "template", "answered_at"),
)
