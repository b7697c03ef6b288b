"""Who is asking: one function turns a request's credentials into a Principal."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from gateway.database.engine import Database
from gateway.database.prepared import Prepared, list_of
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.tables.dimensions import guide
from gateway.database.tables.members import guide_session, identity, session
from gateway.settings import ApiKey

#: How the token of a guide's session begins; a shopper's has no full stop.
GUIDE_PREFIX = "guide."

Audience = Literal["frontend", "guide", "partner", "hq"]

#: Scopes that an audience has without being given them.
AUDIENCE_SCOPES: dict[str, frozenset[str]] = {
    "frontend": frozenset({"catalogue", "checkout", "activations:enter"}),
    "guide": frozenset(
        {
            "catalogue",
            "members:read",
            "contacts:write",
            "consents:write",
            "stock:read",
            "orders:pickup",
            "coupons:use",
            "sidebar",
        }
    ),
    "partner": frozenset({"catalogue", "licences:read", "assets:download"}),
    "hq": frozenset(
        {
            "catalogue",
            "members:read",
            "members:write",
            "contacts:write",
            "messages:send",
            "points:write",
            "checkout",
            "ads:read",
            "ads:write",
            "audiences:write",
            "coupons:use",
            "coupons:write",
            "operations",
            "orders:pickup",
            "orders:write",
            "products:write",
            "rewards:write",
            "shares:write",
            "consents:write",
            "bulk",
            "webhooks",
            "stock:read",
            "stock:write",
            "statistics:read",
            "activations:enter",
            "activations:write",
            "licences:read",
            "assets:download",
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
    """The caller. ``member`` and ``session_identity`` are set for a shopper's own session, ``guide`` (corpid:userid)
    for that of a guide."""

    id: str
    audience: Audience
    scopes: frozenset[str]
    member: str | None = None
    session_identity: str | None = None
    app: str | None = None
    guide: str | None = None

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the caller has the scope."""
        if scope not in self.scopes:
            raise Forbidden(scope)

    @property
    def sees_personal_data(self) -> bool:
        """True when personal values may be shown unmasked: the shopper's own, or by scope."""
        return "pii:read" in self.scopes


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller showed, kept by what stays open, so that it can be asked again whose it is."""

    api_key: str | None = field(repr=False)
    session: str | None = field(repr=False, default=None)


_SESSIONS = Prepared(
    select(session.c.token_hash, session.c.identity, session.c.app, session.c.expires_at, identity.c.member)
    .join(identity, identity.c.id == session.c.identity)
    .where(session.c.token_hash.in_(list_of("tokens")))
)
_GUIDE_SESSIONS = Prepared(
    select(guide_session.c.token_hash, guide_session.c.guide, guide_session.c.expires_at, guide.c.state)
    .join(guide, (guide.c.id == guide_session.c.guide) & guide.c.valid_to.is_(None))
    .where(guide_session.c.token_hash.in_(list_of("tokens")))
)


def _of(key: ApiKey) -> Principal:
    return Principal(key.id, key.audience, AUDIENCE_SCOPES[key.audience] | key.scopes)


def _guides(principal: Principal, row: AnyRow | None, now: datetime) -> Principal | NotAuthenticated:
    """With a guide's session, which goes with keys that may log guides in, and ends when the guide leaves."""
    if row is None or "sidebar" not in principal.scopes:
        return NotAuthenticated("SESSION_UNKNOWN", "This session token is not known; call guideSessionCreate again.")
    if row.expires_at <= now or row.state != "ACTIVE":
        return NotAuthenticated("SESSION_EXPIRED", "This session has expired; call guideSessionCreate again.")
    return replace(principal, guide=row.guide)


class Authenticator:
    """Knows the API keys, and reads shopper sessions."""

    def __init__(self, keys: Sequence[ApiKey], database: Database) -> None:
        self._keys = keys
        self._database = database

    async def principal(self, api_key: str | None, session_token: str | None, now: datetime) -> Principal:
        """The caller behind ``X-API-Key`` and, for a shopper, ``Authorization: Bearer``.

        Raises NotAuthenticated with UNAUTHENTICATED, KEY_UNKNOWN, SESSION_UNKNOWN or SESSION_EXPIRED.
        """
        [found] = await self.principals([Credentials(api_key, session_token)], now)
        if isinstance(found, NotAuthenticated):
            raise found
        return found

    async def principals(self, shown: Sequence[Credentials], now: datetime) -> list[Principal | NotAuthenticated]:
        """The callers behind several credentials, in their order. No statement without sessions, else one for 400
        shoppers, and one for 400 guides."""
        tokens = {each.session for each in shown if each.session}
        guides = {each for each in tokens if each.startswith(GUIDE_PREFIX)}
        rows = await self._rows(_SESSIONS, "session", tokens - guides)
        rows |= await self._rows(_GUIDE_SESSIONS, "guide_session", guides)
        return [self._principal(each, rows.get(each.session or ""), now) for each in shown]

    async def _rows(self, statement: Prepared, purpose: str, tokens: Collection[str]) -> dict[str, AnyRow]:
        """Token → its row, where there is one."""
        hashed = {self._database.keyring.hash(each, purpose): each for each in tokens}
        rows: dict[str, AnyRow] = {}
        for some in chunks(set(hashed)):
            found = await self._database.fetch(statement, {"tokens": some})
            rows |= {hashed[row.token_hash]: row for row in found}
        return rows

    def _principal(self, shown: Credentials, row: AnyRow | None, now: datetime) -> Principal | NotAuthenticated:
        if not shown.api_key:
            return NotAuthenticated("UNAUTHENTICATED", "Send an API key in the header X-API-Key.")
        principal = self._by_key(shown.api_key)
        if principal is None:
            return NotAuthenticated("KEY_UNKNOWN", "This API key is not known here; check it, or ask for a new one.")
        if not shown.session:
            return principal
        if shown.session.startswith(GUIDE_PREFIX):
            return _guides(principal, row, now)
        if row is None:
            return NotAuthenticated("SESSION_UNKNOWN", "This session token is not known; call sessionCreate again.")
        if row.expires_at <= now:
            return NotAuthenticated("SESSION_EXPIRED", "This session has expired; call sessionCreate again.")
        return replace(principal, member=row.member, session_identity=row.identity, app=row.app)

    def _by_key(self, api_key: str) -> Principal | None:
        given = api_key.encode()
        found: ApiKey | None = None
        for key in self._keys:
            if hmac.compare_digest(key.key.reveal().encode(), given):
                found = key
        if found is None:
            return None
        return _of(found)

    def owner(self, key_id: str) -> Principal | None:
        """Whom an API key of this id stands for now, for work that its owner left to be done; None for none."""
        return next((_of(key) for key in self._keys if key.id == key_id), None)
