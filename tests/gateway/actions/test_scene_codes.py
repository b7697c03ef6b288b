"""sceneCodeCreate: codes for a while and for ever, and who came by each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from adapters.official_account import FollowerChanged, QrScanned
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.statements import insert_rows
from gateway.database.tables.followers import scene_code
from gateway.events.projections import official_account
from tests.gateway.actions.test_follower_tags import Desk as TagDesk
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
MAKING = "POST /cgi-bin/qrcode/create"
ATOMIC = """mutation ($member: ID!, $points: Long!) @atomic(key: "code-and-points") {
  code: sceneCodeCreate(input: {scene: "parcel_1"}) { ... on SceneCodeCreated { sceneCode { scene } } }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
}"""


class Desk(TagDesk):
    """Headquarters, which prints posters."""

    async def make(self, key: str, **given: Any) -> dict[str, Any]:
        """What sceneCodeCreate answers."""
        return await self.play("scene-code", input={"scene": "store_88", "idempotencyKey": key} | given)

    async def known_already(self, scenes: list[str]) -> None:
        """Codes that were made before."""
        now = self.served.gateway.clock.now()
        texts = {"label": "", "url": "", "image_url": ""}
        rows = [
            {"appid": self.appid, "ticket": each, "scene": each, "made_at": now, "expires_at": None} | texts
            for each in scenes
        ]
        async with self.served.gateway.services.database.write() as connection:
            await insert_rows(connection, scene_code, rows)

    async def codes(self) -> list[dict[str, Any]]:
        """The list's codes, the newest first, with who came today."""
        today = self.served.gateway.clock.now().astimezone(BUSINESS_ZONE).date()
        days = {"from": today.isoformat(), "until": (today + timedelta(days=1)).isoformat()}
        nodes: list[dict[str, Any]] = (await self.served.client().data(document("scene-codes"), **days))["sceneCodes"][
            "nodes"
        ]
        return nodes


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    desk = Desk(await open_served())
    desk.platform.shelf.codes.clear()
    return desk


async def test_a_code_for_a_while_and_one_for_ever(desk: Desk) -> None:
    before = len(desk.effects("code_made"))
    desk.misbehaves("reset_after", MAKING, calls=(1,))

    made = await desk.make("make-a-code", label="安福路店海报")

    assert (made["sceneCode"]["scene"], made["sceneCode"]["label"]) == ("store_88", "安福路店海报")
    assert made["sceneCode"]["expiresAt"] is not None
    assert made["transaction"]["state"] == "COMPLETED"
    assert await desk.make("make-a-code", label="安福路店海报") == made
    lasting = await desk.make("make-a-lasting-code", permanent=True)
    assert lasting["sceneCode"]["expiresAt"] is None
    again = await desk.make("make-another-lasting-code", permanent=True)
    assert again["code"] == "SCENE_CODE_EXISTS"
    assert len(desk.effects("code_made")) == before + 2
    assert [each["imageUrl"] for each in await desk.codes()] == [
        lasting["sceneCode"]["imageUrl"], made["sceneCode"]["imageUrl"],
    ]  # fmt: skip


async def test_who_came_by_each_in_one_statement(desk: Desk) -> None:
    projector, now = desk.served.gateway.services.projector, desk.served.gateway.clock.now()
    openid = desk.served.person("protagonist").openids[desk.appid]
    await official_account.changed(projector, [FollowerChanged(desk.appid, openid, True, now, "parcel_0")])
    scans = [QrScanned(desk.appid, openid, "parcel_0", now + timedelta(seconds=n)) for n in range(2)]
    await official_account.interacted(projector, [*scans, QrScanned("wx-other", openid, "parcel_0", now)])
    costs: list[tuple[dict[str, int], int]] = []
    first = 0
    for last in (1, 10, 50):
        await desk.known_already([f"parcel_{number}" for number in range(first, last)])
        first = last
        with desk.served.counted() as count:
            found = await desk.codes()
        costs.append((count.calls, count.statements))
        assert len(found) == last
        came = {each["scene"]: (each["scans"]["follows"], each["scans"]["scans"]) for each in found}
        assert came == {f"parcel_{number}": (0, 0) for number in range(last)} | {"parcel_0": (1, 2)}
    assert costs == [({}, costs[0][1])] * 3


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    before = len(desk.effects("code_made"))
    wrong: tuple[dict[str, Any], ...] = (
        {"scene": ""}, {"scene": "s" * 65}, {"label": "s" * 65}, {"lifetime": 59}, {"lifetime": 2_592_001},
    )  # fmt: skip
    answers = [await desk.make(f"bad-code-{number}", **each) for number, each in enumerate(wrong)]
    assert {each["code"] for each in answers} == {"BAD_USER_INPUT"}
    desk.misbehaves("code", MAKING, value=45029)
    full = await desk.make("make-one-too-many", permanent=True)
    assert full["code"] == "REJECTED"
    assert (len(desk.effects("code_made")), await desk.codes()) == (before, [])
    days = {"from": "2026-01-01", "until": "2026-12-31"}
    desk.served.sandbox.kit.faults.clear()
    await desk.make("make-a-code-2")
    answer = await desk.served.client().ask(document("scene-codes"), **days)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_code_is_forgotten_when_a_later_field_fails(desk: Desk) -> None:
    given = {"member": await desk.member("protagonist")}
    await desk.served.client().data(ATOMIC, **given, points=0)
    assert await desk.codes() == []
    done = await desk.served.client().data(ATOMIC.replace("code-and", "codes-and"), **given, points=5)
    assert done["code"] == {"sceneCode": {"scene": "parcel_1"}}
    assert [each["scene"] for each in await desk.codes()] == ["parcel_1"]


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_makes_and_sees_them(desk: Desk, caller: str) -> None:
    client, before = desk.served.client(caller), len(desk.effects("code_made"))
    given = {"input": {"scene": "s", "idempotencyKey": f"who-may-{caller}"}}
    days = {"from": "2026-11-11", "until": "2026-11-12"}
    for answer in (
        await client.ask(document("scene-code"), **given),
        await client.ask(document("scene-codes"), **days),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.effects("code_made")) == before


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.make("no-such-tool"))["code"] == "TOOL_NOT_CONFIGURED"
