"""Refused webhooks as facts: sums per minute and reason, and no row per knock."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from gateway.database.tables.facts import fact
from gateway.events.refusals import Refusals
from tests.gateway.events.conftest import Flow, StartFlow

CORP = "ww0123456789abcdef"


class Pauses:
    """A sleep that ends when the test says so, and the seconds asked for."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self._over = asyncio.Queue[None]()

    async def sleep(self, seconds: float) -> None:
        self.asked.put_nowait(seconds)
        await self._over.get()

    async def end(self) -> float:
        """Wait until somebody sleeps, and let them go on."""
        asked = await self.asked.get()
        self._over.put_nowait(None)
        return asked


async def _told(flow: Flow) -> list[tuple[Any, ...]]:
    columns = (fact.c.occurred_at, fact.c.tool, fact.c.account, fact.c.reason, fact.c.quantity)
    rows = await flow.database.fetch(select(*columns).where(fact.c.kind == "gateway.refused").order_by(fact.c.id))
    return [tuple(row) for row in rows]


async def test_a_thousand_knocks_are_one_fact_per_minute_and_reason(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat")
    clock, pauses = flow.gateway.clock, Pauses()
    begun = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1, seconds=20)
    clock.advance(begun - clock.now())
    refusals = Refusals(flow.database, clock, pauses.sleep)

    for _ in range(1000):
        refusals.note("enterprise_chat", CORP, "signature")
    refusals.note("enterprise_chat", CORP, "stale")
    assert await _told(flow) == []
    asked = await pauses.end()
    assert 0 < asked <= 40
    minute = begun.replace(second=0)
    # Of the next minute; the writer goes on.
    clock.advance(timedelta(minutes=1))
    refusals.note("enterprise_chat", CORP, "signature")
    await refusals.close()

    assert await _told(flow) == [
        (minute, "enterprise_chat", CORP, "signature", 1000),
        (minute, "enterprise_chat", CORP, "stale", 1),
        (minute + timedelta(minutes=1), "enterprise_chat", CORP, "signature", 1),
    ]


async def test_the_writer_goes_on_as_long_as_somebody_knocks_and_no_longer(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat")
    pauses = Pauses()
    refusals = Refusals(flow.database, flow.gateway.clock, pauses.sleep)
    for number in (1, 2):
        refusals.note("enterprise_chat", CORP, "signature")
        await pauses.end()
        writing = refusals._writing
        assert writing is not None
        await writing
        assert len(await _told(flow)) == number
    assert pauses.asked.empty()


async def test_what_the_database_did_not_take_is_told_later(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat")
    refusals = Refusals(flow.database, flow.gateway.clock, Pauses().sleep)
    refusals.note("enterprise_chat", CORP, "signature")
    async with flow.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE fact RENAME TO away")
    await refusals.write()
    async with flow.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO fact")
    await refusals.close()
    assert [row[3:] for row in await _told(flow)] == [("signature", 1)]


async def test_a_forged_request_is_told_when_the_process_ends(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", served=True)
    for _ in range(3):
        assert (await flow.send("enterprise_chat/main?msg_signature=0&timestamp=1&nonce=2", b"<xml/>")).status >= 400
    await flow.send("enterprise_chat/nobody", b"<xml/>")
    await flow.gateway.inbox.close()
    [(_, tool, account, _, quantity)] = await _told(flow)
    assert (tool, account, quantity) == ("enterprise_chat", flow.sandbox.world.corp.corpid, 3)
