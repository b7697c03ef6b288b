"""Shopper sessions: the login code of a mini-program, or of a page in WeChat, becomes a member and a short token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.mini_program_store import Login, MiniProgramStoreAdapter
from adapters.official_account import OfficialAccountAdapter, WebLogin
from gateway.context import Context
from gateway.database.facts import Fact
from gateway.database.tables.members import session
from gateway.database.ulid import Ulids
from gateway.events.projector import Evidence
from gateway.resolvers.errors import UserError

LIFETIME = timedelta(hours=2)


class SnapshotPage(UserError):
    """A page that WeChat shows as a snapshot: its openid is a placeholder, which must not be kept."""

    code = "SNAPSHOT_PAGE"


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A new session. ``token`` is shown once and stored as a keyed hash only."""

    token: str
    expires_at: datetime
    member: str
    is_new: bool


async def create(ctx: Context, app: str, code: str) -> SessionRecord:
    """Ask the platform whose code it is (jscode2session, oauth2/access_token), link the person, and open a session.

    Raises UserError for an app that is not the brand's, SnapshotPage, and UpstreamError for a refused code.
    """
    ctx.principal.require("checkout")
    apps: tuple[MiniProgramStoreAdapter | OfficialAccountAdapter, ...] = (
        *ctx.accounts(MiniProgramStoreAdapter),
        *ctx.accounts(OfficialAccountAdapter),
    )
    adapter = next((a for a in apps if a.account == app), None)
    login: Login | WebLogin
    if isinstance(adapter, OfficialAccountAdapter):
        tool, kind = "official_account", "web_page.authorised"
        login = await adapter.web_login(code)
        if login.snapshot:
            raise SnapshotPage("The page was opened as a snapshot (快照页), by nobody in particular; open it in full.")
    elif adapter is not None:
        tool, kind = "mini_program_store", "mini_program.authorised"
        login = await adapter.login(code)
    else:
        raise UserError("app is no mini-program or official account of this brand; pass its appid.")
    now = ctx.clock.now()
    projector = ctx.services.projector
    handles = projector.handles(appid=login.appid, openid=login.openid, unionid=login.unionid)
    known = await ctx.services.graph.find("OPENID", login.appid, login.openid)
    token = secrets.token_urlsafe(32)
    async with projector.batch([Evidence(handles, f"{tool}.login", now, via="own")]) as batch:
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
                kind=kind,
                occurred_at=now,
                source="own",
                source_key=str(row["id"]),
                account=login.appid,
                tool=tool,
                member=linked.member,
                identity=linked.identity,
            )
        )
    return SessionRecord(token, now + LIFETIME, linked.member, known is None)
