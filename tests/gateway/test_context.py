"""What one request holds is gone when its answer is."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from gateway.context import Context
from gateway.loaders import Loaders


@pytest.fixture
def _collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def doubled(context: Context, keys: Sequence[int]) -> Sequence[int]:
    del context
    return [key * 2 for key in keys]


def _alive() -> int:
    return sum(isinstance(each, Loaders) for each in gc.get_objects())


@pytest.mark.usefixtures("_collector_off")
async def test_a_released_context_leaves_nothing_to_the_garbage_collector() -> None:
    nothing = cast(Any, None)
    before = _alive()
    context = Context(nothing, nothing, "1")
    assert await context.loaders.load(doubled, 2) == 4
    assert _alive() == before + 1

    context.release()
    del context

    assert _alive() == before


async def test_what_still_runs_may_load_anew() -> None:
    nothing = cast(Any, None)
    context = Context(nothing, nothing, "1")
    first = context.loaders
    context.release()

    assert await context.loaders.load(doubled, 3) == 6
    assert context.loaders is not first
