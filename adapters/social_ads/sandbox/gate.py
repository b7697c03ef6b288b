"""What every business call must pass: token, clock, nonce, rate; in this order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.social_ads.sandbox.envelope import NOT_IN_RANGE, Parameters, Refusal
from adapters.social_ads.sandbox.oauth import OAuth
from sandbox.clock import BEIJING, SandboxClock

NONCE_MEMORY = timedelta(minutes=10)
TIMESTAMP_TOLERANCE = 300


class Gate:
    """Counts calls per endpoint, and remembers nonces per token. The limits are the old documentation's."""

    def __init__(self, oauth: OAuth, clock: SandboxClock) -> None:
        self._oauth = oauth
        self._clock = clock
        self._nonces: dict[tuple[str, str], datetime] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self.per_minute = 1_000
        self.reads_per_day = 20_000
        self.writes_per_day = 10_000

    def pass_(self, query: Mapping[str, str]) -> None:
        """Raises the Refusal that the platform would answer."""
        token = query.get("access_token", "")
        self._oauth.check(token)
        parameters = Parameters(query)
        now = self._clock.now()
        if abs(parameters.integer("timestamp") - now.timestamp()) > TIMESTAMP_TOLERANCE:
            raise Refusal(NOT_IN_RANGE, "The parameter timestamp is more than 300 seconds off.")
        nonce = parameters.text("nonce")
        if not 1 <= len(nonce) <= 32:
            raise Refusal(NOT_IN_RANGE, "The parameter nonce must have 1 to 32 characters.")
        self._nonces = {key: at for key, at in self._nonces.items() if now - at < NONCE_MEMORY}
        if (token, nonce) in self._nonces:
            raise Refusal(NOT_IN_RANGE, "The nonce has been used before.")
        self._nonces[(token, nonce)] = now

    def count(self, endpoint: str) -> str:
        """Count a call; answers what X-RateLimit-Remaining shows: share left of the day and the minute."""
        day_limit = self.reads_per_day if endpoint.endswith("/get") else self.writes_per_day
        at = self._clock.now().astimezone(BEIJING)
        day, minute = (endpoint, f"{at:%Y-%m-%d}"), (endpoint, f"{at:%Y-%m-%d %H:%M}")
        if self._counts[day] >= day_limit:
            raise Refusal(11018, "The number of calls per day is over the limit.", "超过每日调用次数")
        if self._counts[minute] >= self.per_minute:
            raise Refusal(11017, "The number of calls per minute is over the limit.", "超过每分钟调用次数")
        self._counts[day] += 1
        self._counts[minute] += 1
        return self.remaining(endpoint)

    def remaining(self, endpoint: str) -> str:
        """The header's text, such as ``80%,0%``."""
        day_limit = self.reads_per_day if endpoint.endswith("/get") else self.writes_per_day
        at = self._clock.now().astimezone(BEIJING)
        day = 100 - 100 * self._counts[(endpoint, f"{at:%Y-%m-%d}")] // day_limit
        minute = 100 - 100 * self._counts[(endpoint, f"{at:%Y-%m-%d %H:%M}")] // self.per_minute
        return f"{day}%,{minute}%"
