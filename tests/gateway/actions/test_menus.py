"""menuReplace and menuDelete: at the platform, read again, undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.transactions.effects.menus import KINDS, REPLACE, Entry, Wanted
from tests.gateway.actions.test_follower_tags import Desk as TagDesk
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.actions.trading import begun, part, rolled_back
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
PUTTING = "POST /cgi-bin/menu/create"
ENTRIES: list[dict[str, Any]] = [
    {
        "name": "会员",
        "entries": [
            {"name": "我的积分", "kind": "CLICK", "value": "points"},
            {"name": "附近门店", "kind": "LOCATION", "value": "stores"},
        ],
    },
    {"name": "新品", "kind": "VIEW", "value": "https://brand.example/new"},
]
ATOMIC = """mutation ($entries: [MenuEntryInput!]!, $member: ID!, $points: Long!) @atomic(key: "menu-of-the-day") {
  menu: menuReplace(input: {entries: $entries}) { __typename }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
}"""


class Desk(TagDesk):
    """Headquarters, which keeps the menu."""

    async def put(self, key: str, entries: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """What menuReplace answers."""
        return await self.play("menu-replace", entries=ENTRIES if entries is None else entries, key=key)

    async def menu(self) -> list[dict[str, Any]]:
        """The entries of the query."""
        found: dict[str, Any] = (await self.served.client().data(document("menu")))["menu"]
        assert found["account"] == self.appid
        return list(found["entries"])

    def stands(self) -> list[str] | None:
        """Names of the platform's entries."""
        menu = self.platform.shelf.menu
        return None if menu is None else [each["name"] for each in menu]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    before = desk.platform.shelf.menu
    desk.platform.shelf.menu = None
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.shelf.menu = before


async def test_a_menu_is_put_read_and_taken_away(desk: Desk) -> None:
    made = len(desk.effects("menu_set"))
    assert await desk.menu() == []
    desk.misbehaves("reset_after", PUTTING, calls=(1,))

    answer = await desk.put("put-the-menu-1")

    assert (desk.stands(), answer["transaction"]["state"]) == (["会员", "新品"], "COMPLETED")
    assert answer["menu"]["entries"][1] == {
        "name": "新品", "kind": "VIEW", "value": "https://brand.example/new", "entries": [],
    }  # fmt: skip
    assert await desk.put("put-the-menu-1") == answer
    assert len(desk.effects("menu_set")) == made + 1
    shown = await desk.menu()
    assert [(each["name"], each["kind"], each["value"]) for each in shown] == [
        ("会员", None, None), ("新品", "VIEW", "https://brand.example/new"),
    ]  # fmt: skip
    assert [(each["kind"], each["value"]) for each in shown[0]["entries"]] == [
        ("CLICK", "points"), ("LOCATION", "stores"),
    ]  # fmt: skip

    gone = await desk.play("menu-delete", key="drop-the-menu-1")

    assert (gone["menu"]["entries"], desk.stands(), await desk.menu()) == ([], None, [])
    assert (await desk.play("menu-delete", key="drop-the-menu-2"))["transaction"]["state"] == "COMPLETED"


async def test_every_kind_can_be_put_and_comes_back(desk: Desk) -> None:
    [linked] = list(desk.platform.mini_programs)[:1]
    names = {"click": "CLICK", "view": "VIEW", "miniprogram": "MINI_PROGRAM"}
    kinds = [each["name"] for each in (await desk.served.client().data(
        "{ __type(name: \"MenuEntryKind\") { enumValues { name } } }"
    ))["__type"]["enumValues"]]  # fmt: skip
    assert len(kinds) == len(KINDS) + 1
    below: list[dict[str, Any]] = []
    for kind in kinds[:-1]:
        value = "https://brand.example/" if kind in {"VIEW", "MINI_PROGRAM"} else f"value-of-{kind}"
        more = {"appId": linked, "path": "pages/index"} if kind == names["miniprogram"] else {}
        below.append({"name": kind, "kind": kind, "value": value} | more)
    headings = [{"name": f"第{n}组", "entries": below[n * 5 : n * 5 + 5]} for n in range(3)]

    assert "menu" in await desk.put("put-every-kind", headings)

    found = [each for heading in await desk.menu() for each in heading["entries"]]
    assert [(each["name"], each["kind"], each["value"]) for each in found] == [
        (each["name"], each["kind"], each["value"]) for each in below
    ]
    assert [each["path"] for each in found if each["appId"] == linked] == ["pages/index"]


