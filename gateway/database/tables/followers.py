"""What headquarters began at official accounts. Written by ``gateway.transactions`` and the projections alone."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import Json, Long, UtcDateTime

_PERMANENT = text("expires_at IS NULL")
_OPEN = text("settled_at IS NULL")

scene_code = Table(
    "scene_code",
    metadata,
    Column("appid", String, primary_key=True),
    Column("ticket", String, primary_key=True, comment="Its name at the platform."),
    Column("scene", String, nullable=False, comment="What a scan tells."),
    Column("label", String, nullable=False, comment="What headquarters calls it."),
    Column("url", String, nullable=False),
    Column("image_url", String, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, comment="Null for a permanent one, of which an account has 100,000."),
    Index(None, "made_at", "appid", "ticket"),
    Index("ix_scene_code_permanent", "appid", "scene", sqlite_where=_PERMANENT, postgresql_where=_PERMANENT),
)

publication = Table(
    "publication",
    metadata,
    Column("appid", String, primary_key=True),
    Column("publish_id", String, primary_key=True, comment="The platform's number of the job."),
    Column("at", UtcDateTime, nullable=False, comment="When the platform took it; of one from its console, its end."),
    Column("saga", String(26), comment="The transaction; null for one from the platform's console."),
    Column("draft", String, comment="media_id of the draft, which is there no more."),
    Column("title", String, comment="Of its first article."),
    Column("state", String, comment="A PublishStatus of the adapter's, once the platform told."),
    Column("article_id", String, comment="What the platform calls the articles that came of it."),
    Column("failed", Json, comment="Places, from 1, of articles that did not pass."),
    Column("read_at", UtcDateTime, comment="When the platform was asked last."),
    Column("settled_at", UtcDateTime),
    Index(None, "at", "appid", "publish_id"),
    Index("ix_publication_open", "at", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

mass_message = Table(
    "mass_message",
    metadata,
    Column("appid", String, primary_key=True),
    Column("message_id", String, primary_key=True, comment="The platform's msg_id."),
    Column("at", UtcDateTime, nullable=False, comment="When the platform took it; of one from its console, its end."),
    Column("saga", String(26), comment="The transaction; null for one that was sent in the platform's console."),
    Column("key", String, comment="The name under which the gate counted it of everybody."),
    Column("data_id", String, comment="msg_data_id: names articles in the statistics."),
    Column("content", String, comment="TEXT, ARTICLES, PICTURES, VOICE or VIDEO"),
    Column("purpose", String),
    Column("tag", String, comment="The tag that it went to, by its name then."),
    Column("reached", Long, comment="Followers whom the gate allowed."),
    Column("state", String, comment="SENT, FAILED or OTHER, once the platform told."),
    Column("reason", String, comment="The platform's err(…), where it stopped the message."),
    Column("total", Long),
    Column("filtered", Long),
    Column("sent", Long),
    Column("failed", Long),
    Column("finished_at", UtcDateTime),
    Column("taken_back_at", UtcDateTime),
    Index(None, "at", "appid", "message_id"),
)
