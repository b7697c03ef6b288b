"""Shops to buy in, over the emulated platforms."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.database import Database, Keyring
from gateway.runtime import CountingMeter, open_tools
from tests.conftest import StartSandbox
from tests.databases import *  # noqa: F403
from tests.databases import MASTER, Content, content_of, fill
from tests.gateway.transactions.shop import TOOLS, Shop, Skewed, open_shop, projector_of, settings_for, stock_shelves

OpenShop = Callable[..., Awaitable[Shop]]


class Shelves:
    """Full shelves to begin with: filling them takes longer than most tests, and the world is the same for all.

    What the first shop on either system learned is kept for the shops after it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "stocked.db"
        self._content: Content | None = None

    def bring(self, url: str) -> bool:
        """Stock a migrated, empty database. False when there is nothing kept yet."""
        if not url.startswith("sqlite:"):
            if self._content is not None:
                fill(url, self._content)
            return self._content is not None
        if self._file.exists():
            shutil.copyfile(self._file, url.removeprefix("sqlite:///"))
        return self._file.exists()

    def keep(self, url: str) -> None:
        """Keep what a database holds, which has just been stocked and has nothing else."""
        if not url.startswith("sqlite:"):
            self._content = content_of(url)
            return
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("VACUUM INTO ?", (str(self._file),))


@functools.cache
def _shelves(folder: Path) -> Shelves:
    """Those of this process. No fixture: ``opens`` is imported into many files, and should not bring another along."""
    return Shelves(folder)


@pytest.fixture
async def opens(start_sandbox: StartSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenShop]:
    """``await opens(url, without=(…,), **checkout_settings)``: a shop on a database of one's own.

    ``skew`` is how far the gateway's clock is ahead of the platforms'; ``more`` are tools besides the usual ones.
    """
    shelves = _shelves(tmp_path_factory.getbasetemp())
    async with AsyncExitStack() as stack:

        async def start(
            url: str,
            *,
            without: tuple[str, ...] = (),
            more: tuple[str, ...] = (),
            skew: timedelta = timedelta(),
            **checkout: Any,
        ) -> Shop:
            sandbox = await start_sandbox(*TOOLS, *more)
            described = settings_for(sandbox, url, without=without, **checkout)
            clock = Skewed(sandbox.kit.clock, skew)
            usual = not without and not skew
            stocked = usual and shelves.bring(url)
            database = await stack.enter_async_context(Database.open(url, Keyring(MASTER), clock=clock))
            opened = await stack.enter_async_context(open_tools(described, database, clock, CountingMeter()))
            if not stocked:
                # Before anything else is learned, also by the shops that begin with a copy.
                earlier = Skewed(sandbox.kit.clock, skew - timedelta(minutes=5))
                await stock_shelves(opened, projector_of(database, described, earlier), sandbox)
            if usual and not stocked:
                shelves.keep(url)
            return await open_shop(sandbox, database, opened, described, clock)

        yield start


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    shutil.copyfile(sqlite_template, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
async def shop(opens: OpenShop, sqlite_url: str) -> Shop:
    """A shop on SQLite."""
    return await opens(sqlite_url)


@pytest.fixture
async def any_shop(opens: OpenShop, database_url: str) -> Shop:
    """A shop on SQLite and on PostgreSQL in turn."""
    return await opens(database_url)
