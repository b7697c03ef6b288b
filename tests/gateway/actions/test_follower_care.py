"""followersBlock and followerRemark: at the platform, in our rows, at the gate, undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.official_account import Follower
from gateway.database.tables.facts import fact
from gateway.events.projections import official_account
from gateway.resolvers import ids
from gateway.transactions.effects import follower_blocks
from tests.gateway.actions.test_follower_tags import Desk as TagDesk
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
BLOCKING = "POST /cgi-bin/tags/members/batchblacklist"
REMARKING = "POST /cgi-bin/user/info/updateremark"
REACH = "query ($o: OpenidInput!) { member(by: {openid: $o}) { reach(purpose: SERVICE) { channel reason } } }"
NOTE = "query ($o: OpenidInput!) { member(by: {openid: $o}) { officialAccount { remark } } }"
ATOMIC = """mutation ($member: ID!, $points: Long!) @atomic(key: "block-of-the-day") {
  block: followersBlock(input: {members: [$member]}) { __typename }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
}"""


class Desk(TagDesk):
    """Headquarters, which keeps the list."""

    @property
    def openid(self) -> str:
        """The protagonist's."""
        return self.served.person("protagonist").openids[self.appid]

    def listed(self) -> list[str]:
        """Openids on the platform's list."""
        found: list[str] = self.platform.shelf.blacklist
        return found

    def noted(self) -> str:
        """The platform's note about the protagonist."""
        return str(self.platform.followers[self.openid].remark)

    async def block(self, key: str, name: str = "block", **more: Any) -> dict[str, Any]:
        """What followersBlock answers, or followersUnblock."""
        return await self.play(name, **{"members": [await self.member("protagonist")], "key": key} | more)

    async def blocked(self, caller: str = "hq") -> list[str]:
        """Members on the list, as the graph has it."""
        answer = await self.served.client(caller).data(document("blocked"))
        return [each["member"]["id"] for each in answer["blockedFollowers"]["nodes"]]

    async def reasons(self) -> set[str | None]:
        """Why the official account cannot write to the protagonist now."""
        found = await self.served.client().data(REACH, o={"app": self.appid, "value": self.openid})
        mine = {"OFFICIAL_ACCOUNT", "MASS_MESSAGE", "CUSTOMER_SERVICE"}
        return {each["reason"] for each in found["member"]["reach"] if each["channel"] in mine}

    async def told_of_care(self) -> list[tuple[str, str]]:
        """Facts: kind and source."""
        kinds = ("follower.blocked", "follower.unblocked", "follower.remarked")
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.kind, fact.c.source).where(fact.c.kind.in_(kinds)).order_by(fact.c.seq)
        )
        return [(row.kind, row.source) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    note = desk.noted()
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.shelf.blacklist = []
    desk.platform.followers[desk.openid].remark = note


async def test_whoever_is_blocked_is_sent_nothing_until_they_are_not(desk: Desk) -> None:
    who, made = await desk.member("protagonist"), len(desk.effects("blacklisted"))
    desk.misbehaves("reset_after", BLOCKING, calls=(1,))

    answer = await desk.block("block-them-1")

    assert (answer["account"], answer["changed"]) == (desk.appid, 1)
    assert [each["id"] for each in answer["members"]] == [who]
    assert answer["members"][0]["officialAccount"]["blockedAt"] is not None
    assert answer["transaction"]["state"] == "COMPLETED"
    assert desk.listed() == [desk.openid]
    assert await desk.block("block-them-1") == answer
    assert len(desk.effects("blacklisted")) == made + 1
    assert await desk.blocked() == [who]
    assert await desk.reasons() == {"BLACKLISTED"}
    sent = len(desk.sent())
    refused = await desk.send(key="to-one-who-is-blocked")
    assert (refused["code"], len(desk.sent())) == ("NOT_REACHABLE", sent)
    again = await desk.block("block-them-2")
    assert (again["changed"], desk.listed()) == (0, [desk.openid])

    free = await desk.block("free-them-1", "unblock")

    assert free["members"][0]["officialAccount"]["blockedAt"] is None
    assert (desk.listed(), await desk.blocked()) == ([], [])
    assert "BLACKLISTED" not in await desk.reasons()
    assert await desk.told_of_care() == [("follower.blocked", "own"), ("follower.unblocked", "own")]


async def test_whom_the_console_blocked_is_known_with_the_next_sync(desk: Desk) -> None:
    desk.platform.shelf.blacklist = [desk.openid]
    assert await desk.blocked() == []
    await _read(desk)
    assert await desk.blocked() == [await desk.member("protagonist")]
    await _read(desk)
    desk.platform.shelf.blacklist = []
    await _read(desk)
    assert await desk.blocked() == []
    assert await desk.told_of_care() == [("follower.blocked", "poll"), ("follower.unblocked", "poll")]


async def _read(desk: Desk) -> None:
    await desk.later()
    sync = desk.served.gateway.services.sync
    await sync.enqueue([TOOL])
    await sync.finish(desk.served.gateway.worker)


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    made = len(desk.effects("blacklisted"))
    unknown = ids.encode("mb", "01990000-0000-7000-8000-000000000000")
    guide = ids.encode("gd", "chenyutong", desk.served.world.corp.corpid)
    many = [ids.encode("mb", f"01990000-0000-7000-8000-{n:012d}") for n in range(21)]
    answers = [
        await desk.block("bad-block-1", members=[]),
        await desk.block("bad-block-2", members=many),
        await desk.block("bad-block-3", members=[unknown]),
        await desk.block("bad-block-4", members=[guide]),
        await desk.play("remark", member=unknown, text="老客", key="bad-remark-1"),
        await desk.play("remark", member=await desk.member("protagonist"), text="长" * 31, key="bad-remark-2"),
    ]
    assert [each["code"] for each in answers] == [
        "BAD_USER_INPUT", "BAD_USER_INPUT", "MEMBER_UNKNOWN", "ID_FOREIGN", "MEMBER_UNKNOWN", "BAD_USER_INPUT",
    ]  # fmt: skip
    assert (len(desk.effects("blacklisted")), await desk.told_of_care()) == (made, [])


async def test_it_is_undone_when_a_later_field_fails(desk: Desk) -> None:
    given = {"member": await desk.member("protagonist")}
    await desk.served.client().data(ATOMIC, **given, points=0)
    assert (desk.listed(), await desk.blocked()) == ([], [])
    done = await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)
    assert {each["__typename"] for each in done.values()} == {"FollowersBlocked", "PointsAdjusted"}
    assert desk.listed() == [desk.openid]


