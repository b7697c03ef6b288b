"""The emulated platform and an adapter per account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from adapters.mini_program_store import TOOL, MiniProgramStoreAdapter
from sandbox.server import Sandbox
from tests.conftest import OpenTool, StartSandbox

NAME = "mini_program_store"

Act = Callable[..., Awaitable[Mapping[str, Any]]]


@pytest.fixture
async def platform(start_sandbox: StartSandbox) -> Sandbox:
    """The platform alone, on the evening of the story."""
    return await start_sandbox(NAME)


@pytest.fixture
async def store(platform: Sandbox, open_tool: OpenTool) -> MiniProgramStoreAdapter:
    """The 微信小店."""
    adapter: MiniProgramStoreAdapter = await open_tool(TOOL, platform, "store")
    return adapter


@pytest.fixture
async def flagship(platform: Sandbox, open_tool: OpenTool) -> MiniProgramStoreAdapter:
    """The mini-program 屿见旗舰店."""
    adapter: MiniProgramStoreAdapter = await open_tool(TOOL, platform, "flagship")
    return adapter


@pytest.fixture
def act(platform: Sandbox) -> Act:
    """``await act("order_new", person=…)``: somebody does something at the platform."""

    async def do(action: str, **given: Any) -> Mapping[str, Any]:
        return await platform.platforms[NAME].actions()[action](given)

    return do
