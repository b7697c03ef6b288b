"""Sends the platforms' webhooks, and loses, doubles or delays them on command."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox.http1 import Answer, request

log = logging.getLogger("sandbox.pusher")


@dataclass(frozen=True, slots=True)
class Push:
    """One HTTP request of a platform, final to the byte."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


#: Builds a push for one attempt: platforms sign each attempt anew.
Build = Callable[[], Push]
#: Says whether the receiver's answer counts as done.
Accept = Callable[[Answer], bool]
Mode = Literal["normal", "lose", "double", "hold"]


@dataclass(slots=True)
class Delivery:
    """One webhook on its way."""

    platform: str
    account: str
    kind: str
    build: Build
    accept: Accept
    retry_after: tuple[float, ...]
    attempts: list[int] = field(default_factory=list)
    state: Literal["sending", "done", "failed", "lost", "held"] = "sending"


class Pusher:
    """Webhook targets per (platform, account), and deliveries under way.

    Platforms call ``push``; the control API sets targets and modes.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self.targets: dict[tuple[str, str], str] = {}
        self.deliveries: list[Delivery] = []
        self.modes: dict[str, Mode] = {}
        #: Multiplies the platforms' retry pauses, so that tests need not wait for minutes.
        self.pace = 1.0
        self._tasks: set[asyncio.Task[None]] = set()

    def target(self, platform: str, account: str) -> str | None:
        """The URL that the brand entered in the platform's console for this account."""
        return self.targets.get((platform, account))

    def push(
        self,
        platform: str,
        account: str,
        kind: str,
        build: Build,
        *,
        accept: Accept,
        retry_after: tuple[float, ...] = (),
    ) -> Delivery:
        """Start delivering; ``retry_after`` are the platform's pauses between attempts, in seconds."""
        delivery = Delivery(platform, account, kind, build, accept, retry_after)
        self.deliveries.append(delivery)
        mode = self.modes.get(platform, "normal")
        if mode == "lose":
            delivery.state = "lost"
            return delivery
        if mode == "hold":
            delivery.state = "held"
            return delivery
        for _ in range(2 if mode == "double" else 1):
            self._start(self._deliver(delivery))
        return delivery

    def release(self, platform: str, *, newest_first: bool = False) -> int:
        """Deliver what was held; newest first is how reordering looks. Returns how many."""
        held = [d for d in self.deliveries if d.platform == platform and d.state == "held"]
        if newest_first:
            held.reverse()
        for delivery in held:
            delivery.state = "sending"
        self._start(self._one_after_another(held))
        return len(held)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one_after_another(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await self._deliver(delivery)

    async def _deliver(self, delivery: Delivery) -> None:
        for pause in (0.0, *delivery.retry_after):
            await self._sleep(pause * self.pace)
            push = delivery.build()
            try:
                answer = await request(push.method, push.url, push.headers, push.body, seconds=5)
            except (OSError, TimeoutError, ValueError) as error:
                log.debug("%s webhook %s: %s", delivery.platform, delivery.kind, error)
                delivery.attempts.append(0)
                continue
            delivery.attempts.append(answer.status)
            if delivery.accept(answer):
                delivery.state = "done"
                return
        if delivery.state != "done":
            delivery.state = "failed"
