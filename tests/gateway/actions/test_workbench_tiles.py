"""workbenchTileSet and workbenchTile: what the app shows everybody, and single guides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.resolvers import ids
from sandbox.journal import Effect
from tests.gateway.actions.test_guide_sessions import logged_in
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
ROOT = "POST /cgi-bin/agent/"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
TILE, SET = ((DOCUMENTS / f"{name}.graphql").read_text("utf-8") for name in ("tile", "tile-set"))
SALES = {"figures": [{"label": "今日销售额", "value": "¥12,860", "url": "https://hq.example/sales"}]}


class Desk:
    """Headquarters."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.platform: Any = served.sandbox.platforms.get(TOOL)

    def guide(self, userid: str) -> str:
        """A guide's id."""
        return ids.encode("gd", userid, self.served.world.corp.corpid)

    async def put(self, key: str, tile: Any, *guides: str, **given: Any) -> dict[str, Any]:
        """What workbenchTileSet answers."""
        to = {"guides": [self.guide(each) for each in guides]} if guides else {}
        asked = {"tile": tile, "idempotencyKey": key, **to, **given}
        return dict((await self.served.client().data(SET, input=asked))["workbenchTileSet"])

    async def shown(self, **given: Any) -> dict[str, Any]:
        """What workbenchTile answers."""
        return dict((await self.served.client().data(TILE, **given))["workbenchTile"])

    def changes(self) -> list[Effect]:
        """What the platform changed."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, "tile")

    def misbehaves(self, kind: str, endpoint: str, **rule: Any) -> None:
        """A fault of the platform's."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=ROOT + endpoint, **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()
    workbench = desk.platform.workbench
    workbench.custom_mode = True
    workbench._template = {"type": "normal"}
    workbench._users.clear()
    workbench._writes.clear()


async def test_everybody_sees_the_figures_until_a_guide_has_their_own(desk: Desk) -> None:
    before = len(desk.changes())
    desk.misbehaves("reset_after", "set_workbench_template", calls=(1,))

    answer = await desk.put("set-tile-1", SALES)

    assert answer["transaction"]["state"] == "COMPLETED"
    item = {"label": "今日销售额", "value": "¥12,860", "url": "https://hq.example/sales", "page": None}
    assert (answer["tile"]["kind"], answer["tile"]["items"]) == ("FIGURES", [item])
    assert await desk.shown() == answer["tile"] == await desk.shown(guide=desk.guide("maolin"))
    assert await desk.put("set-tile-1", SALES) == answer
    own = {"lines": [{"title": "林女士的生日", "page": "pages/member"}]}
    await desk.put("set-tile-2", own, "maolin")
    assert (await desk.shown(guide=desk.guide("maolin")))["items"][0]["label"] == "林女士的生日"
    assert (await desk.shown(guide=desk.guide("fengbo")))["kind"] == "FIGURES"
    both = await desk.put("set-tile-3", {"picture": {"pictureUrl": "https://hq.example/a.png"}}, "maolin", "fengbo")
    assert (both["tile"]["kind"], both["tile"]["contentUrl"]) == ("PICTURE", "https://hq.example/a.png")
    assert await desk.shown(guide=desk.guide("fengbo")) == both["tile"]
    page = {"page": {"contentUrl": "https://hq.example/tile", "doubleHeight": True}}
    await desk.put("set-tile-4", page, replaceGuides=True)
    assert (await desk.shown(guide=desk.guide("maolin")))["doubleHeight"] is True
    assert (await desk.put("set-tile-5", {"off": True}))["tile"]["kind"] == "OFF"
    assert len(desk.changes()) == before + 6


async def test_tiles_that_cannot_be(desk: Desk) -> None:
    before = len(desk.changes())
    answers = [
        await desk.put("set-tile-6", {"figures": SALES["figures"] * 5}),
        await desk.put("set-tile-7", {"lines": []}),
        await desk.put("set-tile-8", {"off": False}),
        await desk.put("set-tile-9", {"picture": {"pictureUrl": "javascript:alert(1)"}}),
        await desk.put("set-tile-10", SALES, "nobody"),
        await desk.put("set-tile-11", SALES, guides=[]),
        await desk.put("set-tile-12", SALES, "maolin", account="wwAnother"),
        await desk.put("set-tile-13", SALES, "maolin", replaceGuides=True),
    ]
    assert [each["code"] for each in answers] == [
        *["BAD_USER_INPUT"] * 4, "GUIDE_UNKNOWN", *["BAD_USER_INPUT"] * 3,
    ]  # fmt: skip
    desk.platform.workbench.custom_mode = False
    assert (await desk.put("set-tile-14", SALES))["code"] == "REJECTED"
    assert len(desk.changes()) == before


async def test_a_platform_that_is_down_costs_the_field_alone(desk: Desk) -> None:
    desk.misbehaves("status", "get_workbench_template", value=503)
    answer = await desk.served.client().ask(TILE)
    assert answer["data"] == {"workbenchTile": None}
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["UNAVAILABLE"]


async def test_a_guide_sees_their_own_and_headquarters_every_tile(desk: Desk) -> None:
    await desk.put("set-tile-15", SALES, "maolin")
    mine = await logged_in(desk.served, "maolin")
    assert (await mine.data(TILE, guide=desk.guide("maolin")))["workbenchTile"]["kind"] == "FIGURES"
    for client in (mine, *(desk.served.client(each) for each in ("guide", "frontend", "partner"))):
        for document, given in (
            (TILE, {"guide": desk.guide("fengbo")}),
            (TILE, {}),
            (SET, {"input": {"tile": SALES, "idempotencyKey": "who-may-show"}}),
        ):
            answer = await client.ask(document, **given)
            assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.put("no-such-tool", SALES))["code"] == "TOOL_NOT_CONFIGURED"
    answer = await desk.served.client().ask(TILE)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["TOOL_NOT_CONFIGURED"]
