"""The tags of a corp, made, renamed, deleted and undone, and what guides note about customers."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from gateway.resolvers import ids
from sandbox.journal import Effect
from tests.gateway.actions.test_template_messages import Desk as AnyDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
ROOT = "POST /cgi-bin/externalcontact/"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
ATOMIC = """mutation ($member: ID!, $points: Long!) @atomic(key: "corp-tag-of-the-day") {
  make: corpTagCreate(input: {group: "活动", names: ["双11", "双12"]}) {
    __typename ... on DomainProblem { code failedField }
  }
  tag: memberTag(input: {member: $member, tags: [{name: "双11"}]}) { __typename }
  rename: corpTagRename(input: {name: "双12", newName: "年货节"}) { __typename ... on DomainProblem { code } }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
}"""
REMARKED = """mutation ($note: ContactRemarkInput!, $points: PointsAdjustInput!) @atomic(key: "note-and-points-1") {
  note: contactRemark(input: $note) { __typename ... on DomainProblem { code } }
  points: pointsAdjust(input: $points) { __typename }
}"""
MINE = "query ($m: ID!) { member(by: {id: $m}) { chat { contacts { nodes { guide { id } tags { name } } } } } }"


class Desk(AnyDesk):
    """Headquarters, or a guide, at a corp."""

    async def play(self, which: str, /, caller: str = "hq", **given: Any) -> dict[str, Any]:
        """What the one mutation of an example answers."""
        [answer] = (await self.served.client(caller).data(document(which), **given)).values()
        return dict(answer)

    async def note(self, key: str, caller: str = "guide", **given: Any) -> dict[str, Any]:
        """What contactRemark answers of 陈雨桐's contact."""
        asked = {
            "member": await self.member("protagonist"),
            "guide": ids.encode("gd", "chenyutong", self.served.world.corp.corpid),
            "idempotencyKey": key,
        }
        return await self.play("remark", caller, input=asked | given)

    @property
    def platform(self) -> Any:
        """What the platform holds of the corp."""
        return self.served.sandbox.platforms[TOOL].state  # type: ignore[attr-defined]

    @property
    def relation(self) -> Any:
        """The protagonist as 陈雨桐 has her at the platform."""
        return self.platform.relation("chenyutong", self.served.person("protagonist").external_userid)

    def there(self) -> set[tuple[str, str]]:
        """(group, name) of the tags at the platform."""
        return {(group.name, tag.name) for group in self.platform.tag_groups for tag in group.tags}

    async def tags(self) -> set[tuple[str, str]]:
        """The same, as the graph has them."""
        nodes = (await self.served.client().data(document("tags")))["tags"]["nodes"]
        return {(each["group"], each["name"]) for each in nodes}

    async def carries(self) -> set[str]:
        """The protagonist's tags, as the graph reads them now."""
        found = (await self.served.client().data(MINE, m=await self.member("protagonist")))["member"]["chat"]
        return {tag["name"] for each in found["contacts"]["nodes"] for tag in each["tags"]}

    async def later(self) -> None:
        """Two minutes on, and what was due is done."""
        by = timedelta(minutes=2)
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        await self.served.gateway.worker.drain()

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
    groups, relation = copy.deepcopy(desk.platform.tag_groups), copy.copy(desk.relation)
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.tag_groups[:] = groups
    for name in ("remark", "description", "company", "mobiles", "tags"):
        setattr(desk.relation, name, getattr(relation, name))


async def test_an_undone_creation_does_not_take_the_tag_of_another(desk: Desk) -> None:
    desk.misbehaves("reset_before", "add_corp_tag", calls=(1,))
    # The plan may read the list, and after that nobody may.
    desk.misbehaves("status", "get_corp_tag_list", value=503, calls=tuple(range(2, 20)))
    given = {"member": await desk.member("protagonist"), "points": 5}
    failed = await desk.served.client().data(ATOMIC, **given)
    assert failed["make"]["__typename"] == "DomainProblem"
    desk.served.sandbox.kit.faults.clear()
    made = await desk.play("corp-tag-create", group="活动", names=["双11"], key="make-meanwhile")
    assert made["transaction"]["state"] == "COMPLETED"

    await desk.later()

    assert {each for each in desk.there() if each[0] == "活动"} == {("活动", "双11")}
    assert ("活动", "双11") in await desk.tags()


