"""A gateway whose seven tools are the sandbox, for tests of what comes in."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from sqlalchemy import Table, delete, select

from adapters.registry import TOOLS
from gateway.app import Gateway, create_app, open_gateway
from gateway.database import Database
from gateway.database.tables.jobs import job
from gateway.demo.stage import Keys, register_webhooks, sandbox_settings
from gateway.ports import listen
from gateway.serving import serving
from gateway.settings import Settings
from gateway.webhooks.outgoing import WATCH_JOB
from sandbox.http1 import Answer, request
from sandbox.server import Sandbox
from tests.conftest import StartSandbox
from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.databases import MASTER

ALL = tuple(spec.name for spec in TOOLS)
#: Shoppers besides the cast: the least with which every stream has rows.
SIZE = 60


@dataclass
class Flow:
    """The sandbox, the gateway on it, and what tests ask of both."""

    sandbox: Sandbox
    settings: Settings
    gateway: Gateway
    url: str = ""

    @property
    def database(self) -> Database:
        return self.gateway.services.database

    async def rows(self, table: Table, *columns: str) -> list[Any]:
        """All rows, by primary key; of jobs without the one that waits for events to send, in every gateway."""
        wanted = [table.c[name] for name in columns] if columns else [table]
        statement = select(*wanted).order_by(*table.primary_key)
        if table is job:
            statement = statement.where(job.c.kind != WATCH_JOB)
        return list(await self.database.fetch(statement))

    async def act(self, platform: str, action: str, **values: Any) -> Mapping[str, Any]:
        """Something a person does at a platform."""
        return await self.sandbox.platforms[platform].actions()[action](values)

    def calls(self, after: int = 0) -> Counter[tuple[str, str]]:
        """Calls that the platforms received since a sequence number: (platform, endpoint) → how many."""
        return Counter((c.platform, c.endpoint) for c in self.sandbox.kit.journal.calls if c.sequence > after)

    def mark(self) -> int:
        """The number of the journal's newest entry."""
        return self.sandbox.kit.journal.next_sequence()

    async def sync(self, *only: str) -> dict[tuple[str, str], str]:
        """Read master data and the streams, until each was tried; (tool, stream) → state of the worst account."""
        await self.gateway.import_master_data()
        await self.gateway.services.sync.enqueue(only)
        await self.gateway.services.sync.finish(self.gateway.worker)
        states: dict[tuple[str, str], str] = {}
        for each in await self.gateway.services.sync.progress():
            if states.get((each.tool, each.stream), "DONE") == "DONE":
                states[each.tool, each.stream] = each.state
        return states

    async def quiet(self) -> None:
        """Wait until every delivery is over and every job that is due has run."""
        await self.sandbox.kit.pusher.settle()
        while await self.gateway.services.queue.due():  # noqa: ASYNC110 - nothing signals this to a client.
            await asyncio.sleep(0.005)

    async def send(self, path: str, body: bytes = b"", *, method: str = "POST", **headers: str) -> Answer:
        """A request of anybody to the gateway's webhooks."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await request(method, f"{self.url}/hooks/{path}", named, body)

    async def health(self) -> Mapping[str, Any]:
        """What /health answers."""
        answer: Mapping[str, Any] = orjson.loads((await request("GET", f"{self.url}/health")).body)
        return answer


StartFlow = Callable[..., Awaitable[Flow]]


@pytest.fixture
async def start_flow(start_sandbox: StartSandbox, tmp_path: Path, sqlite_template: Path) -> AsyncIterator[StartFlow]:
    """``await start_flow(*tools, served=False, database=url, **settings)``: all seven tools by default."""
    async with AsyncExitStack() as stack:

        async def start(
            *tools: str, served: bool = False, database: str = "", size: int = SIZE, **changes: Any
        ) -> Flow:
            if not database:
                shutil.copyfile(sqlite_template, tmp_path / "flow.db")
                database = f"sqlite:///{tmp_path}/flow.db"
            sandbox = await start_sandbox(*(tools or ALL), size=size)
            # What happened in this very second is read by the next sync: windows end before now.
            sandbox.kit.clock.advance(timedelta(seconds=2))
            listener = listen("127.0.0.1", 0)
            settings = sandbox_settings(
                sandbox.describe(),
                database=database,
                host="127.0.0.1",
                port=listener.getsockname()[1],
                keys=Keys("hq_" + "0" * 24, "mp_" + "0" * 24),
                master_key=base64.b64encode(MASTER).decode(),
            )
            settings = msgspec.structs.replace(settings, **changes)
            if not served:
                listener.close()
                return Flow(sandbox, settings, await stack.enter_async_context(open_gateway(settings)))
            register_webhooks(sandbox, settings)
            sandbox.kit.pusher.pace = 0.001
            app = create_app(settings)
            await stack.enter_async_context(serving(app, listener))
            flow = Flow(sandbox, settings, app.state.gateway, settings.public_url)
            # Only jobs that come of what comes in; tomorrow's are none of them.
            recurring = [each.kind for each in flow.gateway.recurring]
            async with flow.database.write() as connection:
                await connection.execute(delete(job).where(job.c.kind.in_(recurring)))
            return flow

        yield start
