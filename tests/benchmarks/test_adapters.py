"""Who is compared in ``benchmarks.adapters`` tells the same. Nothing is timed."""

from __future__ import annotations

import pytest

pytest.importorskip("aiohttp", reason="the peers are not set up: make peers")

from benchmarks.adapters.__main__ import compare, emulated
from benchmarks.adapters.callers import callers


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_every_caller_is_told_the_same() -> None:
    with emulated() as upstream:
        async with callers(upstream, 2) as calls:
            await compare(calls)
            assert {name: len(each) for name, each in calls.items()} == {
                "official_account.tags": 4,
                "enterprise_chat.employee": 2,
                "payments.payment": 5,
                "cloud_storage.head": 4,
                "cloud_storage.temporary_key": 2,
            }
