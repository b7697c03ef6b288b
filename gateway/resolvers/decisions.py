"""Decisions about who is who: by headquarters, and by a shopper about their own phone."""

from __future__ import annotations

from sqlalchemy import select

from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.context import Context
from gateway.database.keyring import Erased
from gateway.database.tables.members import identity
from gateway.members import decisions, phones
from gateway.members.answers import Decided, Person, Refusal
from gateway.members.decisions import Decision
from gateway.members.phones import Resolution
from gateway.resolvers import ids
from gateway.resolvers.errors import UserError

SCOPE = "members:write"
_REASON = 200


async def link(ctx: Context, member: str, name: tuple[str, str, str], reason: str) -> Decided | Refusal:
    """See ``gateway.members.decisions.link``. Needs the scope members:write, as all here but ``bind_phone``."""
    who = _who(ctx, reason)
    if not name[1] or not name[2] or "\0" in name[1] + name[2]:
        raise UserError("identity needs an issuer and a value.")
    return await decisions.link(ctx.services.graph, ids.decode_as("mb", member)[1], name, who)


async def unlink(ctx: Context, member: str, identity_id: str, reason: str) -> Decided | Refusal:
    """See ``gateway.members.decisions.unlink``."""
    who, one = _who(ctx, reason), ids.decode_as("id", identity_id)[1]
    return await decisions.unlink(ctx.services.graph, ids.decode_as("mb", member)[1], one, who)


async def merge(ctx: Context, one: str, other: str, reason: str) -> Decided | Refusal:
    """See ``gateway.members.decisions.merge``."""
    who = _who(ctx, reason)
    return await decisions.merge(ctx.services.graph, ids.decode_as("mb", one)[1], ids.decode_as("mb", other)[1], who)


async def unmerge(ctx: Context, part: str, reason: str) -> Decided | Refusal:
    """See ``gateway.members.decisions.unmerge``."""
    who = _who(ctx, reason)
    return await decisions.unmerge(ctx.services.graph, ids.decode_as("mb", part)[1], who)


async def decide(ctx: Context, case: str, decision: Decision, reason: str) -> Decided | Refusal:
    """See ``gateway.members.decisions.decide``."""
    who = _who(ctx, reason)
    return await decisions.decide(ctx.services.graph, ids.decode_as("rc", case)[1], decision, who)


async def bind_phone(ctx: Context, code: str, resolution: Resolution | None) -> Decided | Refusal:
    """Ask WeChat whose number the code is, and bind it to the shopper of this session.

    Raises UpstreamError where the platform does not know the code.
    """
    ctx.principal.require("checkout")
    mine, app = ctx.principal.session_identity, ctx.principal.app
    if mine is None or app is None:
        return Refusal("SESSION_REQUIRED", "This needs a shopper's session: call sessionCreate and send its token.")
    if not 1 <= len(code) <= 200 or "\0" in code:
        raise UserError("code is what the phone-number button gave: 1 to 200 characters.")
    adapter = next((each for each in ctx.accounts(MiniProgramStoreAdapter) if each.account == app), None)
    if adapter is None:
        raise UserError("the session's mini-program is not one of this brand any more; log in again.")
    graph = ctx.services.graph
    row = await ctx.database.one(select(identity.c.value).where(identity.c.id == mine))
    openid = None if row is None or isinstance(row.value, Erased) else row.value

    async def ask() -> str:
        found = await adapter.phone_number(code, openid)
        # A mainland number is known by its eleven digits, a foreign one by its country code too.
        return found.number if found.country_code == "86" else f"{found.country_code}{found.number}"

    number = await phones.proved(graph, code, mine, ask)
    if number is None:
        return Refusal("PHONE_CODE_USED", "another session has used this code; let the shopper tap the button again.")
    return await phones.bind(graph, mine, number, resolution, Person(f"session:{mine}"))


def _who(ctx: Context, reason: str) -> Person:
    ctx.principal.require(SCOPE)
    if not 1 <= len(reason.strip()) <= _REASON or "\0" in reason:
        raise UserError(f"reason must have 1 to {_REASON} characters: it stays with the decision.")
    return Person(ctx.principal.id, reason.strip())
