"""Who is asking: one function turns a request's credentials into a Principal."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import bindparam, select

from gateway.database.engine import Database
from gateway.database.tables.members import identity, session
from gateway.settings import ApiKey

Audience = Literal["frontend", "guide", "partner", "hq"]

#: Scopes that an audience has without being given them.
AUDIENCE_SCOPES: dict[str, frozenset[str]] = {
    "frontend": frozenset({"catalogue", "checkout"}),
    "guide": frozenset({"catalogue", "members:read", "consents:write", "stock:read"}),
    "partner": frozenset({"catalogue"}),
    "hq": frozenset(
        {
            "catalogue",
            "members:read",
            "members:write",
            "messages:send",
            "points:write",
            "checkout",
            "ads:read",
            "operations",
            "consents:write",
            "bulk",
            "stock:read",
            "stock:write",
        }
    ),
}


class NotAuthenticated(Exception):
    """The credential is missing, unknown or expired. ``code`` stands in docs/errors.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Forbidden(Exception):
    """The caller lacks a scope; says which."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope!r}; ask the operator of this gateway for a key that has it.")
        self.code = "FORBIDDEN"
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. ``member`` and ``session_identity`` are set for a shopper's own session."""

    id: str
    audience: Audience
    scopes: frozenset[str]
    member: str | None = None
    session_identity: str | None = None
    app: str | None = None

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the caller has the scope."""
        if scope not in self.scopes:
            raise Forbidden(scope)

    @property
    def sees_personal_data(self) -> bool:
        """True when personal values may be shown unmasked: the shopper's own, or by scope."""
        return "pii:read" in self.scopes


_SESSION = (
    select(session.c.identity, session.c.app, session.c.expires_at, identity.c.member)
    .join(identity, identity.c.id == session.c.identity)
    .where(session.c.token_hash == bindparam("token", type_=session.c.token_hash.type))
)


class Authenticator:
    """Knows the API keys, and reads shopper sessions."""

    def __init__(self, keys: Sequence[ApiKey], database: Database) -> None:
        self._keys = keys
        self._database = database

    async def principal(self, api_key: str | None, session_token: str | None, now: datetime) -> Principal:
        """The caller behind ``X-API-Key`` and, for a shopper, ``Authorization: Bearer``.

        Raises NotAuthenticated with UNAUTHENTICATED, KEY_UNKNOWN, SESSION_UNKNOWN or SESSION_EXPIRED.
        """
        if not api_key:
            raise NotAuthenticated("UNAUTHENTICATED", "Send an API key in the header X-API-Key.")
        principal = self._by_key(api_key)
        return principal if not session_token else await self._with_session(principal, session_token, now)

    def _by_key(self, api_key: str) -> Principal:
        given = api_key.encode()
        found: ApiKey | None = None
        for key in self._keys:
            if hmac.compare_digest(key.key.reveal().encode(), given):
                found = key
        if found is None:
            raise NotAuthenticated("KEY_UNKNOWN", "This API key is not known here; check it, or ask for a new one.")
        return Principal(found.id, found.audience, AUDIENCE_SCOPES[found.audience] | found.scopes)

    async def _with_session(self, principal: Principal, token: str, now: datetime) -> Principal:
        row = await self._database.one(_SESSION, {"token": token})
        if row is None:
            raise NotAuthenticated("SESSION_UNKNOWN", "This session token is not known; call sessionCreate again.")
        if row.expires_at <= now:
            raise NotAuthenticated("SESSION_EXPIRED", "This session has expired; call sessionCreate again.")
        return replace(principal, member=row.member, session_identity=row.identity, app=row.app)
