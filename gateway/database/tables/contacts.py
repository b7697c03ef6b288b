"""What headquarters began with customers of guides. Written by ``gateway.transactions`` alone."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, UniqueConstraint, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Json, UtcDateTime

_WAITING = text("state = 'WAITING'")

handover = Table(
    "handover",
    metadata,
    Column("saga", String(26), primary_key=True, comment="The transaction that began it."),
    Column("identity", String(26), primary_key=True, comment="The customer."),
    Column("corpid", String, nullable=False),
    Column("from_userid", String, nullable=False),
    Column("to_userid", String, nullable=False),
    Column("resigned", Boolean, nullable=False, comment="Whether the former guide had left (离职继承)."),
    Column("state", String, nullable=False, comment="WAITING, DONE, REFUSED, FULL, REJECTED or UNKNOWN"),
    Column("reason", String, comment="Why the platform did not begin it."),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("takes_over_at", UtcDateTime, comment="When the new guide has, or is to have, the customer."),
    Column("settled_at", UtcDateTime, comment="When the end of it was found out."),
    Index(None, "identity"),
    Index(None, "asked_at", "saga", "identity"),
    Index("ix_handover_waiting", "corpid", "asked_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
)

_OPEN = text("settled_at IS NULL")

group_send = Table(
    "group_send",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("saga", String(26), nullable=False, comment="The transaction that asked for it."),
    Column("corpid", String, nullable=False),
    Column("task_id", String, nullable=False, comment="The platform's msgid."),
    Column("userid", String, nullable=False, comment="The guide who was named; empty: the platform chooses."),
    Column("purpose", String, nullable=False),
    Column("text", String, nullable=False),
    Column("state", String, nullable=False, comment="ASKED, CONFIRMED, CANCELLED or LAPSED"),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime, comment="When the platform was last asked what became of it."),
    Column("settled_at", UtcDateTime, comment="When nothing more was to be told of it."),
    UniqueConstraint("corpid", "task_id"),
    Index(None, "asked_at", "id"),
    Index("ix_group_send_open", "asked_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

group_send_sender = Table(
    "group_send_sender",
    metadata,
    Column("send", String(26), primary_key=True),
    Column("userid", String, primary_key=True),
    Column("customers", Integer, nullable=False, comment="Whom the guide was asked to send it to."),
    Column("confirmed_at", UtcDateTime, comment="When the guide sent it."),
    Column("settled_at", UtcDateTime, comment="When it was told what became of all of these customers."),
)

group_send_target = Table(
    "group_send_target",
    metadata,
    Column("send", String(26), primary_key=True),
    Column("identity", String(26), primary_key=True, comment="The customer."),
    Column("userid", String, comment="The guide who was asked."),
    Column("delivery", String, nullable=False, comment="PENDING, SENT, NO_FRIEND, CAPPED, OTHER or UNREACHABLE"),
    Column("sent_at", UtcDateTime),
    Index(None, "identity"),
)

group_send_refusal = Table(
    "group_send_refusal",
    metadata,
    Column("send", String(26), primary_key=True),
    Column("member", String(36), primary_key=True, comment="Whom the gate left out."),
    Column("reason", String, nullable=False),
    Column("opens_at", UtcDateTime, comment="When the refusal is over by itself, where that is known."),
    Index(None, "member"),
)

contact_way = Table(
    "contact_way",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("saga", String(26), nullable=False, comment="The transaction that made it."),
    Column("corpid", String, nullable=False),
    Column("config_id", String, comment="The platform's name of it; null: being made, and the state is kept for it."),
    Column("state", String, nullable=False, comment="The channel that contacts carry whom it brings."),
    Column("qr_code", String, nullable=False, comment="The picture's address; empty for a button."),
    Column("in_mini_program", Boolean, nullable=False),
    Column("single", Boolean, nullable=False, comment="Whether it is of one guide (单人), which stays so."),
    Column("userids", Json, nullable=False),
    Column("departments", Json, nullable=False),
    Column("remark", String, nullable=False, info={"not_personal": "what staff call a code of theirs"}),
    Column("skip_verify", Boolean, nullable=False),
    Column("exclusive", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    UniqueConstraint("corpid", "state"),
    UniqueConstraint("corpid", "config_id"),
    Index(None, "created_at", "id"),
)

join_way = Table(
    "join_way",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("saga", String(26), nullable=False, comment="The transaction that made it."),
    Column("corpid", String, nullable=False),
    Column("config_id", String, comment="The platform's name of it; null: being made, and the state is kept for it."),
    Column("state", String, nullable=False, comment="The channel that those carry who join by it."),
    Column("qr_code", String, nullable=False, comment="The picture's address; empty: a button, or not told yet."),
    Column("in_mini_program", Boolean, nullable=False),
    Column("chat_ids", Json, nullable=False),
    Column("remark", String, nullable=False, info={"not_personal": "what staff call a code of theirs"}),
    Column("room_name", String, nullable=False, comment="What a group is called that follows a full one; empty: none."),
    Column("room_number", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    UniqueConstraint("corpid", "state"),
    UniqueConstraint("corpid", "config_id"),
    Index(None, "created_at", "id"),
)

group_welcome = Table(
    "group_welcome",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("saga", String(26), nullable=False, comment="The transaction that made it."),
    Column("corpid", String, nullable=False),
    Column("template_id", String, nullable=False, comment="The platform's name of it."),
    Column("text", String, nullable=False),
    Column("attachment", Json, comment="What it shows beside the text."),
    Column("created_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    UniqueConstraint("corpid", "template_id"),
    Index(None, "created_at", "id"),
)

app_message = Table(
    "app_message",
    metadata,
    Column("corpid", String, primary_key=True),
    Column("message_id", String, primary_key=True, comment="The platform's msgid."),
    Column("saga", String(26), nullable=False, comment="The transaction that sent it."),
    Column("userids", Json, nullable=False, comment="The guides whom it was sent to."),
    Column("response_code", Encrypted, comment="The right to change its buttons, once."),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("recalled_at", UtcDateTime),
    Column("answered_at", UtcDateTime, comment="When its buttons were changed."),
    Index(None, "sent_at"),
)
