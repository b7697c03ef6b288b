"""customerHandover: accepted row by row, settled later by what the platform says, for guides who stay and who left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from gateway.database.tables.dimensions import guide
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity
from gateway.resolvers import ids
from sandbox.journal import Effect
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
HANDOVER, HANDOVERS, UNASSIGNED = (
    (DOCUMENTS / f"{name}.graphql").read_text("utf-8") for name in ("handover", "handovers", "unassigned")
)
GUIDES = "query ($m: ID!) { member(by: {id: $m}) { chat { contacts { nodes { guide { id } } } } } }"


class Desk:
    """Headquarters, which gives customers to other guides."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def guide(self, userid: str) -> str:
        """A guide's id."""
        return ids.encode("gd", userid, self.served.world.corp.corpid)

    async def customers_of(self, userid: str, number: int) -> list[str]:
        """So many members whom the guide has and who have no other guide."""
        world = self.served.world
        keys = [each.person for each in world.contacts if each.userid == userid and not each.deleted_by]
        alone = [key for key in keys if [each.person for each in world.contacts].count(key) == 1]
        found = []
        for key in alone[:number]:
            unionid = world.people[key].unionid
            answer = await self.served.client().data(
                "query ($u: String!) { member(by: {unionid: $u}) { id } }", u=unionid
            )
            found.append(answer["member"]["id"])
        return found

    async def hand(self, old: str, new: str, key: str, **more: Any) -> dict[str, Any]:
        """What the mutation answers."""
        given = {"from": self.guide(old), "to": self.guide(new), "key": key} | more
        answer: dict[str, Any] = (await self.served.client().data(HANDOVER, **given))["customerHandover"]
        return answer

    async def guides(self, member: str) -> list[str]:
        """Who has the member as a contact, by our own rows."""
        found = (await self.served.client().data(GUIDES, m=member))["member"]["chat"]["contacts"]["nodes"]
        return [ids.decode(each["guide"]["id"])[2] for each in found]

    async def states(self, **given: Any) -> list[str]:
        """Of all handovers, the newest first."""
        found = (await self.served.client().data(HANDOVERS, **given))["customerHandovers"]["nodes"]
        return [each["state"] for each in found]

    async def after(self, by: timedelta) -> None:
        """Later, when the hourly job has run."""
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        for each in self.served.gateway.recurring:
            await each.ensure()
        await self.served.gateway.worker.drain()

    async def told(self) -> list[str]:
        """Kinds of facts of handovers, in the order of the log."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.kind).where(fact.c.kind.like("handover.%")).order_by(fact.c.seq)
        )
        return [row.kind for row in rows]

    def begun(self) -> list[Effect]:
        """What the platform began."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, "handover")

    def misbehave(self, kind: str, endpoint: str, **rule: Any) -> None:
        """A fault of the platform's."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=f"POST /cgi-bin/externalcontact/{endpoint}", **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    # Other tests know whose customers these are.
    platform: Any = desk.served.sandbox.platforms[TOOL]
    relations = [copy(each) for each in platform.state.relations]
    yield desk
    desk.served.sandbox.kit.faults.clear()
    platform.state.relations = relations


async def test_a_day_later_the_new_guide_has_them(desk: Desk) -> None:
    who = await desk.customers_of("maolin", 2)
    given = {"members": who, "message": "小周接着为您服务"}

    answer = await desk.hand("maolin", "zhaominghui", "handover-1", **given)

    assert [each["state"] for each in answer["customers"]] == ["WAITING"] * 2
    assert {each["member"]["id"] for each in answer["customers"]} == set(who)
    assert answer["transaction"]["state"] == "COMPLETED"
    begun = len(desk.begun())
    await desk.after(timedelta(hours=2))
    assert await desk.states() == ["WAITING"] * 2
    assert await desk.guides(who[0]) == ["maolin"]

    await desk.after(timedelta(hours=23))

    assert await desk.states() == ["DONE"] * 2
    assert [await desk.guides(each) for each in who] == [["zhaominghui"]] * 2
    assert await desk.told() == ["handover.requested"] * 2 + ["handover.done"] * 2
    # The same request again: how they stand now, and nothing is begun.
    again = await desk.hand("maolin", "zhaominghui", "handover-1", **given)
    assert [each["state"] for each in again["customers"]] == ["DONE"] * 2
    assert len(desk.begun()) == begun


async def test_a_refusal_is_told_per_customer(desk: Desk) -> None:
    who = await desk.customers_of("xiaohan", 2)
    first = await desk.hand("xiaohan", "zhaominghui", "handover-2", members=who[:1])
    second = await desk.hand("xiaohan", "fengbo", "handover-3", members=who)
    assert [each["state"] for each in first["customers"]] == ["WAITING"]
    found = {each["member"]["id"]: (each["state"], each["reason"]) for each in second["customers"]}
    assert found == {who[0]: ("REJECTED", "handover_under_way"), who[1]: ("WAITING", None)}
    assert await desk.states(state="REJECTED") == ["REJECTED"]


async def test_a_lost_answer_begins_nothing_twice(desk: Desk) -> None:
    who = await desk.customers_of("qianxue", 1)
    before = len(desk.begun())
    desk.misbehave("reset_after", "transfer_customer")
    answer = await desk.hand("qianxue", "heqing", "handover-4", members=who)
    assert [each["state"] for each in answer["customers"]] == ["WAITING"]
    assert len(desk.begun()) == before + 1


async def test_those_whom_a_guide_left_behind(desk: Desk) -> None:
    waiting = (await desk.served.client().data(UNASSIGNED, first=40))["unassignedCustomers"]
    assert len(waiting["nodes"]) == 40
    assert waiting["pageInfo"]["hasNextPage"] is True
    rest = await desk.served.client().data(UNASSIGNED, after=waiting["pageInfo"]["endCursor"])
    assert len(rest["unassignedCustomers"]["nodes"]) == 3
    assert {each["guideId"] for each in waiting["nodes"]} == {desk.guide("lijiayi")}

    answer = await desk.hand("lijiayi", "chenyutong", "handover-5")

    assert [each["state"] for each in answer["customers"]] == ["WAITING"] * 43
    assert all(each["member"] for each in answer["customers"])
    await desk.after(timedelta(hours=25))
    assert await desk.states(guide=desk.guide("lijiayi")) == ["DONE"] * 43
    assert await desk.guides(answer["customers"][0]["member"]["id"]) == ["chenyutong"]
    left = await desk.served.client().data(UNASSIGNED)
    assert left["unassignedCustomers"]["nodes"] == []


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    who = await desk.customers_of("heqing", 1)
    before = len(desk.begun())
    async with desk.served.gateway.services.database.write() as connection:
        await connection.execute(guide.update().where(guide.c.userid == "tangwei").values(state="LEFT"))
    wrong: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("heqing", "zhaominghui", {"members": []}),
        ("heqing", "zhaominghui", {}),
        ("heqing", "heqing", {"members": who}),
        ("heqing", "tangwei", {"members": who}),
        ("heqing", "nobody", {"members": who}),
        ("fengbo", "heqing", {"members": who}),
        ("lijiayi", "heqing", {"message": "再见"}),
        ("heqing", "zhaominghui", {"members": who, "message": "长" * 201}),
    )
    codes = [
        (await desk.hand(old, new, f"bad-{at}-handover", **more))["code"] for at, (old, new, more) in enumerate(wrong)
    ]
    assert codes == [
        "BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "GUIDE_LEFT", "GUIDE_UNKNOWN", "CONTACT_UNKNOWN",
        "BAD_USER_INPUT", "BAD_USER_INPUT",
    ]  # fmt: skip
    assert len(desk.begun()) == before


async def test_an_erased_customer_is_a_row_that_names_nobody(desk: Desk) -> None:
    who = await desk.customers_of("dengna", 1)
    answer = await desk.hand("dengna", "heqing", "handover-6", members=who)
    [row] = answer["customers"]
    async with desk.served.gateway.services.database.write() as connection:
        await connection.execute(
            identity.update().where(identity.c.member == ids.decode(who[0])[2]).values(member=None)
        )
    [seen] = (await desk.served.client().data(HANDOVERS))["customerHandovers"]["nodes"]
    assert (row["member"]["id"], seen["member"]) == (who[0], None)


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
@pytest.mark.parametrize("document", [HANDOVERS, UNASSIGNED])
async def test_only_headquarters_sees_them(desk: Desk, caller: str, document: str) -> None:
    answer = await desk.served.client(caller).ask(document)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
