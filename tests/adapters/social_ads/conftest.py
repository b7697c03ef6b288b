"""The emulated platform with its one advertiser account, opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest

from adapters.social_ads import TOOL, SocialAdsAdapter
from adapters.social_ads.sandbox import Sandbox as Platform
from sandbox.server import Sandbox
from tests.conftest import OpenTool, StartSandbox


@dataclass(frozen=True)
class Ads:
    """A running sandbox, its platform, and an adapter on it."""

    sandbox: Sandbox
    platform: Platform
    adapter: SocialAdsAdapter

    def calls(self, endpoint: str) -> int:
        """Requests that the platform received, such as ``GET /v3.0/adgroups/get``."""
        return self.sandbox.kit.journal.count("social_ads", endpoint)

    async def act(self, action: str, **body: Any) -> Mapping[str, Any]:
        """Something that people do at the platform."""
        return await self.platform.actions()[action](body)


@pytest.fixture
async def ads(start_sandbox: StartSandbox, open_tool: OpenTool) -> Ads:
    sandbox = await start_sandbox("social_ads")
    adapter = await open_tool(TOOL, sandbox, "main")
    return Ads(sandbox, cast(Platform, sandbox.platforms["social_ads"]), adapter)


class LockingStore:
    """A SecretStore with a real lock, whose n-th ``put`` can be made to fail."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str, str], Mapping[str, str]] = {}
        self.puts = 0
        #: Set once something was put.
        self.written = asyncio.Event()
        self.fail: dict[int, BaseException] = {}
        self._lock = asyncio.Lock()

    async def get(self, tool: str, account: str, name: str) -> Mapping[str, str] | None:
        return self.values.get((tool, account, name))

    @asynccontextmanager
    async def rotate(self, tool: str, account: str, name: str) -> AsyncIterator[LockedPlace]:
        async with self._lock:
            yield LockedPlace(self, (tool, account, name))

    @property
    def only(self) -> Mapping[str, str]:
        """The one stored value."""
        (value,) = self.values.values()
        return value


class LockedPlace:
    """One held lock of a LockingStore."""

    def __init__(self, store: LockingStore, key: tuple[str, str, str]) -> None:
        self._store, self._key = store, key

    @property
    def value(self) -> Mapping[str, str] | None:
        return self._store.values.get(self._key)

    async def put(self, value: Mapping[str, str]) -> None:
        self._store.puts += 1
        if self._store.puts in self._store.fail:
            raise self._store.fail[self._store.puts]
        self._store.values[self._key] = dict(value)
        self._store.written.set()


@pytest.fixture
def store() -> LockingStore:
    return LockingStore()
