"""The one seam to the platforms: deadline, safe repetition, breaker, concurrency limit, metering, redaction.

A client prepares requests and decodes answers; everything that is the same for every endpoint of
every tool happens here once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from adapters.base.deadline import remaining
from adapters.base.endpoint import Endpoint, Repeat
from adapters.base.errors import (
    Malformed,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Unavailable,
    UpstreamError,
)
from adapters.base.runtime import Call, Runtime
from adapters.base.secrets import redact_url
from adapters.base.transport import MaybeSent, NotSent, Request, Response, Unreadable
from adapters.base.turns import Turns

T = TypeVar("T")

log = logging.getLogger("adapters.http")

ATTEMPTS: Final = 3
BACKOFF: Final = 0.1
#: Waits longer than this are the caller's business, not the seam's.
LONGEST_WAIT: Final = 2.0


@dataclass(slots=True)
class Breaker:
    """Stops calling a family that keeps failing: opens at ``threshold`` failures of the last ``window``,
    lets one probe through after ``pause`` seconds."""

    window: int = 20
    threshold: int = 10
    pause: float = 5.0
    _recent: deque[bool] = field(default_factory=deque)
    _opened_at: float | None = None
    _probing: bool = False

    def admit(self) -> bool:
        """True when a call may go out now."""
        if self._opened_at is None:
            return True
        if self._probing or time.monotonic() - self._opened_at < self.pause:
            return False
        self._probing = True
        return True

    def note(self, healthy: bool) -> None:
        """Tell what became of an admitted call."""
        self._probing = False
        if healthy and self._opened_at is not None:
            self._opened_at = None
            self._recent.clear()
        self._recent.append(healthy)
        if len(self._recent) > self.window:
            self._recent.popleft()
        if self._recent.count(False) >= self.threshold:
            self._opened_at = time.monotonic()

    def abandon(self) -> None:
        """The admitted call ended without saying anything about the platform."""
        self._probing = False

    @property
    def open(self) -> bool:
        """True while calls are refused."""
        return self._opened_at is not None


class Upstream:
    """All calls of one account of one tool pass through one of these."""

    def __init__(self, runtime: Runtime, tool: str, account: str, *, concurrency: int = 32) -> None:
        self.runtime = runtime
        self.tool = tool
        self.account = account
        self._turns = Turns(concurrency)
        self._breakers: dict[str, Breaker] = {}

    def breaker(self, family: str) -> Breaker:
        """The breaker that the endpoints of a family share."""
        found = self._breakers.get(family)
        if found is None:
            found = self._breakers[family] = Breaker()
        return found

    async def call(
        self,
        endpoint: Endpoint,
        prepare: Callable[[], Awaitable[Request]],
        decode: Callable[[Response], T],
    ) -> T:
        """Do one remote call.

        ``prepare`` builds the request anew for every attempt (a fresh nonce, timestamp and token).
        ``decode`` turns the answer into a value or raises an UpstreamError; ValueError and msgspec
        errors in it become Malformed, or OutcomeUnknown for a write.

        Raises one of the ten kinds. Repeats only what is declared repeatable, only when the failure
        says so, and never past the request's deadline. Once an attempt at a write has ended in
        OutcomeUnknown, no later failure of the same call is anything else: "not sent" is then true of
        the repetition only, and even a refusal may be the platform's answer to its own earlier effect.
        """
        attempt = 1
        unknown: OutcomeUnknown | None = None
        while True:
            try:
                return await self._attempt(endpoint, prepare, decode)
            except UpstreamError as error:
                if unknown is None and isinstance(error, OutcomeUnknown):
                    unknown = error
                pause = self._pause_before_repeat(endpoint, error, attempt)
                if pause is None and unknown is not None and not isinstance(error, OutcomeUnknown):
                    raise unknown from error
                if pause is None:
                    raise
            attempt += 1
            await self.runtime.sleep(pause)

    def _pause_before_repeat(self, endpoint: Endpoint, error: UpstreamError, attempt: int) -> float | None:
        """Seconds to wait before the next attempt, or None when there is to be none."""
        if not self.runtime.retries or endpoint.repeat is Repeat.ONCE or attempt >= ATTEMPTS:
            return None
        again = error.retryable or (isinstance(error, OutcomeUnknown) and endpoint.repeat is Repeat.IDEMPOTENT)
        if not again or error.ask_first or error.reason in {"breaker_open", "deadline", "no_slot"}:
            return None
        pause = float(random.uniform(0.5, 1.0) * BACKOFF * 2 ** (attempt - 1))
        if isinstance(error, RateLimited) and error.retry_after is not None:
            pause = max(pause, error.retry_after)
        if pause > LONGEST_WAIT or pause >= remaining(endpoint.timeout):
            return None
        return pause

    async def _attempt(
        self,
        endpoint: Endpoint,
        prepare: Callable[[], Awaitable[Request]],
        decode: Callable[[Response], T],
    ) -> T:
        # Before a slot is taken: preparing may fetch a token, which is a call of its own and needs a slot.
        request = await prepare()
        await self._enter(endpoint)
        breaker = self.breaker(endpoint.family)
        started = time.monotonic()
        outcome, unknown = "CANCELLED", ""
        try:
            if not breaker.admit():
                raise self._error(Unavailable, endpoint, "breaker_open", _BREAKER_OPEN)
            try:
                value = self._decode(endpoint, await self._send(endpoint, request), decode)
            except UpstreamError as error:
                breaker.note(not isinstance(error, Unavailable | OutcomeUnknown | Malformed))
                raise
            except BaseException:
                breaker.abandon()
                raise
            breaker.note(True)
            outcome = "ok"
            return value
        except UpstreamError as error:
            outcome = error.kind
            if error.unknown_code:
                unknown = error.upstream_code
                log.warning("%s.%s answered a code that is not in our table: %.64r", self.tool, endpoint.name, unknown)
            if isinstance(error, QuotaExhausted):
                await self.runtime.quota.exhausted(self.tool, self.account, endpoint.name, error.resets_at)
            raise
        finally:
            self._turns.leave()
            seconds = time.monotonic() - started
            self.runtime.meter.record(Call(self.tool, self.account, endpoint.name, outcome, seconds, unknown))

    async def _enter(self, endpoint: Endpoint) -> None:
        """Take a slot within the deadline and count the call against the quota."""
        left = remaining(endpoint.timeout)
        if left <= 0:
            raise self._error(Unavailable, endpoint, "deadline", _DEADLINE)
        # Where nobody waits, this does not either: the usual case needs no timer.
        if not self._turns.take():
            try:
                async with asyncio.timeout(left):
                    await self._turns.wait()
            except TimeoutError as error:
                raise self._error(Unavailable, endpoint, "no_slot", _NO_SLOT) from error
        try:
            await self.runtime.quota.spend(self.tool, self.account, endpoint.name)
        except BaseException:
            self._turns.leave()
            raise

    async def _send(self, endpoint: Endpoint, request: Request) -> Response:
        left = remaining(endpoint.timeout)
        if left <= 0:
            raise self._error(Unavailable, endpoint, "deadline", _DEADLINE)
        try:
            response = await self.runtime.transport.send(request, left)
        except NotSent as error:
            log.warning("%s %s not sent: %s", request.method, _shown(request), error)
            raise self._error(Unavailable, endpoint, "not_sent", _NOT_SENT) from error
        except Unreadable as error:
            log.warning("%s %s unreadable answer: %s", request.method, _shown(request), error)
            unreadable = OutcomeUnknown if endpoint.writes else Malformed
            raise self._error(unreadable, endpoint, "unreadable", _UNREADABLE) from error
        except MaybeSent as error:
            log.warning("%s %s broke off: %s", request.method, _shown(request), error)
            kind = OutcomeUnknown if endpoint.writes else Unavailable
            raise self._error(kind, endpoint, "broke_off", _BROKE_OFF) from error
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s -> %d", request.method, _shown(request), response.status)
        return response

    def _decode(self, endpoint: Endpoint, response: Response, decode: Callable[[Response], T]) -> T:
        try:
            return decode(response)
        except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            # The cause may quote the platform's body: it is not chained, so no log can print it.
            kind = OutcomeUnknown if endpoint.writes else Malformed
            detail = f"{type(error).__name__}, HTTP status {response.status}"
            log.warning("%s.%s unreadable answer: %s", self.tool, endpoint.name, detail)
            raise self._error(kind, endpoint, "unreadable", _UNREADABLE) from None

    def _error(self, kind: type[UpstreamError], endpoint: Endpoint, reason: str, message: str) -> UpstreamError:
        return kind(self.tool, reason, message, endpoint=endpoint.name, account=self.account)


def _shown(request: Request) -> str:
    """The request's address, fit for a log line."""
    if not request.private_path:
        return redact_url(request.url)
    parts = urlsplit(request.url)
    return f"{parts.scheme}://{parts.netloc}/***"


_BREAKER_OPEN = "The platform failed repeatedly and is left alone for a few seconds; repeat later."
_DEADLINE = "The time of this request was used up before the call could be made; ask for less or allow more."
_NO_SLOT = "Too many calls to this platform are under way; repeat later."
_NOT_SENT = "The platform could not be reached and nothing was sent; repeat later."
_BROKE_OFF = "The connection ended before the answer was complete."
_UNREADABLE = "The platform answered something that its documentation does not describe."
