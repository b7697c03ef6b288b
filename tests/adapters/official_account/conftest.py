"""The emulated platform and an adapter of each account, over loopback."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.official_account import TOOL, OfficialAccountAdapter
from adapters.official_account.sandbox import Sandbox as Platform
from sandbox.server import Sandbox
from tests.conftest import OpenTool, StartSandbox


@pytest.fixture
async def sandbox(start_sandbox: StartSandbox) -> Sandbox:
    return await start_sandbox("official_account")


@pytest.fixture
def platform(sandbox: Sandbox) -> Platform:
    found: Any = sandbox.platforms["official_account"]
    assert isinstance(found, Platform)
    return found


@pytest.fixture
async def main(sandbox: Sandbox, open_tool: OpenTool) -> OfficialAccountAdapter:
    """The account whose callbacks are encrypted."""
    adapter: OfficialAccountAdapter = await open_tool(TOOL, sandbox, "main")
    return adapter


@pytest.fixture
async def outlet(sandbox: Sandbox, open_tool: OpenTool) -> OfficialAccountAdapter:
    """The account whose callbacks are plain."""
    adapter: OfficialAccountAdapter = await open_tool(TOOL, sandbox, "outlet")
    return adapter
