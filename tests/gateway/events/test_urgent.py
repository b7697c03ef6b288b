"""What an event brings for seconds only, a welcome code, is used at once: whatever else waits, and never twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.enterprise_chat import ContactAdded
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from gateway.events.replaying import Replays
from tests.gateway.events.conftest import Flow, StartFlow


async def _welcomes(flow: Flow) -> asyncio.Queue[str]:
    """Where welcome codes arrive that are used."""
    used: asyncio.Queue[str] = asyncio.Queue()

    async def welcome(_account: str, record: ContactAdded) -> None:
        assert record.welcome_code is not None
        used.put_nowait(record.welcome_code.reveal())

    flow.gateway.inbox.handling.urgent[ContactAdded] = welcome
    return used


async def test_it_overtakes_a_backlog_of_its_own_tool_and_of_others(start_flow: StartFlow) -> None:
    """Every lane but its own is full of what does not end, and an earlier event of the same customer waits."""
    flow = await start_flow("enterprise_chat", "official_account", served=True)
    used, stuck = await _welcomes(flow), asyncio.Event()

    async def forever(*_: object) -> None:
        await stuck.wait()

    together = flow.gateway.inbox.handling.together
    for kind in list(together):
        together[kind] = forever
    appid = flow.sandbox.world.official_accounts[0].appid
    people = [key for key, each in flow.sandbox.world.people.items() if appid in each.openids]
    following = {each.openid for each in flow.sandbox.world.followers if each.subscribed}
    strangers = [key for key in people if flow.sandbox.world.people[key].openids[appid] not in following]
    for person in strangers[:20]:
        await flow.act("official_account", "follow", appid=appid, person=person)
    await flow.act("enterprise_chat", "edit_contact", userid="chenyutong", person="linxiaowen", remark="M码")
    await flow.sandbox.kit.pusher.settle()

    added = await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="linxiaowen")

    async with asyncio.timeout(60):
        assert await used.get() == added["welcome_code"]
    assert {row.state for row in await flow.rows(inbox)} == {"NEW"}
    stuck.set()
    await flow.quiet()
    assert {row.state for row in await flow.rows(inbox)} == {"DONE"}
    assert used.empty()


@pytest.mark.parametrize(("seconds", "times"), [(19, 1), (21, 0)])
async def test_it_is_used_within_its_time_or_not_at_all(start_flow: StartFlow, seconds: int, times: int) -> None:
    flow = await start_flow("enterprise_chat", served=True)
    used = await _welcomes(flow)
    await flow.gateway.worker.stop(0)
    at = flow.sandbox.kit.clock.now()
    await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="guoran")
    await flow.sandbox.kit.pusher.settle()
    flow.gateway.clock.advance(at.replace(microsecond=0) + timedelta(seconds=seconds) - flow.gateway.clock.now())

    await flow.gateway.worker.drain()

    assert used.qsize() == times
    assert sorted((row.kind, row.state) for row in await flow.rows(job)) == [
        ("inbox.handle", "DONE"),
        ("inbox.urgent", "DONE"),
    ]


async def test_neither_a_failure_nor_a_replay_repeats_it(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", served=True)
    tried: list[str] = []

    async def broken(_account: str, record: ContactAdded) -> None:
        tried.append(record.external_userid)
        raise OSError

    flow.gateway.inbox.handling.urgent[ContactAdded] = broken
    await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="guoran")
    await flow.quiet()
    [stored] = await flow.rows(inbox)
    services = flow.gateway.services
    assert await Replays(services.database, services.queue, services.tools).replay([stored.id]) == 1
    await flow.quiet()
    assert len(tried) == 1
    states = [(row.kind, row.state) for row in await flow.rows(job)]
    assert sorted(states) == [("inbox.handle", "DONE"), ("inbox.handle", "DONE"), ("inbox.urgent", "PARKED")]
