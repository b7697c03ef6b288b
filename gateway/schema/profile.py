"""A member's profile, field by field with its source."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.members.profile import FIELDS
from gateway.resolvers import masking
from gateway.resolvers.provenance import FieldRecord


@strawberry.enum(description="Fields of a member's profile (会员资料).")
class ProfileFieldName(Enum):
    """The fields of gateway.members.profile."""

    NAME = strawberry.enum_value("NAME", description="姓名或昵称.")
    PHONE = strawberry.enum_value("PHONE", description="手机号.")
    GENDER = strawberry.enum_value("GENDER", description="性别: MALE or FEMALE.")
    BIRTHDAY = strawberry.enum_value("BIRTHDAY", description="生日, an ISO date.")
    CITY = strawberry.enum_value("CITY", description="城市.")


assert [each.name.lower() for each in ProfileFieldName] == list(FIELDS)  # noqa: S101 — two lists would drift


@strawberry.type(description="One field of a profile: the value that counts, and who says so.")
class ProfileField:
    """Profile field."""

    field: ProfileFieldName = strawberry.field(description="Which field.")
    value: str = strawberry.field(description="The value; masked without the scope pii:read.")
    source: str = strawberry.field(description="Who says so: tool.endpoint, or own.mutation.")
    at: datetime = strawberry.field(description="Since when this source says so.")
    verified: bool = strawberry.field(description="For a phone: whether WeChat or a text message proved it (已验证).")

    @classmethod
    def of(cls, record: FieldRecord, *, shown: bool) -> ProfileField:
        return cls(
            field=ProfileFieldName[record.field.upper()],
            value=masking.profile(record.field, record.value, shown=shown),
            source=record.source,
            at=record.seen_at,
            verified=record.verified,
        )
