"""massMessageSpeedSet: read, set and set back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.transactions.effects.sending_speeds import SET, Wanted
from tests.gateway.actions.test_follower_tags import Desk as TagDesk
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.actions.trading import begun, part, rolled_back
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
ATOMIC = """mutation ($member: ID!, $points: Long!) @atomic(key: "speed-of-the-day") {
  speed: massMessageSpeedSet(input: {speed: 4}) { __typename }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
}"""


class Desk(TagDesk):
    """Headquarters, before a large message."""

    async def put(self, speed: int, key: str) -> dict[str, Any]:
        """What massMessageSpeedSet answers."""
        return await self.play("mass-speed-set", speed=speed, key=key)

    async def speed(self) -> dict[str, Any]:
        """What massMessageSpeed answers."""
        found: dict[str, Any] = (await self.served.client().data(document("mass-speed")))["massMessageSpeed"]
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    desk.platform.shelf.speed = 3
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.shelf.speed = 3


async def test_the_speed_is_read_and_set(desk: Desk) -> None:
    assert await desk.speed() == {"account": desk.appid, "speed": 3, "perMinute": 300000}
    desk.misbehaves("reset_after", "POST /cgi-bin/message/mass/speed/set", calls=(1,))

    answer = await desk.put(4, "set-the-speed-1")

    assert answer["speed"] == {"account": desk.appid, "speed": 4, "perMinute": 100000} == await desk.speed()
    assert answer["transaction"]["state"] == "COMPLETED"
    assert await desk.put(4, "set-the-speed-1") == answer
    wrong = [await desk.put(speed, f"set-the-speed-to-{number}") for number, speed in enumerate((-1, 5))]
    assert [each["code"] for each in wrong] == ["BAD_USER_INPUT"] * 2


async def test_it_is_set_back_when_a_later_field_fails(desk: Desk) -> None:
    given = {"member": await desk.member("protagonist")}
    await desk.served.client().data(ATOMIC, **given, points=0)
    assert desk.platform.shelf.speed == 3
    await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)
    assert desk.platform.shelf.speed == 4


async def test_a_speed_that_somebody_set_meanwhile_stays(desk: Desk) -> None:
    opened = await begun(desk.served.gateway.services)
    await part(opened, "speed", SET, Wanted(4, None))
    desk.platform.shelf.speed = 0
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    assert desk.platform.shelf.speed == 0


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_and_sets_it(desk: Desk, caller: str) -> None:
    client = desk.served.client(caller)
    for answer in (
        await client.ask(document("mass-speed")),
        await client.ask(document("mass-speed-set"), speed=4, key=f"who-may-{caller}"),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert desk.platform.shelf.speed == 3


async def test_a_platform_that_is_down_costs_the_field_alone(desk: Desk) -> None:
    desk.misbehaves("status", "POST /cgi-bin/message/mass/speed/get", value=503)
    answer = await desk.served.client().ask(document("mass-speed"))
    assert answer["data"] == {"massMessageSpeed": None}
    assert [each["path"] for each in answer["errors"]] == [["massMessageSpeed"]]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.put(4, "no-such-tool"))["code"] == "TOOL_NOT_CONFIGURED"
