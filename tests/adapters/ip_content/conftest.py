"""A licensee with its tables, in front of the emulated rights service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.ip_content import TOOL, IpContentAdapter
from sandbox.server import Sandbox
from sandbox.world import Person
from tests.adapters.ip_content.database import Tables, tables
from tests.conftest import OpenTool, StartSandbox
from tests.databases import *  # noqa: F403 - fixtures are found by name.

PLATFORM = "ip_content"


@dataclass
class House:
    """Everything that a test touches."""

    sandbox: Sandbox
    sql: Tables
    adapter: IpContentAdapter

    async def at_department(self, action: str, **body: Any) -> Mapping[str, Any]:
        """Somebody at the licensing department does something."""
        return await self.sandbox.platforms[PLATFORM].actions()[action](body)

    async def publish(self, action: str, **body: Any) -> None:
        """The same, and the gateway imports it."""
        await self.at_department(action, **body)
        assert (await self.adapter.import_catalogue()).changed

    def person(self, story: str) -> Person:
        return self.sandbox.world.people[self.sandbox.world.cast[story]]

    def calls(self, endpoint: str) -> int:
        return self.sandbox.kit.journal.count(PLATFORM, endpoint)


@pytest.fixture
async def sql() -> AsyncIterator[Tables]:
    async with tables() as opened:
        yield opened


@pytest.fixture
async def empty_house(start_sandbox: StartSandbox, open_tool: OpenTool, sql: Tables) -> House:
    """Nothing imported yet."""
    sandbox = await start_sandbox(PLATFORM)
    return House(sandbox, sql, await open_tool(TOOL, sandbox, "main", sql=sql))


@pytest.fixture
async def house(empty_house: House) -> House:
    """The catalogue is imported."""
    await empty_house.adapter.import_catalogue()
    return empty_house
