"""memberTag and memberUntag: corp tags on the contact, at the platform and in our rows, and undone under @atomic."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from gateway.database.tables.facts import fact
from gateway.resolvers import ids
from sandbox.journal import Effect
from tests.gateway.actions.test_template_messages import Desk as AnyDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
ENDPOINT = "POST /cgi-bin/externalcontact/mark_tag"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
TAG, UNTAG, TAGS = (DOCUMENTS / f"{name}.graphql" for name in ("tag", "untag", "tags"))
ATOMIC = """mutation ($member: ID!, $points: Long!) @atomic(key: "silver-and-points") {
  tag: memberTag(input: {member: $member, tags: [{name: "银卡"}]}) { ...told }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "升级礼"}) {
    __typename ... on DomainProblem { code }
  }
}
fragment told on MemberTagResult {
  __typename ... on MemberTagged { contacts { tags { name } } } ... on DomainProblem { code failedField cause }
}"""
MINE = "query ($m: ID!) { member(by: {id: $m}) { chat { contacts { nodes { guide { id } tags { name } } } } } }"
FOUND = 'query { members(filter: {tag: {name: "银卡"}}) { nodes { id } } }'


class Desk(AnyDesk):
    """A guide at the counter."""

    async def tag(self, names: list[str], key: str, caller: str = "guide", **more: Any) -> dict[str, Any]:
        """What memberTag answers."""
        given = {"member": await self.member("protagonist"), "tags": named(names), "key": key} | more
        answer: dict[str, Any] = (await self.served.client(caller).data(TAG.read_text("utf-8"), **given))["memberTag"]
        return answer

    async def untag(self, names: list[str], key: str) -> dict[str, Any]:
        """What memberUntag answers of 陈雨桐's contact."""
        given = {
            "member": await self.member("protagonist"),
            "guide": self.guide("chenyutong"),
            "tags": named(names),
            "key": key,
        }
        answer: dict[str, Any] = (await self.served.client("guide").data(UNTAG.read_text("utf-8"), **given))[
            "memberUntag"
        ]
        return answer

    def guide(self, userid: str) -> str:
        """A guide's id."""
        return ids.encode("gd", userid, self.served.world.corp.corpid)

    async def carries(self) -> set[str]:
        """The protagonist's tags at the platform, as the graph reads them now."""
        found = (await self.served.client().data(MINE, m=await self.member("protagonist")))["member"]["chat"]
        return {tag["name"] for each in found["contacts"]["nodes"] for tag in each["tags"]}

    async def told(self) -> list[tuple[str, str]]:
        """Facts of tags: kind and names."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.kind, fact.c.payload)
            .where(fact.c.kind.in_(("contact.tagged", "contact.untagged")))
            .order_by(fact.c.seq)
        )
        return [(row.kind, row.payload["name"]) for row in rows]

    def marked(self) -> list[Effect]:
        """What the platform changed."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, "tags_marked")

    def misbehave(self, kind: str, **rule: Any) -> None:
        """A fault of the platform's marking."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=ENDPOINT, **rule)


def named(names: list[str]) -> list[dict[str, str]]:
    return [{"name": each} for each in names]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()
    await desk.untag(["银卡"], "tidy-up-the-corp")


async def test_a_tag_is_seen_at_once_and_found_by(desk: Desk) -> None:
    answer = await desk.tag(["银卡", "徒步"], "tag-silver-1")

    [contact] = answer["contacts"]
    assert contact["guide"]["name"] == "陈雨桐"
    assert {each["name"] for each in contact["tags"]} == {"金卡", "银卡", "雾灰控", "徒步"}
    assert answer["refused"] == []
    assert answer["transaction"]["state"] == "COMPLETED"
    # She is a 徒步 already: only what changed is told.
    assert await desk.told() == [("contact.tagged", "银卡")]
    found = await desk.served.client().data(FOUND)
    assert [each["id"] for each in found["members"]["nodes"]] == [await desk.member("protagonist")]


async def test_a_tag_goes_and_the_others_stay(desk: Desk) -> None:
    await desk.tag(["银卡"], "tag-silver-2")
    answer = await desk.untag(["银卡"], "untag-silver-2")

    assert {each["name"] for each in answer["contacts"][0]["tags"]} == {"金卡", "雾灰控", "徒步"}
    assert await desk.carries() == {"金卡", "雾灰控", "徒步"}
    assert await desk.told() == [("contact.tagged", "银卡"), ("contact.untagged", "银卡")]


async def test_the_same_key_answers_the_same(desk: Desk) -> None:
    first = await desk.tag(["银卡"], "tag-silver-3")
    before = len(desk.marked())
    assert await desk.tag(["银卡"], "tag-silver-3") == first
    assert len(desk.marked()) == before


async def test_a_lost_answer_is_asked_about(desk: Desk) -> None:
    before = len(desk.marked())
    desk.misbehave("reset_after")
    answer = await desk.tag(["银卡"], "tag-silver-4")
    assert {each["name"] for each in answer["contacts"][0]["tags"]} >= {"银卡"}
    assert len(desk.marked()) == before + 1
    assert await desk.told() == [("contact.tagged", "银卡")]


async def test_a_failure_of_another_field_takes_the_tag_back(desk: Desk) -> None:
    before = await desk.carries()
    given = {"member": await desk.member("protagonist")}

    failed = await desk.served.client().data(ATOMIC, **given, points=0)

    assert (failed["tag"]["code"], failed["tag"]["failedField"]) == ("TRANSACTION_ROLLED_BACK", "points")
    assert await desk.carries() == before
    assert await desk.told() == [("contact.tagged", "银卡"), ("contact.untagged", "银卡")]

    done = await desk.served.client().data(ATOMIC.replace("silver-and-points", "silver-and-more"), **given, points=5)

    assert {each["name"] for each in done["tag"]["contacts"][0]["tags"]} == before | {"银卡"}


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    before = len(desk.marked())
    wrong: tuple[dict[str, Any], ...] = (
        {"tags": []},
        {"tags": named(["没有的标签"])},
        {"tags": [{"name": "金卡", "group": "偏好"}]},
        {"member": ids.encode("mb", "01990000-0000-7000-8000-000000000000")},
        {"member": desk.guide("chenyutong")},
    )
    answers = [await desk.tag(["银卡"], f"bad-tags-{number}", **each) for number, each in enumerate(wrong)]
    assert [each["code"] for each in answers] == [
        "BAD_USER_INPUT", "TAG_UNKNOWN", "TAG_UNKNOWN", "MEMBER_UNKNOWN", "ID_FOREIGN",
    ]  # fmt: skip
    nobody = UNTAG.read_text("utf-8")
    given = {"member": await desk.member("protagonist"), "guide": desk.guide("fengbo"), "tags": named(["银卡"])}
    answer = await desk.served.client().data(nobody, **given, key="not-a-contact")
    assert answer["memberUntag"]["code"] == "CONTACT_UNKNOWN"
    assert len(desk.marked()) == before


async def test_a_platform_that_refuses_is_told(desk: Desk) -> None:
    desk.misbehave("code", value=40144)
    answer = await desk.tag(["银卡"], "too-many-tags")
    assert (answer["code"], await desk.told()) == ("REJECTED", [])


@pytest.mark.parametrize(("caller", "allowed"), [("frontend", False), ("partner", False), ("masked", True)])
async def test_who_may(desk: Desk, caller: str, allowed: bool) -> None:
    given = {"member": await desk.member("protagonist"), "tags": named(["银卡"]), "key": f"who-may-{caller}"}
    answer = await desk.served.client(caller).ask(TAG.read_text("utf-8"), **given)
    codes = [each["extensions"]["code"] for each in answer.get("errors", ())]
    assert codes == ([] if allowed else ["FORBIDDEN"])


async def test_the_tags_to_choose_from(desk: Desk) -> None:
    found = (await desk.served.client("guide").data(TAGS.read_text("utf-8")))["tags"]["nodes"]
    assert {(each["group"], each["name"]) for each in found} >= {
        ("会员等级", "金卡"), ("会员等级", "银卡"), ("偏好", "雾灰控"), ("偏好", "徒步"),
    }  # fmt: skip
    assert {each["account"] for each in found} == {desk.served.world.corp.corpid}


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.tag(["银卡"], "no-such-tool"))["code"] == "TOOL_NOT_CONFIGURED"
