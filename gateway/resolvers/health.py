"""How the seven tools are: configured, reachable, and how far their data has been read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.base.deadline import deadline
from adapters.base.errors import UpstreamError
from adapters.base.spec import Adapter
from adapters.registry import TOOLS
from gateway.context import Services
from gateway.events.sync.run import Progress

PING_SECONDS = 3.0
#: How long an answer about the tools is good for those who may ask without a key.
STATES_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ToolHealth:
    """One account of one tool; ``state`` is OK, NOT_CONFIGURED, or an error kind."""

    tool: str
    title: str
    account: str | None
    state: str
    message: str | None
    calls: int
    streams: tuple[Progress, ...]


async def tools(services: Services) -> Sequence[ToolHealth]:
    """Every tool, each account asked once and at the same time."""
    progress = await services.sync.progress()
    open_ = services.tools.items()
    states = await asyncio.gather(*(_ping(adapter) for _, _, adapter in open_))
    found = [
        ToolHealth(
            tool,
            next(spec.title for spec in TOOLS if spec.name == tool),
            adapter.account,
            state,
            message,
            services.meter.calls[tool],
            tuple(p for p in progress if p.tool == tool and p.account == adapter.account),
        )
        for (tool, _, adapter), (state, message) in zip(open_, states, strict=True)
    ]
    configured = {each.tool for each in found}
    missing = [
        ToolHealth(spec.name, spec.title, None, "NOT_CONFIGURED", None, 0, ())
        for spec in TOOLS
        if spec.name not in configured
    ]
    return found + missing


class States:
    """The worst state of each tool's accounts, asked for at most once in ``STATES_SECONDS``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._states: dict[str, str] = {}
        self._counted_at = float("-inf")
        self._quotas: dict[str, str] = {}

    async def states(self) -> dict[str, str]:
        """Tool → OK, NOT_CONFIGURED or an error kind."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= STATES_SECONDS:
                found = await tools(self._services)
                self._states = {each.tool: each.state for each in sorted(found, key=lambda h: h.state != "OK")}
                self._asked_at = time.monotonic()
            return self._states

    async def quotas(self) -> dict[str, str]:
        """Tool → OK, LOW (a tenth or less is left of some allowance) or SPENT; tools without allowances are left out.

        One statement, at most once in ``STATES_SECONDS``.
        """
        async with self._lock:
            if time.monotonic() - self._counted_at >= STATES_SECONDS:
                self._quotas = {}
                for each in await self._services.tools.quotas.states():
                    state = "SPENT" if each.left == 0 else "LOW" if each.left * 10 <= each.limit else "OK"
                    self._quotas[each.tool] = max(self._quotas.get(each.tool, "OK"), state, key=_WORSE.index)
                self._counted_at = time.monotonic()
            return self._quotas


_WORSE = ("OK", "LOW", "SPENT")


async def _ping(adapter: Adapter) -> tuple[str, str | None]:
    try:
        with deadline(PING_SECONDS):
            await adapter.ping()
    except UpstreamError as error:
        return error.kind, error.message
    return "OK", None
