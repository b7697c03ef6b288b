"""What tools need, built for one process: stores, quota, meter, clock.

With Redis the token store and the quota are shared by many processes; the protocols are the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from adapters.base.errors import QuotaExhausted
from adapters.base.runtime import Call, Clock, Token


class SystemClock:
    """The machine's clock, shifted where the platforms are emulated at another time."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Let time pass at once; only where the platforms are emulated and move with it."""
        self._offset += by


class MemoryTokenStore:
    """Access tokens of one process."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str) -> Token | None:
        """See ``TokenStore``."""
        return self._tokens.get(key)

    async def put(self, key: str, token: Token) -> None:
        """See ``TokenStore``."""
        self._tokens[key] = token

    @asynccontextmanager
    async def lock(self, key: str) -> AsyncIterator[None]:
        """See ``TokenStore``."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            yield


class MemoryQuota:
    """Counts calls per account, endpoint and day; remembers what a platform said was used up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resets: dict[tuple[str, str, str], datetime] = {}
        self.spent: Counter[tuple[str, str, str]] = Counter()

    async def spend(self, tool: str, account: str, endpoint: str) -> None:
        """See ``Quota``."""
        key = (tool, account, endpoint)
        resets_at = self._resets.get(key)
        if resets_at is not None:
            if self._clock.now() < resets_at:
                raise QuotaExhausted(
                    tool,
                    "quota_spent",
                    "The platform's allowance for this call is used up; it is asked again after it resets.",
                    endpoint=endpoint,
                    account=account,
                    resets_at=resets_at,
                )
            del self._resets[key]
        self.spent[key] += 1

    async def exhausted(self, tool: str, account: str, endpoint: str, resets_at: datetime | None) -> None:
        """See ``Quota``. Without a known instant the platform is asked again after ten minutes."""
        until = resets_at or self._clock.now() + timedelta(minutes=10)
        self._resets[(tool, account, endpoint)] = until


class CountingMeter:
    """Upstream calls and their time, per tool; the health page, the demo and the tests read it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.endpoints: Counter[tuple[str, str, str]] = Counter()

    def record(self, call: Call) -> None:
        """See ``Meter``."""
        self.calls[call.tool] += 1
        self.seconds[call.tool] += call.seconds  # type: ignore[assignment] # Counter types its values int
        self.endpoints[(call.tool, call.endpoint, call.outcome)] += 1
