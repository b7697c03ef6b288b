"""One reader of the fact log per process, for everybody here who follows it.

The feed reads new facts once, keeps the last ones in memory, and wakes the followers whom one concerns. A follower has
a cursor and no queue: it takes facts from the kept ones, or, while it resumes from further back, from the log itself.
So what a slow follower costs does not grow; one that falls behind what is kept is told ``FollowerTooSlow`` and can
resume after the last fact it had.

It runs while anybody follows. The database's bell rings for commits of this process, ``gateway.events.wake`` for those
of others; without either it looks every ``poll_seconds``.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from adapters.base.runtime import Clock
from gateway.database.errors import DatabaseError
from gateway.database.traces import trace
from gateway.events.crowd import Crowd
from gateway.events.horizon import BEGINNING, START, Horizon, LoggedFact, Page, Position
from gateway.settings import Subscriptions

log = logging.getLogger(__name__)

#: Facts of one read.
PAGE: Final = 500
#: Seconds until a fact that a running transaction holds back is looked for again: at first, and at most.
HELD: Final = 0.002
HELD_LONGEST: Final = 0.25
#: These change who a member is; followers learn of it before anybody is told of anything else.
REGROUPED: Final = frozenset({"member.merged", "member.unmerged"})

Wants = Callable[[LoggedFact], bool]


class FollowRefused(Exception):
    """The log cannot be followed, or not any further. ``code`` stands in docs/errors.md."""

    code = "EVENT_UNKNOWN"


class EventUnknown(FollowRefused):
    """``after`` names no event of this log."""


class EventExpired(FollowRefused):
    """``after`` names an event from so long ago that what followed is not given any more."""

    code = "EVENT_EXPIRED"


class FollowerTooSlow(FollowRefused):
    """The follower took facts more slowly than they came, and what it has not seen is not kept any more."""

    code = "SUBSCRIPTION_TOO_SLOW"


class TooManyFollowers(FollowRefused):
    """This process serves as many subscriptions as it may."""

    code = "SUBSCRIPTIONS_EXHAUSTED"


class FeedClosed(Exception):
    """This process stops; follow again at another one."""


class Follower:
    """One subscription's place in the log. Made by ``Feed.follow``."""

    __slots__ = ("_feed", "_number", "_pending", "_place", "_waiter", "kinds", "live", "start", "wants")

    def __init__(self, feed: Feed, kinds: frozenset[str], wants: Wants, place: Position, number: int | None) -> None:
        self._feed = feed
        self.kinds = kinds
        self.wants = wants
        #: It is given what stands after this.
        self.start = self._place = place
        #: The next kept fact to look at; None while the log itself is read.
        self._number = number
        self._pending: deque[LoggedFact] = deque()
        self._waiter: asyncio.Future[None] | None = None
        #: False until what came after ``after`` has been given.
        self.live = number is not None

    async def next(self) -> LoggedFact:
        """The next fact that is wanted, when there is one. Raises FollowerTooSlow or FeedClosed."""
        while True:
            if self._feed.closed:
                raise FeedClosed
            kept = self._number is not None
            found = self._kept() if kept else await self._logged()
            if found is not None:
                return found
            if kept:
                await self._wait()

    def _kept(self) -> LoggedFact | None:
        feed, number = self._feed, self._number or 0
        if number < feed.first:
            raise FollowerTooSlow(
                "This subscription fell behind what is kept; subscribe again after the last eventId that you had."
            )
        while number < feed.end:
            found = feed.kept[number - feed.first]
            number += 1
            if found.kind in self.kinds and self.wants(found):
                self._number = number
                return found
        self._number = number
        return None

    async def _logged(self) -> LoggedFact | None:
        if self._pending:
            return self._pending.popleft()
        self._number = self._feed.number_after(self._place)
        if self._number is not None:
            self.live = True
            return None
        # What is committed up to where the feed has read is seen by this later read as well.
        reached = self._feed.position
        page = await self._feed.horizon.read(self._place, kinds=self.kinds, limit=PAGE)
        self._pending.extend(each for each in page if self.wants(each))
        last = page[-1].position if page else self._place
        self._place = last if len(page) == PAGE else max(last, reached)
        return self._pending.popleft() if self._pending else None

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def told(self, facts: list[LoggedFact], end: int) -> None:
        """New facts of its kinds were kept: wake up, or pass them over."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if any(self.wants(each) for each in facts):
            waiter.set_result(None)
        else:
            self._number = end

    @property
    def waiting(self) -> bool:
        """Whether it has seen everything and waits."""
        return self._waiter is not None and not self._waiter.done()

    def rouse(self) -> None:
        """Look again, whatever for."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def passed(self, end: int) -> None:
        """Nothing of what was kept up to ``end`` concerns it."""
        if self.waiting:
            self._number = end


