"""Identities: the names that lead to a member."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.events.kinds import KINDS
from gateway.resolvers import ids, masking, provenance
from gateway.resolvers.members import IdentityRecord
from gateway.resolvers.provenance import LinkRecord
from gateway.schema.info import Info


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


@strawberry.enum(description="What an identity or a link proves.")
class IdentityStrength(Enum):
    """Strengths of identities and links."""

    DECIDED = strawberry.enum_value("DECIDED", description="A person decided so (人工).")
    RENAMED = strawberry.enum_value("RENAMED", description="The platform renamed one into the other (账号迁移).")
    STRONG = strawberry.enum_value("STRONG", description="It proves who it is (强).")
    CONDITIONAL = strawberry.enum_value("CONDITIONAL", description="It proves by rules: a verified phone (条件).")
    WEAK = strawberry.enum_value("WEAK", description="A hint that joins nobody (弱).")
    NEVER = strawberry.enum_value("NEVER", description="A value that names nobody (无效).")


@strawberry.type(description="A link between two identities: evidence that they are one person.")
class IdentityLink:
    """Link."""

    other: strawberry.ID = strawberry.field(description="The other identity's id.")
    other_kind: IdentityKind = strawberry.field(description="The other identity's kind.")
    other_issuer: str = strawberry.field(description="The other identity's issuer.")
    strength: IdentityStrength = strawberry.field(description="What the link proves.")
    source: str = strawberry.field(description="Who showed the two together: tool.endpoint, or own.mutation.")
    seen_at: datetime = strawberry.field(description="The earliest instant at which they were shown.")
    decided_by: str | None = strawberry.field(description="Who decided; null where a platform showed it.")
    reason: str | None = strawberry.field(description="Why it was decided.")
    refused: bool = strawberry.field(description="True where the rules keep the two apart: see reviewCases.")

    @classmethod
    def of(cls, record: LinkRecord) -> IdentityLink:
        return cls(
            other=strawberry.ID(ids.encode("id", record.other)),
            other_kind=IdentityKind[record.other_kind],
            other_issuer=record.other_issuer,
            strength=IdentityStrength[record.strength],
            source=record.source,
            seen_at=record.seen_at,
            decided_by=record.decided_by,
            reason=record.reason,
            refused=record.refused,
        )


@strawberry.type(description="One name that a platform has for the member.")
class Identity:
    """Identity."""

    native: strawberry.Private[str]
    kind: IdentityKind = strawberry.field(description="What sort of name.")
    issuer: str = strawberry.field(description="Within what it is unique: appid, Open Platform account, corpid.")
    value: str = strawberry.field(description="The name itself; masked without the scope pii:read.")
    linked_at: datetime = strawberry.field(description="When the gateway learnt of it.")
    id: strawberry.ID = strawberry.field(description="Opaque and stable; identityUnlink takes it.")
    strength: IdentityStrength = strawberry.field(description="What it proves, as it was shown at best.")
    source: str = strawberry.field(description="Where it was seen first: tool.endpoint, or own.mutation.")
    superseded_by: strawberry.ID | None = strawberry.field(
        description="Id of the identity that took its place when an account moved (账号迁移); else null."
    )

    @strawberry.field(description="What holds it to the member: with which other identity, by whom, since when.")
    async def links(self, info: Info) -> list[IdentityLink]:
        found = await info.context.loaders.load(provenance.links, self.native)
        return [IdentityLink.of(each) for each in found]

    @classmethod
    def of(cls, record: IdentityRecord, *, shown: bool) -> Identity:
        superseded = record.superseded_by
        return cls(
            native=record.id,
            id=strawberry.ID(ids.encode("id", record.id)),
            strength=IdentityStrength[record.strength],
            source=record.source,
            superseded_by=None if superseded is None else strawberry.ID(ids.encode("id", superseded)),
            kind=IdentityKind[record.kind],
            issuer=record.issuer,
            value=masking.identity(record.kind, record.value, shown=shown),
            linked_at=record.linked_at,
        )


@strawberry.input(description="A name of a shopper, as a platform or a system has it.")
class IdentityInput:
    """Identity."""

    kind: IdentityKind = strawberry.field(description="What sort of name.")
    issuer: str = strawberry.field(
        description="Within what it is unique: appid, corpid, card programme; brand for PHONE."
    )
    value: str = strawberry.field(description="The name itself.")
