"""Loaders: what is asked for together is fetched together, a key once, and failures reach whoever asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.loaders import BATCH, Loaders

asked: list[tuple[str, Sequence[Any]]] = []


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    asked.clear()


async def at_once(context: str, keys: Sequence[Any]) -> Sequence[Any]:
    asked.append((context, list(keys)))
    return [key * 2 for key in keys]


async def waiting(context: str, keys: Sequence[Any]) -> Sequence[Any]:
    asked.append((context, list(keys)))
    async with asyncio.timeout(5):
        await asyncio.sleep(0.001)
    return [ValueError(f"no {key}") if key == 3 else key for key in keys]


async def failing(context: str, keys: Sequence[Any]) -> Sequence[Any]:
    asked.append((context, list(keys)))
    raise ConnectionError("down")


async def short(context: str, keys: Sequence[Any]) -> Sequence[Any]:
    return list(keys)[1:]


async def test_keys_of_one_moment_are_one_batch_and_each_key_is_asked_once() -> None:
    loaders = Loaders("context")
    assert await asyncio.gather(*[loaders.load(at_once, key) for key in (1, 2, 1)]) == [2, 4, 2]
    assert await loaders.load(at_once, 2) == 4
    assert asked == [("context", [1, 2])]


async def test_coroutines_that_start_a_turn_apart_meet_in_one_batch() -> None:
    loaders = Loaders("context")

    async def later(key: int) -> int:
        await asyncio.sleep(0)
        return await loaders.load(at_once, key)

    async def now(key: int) -> int:
        return await loaders.load(at_once, key)

    assert await asyncio.gather(now(1), later(2)) == [2, 4]
    assert asked == [("context", [1, 2])]


async def test_a_batch_that_waits_holds_up_no_other() -> None:
    """It keeps its own task, so that a timeout inside it ends it alone."""
    loaders = Loaders("context")
    slow, quick = asyncio.ensure_future(loaders.load(waiting, 1)), loaders.load(at_once, 5)
    assert await quick == 10
    assert not slow.done()
    assert await slow == 1


async def test_a_value_may_be_an_exception() -> None:
    loaders = Loaders("context")
    found = await asyncio.gather(*[loaders.load(waiting, key) for key in (1, 3)], return_exceptions=True)
    assert found[0] == 1
    assert str(found[1]) == "no 3"


async def test_a_failed_batch_is_asked_again() -> None:
    loaders = Loaders("context")
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await loaders.load(failing, 1)
    assert len(asked) == 2


async def test_a_batch_of_the_wrong_length_says_so() -> None:
    with pytest.raises(TypeError, match="returned 0 values for 1 keys"):
        await Loaders("context").load(short, 1)


async def test_many_keys_are_several_batches() -> None:
    found = await Loaders("context").load_many(at_once, range(BATCH + 1))
    assert found == [key * 2 for key in range(BATCH + 1)]
    assert [len(keys) for _, keys in asked] == [BATCH, 1]


async def test_none_is_no_key() -> None:
    with pytest.raises(TypeError, match="None is no key"):
        Loaders("context").load(at_once, None)


async def test_whoever_is_cancelled_takes_nothing_from_the_next() -> None:
    loaders = Loaders("context")
    first = asyncio.ensure_future(_load(loaders, 1))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await loaders.load(at_once, 1) == 2


async def _load(loaders: Loaders[str], key: int) -> int:
    return await loaders.load(at_once, key)
