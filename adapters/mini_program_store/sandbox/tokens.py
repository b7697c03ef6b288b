"""``/cgi-bin/stable_token`` as the platform keeps it: the same token on repeats, forced renewals rationed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapters.mini_program_store.sandbox.state import App
from adapters.mini_program_store.sandbox.wire import Refusal
from sandbox.platform import Kit

LIFE = timedelta(seconds=7200)
OVERLAP = timedelta(seconds=300)
FORCE_PAUSE = timedelta(seconds=30)
FORCES_PER_DAY = 20


@dataclass(slots=True)
class Token:
    """A token as issued; ``dead`` when a forced renewal killed it."""

    appid: str
    value: str
    expires_at: datetime
    dead: bool = False


@dataclass(slots=True)
class TokenDesk:
    """All tokens ever issued, and the current one per appid."""

    apps: Mapping[str, App]
    kit: Kit
    issued: dict[str, Token] = field(default_factory=dict)
    current: dict[str, Token] = field(default_factory=dict)
    forced: dict[str, list[datetime]] = field(default_factory=dict)
    #: The last token of the older endpoint per appid; the two endpoints' tokens do not touch each other.
    plain: dict[str, Token] = field(default_factory=dict)

    def check_secret(self, appid: object, secret: object) -> App:
        """The app, if appid and secret are right."""
        if not appid:
            raise Refusal(41002, "appid missing")
        if not secret:
            raise Refusal(41004, "appsecret missing")
        app = self.apps.get(str(appid))
        if app is None:
            raise Refusal(40013, "invalid appid")
        if not secrets.compare_digest(app.owner.secret.encode(), str(secret).encode()):
            raise Refusal(40125, "invalid appsecret")
        return app

    def stable(self, appid: str, force: bool) -> dict[str, Any]:
        """The answer of stable_token."""
        now = self.kit.clock.now()
        token = self.current.get(appid)
        if token is None or token.expires_at - now <= OVERLAP:
            token = self._mint(appid)
        elif force and self._may_force(appid, now):
            token = self.revoke(appid)
        return {
            "access_token": token.value,
            "expires_in": int((token.expires_at - now).total_seconds()),
        }

    def fresh(self, appid: str) -> dict[str, Any]:
        """The answer of the older ``token``: a new one each time, and the one before lives five minutes more."""
        if appid in self.plain:
            before = self.plain[appid]
            before.expires_at = min(before.expires_at, self.kit.clock.now() + OVERLAP)
        self.plain[appid] = self._issue(appid)
        return {"access_token": self.plain[appid].value, "expires_in": int(LIFE.total_seconds())}

    def revoke(self, appid: str) -> Token:
        """Kill the current token and issue another, as a forced renewal does."""
        if appid in self.current:
            self.current[appid].dead = True
        return self._mint(appid)

    def owner(self, value: str | None) -> str:
        """The appid that an access token speaks for."""
        if not value:
            raise Refusal(41001, "access_token missing")
        token = self.issued.get(value)
        if token is None or token.dead:
            text = "invalid credential, access_token is invalid or not latest, could get access_token by "
            raise Refusal(40001, text + "getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r")
        if token.expires_at <= self.kit.clock.now():
            raise Refusal(42001, "access_token expired")
        return token.appid

    def _may_force(self, appid: str, now: datetime) -> bool:
        recent = [at for at in self.forced.get(appid, []) if now - at < timedelta(days=1)]
        allowed = len(recent) < FORCES_PER_DAY and (not recent or now - recent[-1] >= FORCE_PAUSE)
        self.forced[appid] = [*recent, now] if allowed else recent
        return allowed

    def _mint(self, appid: str) -> Token:
        self.current[appid] = self._issue(appid)
        return self.current[appid]

    def _issue(self, appid: str) -> Token:
        value = f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(96)}"
        token = Token(appid, value, self.kit.clock.now() + LIFE)
        self.issued[value] = token
        self.kit.effect("mini_program_store", "token_issued", appid)
        return token
