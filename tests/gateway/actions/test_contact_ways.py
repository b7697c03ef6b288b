"""Contact ways: made once whatever is lost, changed, deleted, and known by what they bring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.base.errors import NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.events.projections import enterprise_chat
from gateway.resolvers import ids
from gateway.transactions.effects.contact_ways import UPDATE as CHANGE
from gateway.transactions.effects.contact_ways import Change
from tests.gateway.actions.trading import begun, part, rolled_back
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
CREATE, UPDATE, DELETE, WAYS = (
    (DOCUMENTS / f"{name}.graphql").read_text("utf-8")
    for name in ("contact-way", "contact-way-update", "contact-way-delete", "contact-ways")
)
TOGETHER = """mutation ($way: ContactWayCreateInput!, $more: ContactWayUpdateInput!, $points: PointsAdjustInput!)
  @atomic(key: "contact-ways-together") {
  way: contactWayCreate(input: $way) { ... on Problem { code } }
  more: contactWayUpdate(input: $more) { ... on Problem { code } }
  points: pointsAdjust(input: $points) { ... on DomainProblem { code cause } }
}"""


class Desk:
    """Headquarters, which prints codes."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.platform: Any = served.sandbox.platforms[TOOL]
        self.before = set(self.platform.ways.contact)

    def guide(self, userid: str) -> str:
        """A guide's id."""
        return ids.encode("gd", userid, self.served.world.corp.corpid)

    async def create(self, key: str, *guides: str, **given: Any) -> dict[str, Any]:
        """What the mutation answers."""
        asked = {"guides": [self.guide(each) for each in guides], "idempotencyKey": key} | given
        answer: dict[str, Any] = (await self.served.client().data(CREATE, input=asked))["contactWayCreate"]
        return answer

    async def update(self, way: str, key: str, **given: Any) -> dict[str, Any]:
        """What the mutation answers."""
        asked = {"contactWay": way, "idempotencyKey": key, **given}
        answer: dict[str, Any] = (await self.served.client().data(UPDATE, input=asked))["contactWayUpdate"]
        return answer

    async def delete(self, way: str, key: str) -> dict[str, Any]:
        """What the mutation answers."""
        answer: dict[str, Any] = (await self.served.client().data(DELETE, way=way, key=key))["contactWayDelete"]
        return answer

    async def ways(self, **given: Any) -> list[dict[str, Any]]:
        """The list, the newest first."""
        found: list[dict[str, Any]] = (await self.served.client().data(WAYS, **given))["contactWays"]["nodes"]
        return found

    def made(self) -> dict[str, dict[str, Any]]:
        """Codes at the platform that this test made, by config_id."""
        return {each: way.fields for each, way in self.platform.ways.contact.items() if each not in self.before}

    async def scans(self, config_id: str, person: str) -> None:
        """Somebody scans the code, and the platform's event has been handled."""
        scanned = await self.platform.actions()["scan"]({"config_id": config_id, "person": person})
        services = self.served.gateway.services
        found = await services.tools.get(EnterpriseChatAdapter).contact(scanned["external_userid"])
        assert not isinstance(found, NotFound)
        await enterprise_chat.contacts(services.projector, found)

    def strangers(self, number: int) -> list[str]:
        """So many people whom no guide has."""
        known = {each.person for each in self.served.world.contacts}
        return [each for each in self.served.world.people if each.startswith("p0") and each not in known][:number]

    async def later(self) -> None:
        """Two minutes on, and what was due is done."""
        by = timedelta(minutes=2)
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        await self.served.gateway.worker.drain()

    def misbehave(self, kind: str, endpoint: str, **rule: Any) -> None:
        """A fault of the platform's."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=f"POST /cgi-bin/externalcontact/{endpoint}", **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()
    for each in desk.made():
        del desk.platform.ways.contact[each]


async def test_a_code_is_known_by_whom_it_brings(desk: Desk) -> None:
    answer = await desk.create("contact-way-1", "maolin", state="双11海报", remark="安福路店橱窗")

    way = answer["contactWay"]
    assert (way["state"], answer["transaction"]["state"]) == ("双11海报", "COMPLETED")
    [(config_id, fields)] = desk.made().items()
    assert (way["configId"], way["qrCode"]) == (config_id, fields["qr_code"])
    assert (fields["type"], fields["user"], fields["remark"]) == (1, ["maolin"], "安福路店橱窗")
    for person in desk.strangers(2):
        await desk.scans(config_id, person)
    [seen] = await desk.ways(state="双11海报")
    assert seen["contacts"] == {"added": 2, "kept": 2}
    again = await desk.create("contact-way-1", "maolin", state="双11海报", remark="安福路店橱窗")
    assert again["contactWay"] == way
    assert len(desk.made()) == 1
    taken = await desk.create("contact-way-2", "maolin", state="双11海报")
    assert taken["code"] == "STATE_TAKEN"


async def test_other_guides_stand_behind_the_same_code_until_it_is_deleted(desk: Desk) -> None:
    way = (await desk.create("contact-way-3", "maolin", "xiaohan", exclusive=True))["contactWay"]
    assert len(way["state"]) == 28

    answer = await desk.update(way["id"], "contact-way-4", guides=[desk.guide("fengbo")], remark="换人")

    assert [each["name"] for each in answer["contactWay"]["guides"]] == ["冯博"]
    [fields] = desk.made().values()
    kept = (fields["user"], fields["remark"], fields["is_exclusive"], fields["state"])
    assert kept == (["fengbo"], "换人", True, way["state"])
    assert (await desk.delete(way["id"], "contact-way-5"))["contactWay"]["deletedAt"] is not None
    assert (desk.made(), await desk.ways()) == ({}, [])
    [gone] = await desk.ways(deleted=True)
    assert gone["id"] == way["id"]
    assert (await desk.delete(way["id"], "contact-way-6"))["code"] == "CONTACT_WAY_UNKNOWN"
    assert (await desk.update(way["id"], "contact-way-7", remark="x"))["code"] == "CONTACT_WAY_UNKNOWN"


async def test_one_state_is_one_codes_also_of_requests_at_once(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.create(f"contact-way-at-once-{n}", "maolin", state="同时") for n in range(3)))
    await desk.later()
    codes = sorted(each.get("code", "MADE") for each in answers)
    assert codes == ["MADE", "STATE_TAKEN", "STATE_TAKEN"]
    assert (len(desk.made()), len(await desk.ways(state="同时"))) == (1, 1)


@pytest.mark.parametrize("lost", ["reset_before", "reset_after"])
async def test_a_lost_answer_leaves_one_code(desk: Desk, lost: str) -> None:
    desk.misbehave(lost, "add_contact_way", calls=(1,))
    answer = await desk.create("contact-way-8", "maolin")
    if lost == "reset_before":
        # It is not there, and could still come: for a minute nobody makes a second one.
        assert (answer["code"], len(desk.made())) == ("TRANSACTION_IN_PROGRESS", 0)
        await desk.later()
        answer = await desk.create("contact-way-8", "maolin")
    [config_id] = desk.made()
    assert answer["contactWay"]["configId"] == config_id


async def test_what_cannot_be_asked_about_now_is_found_by_the_job(desk: Desk) -> None:
    desk.misbehave("reset_after", "add_contact_way", calls=(1,))
    desk.misbehave("status", "list_contact_way", value=503)
    assert (await desk.create("contact-way-9", "maolin"))["code"] == "TRANSACTION_IN_PROGRESS"
    desk.served.sandbox.kit.faults.clear()
    await desk.later()
    [config_id] = desk.made()
    assert (await desk.create("contact-way-9", "maolin"))["contactWay"]["configId"] == config_id


async def test_among_several_it_is_undone(desk: Desk) -> None:
    first = (await desk.create("contact-way-10", "maolin", "xiaohan", remark="原来"))["contactWay"]
    unionid = desk.served.person("protagonist").unionid
    who = (await desk.served.client().data("query ($u: String!) { member(by: {unionid: $u}) { id } }", u=unionid))[
        "member"
    ]
    given = {
        "way": {"guides": [desk.guide("fengbo")]},
        "more": {"contactWay": first["id"], "remark": "新的"},
        "points": {"member": who["id"], "points": -10_000_000, "reason": "转赠"},
    }
    answer = await desk.served.client().data(TOGETHER, **given)
    assert {each["code"] for each in answer.values()} == {"TRANSACTION_ROLLED_BACK"}
    [fields] = desk.made().values()
    assert fields["remark"] == "原来"
    [seen] = await desk.ways(deleted=True)
    assert (seen["id"], seen["remark"]) == (first["id"], "原来")


@pytest.mark.parametrize("ends", ["CHANGED", "DELETED"])
async def test_what_somebody_did_meanwhile_stays(desk: Desk, ends: str) -> None:
    way = (await desk.create("contact-way-13", "maolin", remark="原来"))["contactWay"]
    opened = await begun(desk.served.gateway.services, f"contact-way-{ends}")
    await part(opened, "more", CHANGE, Change(ids.decode_as("cw", way["id"])[1], remark="新的"))
    if ends == "CHANGED":
        await desk.update(way["id"], "contact-way-14", guides=[desk.guide("fengbo")])
    else:
        await desk.delete(way["id"], "contact-way-14")
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    kept = [(fields["user"], fields["remark"]) for fields in desk.made().values()]
    assert kept == ([(["fengbo"], "新的")] if ends == "CHANGED" else [])
    [seen] = await desk.ways(deleted=ends == "DELETED")
    assert seen["remark"] == "新的"


async def test_what_cannot_be_made(desk: Desk) -> None:
    single = (await desk.create("contact-way-11", "maolin"))["contactWay"]["id"]
    answers = [
        await desk.create("contact-way-12"),
        await desk.create("contact-way-13", "maolin", state="s" * 31),
        await desk.create("contact-way-14", "maolin", remark="备" * 31),
        await desk.create("contact-way-15", "nobody"),
        await desk.create("contact-way-16", "maolin", account="wwAnother"),
        await desk.update(single, "contact-way-17", guides=[desk.guide("maolin"), desk.guide("fengbo")]),
    ]
    codes = ["BAD_USER_INPUT"] * 3 + ["GUIDE_UNKNOWN"] + ["BAD_USER_INPUT"] * 2
    assert [each["code"] for each in answers] == codes
    assert len(desk.made()) == 1


async def test_a_page_costs_the_same_whatever_its_size_and_is_headquarters(desk: Desk) -> None:
    for number in range(10):
        await desk.create(f"contact-way-page-{number}", "maolin")
    costs = []
    for first in (1, 5, 10):
        with desk.served.counted() as count:
            assert len(await desk.ways(first=first)) == first
        costs.append((count.statements, count.calls))
    assert costs == [costs[0]] * 3
    assert costs[0][1] == {}
    way = (await desk.ways(first=1))[0]["id"]
    document = "query ($id: ID!) { node(id: $id) { id } }"
    assert await desk.served.client().data(document, id=way) == {"node": {"id": way}}
    for caller in ("guide", "frontend", "partner"):
        for ask in (WAYS, document):
            answer = await desk.served.client(caller).ask(ask, id=way)
            assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
