"""subscribeMessageSend of an official account, and that an answer is being written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.official_account import Interacted
from adapters.wechat.subscribe import SubscribeAnswered
from gateway.database.tables.facts import fact
from gateway.database.tables.reach import subscribe_grant
from gateway.events.projections import official_account
from gateway.members import grants
from gateway.resolvers import ids
from sandbox.journal import Effect
from tests.gateway.actions.test_subscribe_messages import SEND
from tests.gateway.actions.test_template_messages import Desk as AnyDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
ENDPOINT = "POST /cgi-bin/message/subscribe/bizsend"
_SECOND: Final = timedelta(seconds=1)
ARRIVED = [{"name": "thing1", "value": "山岚轻羽绒服"}]
BLOCK = """mutation ($m: ID!, $k: String!) {
  followersBlock(input: {members: [$m], idempotencyKey: $k}) { __typename }
}"""
TYPING = """mutation ($m: ID!, $typing: Boolean! = true, $appid: String) {
  customerServiceTypingShow(input: {member: $m, typing: $typing, appid: $appid}) {
    ... on CustomerServiceTypingShown { appid }
    ... on Problem { code message }
    ... on ToolProblem { reason }
  }
}"""


class Desk(AnyDesk):
    """Somebody who tells followers that what they waited for has come."""

    @property
    def template(self) -> str:
        """到货通知."""
        return next(number for number, name in self._names().items() if name == "到货通知")

    def _names(self) -> dict[str, str]:
        found: dict[str, str] = self.platform.shelf.subscribe_templates
        return found

    @property
    def platform(self) -> Any:
        """What the platform holds of the account."""
        return self.served.sandbox.platforms[TOOL].accounts[self.appid]  # type: ignore[attr-defined]

    @property
    def openid(self) -> str:
        """The protagonist's."""
        return self.served.person("protagonist").openids[self.appid]

    async def accepts(self, *, at_platform: int = 1, heard: int = 1) -> None:
        """The protagonist accepts the question so often, and the gateway hears of it so often."""
        self.platform.shelf.grants[(self.openid, self.template)] = at_platform
        for _ in range(heard):
            # Answers of one second are one.
            self.served.gateway.clock.advance(_SECOND)
            now = self.served.gateway.clock.now()
            told = SubscribeAnswered(self.appid, self.openid, self.template, True, now)
            await grants.told(self.served.gateway.services.projector, told)

    async def tell(self, key: str | None, **changes: Any) -> dict[str, Any]:
        """What the mutation answers."""
        given = {
            "tool": "OFFICIAL_ACCOUNT",
            "member": await self.member("protagonist"),
            "template": self.template,
            "fields": ARRIVED,
            "purpose": "SERVICE",
            "page": "https://brand.example/arrived",
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

    def taken(self) -> list[Effect]:
        """What the platform took."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, "subscribe_sent")

    def misbehaves(self, kind: str, **rule: Any) -> None:
        """A fault of the platform's sending."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=ENDPOINT, **rule)

    async def speaks(self) -> None:
        """The protagonist writes to the account."""
        self.platform.interacted(self.openid, "message", self.served.sandbox.kit.clock.now())
        told = Interacted(self.appid, self.openid, "MESSAGE", self.served.gateway.clock.now())
        await official_account.interacted(self.served.gateway.services.projector, [told])

    async def types(self, member: str | None = None, caller: str = "hq", **more: Any) -> dict[str, Any]:
        """What customerServiceTypingShow answers."""
        who = member or await self.member("protagonist")
        found: dict[str, Any] = await self.served.client(caller).data(TYPING, m=who, **more)
        return dict(found["customerServiceTypingShow"])


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.shelf.blacklist = []
    desk.platform.shelf.typing.clear()
    desk.platform.shelf.grants.clear()


async def test_a_message_spends_a_grant_once_per_key(desk: Desk) -> None:
    before = len(desk.taken())
    await desk.accepts(at_platform=2, heard=2)

    answer = await desk.tell("arrived-1")

    assert answer == {
        "__typename": "SubscribeMessageSent",
        "appid": desk.appid,
        "transaction": {"state": "COMPLETED", "steps": [{"name": "account_subscribe_message.send", "state": "DONE"}]},
    }
    assert [effect.data["data"]["thing1"] for effect in desk.taken()[before:]] == [{"value": "山岚轻羽绒服"}]
    assert await desk.told() == [("message.accepted", None, {"template": desk.template, "purpose": "SERVICE"})]
    assert await desk.left() == 1
    assert await desk.tell("arrived-1") == answer
    assert len(desk.taken()) == before + 1
    rows = await desk.served.gateway.services.database.fetch(
        select(fact.c.tool).where(fact.c.kind == "message.attempted")
    )
    assert {row.tool for row in rows} == {TOOL}


async def test_without_a_grant_or_on_the_blacklist_nothing_is_sent(desk: Desk) -> None:
    before, who = len(desk.taken()), await desk.member("protagonist")
    none = await desk.tell("arrived-2")
    assert (none["code"], "NO_GRANT" in none["message"]) == ("NOT_REACHABLE", True)
    await desk.accepts()
    await desk.served.client().data(BLOCK, m=who, k="block-before-sending")
    listed = await desk.tell("arrived-3")
    assert (listed["code"], "BLACKLISTED" in listed["message"]) == ("NOT_REACHABLE", True)
    assert (len(desk.taken()), await desk.left()) == (before, 1)


async def test_what_the_platform_refuses_is_told_and_its_count_is_believed(desk: Desk) -> None:
    await desk.accepts(at_platform=0, heard=2)
    refused = await desk.tell("arrived-4")
    assert (refused["code"], refused["reason"], await desk.left()) == ("REJECTED", "user_refused", 0)
    await desk.accepts()
    bad = await desk.tell("arrived-5", fields=[{"name": "thing1", "value": ""}])
    assert (bad["code"], await desk.left()) == ("INVALID", 1)


async def test_of_an_unknown_outcome_the_grant_stays_spent(desk: Desk) -> None:
    await desk.accepts(at_platform=2, heard=2)
    before = len(desk.taken())
    desk.misbehaves("reset_after")
    unknown = await desk.tell("arrived-6")
    assert unknown["code"] == "OUTCOME_UNKNOWN"
    desk.served.sandbox.kit.faults.clear()
    await desk.later()
    assert (await desk.tell("arrived-6"))["code"] == "OUTCOME_UNKNOWN"
    assert (len(desk.taken()), await desk.left()) == (before + 1, 1)


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    jump = {"appid": desk.served.world.mini_programs[0].appid, "path": "pages/index"}
    answers = [
        await desk.tell("bad-arrival-1", template="t" * 65),
        await desk.tell("bad-arrival-2", tool="MINI_PROGRAM", miniProgram=jump),
        await desk.tell("bad-arrival-3", member=ids.encode("gd", "chenyutong", desk.served.world.corp.corpid)),
        await desk.tell(None),
        await desk.tell("bad-arrival-4", appid="wxnone"),
    ]
    assert [each["code"] for each in answers] == [
        "BAD_USER_INPUT", "BAD_USER_INPUT", "ID_FOREIGN", "IDEMPOTENCY_KEY_REQUIRED", "TOOL_NOT_CONFIGURED",
    ]  # fmt: skip
    await desk.accepts()
    assert (await desk.tell("arrived-7", page=None, miniProgram=jump))["appid"] == desk.appid


async def test_that_an_answer_is_written_is_seen_by_one_who_is_there(desk: Desk) -> None:
    away = await desk.types()
    assert (away["code"], "WINDOW_CLOSED" in away["message"]) == ("NOT_REACHABLE", True)
    await desk.speaks()

    assert await desk.types() == {"appid": desk.appid}

    assert desk.platform.shelf.typing == {desk.openid}
    again = await desk.types()
    assert (again["code"], again["reason"]) == ("REJECTED", "typing_already")
    assert await desk.types(typing=False, appid=desk.appid) == {"appid": desk.appid}
    assert desk.platform.shelf.typing == set()
    desk.platform.last_seen.clear()
    late = await desk.types()
    assert (late["code"], late["reason"]) == ("REJECTED", "no_recent_message")
    unknown = await desk.types(ids.encode("mb", "01990000-0000-7000-8000-000000000000"))
    elsewhere = await desk.types(appid="wxnone")
    assert (unknown["code"], elsewhere["code"]) == ("MEMBER_UNKNOWN", "TOOL_NOT_CONFIGURED")


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_writes(desk: Desk, caller: str) -> None:
    client, who = desk.served.client(caller), await desk.member("protagonist")
    answer = await client.ask(TYPING, m=who)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert desk.platform.shelf.typing == set()


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served())
    given, who = {"template": desk.template}, await desk.member("protagonist")
    absent = Desk(await open_served(without(TOOL)))
    data = await absent.served.client().data(
        SEND,
        input={
            "tool": "OFFICIAL_ACCOUNT", "member": who, "fields": ARRIVED, "purpose": "SERVICE",
            "idempotencyKey": "no-such-tool", **given,
        },
    )  # fmt: skip
    assert data["subscribeMessageSend"]["code"] == "TOOL_NOT_CONFIGURED"
