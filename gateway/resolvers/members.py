"""Members: who they are, and what leads to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.keyring import Erased
from gateway.database.prepared import Prepared, list_of
from gateway.database.tables.members import identity, member
from gateway.events.kinds import PHONE_ISSUER
from gateway.members import codes
from gateway.members.family import present_ids
from gateway.resolvers import ids
from gateway.resolvers.auditing import LookUp, recorded
from gateway.resolvers.errors import CodeRefused, UserError
from gateway.resolvers.keys import prime
from gateway.resolvers.paging import Slice


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A member. ``live`` is True for the one member of a request, whose platforms may be asked now."""

    id: str
    joined_at: datetime | None
    updated_at: datetime
    name: str | None
    phone: str | None
    out_id: str | None
    live: bool


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """One name of a member."""

    id: str
    kind: str
    issuer: str
    value: str = field(repr=False)
    linked_at: datetime
    strength: str
    source: str
    superseded_by: str | None


@dataclass(frozen=True, slots=True)
class MemberBy:
    """How to find a member: exactly one of these."""

    id: str | None = None
    openid: tuple[str, str] | None = None
    unionid: str | None = None
    external_userid: tuple[str, str] | None = None
    phone: str | None = None
    out_id: str | None = None
    identity: tuple[str, str, str] | None = None
    code: str | None = field(default=None, repr=False)

    def personal(self, *, unmasked: bool) -> str | None:
        """By which personal value, where that is to be recorded: a phone always; a name at a platform where the
        answer will be unmasked, since whoever has a list of these would read the people behind it."""
        if self.phone is not None:
            return "phone"
        names = ("openid", "unionid", "external_userid", "identity") if unmasked else ()
        return next((name for name in names if getattr(self, name) is not None), None)


async def find(ctx: Context, by: MemberBy) -> MemberRecord | None:
    """The member, or None. Needs the scope members:read; by a code that the shopper shows, pos is enough.

    A look-up by a personal value is recorded as a fact, without the value.
    """
    if by.code is None or "pos" not in ctx.principal.scopes:
        ctx.principal.require("members:read")
    if by.out_id is not None and "\0" in by.out_id:
        return None  # PostgreSQL cannot even compare such a text.
    # Before anything is awaited, so that the document's order decides and not the database's.
    live = ctx.may_read_live(by)
    member_id = await _find_id(ctx, by)
    personal = by.personal(unmasked=ctx.principal.sees_personal_data)
    if personal is not None:
        await recorded(ctx, LookUp((personal,), int(member_id is not None), member_id))
    return None if member_id is None else await one(ctx, member_id, live=live)


async def me(ctx: Context) -> MemberRecord | None:
    """The shopper whose session it is. Raises UserError without one."""
    if ctx.principal.member is None:
        raise UserError("me needs a shopper's session: send sessionCreate's token as Authorization: Bearer.")
    return await one(ctx, ctx.principal.member, live=ctx.may_read_live(ctx.principal.member))


async def one(ctx: Context, member_id: str, *, live: bool) -> MemberRecord | None:
    """A member by our id; an id that lost a merge resolves to the one that won."""
    record = await ctx.loaders.load(by_ids, member_id)
    return None if record is None else replace(record, live=live)


async def by_ids(ctx: Context, member_ids: Sequence[str]) -> Sequence[MemberRecord | None]:
    """Batch by our ids, old ones too: four statements."""
    home = await present_ids(ctx.database.fetch, member_ids)
    winners = sorted(set(home.values()))
    await prime(ctx, winners)
    found = await ctx.database.fetch(_MEMBERS, {"ids": winners})
    records = {row.id: _record(row, live=False) for row in found}
    return [records.get(home.get(each, "")) for each in member_ids]


_IDS = list_of("ids")
_MEMBERS: Final = Prepared(select(member).where(member.c.id.in_(_IDS), member.c.erased_at.is_(None)))
_IDENTITIES: Final = Prepared(select(identity).where(identity.c.member.in_(_IDS)).order_by(identity.c.id))


async def listed(ctx: Context, found: Slice[str]) -> Slice[MemberRecord]:
    """The members of a page of ids, from projections only. Three statements.

    Ids come first: the rows hold sealed values, whose keys are loaded together once it is known whose they are.
    """
    await prime(ctx, found.items)
    rows = await ctx.database.fetch(select(member).where(member.c.id.in_(found.items)))
    records = {row.id: _record(row, live=False) for row in rows}
    return found.map(records.__getitem__)


async def identities(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[IdentityRecord]]:
    """Batch: the identities of each member, oldest first. One statement, after the members' keys."""
    await prime(ctx, member_ids)
    rows = await ctx.database.fetch(_IDENTITIES, {"ids": list(member_ids)})
    grouped: dict[str, list[IdentityRecord]] = defaultdict(list)
    for row in rows:
        if not isinstance(row.value, Erased):
            grouped[row.member].append(identity_record(row))
    return [grouped[each] for each in member_ids]


def identity_record(row: Row[Any]) -> IdentityRecord:
    """A row of table identity whose value is readable."""
    return IdentityRecord(
        row.id, row.kind, row.issuer, row.value, row.linked_at, row.strength, row.source, row.superseded_by
    )


async def _find_id(ctx: Context, by: MemberBy) -> str | None:
    graph = ctx.services.graph
    if by.id is not None:
        return ids.decode_as("mb", by.id)[1]
    if by.code is not None:
        return _redeem(ctx, by.code)
    if by.openid is not None:
        return await graph.find("OPENID", *by.openid)
    if by.unionid is not None:
        return await graph.find("UNIONID", ctx.settings.open_platform, by.unionid)
    if by.external_userid is not None:
        return await graph.find("EXTERNAL_USERID", *by.external_userid)
    if by.identity is not None:
        return await graph.find(*by.identity)
    column, value = (member.c.phone_hash, by.phone) if by.phone is not None else (member.c.out_id, by.out_id)
    rows = await ctx.database.fetch(select(member.c.id).where(column == value, member.c.merged_into.is_(None)).limit(2))
    if len(rows) > 1:
        raise UserError("Two members have this phone number; find them by unionid or openid.")
    if rows or by.phone is None:
        return rows[0].id if rows else None
    # Not the phone that a profile shows, but one that leads to somebody.
    return await graph.find("PHONE", PHONE_ISSUER, by.phone)


def _redeem(ctx: Context, code: str) -> str:
    try:
        return codes.redeem(ctx.database.keyring, code, ctx.clock.now())
    except codes.CodeRefused as error:
        raise CodeRefused(error.code, str(error)) from None


def _record(row: Row[Any], *, live: bool) -> MemberRecord:
    return MemberRecord(
        id=row.id,
        joined_at=row.joined_at,
        updated_at=row.updated_at,
        name=row.name or None,
        phone=row.phone or None,
        out_id=row.out_id,
        live=live,
    )