async def test_a_kind_that_is_new_is_shown_and_cannot_be_put(desk: Desk) -> None:
    desk.platform.shelf.menu = [{"name": "新", "type": "hologram", "key": "k"}]
    assert [each["kind"] for each in await desk.menu()] == ["OTHER"]
    answer = await desk.put("put-something-new", [{"name": "新", "kind": "OTHER", "value": "k"}])
    assert answer["code"] == "BAD_USER_INPUT"


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    click = {"name": "点", "kind": "CLICK", "value": "k"}
    wrong: tuple[list[dict[str, Any]], ...] = (
        [],
        [click] * 4,
        [{"name": "名字太长了啊"} | {"kind": "CLICK", "value": "k"}],
        [{"name": "没有种类"}],
        [click | {"value": ""}],
        [click | {"value": "k" * 129}],
        [click | {"kind": "VIEW", "value": "brand.example"}],
        [click | {"kind": "MINI_PROGRAM", "value": "https://brand.example/"}],
        [click | {"appId": "wx1", "path": "pages/index"}],
        [click | {"entries": [click]}],
        [{"name": "组", "entries": [click] * 6}],
        [{"name": "组", "entries": [{"name": "组", "entries": [click]}]}],
        [{"name": "组", "entries": [click | {"name": "长" * 21}]}],
    )
    answers = [await desk.put(f"bad-menu-{number}", each) for number, each in enumerate(wrong)]
    assert {each["code"] for each in answers} == {"BAD_USER_INPUT"}
    foreign = {"kind": "MINI_PROGRAM", "value": "https://brand.example/", "appId": "wxother", "path": "pages/index"}
    unlinked = await desk.put("bad-menu-unlinked", [click | foreign])
    assert (unlinked["code"], desk.stands()) == ("REJECTED", None)


async def test_the_menu_before_is_put_back_when_a_later_field_fails(desk: Desk) -> None:
    given = {"entries": ENTRIES, "member": await desk.member("protagonist")}
    await desk.served.client().data(ATOMIC, **given, points=0)
    assert desk.stands() is None
    await desk.put("put-one-before", [{"name": "旧", "kind": "CLICK", "value": "old"}])
    await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-month"), **given, points=0)
    assert desk.stands() == ["旧"]
    done = await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)
    assert {each["__typename"] for each in done.values()} == {"MenuChanged", "PointsAdjusted"}
    assert desk.stands() == ["会员", "新品"]


async def test_a_menu_that_somebody_put_meanwhile_stays(desk: Desk) -> None:
    opened = await begun(desk.served.gateway.services)
    await part(opened, "menu", REPLACE, Wanted((Entry("会员", "click", "points"),), None))
    assert desk.stands() == ["会员"]
    await desk.put("put-one-meanwhile", [{"name": "今天", "kind": "CLICK", "value": "today"}])
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    assert desk.stands() == ["今天"]


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_keeps_the_menu(desk: Desk, caller: str) -> None:
    client = desk.served.client(caller)
    for answer in (
        await client.ask(document("menu")),
        await client.ask(document("menu-replace"), entries=ENTRIES, key=f"who-may-{caller}"),
        await client.ask(document("menu-delete"), key=f"who-may-too-{caller}"),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert desk.stands() is None


async def test_a_platform_that_is_down_costs_the_field_alone(desk: Desk) -> None:
    desk.misbehaves("status", "GET /cgi-bin/menu/get", value=503)
    answer = await desk.served.client().ask(
        "{ menu { account } tags(tool: OFFICIAL_ACCOUNT, first: 1) { nodes { name } } }"
    )
    assert (answer["data"]["menu"], len(answer["data"]["tags"]["nodes"])) == (None, 1)
    assert [each["path"] for each in answer["errors"]] == [["menu"]]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.put("no-such-tool"))["code"] == "TOOL_NOT_CONFIGURED"
