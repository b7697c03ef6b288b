"""A gateway that is opened, closed and killed inside one loop: what a process is, without the process."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any

import msgspec

from adapters.base.secrets import Secret
from adapters.base.transport import HttpTransport
from adapters.base.webhooks import WebhookRequest
from gateway.app import Gateway, _schema, open_gateway
from gateway.context import Services
from gateway.execution import PlanCache
from gateway.jobs import Worker
from gateway.transactions.recovery import Recovered, Recovery
from sandbox.pusher import Push
from sandbox.server import Sandbox
from tests.crashes.killing import DeadlyTransport, Deaths, watch_commits
from tests.crashes.playing import Stage
from tests.databases import MASTER
from tests.gateway.transactions.shop import settings_for


class Died(BaseException):
    """The process is gone. No ``except Exception`` sees it, as none would see a SIGKILL."""


class Mortality(Deaths):
    """Ends what runs at the n-th instant from when it was armed, and all that comes after it in this process."""

    def __init__(self) -> None:
        super().__init__(None)
        self._left = 0
        self.dead = False
        self.died = asyncio.Event()

    def arm_for(self, instants: int) -> None:
        """Die at the ``instants``-th instant from now."""
        self._left = instants

    def reach(self, label: str) -> None:
        """See ``Deaths``."""
        if self._left:
            self._left -= 1
            self.dead = self._left == 0
        if self.dead:
            self.died.set()
            raise Died(label)


class Mortal:
    """One gateway of several on a database. Its worker only works when it is told to."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self._sandbox = sandbox
        self._url = url
        self._stack = AsyncExitStack()
        self._deaths = Mortality()
        self.gateway: Gateway
        self.worker: Worker
        self._plans = PlanCache(_schema())

    @property
    def services(self) -> Services:
        """What its resolvers use."""
        return self.gateway.services

    async def open(self) -> None:
        """Begin with nothing but what the database has."""
        self._stack, self._deaths = AsyncExitStack(), Mortality()
        settings = settings_for(self._sandbox, self._url)
        # Opening an account of 微信支付 means checking its RSA key: one is enough.
        main = settings.tools["payments"]["accounts"]["main"]
        settings = msgspec.structs.replace(
            settings,
            tools={**settings.tools, "payments": {"accounts": {"main": main}}},
            master_key=Secret(base64.b64encode(MASTER).decode()),
            clock_offset_seconds=self._sandbox.kit.clock.offset.total_seconds(),
        )
        wire = DeadlyTransport(await self._stack.enter_async_context(HttpTransport()), self._deaths)
        self.gateway = await self._stack.enter_async_context(open_gateway(settings, transport=wire))
        watch_commits(self.services.database, self._deaths)
        handlers = self.gateway.worker._handlers
        # Few at a time: SQLite has one writer, and what is tested is order and not throughput.
        self.worker = Worker(self.services.queue, handlers, concurrency=3, clock=self.gateway.clock)

    async def close(self) -> None:
        """Stop. What is under way is waited for, unless the process is dead: then it is not heard of again."""
        if not self._deaths.dead:
            await self.services.checkout.drain()
            await self._stack.aclose()
            return
        for task in (*self.services.checkout._running, *self.services.checkout.atomics.undoing):
            task.cancel()
        with suppress(Died, TimeoutError):
            # Some parts wait at their end for tasks that have died.
            await asyncio.wait_for(self._stack.aclose(), 1)

    async def dying(self, instants: int, work: Callable[[], Awaitable[Any]]) -> bool:
        """Do some work, die at its n-th commit or effect, and begin anew; False when it ended before."""
        self._deaths.arm_for(instants)
        task, death = asyncio.ensure_future(work()), asyncio.ensure_future(self._deaths.died.wait())
        await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
        self._deaths.arm_for(0)
        died = self._deaths.dead
        for each in (task, death):
            each.cancel()
        [ended, _] = await asyncio.gather(task, death, return_exceptions=True)
        if died:
            await self.close()
            await self.open()
        elif isinstance(ended, BaseException):
            raise ended
        return died

    async def recover(self) -> Recovered:
        """What ``retail-gateway recover --once`` does."""
        return await Recovery(self.services.database, self.gateway.clock).once(self.worker)

    async def told(self, push: Push) -> int:
        """A notification arrives; what it is answered with."""
        _, tool, account = push.url.rsplit("/", 2)
        headers = {name.lower(): value for name, value in push.headers.items()}
        request = WebhookRequest(push.method, {}, headers, push.body, "")
        return (await self.gateway.inbox.receive(tool, account, request)).status

    def stage(self) -> Stage:
        """For documents, and sessions."""
        return Stage(self.gateway, self.worker, self._plans, "", "")

    def advance(self, by: timedelta) -> None:
        """Time passes here."""
        self.gateway.clock.advance(by)
