"""The operations that the contract suite is given do what they say."""

from __future__ import annotations

from tests.adapters.ip_content.contract import CASE
from tests.conftest import OpenTool, StartSandbox


async def test_every_operation_calls_its_endpoint_once(start_sandbox: StartSandbox, open_tool: OpenTool) -> None:
    for operation in CASE.operations:
        sandbox = await start_sandbox(CASE.spec.name)
        await operation.run(await open_tool(CASE.spec, sandbox, CASE.alias), sandbox)

        assert sandbox.kit.journal.count(CASE.spec.name, operation.endpoint) == 1
        assert sandbox.kit.journal.effects == []


async def test_a_revoked_token_is_renewed_once(start_sandbox: StartSandbox, open_tool: OpenTool) -> None:
    sandbox = await start_sandbox(CASE.spec.name)
    adapter = await open_tool(CASE.spec, sandbox, CASE.alias)
    await adapter.ping()
    assert CASE.refused_token is not None
    await CASE.refused_token(sandbox)

    await adapter.ping()

    assert sandbox.kit.journal.count(CASE.spec.name, "POST /ip/v1/token") == 2
    assert sandbox.kit.journal.count(CASE.spec.name, "GET /ip/v1/catalogue") == 3
