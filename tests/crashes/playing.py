"""What runs in the process that dies: a whole gateway, and one scenario played on it."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select

from adapters.base.transport import HttpTransport
from adapters.base.webhooks import WebhookRequest
from gateway.access.principal import Principal
from gateway.app import Gateway, _schema, open_gateway
from gateway.cli import main as command
from gateway.context import Context
from gateway.database.tables.members import identity
from gateway.execution import Plan, PlanCache, run
from gateway.jobs import Worker
from gateway.schema.atomic import hooks
from gateway.settings import load
from tests.crashes.killing import DeadlyTransport, Deaths, watch_commits

_schema()  # Built in the zygote, and shared by all who are forked from it.


class Scenario(Protocol):
    """Something that crosses several books. ``act`` runs in the process that may die."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        """Play it to its end."""
        ...


@dataclass(slots=True)
class Stage:
    """What a scenario may use."""

    gateway: Gateway
    worker: Worker
    plans: PlanCache
    control: str
    postbox: str

    async def shopper(self, appid: str, openid: str) -> Principal:
        """The session of a shopper whom the gateway knows."""
        row = await self.gateway.services.database.one(
            select(identity.c.id, identity.c.member).where(
                identity.c.kind == "OPENID", identity.c.issuer == appid, identity.c.value_hash == openid
            )
        )
        assert row is not None
        return Principal("mini-program", "frontend", frozenset({"checkout"}), row.member, row.id, appid)

    def act(self, platform: str, action: str, **values: Any) -> Any:
        """What people do at a platform."""
        return _ask(f"{self.control}/control/platforms/{platform}/{action}", values)

    def pass_time(self, seconds: float) -> None:
        """Time passes, at the platforms and here."""
        _ask(f"{self.control}/control/clock/advance", {"seconds": seconds})
        self.gateway.clock.advance(timedelta(seconds=seconds))

    async def mutate(self, caller: Principal, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data of a document's answer, without HTTP."""
        plan = self.plans.plan(text)
        assert isinstance(plan, Plan), plan.errors
        context = Context(self.gateway.services, caller, "played")
        result = await run(plan, variables, context, **await hooks(plan, variables, context))
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    async def notified(self) -> None:
        """The next notification arrives, as it came over the wire."""
        letter = _ask(f"{self.postbox}/next")
        request = WebhookRequest("POST", {}, letter["headers"], base64.b64decode(letter["body"]), "")
        await self.gateway.inbox.receive(letter["tool"], letter["account"], request)

    async def work(self) -> None:
        """Run the jobs that are due, one after another, so that every run has the same order."""
        await self.worker.drain()


def _ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=20) as answer:  # noqa: S310 — loopback
        return json.load(answer)


def play(scenario: str, settings: str, control: str, postbox: str, values: dict[str, Any], die: list[Any] | None,
         seen: str) -> int:  # fmt: skip
    """Play a scenario, and die at the instant ``die``: a label, and which of its occurrences, from 0.

    Writes the instants that were reached into the file ``seen``.
    """
    module, _, name = scenario.partition(":")
    made: Scenario = getattr(__import__(module, fromlist=[name]), name)()
    deaths = Deaths(None if die is None else (die[0], die[1]))
    asyncio.run(_play(made, Path(settings), control, postbox, values, deaths))
    Path(seen).write_text(json.dumps(deaths.labels))
    return 0


async def _play(
    scenario: Scenario, settings: Path, control: str, postbox: str, values: dict[str, Any], deaths: Deaths
) -> None:
    async with (
        HttpTransport() as transport,
        open_gateway(load(settings, {}), transport=DeadlyTransport(transport, deaths)) as gateway,
    ):
        watch_commits(gateway.services.database, deaths)
        worker = Worker(gateway.services.queue, gateway.worker._handlers, concurrency=1, clock=gateway.clock)
        deaths.arm()
        await scenario.act(Stage(gateway, worker, PlanCache(_schema()), control, postbox), values)


def recover(settings: str) -> int:
    """``retail-gateway recover --once`` in a process of its own."""
    command(["recover", "--once", "--settings", settings])
    return 0
