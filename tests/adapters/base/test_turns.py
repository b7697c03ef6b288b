"""Turns: so many at once, the others in order; and what happens to a request whose client leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.base.turns import Turns
from gateway.graphql_route import ClientGone, _attended


async def test_places_are_given_in_the_order_of_asking() -> None:
    turns = Turns(1)
    assert turns.take()
    assert not turns.take()
    came: list[int] = []

    async def one(number: int) -> None:
        await turns.wait()
        came.append(number)
        await asyncio.sleep(0)
        turns.leave()

    waiting = [asyncio.ensure_future(one(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert turns.waiting == 5
    turns.leave()
    # Nobody gets past the queue.
    assert not turns.take()
    await asyncio.gather(*waiting)
    assert came == [0, 1, 2, 3, 4]
    assert turns.take()


@pytest.mark.parametrize("given", [False, True], ids=["while waiting", "in the moment of its turn"])
async def test_who_leaves_the_queue_keeps_no_place(given: bool) -> None:
    turns = Turns(1)
    turns.take()
    leaving = asyncio.ensure_future(turns.wait())
    await asyncio.sleep(0)
    if given:
        turns.leave()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    if not given:
        turns.leave()
    assert turns.waiting == 0
    assert turns.take()


async def test_a_query_ends_when_its_client_leaves() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await _attended(work(), receive)
    assert ended.is_set()
    me = asyncio.current_task()
    assert me is not None
    assert not me.cancelling()


async def test_a_cancellation_from_elsewhere_is_passed_on() -> None:
    async def receive() -> dict[str, Any]:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    task = asyncio.ensure_future(_attended(asyncio.Event().wait(), receive))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
