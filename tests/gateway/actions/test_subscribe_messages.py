"""subscribeMessageSend: one grant per message, at most once, and what nobody knows stays spent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.wechat.subscribe import SubscribeAnswered
from gateway.database.tables.reach import subscribe_grant
from gateway.members import grants
from sandbox.journal import Effect
from tests.gateway.actions.test_template_messages import Desk as AnyDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEND = """mutation ($input: SubscribeMessageSendInput!) { subscribeMessageSend(input: $input) {
  __typename
  ... on SubscribeMessageSent { appid transaction { state steps { name state } } }
  ... on DomainProblem { code message retryable transactionId }
  ... on ToolProblem { code retryable tool reason }
} }"""
ENDPOINT = "POST /cgi-bin/message/subscribe/send"
TOOL = "mini_program_store"
_SECOND: Final = timedelta(seconds=1)
WATCH = "query ($t: ID!) { transaction(id: $t) { state steps { state reason } } }"
READY = [{"name": "thing1", "value": "山岚轻羽绒服"}, {"name": "time2", "value": "2026-11-12 10:00"}]


class Desk(AnyDesk):
    """Somebody who tells shoppers that their order is ready."""

    @property
    def app(self) -> str:
        """The flagship mini-program."""
        return self.served.world.mini_programs[0].appid

    @property
    def template(self) -> str:
        """取货通知."""
        known = self.served.sandbox.describe()["platforms"][TOOL]["known"]
        return str(known["templates"]["flagship"]["order_ready"])

    async def accepts(self, *, at_platform: int = 1, heard: int = 1) -> None:
        """The protagonist accepts the question so often, and the gateway hears of it so often."""
        openid = self.served.person("protagonist").openids[self.app]
        platform: Any = self.served.sandbox.platforms[TOOL]
        platform.state.grants[(self.app, openid, self.template)] = at_platform
        for _ in range(heard):
            # Answers of one second are one.
            self.served.gateway.clock.advance(_SECOND)
            now = self.served.gateway.clock.now()
            told = SubscribeAnswered(self.app, openid, self.template, True, now)
            await grants.told(self.served.gateway.services.projector, told)

    async def tell(self, key: str | None, **changes: Any) -> dict[str, Any]:
        """What the mutation answers."""
        given = {
            "member": await self.member("protagonist"),
            "template": self.template,
            "fields": READY,
            "purpose": "SERVICE",
            "page": "pages/order?id=1",
            "idempotencyKey": key,
        }
        data = await self.served.client().data(SEND, input=given | changes)
        found: dict[str, Any] = data["subscribeMessageSend"]
        return found

    async def left(self) -> int:
        """Grants that the gateway knows of."""
        rows = await self.served.gateway.services.database.fetch(
            select(subscribe_grant.c.remaining).where(subscribe_grant.c.template == self.template)
        )
        return sum(row.remaining for row in rows)

    def sent(self) -> list[Effect]:
        """What the platform took."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, "subscribe_sent")

    def misbehave(self, kind: str, **rule: Any) -> None:
        """A fault of the platform's sending."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=ENDPOINT, **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def test_a_message_spends_a_grant(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.accepts(at_platform=2, heard=2)

    answer = await desk.tell("order-1-ready")

    assert answer == {
        "__typename": "SubscribeMessageSent",
        "appid": desk.app,
        "transaction": {"state": "COMPLETED", "steps": [{"name": "subscribe_message.send", "state": "DONE"}]},
    }
    [effect] = desk.sent()[before:]
    assert effect.data["message"]["page"] == "pages/order?id=1"
    assert effect.data["message"]["data"]["thing1"] == {"value": "山岚轻羽绒服"}
    assert await desk.told() == [("message.accepted", None, {"template": desk.template, "purpose": "SERVICE"})]
    assert await desk.left() == 1


async def test_the_same_key_sends_once(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.accepts(at_platform=2, heard=2)
    first = await desk.tell("order-2-ready")
    again = await desk.tell("order-2-ready")
    other = await desk.tell("order-2-ready", page="pages/home")
    assert again == first
    assert other["code"] == "IDEMPOTENCY_MISMATCH"
    assert len(desk.sent()) == before + 1
    assert await desk.left() == 1


async def test_without_a_grant_the_platform_is_not_asked(desk: Desk) -> None:
    before = desk.served.sandbox.kit.journal.count(TOOL, ENDPOINT)
    never = await desk.tell("never-asked")
    await desk.accepts()
    await desk.tell("the-only-one")
    spent = await desk.tell("one-too-many")
    assert [never["code"], spent["code"]] == ["NOT_REACHABLE", "NOT_REACHABLE"]
    assert "NO_GRANT" in spent["message"]
    assert desk.served.sandbox.kit.journal.count(TOOL, ENDPOINT) == before + 1


async def test_a_refused_message_gives_its_grant_back(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.accepts()

    refused = await desk.tell("bad-field", fields=[{"name": "thing1", "value": "x" * 21}])

    assert (refused["__typename"], refused["code"], refused["reason"]) == ("ToolProblem", "INVALID", "template_field")
    assert await desk.left() == 1
    assert len(desk.sent()) == before
    assert (await desk.tell("bad-field"))["__typename"] == "SubscribeMessageSent"
    assert [(kind, reason) for kind, reason, _ in await desk.told()] == [
        ("message.failed", "template_field"),
        ("message.accepted", None),
    ]


async def test_the_platforms_count_is_the_right_one(desk: Desk) -> None:
    """Another program of the brand spent them, or the shopper switched the template off."""
    before = len(desk.sent())
    await desk.accepts(at_platform=0, heard=2)

    refused = await desk.tell("none-there")

    assert (refused["code"], refused["reason"]) == ("REJECTED", "no_grant")
    assert await desk.left() == 0
    assert len(desk.sent()) == before
    assert (await desk.tell("none-there"))["code"] == "NOT_REACHABLE"


async def test_what_nobody_knows_is_not_repeated(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.accepts(at_platform=2, heard=2)
    desk.misbehave("reset_after", calls=(1,))

    unknown = await desk.tell("lost-answer")
    again = await desk.tell("lost-answer")
    await desk.later()

    assert (unknown["code"], unknown["retryable"]) == ("OUTCOME_UNKNOWN", False)
    assert again == unknown
    watched = await desk.served.client().data(WATCH, t=unknown["transactionId"])
    assert watched["transaction"] == {
        "state": "NEEDS_ATTENTION",
        "steps": [{"state": "UNKNOWN", "reason": "OUTCOME_UNKNOWN"}],
    }
    assert await desk.left() == 1
    assert await desk.told() == []
    assert len(desk.sent()) == before + 1


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    await desk.accepts()
    assert (await desk.tell("no-template", template=""))["code"] == "BAD_USER_INPUT"
    assert (await desk.tell("long-template", template="x" * 65))["code"] == "BAD_USER_INPUT"
    assert await desk.left() == 1


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.tell("no-such-tool", appid=desk.app))["code"] == "TOOL_NOT_CONFIGURED"
    # The gate does not know what is configured: what it took is given back.
    await desk.accepts()
    assert (await desk.tell("no-such-account"))["code"] == "TOOL_NOT_CONFIGURED"
    assert await desk.left() == 1
