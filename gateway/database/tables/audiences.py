"""Who is in which audience of 腾讯广告, by our own ids. Written by ``gateway.members.audiences`` alone.

A row is gone as soon as its member is taken out: what is here is what the platform was handed, or is being handed.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from gateway.database.schema import metadata
from gateway.database.types import UtcDateTime

audience_person = Table(
    "audience_person",
    metadata,
    Column("upload", String(26), primary_key=True, comment="Which request named the member."),
    Column("member", String(36), primary_key=True, comment="As named; a merge does not re-point it."),
    Column("saga", String(26), nullable=False, comment="The transaction of that request."),
    Column("account_id", String, nullable=False),
    Column("audience_id", String, nullable=False),
    Column("id_type", String, nullable=False, comment="The platform's user_id_type."),
    Column("appid", String, nullable=False, comment="Of openids; else empty."),
    Column("state", String, nullable=False, comment="ASKED, WITHHELD, SENDING or IN"),
    Column("reason", String, comment="Why WITHHELD."),
    Column("identity", String(26), comment="Whose value was handed over."),
    Column("asked_at", UtcDateTime, nullable=False),
    Index(None, "member"),
    Index(None, "identity"),
    Index(None, "account_id", "audience_id", "state"),
    Index(None, "state", "upload", "member"),
)
