"""Unmodified SDKs against the sandbox: under the platforms' own host names, over TLS."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sandbox.server import Sandbox
from tests.conftest import StartSandbox
from tests.vendor_sdk.front import Front, fronting

T = TypeVar("T")
#: ``await call(function, *args, **kwargs)``: a blocking SDK's call on a thread, so that the sandbox can answer it.
Call = Callable[..., Awaitable[Any]]
StartFront = Callable[..., Awaitable[tuple[Sandbox, Front]]]

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here carries the marker."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.vendor_sdk)


@pytest.fixture
async def start_front(
    start_sandbox: StartSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StartFront]:
    """``await start_front("payments", …)``: these platforms under their public names, for this process.

    The sandbox's clock runs at the real time, because SDKs sign and check with it.
    """
    async with AsyncExitStack() as stack:

        async def start(*names: str, **options: Any) -> tuple[Sandbox, Front]:
            sandbox = await start_sandbox(*names, now=None, **options)
            front = await stack.enter_async_context(fronting(tmp_path, sandbox.urls))
            for name in [name for name in os.environ if name.lower() in ("http_proxy", "all_proxy", "no_proxy")]:
                monkeypatch.delenv(name)
            for name, value in front.environment.items():
                monkeypatch.setenv(name, value)
            return sandbox, front

        yield start


@pytest.fixture
def call() -> Call:
    async def run(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await asyncio.to_thread(functools.partial(function, *args, **kwargs))

    return run
