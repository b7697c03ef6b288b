"""Customer groups: the codes that bring people in, which group a page is in, and groups given to another owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from adapters.base.errors import NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.database.tables.dimensions import guide
from gateway.database.tables.facts import fact
from gateway.database.tables.projections import customer_group
from gateway.events.projections import enterprise_chat
from gateway.resolvers import ids
from gateway.transactions.effects.join_ways import UPDATE, Change
from sandbox.journal import Effect
from tests.gateway.actions.trading import begun, part, rolled_back
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
ROOT = "POST /cgi-bin/externalcontact/"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
TOGETHER = """mutation ($way: JoinWayCreateInput!, $more: JoinWayUpdateInput!, $points: PointsAdjustInput!)
  @atomic(key: "join-ways-together") {
  way: joinWayCreate(input: $way) { ... on Problem { code } }
  more: joinWayUpdate(input: $more) { ... on Problem { code } }
  points: pointsAdjust(input: $points) { ... on DomainProblem { code cause } }
}"""


class Desk:
    """Headquarters, which prints codes for groups."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.platform: Any = served.sandbox.platforms.get(TOOL)
        self.before = set(self.platform.ways.join)
        self.chats = [each.chat_id for each in served.world.groups]

    async def play(self, which: str, /, caller: str = "hq", **given: Any) -> Any:
        """What the one field of an example answers."""
        [answer] = (await self.served.client(caller).data(document(which), **given)).values()
        return answer

    async def create(self, key: str, *chats: str, **given: Any) -> dict[str, Any]:
        """What joinWayCreate answers."""
        asked = {"groups": [self.group(each) for each in chats], "idempotencyKey": key} | given
        return dict(await self.play("join-way", input=asked))

    async def change(self, way: str, key: str, **given: Any) -> dict[str, Any]:
        """What joinWayUpdate answers."""
        return dict(await self.play("join-way-update", input={"joinWay": way, "idempotencyKey": key, **given}))

    async def ways(self, **given: Any) -> list[dict[str, Any]]:
        """The list, the newest first."""
        return list((await self.play("join-ways", **given))["nodes"])

    async def hand_over(self, key: str, userid: str, *chats: str) -> dict[str, Any]:
        """What customerGroupHandover answers."""
        groups = [self.group(each) for each in chats]
        return dict(await self.play("group-handover", groups=groups, to=self.guide(userid), key=key))

    def guide(self, userid: str) -> str:
        """A guide's id."""
        return ids.encode("gd", userid, self.served.world.corp.corpid)

    def group(self, chat_id: str) -> str:
        """A group's id."""
        return ids.encode("gp", chat_id, self.served.world.corp.corpid)

    def made(self) -> dict[str, dict[str, Any]]:
        """Codes at the platform that this test made, by config_id."""
        return {each: way.fields for each, way in self.platform.ways.join.items() if each not in self.before}

    async def joins(self, config_id: str, person: str) -> str:
        """Somebody scans the code, and the group has been read again; the group's chat_id."""
        await self.platform.actions()["scan"]({"config_id": config_id, "person": person})
        services = self.served.gateway.services
        [chat_id] = self.made()[config_id]["chat_id_list"]
        [found] = await services.tools.get(EnterpriseChatAdapter).groups([chat_id])
        assert not isinstance(found, NotFound)
        await enterprise_chat.groups(services.projector, [found])
        return str(chat_id)

    def strangers(self, number: int) -> list[str]:
        """So many people who are in no group."""
        inside = {person for each in self.served.world.groups for person in each.members}
        return [each for each in self.served.world.people if each.startswith("p0") and each not in inside][:number]

    async def member(self) -> str:
        """The protagonist's id."""
        unionid = self.served.person("protagonist").unionid
        found = await self.served.client().data("query ($u: String!) { member(by: {unionid: $u}) { id } }", u=unionid)
        return str(found["member"]["id"])

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
    groups = desk.platform.state.groups
    held = {each: (group.owner, list(group.members)) for each, group in groups.items()}
    yield desk
    desk.served.sandbox.kit.faults.clear()
    for each in desk.made():
        del desk.platform.ways.join[each]
    for each, (owner, members) in held.items():
        groups[each].owner, groups[each].members = owner, members
    desk.platform.groups._moved.clear()