class Feed:
    """What followers of one process share."""

    def __init__(
        self, horizon: Horizon, crowd: Crowd, clock: Clock, settings: Subscriptions, kinds: frozenset[str]
    ) -> None:
        self.horizon = horizon
        self.crowd = crowd
        self.closed = False
        self._clock = clock
        self._settings = settings
        self._kinds = kinds | REGROUPED
        #: The facts kept, numbered from ``first`` to ``end``, ``end`` excluded.
        self.kept: list[LoggedFact] = []
        self.first = 0
        self._floor = START
        self.position = START
        self._followers: dict[Follower, None] = {}
        self._by_kind: defaultdict[str, dict[Follower, None]] = defaultdict(dict)
        self._task: asyncio.Task[None] | None = None
        self._poked = asyncio.Event()
        self._reading = asyncio.Lock()
        self._reads = 0
        #: Whether facts wait for a transaction that still runs: nothing rings when it ends.
        self._held = False

    @property
    def end(self) -> int:
        """The number that the next fact gets."""
        return self.first + len(self.kept)

    def __len__(self) -> int:
        """How many follow."""
        return len(self._followers)

    def wake(self) -> None:
        """Something was appended: read at once."""
        self._poked.set()

    @asynccontextmanager
    async def follow(self, kinds: frozenset[str], wants: Wants, after: str | None = None) -> AsyncIterator[Follower]:
        """Follow facts of some kinds: those committed from now on, or everything after one fact.

        Raises EventUnknown, EventExpired or TooManyFollowers.
        """
        if len(self._followers) >= self._settings.open:
            raise TooManyFollowers(f"{self._settings.open} subscriptions are open here; try again in a while.")
        place = None if after is None else await self._place(after)
        await self.refresh()
        if place is None:
            follower = Follower(self, kinds, wants, self.position, self.end)
        else:
            follower = Follower(self, kinds, wants, place, None)
        self._followers[follower] = None
        for kind in kinds:
            self._by_kind[kind][follower] = None
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            yield follower
        finally:
            del self._followers[follower]
            for kind in kinds:
                del self._by_kind[kind][follower]
            if not self._followers:
                await self.stop()

    def close(self) -> None:
        """End every follower with FeedClosed: this process is about to stop."""
        self.closed = True
        for follower in self._followers:
            follower.rouse()

    async def stop(self) -> None:
        """Stop reading; the next follower starts it again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _place(self, after: str) -> Position:
        if after == BEGINNING and await self.horizon.is_empty_before(self._oldest):
            return START
        found = await self.horizon.find(after) if len(after) <= 26 and after.isascii() and after.isalnum() else None
        if found is None:
            raise EventUnknown("after names no event; pass an eventId as you received it, or leave it out.")
        place, recorded = found
        if recorded < self._oldest:
            hours = self._settings.replay_hours
            raise EventExpired(f"after names an event from more than {hours} hours ago; read anew, then subscribe.")
        return place

    @property
    def _oldest(self) -> datetime:
        return self._clock.now() - timedelta(hours=self._settings.replay_hours)

    def number_after(self, place: Position) -> int | None:
        """The number of the first kept fact after a position; None where it lies before what is kept."""
        if place < self._floor:
            return None
        return self.first + bisect_right(self.kept, place, key=lambda each: each.position)

    async def refresh(self) -> None:
        """Read what is there now. Those who ask while a read goes on share the next one."""
        asked = self._reads
        async with self._reading:
            if self._reads == asked:
                await self._read()

    async def _read(self) -> None:
        self._reads += 1
        if self._task is None and not self._followers:
            # Nobody followed: what was appended meanwhile is of no interest here.
            self.first, self.kept = self.end, []
            self.position = self._floor = await self.horizon.head()
            return
        while True:
            page = await self.horizon.read(self.position, kinds=self._kinds, limit=PAGE)
            if page:
                await self._give(page)
            self._held = page.held
            if len(page) < PAGE:
                return

    async def _give(self, page: Page) -> None:
        if any(each.kind in REGROUPED for each in page):
            await self.crowd.regroup()
        self.kept.extend(page)
        self.position = page[-1].position
        surplus = len(self.kept) - self._settings.backlog
        if surplus > 0:
            self._floor = self.kept[surplus - 1].position
            del self.kept[:surplus]
            self.first += surplus
        kinds: defaultdict[str, list[LoggedFact]] = defaultdict(list)
        for each in page:
            kinds[each.kind].append(each)
        concerned: defaultdict[Follower, list[LoggedFact]] = defaultdict(list)
        for kind, facts in kinds.items():
            for follower in self._by_kind.get(kind, ()):
                concerned[follower] += facts
        end = self.end
        for follower, facts in concerned.items():
            follower.told(facts, end)
        for follower in self._followers:
            if follower not in concerned:
                follower.passed(end)

    async def _run(self) -> None:
        longest = self._settings.poll_seconds
        wait = HELD
        while True:
            self._poked.clear()
            try:
                await self.refresh()
            except DatabaseError as error:
                log.warning("the fact log could not be read (%s); trying again", error.code)
            except Exception as error:
                log.error("following the fact log failed; trying again: %s", trace(error))  # noqa: TRY400
                await asyncio.sleep(longest)
            wait = min(wait * 2, HELD_LONGEST) if self._held else HELD
            try:
                async with asyncio.timeout(min(wait, longest) if self._held else longest):
                    await self._poked.wait()
            except TimeoutError:
                continue
