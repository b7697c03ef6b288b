"""A gateway without tools that sends to loopback, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adapters.base.secrets import Secret
from gateway.access.principal import AUDIENCE_SCOPES, Principal
from gateway.app import Gateway, open_gateway
from gateway.context import Context
from gateway.database import Database, Fact, append_facts
from gateway.database.rows import AnyRow
from gateway.database.tables.webhooks import webhook_delivery
from gateway.execution import compile_operation, run
from gateway.members.consent import Purpose
from gateway.schema import build_schema
from gateway.settings import ApiKey, Settings, Webhooks
from gateway.webhooks.endpoints import Wish
from gateway.webhooks.records import Endpoint
from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.databases import MASTER
from tests.gateway.webhooks_out.receiver import Receiver, receiving

AT = datetime(2026, 11, 11, 12, 57, tzinfo=UTC)
QUERY = (
    "query ($eventId: ID!) { event(id: $eventId) { eventId kind at reason order { id state } member { id phone } } }"
)
KEYS = (
    ApiKey(id="hq", key=Secret("headquarters-key"), audience="hq", scopes=frozenset({"pii:read"})),
    ApiKey(
        id="erp", key=Secret("partner-key-erp-1"), audience="partner", scopes=frozenset({"webhooks", "members:read"})
    ),
    ApiKey(
        id="crm", key=Secret("partner-key-crm-1"), audience="partner", scopes=frozenset({"webhooks", "members:read"})
    ),
    ApiKey(id="poor", key=Secret("partner-key-poor"), audience="partner", scopes=frozenset({"webhooks"})),
    ApiKey(id="mute", key=Secret("partner-key-mute"), audience="partner"),
)
SCHEMA = build_schema()


def principal(name: str = "erp") -> Principal:
    [key] = [each for each in KEYS if each.id == name]
    return Principal(key.id, key.audience, AUDIENCE_SCOPES[key.audience] | key.scopes)


def settings(url: str, **webhooks: Any) -> Settings:
    """Settings of a gateway without tools; in the sandbox, so that loopback may be sent to."""
    return Settings(
        environment="sandbox",
        database_url=url,
        master_key=Secret(base64.b64encode(MASTER).decode()),
        api_keys=KEYS,
        webhooks=Webhooks(**webhooks),
    )


class Stage:
    """One gateway whose jobs run when a test says so, and what it sends to."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.numbers = itertools.count(1)

    @property
    def database(self) -> Database:
        return self.gateway.services.database

    @property
    def endpoints(self) -> Any:
        return self.gateway.services.webhooks.endpoints

    async def endpoint(self, url: str, *kinds: str, caller: str = "erp", **wish: Any) -> tuple[Endpoint, str]:
        wish = {"query": QUERY, "purpose": Purpose.SERVICE} | wish
        made: tuple[Endpoint, str] = await self.endpoints.create(
            principal(caller), Wish(url=url, kinds=kinds or ("lead",), **wish)
        )
        return made

    async def happen(self, *reasons: str, kind: str = "lead", ad: str | None = None, **values: Any) -> None:
        """Events of one transaction, each of another entity unless ``ad``, an order or a member ties them."""
        facts = []
        for reason in reasons:
            number = next(self.numbers)
            facts.append(
                Fact(
                    kind=kind, occurred_at=AT + timedelta(seconds=number), source="own", source_key=f"{kind}{number}",
                    reason=reason, ad=ad or f"ad{number}", **values,
                )
            )  # fmt: skip
        async with self.database.write() as connection:
            await append_facts(connection, facts)

    async def drain(self) -> None:
        """Run what is due now; waits for nothing that is due later."""
        async with self.database.write() as connection:
            await self.gateway.services.webhooks.fan_out.put(connection)
        await self.gateway.worker.drain()

    async def until(self, true: Callable[[], bool]) -> None:
        """Run until something is true: on PostgreSQL whatever else writes there holds events back for a moment."""
        async with asyncio.timeout(30):
            while await self.drain() or not true():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def deliveries(self) -> list[AnyRow]:
        statement = select(webhook_delivery).order_by(webhook_delivery.c.seq)
        return list(await self.database.fetch(statement))

    async def states(self) -> list[str]:
        return [row.state for row in await self.deliveries()]

    def later(self, **by: float) -> None:
        """Move the gateway's clock on."""
        self.gateway.clock.advance(timedelta(**by))

    async def ask(self, document: str, caller: str = "erp", **variables: Any) -> dict[str, Any]:
        """A document of a caller, through the plan as the route runs it."""
        plan = compile_operation(SCHEMA, document)
        result = await run(plan, variables, Context(self.gateway.services, principal(caller), "request"))
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with open_gateway(settings(database_url)) as gateway:
        yield Stage(gateway)


OpenStage = Callable[..., Any]


@pytest.fixture
async def open_stage(database_url: str) -> AsyncIterator[OpenStage]:
    """``await open_stage(window=2)``: a gateway with other settings of webhooks."""
    async with AsyncExitStack() as stack:

        async def open_(**webhooks: Any) -> Stage:
            return Stage(await stack.enter_async_context(open_gateway(settings(database_url, **webhooks))))

        yield open_


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def other() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found
