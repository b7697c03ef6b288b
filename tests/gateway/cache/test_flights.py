"""However many want the same answer, the platform is asked once, in one process and in two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Unavailable
from gateway.cache import EntityCache, MemoryStore, RedisStore, Source, Wish
from gateway.runtime.redis import RedisLink
from tests.databases import ManualClock
from tests.gateway.cache.platform import LIFETIME, READ, Cut, MemoryKeys, Platform, key, keyring_for
from tests.gateway.cache.redis_server import RedisServer


@pytest.fixture
def platform(clock: ManualClock) -> Platform:
    found = Platform(clock)
    found.change("m1", "x")
    return found


@pytest.fixture
async def cache(clock: ManualClock) -> AsyncIterator[EntityCache]:
    opened = EntityCache(MemoryStore(1 << 20), await keyring_for("m1"), clock)
    yield opened
    await opened.close()


@pytest.fixture
async def two(clock: ManualClock, redis_server: RedisServer) -> AsyncIterator[list[EntityCache]]:
    """The caches of two processes: each with a keyring and connections of its own."""
    keys = MemoryKeys()
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(2):
            keyring = await keyring_for("m1", keys=keys)
            link = await stack.enter_async_context(RedisLink.open(redis_server.url, keyring))
            found.append(EntityCache(RedisStore(link), keyring, clock))
            stack.push_async_callback(found[-1].close)
        yield found


async def until(condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - another task makes it true
            await asyncio.sleep(0.002)


async def test_ten_at_once_are_one_call(cache: EntityCache, platform: Platform) -> None:
    platform.gate = asyncio.Event()
    reads = [
        asyncio.ensure_future(cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))) for _ in range(10)
    ]
    await until(lambda: platform.calls[("m1", "x")])
    platform.gate.set()
    answers = await asyncio.gather(*reads)
    assert platform.calls[("m1", "x")] == 1
    assert {tuple(each.value) for each in answers} == {("m1", "x", "hq", "0")}
    kept = await cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))
    assert (kept.source, platform.calls[("m1", "x")]) == (Source.CACHE, 1)


async def test_two_processes_ask_once(two: list[EntityCache], platform: Platform) -> None:
    platform.gate = asyncio.Event()

    def read(cache: EntityCache) -> asyncio.Future[object]:
        return asyncio.ensure_future(cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x")))

    first = read(two[0])
    await until(lambda: platform.calls[("m1", "x")])
    others = [read(cache) for cache in two * 3]
    await asyncio.sleep(0.05)
    platform.gate.set()
    await asyncio.gather(first, *others)
    assert platform.calls[("m1", "x")] == 1


async def test_whoever_comes_after_a_purge_is_not_given_what_was_asked_before_it(
    cache: EntityCache, platform: Platform
) -> None:
    gate = platform.gate = asyncio.Event()
    before = asyncio.ensure_future(cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x")))
    await until(lambda: platform.calls[("m1", "x")])
    platform.change("m1", "x")
    cache.purge(["thing:m1:x"])
    platform.gate = None
    after = await cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))
    gate.set()
    assert (await before).value[3] == "0"
    assert after.value[3] == "1"
    # The older answer was kept last, and counts for nobody: one call more.
    assert (await cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))).value[3] == "1"
    assert platform.calls[("m1", "x")] == 3
    assert (await cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))).value[3] == "1"
    assert platform.calls[("m1", "x")] == 3


async def test_who_leaves_takes_nothing_from_those_who_stay(cache: EntityCache, platform: Platform) -> None:
    platform.gate = asyncio.Event()
    leaves = asyncio.ensure_future(cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x")))
    await until(lambda: platform.calls[("m1", "x")])
    stays = asyncio.ensure_future(cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x")))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    platform.gate.set()
    assert (await stays).value[3] == "0"
    assert platform.calls[("m1", "x")] == 1


async def test_a_wait_for_another_ones_answer_ends_with_the_own_time(cache: EntityCache, platform: Platform) -> None:
    platform.gate = asyncio.Event()
    slow = asyncio.ensure_future(cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x")))
    await until(lambda: platform.calls[("m1", "x")])
    with deadline(0.05), pytest.raises(Unavailable) as late:
        await cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))
    assert (late.value.tool, late.value.reason) == ("testing", "deadline")
    platform.gate.set()
    await slow


async def test_stale_only_while_the_platform_fails_and_no_further_than_allowed(
    cache: EntityCache, platform: Platform, clock: ManualClock
) -> None:
    async def read(**wish: float) -> tuple[Source, str]:
        answer = await cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"), Wish(**wish))
        return answer.source, answer.value[3]

    assert await read() == (Source.LIVE, "0")
    clock.advance(seconds=LIFETIME.total_seconds() + 100)
    platform.down = True
    with pytest.raises(Unavailable):
        await read()
    with pytest.raises(Unavailable):
        await read(stale_ok=99)
    with pytest.raises(Unavailable):
        await read(stale_ok=100, max_age=120)
    assert await read(stale_ok=100) == (Source.STALE, "0")
    platform.down = False
    platform.change("m1", "x")
    assert await read(stale_ok=100) == (Source.LIVE, "1")


async def test_a_purge_that_the_store_did_not_hear_is_told_when_it_is_back(
    clock: ManualClock, platform: Platform
) -> None:
    shared, keyring = MemoryStore(1 << 20), await keyring_for("m1")
    far, near = Cut(shared), EntityCache(shared, keyring, clock)
    cache = EntityCache(far, keyring, clock)

    async def number(of: EntityCache) -> str:
        return (await of.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))).value[3]

    assert [await number(cache), await number(near)] == ["0", "0"]
    far.away = True
    platform.change("m1", "x")
    cache.purge(["member:m1"])
    assert not await cache.flush()
    assert [await number(cache), await number(near)] == ["1", "0"]
    far.away = False
    # Nothing but a read is needed for it.
    assert [await number(cache), await number(near)] == ["1", "1"]
    await cache.close()
    await near.close()


async def test_without_the_store_nobody_shares_what_others_may_have_purged(
    clock: ManualClock, platform: Platform
) -> None:
    shared, keyring = MemoryStore(1 << 20), await keyring_for("m1")
    far = Cut(shared)
    cache, near = EntityCache(far, keyring, clock), EntityCache(shared, keyring, clock)
    far.away = True
    going = asyncio.Event()

    async def slowly() -> list[str]:
        answer = await platform.ask("m1", "x")
        await going.wait()
        return answer

    first = asyncio.ensure_future(cache.read(READ, key("m1", "x"), slowly))
    await asyncio.sleep(0.01)
    platform.change("m1", "x")
    near.purge(["member:m1"])
    assert await near.flush()
    second = asyncio.ensure_future(cache.read(READ, key("m1", "x"), lambda: platform.ask("m1", "x")))
    assert (await asyncio.wait_for(second, 5)).value[3] == "1"
    going.set()
    assert (await first).value[3] == "0"
    await cache.close()
    await near.close()


async def test_memory_is_bounded_and_keeps_what_was_used_last(clock: ManualClock) -> None:
    store = MemoryStore(10_000)
    for number in range(8):
        await store.keep(f"k{number}", b"x" * 1000, 60)
        await store.look("k0", [])
    assert store.bytes <= 10_000
    found = [n for n in range(8) if (await store.look(f"k{n}", []))[0] is not None]
    assert found == [0, 2, 3, 4, 5, 6, 7]
    await store.keep("huge", b"x" * 20_000, 60)
    assert (await store.look("huge", []))[0] is None
    assert len(store) == 7


async def test_nothing_personal_lies_in_redis_in_clear(
    two: list[EntityCache], platform: Platform, redis_server: RedisServer
) -> None:
    import redis

    await two[0].read(READ, key("m1", "x"), lambda: platform.ask("m1", "x"))
    with redis.Redis(port=redis_server.port) as client:
        names = list(client.scan_iter("*"))
        values = [client.get(name) or b"" for name in names]
    assert any(b":entry:" in name for name in names)
    for text in (*names, *values):
        # With their quotes: two bytes alone lie in sealed ones now and then.
        assert b'"m1"' not in text
        assert b'"hq"' not in text
