"""What happens to webhooks on their way: doubled, overtaken, lost, forged, and answered by a process that is killed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from random import Random
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.http1 import Answer, request
from sandbox.pusher import Build, Delivery, Push

DOUBLED, OVERTAKEN, LOST, FORGED = 0.05, 0.05, 0.02, 0.01
#: Requests under way.
_AT_ONCE = 24
#: Seconds until somebody who heard no yes tries again: the platforms' pauses, shortened.
_PAUSE = 0.5


class Weather:
    """Sends deliveries. ``delivered`` and ``lost`` tell them apart; ``stored`` counts the answers that said yes."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held_back: list[Delivery] = []
        self.delivered: list[Delivery] = []
        self.lost: list[Delivery] = []
        self.doubled = self.overtaken = self.accepted = self.unheard = 0
        #: (tool, status of the answer) of every forged request.
        self.forged: Counter[tuple[str, int]] = Counter()

    async def send(self, deliveries: list[Delivery]) -> None:
        """Send these, in whatever order the weather makes of them; wait only while too much is under way."""
        for delivery in deliveries:
            luck = self._random.random()
            if luck < LOST:
                self.lost.append(delivery)
            elif luck < LOST + OVERTAKEN:
                self._held_back.append(delivery)
                self.overtaken += 1
            else:
                await self._start(delivery, twice=luck > 1 - DOUBLED)
        if len(self._held_back) > 40:
            await self._let_go()

    async def calm(self) -> None:
        """Everything on its way arrives."""
        await self._let_go()
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def forge(self, delivery: Delivery) -> None:
        """Somebody without the secret sends the same; returns with the answer."""
        answer = await self._until_answered(lambda: forged(delivery.platform, delivery.build()))
        self.forged[delivery.platform, answer.status] += 1

    async def _let_go(self) -> None:
        """What was held back, newest first."""
        held, self._held_back = self._held_back, []
        for delivery in reversed(held):
            await self._start(delivery, twice=False)

    async def _start(self, delivery: Delivery, *, twice: bool) -> None:
        self.delivered.append(delivery)
        self.doubled += twice
        for _ in range(2 if twice else 1):
            await self._free.acquire()
            task = asyncio.create_task(self._deliver(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            while True:
                answer = await self._until_answered(delivery.build)
                if delivery.accept(answer):
                    self.accepted += 1
                    return
                assert answer.status == 503, (delivery.platform, delivery.kind, answer)
                await asyncio.sleep(_PAUSE)
        finally:
            self._free.release()

    async def _until_answered(self, build: Build) -> Answer:
        while True:
            push = build()
            try:
                return await request(push.method, push.url, push.headers, push.body, seconds=30)
            except (OSError, TimeoutError, ValueError):
                self.unheard += 1
                await asyncio.sleep(_PAUSE)


def forged(tool: str, push: Push) -> Push:
    """The same request by somebody who has not the secret."""
    if tool == "payments":
        signature = push.headers["Wechatpay-Signature"]
        other = ("A" if signature[0] != "A" else "B") + signature[1:]
        return Push(push.method, push.url, {**push.headers, "Wechatpay-Signature": other}, push.body)
    parts = urlsplit(push.url)
    query: Mapping[str, str] = dict(parse_qsl(parts.query, keep_blank_values=True))
    if tool == "social_ads":
        query = {**query, "k": "x" * len(query["k"])}
    else:
        query = {**query, **{name: "0" * 40 for name in ("signature", "msg_signature") if name in query}}
    return Push(push.method, parts._replace(query=urlencode(query)).geturl(), push.headers, push.body)
