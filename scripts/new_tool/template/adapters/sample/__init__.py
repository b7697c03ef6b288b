"""Sample (样例): items that are read by id, and notes that are written once per key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from adapters.base.runtime import Runtime
from adapters.base.spec import ToolSpec
from adapters.sample.adapter import SampleAdapter
from adapters.sample.client import SampleClient
from adapters.sample.config import SampleConfig
from adapters.sample.errors import FAULTS, NAME
from adapters.sample.records import Item, Note


@asynccontextmanager
async def _open(config: SampleConfig, runtime: Runtime) -> AsyncIterator[SampleAdapter]:
    yield SampleAdapter(config, SampleClient(config, runtime))


TOOL: Final[ToolSpec[SampleConfig, SampleAdapter]] = ToolSpec(
    name=NAME,
    title="样例",
    config=SampleConfig,
    adapter=SampleAdapter,
    open=_open,
    faults=FAULTS,
    exempt={
        "webhooks": "The platform does not call back.",
    },
)

__all__ = ["TOOL", "Item", "Note", "SampleAdapter", "SampleConfig"]
