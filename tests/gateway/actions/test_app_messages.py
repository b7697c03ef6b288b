"""appMessageSend: one card per key, to guides who are there; and some of them may not be reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from gateway.database.tables.contacts import app_message
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
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
BUTTONS = [
    {"text": "去盘点", "url": "https://hq.example/tasks/1"},
    {"text": "换人", "url": "https://hq.example/tasks/1/to"},
]


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

    async def play(self, which: str, /, caller: str = "hq", **given: Any) -> dict[str, Any]:
        """What the one mutation of an example answers."""
        [answer] = (await self.served.client(caller).data(document(which), **given)).values()
        return dict(answer)

    async def ages(self, by: timedelta) -> None:
        """Every message was sent so long before."""
        async with self.served.gateway.services.database.write() as connection:
            for row in (await connection.execute(select(app_message))).all():
                await connection.execute(update(app_message).values(sent_at=row.sent_at - by))

    def effects(self, kind: str) -> list[Effect]:
        """What the platform did."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, kind)


def document(name: str) -> str:
    return (DOCUMENTS / f"{name}.graphql").read_text("utf-8")


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


async def test_nothing_is_told_of_a_refusal_after_a_lost_answer(desk: Desk) -> None:
    before = len(desk.sent())
    desk.misbehave("reset_after")
    await desk.tell("stocktaking-8")
    desk.served.sandbox.kit.faults.clear()
    desk.misbehave("code", value=81013)

    await desk.later()

    assert (await desk.tell("stocktaking-8"))["code"] == "OUTCOME_UNKNOWN"
    assert (await desk.heard(), len(desk.sent())) == ([], before + 1)


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


async def test_a_message_is_taken_back_within_a_day(desk: Desk) -> None:
    sent = await desk.tell("take-back-1")
    before = len(desk.effects("app_message_recalled"))
    desk.served.sandbox.kit.faults.add(TOOL, "reset_before", endpoint="POST /cgi-bin/message/recall", calls=(1,))

    answer = await desk.play("app-message-recall", message=sent["messageId"], key="take-back-2")

    assert (answer["messageId"], answer["transaction"]["state"]) == (sent["messageId"], "COMPLETED")
    assert [each.key for each in desk.effects("app_message_recalled")[before:]] == [sent["messageId"]]
    assert await desk.play("app-message-recall", message=sent["messageId"], key="take-back-2") == answer
    again = await desk.play("app-message-recall", message=sent["messageId"], key="take-back-3")
    unknown = await desk.play("app-message-recall", message="uxnothing", key="take-back-4")
    assert (again["code"], unknown["code"]) == ("APP_MESSAGE_FIXED", "APP_MESSAGE_UNKNOWN")
    old = await desk.tell("take-back-5")
    await desk.ages(timedelta(hours=24))
    late = await desk.play("app-message-recall", message=old["messageId"], key="take-back-6")
    assert late["code"] == "APP_MESSAGE_FIXED"
    assert len(desk.effects("app_message_recalled")) == before + 1
    for caller in ("guide", "frontend", "partner"):
        given = {"message": old["messageId"], "key": "take-back-7"}
        refused = await desk.served.client(caller).ask(document("app-message-recall"), **given)
        assert [each["extensions"]["code"] for each in refused["errors"]] == ["FORBIDDEN"]


@pytest.fixture
def called_back(desk: Desk) -> Iterator[None]:
    """The app has a callback URL, without which no card has buttons."""
    targets = desk.served.sandbox.kit.pusher.targets
    before = dict(targets)
    targets[TOOL, desk.corpid] = "http://127.0.0.1:9/"
    yield
    targets.clear()
    targets.update(before)


async def test_buttons_say_something_else_once(desk: Desk, called_back: None) -> None:
    sent = await desk.tell("buttons-1", buttons=BUTTONS, guides=[desk.guide(), desk.guide("maolin")])
    card = desk.sent()[-1].data["content"]
    assert (card["card_type"], [each["text"] for each in card["button_list"]]) == (
        "button_interaction", ["去盘点", "换人"],
    )  # fmt: skip
    before = len(desk.effects("card_answered"))

    given = {"message": sent["messageId"], "text": "已完成", "guides": [desk.guide("maolin")]}
    answer = await desk.play("app-message-answer", **given, key="buttons-2")

    assert (answer["unreached"], answer["transaction"]["state"]) == ([], "COMPLETED")
    assert len(desk.effects("card_answered")) == before + 1
    assert await desk.play("app-message-answer", **given, key="buttons-2") == answer
    assert (await desk.play("app-message-answer", **given, key="buttons-3"))["code"] == "APP_MESSAGE_FIXED"
    assert len(desk.effects("card_answered")) == before + 1


async def test_buttons_whose_answer_is_lost_are_not_changed_again(desk: Desk, called_back: None) -> None:
    sent = await desk.tell("buttons-4", buttons=BUTTONS)
    before = len(desk.effects("card_answered"))
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint="POST /cgi-bin/message/update_template_card")
    given = {"message": sent["messageId"], "text": "已完成", "key": "buttons-5"}
    answers = [await desk.play("app-message-answer", **given) for _ in range(2)]
    desk.served.sandbox.kit.faults.clear()
    assert [each["code"] for each in answers] == ["OUTCOME_UNKNOWN"] * 2
    assert len(desk.effects("card_answered")) == before + 1


async def test_buttons_that_cannot_be(desk: Desk, called_back: None) -> None:
    bare, sent = await desk.tell("buttons-6"), await desk.tell("buttons-7", buttons=BUTTONS)
    given = {"message": sent["messageId"], "text": "已完成"}
    answers = [
        await desk.tell("buttons-8", buttons=BUTTONS * 4),
        await desk.tell("buttons-9", buttons=[{"text": "长" * 11, "url": "https://hq.example"}]),
        await desk.tell("buttons-10", buttons=[{"text": "去", "url": "javascript:alert(1)"}]),
        await desk.play("app-message-answer", **given | {"text": "长" * 11}, key="buttons-11"),
        await desk.play("app-message-answer", **given | {"message": "uxnothing"}, key="buttons-12"),
        await desk.play("app-message-answer", **given | {"message": bare["messageId"]}, key="buttons-13"),
        await desk.play("app-message-answer", **given, guides=[desk.guide("fengbo")], key="buttons-14"),
    ]
    await desk.ages(timedelta(hours=72))
    answers.append(await desk.play("app-message-answer", **given, key="buttons-15"))
    assert [each["code"] for each in answers] == [
        *["BAD_USER_INPUT"] * 4, "APP_MESSAGE_UNKNOWN", "APP_MESSAGE_FIXED", "GUIDE_UNKNOWN", "APP_MESSAGE_FIXED",
    ]  # fmt: skip
