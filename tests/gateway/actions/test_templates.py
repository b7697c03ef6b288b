"""Templates of messages: listed, taken from the library, given up, by official accounts and mini-programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.gateway.actions.test_follower_tags import Desk as TagDesk
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADDING = "POST /cgi-bin/template/api_add_template"
DELETING = "POST /cgi-bin/template/del_private_template"
CHOOSING = "POST /wxaapi/newtmpl/addtemplate"
DROPPING = "POST /wxaapi/newtmpl/deltemplate"
CHOSEN = {"OFFICIAL_ACCOUNT": "subscribe_template_added", "MINI_PROGRAM": "template_added"}
BOTH = {"OFFICIAL_ACCOUNT": "official_account", "MINI_PROGRAM": "mini_program_store"}
ATOMIC = """mutation ($member: ID!, $points: Long!) @atomic(key: "template-of-the-day") {
  template: messageTemplateAdd(input: {number: "TM00015"}) { __typename }
  official: subscribeTemplateAdd(input: {tool: OFFICIAL_ACCOUNT, number: "1001", keywords: [1, 2]}) { __typename }
  program: subscribeTemplateAdd(input: {number: "1001", keywords: [1, 2]}) { __typename }
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
}"""
LOSING = {
    "TEMPLATE_MESSAGE": (ADDING, "GET /cgi-bin/template/get_all_private_template", "official_account"),
    "OFFICIAL_ACCOUNT": (CHOOSING, "GET /wxaapi/newtmpl/gettemplate", "official_account"),
    "MINI_PROGRAM": (CHOOSING, "GET /wxaapi/newtmpl/gettemplate", "mini_program_store"),
}


AT_A_SHOP = """mutation ($account: String!) {
  subscribeTemplateAdd(input: {account: $account, number: "1", keywords: [1, 2], idempotencyKey: "of-a-shop"}) {
    ... on Problem { code }
  }
}"""


class Desk(TagDesk):
    """Headquarters, which chooses what messages are made of."""

    @property
    def shop(self) -> str:
        """The brand's 微信小店."""
        return self.served.world.wechat_store.appid

    async def book(self) -> dict[str, Any]:
        """What messageTemplates answers."""
        found: dict[str, Any] = (await self.served.client().data(document("templates")))["messageTemplates"]
        return found

    async def listed(self) -> set[str]:
        """Ids of the templates of template messages."""
        return {each["templateId"] for each in (await self.book())["templates"]}

    async def chosen(self, tool: str) -> set[tuple[str, str]]:
        """Account and id of the templates of subscribe messages."""
        found = (await self.served.client().data(document("subscribe-templates"), tool=tool))["subscribeTemplates"]
        return {(each["account"], each["templateId"]) for each in found}

    def does(self, tool: str, kind: str, endpoint: str, **rule: Any) -> None:
        """A fault of either platform's."""
        self.served.sandbox.kit.faults.add(tool, kind, endpoint=endpoint, **rule)

    async def later(self) -> None:
        """Two minutes on, and what was due is done."""
        by = timedelta(minutes=2)
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        await self.served.gateway.worker.drain()

    def made(self, tool: str, kind: str) -> int:
        """How often a platform did something."""
        return len(self.served.sandbox.kit.journal.of_kind(tool, kind))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()


async def test_a_template_is_taken_once_listed_and_given_up(desk: Desk) -> None:
    before, made = await desk.listed(), desk.made("official_account", "template_added")
    desk.misbehaves("reset_after", ADDING, calls=(1,))

    answer = await desk.play("template-add", number="TM00015", key="take-template-1")

    assert (answer["account"], answer["transaction"]["state"]) == (desk.appid, "COMPLETED")
    assert await desk.listed() == before | {answer["templateId"]}
    assert await desk.play("template-add", number="TM00015", key="take-template-1") == answer
    assert desk.made("official_account", "template_added") == made + 1
    book = await desk.book()
    assert book["account"] == desk.appid
    assert book["industries"][0] == {"name": "消费品", "below": "消费品"}
    [row] = [each for each in book["templates"] if each["templateId"] == answer["templateId"]]
    assert (row["title"], "DATA}}" in row["content"]) == ("订单支付成功通知", True)
    desk.misbehaves("reset_after", DELETING, calls=(1,))

    gone = await desk.play("template-delete", template=answer["templateId"], key="drop-template-1")

    assert (gone["templateId"], await desk.listed()) == (answer["templateId"], before)
    again = await desk.play("template-delete", template=answer["templateId"], key="drop-template-2")
    assert again["code"] == "TEMPLATE_UNKNOWN"


@pytest.mark.parametrize("tool", list(BOTH))
async def test_both_tools_have_the_same_book_of_subscribe_messages(desk: Desk, tool: str) -> None:
    before, made = await desk.chosen(tool), desk.made(BOTH[tool], CHOSEN[tool])
    given = {"tool": tool, "number": "1001", "keywords": [1, 2], "key": f"choose-{tool.lower()}"}
    desk.does(BOTH[tool], "reset_after", CHOOSING, calls=(1,))

    answer = await desk.play("subscribe-template-add", **given)

    assert answer["transaction"]["state"] == "COMPLETED"
    assert await desk.chosen(tool) == before | {(answer["account"], answer["templateId"])}
    assert await desk.play("subscribe-template-add", **given) == answer
    assert desk.made(BOTH[tool], CHOSEN[tool]) == made + 1
    desk.does(BOTH[tool], "reset_after", DROPPING, calls=(1,))
    wanted = {"tool": tool, "template": answer["templateId"]}
    gone = await desk.play("subscribe-template-delete", **wanted, key=f"drop-{tool.lower()}")
    assert (gone["transaction"]["state"], await desk.chosen(tool)) == ("COMPLETED", before)
    again = await desk.play("subscribe-template-delete", **wanted, key=f"drop-again-{tool.lower()}")
    assert again["code"] == "TEMPLATE_UNKNOWN"


