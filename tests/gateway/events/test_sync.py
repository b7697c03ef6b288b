"""The first sync reads the whole truth over HTTP, and later ones only what is new."""

from __future__ import annotations

from gateway.events.sync.stages import STAGES
from tests.gateway.events.conftest import StartFlow
from tests.gateway.events.truth import expected, stored


async def test_the_projections_equal_the_worlds_truth(start_flow: StartFlow) -> None:
    flow = await start_flow()
    states = await flow.sync()
    assert states == {(stage.tool, stage.stream): "DONE" for stage in STAGES}

    truth, found = expected(flow.sandbox.world), await stored(flow.database)
    for name, rows in truth.items():
        assert found[name] == rows, name
