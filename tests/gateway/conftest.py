"""Fixtures of the tests that read: one evening per session, and gateways over copies of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.demo.stage import Stage, staged
from tests.conftest import EVENING
from tests.gateway.evening import Change, Served, play, serve

OpenServed = Callable[..., Awaitable[Served]]


@dataclass(frozen=True, slots=True)
class Evening:
    """The stage, the sessions of who logged in, and a gateway to read from."""

    stage: Stage
    sessions: dict[str, str]
    served: Served
    #: How many orders the store platform had then: tests place more.
    store_orders: int


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def evening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evening]:
    """Started once: the first sync takes seconds."""
    folder = tmp_path_factory.mktemp("evening")
    async with staged(now=EVENING, folder=folder) as stage:
        sessions = await play(stage)
        (folder / "served").mkdir()
        async with serve(stage, folder / "served", sessions) as served:
            yield Evening(stage, sessions, served, len(stage.sandbox.world.store_orders))


@pytest.fixture
def served(evening: Evening) -> Iterator[Served]:
    """The gateway that many tests read and none changes; the platforms behave again after each test."""
    yield evening.served
    evening.stage.sandbox.kit.faults.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def open_served(evening: Evening, tmp_path: Path) -> AsyncIterator[OpenServed]:
    """``await open_served(without("payments"), …)``: one more gateway, over a copy that the test may change.

    The platforms are those of all tests: they behave again afterwards, at their own time.
    """
    clock = evening.stage.sandbox.kit.clock
    offset = clock.offset
    async with AsyncExitStack() as stack:
        opened = 0

        async def open_(*changes: Change) -> Served:
            nonlocal opened
            opened += 1
            folder = tmp_path / str(opened)
            folder.mkdir()
            return await stack.enter_async_context(serve(evening.stage, folder, evening.sessions, *changes))

        yield open_
    clock.advance(offset - clock.offset)
    evening.stage.sandbox.kit.faults.clear()
