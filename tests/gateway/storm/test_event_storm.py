"""Twenty thousand webhooks in bad weather, while the gateway is killed three times: nothing is lost, nothing doubled.

``EVENT_STORM`` says how many instead. ``pytest -m event_storm -s`` prints the rates.
"""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from adapters.registry import TOOLS
from gateway.database import Database, Keyring
from gateway.database.tables.facts import fact
from gateway.database.tables.inbox import inbox
from gateway.database.tables.ledger import identity_total
from gateway.database.tables.members import identity
from gateway.demo.stage import Keys, register_webhooks, sandbox_values
from gateway.ports import listen
from gateway.settings import from_mapping
from sandbox.clock import BEIJING
from sandbox.pusher import Delivery
from sandbox.server import Sandbox
from tests.conftest import StartSandbox
from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.databases import MASTER
from tests.gateway.events.truth import stored
from tests.gateway.storm.aftermath import Aftermath, now_world
from tests.gateway.storm.crowd import Crowd
from tests.gateway.storm.process import GatewayProcess, command, write_settings
from tests.gateway.storm.weather import FORGED, Weather

EVENTS = int(os.environ.get("EVENT_STORM", "20000"))
KILLS = 3
#: Seconds without progress after which events are stuck: leases of killed processes are shorter.
STUCK = 150
SEED = 20261111
SENDING = ("official_account", "payments", "mini_program_store", "social_ads", "enterprise_chat")


class Site:
    """A sandbox, and a gateway in a process of its own on a database."""

    def __init__(self, sandbox: Sandbox, database_url: str, folder: Path) -> None:
        self.sandbox, self._database_url, self.settings = sandbox, database_url, folder / "gateway.toml"
        listener = listen("127.0.0.1", 0)
        self._port = listener.getsockname()[1]
        listener.close()
        self.url = f"http://127.0.0.1:{self._port}"
        self.configure()
        self.gateway = GatewayProcess(self.settings, self.url, folder / "gateway.log")

    def configure(self) -> None:
        """Write the settings, with the sandbox's clock as it is."""
        values = sandbox_values(
            self.sandbox.describe(),
            database=self._database_url,
            host="127.0.0.1",
            port=self._port,
            keys=Keys("hq_" + "0" * 24, "mp_" + "0" * 24),
            master_key=base64.b64encode(MASTER).decode(),
        )
        write_settings(self.settings, values)
        register_webhooks(self.sandbox, from_mapping(values))

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The gateway's database, read beside it."""
        async with Database.open(self._database_url, Keyring(MASTER)) as opened:
            yield opened

    async def unhandled(self, database: Database) -> int:
        """Stored events that are not done."""
        row = await database.one(select(func.count()).where(inbox.c.state != "DONE"))
        assert row is not None
        return int(row[0])


