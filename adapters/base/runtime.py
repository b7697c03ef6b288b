"""What the gateway lends to a tool, as protocols: a tool owns no clock, no pool and no store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Executable, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.transport import Transport


class Clock(Protocol):
    """Wall clock, aware and UTC."""

    def now(self) -> datetime:
        """The current instant."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the instant after which it is not used any more."""

    value: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Token(***, expires_at={self.expires_at.isoformat()})"


class TokenStore(Protocol):
    """Short-lived access tokens, in memory or shared by many processes."""

    async def get(self, key: str) -> Token | None:
        """The stored token, or None."""
        ...

    async def put(self, key: str, token: Token) -> None:
        """Store it until it expires."""
        ...

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """Held by the one caller who refreshes."""
        ...


class SecretStore(Protocol):
    """Credentials that rotate and must survive a crash: encrypted in SQL, changed under a lock."""

    async def get(self, tool: str, account: str, name: str) -> Mapping[str, str] | None:
        """The last stored value."""
        ...

    def rotate(self, tool: str, account: str, name: str) -> AbstractAsyncContextManager[Rotation]:
        """Hold the lock, see the newest value, and put a newer one; committed before the lock is freed."""
        ...


class Rotation(Protocol):
    """One held lock of a SecretStore."""

    @property
    def value(self) -> Mapping[str, str] | None:
        """The newest value, read after the lock was taken."""
        ...

    async def put(self, value: Mapping[str, str]) -> None:
        """Commit the new value durably before returning."""
        ...


class Quota(Protocol):
    """Counts calls against a platform's allowance."""

    async def spend(self, tool: str, account: str, endpoint: str) -> None:
        """Count one call that is about to be made. Raises QuotaExhausted or RateLimited for one too many."""
        ...

    async def exhausted(self, tool: str, account: str, endpoint: str, resets_at: datetime | None) -> None:
        """Remember that the platform refused for lack of quota."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at an upstream endpoint, for metrics. ``outcome`` is ``ok`` or an error kind.

    ``unknown_code`` is the platform's code where the tool's error table has no row for it.
    """

    tool: str
    account: str
    endpoint: str
    outcome: str
    seconds: float
    unknown_code: str = ""


class Meter(Protocol):
    """Receives every upstream call."""

    def record(self, call: Call) -> None:
        """Count it; must not block or raise."""
        ...


class Sql(Protocol):
    """The gateway's database, for a tool that keeps tables."""

    async def fetch(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Rows of one read statement."""
        ...

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A write transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything a tool needs from the house."""

    transport: Transport
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    token_store: TokenStore
    secret_store: SecretStore
    quota: Quota
    meter: Meter
    sql: Sql
    #: Keyed hash of a personal id, for a tool's own tables: the same id gives the same text, and nobody
    #: without the key can go back.
    pseudonym: Callable[[str], str]
    #: False turns the seam's repetitions off, for tests that count calls.
    retries: bool = True
