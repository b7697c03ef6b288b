"""Calls against the platforms' allowances: counted over all processes, refused before the platform would."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from adapters.base.errors import QuotaExhausted, RateLimited, UpstreamError
from adapters.base.limits import EVERY, Limit, Limits
from adapters.base.priority import in_background
from adapters.base.runtime import Clock
from gateway.database.errors import DatabaseError
from gateway.runtime.counts import Counted, Counts, MemoryCounts

log = logging.getLogger(__name__)

#: A process takes this part of an allowance at once, so that few calls cost a write.
SLICES: Final = 50
LARGEST_SLICE: Final = 200
#: For how long a platform that said "spent" without a time is left alone.
UNKNOWN_RESET: Final = timedelta(minutes=10)

#: Calls taken so far → how many more to take.
_Most = Callable[[int], int]
#: Tool and the platform's own id of the account.
Account = tuple[str, str]


@dataclass(slots=True)
class _Slice:
    """Calls that this process has taken and not made."""

    starts_at: datetime
    left: int


@dataclass(frozen=True, slots=True)
class QuotaState:
    """One allowance of one account. ``left`` are calls; ``spent_until`` is set while the platform itself refuses."""

    tool: str
    account: str
    endpoint: str
    window: str
    limit: int
    left: int
    resets_at: datetime
    spent_until: datetime | None


class Quotas:
    """See ``adapters.base.runtime.Quota``.

    ``limits`` are what is declared and set per account. Calls that nobody waits for (``adapters.base.priority``) leave
    ``interactive_share`` of every allowance untouched.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Mapping[Account, Limits] | None = None,
        counts: Counts | None = None,
        *,
        interactive_share: float = 0.2,
    ) -> None:
        self._clock = clock
        self._limits = dict(limits or {})
        self._counts = MemoryCounts() if counts is None else counts
        self._share = interactive_share
        #: By what is counted, and whether somebody waits: background calls take from slices of their own.
        self._slices: dict[tuple[Counted, bool], _Slice] = {}
        self._locks: dict[tuple[Counted, bool], asyncio.Lock] = {}
        #: By tool, account, endpoint and reason: calls that were not made.
        self.refused: Counter[tuple[str, str, str, str]] = Counter()
        #: Until when the platform itself said that nothing is left.
        self._spent: dict[tuple[str, str, str], datetime] = {}

    async def spend(self, tool: str, account: str, endpoint: str) -> None:
        """Count one call. Raises QuotaExhausted or RateLimited for one that would be too many."""
        try:
            await self._spend(tool, account, endpoint)
        except (QuotaExhausted, RateLimited) as refusal:
            self.refused[(tool, account, endpoint, refusal.reason)] += 1
            raise

    async def _spend(self, tool: str, account: str, endpoint: str) -> None:
        now = self._clock.now()
        self._refuse_spent(tool, account, endpoint, now)
        limits = self._of(tool, account, endpoint)
        if not limits:
            return
        background = in_background()
        while True:
            now = self._clock.now()
            slices = [self._slice(tool, account, endpoint, each, now, background) for each in limits]
            short = next((n for n, each in enumerate(slices) if each is None), None)
            if short is None:
                # No await since they were looked at: nobody else has taken the last one.
                for each in slices:
                    assert each is not None  # noqa: S101 — none is short
                    each.left -= 1
                return
            await self._reserve(tool, account, endpoint, limits[short], background)

    async def exhausted(self, tool: str, account: str, endpoint: str, resets_at: datetime | None) -> None:
        """The platform refused for lack of quota: it knows better than our count, and is believed."""
        now = self._clock.now()
        until = resets_at or now + UNKNOWN_RESET
        self._spent[(tool, account, endpoint)] = until
        for limit in self._of(tool, account, endpoint):
            if limit.window.is_short or limit.window.ends_at(now) > until:
                continue
            what = Counted(tool, account, endpoint, limit.window)
            for background in (True, False):
                self._slices.pop((what, background), None)
            try:
                await self._counts.take(what, limit.window.starts_at(now), _up_to(limit.calls))
            except DatabaseError as error:
                log.warning("the other processes are not told that %s.%s is spent (%s)", tool, endpoint, error.code)

    async def forget(self, tool: str, account: str) -> None:
        """The platform counts an account anew, since somebody cleared its quota there."""
        for spent in [each for each in self._spent if each[:2] == (tool, account)]:
            del self._spent[spent]
        for what, background in list(self._slices):
            if (what.tool, what.account) == (tool, account):
                del self._slices[(what, background)]
        for what in await self._counts.all():
            if (what.tool, what.account) == (tool, account):
                await self._counts.take(what, what.window.starts_at(self._clock.now()), lambda taken: -taken)

    async def states(self) -> Sequence[QuotaState]:
        """Every allowance that is declared for a named endpoint, or was ever used."""
        now = self._clock.now()
        taken = await self._counts.all()
        named = {
            Counted(tool, account, endpoint, limit.window)
            for (tool, account), limits in self._limits.items()
            for endpoint, each in limits.items()
            if endpoint != EVERY
            for limit in each
        }
        found = []
        for what in sorted(named | set(taken), key=lambda each: (*each[:3], each.window.value)):
            limit = next((e for e in self._of(*what[:3]) if e.window is what.window), None)
            if limit is None:
                continue
            so_far = taken.get(what)
            used = so_far.calls if so_far is not None and so_far.starts_at >= what.window.starts_at(now) else 0
            spent = self._spent.get(what[:3])
            spent = spent if spent is not None and spent > now else None
            left = 0 if spent is not None else max(0, limit.calls - used + self._held(what, now))
            found.append(QuotaState(*what[:3], what.window.name, limit.calls, left, what.window.ends_at(now), spent))
        return found

    async def close(self) -> None:
        """Give back what was taken and not used."""
        now = self._clock.now()
        for what in {what for what, _ in self._slices}:
            unused = self._held(what, now)
            if unused:
                try:
                    await self._counts.take(what, what.window.starts_at(now), _back(unused))
                except (DatabaseError, SQLAlchemyError) as error:
                    # Whatever is wrong with the database, stopping goes on.
                    name = type(error).__name__
                    log.warning("%d calls of %s.%s are not given back (%s)", unused, what.tool, what.endpoint, name)
        self._slices.clear()

    def _held(self, what: Counted, now: datetime) -> int:
        start = what.window.starts_at(now)
        slices = (self._slices.get((what, background)) for background in (True, False))
        return sum(each.left for each in slices if each is not None and each.starts_at >= start)

    def _of(self, tool: str, account: str, endpoint: str) -> tuple[Limit, ...]:
        limits = self._limits.get((tool, account))
        if limits is None:
            return ()
        found = limits.get(endpoint)
        return limits.get(EVERY, ()) if found is None else found

    def _refuse_spent(self, tool: str, account: str, endpoint: str, now: datetime) -> None:
        until = self._spent.get((tool, account, endpoint))
        if until is None:
            return
        if now < until:
            raise QuotaExhausted(
                tool,
                "quota_spent",
                "The platform's allowance for this call is used up; it is asked again after it resets.",
                endpoint=endpoint,
                account=account,
                resets_at=until,
            )
        del self._spent[(tool, account, endpoint)]

    def _slice(
        self, tool: str, account: str, endpoint: str, limit: Limit, now: datetime, background: bool
    ) -> _Slice | None:
        """What this process holds of the window that is running; None where that is nothing."""
        found = self._slices.get((Counted(tool, account, endpoint, limit.window), background))
        usable = found is not None and found.left > 0 and found.starts_at >= limit.window.starts_at(now)
        return found if usable else None

    async def _reserve(self, tool: str, account: str, endpoint: str, limit: Limit, background: bool) -> None:
        key = (Counted(tool, account, endpoint, limit.window), background)
        async with self._locks.setdefault(key, asyncio.Lock()):
            now = self._clock.now()
            if self._slice(tool, account, endpoint, limit, now, background) is not None:
                return
            cap = limit.calls - (math.ceil(limit.calls * self._share) if background else 0)
            then, more = await self._counts.take(key[0], limit.window.starts_at(now), _slice_of(cap))
            if more == 0:
                raise _too_many(tool, account, endpoint, limit, now, background)
            self._slices[key] = _Slice(then.starts_at, more)


def _slice_of(cap: int) -> _Most:
    """A slice of an allowance; smaller ones towards its end, so that little is held where it is needed elsewhere."""

    def most(taken: int) -> int:
        left = max(0, cap - taken)
        return min(max(1, min(cap // SLICES, LARGEST_SLICE, left // 4)), left)

    return most


def _back(unused: int) -> _Most:
    return lambda taken: -min(taken, unused)


def _up_to(limit: int) -> _Most:
    return lambda taken: max(0, limit - taken)


def _too_many(tool: str, account: str, endpoint: str, limit: Limit, now: datetime, background: bool) -> UpstreamError:
    ends = limit.window.ends_at(now)
    whose = " that background work may use" if background else ""
    message = (
        f"All {limit.calls} calls a {limit.window.value}{whose} are used up, and this one was not made;"
        " repeat after they are counted anew."
    )
    if limit.window.is_short:
        seconds = max(1.0, (ends - now).total_seconds())
        return RateLimited(
            tool, "rate_kept", message, endpoint=endpoint, account=account, retry_after=math.ceil(seconds)
        )
    return QuotaExhausted(tool, "quota_kept", message, endpoint=endpoint, account=account, resets_at=ends)
