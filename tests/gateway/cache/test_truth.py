"""The cache against a model: random reads, changes, purges, outages, erasures and time, in process and on Redis.

No answer is older than it says, older than the reader allows, from before a purge that the reader could know of, or
another caller's. ``pytest -m cache_truth`` runs many more sequences than the usual test run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from adapters.base.errors import Unavailable
from gateway.cache import Answer, EntityCache, MemoryStore, RedisStore, Source, Wish
from gateway.runtime.redis import RedisLink
from tests.gateway.cache.platform import LIFETIME, READ, Cut, Platform, Ticking, Version, key, keyring_for
from tests.gateway.cache.redis_server import RedisServer

T = TypeVar("T")

MEMBERS, THINGS, VIEWS = ("m1", "m2"), ("x",), ("hq", "guide")
whose = st.tuples(st.sampled_from(MEMBERS), st.sampled_from(THINGS))
seconds = st.none() | st.sampled_from([0, 1, 10, 59, 60, 61, 300])


@dataclass
class Begun:
    """A read that waits for its platform."""

    task: asyncio.Task[tuple[Answer[list[str]], datetime]]
    member: str
    thing: str
    view: str
    wish: Wish
    begun: datetime
    least: int
    erased: bool
    held: bool = False


class Truth(RuleBasedStateMachine):
    """Processes that share a store, one platform, and what must be true of every answer."""

    url: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = Ticking()
        self.platform = Platform(self.clock)
        self.erased: set[str] = set()
        #: By process and thing: the least version that a reader there may be given.
        self.least: dict[tuple[int, str, str], int] = {}
        self.untold: list[list[tuple[str, str, int]]] = []
        self.waiting: list[Begun] = []
        self.last: tuple[tuple[str, str], str] | None = None
        self.run(self._open())

    async def _open(self) -> None:
        self.keyring = await keyring_for(*MEMBERS)
        if self.url is None:
            stores = [Cut(MemoryStore(1 << 20))]
        else:
            link = await self.stack.enter_async_context(RedisLink.open(self.url, self.keyring))
            stores = [Cut(RedisStore(link)), Cut(RedisStore(link))]
        self.stores = stores
        self.caches = [EntityCache(each, self.keyring, self.clock) for each in stores]
        self.untold = [[] for _ in stores]
        for member in MEMBERS:
            for thing in THINGS:
                self.platform.change(member, thing)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # What happens ---------------------------------------------------------------------------------

    @rule(at=st.integers(0, 1), of=whose, view=st.sampled_from(VIEWS), max_age=seconds, stale_ok=seconds)
    @precondition(lambda self: not self.waiting)
    def read(self, at: int, of: tuple[str, str], view: str, max_age: float | None, stale_ok: float | None) -> None:
        self.last = (of, view)
        self.run(self._read(at % len(self.caches), of, view, Wish(max_age, stale_ok)))

    @rule(at=st.integers(0, 1), by=st.sampled_from([0, 0.5, 9, 59, 70]), max_age=seconds, stale_ok=seconds)
    @precondition(lambda self: not self.waiting and self.last is not None)
    def read_again_later(self, at: int, by: float, max_age: float | None, stale_ok: float | None) -> None:
        assert self.last is not None
        self.clock.advance(seconds=by)
        self.run(self._read(at % len(self.caches), *self.last, Wish(max_age, stale_ok)))

    @rule(at=st.integers(0, 1), max_age=seconds)
    @precondition(lambda self: not self.waiting and self.last is not None)
    def the_other_view_reads(self, at: int, max_age: float | None) -> None:
        assert self.last is not None
        of, view = self.last
        other = next(each for each in VIEWS if each != view)
        self.run(self._read(at % len(self.caches), of, other, Wish(max_age)))

    async def _read(self, at: int, of: tuple[str, str], view: str, wish: Wish) -> None:
        begun = self._begin(at, of, view, wish)
        await self._end(begun)

    def _begin(self, at: int, of: tuple[str, str], view: str, wish: Wish) -> Begun:
        member, thing = of
        begun, least = self.clock.now(), self.least.get((at, member, thing), 0)

        async def ask() -> list[str]:
            return await self.platform.ask(member, thing, view)

        async def work() -> tuple[Answer[list[str]], datetime]:
            return await self.caches[at].read(READ, key(member, thing, view), ask, wish), self.clock.now()

        # Who asks while a read of before the erasure is under way shares its answer, which is not kept.
        shared = any((each.member, each.thing, each.view) == (member, thing, view) for each in self.waiting)
        erased = member in self.erased and not shared
        return Begun(asyncio.ensure_future(work()), member, thing, view, wish, begun, least, erased)

    async def _end(self, read: Begun) -> None:
        try:
            answer, ended = await asyncio.wait_for(read.task, 20)
        except Unavailable:
            assert self.platform.down or read.held
            return
        self._judge(read, answer, ended)

    def _judge(self, read: Begun, answer: Answer[list[str]], ended: datetime) -> None:
        member, thing, view, number = answer.value
        assert (member, thing, view) == (read.member, read.thing, read.view), "another caller's answer"
        version = self.platform.past[(member, thing)][int(number)]
        assert _held_since(version, answer.as_of), f"{answer} is older than it says: {version}"
        assert int(number) >= read.least, "an answer from before a purge"
        if answer.source is Source.LIVE:
            assert answer.as_of >= read.begun
            return
        # Ages count from when the read began: what it took to answer is not the answer's age.
        age, slack = ended - answer.as_of, ended - read.begun
        if read.wish.max_age is not None:
            assert age <= timedelta(seconds=read.wish.max_age) + slack, f"{age} is more than @maxAge"
        assert not read.erased, "an answer about somebody erased was kept"
        if answer.source is Source.CACHE:
            assert age <= LIFETIME + slack
        else:
            assert answer.source is Source.STALE
            assert read.wish.stale_ok is not None
            assert age <= LIFETIME + timedelta(seconds=read.wish.stale_ok) + slack

    @rule(at=st.integers(0, 1), of=whose)
    def change_and_purge(self, at: int, of: tuple[str, str]) -> None:
        """Our own mutation, or an event: the platform changed, and the process that knows says so."""
        at %= len(self.caches)
        member, thing = of
        number = self.platform.change(member, thing).number
        self.run(self._purge(at, member, thing, number))

    async def _purge(self, at: int, member: str, thing: str, number: int) -> None:
        self.caches[at].purge([f"thing:{member}:{thing}"])
        self.least[(at, member, thing)] = number
        self.untold[at].append((member, thing, number))
        if await self.caches[at].flush():
            self._told(at)

    def _told(self, at: int) -> None:
        """The store knows: every process does."""
        for member, thing, number in self.untold[at]:
            for other in range(len(self.caches)):
                place = (other, member, thing)
                self.least[place] = max(number, self.least.get(place, 0))
        self.untold[at].clear()

    @rule(of=whose)
    def change_unnoticed(self, of: tuple[str, str]) -> None:
        """The platform changed and nobody was told: answers grow old, and say so."""
        self.platform.change(*of)

    @rule(by=st.sampled_from([0.5, 9, 30, 59, 61, 290, 4000]))
    def time_passes(self, by: float) -> None:
        self.clock.advance(seconds=by)

    @rule(down=st.booleans())
    def outage(self, down: bool) -> None:
        self.platform.down = down

    @rule(at=st.integers(0, 1), away=st.booleans())
    def reach_of_the_store(self, at: int, away: bool) -> None:
        at %= len(self.caches)
        self.stores[at].away = away
        if not away and self.run(self.caches[at].flush()):
            self._told(at)

    @rule(member=st.sampled_from(MEMBERS))
    @precondition(lambda self: len(self.erased) == 0)
    def erase(self, member: str) -> None:
        self.run(self.keyring.destroy(member))
        self.erased.add(member)

    # Reads that are under way while other things happen ------------------------------------------------

    @rule(at=st.integers(0, 1), of=whose, view=st.sampled_from(VIEWS), max_age=seconds)
    @precondition(lambda self: len(self.waiting) < 3)
    def begin(self, at: int, of: tuple[str, str], view: str, max_age: float | None) -> None:
        self.run(self._begin_held(at % len(self.caches), of, view, Wish(max_age)))

    async def _begin_held(self, at: int, of: tuple[str, str], view: str, wish: Wish) -> None:
        self.platform.gate = self.platform.gate or asyncio.Event()
        begun = self._begin(at, of, view, wish)
        begun.held = True
        self.waiting.append(begun)
        calls = self.platform.calls[of]
        # Until it has asked, or was answered from what is kept, or waits for another one who asks.
        for _ in range(20):
            if begun.task.done() or self.platform.calls[of] > calls:
                break
            await asyncio.sleep(0.001)

    @rule()
    @precondition(lambda self: bool(self.waiting))
    def answers_arrive(self) -> None:
        self.run(self._arrive())

    async def _arrive(self) -> None:
        assert self.platform.gate is not None
        self.platform.gate.set()
        self.platform.gate = None
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            await self._end(each)

    def teardown(self) -> None:
        self.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        if self.waiting:
            await self._arrive()
        for store, cache in zip(self.stores, self.caches, strict=True):
            store.away = False
            await cache.close()
        await self.stack.aclose()


def _held_since(version: Version, as_of: datetime) -> bool:
    """Whether the platform still said so at that instant, or later."""
    return version.ends is None or version.ends >= as_of


def _examples(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


def _on(url: str | None) -> type[Truth]:
    return type("Truth", (Truth,), {"url": url})


def test_in_process() -> None:
    run_state_machine_as_test(_on(None), settings=_examples(50, 30))


def test_on_redis(redis_server: RedisServer) -> None:
    run_state_machine_as_test(_on(redis_server.url), settings=_examples(12, 30))


@pytest.mark.cache_truth
def test_in_process_for_long() -> None:
    run_state_machine_as_test(_on(None), settings=_examples(2000, 80))


@pytest.mark.cache_truth
def test_on_redis_for_long(redis_server: RedisServer) -> None:
    run_state_machine_as_test(_on(redis_server.url), settings=_examples(500, 80))
