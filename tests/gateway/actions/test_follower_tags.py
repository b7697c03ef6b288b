"""memberTag at an official account, and the account's own list of tags: at the platform, in our rows, undone."""

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

TOOL = "official_account"
TAGGING = "POST /cgi-bin/tags/members/batchtagging"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "followers"
FOUND = "query ($tag: String!) { members(filter: {tag: {name: $tag}}) { nodes { id } } }"
ATOMIC = """mutation ($member: ID!, $points: Long!) @atomic(key: "tag-of-the-day") {
  make: followerTagCreate(input: {name: "双11"}) { __typename ... on DomainProblem { code failedField } }
  tag: memberTag(input: {tool: OFFICIAL_ACCOUNT, member: $member, tags: [{name: "双11"}]}) { __typename }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
}"""


class Desk(AnyDesk):
    """Headquarters, or a guide, at an official account."""

    async def play(self, which: str, /, caller: str = "hq", **given: Any) -> dict[str, Any]:
        """What the one mutation of an example answers."""
        [answer] = (await self.served.client(caller).data(document(which), **given)).values()
        return dict(answer)

    async def tag(self, names: list[str], key: str, name: str = "tag", **more: Any) -> dict[str, Any]:
        """What memberTag answers, or memberUntag."""
        given = {"member": await self.member("protagonist"), "tags": [{"name": each} for each in names], "key": key}
        return await self.play(name, **given | more)

    def carries(self) -> set[str]:
        """The protagonist's tags at the platform."""
        account = self.platform
        found = account.followers[self.served.person("protagonist").openids[self.appid]]
        return {account.tags[tag] for tag in found.tags}

    @property
    def platform(self) -> Any:
        """What the platform holds of the account."""
        return self.served.sandbox.platforms[TOOL].accounts[self.appid]  # type: ignore[attr-defined]

    async def tags(self) -> set[str]:
        """The account's tags, as the graph has them."""
        nodes = (await self.served.client().data(document("tags")))["tags"]["nodes"]
        return {each["name"] for each in nodes if each["account"] == self.appid}

    async def told_of_tags(self) -> list[tuple[str, str]]:
        """Facts of tags: kind and name."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.kind, fact.c.payload)
            .where(fact.c.kind.in_(("follower.tagged", "follower.untagged")))
            .order_by(fact.c.seq)
        )
        return [(row.kind, row.payload["name"]) for row in rows]

    def effects(self, kind: str) -> list[Effect]:
        """What the platform did."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, kind)

    def misbehaves(self, kind: str, endpoint: str, **rule: Any) -> None:
        """A fault of the platform's."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=endpoint, **rule)


def document(name: str) -> str:
    return (DOCUMENTS / f"{name}.graphql").read_text("utf-8")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    account = desk.platform
    tags, carried = dict(account.tags), {who: list(each.tags) for who, each in account.followers.items()}
    yield desk
    desk.served.sandbox.kit.faults.clear()
    account.tags = tags
    for who, each in account.followers.items():
        each.tags = carried.get(who, [])


async def test_a_tag_is_seen_at_once_and_found_by_and_goes(desk: Desk) -> None:
    before = desk.carries()
    answer = await desk.tag(["星标组", *before], "star-follower-1", caller="guide")

    assert {each["name"] for each in answer["follower"]["tags"]} == before | {"星标组"}
    assert (answer["follower"]["appid"], answer["refused"]) == (desk.appid, [])
    assert answer["transaction"]["state"] == "COMPLETED"
    assert desk.carries() == before | {"星标组"}
    # Only what changed is sent and told.
    assert await desk.told_of_tags() == [("follower.tagged", "星标组")]
    found = await desk.served.client().data(FOUND, tag="星标组")
    assert await desk.member("protagonist") in [each["id"] for each in found["members"]["nodes"]]
    made = len(desk.effects("tagged"))
    assert await desk.tag(["星标组", *before], "star-follower-1", caller="guide") == answer
    assert len(desk.effects("tagged")) == made

    gone = await desk.tag(["星标组"], "star-follower-2", "untag")

    assert {each["name"] for each in gone["follower"]["tags"]} == before == desk.carries()
    assert (await desk.told_of_tags())[1:] == [("follower.untagged", "星标组")]


async def test_an_undone_creation_does_not_take_the_tag_of_another(desk: Desk) -> None:
    desk.misbehaves("reset_before", "POST /cgi-bin/tags/create", calls=(1,))
    # The plan may read the list, and after that nobody may.
    desk.misbehaves("status", "GET /cgi-bin/tags/get", value=503, calls=tuple(range(2, 20)))
    failed = await desk.served.client().data(ATOMIC, member=await desk.member("protagonist"), points=5)
    assert failed["make"]["__typename"] == "DomainProblem"
    desk.served.sandbox.kit.faults.clear()
    made = await desk.play("tag-create", name="双11", key="make-meanwhile")
    assert made["transaction"]["state"] == "COMPLETED"

    await desk.later()

    assert "双11" in desk.platform.tags.values()
    assert "双11" in await desk.tags()


async def test_a_lost_answer_is_not_found_in_the_tag_of_another(desk: Desk) -> None:
    desk.misbehaves("reset_before", "POST /cgi-bin/tags/create", calls=(1,))
    desk.misbehaves("status", "GET /cgi-bin/tags/get", value=503, calls=tuple(range(2, 20)))
    lost = await desk.play("tag-create", name="双11", key="lost-creation-2")
    assert lost["code"] == "TRANSACTION_IN_PROGRESS"
    desk.served.sandbox.kit.faults.clear()
    await desk.play("tag-create", name="双11", key="made-meanwhile-2")
    await desk.later()
    assert (await desk.play("tag-create", name="双11", key="lost-creation-2"))["code"] == "TAG_EXISTS"


async def test_a_lost_answer_is_asked_about(desk: Desk) -> None:
    before = len(desk.effects("tagged"))
    desk.misbehaves("reset_after", TAGGING)
    answer = await desk.tag(["星标组"], "star-follower-3")
    assert "星标组" in {each["name"] for each in answer["follower"]["tags"]}
    assert len(desk.effects("tagged")) == before + 1
    assert await desk.told_of_tags() == [("follower.tagged", "星标组")]


async def test_one_tag_is_refused_and_the_other_given(desk: Desk) -> None:
    desk.misbehaves("code", TAGGING, value=45058, calls=(1,))
    await desk.play("tag-create", name="新品", key="make-new-goods")
    answer = await desk.tag(["星标组", "新品"], "star-follower-4")
    assert answer["refused"] == [{"tag": "星标组", "reason": "tag_of_system"}]
    assert "新品" in desk.carries()
    assert await desk.told_of_tags() == [("follower.tagged", "新品")]


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    before = len(desk.effects("tagged"))
    unknown = ids.encode("mb", "01990000-0000-7000-8000-000000000000")
    guide = ids.encode("gd", "chenyutong", desk.served.world.corp.corpid)
    full = [f"标签{number}" for number in range(21)]
    desk.platform.tags |= {500 + number: name for number, name in enumerate(full)}
    answers = [
        await desk.tag([], "bad-follower-1"),
        await desk.tag(["没有的标签"], "bad-follower-2"),
        await desk.tag(["星标组"], "bad-follower-3", member=unknown),
        await desk.tag(full, "bad-follower-4"),
        await desk.tag([], "bad-follower-5", tags=[{"name": "星标组", "group": "偏好"}]),
        await desk.tag([], "bad-follower-6", member=guide),
    ]
    assert [each["code"] for each in answers] == [
        "BAD_USER_INPUT", "TAG_UNKNOWN", "MEMBER_UNKNOWN", "TAGS_FULL", "BAD_USER_INPUT", "ID_FOREIGN",
    ]  # fmt: skip
    desk.platform.followers[desk.served.person("protagonist").openids[desk.appid]].subscribed = False
    try:
        left = await desk.tag(["星标组"], "bad-follower-7")
    finally:
        desk.platform.followers[desk.served.person("protagonist").openids[desk.appid]].subscribed = True
    assert left["code"] == "FOLLOWER_UNKNOWN"
    assert len(desk.effects("tagged")) == before
    assert await desk.told_of_tags() == []


async def test_a_tag_from_its_making_to_its_end(desk: Desk) -> None:
    before, done = await desk.tags(), [len(desk.effects(f"tag_{each}")) for each in ("renamed", "deleted")]
    desk.misbehaves("reset_after", "POST /cgi-bin/tags/create")

    made = await desk.play("tag-create", name="双11", key="make-the-tag")

    assert made["tag"] == {"name": "双11", "account": desk.appid}
    assert await desk.tags() == before | {"双11"}
    assert (await desk.play("tag-create", name="双11", key="make-it-again"))["code"] == "TAG_EXISTS"
    desk.misbehaves("reset_after", "POST /cgi-bin/tags/update")
    renamed = await desk.play("tag-rename", name="双11", newName="双11老客", key="rename-the-tag")
    assert renamed["tag"]["name"] == "双11老客"
    assert await desk.tags() == before | {"双11老客"}
    desk.misbehaves("reset_after", "POST /cgi-bin/tags/delete")
    gone = await desk.play("tag-delete", name="双11老客", key="delete-the-tag")
    assert gone["transaction"]["state"] == "COMPLETED"
    assert await desk.tags() == before == set(desk.platform.tags.values())
    again = await desk.play("tag-delete", name="双11老客", key="delete-it-again")
    long = await desk.play("tag-create", name="长" * 31, key="make-a-long-one")
    assert (again["code"], long["code"]) == ("TAG_UNKNOWN", "BAD_USER_INPUT")
    assert [len(desk.effects(f"tag_{each}")) for each in ("renamed", "deleted")] == [each + 1 for each in done]


async def test_all_of_it_is_undone_when_a_later_field_fails(desk: Desk) -> None:
    before, tags, given = desk.carries(), await desk.tags(), {"member": await desk.member("protagonist")}

    failed = await desk.served.client().data(ATOMIC, **given, points=0)

    assert failed["make"] == {"__typename": "DomainProblem", "code": "TRANSACTION_ROLLED_BACK", "failedField": "points"}
    assert (desk.carries(), await desk.tags()) == (before, tags)
    assert set(desk.platform.tags.values()) == tags
    assert await desk.told_of_tags() == [("follower.tagged", "双11"), ("follower.untagged", "双11")]

    done = await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)

    assert {each["__typename"] for each in done.values()} == {"FollowerTagChanged", "MemberTagged", "PointsAdjusted"}
    assert desk.carries() == before | {"双11"}


@pytest.mark.parametrize("caller", ["frontend", "partner", "guide"])
async def test_only_headquarters_keeps_the_list(desk: Desk, caller: str) -> None:
    before = len(desk.effects("tag_created"))
    answer = await desk.served.client(caller).ask(document("tag-create"), name="双11", key=f"who-may-{caller}")
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.effects("tag_created")) == before


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    answer = await served.client().data(document("tag-create"), name="双11", key="no-such-tool")
    assert answer["followerTagCreate"]["code"] == "TOOL_NOT_CONFIGURED"
