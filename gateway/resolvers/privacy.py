"""Rights of persons: erasure and access reports, asked for by the shopper or by staff with the scope privacy."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.context import Context
from gateway.members.access_report import ReportRecord
from gateway.members.erasure import ErasureRecord
from gateway.members.family import present_id
from gateway.resolvers import ids
from gateway.resolvers.errors import UserError

SCOPE = "privacy"


class MemberUnknown(UserError):
    """No such member, or one that is erased."""

    code = "MEMBER_UNKNOWN"


class SessionRequired(UserError):
    """Neither a member nor a shopper's session."""

    code = "SESSION_REQUIRED"


async def erase(ctx: Context, member: str | None) -> ErasureRecord:
    """Have a member erased. Raises MemberUnknown, SessionRequired, IdInvalid, Forbidden."""
    found = await ctx.services.erasures.request(*await _who(ctx, member))
    if found is None:
        raise MemberUnknown("There is no such member, or no more; pass the id as you received it.")
    return found


async def report(ctx: Context, member: str | None) -> ReportRecord:
    """Have a report of a member written. Raises MemberUnknown, SessionRequired, IdInvalid, Forbidden."""
    found = await ctx.services.reports.request(*await _who(ctx, member))
    if found is None:
        raise MemberUnknown("There is no such member, or no more; pass the id as you received it.")
    return found


async def erasures(ctx: Context, erasure_ids: Sequence[str]) -> Sequence[ErasureRecord | None]:
    """By id. The id is random and was told to who asked; what it shows is no personal data."""
    return [await ctx.services.erasures.get(each) for each in erasure_ids]


async def reports(ctx: Context, report_ids: Sequence[str]) -> Sequence[ReportRecord | None]:
    """By id; another's looks like one that is missing, unless the caller has the scope."""
    found = [await ctx.services.reports.get(each) for each in report_ids]
    return [each if each is not None and await _may_see(ctx, each) else None for each in found]


async def document(ctx: Context, record: ReportRecord) -> str | None:
    """The document, for the shopper or by scope; that it was handed out is recorded."""
    if not await _may_see(ctx, record):
        ctx.principal.require(SCOPE)
    by = "SHOPPER" if SCOPE not in ctx.principal.scopes else ctx.principal.id
    return await ctx.services.reports.document(record, by)


async def _may_see(ctx: Context, record: ReportRecord) -> bool:
    if SCOPE in ctx.principal.scopes:
        return True
    mine = ctx.principal.member
    return mine is not None and await present_id(ctx.database.fetch, record.member) == mine


async def _who(ctx: Context, member: str | None) -> tuple[str, str]:
    """(member, by whom): the session's own member, or any by scope."""
    own = ctx.principal.member
    if member is None:
        if own is None:
            raise SessionRequired("Send a shopper's session, or name the member with a key that has the scope privacy.")
        return own, "SHOPPER"
    wanted = ids.decode_as("mb", member)[1]
    if own is not None and await present_id(ctx.database.fetch, wanted) == own:
        return own, "SHOPPER"
    ctx.principal.require(SCOPE)
    return wanted, ctx.principal.id
