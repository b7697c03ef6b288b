"""The database fixtures, and gateways that serve subscriptions."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.gateway.subscriptions.live import Live, live, settings_for

OpenLive = Callable[..., Awaitable[Live]]


@pytest.fixture
async def open_live(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[OpenLive]:
    """``await open_live(backlog=3)``: a gateway with these settings of subscriptions."""
    async with AsyncExitStack() as stack:

        async def open_(**subscriptions: Any) -> Live:
            path = tmp_path / "live.db"
            shutil.copyfile(sqlite_template, path)
            settings = settings_for(f"sqlite:///{path}", subscriptions=subscriptions)
            return await stack.enter_async_context(live(settings))

        yield open_


@pytest.fixture
async def here(open_live: OpenLive) -> Live:
    """A gateway with the settings that it has by itself."""
    return await open_live()
