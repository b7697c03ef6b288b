"""Welcomes of customer groups: made at most once, changed, put back, deleted, and listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.resolvers import ids
from gateway.transactions.effects.group_welcomes import UPDATE, Change
from sandbox.journal import Effect
from tests.gateway.actions.test_template_messages import Desk as AnyDesk
from tests.gateway.actions.trading import begun, part, rolled_back
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
ROOT = "POST /cgi-bin/externalcontact/group_welcome_template/"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
LINK = {"link": {"title": "会员福利", "url": "https://guide.yujian.example/benefits", "description": "新人券"}}
TOGETHER = """mutation ($more: GroupWelcomeUpdateInput!, $points: PointsAdjustInput!) @atomic(key: "welcome-together") {
  more: groupWelcomeUpdate(input: $more) { ... on Problem { code } }
  points: pointsAdjust(input: $points) { ... on DomainProblem { code cause } }
}"""


class Desk(AnyDesk):
    """Headquarters, which writes what groups greet with."""

    async def play(self, which: str, /, caller: str = "hq", **given: Any) -> Any:
        """What the one field of an example answers."""
        [answer] = (await self.served.client(caller).data(document(which), **given)).values()
        return answer

    async def create(self, key: str, **given: Any) -> dict[str, Any]:
        """What groupWelcomeCreate answers."""
        return dict(await self.play("group-welcome", input={"idempotencyKey": key, **given}))

    async def change(self, welcome: str, key: str, **given: Any) -> dict[str, Any]:
        """What groupWelcomeUpdate answers."""
        asked = {"groupWelcome": welcome, "idempotencyKey": key, **given}
        return dict(await self.play("group-welcome-update", input=asked))

    async def listed(self, **given: Any) -> list[dict[str, Any]]:
        """The list, the newest first."""
        return list((await self.play("group-welcomes", **given))["nodes"])

    @property
    def platform(self) -> dict[str, Any]:
        """What the platform has, by template_id."""
        found: dict[str, Any] = self.served.sandbox.platforms[TOOL].group_welcomes.templates  # type: ignore[attr-defined]
        return found

    def effects(self, kind: str) -> list[Effect]:
        """What the platform did."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, kind)

    def misbehaves(self, kind: str, endpoint: str, **rule: Any) -> None:
        """A fault of the platform's."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=ROOT + endpoint, **rule)


def document(name: str) -> str:
    return (DOCUMENTS / f"{name}.graphql").read_text("utf-8")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.clear()


async def test_a_welcome_from_its_making_to_its_end(desk: Desk) -> None:
    given = {"text": "欢迎加入会员群", "attachment": LINK, "notify": True}

    answer = await desk.create("welcome-1", **given)

    welcome = answer["groupWelcome"]
    assert (welcome["text"], answer["transaction"]["state"]) == ("欢迎加入会员群", "COMPLETED")
    assert {k: v for k, v in welcome["attachment"].items() if v} == {"kind": "LINK", **LINK["link"]}
    [stored] = desk.platform.values()
    assert (stored["text"]["content"], stored["link"]["title"]) == ("欢迎加入会员群", "会员福利")
    assert await desk.create("welcome-1", **given) == answer
    assert [each["id"] for each in await desk.listed()] == [welcome["id"]]
    desk.misbehaves("reset_after", "edit", calls=(1,))
    changed = await desk.change(welcome["id"], "welcome-2", text="欢迎回来")
    assert (changed["groupWelcome"]["text"], changed["groupWelcome"]["attachment"]["kind"]) == ("欢迎回来", "LINK")
    bare = await desk.change(welcome["id"], "welcome-3", attachment=None)
    assert bare["groupWelcome"]["attachment"] is None
    assert list(desk.platform.values()) == [{"text": {"content": "欢迎回来"}}]
    desk.misbehaves("reset_after", "del", calls=(1,))
    gone = await desk.play("group-welcome-delete", welcome=welcome["id"], key="welcome-4")
    assert gone["groupWelcome"]["deletedAt"] is not None
    assert (desk.platform, await desk.listed()) == ({}, [])
    assert [each["id"] for each in await desk.listed(deleted=True)] == [welcome["id"]]
    again = await desk.play("group-welcome-delete", welcome=welcome["id"], key="welcome-5")
    assert (again["code"], (await desk.change(welcome["id"], "welcome-6", text="x"))["code"]) == (
        "GROUP_WELCOME_UNKNOWN", "GROUP_WELCOME_UNKNOWN",
    )  # fmt: skip
    kinds = ("group_welcome", "group_welcome_edited", "group_welcome_deleted")
    assert [len(desk.effects(each)) for each in kinds][2:] == [1]


async def test_one_that_is_gone_at_the_platform_can_be_deleted(desk: Desk) -> None:
    welcome = (await desk.create("welcome-gone-1", text="欢迎"))["groupWelcome"]["id"]
    desk.misbehaves("code", "del", value=40058, calls=(1,))
    refused = await desk.play("group-welcome-delete", welcome=welcome, key="welcome-gone-2")
    assert (refused["code"], len(desk.platform)) == ("INVALID", 1)
    desk.platform.clear()
    gone = await desk.play("group-welcome-delete", welcome=welcome, key="welcome-gone-3")
    assert gone["groupWelcome"]["deletedAt"] is not None
    assert await desk.listed() == []


async def test_a_making_whose_answer_is_lost_is_not_made_again(desk: Desk) -> None:
    before = len(desk.effects("group_welcome"))
    desk.misbehaves("reset_after", "add")
    answers = [await desk.create("welcome-7", text="欢迎") for _ in range(2)]
    assert [each["code"] for each in answers] == ["OUTCOME_UNKNOWN"] * 2
    assert len(desk.effects("group_welcome")) == before + 1
    assert await desk.listed() == []


async def test_among_several_it_is_put_back(desk: Desk) -> None:
    first = (await desk.create("welcome-8", text="原来", attachment=LINK))["groupWelcome"]
    given = {
        "more": {
            "groupWelcome": first["id"],
            "text": "新的",
            "attachment": {"picture": {"url": "https://a.example/b.png"}},
        },
        "points": {"member": await desk.member("protagonist"), "points": -10_000_000, "reason": "转赠"},
    }
    platform = dict(desk.platform)
    answer = await desk.served.client().data(TOGETHER, **given)
    assert {each["code"] for each in answer.values()} == {"TRANSACTION_ROLLED_BACK"}
    assert desk.platform == platform
    [seen] = await desk.listed()
    assert (seen["text"], seen["attachment"]["kind"]) == ("原来", "LINK")


@pytest.mark.parametrize("where", ["here", "in the console"])
async def test_what_somebody_wrote_meanwhile_stays(desk: Desk, where: str) -> None:
    welcome = (await desk.create("welcome-10", text="原来"))["groupWelcome"]["id"]
    opened = await begun(desk.served.gateway.services)
    await part(opened, "more", UPDATE, Change(ids.decode_as("gw", welcome)[1], "新的", None, keep=True))
    [template_id] = desk.platform
    if where == "here":
        await desk.change(welcome, "welcome-11", attachment=LINK)
    else:
        desk.platform[template_id] = {"text": {"content": "别人的"}}
    before = dict(desk.platform)
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    assert desk.platform == before


async def test_welcomes_that_cannot_be(desk: Desk) -> None:
    first = (await desk.create("welcome-9", text="原来"))["groupWelcome"]["id"]
    answers = [
        await desk.create("welcome-10"),
        await desk.create("welcome-11", text="长" * 1001),
        await desk.create("welcome-12", text="欢迎", attachment={"file": "media"}),
        await desk.change(first, "welcome-13", text=""),
        await desk.change(ids.encode("gp", "wr1", "ww1"), "welcome-14", text="x"),
    ]
    assert [each["code"] for each in answers] == ["BAD_USER_INPUT"] * 4 + ["ID_FOREIGN"]
    assert len(desk.platform) == 1


async def test_a_hundred_are_all_that_fit(desk: Desk) -> None:
    for number in range(10):
        await desk.create(f"welcome-page-{number}", text=f"欢迎 {number}")
    costs = []
    for first in (1, 5, 10):
        with desk.served.counted() as count:
            assert len(await desk.listed(first=first)) == first
        costs.append((count.statements, count.calls))
    assert costs == [costs[0]] * 3
    assert costs[0][1] == {}
    for number in range(10, 100):
        await desk.create(f"welcome-page-{number}", text=f"欢迎 {number}")
    assert (await desk.create("welcome-page-100", text="欢迎"))["code"] == "GROUP_WELCOMES_FULL"
    assert len(desk.platform) == 100


async def test_only_headquarters_writes_them(desk: Desk) -> None:
    welcome = (await desk.create("welcome-15", text="欢迎"))["groupWelcome"]["id"]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await desk.served.client().data(node, id=welcome) == {"node": {"id": welcome}}
    given = {"text": "欢迎", "idempotencyKey": "who-may-greet"}
    for caller in ("guide", "frontend", "partner"):
        for ask in (document("group-welcome"), document("group-welcomes"), node):
            more = {"input": given} if "$input" in ask else {"id": welcome} if "$id" in ask else {}
            answer = await desk.served.client(caller).ask(ask, **more)
            assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.platform) == 1


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.create("no-such-tool", text="欢迎"))["code"] == "TOOL_NOT_CONFIGURED"
