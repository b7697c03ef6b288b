"""The platform and its main account, for every test here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.payments import TOOL, PaymentsAdapter
from sandbox.server import Sandbox
from tests.conftest import OpenTool, StartSandbox


@pytest.fixture
async def sandbox(start_sandbox: StartSandbox) -> Sandbox:
    return await start_sandbox("payments", size=50)


@pytest.fixture
async def adapter(sandbox: Sandbox, open_tool: OpenTool) -> PaymentsAdapter:
    opened: PaymentsAdapter = await open_tool(TOOL, sandbox, "main")
    return opened


async def act(sandbox: Sandbox, name: str, **asked: Any) -> Mapping[str, Any]:
    """What somebody does at the platform."""
    return await sandbox.platforms["payments"].actions()[name](asked)
