"""appMessageSend: one card per key, to guides who are there; and some of them may not be reached."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from gateway.database.tables.dimensions import guide
from gateway.database.tables.facts import fact
from gateway.resolvers import ids
from sandbox.journal import Effect
from tests.gateway.actions.test_template_messages import Desk as AnyDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEND = """mutation ($input: AppMessageSendInput!) { appMessageSend(input: $input) {
  __typename
  ... on AppMessageSent { messageId unreached transaction { state steps { name state } } }
  ... on DomainProblem { code message retryable }
  ... on ToolProblem { code retryable tool reason }
} }"""
ENDPOINT = "POST /cgi-bin/message/send"
TOOL = "enterprise_chat"


class Desk(AnyDesk):
    """Somebody at headquarters who speaks to guides."""

    def guide(self, userid: str = "chenyutong", corpid: str | None = None) -> str:
        """A guide's id."""
        return ids.encode("gd", userid, corpid or self.served.world.corp.corpid)

    async def tell(self, key: str | None, **changes: Any) -> dict[str, Any]:
        """What the mutation answers."""
        given = {
            "guides": [self.guide()],
            "title": "今晚盘点",
            "text": "22:00 盘点二楼仓库",
            "url": "https://hq.example/tasks/1",
            "idempotencyKey": key,
        }
        found: dict[str, Any] = (await self.served.client().data(SEND, input=given | changes))["appMessageSend"]
        return found

    async def heard(self) -> list[tuple[str, str | None, str]]:
        """Facts of messages to guides: kind, reason, whose."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.kind, fact.c.reason, fact.c.guide)
            .where(fact.c.kind.in_(("message.accepted", "message.failed")), fact.c.tool == TOOL)
            .order_by(fact.c.seq)
        )
        return [(row.kind, row.reason, row.guide.partition(":")[2]) for row in rows]

    async def hires(self, userid: str) -> None:
        """Our book says that somebody is a guide whom the app does not see."""
        database = self.served.gateway.services.database
        async with database.write() as connection:
            await connection.execute(
                update(guide).where(guide.c.userid == "sunyue").values(userid=userid, id=f"{self.corpid}:{userid}")
            )

    @property
    def corpid(self) -> str:
        """The brand's corp."""
        return self.served.world.corp.corpid

    def sent(self) -> list[Effect]:
        """What the platform took."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, "app_message")

    def misbehave(self, kind: str, **rule: Any) -> None:
        """A fault of the platform's sending."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=ENDPOINT, **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def test_a_card_to_a_guide(desk: Desk) -> None:
    before = len(desk.sent())

    answer = await desk.tell("stocktaking-1")

    assert (answer["__typename"], answer["unreached"]) == ("AppMessageSent", [])
    assert answer["transaction"] == {"state": "COMPLETED", "steps": [{"name": "app_message.send", "state": "DONE"}]}
    [effect] = desk.sent()[before:]
    assert effect.data["to"] == ["chenyutong"]
    assert effect.data["msgid"] == answer["messageId"]
    assert await desk.heard() == [("message.accepted", None, "chenyutong")]


async def test_the_same_key_sends_once_and_another_key_again(desk: Desk) -> None:
    before = len(desk.sent())
    first = await desk.tell("stocktaking-2")
    again = await desk.tell("stocktaking-2")
    changed = await desk.tell("stocktaking-2", title="明晚盘点")
    assert again == first
    assert changed["code"] == "IDEMPOTENCY_MISMATCH"
    assert len(desk.sent()) == before + 1
    # Word for word the same, and meant to be a second one.
    other = await desk.tell("stocktaking-3")
    assert other["messageId"] != first["messageId"]
    assert len(desk.sent()) == before + 2


async def test_whom_the_app_cannot_reach_is_named(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.hires("InvisibleGuide")

    answer = await desk.tell("stocktaking-4", guides=[desk.guide(), desk.guide("InvisibleGuide")])
    nobody = await desk.tell("stocktaking-5", guides=[desk.guide("InvisibleGuide")])

    assert answer["unreached"] == [desk.guide("InvisibleGuide")]
    assert (nobody["code"], nobody["reason"]) == ("REJECTED", "nobody_reached")
    assert [each.data["to"] for each in desk.sent()[before:]] == [["chenyutong"]]
    assert await desk.heard() == [
        ("message.accepted", None, "chenyutong"),
        ("message.failed", "invalid_userid", "InvisibleGuide"),
        ("message.failed", "nobody_reached", "InvisibleGuide"),
    ]


async def test_a_lost_answer_is_no_second_card(desk: Desk) -> None:
    before = len(desk.sent())
    desk.misbehave("reset_after", calls=(1,))
    assert (await desk.tell("stocktaking-6"))["__typename"] == "AppMessageSent"
    assert len(desk.sent()) == before + 1


async def test_an_unknown_outcome_is_found_out_by_the_job(desk: Desk) -> None:
    before = len(desk.sent())
    desk.misbehave("reset_after")

    waiting = await desk.tell("stocktaking-7")
    desk.served.sandbox.kit.faults.clear()
    await desk.later()
    at_last = await desk.tell("stocktaking-7")

    assert waiting["code"] == "TRANSACTION_IN_PROGRESS"
    assert at_last["transaction"]["state"] == "COMPLETED"
    assert len(desk.sent()) == before + 1


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    before = len(desk.sent())
    codes = [
        (await desk.tell("bad-message", **changes))["code"]
        for changes in (
            {"guides": []},
            {"guides": [desk.guide(), desk.guide(corpid="wwother")]},
            {"guides": [desk.guide(f"guide{number}") for number in range(101)]},
            {"guides": [desk.guide(), desk.guide("nobody")]},
            {"text": ""},
        )
    ]
    assert codes == ["BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "GUIDE_UNKNOWN", "INVALID"]
    assert len(desk.sent()) == before


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.tell("no-such-tool"))["code"] == "TOOL_NOT_CONFIGURED"
