"""Consent as the platform keeps it: one pair per authorisation, exchanged, expired and revoked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from adapters.social_ads.sandbox.envelope import Parameters, Refusal
from sandbox.platform import Kit

#: How long a consent code lives is not documented.
CODE_LIFE = timedelta(minutes=10)
ACCESS_LIFE = timedelta(hours=24)
REFRESH_LIFE = timedelta(days=30)
_HEX = frozenset("0123456789abcdef")


@dataclass(slots=True)
class Pair:
    """The living pair of an authorisation."""

    access: str
    refresh: str
    access_ends: datetime
    refresh_ends: datetime


@dataclass(slots=True)
class Code:
    """A consent code that the page gave out."""

    redirect_uri: str
    scopes: tuple[str, ...]
    ends: datetime
    used: bool = False


class OAuth:
    """The authorisation of one advertiser account for one application."""

    def __init__(
        self, kit: Kit, client_id: int, client_secret: str, access: str, refresh: str, account_id: int
    ) -> None:
        self._kit = kit
        self._client_id = client_id
        self._client_secret = client_secret
        now = kit.clock.now()
        self.pair = Pair(access, refresh, now + ACCESS_LIFE, now + REFRESH_LIFE)
        self.revoked = False
        self.exchanges = 0
        self._codes: dict[str, Code] = {}
        self._account_id = account_id

    def authorize(self, query: Mapping[str, str]) -> str:
        """The consent page, with an administrator who agrees at once: where the browser is sent."""
        parameters = Parameters(query)
        if parameters.text("client_id") != str(self._client_id):
            raise Refusal(11007, "The client_id is wrong.", "client_id 错误")
        target = parameters.text("redirect_uri")
        parts = urlsplit(target)
        if parts.scheme not in {"http", "https"} or not parts.hostname or ":" in parts.netloc:
            raise Refusal(31033, "The parameter redirect_uri must be http or https, without a port.")
        code = secrets.token_hex(16)
        scopes = tuple(filter(None, query.get("scope", "").split(",")))
        self._codes[code] = Code(target, scopes, self._kit.clock.now() + CODE_LIFE)
        given = urlencode({"authorization_code": code, "state": query.get("state", "")})
        return f"{target}{'&' if parts.query else '?'}{given}"

    def check(self, token: str) -> None:
        """What the platform checks of an access token, in its order."""
        if not token:
            raise Refusal(11005, "The access_token is empty.", "access_token 为空")
        if not _well_formed(token):
            raise Refusal(11004, "The access_token is malformed.", "access_token 格式错误")
        if self.revoked or token != self.pair.access:
            raise Refusal(11002, "The access_token is invalid.", "access_token 无效")
        if self._kit.clock.now() >= self.pair.access_ends:
            raise Refusal(11000, "The access_token has expired.", "access_token 已过期")

    def expire_access(self) -> None:
        """24 hours pass for the access token alone."""
        self.pair.access_ends = self._kit.clock.now()

    def revoke(self) -> None:
        """The advertiser withdraws the consent."""
        self.revoked = True
        self._kit.effect("social_ads", "revoked", str(self._client_id))

    def check_application(self, query: Mapping[str, str]) -> None:
        """The application's id and secret."""
        given = (query.get("client_id", ""), query.get("client_secret", ""))
        if given != (str(self._client_id), self._client_secret):
            raise Refusal(11007, "The client_id or client_secret is wrong.", "client_id 错误")

    def token(self, query: Mapping[str, str]) -> dict[str, Any]:
        """GET /oauth/token."""
        grant = Parameters(query).text("grant_type")
        if grant == "authorization_code":
            return self._first_pair(query)
        if grant != "refresh_token":
            raise Refusal(31033, "The parameter grant_type is not permitted here.")
        self._check_refresh(query.get("refresh_token", ""))
        now = self._kit.clock.now()
        self.pair = Pair(secrets.token_hex(16), self.pair.refresh, now + ACCESS_LIFE, self.pair.refresh_ends)
        return {
            "access_token": self.pair.access,
            "refresh_token": self.pair.refresh,
            "access_token_expires_in": int(ACCESS_LIFE.total_seconds()),
            "refresh_token_expires_in": int((self.pair.refresh_ends - now).total_seconds()),
        }

    def refresh_token(self, query: Mapping[str, str]) -> dict[str, Any]:
        """GET /oauth/refresh_token: both tokens new, both old ones dead."""
        self._check_refresh(query.get("refresh_token", ""))
        now = self._kit.clock.now()
        self.pair = Pair(secrets.token_hex(16), secrets.token_hex(16), now + ACCESS_LIFE, now + REFRESH_LIFE)
        self.exchanges += 1
        self._kit.effect("social_ads", "pair_exchanged", str(self.exchanges))
        return {
            "access_token": self.pair.access,
            "refresh_token": self.pair.refresh,
            "access_token_expires_in": int(ACCESS_LIFE.total_seconds()),
            "refresh_token_expires_in": int(REFRESH_LIFE.total_seconds()),
        }

    def _first_pair(self, query: Mapping[str, str]) -> dict[str, Any]:
        text = query.get("authorization_code", "")
        code, now = self._codes.get(text), self._kit.clock.now()
        if not _well_formed(text) or code is None:
            raise Refusal(11011, "The authorization_code is malformed.", "authorization_code 格式错误")
        if code.used:
            raise Refusal(11013, "The authorization_code has been used.", "authorization_code 已使用")
        if now >= code.ends:
            raise Refusal(11009, "The authorization_code has expired.", "authorization_code 已过期")
        if query.get("redirect_uri") != code.redirect_uri:
            raise Refusal(31033, "The parameter redirect_uri is not the one of the consent.")
        code.used, self.revoked = True, False
        self.pair = Pair(secrets.token_hex(16), secrets.token_hex(16), now + ACCESS_LIFE, now + REFRESH_LIFE)
        self._kit.effect("social_ads", "consent", text[:8])
        return {
            "authorizer_info": {
                "account_uin": 100001,
                "account_id": self._account_id,
                "scope_list": list(code.scopes),
                "wechat_account_id": "",
                "account_role_type": "ACCOUNT_ROLE_TYPE_ADVERTISER",
                "account_type": "ACCOUNT_TYPE_ADVERTISER",
                "role_type": "ROLE_TYPE_ROOT",
            },
            "access_token": self.pair.access,
            "refresh_token": self.pair.refresh,
            "access_token_expires_in": int(ACCESS_LIFE.total_seconds()),
            "refresh_token_expires_in": int(REFRESH_LIFE.total_seconds()),
        }

    def _check_refresh(self, token: str) -> None:
        if not _well_formed(token):
            raise Refusal(11010, "The refresh_token is malformed.", "refresh_token 格式错误")
        # Which code a dead pair gets is not documented; the nearest that is, is "expired".
        if self.revoked or token != self.pair.refresh or self._kit.clock.now() >= self.pair.refresh_ends:
            raise Refusal(11012, "The refresh_token has expired.", "refresh_token 已过期")


def _well_formed(token: str) -> bool:
    return len(token) == 32 and set(token) <= _HEX
