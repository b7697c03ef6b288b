"""Shopper sessions: a mini-program's login code becomes a member and a short token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.context import Context
from gateway.database.facts import Fact
from gateway.database.tables.members import session
from gateway.database.ulid import Ulids
from gateway.events.projector import Evidence
from gateway.resolvers.errors import UserError

LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A new session. ``token`` is shown once and stored as a keyed hash only."""

    token: str
    expires_at: datetime
    member: str
    is_new: bool


async def create(ctx: Context, app: str, code: str) -> SessionRecord:
    """Ask the platform whose code it is (jscode2session), link the person, and open a session.

    Raises UserError for an app that is not the brand's, and UpstreamError for a refused code.
    """
    ctx.principal.require("checkout")
    adapter = next((a for a in ctx.accounts(MiniProgramStoreAdapter) if a.account == app), None)
    if adapter is None:
        raise UserError("app is not a mini-program of this brand; pass its appid.")
    login = await adapter.login(code)
    now = ctx.clock.now()
    projector = ctx.services.projector
    handles = projector.handles(appid=login.appid, openid=login.openid, unionid=login.unionid)
    known = await ctx.services.graph.find("OPENID", login.appid, login.openid)
    token = secrets.token_urlsafe(32)
    async with projector.batch([Evidence(handles, "mini_program_store.login", now, via="own")]) as batch:
        linked = batch.linked[0]
        if linked.member is None:
            raise UserError("the platform named a shopper whom this gateway blocks; see the setting identity.blocked.")
        row = {
            "id": Ulids(ctx.clock).next(now),
            "token_hash": token,
            "identity": linked.identity,
            "app": login.appid,
            "created_at": now,
            "expires_at": now + LIFETIME,
        }
        await batch.connection.execute(session.insert().values(**row))
        batch.facts.append(
            Fact(
                kind="mini_program.authorised",
                occurred_at=now,
                source="own",
                source_key=str(row["id"]),
                account=login.appid,
                tool="mini_program_store",
                member=linked.member,
                identity=linked.identity,
            )
        )
    return SessionRecord(token, now + LIFETIME, linked.member, known is None)