async def test_a_code_is_known_by_whom_it_brings(desk: Desk) -> None:
    given = {"state": "双11群码", "remark": "安福路店橱窗", "followingName": "会员福利群", "followingNumber": 3}

    answer = await desk.create("join-way-1", desk.chats[0], **given)

    way = answer["joinWay"]
    assert (way["state"], answer["transaction"]["state"]) == ("双11群码", "COMPLETED")
    assert [each["id"] for each in way["groups"]] == [desk.group(desk.chats[0])]
    [(config_id, fields)] = desk.made().items()
    assert (way["configId"], way["qrCode"]) == (config_id, f"https://wework.qpic.example/{config_id}")
    told = [fields[each] for each in ("chat_id_list", "auto_create_room", "room_base_name", "room_base_id", "state")]
    assert told == [[desk.chats[0]], 1, "会员福利群", 3, "双11群码"]
    for person in desk.strangers(2):
        await desk.joins(config_id, person)
    [seen] = await desk.ways(state="双11群码")
    assert (seen["members"], seen["followingName"], seen["followingNumber"]) == (2, "会员福利群", 3)
    facts = await desk.served.gateway.services.database.fetch(
        select(fact.c.payload).where(fact.c.kind == "group.joined")
    )
    assert [each.payload["state"] for each in facts if "state" in each.payload] == ["双11群码"] * 2
    assert (await desk.create("join-way-1", desk.chats[0], **given))["joinWay"] == way
    assert len(desk.made()) == 1
    assert (await desk.create("join-way-2", desk.chats[0], state="双11群码"))["code"] == "STATE_TAKEN"


async def test_other_groups_stand_behind_the_same_code_until_it_is_deleted(desk: Desk) -> None:
    way = (await desk.create("join-way-3", desk.chats[0], followingName="福利群"))["joinWay"]
    assert len(way["state"]) == 28

    answer = await desk.change(way["id"], "join-way-4", groups=[desk.group(desk.chats[1])], remark="换群")

    assert [each["id"] for each in answer["joinWay"]["groups"]] == [desk.group(desk.chats[1])]
    [fields] = desk.made().values()
    kept = (fields["chat_id_list"], fields["remark"], fields["room_base_name"], fields["state"])
    assert kept == ([desk.chats[1]], "换群", "福利群", way["state"])
    gone = await desk.play("join-way-delete", way=way["id"], key="join-way-5")
    assert gone["joinWay"]["deletedAt"] is not None
    assert (desk.made(), await desk.ways()) == ({}, [])
    [seen] = await desk.ways(deleted=True)
    assert seen["id"] == way["id"]
    assert (await desk.play("join-way-delete", way=way["id"], key="join-way-6"))["code"] == "JOIN_WAY_UNKNOWN"
    assert (await desk.change(way["id"], "join-way-7", remark="x"))["code"] == "JOIN_WAY_UNKNOWN"


async def test_a_lost_answer_leaves_one_code_that_anybody_is_shown(desk: Desk) -> None:
    desk.misbehaves("reset_after", "groupchat/add_join_way", calls=(1,))
    way = (await desk.create("join-way-8", desk.chats[0]))["joinWay"]
    # The platform lists none, so one that nobody is shown is left there.
    assert list(desk.made()).index(way["configId"]) == 1
    assert [each["id"] for each in await desk.ways()] == [way["id"]]