async def test_a_lost_answer_is_not_found_in_the_tag_of_another(desk: Desk) -> None:
    desk.misbehaves("reset_before", "add_corp_tag", calls=(1,))
    desk.misbehaves("status", "get_corp_tag_list", value=503, calls=tuple(range(2, 20)))
    lost = await desk.play("corp-tag-create", group="活动", names=["双11"], key="lost-creation")
    assert lost["code"] == "TRANSACTION_IN_PROGRESS"
    desk.served.sandbox.kit.faults.clear()
    await desk.play("corp-tag-create", group="活动", names=["双11"], key="made-meanwhile")

    await desk.later()

    told = await desk.play("corp-tag-create", group="活动", names=["双11"], key="lost-creation")
    assert told["code"] == "TAG_EXISTS"
    assert len([each for each in desk.there() if each[0] == "活动"]) == 1


async def test_of_two_at_once_one_is_told_that_it_is_there(desk: Desk) -> None:
    asked = [desk.play("corp-tag-create", group="活动", names=["双11"], key=f"tags-at-once-{n}") for n in range(3)]
    answers = await asyncio.gather(*asked)
    await desk.later()
    made = [each for each in answers if each.get("tags")]
    assert len(made) == 1
    again = [
        await desk.play("corp-tag-create", group="活动", names=["双11"], key=f"tags-at-once-{n}") for n in range(3)
    ]
    assert sorted(each.get("code", "MADE") for each in again) == ["MADE", "TAG_EXISTS", "TAG_EXISTS"]


async def test_tags_from_their_making_to_their_end(desk: Desk) -> None:
    before = await desk.tags()
    counted = [len(desk.effects(each)) for each in ("tags_added", "tag_edited", "tags_deleted")]
    desk.misbehaves("reset_after", "add_corp_tag")

    made = await desk.play("corp-tag-create", group="活动", names=["双11", "双12", "双11"], key="make-the-tags")

    corpid = desk.served.world.corp.corpid
    assert made["tags"] == [{"group": "活动", "name": each, "account": corpid} for each in ("双11", "双12")]
    assert await desk.tags() == before | {("活动", "双11"), ("活动", "双12")} == desk.there()
    again = await desk.play("corp-tag-create", group="活动", names=["双12"], key="make-it-again")
    assert again["code"] == "TAG_EXISTS"
    desk.misbehaves("reset_after", "edit_corp_tag")
    renamed = await desk.play("corp-tag-rename", group="活动", name="双12", newName="年货节", key="rename-the-tag")
    assert renamed["tags"] == [{"group": "活动", "name": "年货节", "account": corpid}]
    assert await desk.tags() == before | {("活动", "双11"), ("活动", "年货节")} == desk.there()
    desk.misbehaves("reset_after", "del_corp_tag")
    gone = await desk.play("corp-tag-delete", names=["双11", "年货节"], key="delete-the-tags")
    assert gone["transaction"]["state"] == "COMPLETED"
    assert await desk.tags() == before == desk.there()
    assert await desk.play("corp-tag-delete", names=["双11", "年货节"], key="delete-the-tags") == gone
    assert (await desk.play("corp-tag-delete", names=["双11"], key="delete-it-again"))["code"] == "TAG_UNKNOWN"
    after = [len(desk.effects(each)) for each in ("tags_added", "tag_edited", "tags_deleted")]
    assert [late - early for early, late in zip(counted, after, strict=True)] == [1, 1, 1]


