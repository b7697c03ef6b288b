"""Identities: the names that lead to a member."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.events.kinds import KINDS
from gateway.resolvers import masking
from gateway.resolvers.members import IdentityRecord


@strawberry.enum(description="Kinds of names that lead to a member.")
class IdentityKind(Enum):
    """The one list of gateway.events.kinds, as an enum of the graph."""

    UNIONID = strawberry.enum_value("UNIONID", description="unionid, within the Open Platform account (开放平台).")
    OPENID = strawberry.enum_value("OPENID", description="openid, within one appid.")
    EXTERNAL_USERID = strawberry.enum_value("EXTERNAL_USERID", description="外部联系人 id, within a corpid.")
    PHONE = strawberry.enum_value("PHONE", description="手机号.")
    CARD = strawberry.enum_value("CARD", description="会员卡号, within a card programme.")
    OUT_ID = strawberry.enum_value("OUT_ID", description="The brand's own member number (外部编号), within a system.")
    CLICK_ID = strawberry.enum_value("CLICK_ID", description="广告点击 id, within the macro that named it.")


assert {kind.name for kind in IdentityKind} == set(KINDS)  # noqa: S101 — two lists would drift


@strawberry.type(description="One name that a platform has for the member.")
class Identity:
    """Identity."""

    kind: IdentityKind = strawberry.field(description="What sort of name.")
    issuer: str = strawberry.field(description="Within what it is unique: appid, Open Platform account, corpid.")
    value: str = strawberry.field(description="The name itself; masked without the scope pii:read.")
    linked_at: datetime = strawberry.field(description="When the gateway learnt that it is this member.")

    @classmethod
    def of(cls, record: IdentityRecord, *, shown: bool) -> Identity:
        return cls(
            kind=IdentityKind[record.kind],
            issuer=record.issuer,
            value=masking.identity(record.kind, record.value, shown=shown),
            linked_at=record.linked_at,
        )