async def test_one_state_is_one_codes_also_of_requests_at_once(desk: Desk) -> None:
    answers = await asyncio.gather(
        *(desk.create(f"join-way-at-once-{n}", desk.chats[0], state="同时") for n in range(3))
    )
    await desk.later()
    codes = sorted(each.get("code", "MADE") for each in answers)
    assert codes == ["MADE", "STATE_TAKEN", "STATE_TAKEN"]
    assert (len(desk.made()), len(await desk.ways(state="同时"))) == (1, 1)


async def test_a_state_is_free_again_where_no_code_was_made(desk: Desk) -> None:
    desk.misbehaves("code", "groupchat/add_join_way", value=40058, calls=(1,))
    assert (await desk.create("join-way-refused", desk.chats[0], state="再来"))["code"] == "INVALID"
    assert await desk.ways(deleted=True) == []
    assert (await desk.create("join-way-again", desk.chats[0], state="再来"))["joinWay"]["state"] == "再来"
    desk.misbehaves("status", "groupchat/add_join_way", value=503)
    waiting = await desk.create("join-way-waits", desk.chats[0], state="等着")
    assert waiting["code"] == "TRANSACTION_IN_PROGRESS"
    assert (await desk.create("join-way-behind", desk.chats[0], state="等着"))["code"] == "STATE_TAKEN"


async def test_what_nobody_answered_is_carried_on_by_the_job(desk: Desk) -> None:
    desk.misbehaves("status", "groupchat/add_join_way", value=503)
    assert (await desk.create("join-way-21", desk.chats[0]))["code"] == "TRANSACTION_IN_PROGRESS"
    desk.served.sandbox.kit.faults.clear()
    await desk.later()
    [config_id] = desk.made()
    assert (await desk.create("join-way-21", desk.chats[0]))["joinWay"]["configId"] == config_id


async def test_a_picture_that_was_not_told_is_told_with_the_next_change(desk: Desk) -> None:
    desk.misbehaves("status", "groupchat/get_join_way", value=503)
    way = (await desk.create("join-way-9", desk.chats[0]))["joinWay"]
    assert (way["qrCode"], len(desk.made())) == (None, 1)
    desk.served.sandbox.kit.faults.clear()
    desk.misbehaves("reset_after", "groupchat/update_join_way", calls=(1,))
    answer = await desk.change(way["id"], "join-way-10", remark="再问")
    assert answer["joinWay"]["qrCode"] == f"https://wework.qpic.example/{way['configId']}"


async def test_among_several_it_is_undone(desk: Desk) -> None:
    first = (await desk.create("join-way-11", desk.chats[0], remark="原来"))["joinWay"]
    given = {
        "way": {"groups": [desk.group(desk.chats[1])]},
        "more": {"joinWay": first["id"], "remark": "新的"},
        "points": {"member": await desk.member(), "points": -10_000_000, "reason": "转赠"},
    }
    answer = await desk.served.client().data(TOGETHER, **given)
    assert {each["code"] for each in answer.values()} == {"TRANSACTION_ROLLED_BACK"}
    [fields] = desk.made().values()
    assert fields["remark"] == "原来"
    [seen] = await desk.ways(deleted=True)
    assert (seen["id"], seen["remark"]) == (first["id"], "原来")


async def test_what_somebody_changed_meanwhile_stays(desk: Desk) -> None:
    way = (await desk.create("join-way-12", desk.chats[0], remark="原来"))["joinWay"]
    opened = await begun(desk.served.gateway.services)
    await part(opened, "more", UPDATE, Change(ids.decode_as("jw", way["id"])[1], remark="新的"))
    await desk.change(way["id"], "join-way-13", groups=[desk.group(desk.chats[1])])
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    [fields] = desk.made().values()
    assert (fields["chat_id_list"], fields["remark"]) == ([desk.chats[1]], "新的")


