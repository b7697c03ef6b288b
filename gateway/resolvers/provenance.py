"""Where a member's profile and identities come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime

from sqlalchemy import or_, select

from gateway.context import Context
from gateway.database.keyring import Erased
from gateway.database.tables.members import identity, identity_link, profile_claim
from gateway.members import profile
from gateway.members.linking import Claim
from gateway.members.refreshing import standing_claims
from gateway.resolvers.keys import prime


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A link of an identity with another one. ``refused`` means that the rules keep the two apart."""

    other: str
    other_kind: str
    other_issuer: str
    strength: str
    source: str
    seen_at: datetime
    decided_by: str | None
    reason: str | None
    refused: bool


@dataclass(frozen=True, slots=True)
class FieldRecord:
    """The value of a profile field that counts, with its source."""

    field: str
    value: str = attribute(repr=False)
    source: str
    seen_at: datetime
    verified: bool


async def links(ctx: Context, identity_ids: Sequence[str]) -> Sequence[Sequence[LinkRecord]]:
    """Batch: what holds each identity, first shown first; retired links are left out. Two statements."""
    ends = or_(identity_link.c.a.in_(identity_ids), identity_link.c.b.in_(identity_ids))
    rows = await ctx.database.fetch(
        select(identity_link).where(ends, identity_link.c.retired_at.is_(None)).order_by(identity_link.c.seen_at)
    )
    wanted = {end for row in rows for end in (row.a, row.b)}
    names = {
        row.id: row
        for row in await ctx.database.fetch(
            select(identity.c.id, identity.c.kind, identity.c.issuer).where(identity.c.id.in_(wanted))
        )
    }
    grouped: dict[str, list[LinkRecord]] = defaultdict(list)
    for row in rows:
        for end, other in ((row.a, row.b), (row.b, row.a)):
            grouped[end].append(
                LinkRecord(
                    other,
                    names[other].kind,
                    names[other].issuer,
                    row.strength,
                    row.source,
                    row.seen_at,
                    row.decided_by,
                    row.reason,
                    row.review_case is not None,
                )
            )
    return [grouped[each] for each in identity_ids]


async def fields(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[FieldRecord]]:
    """Batch: each member's profile, field by field. Three statements, after the members' keys."""
    await prime(ctx, member_ids)
    rows = await ctx.database.fetch(
        select(identity.c.member, profile_claim)
        .join(identity, identity.c.id == profile_claim.c.identity)
        .where(identity.c.member.in_(member_ids))
    )
    owner = {row.identity: row.member for row in rows}
    said = [
        Claim(row.identity, row.field, row.source, row.value, row.verified, row.seen_at)
        for row in rows
        if not isinstance(row.value, Erased)
    ]
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in await standing_claims(ctx.database.fetch, ctx.database.keyring, said):
        claims[owner[claim.identity]].append(claim)
    found = []
    for each in member_ids:
        won = profile.winners(claims[each])
        found.append(
            [
                FieldRecord(name, won[name].value, won[name].source, won[name].seen_at, won[name].verified)
                for name in profile.FIELDS
                if name in won
            ]
        )
    return found
