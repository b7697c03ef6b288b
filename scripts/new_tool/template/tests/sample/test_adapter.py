"""What the adapter makes of the platform's answers."""

from __future__ import annotations

import pytest

from adapters.base.errors import NotFound, RateLimited
from adapters.sample import TOOL, Item, Note
from tests.conftest import OpenTool, StartSandbox


async def test_items(start_sandbox: StartSandbox, open_tool: OpenTool) -> None:
    sandbox = await start_sandbox("sample")
    adapter = await open_tool(TOOL, sandbox, "main")

    found = await adapter.items(["IT0002", "IT9999", "IT0001"])

    assert found[0] == Item("IT0002", "样例 2", 200)
    assert isinstance(found[1], NotFound)
    assert found[2] == Item("IT0001", "样例 1", 100)


async def test_a_note_is_kept_once(start_sandbox: StartSandbox, open_tool: OpenTool) -> None:
    sandbox = await start_sandbox("sample")
    adapter = await open_tool(TOOL, sandbox, "main")

    assert await adapter.add_note("k", "你好") == Note("NOTE000001")
    assert await adapter.add_note("k", "你好") == Note("NOTE000001")

    assert len(sandbox.kit.journal.of_kind("sample", "note")) == 1


async def test_too_fast(start_sandbox: StartSandbox, open_tool: OpenTool) -> None:
    sandbox = await start_sandbox("sample")
    adapter = await open_tool(TOOL, sandbox, "main", retries=False)
    sandbox.kit.faults.add("sample", "code", endpoint="GET /v1/account", value="too_fast")

    with pytest.raises(RateLimited) as caught:
        await adapter.ping()

    assert (caught.value.reason, caught.value.retry_after) == ("too_fast", 1.0)