async def test_codes_that_cannot_be_made(desk: Desk) -> None:
    way = (await desk.create("join-way-12", desk.chats[0]))["joinWay"]["id"]
    answers = [
        await desk.create("join-way-13"),
        await desk.create("join-way-14", *(f"wr{number}" for number in range(6))),
        await desk.create("join-way-15", desk.chats[0], state="s" * 31),
        await desk.create("join-way-16", desk.chats[0], remark="备" * 31),
        await desk.create("join-way-17", desk.chats[0], followingNumber=0),
        await desk.create("join-way-18", "wrNone"),
        await desk.change(way, "join-way-19", groups=[]),
        await desk.change(desk.group(desk.chats[0]), "join-way-20", remark="x"),
    ]
    assert [each["code"] for each in answers] == [
        *["BAD_USER_INPUT"] * 5, "GROUP_UNKNOWN", "BAD_USER_INPUT", "ID_FOREIGN",
    ]  # fmt: skip
    assert len(desk.made()) == 1


async def test_a_page_costs_the_same_whatever_its_size_and_is_headquarters(desk: Desk) -> None:
    for number in range(10):
        await desk.create(f"join-way-page-{number}", desk.chats[0])
    costs = []
    for first in (1, 5, 10):
        with desk.served.counted() as count:
            assert len(await desk.ways(first=first)) == first
        costs.append((count.statements, count.calls))
    assert costs == [costs[0]] * 3
    assert costs[0][1] == {}
    way = (await desk.ways(first=1))[0]["id"]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await desk.served.client().data(node, id=way) == {"node": {"id": way}}
    for caller in ("guide", "frontend", "partner"):
        for ask in (document("join-ways"), node):
            answer = await desk.served.client(caller).ask(ask, id=way)
            assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_the_groups_and_whose_they_are(desk: Desk) -> None:
    world = desk.served.world
    found = (await desk.play("groups", caller="guide", first=100))["nodes"]
    assert {each["id"] for each in found} == {desk.group(each) for each in desk.chats}
    owner = world.groups[0].owner
    mine = (await desk.play("groups", owner=desk.guide(owner), first=100))["nodes"]
    assert {each["id"] for each in mine} == {desk.group(each.chat_id) for each in world.groups if each.owner == owner}
    costs = []
    for first in (1, len(desk.chats)):
        with desk.served.counted() as count:
            assert len((await desk.play("groups", first=first))["nodes"]) == first
        costs.append((count.statements, count.calls))
    assert costs == [costs[0]] * 2
    answer = await desk.served.client("frontend").ask(document("groups"))
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_a_page_learns_in_which_group_it_is(desk: Desk) -> None:
    opengid = "oG" + desk.chats[0].removeprefix("wr")
    await desk.play("group-here", opengid=opengid)
    with desk.served.counted() as count:
        here = await desk.play("group-here", caller="guide", opengid=opengid)
    assert (here["id"], count.calls) == (desk.group(desk.chats[0]), {TOOL: 1})
    assert await desk.play("group-here", opengid="oGnothing") is None
    wrong = await desk.served.client().ask(document("group-here"), opengid="nothing")
    assert [each["extensions"]["code"] for each in wrong["errors"]] == ["INVALID"]
    desk.misbehaves("status", "opengid_to_chatid", value=503)
    down = await desk.served.client().ask(document("group-here"), opengid=opengid)
    assert (down["data"], [each["extensions"]["code"] for each in down["errors"]]) == (
        {"customerGroup": None}, ["UNAVAILABLE"],
    )  # fmt: skip
    answer = await desk.served.client("frontend").ask(document("group-here"), opengid=opengid)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


