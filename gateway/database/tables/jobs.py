"""The durable queue. Written by ``gateway.jobs`` alone."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import EncryptedJson, KeyedHash, Long, UtcDateTime

job = Table(
    "job",
    metadata,
    # The database numbers the rows: machines' clocks may disagree about who was first, it does not.
    Column("seq", Long, primary_key=True, autoincrement=True),
    Column("id", String(26), nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("payload", EncryptedJson),
    # Keys and entities are made of platform ids, openids among them, and are only ever compared.
    Column("key", KeyedHash("job.key")),
    Column("entity", KeyedHash("entity")),
    Column("state", String, nullable=False, comment="QUEUED, RUNNING, DONE, PARKED or CANCELLED"),
    Column("priority", Integer, nullable=False, comment="Higher runs first."),
    Column("run_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("worker", String),
    Column("lease_until", UtcDateTime),
    Column("cancel_requested", Boolean, nullable=False),
    Column("progress_done", Long),
    Column("progress_total", Long),
    Column("progress_note", String),
    Column("error_code", String),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
)

recurring_job = Table(
    "recurring_job",
    metadata,
    Column("kind", String, primary_key=True),
    Column("period", UtcDateTime, nullable=False, comment="The latest period whose job was put; each has one."),
)

#: The condition of the partial indexes over jobs that are not over yet.
ACTIVE = text("state IN ('QUEUED', 'RUNNING')")
_RUNNING = text("state = 'RUNNING'")

Index(
    "uq_job_kind_key_active",
    job.c.kind,
    job.c.key,
    unique=True,
    sqlite_where=ACTIVE,
    postgresql_where=ACTIVE,
)
# Two jobs of one entity never run at once, whatever two workers saw when they claimed.
Index("uq_job_entity_running", job.c.entity, unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING)
Index(
    "ix_job_due",
    job.c.priority.desc(),
    job.c.run_at,
    job.c.seq,
    sqlite_where=ACTIVE,
    postgresql_where=ACTIVE,
)
Index("ix_job_entity_active", job.c.entity, job.c.seq, sqlite_where=ACTIVE, postgresql_where=ACTIVE)
PARKED = text("state = 'PARKED'")
Index("ix_job_parked", job.c.seq, sqlite_where=PARKED, postgresql_where=PARKED)
# Not led by the state: SQLite would then prefer it to ix_job_due and sort the whole queue at each poll.
Index(None, job.c.kind, job.c.state, job.c.seq)
