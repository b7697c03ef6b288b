"""Sessions of guides: the code of a page in 企业微信, or of its mini-program, becomes a guide and a short token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.access.principal import GUIDE_PREFIX
from gateway.context import Context
from gateway.database.tables.dimensions import guide
from gateway.database.tables.members import guide_session
from gateway.database.ulid import Ulids
from gateway.resolvers import places
from gateway.resolvers.errors import UserError
from gateway.resolvers.places import GuideRecord
from gateway.resolvers.sessions import LIFETIME

#: Whose keys log guides in, and whose keys a guide's token goes with.
SCOPE: Final = "sidebar"


class Door(StrEnum):
    """Where the guide opened it."""

    PAGE = "PAGE"
    MINI_PROGRAM = "MINI_PROGRAM"


class NotAnEmployee(UserError):
    """Somebody outside of the corp opened the page: a customer, or a stranger."""

    code = "NOT_AN_EMPLOYEE"


class GuideUnknown(UserError):
    """An employee whom the gateway does not know as a guide."""

    code = "GUIDE_UNKNOWN"


class GuideLeft(UserError):
    """One who has left, by our book."""

    code = "GUIDE_LEFT"


@dataclass(frozen=True, slots=True)
class GuideSessionRecord:
    """A new session. ``token`` is shown once and stored as a keyed hash only; ``guide`` is corpid:userid."""

    token: str
    expires_at: datetime
    guide: str


async def create(ctx: Context, door: Door, code: str, account: str | None) -> GuideSessionRecord:
    """Ask the platform whose code it is (getuserinfo, code2Session), and open a session for this guide.

    Raises Forbidden, ToolNotConfigured, UpstreamError for a refused code, and the UserErrors above.
    """
    ctx.principal.require(SCOPE)
    adapter = ctx.tool(EnterpriseChatAdapter, account)
    if not code:
        raise UserError("code is empty; pass what the platform gave the page.")
    if door is Door.MINI_PROGRAM:
        userid = await adapter.mini_program_employee(code)
    else:
        userid = (await adapter.visitor(code)).userid
    if not userid:
        raise NotAnEmployee("Nobody of the corp opened the page.")
    row = await ctx.database.one(
        select(guide.c.id, guide.c.state).where(
            guide.c.corpid == adapter.account, guide.c.userid == userid, guide.c.valid_to.is_(None)
        )
    )
    if row is None:
        raise GuideUnknown("The employee is no guide whom the gateway knows; a new one comes with the next sync.")
    if row.state != "ACTIVE":
        raise GuideLeft("The guide has left.")
    now, token = ctx.clock.now(), GUIDE_PREFIX + secrets.token_urlsafe(32)
    async with ctx.services.projector.batch() as batch:
        await batch.connection.execute(
            guide_session.insert().values(
                id=Ulids(ctx.clock).next(now),
                token_hash=token,
                guide=row.id,
                door=door.value,
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
    return GuideSessionRecord(token, now + LIFETIME, row.id)


async def current(ctx: Context) -> GuideRecord | None:
    """The guide whose session the request shows; None without one."""
    if ctx.principal.guide is None:
        return None
    corpid, _, userid = ctx.principal.guide.partition(":")
    return await ctx.loaders.load(places.guides, f"{corpid}:{userid}")