async def test_one_name_in_two_groups(desk: Desk) -> None:
    await desk.play("corp-tag-create", group="活动", names=["金卡"], key="another-gold-card")
    unclear = await desk.play("corp-tag-rename", name="金卡", newName="黑卡", key="rename-which-one")
    assert unclear["code"] == "TAG_AMBIGUOUS"
    answer = await desk.play("corp-tag-rename", group="活动", name="金卡", newName="黑卡", key="rename-this-one")
    assert [each["name"] for each in answer["tags"]] == ["黑卡"]
    assert ("会员等级", "金卡") in desk.there()


async def test_what_the_console_made_is_the_consoles(desk: Desk) -> None:
    before = desk.there()
    answers = [
        await desk.play("corp-tag-rename", name="徒步", newName="登山", key="rename-the-consoles"),
        await desk.play("corp-tag-delete", names=["徒步"], key="delete-the-consoles"),
    ]
    assert [each["code"] for each in answers] == ["UNAUTHORIZED"] * 2
    assert desk.there() == before == await desk.tags()


async def test_what_cannot_be(desk: Desk) -> None:
    before = desk.there()
    answers = [
        await desk.play("corp-tag-create", group="活动", names=[], key="bad-corp-tag-1"),
        await desk.play("corp-tag-create", group="", names=["双11"], key="bad-corp-tag-2"),
        await desk.play("corp-tag-create", group="活动", names=["长" * 31], key="bad-corp-tag-3"),
        await desk.play("corp-tag-create", group="活动", names=[f"{n}" for n in range(31)], key="bad-corp-tag-4"),
        await desk.play("corp-tag-rename", name="没有的", newName="有的", key="bad-corp-tag-5"),
        await desk.play("corp-tag-rename", name="徒步", newName="雾灰控", key="bad-corp-tag-6"),
        await desk.play("corp-tag-delete", names=[], key="bad-corp-tag-7"),
    ]
    assert [each["code"] for each in answers] == [
        *["BAD_USER_INPUT"] * 4, "TAG_UNKNOWN", "TAG_EXISTS", "BAD_USER_INPUT",
    ]  # fmt: skip
    assert desk.there() == before


async def test_what_nobody_answered_is_found_by_the_job(desk: Desk) -> None:
    desk.misbehaves("reset_after", "add_corp_tag")
    desk.misbehaves("status", "get_corp_tag_list", value=503, calls=(2, 3, 4, 5, 6))
    given = {"group": "活动", "names": ["双11"], "key": "make-it-in-the-dark"}
    assert (await desk.play("corp-tag-create", **given))["code"] == "TRANSACTION_IN_PROGRESS"
    assert ("活动", "双11") not in await desk.tags()
    desk.served.sandbox.kit.faults.clear()
    await desk.later()
    assert (await desk.play("corp-tag-create", **given))["transaction"]["state"] == "COMPLETED"
    assert ("活动", "双11") in await desk.tags()
    assert ("活动", "双11") in desk.there()


async def test_all_of_it_is_undone_when_a_later_field_fails(desk: Desk) -> None:
    before, tags, given = await desk.carries(), await desk.tags(), {"member": await desk.member("protagonist")}

    failed = await desk.served.client().data(ATOMIC, **given, points=0)

    assert failed["make"] == {"__typename": "DomainProblem", "code": "TRANSACTION_ROLLED_BACK", "failedField": "points"}
    assert (await desk.carries(), await desk.tags(), desk.there()) == (before, tags, tags)

    done = await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)

    assert [each["__typename"] for each in done.values()] == [
        "CorpTagsChanged", "MemberTagged", "CorpTagsChanged", "PointsAdjusted",
    ]  # fmt: skip
    assert await desk.tags() == tags | {("活动", "双11"), ("活动", "年货节")}


@pytest.mark.parametrize("caller", ["frontend", "partner", "guide"])
async def test_only_headquarters_keeps_the_list(desk: Desk, caller: str) -> None:
    before = desk.there()
    given = {"group": "活动", "names": ["双11"], "key": f"who-may-{caller}"}
    answer = await desk.served.client(caller).ask(document("corp-tag-create"), **given)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert desk.there() == before