async def test_a_note_is_for_staff(desk: Desk) -> None:
    who = await desk.member("protagonist")
    given = {"member": who, "text": "爱穿素色", "key": "note-of-them-1"}
    before = len(desk.effects("remark_set"))
    desk.misbehaves("reset_after", REMARKING, calls=(1,))

    answer = await desk.play("remark", "guide", **given)

    assert answer["follower"] == {"appid": desk.appid, "remark": "爱穿素色"}
    assert desk.noted() == "爱穿素色"
    assert await desk.play("remark", "guide", **given) == answer
    assert len(desk.effects("remark_set")) == before + 1
    masked = await desk.served.client("masked").data(NOTE, o={"app": desk.appid, "value": desk.openid})
    assert masked["member"]["officialAccount"] == {"remark": None}
    gone = await desk.play("remark", member=who, text="", key="note-of-them-2")
    assert (gone["follower"]["remark"], desk.noted()) == (None, "")
    assert await desk.told_of_care() == [("follower.remarked", "own")] * 2
    database = desk.served.gateway.services.database
    rows = await database.fetch(select(fact.c.payload).where(fact.c.kind == "follower.remarked"))
    assert [row.payload for row in rows] == [{}, {}]


async def test_nobody_is_told_that_nothing_happened_when_half_of_it_did(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Somebody who follows by two accounts of WeChat's, so that there are two calls.
    monkeypatch.setattr(follower_blocks, "BLACKLISTED_PER_CALL", 1)
    other = Follower(desk.appid, "oSecondSelf", desk.served.person("protagonist").unionid, subscribed=True)
    projector = desk.served.gateway.services.projector
    await official_account.followers(projector, [other])
    desk.platform.followers["oSecondSelf"] = replace(desk.platform.followers[desk.openid], openid="oSecondSelf")
    desk.platform.unionids["oSecondSelf"] = other.unionid
    desk.misbehaves("code", BLOCKING, value=40003, calls=(2,))
    desk.misbehaves("code", REMARKING, value=-1, calls=(2,))

    blocked = await desk.block("block-both-1")
    noted = await desk.play("remark", member=await desk.member("protagonist"), text="两个号", key="note-both-1")

    assert blocked["transaction"]["state"] == noted["transaction"]["state"] == "COMPLETED"
    assert set(desk.listed()) == {desk.openid, "oSecondSelf"}
    assert desk.noted() == desk.platform.followers["oSecondSelf"].remark == "两个号"
    desk.misbehaves("code", REMARKING, value=40003, calls=(2,))
    left = await desk.play("remark", member=await desk.member("protagonist"), text="一个号", key="note-one-1")
    assert left["transaction"]["state"] == "COMPLETED"
    assert {desk.noted(), desk.platform.followers.pop("oSecondSelf").remark} == {"一个号", "两个号"}
    del desk.platform.unionids["oSecondSelf"]


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_keeps_and_sees_the_list(desk: Desk, caller: str) -> None:
    client, who = desk.served.client(caller), await desk.member("protagonist")
    for answer in (
        await client.ask(document("block"), members=[who], key=f"who-may-{caller}"),
        await client.ask(document("unblock"), members=[who], key=f"who-may-too-{caller}"),
        await client.ask(document("blocked")),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert desk.listed() == []


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    who = ids.encode("mb", "01990000-0000-7000-8000-000000000000")
    answer = await served.client().data(document("block"), members=[who], key="no-such-tool")
    assert answer["followersBlock"]["code"] == "TOOL_NOT_CONFIGURED"
    listed = await served.client().ask(document("blocked"))
    assert (listed["data"], [each["extensions"]["code"] for each in listed["errors"]]) == (
        {"blockedFollowers": None}, ["TOOL_NOT_CONFIGURED"],
    )  # fmt: skip
