"""gettoken and what each token may do (获取access_token)."""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.enterprise_chat.sandbox.answers import Refusal
from sandbox.clock import SandboxClock
from sandbox.world import Corp

LIFETIME = timedelta(seconds=7200)
#: After so many wrong secrets from one address the platform shuts it out for an hour (its number is not
#: published).
WRONG_SECRETS_ALLOWED = 20
SHUT_OUT = timedelta(hours=1)


class Agent(enum.Enum):
    """Whose secret a token was made from. A token works for its own agent only."""

    APP = "app"
    CUSTOMER_CONTACT = "customer_contact"
    CONTACTS_SYNC = "contacts_sync"


@dataclass(slots=True)
class _Issued:
    token: str
    agent: Agent
    expires_at: datetime


class TokenDesk:
    """Issues tokens per (corp, secret): the same one again while it is valid, another after that."""

    def __init__(self, corp: Corp, clock: SandboxClock) -> None:
        self._corp = corp
        self._clock = clock
        self._agents = {corp.app_secret: Agent.APP, corp.contact_secret: Agent.CUSTOMER_CONTACT}
        self._agents[corp.sync_secret] = Agent.CONTACTS_SYNC
        self._current: dict[Agent, _Issued] = {}
        self._known: dict[str, _Issued] = {}
        self._wrong: dict[str, tuple[int, datetime]] = {}

    def issue(self, corpid: str, secret: str, ip: str) -> dict[str, object]:
        """The answer's fields. Raises Refusal 41002, 41004, 40013, 40001, or 45009 for a shut-out address."""
        now = self._clock.now()
        wrong, since = self._wrong.get(ip, (0, now))
        if wrong >= WRONG_SECRETS_ALLOWED and now - since < SHUT_OUT:
            raise Refusal(45009)
        if not corpid:
            raise Refusal(41002)
        if not secret:
            raise Refusal(41004)
        if corpid != self._corp.corpid:
            raise Refusal(40013)
        agent = self._agents.get(secret)
        if agent is None:
            self._wrong[ip] = (wrong + 1 if now - since < SHUT_OUT else 1, now)
            raise Refusal(40001)
        self._wrong.pop(ip, None)
        issued = self._current.get(agent)
        if issued is None or issued.expires_at <= now:
            issued = _Issued(secrets.token_urlsafe(160), agent, now + LIFETIME)
            self._current[agent] = self._known[issued.token] = issued
        return {
            "access_token": issued.token,
            "expires_in": round((issued.expires_at - now).total_seconds()),
        }

    def agent_of(self, token: str) -> Agent:
        """Whose token it is. Raises Refusal 41001, 40014, 42001."""
        if not token:
            raise Refusal(41001)
        issued = self._known.get(token)
        if issued is None:
            raise Refusal(40014)
        if issued.expires_at <= self._clock.now():
            raise Refusal(42001)
        return issued.agent

    def revoke(self, agent: Agent) -> bool:
        """Take the agent's token back before its time, as the platform may. True when there was one."""
        issued = self._current.pop(agent, None)
        if issued is not None:
            del self._known[issued.token]
        return issued is not None
