"""customerServiceMessageSend: inside the window, at most once, and what nobody knows stays unknown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.official_account import Interacted
from gateway.database.tables.reach import send_attempt
from gateway.database.tables.sagas import saga_step
from gateway.events.projections.official_account import interacted
from sandbox.journal import Effect
from tests.gateway.actions.test_template_messages import Desk as AnyDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEND = """mutation ($input: CustomerServiceMessageSendInput!) { customerServiceMessageSend(input: $input) {
  __typename
  ... on CustomerServiceMessageSent { appid transaction { state steps { name state } } }
  ... on DomainProblem { code message retryable transactionId }
  ... on ToolProblem { code retryable tool reason }
} }"""
ENDPOINT = "POST /cgi-bin/message/custom/send"
REACH = """query ($m: ID!) { member(by: {id: $m}) { reach(purpose: SERVICE) { channel reachable remaining } } }"""
WATCH = "query ($t: ID!) { transaction(id: $t) { state steps { state reason } } }"
LINK = {"title": "雾灰到货", "url": "https://shop.example/coat"}


class Desk(AnyDesk):
    """Somebody of the service staff."""

    async def writes(self, *, told: bool = True) -> None:
        """The protagonist writes to the account; the gateway may not have heard of it."""
        openid, now = self.known["followers"]["protagonist"], self.served.gateway.clock.now()
        accounts: Any = self.served.sandbox.platforms["official_account"]
        accounts.accounts[self.appid].interacted(openid, "message", self.served.sandbox.kit.clock.now())
        if told:
            projector = self.served.gateway.services.projector
            await interacted(projector, [Interacted(self.appid, openid, "MESSAGE", now)])

    async def answer(self, key: str | None, **changes: Any) -> dict[str, Any]:
        """What the mutation answers."""
        given = {
            "member": await self.member("protagonist"),
            "purpose": "SERVICE",
            "text": "您的外套到店了",
            "idempotencyKey": key,
        }
        found: dict[str, Any] = (await self.served.client().data(SEND, input=given | changes))[
            "customerServiceMessageSend"
        ]
        return found

    async def left(self) -> int | None:
        """Messages that the window still takes, by what the gateway knows; None when it is shut."""
        member = await self.member("protagonist")
        ways = (await self.served.client().data(REACH, m=member))["member"]["reach"]
        [way] = [each for each in ways if each["channel"] == "CUSTOMER_SERVICE"]
        remaining: int | None = way["remaining"]
        return remaining

    def sent(self) -> list[Effect]:
        """What the platform took."""
        return self.served.sandbox.kit.journal.of_kind("official_account", "custom_sent")

    def misbehave(self, kind: str, **rule: Any) -> None:
        """A fault of the platform's sending."""
        self.served.sandbox.kit.faults.add("official_account", kind, endpoint=ENDPOINT, **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def test_an_answer_to_one_who_wrote(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.writes()

    answer = await desk.answer("answer-1")

    assert answer == {
        "__typename": "CustomerServiceMessageSent",
        "appid": desk.appid,
        "transaction": {
            "state": "COMPLETED",
            "steps": [{"name": "customer_service_message.send", "state": "DONE"}],
        },
    }
    [effect] = desk.sent()[before:]
    assert effect.data["message"] == {"msgtype": "text", "text": {"content": "您的外套到店了"}}
    # What was written to the member stays in the sealed intent.
    assert await desk.told() == [("message.accepted", None, {"purpose": "SERVICE"})]
    assert await desk.left() == 4


async def test_a_link(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.writes()
    answer = await desk.answer("answer-link", text=None, link=LINK)
    assert answer["__typename"] == "CustomerServiceMessageSent"
    [effect] = desk.sent()[before:]
    assert effect.data["message"]["news"] == {"articles": [LINK]}


async def test_what_was_uploaded_to_the_account(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.writes()
    accounts: Any = desk.served.sandbox.platforms["official_account"]
    shelf, now = accounts.accounts[desk.appid].shelf, desk.served.sandbox.kit.clock.now()
    for number in ("picture", "thumb", "voice", "film"):
        shelf.media[number] = ("image/jpeg", b"invented", now)
    app = min(accounts.accounts[desk.appid].mini_programs)
    film = {"mediaId": "film", "thumbMediaId": "thumb", "title": "新款", "description": "试穿"}
    card = {"title": "取货码", "appid": app, "page": "pages/order?id=1", "thumbMediaId": "thumb"}
    given: dict[str, Any] = {"picture": "picture", "voice": "voice", "video": film, "miniProgram": card}
    for name, content in given.items():
        answer = await desk.answer(f"answer-{name}", text=None, appid=desk.appid, **{name: content})
        assert answer["__typename"] == "CustomerServiceMessageSent", answer
    assert [effect.data["message"] for effect in desk.sent()[before:]] == [
        {"msgtype": "image", "image": {"media_id": "picture"}},
        {"msgtype": "voice", "voice": {"media_id": "voice"}},
        {
            "msgtype": "video",
            "video": {"media_id": "film", "thumb_media_id": "thumb", "title": "新款", "description": "试穿"},
        },
        {
            "msgtype": "miniprogrampage",
            "miniprogrampage": {
                "title": "取货码", "appid": app, "pagepath": "pages/order?id=1", "thumb_media_id": "thumb",
            },
        },
    ]  # fmt: skip
    wrong: tuple[dict[str, Any], ...] = (
        {"picture": "picture"},
        {"picture": "picture", "appid": desk.appid, "text": "也说一句"},
        {"picture": "picture", "voice": "voice", "appid": desk.appid},
    )
    for number, changes in enumerate(wrong):
        refused = await desk.answer(f"wrong-{number:06}", **{"text": None} | changes)
        assert refused["code"] == "BAD_USER_INPUT"
    gone = await desk.answer("of-another-account", text=None, appid=desk.appid, picture="nobody's")
    assert (gone["code"], gone["reason"]) == ("INVALID", "media_unknown")
    assert len(desk.sent()) == before + 4
    assert await desk.left() == 1


async def test_the_same_key_sends_once(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.writes()
    first = await desk.answer("answer-twice")
    again = await desk.answer("answer-twice")
    other = await desk.answer("answer-twice", text="另一句")
    assert again == first
    assert other["code"] == "IDEMPOTENCY_MISMATCH"
    assert len(desk.sent()) == before + 1


async def test_outside_the_window_nothing_is_asked_of_the_platform(desk: Desk) -> None:
    before = desk.served.sandbox.kit.journal.count("official_account", ENDPOINT)

    shut = await desk.answer("too-early")
    await desk.writes()
    desk.served.gateway.clock.advance(timedelta(hours=48))
    late = await desk.answer("too-late")

    assert [shut["code"], late["code"]] == ["NOT_REACHABLE", "NOT_REACHABLE"]
    assert "WINDOW_CLOSED" in shut["message"]
    assert "WINDOW_CLOSED" in late["message"]
    assert desk.served.sandbox.kit.journal.count("official_account", ENDPOINT) == before
    assert await desk.told() == []


async def test_a_refusal_gives_place_and_key_back(desk: Desk) -> None:
    """Staff used the window up in the platform's console, of which the gateway is told nothing."""
    before = len(desk.sent())
    await desk.writes()
    desk.misbehave("code", value=45047, calls=(1,))

    refused = await desk.answer("staff-was-first")

    assert (refused["__typename"], refused["code"], refused["reason"]) == ("ToolProblem", "REJECTED", "window_spent")
    assert await desk.left() == 5
    assert len(desk.sent()) == before
    again = await desk.answer("staff-was-first")
    assert again["__typename"] == "CustomerServiceMessageSent"
    assert [(kind, reason) for kind, reason, _ in await desk.told()] == [
        ("message.failed", "window_spent"),
        ("message.accepted", None),
    ]


async def test_what_nobody_knows_is_not_repeated(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.writes()
    desk.misbehave("reset_after", calls=(1,))

    unknown = await desk.answer("lost-answer")
    again = await desk.answer("lost-answer")
    await desk.later()

    assert (unknown["__typename"], unknown["code"], unknown["retryable"]) == ("DomainProblem", "OUTCOME_UNKNOWN", False)
    assert again == unknown
    watched = await desk.served.client().data(WATCH, t=unknown["transactionId"])
    assert watched["transaction"] == {
        "state": "NEEDS_ATTENTION",
        "steps": [{"state": "UNKNOWN", "reason": "OUTCOME_UNKNOWN"}],
    }
    # It may have arrived: its place stays taken, and nothing is claimed of it.
    assert await desk.left() == 4
    assert await desk.told() == []
    assert len(desk.sent()) == before + 1


async def test_what_its_process_left_behind_is_unknown(desk: Desk) -> None:
    """The process ends between the first commit and the platform: nobody can tell on which side of the call."""
    before = len(desk.sent())
    await desk.writes()
    runner = desk.served.gateway.services.checkout.actions._runner
    single = runner.single

    async def dies(*_: object) -> None:
        raise RuntimeError("the process ends here")

    runner.single = dies  # type: ignore[method-assign,assignment]
    given = {"member": await desk.member("protagonist"), "purpose": "SERVICE", "text": "在的"}
    await desk.served.client().ask(SEND, input=given | {"idempotencyKey": "died-before"})
    runner.single = single  # type: ignore[method-assign]
    await desk.later()

    steps = await desk.served.gateway.services.database.fetch(
        select(saga_step.c.state).where(saga_step.c.name == "customer_service_message.send")
    )
    assert [row.state for row in steps] == ["UNKNOWN"]
    assert (await desk.answer("died-before", text="在的"))["code"] == "OUTCOME_UNKNOWN"
    assert len(desk.sent()) == before


async def test_among_other_mutations_it_comes_last(desk: Desk) -> None:
    before = len(desk.sent())
    await desk.writes()
    document = """mutation ($m: ID!) @atomic(key: "sorry-0001") {
      tell: customerServiceMessageSend(input: {member: $m, purpose: SERVICE, text: "送您 100 积分"}) {
        ... on DomainProblem { code transactionId } }
      give: pointsAdjust(input: {member: $m, points: 100, reason: "补偿"}) {
        ... on PointsAdjusted { entry { points } } }
    }"""

    data = await desk.served.client().data(document, m=await desk.member("protagonist"))
    waiting = len(desk.sent())
    await desk.served.gateway.worker.drain()

    assert (data["tell"]["code"], data["give"]) == ("QUEUED", {"entry": {"points": 100}})
    assert [waiting, len(desk.sent())] == [before, before + 1]
    watched = await desk.served.client().data(WATCH, t=data["tell"]["transactionId"])
    assert watched["transaction"]["state"] == "COMPLETED"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"text": None}, "Give one of text, link"),
        ({"link": LINK}, "Give one of text, link"),
        ({"text": ""}, "text has 0 bytes"),
        ({"text": "长" * 683}, "text has 2049 bytes"),
        ({"text": None, "link": LINK | {"url": "shop.example"}}, "link.url"),
        ({"text": None, "link": LINK | {"picture": "coat.jpg"}}, "link.picture"),
        ({"text": None, "link": LINK | {"title": ""}}, "link.title"),
    ],
)
async def test_what_cannot_be_said(desk: Desk, changes: dict[str, Any], says: str) -> None:
    before = len(desk.sent())
    await desk.writes()
    refused = await desk.answer("bad-message", **changes)
    assert refused["code"] == "BAD_USER_INPUT"
    assert says in refused["message"]
    assert len(desk.sent()) == before
    database = desk.served.gateway.services.database
    assert await database.fetch(select(send_attempt).where(send_attempt.c.channel == "CUSTOMER_SERVICE")) == []


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without("official_account")))
    assert (await desk.answer("no-such-tool", appid=desk.appid))["code"] == "TOOL_NOT_CONFIGURED"
