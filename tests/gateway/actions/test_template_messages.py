"""templateMessageSend, and with it what holds for every action: once per key, through every kind of failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from gateway.database.tables.facts import fact
from gateway.database.tables.reach import send_attempt
from gateway.database.tables.sagas import saga, saga_step
from sandbox.journal import Effect
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

SEND = """mutation ($input: TemplateMessageSendInput!) { templateMessageSend(input: $input) {
  __typename
  ... on TemplateMessageSent { appid messageId transaction { state steps { name state } } }
  ... on DomainProblem { code message retryable }
  ... on ToolProblem { code retryable tool reason }
} }"""
pytestmark = pytest.mark.asyncio(loop_scope="session")

FIELDS = [
    {"name": "thing1", "value": "风衣"},
    {"name": "amount2", "value": "899.00"},
    {"name": "time3", "value": "2026-11-11 20:57"},
]
ENDPOINT = "POST /cgi-bin/message/template/send"


class Desk:
    """Somebody at headquarters who writes to followers of the main account."""

    def __init__(self, served: Served) -> None:
        self.served = served
        told = served.sandbox.describe()["platforms"]["official_account"]
        self.appid: str = told["accounts"]["main"]["appid"]
        self.known: dict[str, Any] = told["known"]["main"]

    async def member(self, story: str) -> str:
        """Somebody's id."""
        openid = self.served.person(story).openids[self.appid]
        asked = {"app": self.appid, "value": openid}
        found = await self.served.client().data("query ($o: OpenidInput!) { member(by: {openid: $o}) { id } }", o=asked)
        who: str = found["member"]["id"]
        return who

    async def send(
        self, story: str = "protagonist", key: str | None = "order-1-paid", **changes: Any
    ) -> dict[str, Any]:
        """What the mutation answers."""
        given = {
            "member": await self.member("protagonist"),
            "template": self.known["templates"]["order_paid"],
            "fields": FIELDS,
            "purpose": "SERVICE",
            "idempotencyKey": key,
        } | changes
        answer: dict[str, Any] = (await self.served.client().data(SEND, input=given))["templateMessageSend"]
        return answer

    async def told(self) -> list[tuple[Any, ...]]:
        """Facts of what was sent: kind, reason, payload."""
        kinds = ("message.accepted", "message.failed")
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.kind, fact.c.reason, fact.c.payload).where(fact.c.kind.in_(kinds)).order_by(fact.c.seq)
        )
        return [(row.kind, row.reason, row.payload) for row in rows]

    async def later(self) -> None:
        """Two minutes on, and what was due is done."""
        by = timedelta(minutes=2)
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        await self.served.gateway.worker.drain()

    def sent(self) -> list[Effect]:
        """What the platform sent."""
        return self.served.sandbox.kit.journal.of_kind("official_account", "template_sent")

    def misbehave(self, kind: str, **rule: Any) -> None:
        """A fault of the platform's sending."""
        self.served.sandbox.kit.faults.add("official_account", kind, endpoint=ENDPOINT, **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def test_a_message_is_a_transaction_of_one_step(desk: Desk) -> None:
    before = len(desk.sent())

    answer = await desk.send()

    assert answer["__typename"] == "TemplateMessageSent"
    assert answer["transaction"] == {
        "state": "COMPLETED",
        "steps": [{"name": "template_message.send", "state": "DONE"}],
    }
    [effect] = desk.sent()[before:]
    assert effect.data["message"]["data"]["thing1"] == {"value": "风衣"}
    assert str(effect.data["msgid"]) == answer["messageId"]
    about = {"template": desk.known["templates"]["order_paid"], "purpose": "SERVICE"}
    assert await desk.told() == [("message.accepted", None, {**about, "message": answer["messageId"]})]


async def test_the_same_key_sends_once(desk: Desk) -> None:
    before = len(desk.sent())
    first = await desk.send(key="birthday-2026")

    again = await desk.send(key="birthday-2026")
    other = await desk.send(key="birthday-2026", url="https://shop.example/other")

    assert again == first
    assert (other["__typename"], other["code"]) == ("DomainProblem", "IDEMPOTENCY_MISMATCH")
    assert len(desk.sent()) == before + 1


async def test_without_a_key_nothing_is_sent(desk: Desk) -> None:
    before = len(desk.sent())

    answer = await desk.send(key=None)

    assert answer["code"] == "IDEMPOTENCY_KEY_REQUIRED"
    assert len(desk.sent()) == before


async def test_a_lost_answer_is_no_second_message(desk: Desk) -> None:
    before = len(desk.sent())
    desk.misbehave("reset_after", calls=(1,))

    answer = await desk.send(key="lost-answer")

    assert answer["__typename"] == "TemplateMessageSent"
    assert len(desk.sent()) == before + 1


async def test_an_unknown_outcome_is_found_out_by_the_job(desk: Desk) -> None:
    before = len(desk.sent())
    desk.misbehave("reset_after")

    waiting = await desk.send(key="silent-platform")
    meanwhile = await desk.send(key="silent-platform")
    desk.served.sandbox.kit.faults.clear()
    await desk.later()
    at_last = await desk.send(key="silent-platform")

    assert waiting["code"] == meanwhile["code"] == "TRANSACTION_IN_PROGRESS"
    assert at_last["__typename"] == "TemplateMessageSent"
    assert at_last["transaction"]["state"] == "COMPLETED"
    assert len(desk.sent()) == before + 1


async def test_a_refusal_leaves_the_key_and_the_place_free(desk: Desk) -> None:
    before = len(desk.sent())
    desk.misbehave("code", value=40037, calls=(1,))

    refused = await desk.send(key="bad-template")

    assert (refused["__typename"], refused["tool"]) == ("ToolProblem", "official_account")
    assert len(desk.sent()) == before
    database = desk.served.gateway.services.database
    [attempt] = await database.fetch(select(send_attempt).where(send_attempt.c.outcome == "RELEASED"))
    assert not attempt.counted
    ends = await database.fetch(
        select(saga.c.state, saga_step.c.state.label("step"))
        .join(saga_step, saga_step.c.saga_id == saga.c.id)
        .where(saga.c.kind == "templateMessageSend")
    )
    assert [(row.state, row.step) for row in ends] == [("COMPENSATED", "FAILED")]

    again = await desk.send(key="bad-template")

    assert again["__typename"] == "TemplateMessageSent"
    assert len(desk.sent()) == before + 1
    told = [(kind, reason) for kind, reason, _ in await desk.told()]
    assert told == [("message.failed", "template_unknown"), ("message.accepted", None)]


async def test_a_refusal_after_a_lost_answer_leaves_nothing_free(desk: Desk) -> None:
    before = len(desk.sent())
    desk.misbehave("reset_after")
    await desk.send(key="lost-then-refused")
    desk.served.sandbox.kit.faults.clear()
    desk.misbehave("code", value=40037)

    await desk.later()

    assert (await desk.send(key="lost-then-refused"))["code"] == "OUTCOME_UNKNOWN"
    database = desk.served.gateway.services.database
    [attempt] = await database.fetch(select(send_attempt))
    assert (attempt.counted, await desk.told(), len(desk.sent())) == (True, [], before + 1)


async def test_the_gate_is_asked(desk: Desk) -> None:
    before = len(desk.sent())

    answer = await desk.send(key="no-consent", purpose="MARKETING")

    assert (answer["__typename"], answer["code"]) == ("DomainProblem", "NOT_REACHABLE")
    assert "Member.reach" in answer["message"]
    assert len(desk.sent()) == before


async def test_what_its_process_left_behind_is_carried_on(desk: Desk) -> None:
    """The process ends between the first commit and the platform."""
    before = len(desk.sent())
    runner = desk.served.gateway.services.checkout.actions._runner
    single = runner.single

    async def dies(*_: object) -> None:
        raise RuntimeError("the process ends here")

    runner.single = dies  # type: ignore[method-assign,assignment]
    dead = await desk.served.client().ask(
        SEND,
        input={
            "member": await desk.member("protagonist"),
            "template": desk.known["templates"]["order_paid"],
            "fields": FIELDS,
            "purpose": "SERVICE",
            "idempotencyKey": "died-before",
        },
    )
    runner.single = single  # type: ignore[method-assign]
    assert dead["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert len(desk.sent()) == before

    await desk.later()

    assert len(desk.sent()) == before + 1


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without("official_account")))
    database = desk.served.gateway.services.database

    answer = await desk.send(key="no-such-tool", appid=desk.appid)

    assert answer["code"] == "TOOL_NOT_CONFIGURED"
    assert await database.fetch(select(saga.c.id).where(saga.c.kind == "templateMessageSend")) == []