async def test_a_note_is_seen_at_once_and_kept_sealed(desk: Desk) -> None:
    written = len(desk.effects("remark"))
    desk.misbehaves("reset_after", "remark", calls=(1,))
    given = {"remark": "林女士·安福路", "description": "喜欢雾灰", "company": "某设计所", "phones": ["13800001111"]}

    answer = await desk.note("note-of-hers", **given)

    assert answer["contact"] == {"guide": {"name": "陈雨桐"}, "remark": "林女士·安福路"}
    assert answer["transaction"]["state"] == "COMPLETED"
    who = desk.relation
    assert (who.remark, who.description, who.company, who.mobiles) == (
        "林女士·安福路", "喜欢雾灰", "某设计所", ("13800001111",),
    )  # fmt: skip
    assert len(desk.effects("remark")) == written + 1
    assert await desk.note("note-of-hers", **given) == answer
    assert len(desk.effects("remark")) == written + 1
    less = await desk.note("note-of-hers-2", phones=[], company="")
    assert less["contact"]["remark"] == "林女士·安福路"
    assert (who.remark, who.company, who.mobiles) == ("林女士·安福路", "", ())
    stored = await desk.served.gateway.services.database.fetch(text("SELECT intent FROM saga_step"))
    assert len(stored) == 2
    assert "安福路".encode() not in b"".join(bytes(row.intent) for row in stored)


async def test_a_note_waits_for_the_others(desk: Desk) -> None:
    member = await desk.member("protagonist")
    note = {"member": member, "guide": ids.encode("gd", "chenyutong", desk.served.world.corp.corpid), "remark": "老客"}
    before = desk.relation.remark
    failed = await desk.served.client().data(
        REMARKED, note=note, points={"member": member, "points": 0, "reason": "礼"}
    )
    assert (failed["note"]["code"], desk.relation.remark) == ("TRANSACTION_ROLLED_BACK", before)
    done = await desk.served.client().data(
        REMARKED.replace("points-1", "points-2"), note=note, points={"member": member, "points": 5, "reason": "礼"}
    )
    assert done["note"]["code"] == "QUEUED"
    by = timedelta(minutes=2)
    desk.served.gateway.clock.advance(by)
    await desk.served.gateway.worker.drain()
    assert desk.relation.remark == "老客"


async def test_notes_that_cannot_be(desk: Desk) -> None:
    before = len(desk.effects("remark"))
    guide = ids.encode("gd", "fengbo", desk.served.world.corp.corpid)
    answers = [
        await desk.note("bad-note-1"),
        await desk.note("bad-note-2", remark="长" * 21),
        await desk.note("bad-note-3", description="长" * 151),
        await desk.note("bad-note-4", phones=["call me"]),
        await desk.note("bad-note-5", phones=["13800001111"] * 6),
        await desk.note("bad-note-6", remark="x", guide=guide),
        await desk.note("bad-note-7", remark="x", member=ids.encode("mb", "01990000-0000-7000-8000-000000000000")),
        await desk.note("bad-note-8", remark="x", member=guide),
    ]
    assert [each["code"] for each in answers] == [
        *["BAD_USER_INPUT"] * 5, "CONTACT_UNKNOWN", "MEMBER_UNKNOWN", "ID_FOREIGN",
    ]  # fmt: skip
    desk.misbehaves("code", "remark", value=84061)
    assert (await desk.note("bad-note-9", remark="x"))["code"] == "NOT_FOUND"
    for caller in ("frontend", "partner"):
        given = {
            "input": {"member": await desk.member("protagonist"), "guide": guide, "idempotencyKey": "who-may-note"}
        }
        answer = await desk.served.client(caller).ask(document("remark"), **given)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.effects("remark")) == before


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    made = await desk.play("corp-tag-create", group="活动", names=["双11"], key="no-such-tool")
    noted = await desk.note("no-such-tool-2", remark="x")
    assert (made["code"], noted["code"]) == ("TOOL_NOT_CONFIGURED", "TOOL_NOT_CONFIGURED")