@pytest.mark.parametrize("lost", ["", "reset_before", "reset_after"])
async def test_groups_go_to_another_owner_at_once(desk: Desk, lost: str) -> None:
    chat, owner = desk.chats[0], desk.served.world.groups[0].owner
    new = next(each.userid for each in desk.served.world.guides if each.left_at is None and each.userid != owner)
    before = len(desk.effects("group_handed_over"))
    if lost:
        desk.misbehaves(lost, "groupchat/onjob_transfer", calls=(1,))

    answer = await desk.hand_over(f"hand-groups-{lost}", new, chat)

    assert answer["transaction"]["state"] == "COMPLETED"
    [given] = answer["groups"]
    assert (given["reason"], given["group"]["owner"]["id"]) == (None, desk.guide(new))
    assert desk.platform.state.groups[chat].owner == new
    assert await desk.hand_over(f"hand-groups-{lost}", new, chat) == answer
    assert len(desk.effects("group_handed_over")) == before + 1
    assert (await desk.hand_over(f"hand-back-{lost}", new, chat))["code"] == "BAD_USER_INPUT"


async def test_what_the_platform_does_not_give_says_why(desk: Desk) -> None:
    chat, owner = desk.chats[0], desk.served.world.groups[0].owner
    new = next(each.userid for each in desk.served.world.guides if each.left_at is None and each.userid != owner)
    await desk.hand_over("hand-groups-1", new, chat)
    await desk.hand_over("hand-groups-2", owner, chat)
    [third] = (await desk.hand_over("hand-groups-3", new, chat))["groups"]
    assert (third["reason"], third["group"]["owner"]["id"]) == ("handed_over_twice", desk.guide(owner))


async def test_groups_of_one_who_left(desk: Desk) -> None:
    chat, world = desk.chats[0], desk.served.world
    left = next(each.userid for each in world.guides if each.left_at is not None)
    desk.platform.state.groups[chat].owner = left
    async with desk.served.gateway.services.database.write() as connection:
        await connection.execute(update(customer_group).where(customer_group.c.chat_id == chat).values(owner=left))
    other = next(each.chat_id for each in world.groups if each.chat_id != chat and each.owner != "maolin")
    mixed = await desk.hand_over("hand-groups-4", "maolin", chat, other)
    answer = await desk.hand_over("hand-groups-5", "maolin", chat)
    assert mixed["code"] == "BAD_USER_INPUT"
    assert [each["reason"] for each in answer["groups"]] == [None]
    assert desk.platform.state.groups[chat].owner == "maolin"


async def test_groups_that_cannot_be_given(desk: Desk) -> None:
    before = len(desk.effects("group_handed_over"))
    async with desk.served.gateway.services.database.write() as connection:
        await connection.execute(update(guide).where(guide.c.userid == "tangwei").values(state="LEFT"))
    answers = [
        await desk.hand_over("hand-groups-6", "fengbo"),
        await desk.hand_over("hand-groups-7", "fengbo", *(f"wr{number}" for number in range(101))),
        await desk.hand_over("hand-groups-8", "fengbo", "wrNone"),
        await desk.hand_over("hand-groups-9", "nobody", desk.chats[0]),
        await desk.hand_over("hand-groups-10", "tangwei", desk.chats[0]),
    ]
    assert [each["code"] for each in answers] == [
        "BAD_USER_INPUT", "BAD_USER_INPUT", "GROUP_UNKNOWN", "GUIDE_UNKNOWN", "GUIDE_LEFT",
    ]  # fmt: skip
    for caller in ("guide", "frontend", "partner"):
        given = {"groups": [desk.group(desk.chats[0])], "to": desk.guide("fengbo"), "key": "who-may-give"}
        answer = await desk.served.client(caller).ask(document("group-handover"), **given)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.effects("group_handed_over")) == before


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    given = {"groups": [ids.encode("gp", "wr1", "ww1")], "to": ids.encode("gd", "fengbo", "ww1"), "key": "no-such-tool"}
    answer = await served.client().data(document("group-handover"), **given)
    assert answer["customerGroupHandover"]["code"] == "TOOL_NOT_CONFIGURED"
    asked = {"groups": given["groups"], "idempotencyKey": "no-such-tool"}
    assert (await served.client().data(document("join-way"), input=asked))["joinWayCreate"]["code"] == (
        "TOOL_NOT_CONFIGURED"
    )
