"""What tools need, built for one process: token store, meter, clock.

With Redis the token store is shared by many processes (``gateway.runtime.redis_tokens``); the protocol is the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from adapters.base.runtime import Call, Token
from gateway.runtime.requests import BUCKETS


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


#: Codes come from outside, so their number and length are limited.
MOST_CODES: Final = 1000
LONGEST_CODE: Final = 64


class CountingMeter:
    """Upstream calls and their time, per tool; the health page, the demo and the tests read it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.endpoints: Counter[tuple[str, str, str]] = Counter()
        self.registry = CollectorRegistry()
        self._durations = Histogram(
            "gateway_upstream_seconds",
            "Duration of calls of the platforms",
            ["tool"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        #: By tool, endpoint and code: what the platforms said that no error table has.
        self.unknown_codes: Counter[tuple[str, str, str]] = Counter()

    def record(self, call: Call) -> None:
        """See ``Meter``."""
        self.calls[call.tool] += 1
        self.seconds[call.tool] += call.seconds  # type: ignore[assignment] # Counter types its values int
        self.endpoints[(call.tool, call.endpoint, call.outcome)] += 1
        self._durations.labels(call.tool).observe(call.seconds)
        if call.unknown_code:
            key = (call.tool, call.endpoint, call.unknown_code[:LONGEST_CODE])
            if key in self.unknown_codes or len(self.unknown_codes) < MOST_CODES:
                self.unknown_codes[key] += 1