@pytest.mark.event_storm
async def test_every_projection_equals_the_truth(
    start_sandbox: StartSandbox, database_url: str, tmp_path: Path
) -> None:
    sandbox = await start_sandbox(*(spec.name for spec in TOOLS), size=max(60, min(600, EVENTS // 20)))
    site = Site(sandbox, database_url, tmp_path)
    for tool in SENDING:
        sandbox.kit.pusher.modes[tool] = "hold"
    weather = Weather(SEED)
    refused: Counter[str] = Counter()
    await site.gateway.start()
    try:
        begun = time.monotonic()
        down = await _storm(site, weather, refused)
        stored_in = time.monotonic() - begun - down
        async with site.database() as database:
            await _handled(site, database)
        handled_in = time.monotonic() - begun - down
        refused += Counter((await site.gateway.health())["webhooksRefused"])
    finally:
        await site.gateway.stop()

    # The next morning yesterday's bill is there, and the catch-up reads what was lost.
    _until_the_bill(sandbox)
    site.configure()
    begun = time.monotonic()
    code, printed = await command("sync", "--settings", str(site.settings))
    synced_in = time.monotonic() - begun
    assert code == 0, printed

    deliveries = sandbox.kit.pusher.deliveries
    events = len(deliveries) - len(weather.lost)
    print(  # noqa: T201 - these figures are asked for.
        f"\n{database_url.split(':')[0]}: {len(deliveries)} webhooks, {weather.doubled} doubled, {weather.overtaken} "
        f"overtaken, {len(weather.lost)} lost, {sum(weather.forged.values())} forged, {KILLS} kills ({down:.0f} s "
        f"away); stored {weather.accepted / stored_in:.0f}/s, handled {events / handled_in:.0f}/s in "
        f"{handled_in:.0f} s, sync {synced_in:.0f} s; CPU: gateway {_cpu(resource.RUSAGE_CHILDREN):.0f} s, sandbox and "
        f"storm {_cpu(resource.RUSAGE_SELF):.0f} s"
    )
    assert len(deliveries) >= EVENTS
    assert weather.accepted == events + weather.doubled
    # Forged ones were refused, and counted.
    assert set(weather.forged) == {(tool, 404 if tool == "social_ads" else 401) for tool in SENDING}
    assert refused == {
        f"{tool}:{'path' if tool == 'social_ads' else 'signature'}": count
        for (tool, _), count in weather.forged.items()
    }

    async with site.database() as database:
        await _equals_the_truth(database, Aftermath(sandbox, now_world(sandbox), deliveries, weather.delivered), events)


def _cpu(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


async def _storm(site: Site, weather: Weather, refused: Counter[str]) -> float:
    """The crowd acts, the weather sends, and the process is killed in between; for how long it was away."""
    down = 0.0
    pusher = site.sandbox.kit.pusher
    crowd = Crowd(site.sandbox, site.url, SEED)
    sent, forged = 0, 0
    kills = [EVENTS * (n + 1) // (KILLS + 1) for n in range(KILLS)]
    while sent < EVENTS:
        await crowd.turn(200 if EVENTS > 4000 else 40)
        fresh = pusher.deliveries[sent:]
        await weather.send(fresh)
        sent = len(pusher.deliveries)
        while forged < sent * FORGED:
            await weather.forge(_of_tool(fresh, SENDING[forged % len(SENDING)]) or fresh[0])
            forged += 1
        if kills and sent >= kills[0]:
            kills.pop(0)
            refused += Counter((await site.gateway.health())["webhooksRefused"])
            # In the midst of what is under way.
            begun = time.monotonic()
            await site.gateway.kill()
            await site.gateway.start()
            down += time.monotonic() - begun
    await weather.calm()
    return down


def _of_tool(deliveries: list[Delivery], tool: str) -> Delivery | None:
    return next((each for each in deliveries if each.platform == tool), None)


async def _handled(site: Site, database: Database) -> None:
    """Wait until every stored event is done, however long the machine takes, as long as there are fewer of them.

    Leases of those who were killed run out meanwhile.
    """
    least, since = await site.unhandled(database), time.monotonic()
    while left := await site.unhandled(database):
        if left < least:
            least, since = left, time.monotonic()
        assert time.monotonic() < since + STUCK, f"{left} events are not handled"
        await asyncio.sleep(0.2)


def _until_the_bill(sandbox: Sandbox) -> None:
    now = sandbox.kit.clock.now().astimezone(BEIJING)
    morning = (now + timedelta(days=1)).replace(hour=10, minute=30, second=0, microsecond=0)
    sandbox.kit.clock.advance(morning - now)


async def _equals_the_truth(database: Database, truth: Aftermath, events: int) -> None:
    found, expected = await stored(database), truth.rows()
    # Whom the platform does not show any more stays in our book, marked so.
    gone = {row for row in found["follower"] if not row[2]}
    ended = {row for row in found["contact"] if row[8] == "GUIDE"}
    assert {row[:2] for row in gone}.isdisjoint({row[:2] for row in expected["follower"]})
    assert {row[:3] for row in ended}.isdisjoint({row[:3] for row in expected["contact"]})
    found["follower"] -= gone
    found["contact"] -= ended
    for name, rows in expected.items():
        assert found[name] == rows, (name, sorted(found[name] ^ rows, key=str)[:6])

    counted = await database.fetch(select(func.count(), func.count(inbox.c.id.distinct())).select_from(inbox))
    assert [tuple(row) for row in counted] == [(events, events)]
    for kind, (count, amount) in truth.facts().items():
        row = await database.one(
            select(func.count(), func.coalesce(func.sum(fact.c.amount_fen), 0)).where(fact.c.kind == kind)
        )
        assert row is not None
        assert (row[0], row[1] if amount else 0) == (count, amount), kind
    totals = await database.fetch(
        select(identity.c.issuer, identity.c.value, func.sum(identity_total.c.orders))
        .join(identity_total, identity_total.c.identity == identity.c.id)
        .where(identity_total.c.orders > 0)
        .group_by(identity.c.id, identity.c.issuer, identity.c.value)
    )
    assert Counter({f"{row[0]}:{row[1]}": int(row[2]) for row in totals}) == truth.orders_per_buyer()
