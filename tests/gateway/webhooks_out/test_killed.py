"""A process that delivers is killed while a receiver has the request in its hands: everything arrives all the same."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.webhooks_out.conftest import Stage
from tests.gateway.webhooks_out.receiver import Received, Receiver

ROOT = Path(__file__).parents[3]
EVENTS = 12


async def everything_delivered(stage: Stage) -> None:
    while await stage.states() != ["DELIVERED"] * EVENTS:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.long)])
async def test_killed_during_deliveries(stage: Stage, database_url: str, receiver: Receiver, kills: int) -> None:
    await stage.endpoint(receiver.url)
    taken: list[str] = []
    holding = asyncio.Event()
    hold = True

    async def reply(request: Received) -> int:
        reason = request.value["data"]["event"]["reason"]
        if hold and len(taken) % 4 == 3:
            # Taken by the receiver, and never told to the sender: it dies first.
            holding.set()
            await asyncio.Event().wait()
        taken.append(reason)
        return 204

    receiver.reply = reply
    names = [f"{ad}{number}" for number in range(EVENTS // 3) for ad in "abc"]
    for name in names:
        await stage.happen(name, ad=name[0])
    for attempt in range(kills + 1):
        hold = attempt < kills
        process = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-m", "tests.gateway.webhooks_out.process", database_url], cwd=ROOT
        )
        try:
            async with asyncio.timeout(120):
                if hold:
                    await holding.wait()
                else:
                    await everything_delivered(stage)
        finally:
            process.kill()
            process.wait()
        holding.clear()
        if hold:
            taken.append("held")

    arrived = [each for each in taken if each != "held"]
    assert set(arrived) == set(names)
    # In order per entity: the first arrivals of each ad are in its order, whatever came twice.
    for ad in "abc":
        firsts = list(dict.fromkeys(each for each in arrived if each[0] == ad))
        assert firsts == [f"{ad}{number}" for number in range(EVENTS // 3)]
    assert len(receiver.seen) > EVENTS
