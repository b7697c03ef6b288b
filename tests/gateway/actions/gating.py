"""Something that happens between two rounds of the gate: the request's time is up, or its process dies."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any

import pytest

from adapters.base.deadline import _deadline
from gateway.members.gate import Asked, Decision, Gate
from tests.gateway.evening import Served


class Died(BaseException):
    """The process ended here."""


class Rounds:
    """Counts what the gate decides, a member or ``at_once`` of them a round."""

    def __init__(self, served: Served, patch: pytest.MonkeyPatch, at_once: int = 1) -> None:
        gate: Gate = served.gateway.services.gate
        self._decide = gate.decide
        #: How often each member was decided about.
        self.decided: Counter[str] = Counter()
        self.rounds = 0
        #: What happens after so many rounds, counted over all attempts.
        self.after: dict[int, Callable[[], None]] = {}
        #: The same, where it takes time: what another process does then.
        self.meanwhile: dict[int, Callable[[], Awaitable[None]]] = {}
        patch.setattr(gate, "at_once", at_once)
        patch.setattr(gate, "decide", self._counted)

    async def _counted(self, asked: Asked, member_ids: Sequence[str], **more: Any) -> list[Decision]:
        found = await self._decide(asked, member_ids, **more)
        self.decided.update(member_ids)
        self.rounds += 1
        self.after.pop(self.rounds, lambda: None)()
        if self.rounds in self.meanwhile:
            await elsewhere(self.meanwhile.pop(self.rounds))
        return found


async def elsewhere(work: Callable[[], Awaitable[None]]) -> None:
    """As another process does it, which knows nothing of this request and its time."""

    async def run() -> None:
        await work()

    await asyncio.create_task(run(), context=Context())


def time_is_up() -> None:
    """For whatever the running task does from now on."""
    _deadline.set(time.monotonic())


def dies() -> None:
    """Ends the running task; nothing that it committed is lost."""
    raise Died