def plays(desk: Desk, tool: str, number: str, key: str) -> Any:
    """One way of taking a template."""
    if tool == "TEMPLATE_MESSAGE":
        return desk.play("template-add", number=number, key=key)
    return desk.play("subscribe-template-add", tool=tool, number="1001", keywords=[1, int(number[-1]) - 3], key=key)


@pytest.mark.parametrize("tool", ["TEMPLATE_MESSAGE", *BOTH])
async def test_a_lost_answer_is_not_found_in_what_another_request_took(desk: Desk, tool: str) -> None:
    adding, listing, whose = LOSING[tool]
    desk.does(whose, "reset_before", adding, calls=(1,))
    # The plan may read the list, and after that nobody may.
    desk.does(whose, "status", listing, value=503, calls=tuple(range(2, 20)))
    lost = await plays(desk, tool, "TM00015", f"lost-{tool.lower()}")
    assert lost["code"] == "TRANSACTION_IN_PROGRESS"
    desk.served.sandbox.kit.faults.clear()
    another = await plays(desk, tool, "TM00016", f"another-{tool.lower()}")

    await desk.later()

    found = await plays(desk, tool, "TM00015", f"lost-{tool.lower()}")
    assert found["templateId"] != another["templateId"]
    there = await desk.listed() if tool == "TEMPLATE_MESSAGE" else {each for _, each in await desk.chosen(tool)}
    assert {found["templateId"], another["templateId"]} <= there


async def test_of_two_lost_answers_nobody_takes_the_others(desk: Desk) -> None:
    adding, listing, whose = LOSING["TEMPLATE_MESSAGE"]
    before = await desk.listed()
    for fault, number in (("reset_before", "TM00015"), ("reset_after", "TM00016")):
        desk.does(whose, fault, adding, calls=(1,))
        desk.does(whose, "status", listing, value=503, calls=tuple(range(2, 20)))
        answer = await desk.play("template-add", number=number, key=f"both-lost-{number}")
        assert answer["code"] == "TRANSACTION_IN_PROGRESS"
        desk.served.sandbox.kit.faults.clear()

    await desk.later()

    # One template came, and it is nobody's while it may be either's: nothing is taken a second time.
    answers = [await desk.play("template-add", number=each, key=f"both-lost-{each}") for each in ("TM00015", "TM00016")]
    assert [each.get("code") for each in answers] == ["TRANSACTION_IN_PROGRESS", "TRANSACTION_IN_PROGRESS"]
    assert len(await desk.listed() - before) == 1


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    many = {"keywords": list(range(1, 7)), "number": "1001"}
    answers = [
        await desk.play("template-add", number="", key="bad-template-1"),
        await desk.play("subscribe-template-add", **many, key="bad-template-2"),
        await desk.play("subscribe-template-add", **many | {"keywords": [1]}, key="bad-template-3"),
        await desk.play("subscribe-template-add", **many | {"keywords": [1, 1]}, key="bad-template-4"),
        await desk.play("template-add", number="TM99999", key="bad-template-5"),
        await desk.served.client().data(AT_A_SHOP, account=desk.shop),
    ]
    codes = [each["code"] if "code" in each else each["subscribeTemplateAdd"]["code"] for each in answers]
    assert codes == [*["BAD_USER_INPUT"] * 4, "INVALID", "BAD_USER_INPUT"]


async def test_all_of_it_is_undone_when_a_later_field_fails(desk: Desk) -> None:
    given = {"member": await desk.member("protagonist")}
    before = (await desk.listed(), *[await desk.chosen(tool) for tool in BOTH])
    await desk.served.client().data(ATOMIC, **given, points=0)
    assert (await desk.listed(), *[await desk.chosen(tool) for tool in BOTH]) == before
    done = await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)
    assert [each["__typename"] for each in done.values()] == ["TemplateChanged"] * 3 + ["PointsAdjusted"]


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_and_chooses_them(desk: Desk, caller: str) -> None:
    client, made = desk.served.client(caller), desk.made("official_account", "template_added")
    for answer in (
        await client.ask(document("templates")),
        await client.ask(document("subscribe-templates")),
        await client.ask(document("template-add"), number="TM00015", key=f"who-may-{caller}"),
        await client.ask(document("template-delete"), template="t", key=f"who-may-{caller}"),
        await client.ask(document("subscribe-template-add"), number="1", keywords=[1, 2], key=f"who-may-{caller}"),
        await client.ask(document("subscribe-template-delete"), template="t", key=f"who-may-{caller}"),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert desk.made("official_account", "template_added") == made


async def test_each_field_fails_alone(desk: Desk) -> None:
    desk.misbehaves("status", "GET /cgi-bin/template/get_industry", value=503)
    answer = await desk.served.client().ask(document("templates"))
    assert answer["data"]["messageTemplates"]["industries"] is None
    assert answer["data"]["messageTemplates"]["templates"]
    assert [each["path"] for each in answer["errors"]] == [["messageTemplates", "industries"]]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without("official_account"), without("mini_program_store")))
    answers = [
        await desk.play("template-add", number="TM00015", key="no-such-tool-1"),
        await desk.play("subscribe-template-add", number="1001", keywords=[1, 2], key="no-such-tool-2"),
        await desk.play("subscribe-template-add", tool="MINI_PROGRAM", number="1", keywords=[1, 2], key="no-tool-3"),
    ]
    assert {each["code"] for each in answers} == {"TOOL_NOT_CONFIGURED"}
