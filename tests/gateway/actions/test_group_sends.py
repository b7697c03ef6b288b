"""groupSendCreate: guides are asked, whoever may not be spoken to is left out, and what came of it is read later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.database.tables.contacts import group_send
from gateway.database.tables.facts import fact
from gateway.database.tables.reach import send_attempt
from gateway.jobs import DEFAULT_MAX_ATTEMPTS
from gateway.resolvers import ids
from gateway.resolvers.streams import TRANSACTIONS
from gateway.runtime import OpenTools, ToolNotConfigured
from sandbox.journal import Effect
from tests.gateway.actions.gating import Rounds, dies, time_is_up
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"
CREATE, SENDS, CANCEL, REMIND, WATCH = (
    (DOCUMENTS / f"{name}.graphql").read_text("utf-8")
    for name in ("group-send", "group-sends", "group-send-cancel", "group-send-remind", "group-send-progress")
)
LATE = """mutation ($input: GroupSendCreateInput!) { groupSendCreate(input: $input) {
  ... on DomainProblem { code retryable transactionId } } }"""
LINK = {"link": {"title": "双11 会场", "url": "https://yujian.example/1111"}}


TOGETHER = """mutation ($send: GroupSendCreateInput!, $points: PointsAdjustInput!, $old: ID!, $key: String!)
  @atomic(key: $key) {
  old: groupSendCancel(input: {groupSend: $old}) { __typename ... on DomainProblem { code } }
  points: pointsAdjust(input: $points) { __typename ... on DomainProblem { code cause } }
  send: groupSendCreate(input: $send) { __typename ... on DomainProblem { code cause failedField } }
}"""


class Desk:
    """Headquarters, which asks guides to send."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.before = len(self.made())

    def guide(self, userid: str) -> str:
        """A guide's id."""
        return ids.encode("gd", userid, self.served.world.corp.corpid)

    async def customers_of(self, userid: str, number: int) -> list[str]:
        """So many members whom the guide has and who have no other guide."""
        world = self.served.world
        keys = [each.person for each in world.contacts if each.userid == userid and not each.deleted_by]
        alone = [key for key in keys if [each.person for each in world.contacts].count(key) == 1]
        document = "query ($u: String!) { member(by: {unionid: $u}) { id } }"
        people = [world.people[key] for key in alone[:number]]
        return [(await self.served.client().data(document, u=each.unionid))["member"]["id"] for each in people]

    async def create(self, key: str, caller: str = "hq", **given: Any) -> dict[str, Any]:
        """What the mutation answers."""
        asked = {"purpose": "SERVICE", "text": "到店有礼", "idempotencyKey": key} | given
        answer: dict[str, Any] = (await self.served.client(caller).data(CREATE, input=asked))["groupSendCreate"]
        return answer

    async def sends(self, **given: Any) -> list[dict[str, Any]]:
        """The list, the newest first."""
        found: list[dict[str, Any]] = (await self.served.client().data(SENDS, **given))["groupSends"]["nodes"]
        return found

    async def task(self, send: str) -> str:
        """The platform's name of it."""
        row = await self.served.gateway.services.database.one(
            select(group_send.c.task_id).where(group_send.c.id == ids.decode(send)[2])
        )
        assert row is not None
        return str(row.task_id)

    async def confirms(self, send: str, userid: str) -> None:
        """The guide sends it."""
        act = self.served.sandbox.platforms[TOOL].actions()["confirm_group_send"]
        await act({"msgid": await self.task(send), "userid": userid})

    async def after(self, by: timedelta) -> None:
        """Later, when the hourly job has run."""
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        for each in self.served.gateway.recurring:
            await each.ensure()
        await self.served.gateway.worker.drain()

    async def told(self, prefix: str) -> list[tuple[Any, ...]]:
        """Facts: kind, reason and quantity, in the order of the log."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.kind, fact.c.reason, fact.c.quantity)
            .where(fact.c.kind.like(f"{prefix}%"), fact.c.tool == TOOL)
            .order_by(fact.c.seq)
        )
        return [tuple(row) for row in rows]

    async def places(self) -> int:
        """How many messages hold a place under the caps."""
        row = await self.served.gateway.services.database.one(
            select(func.count().label("n")).where(send_attempt.c.channel == "ENTERPRISE_CHAT", send_attempt.c.counted)
        )
        return 0 if row is None else int(row.n)

    async def watch(self, transaction: str) -> tuple[str, str, int, int]:
        """Where it and its step stand, and how many members of all it has gone through."""
        found = (await self.served.client().data(WATCH, transaction=transaction))["transaction"]
        [step] = found["steps"]
        return found["state"], step["state"], step["progress"]["done"], step["progress"]["total"]

    async def states(self) -> list[str]:
        """What whoever subscribes to transactions is told, in order; how far it is, as a number."""
        kinds = fact.c.kind.in_(TRANSACTIONS - {"transaction.step"})
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.payload, fact.c.quantity).where(kinds).order_by(fact.c.seq)
        )
        return [
            row.payload["state"] if row.quantity is None else f"{row.payload['state']} {row.quantity}" for row in rows
        ]

    @property
    def platform(self) -> Any:
        """The emulated 企业微信."""
        return self.served.sandbox.platforms[TOOL]

    def made(self) -> list[Effect]:
        """Tasks at the platform."""
        return self.served.sandbox.kit.journal.of_kind(TOOL, "group_send")

    def misbehave(self, kind: str, endpoint: str, **rule: Any) -> None:
        """A fault of the platform's."""
        self.served.sandbox.kit.faults.add(TOOL, kind, endpoint=f"POST /cgi-bin/externalcontact/{endpoint}", **rule)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()


async def test_guides_are_asked_and_what_came_of_it_is_read(desk: Desk) -> None:
    who = [*await desk.customers_of("maolin", 2), *await desk.customers_of("xiaohan", 1)]

    answer = await desk.create("group-send-1", members=who, attachments=[LINK])

    assert (answer["groupSend"]["state"], answer["transaction"]["state"]) == ("ASKED", "COMPLETED")
    assert answer["groupSend"]["counts"] == {"targeted": 3, "leftOut": 0}
    [effect] = desk.made()[desk.before :]
    assert effect.data["senders"] == ["maolin", "xiaohan"]
    send = answer["groupSend"]["id"]
    await desk.after(timedelta(hours=1))
    [seen] = await desk.sends()
    assert seen["counts"] | {"guidesAsked": 2, "pending": 3} == seen["counts"]
    assert {each["guide"]["name"]: each["customers"] for each in seen["senders"]["nodes"]} == {"毛琳": 2, "肖寒": 1}
    assert {each["state"] for each in seen["deliveries"]["nodes"]} == {"PENDING"}

    await desk.confirms(send, "maolin")
    await desk.after(timedelta(hours=1))

    [seen] = await desk.sends(state="ASKED")
    assert (seen["counts"]["sent"], seen["counts"]["pending"], seen["counts"]["guidesConfirmed"]) == (2, 1, 1)
    await desk.confirms(send, "xiaohan")
    await desk.after(timedelta(hours=1))
    [seen] = await desk.sends(state="CONFIRMED")
    assert (seen["counts"]["sent"], seen["counts"]["pending"]) == (3, 0)
    assert seen["settledAt"] is not None
    assert await desk.told("group_send.") == [
        ("group_send.asked", None, 2),
        ("group_send.asked", None, 1),
        ("group_send.confirmed", None, 2),
        ("group_send.result", None, 2),
        ("group_send.confirmed", None, 1),
        ("group_send.result", None, 1),
    ]
    assert await desk.told("message.delivered") == [("message.delivered", None, None)] * 3
    # The same request again: the task as it stands now, and no other one.
    again = await desk.create("group-send-1", members=who, attachments=[LINK])
    assert (again["groupSend"]["id"], again["groupSend"]["state"]) == (send, "CONFIRMED")
    assert len(desk.made()) == desk.before + 1
    # Nothing is asked about a task that is settled.
    with desk.served.counted() as count:
        await desk.after(timedelta(hours=1))
    assert TOOL not in count.calls


async def test_who_may_not_be_spoken_to_is_left_out_and_told(desk: Desk) -> None:
    who = await desk.customers_of("maolin", 3)
    await desk.served.says(who[0], "MARKETING", given=True)

    answer = await desk.create("group-send-2", members=who, purpose="MARKETING")

    left = answer["groupSend"]["leftOut"]["nodes"]
    assert {each["member"]["id"]: each["reason"] for each in left} == dict.fromkeys(who[1:], "NO_CONSENT")
    assert answer["groupSend"]["counts"] == {"targeted": 1, "leftOut": 2}
    none = await desk.create("group-send-3", members=who[1:], purpose="MARKETING")
    assert none["code"] == "NOT_REACHABLE"
    assert "NO_CONSENT 2" in none["message"]
    assert len(desk.made()) == desk.before + 1
    assert await desk.places() == 1


async def test_all_customers_of_a_guide_who_carry_the_tags(desk: Desk) -> None:
    everybody = await desk.create("group-send-4", guide=desk.guide("chenyutong"))
    gold = await desk.create("group-send-5", guide=desk.guide("chenyutong"), tags=[{"name": "金卡"}])
    numbers = [each["groupSend"]["counts"]["targeted"] for each in (everybody, gold)]
    assert numbers[0] > numbers[1] > 0
    assert [each.data["senders"] for each in desk.made()[desk.before :]] == [["chenyutong"]] * 2


async def test_a_cancelled_one_gives_back_the_places_of_whom_it_did_not_reach(desk: Desk) -> None:
    who = [*await desk.customers_of("maolin", 1), *await desk.customers_of("xiaohan", 1)]
    made = await desk.create("group-send-6", members=who)
    send = made["groupSend"]["id"]
    assert await desk.places() == 2
    desk.served.sandbox.kit.clock.advance(timedelta(seconds=2))
    await desk.confirms(send, "maolin")

    answer = (await desk.served.client().data(CANCEL, send=send, key="group-cancel-1"))["groupSendCancel"]

    assert (answer["groupSend"]["state"], answer["transaction"]["state"]) == ("CANCELLED", "COMPLETED")
    await desk.after(timedelta(hours=1))
    [seen] = await desk.sends(state="CANCELLED")
    assert {each["state"] for each in seen["deliveries"]["nodes"]} == {"SENT", "NOT_SENT"}
    assert seen["settledAt"] is not None
    assert await desk.places() == 1
    assert await desk.told("message.failed") == [("message.failed", "NOT_SENT", None)]
    for document, key in ((CANCEL, "group-cancel-2"), (REMIND, "group-remind-0")):
        [answer] = (await desk.served.client().data(document, send=send, key=key)).values()
        assert answer["code"] == "GROUP_SEND_OVER"


async def test_guides_are_reminded_as_often_as_the_platform_lets_us(desk: Desk) -> None:
    send = (await desk.create("group-send-7", guide=desk.guide("maolin")))["groupSend"]["id"]
    desk.served.sandbox.kit.clock.advance(timedelta(seconds=2))
    for number in range(3):
        answer = await desk.served.client().data(REMIND, send=send, key=f"group-remind-{number}")
        assert answer["groupSendRemind"]["transaction"]["state"] == "COMPLETED"
    answer = (await desk.served.client().data(REMIND, send=send, key="group-remind-3"))["groupSendRemind"]
    assert answer["code"] == "REJECTED"
    # The same request again is no other reminder.
    again = await desk.served.client().data(REMIND, send=send, key="group-remind-0")
    assert again["groupSendRemind"]["transaction"]["state"] == "COMPLETED"


async def test_who_is_no_friend_or_had_enough_is_told_and_has_their_place_back(desk: Desk) -> None:
    who = await desk.customers_of("maolin", 2)
    platform: Any = desk.served.sandbox.platforms[TOOL]
    send = (await desk.create("group-send-8", members=who))["groupSend"]["id"]
    external = platform.sends.tasks[await desk.task(send)].work["maolin"][0].id
    now = desk.served.sandbox.kit.clock.now() + timedelta(hours=8)
    had = platform.sends.received[(external, now.year, now.month)]
    platform.sends.received[(external, now.year, now.month)] = 31
    await desk.confirms(send, "maolin")
    await desk.after(timedelta(hours=1))
    platform.sends.received[(external, now.year, now.month)] = had
    [seen] = await desk.sends()
    assert (seen["state"], seen["counts"]["sent"], seen["counts"]["capped"]) == ("CONFIRMED", 1, 1)
    assert await desk.places() == 1
    assert await desk.told("message.failed") == [("message.failed", "CAPPED", None)]


async def test_a_lost_answer_is_found_by_the_time_and_nothing_is_asked_twice(desk: Desk) -> None:
    desk.misbehave("reset_after", "add_msg_template")
    answer = await desk.create("group-send-9", guide=desk.guide("maolin"), text="丢失的回答")
    assert answer["groupSend"]["state"] == "ASKED"
    assert len(desk.made()) == desk.before + 1
    [seen] = await desk.sends()
    assert seen["counts"]["targeted"] > 0


async def test_what_cannot_be_found_is_for_a_person_and_never_asked_again(desk: Desk) -> None:
    desk.misbehave("reset_before", "add_msg_template", calls=(1,))
    who = await desk.customers_of("maolin", 1)
    answer = await desk.create("group-send-10", members=who, text="查无此事")
    assert (answer["code"], answer["retryable"]) == ("TRANSACTION_IN_PROGRESS", True)
    for _ in range(DEFAULT_MAX_ATTEMPTS):
        await desk.after(timedelta(hours=2))
    answer = await desk.create("group-send-10", members=who, text="查无此事")
    assert answer["code"] == "OUTCOME_UNKNOWN"
    # It may have been asked for, so that its place stays taken.
    assert (await desk.sends(), await desk.places(), len(desk.made())) == ([], 1, desk.before)


async def test_what_a_request_has_no_time_for_is_done_by_a_job(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    who = [*await desk.customers_of("maolin", 3), *await desk.customers_of("xiaohan", 2)]
    asked = {"purpose": "SERVICE", "text": "到店有礼", "members": who, "idempotencyKey": "group-send-15"}
    gate = Rounds(desk.served, monkeypatch)
    gate.after[3] = time_is_up

    answer = (await desk.served.client().data(LATE, input=asked))["groupSendCreate"]

    assert (answer["code"], answer["retryable"]) == ("TRANSACTION_IN_PROGRESS", True)
    assert (gate.rounds, len(desk.made()), await desk.places()) == (3, desk.before, 3)
    assert await desk.watch(answer["transactionId"]) == ("RUNNING", "PENDING", 3, 5)
    assert (await desk.served.client().data(LATE, input=asked))["groupSendCreate"] == answer
    # At once, and not when the lease of its process has run out.
    await desk.served.gateway.worker.drain()
    assert await desk.watch(answer["transactionId"]) == ("COMPLETED", "DONE", 5, 5)
    assert await desk.states() == [
        "RUNNING", *(f"PENDING {n}" for n in (1, 2, 3)), "COMPLETING", *(f"PENDING {n}" for n in range(1, 6)),
        "COMPLETED",
    ]  # fmt: skip
    again = await desk.create("group-send-15", members=who)
    assert again["groupSend"]["counts"] == {"targeted": 5, "leftOut": 0}
    # Three of them were asked about anew, and hold one place each.
    assert sorted(gate.decided.values()) == [1, 1, 2, 2, 2]
    assert (len(desk.made()), await desk.places()) == (desk.before + 1, 5)
    assert await desk.told("message.attempted") == [("message.attempted", None, None)] * 5


async def test_whoever_takes_it_over_asks_each_once_and_leaves_nobody_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = [*await desk.customers_of("maolin", 3), *await desk.customers_of("xiaohan", 2)]
    asked = {"purpose": "SERVICE", "text": "到店有礼", "members": who, "idempotencyKey": "group-send-16"}
    gate = Rounds(desk.served, monkeypatch, at_once=2)
    # The request has one round, and the first job two: both ask the same two members first.
    gate.after |= {1: time_is_up, 3: dies}
    answer = (await desk.served.client().data(LATE, input=asked))["groupSendCreate"]
    await desk.served.gateway.worker.drain()
    assert await desk.watch(answer["transactionId"]) == ("COMPLETING", "PENDING", 2, 5)
    assert (gate.rounds, len(desk.made()), await desk.places()) == (3, desk.before, 4)

    await desk.after(timedelta(minutes=1))

    assert await desk.watch(answer["transactionId"]) == ("COMPLETED", "DONE", 5, 5)
    [task] = [desk.platform.sends.tasks[each.key] for each in desk.made()[desk.before :]]
    customers = [each.id for theirs in task.work.values() for each in theirs]
    assert len(customers) == len(set(customers)) == 5
    assert (gate.rounds, await desk.places()) == (6, 5)
    assert await desk.told("message.attempted") == [("message.attempted", None, None)] * 5


@pytest.mark.parametrize("withdrawing", [2, 1])
async def test_who_withdraws_before_the_job_goes_on_has_no_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, withdrawing: int
) -> None:
    """The request gave places to two; the job asks anew, and sends to whoever is left, or to nobody."""
    who = await desk.customers_of("maolin", 2)
    for each in who:
        await desk.served.says(each, "MARKETING", given=True)
    gate = Rounds(desk.served, monkeypatch)
    gate.after[2] = time_is_up
    key = f"group-send-1{withdrawing}x"
    asked = {"purpose": "MARKETING", "text": "到店有礼", "members": who, "idempotencyKey": key}
    # Both are decided about, and the call is left to the job.
    answer = (await desk.served.client().data(LATE, input=asked))["groupSendCreate"]
    assert (answer["code"], await desk.places()) == ("TRANSACTION_IN_PROGRESS", 2)
    for each in who[:withdrawing]:
        await desk.served.says(each, "MARKETING", given=False)

    await desk.served.gateway.worker.drain()

    assert (await desk.places(), len(desk.made()) - desk.before) == (2 - withdrawing, 2 - withdrawing)
    again = await desk.create(key, members=who, purpose="MARKETING")
    assert again.get("code") == ("NOT_REACHABLE" if withdrawing == 2 else None)


async def _elsewhere(desk: Desk) -> None:
    """The lease of the request has run out, and the job goes on."""
    desk.served.sandbox.kit.clock.advance(timedelta(minutes=2))
    desk.served.gateway.clock.advance(timedelta(minutes=2))
    await desk.served.gateway.worker.drain()


@pytest.mark.parametrize("end", ["sends", "loses the answer", "refuses"])
async def test_whoever_is_slow_takes_no_place_any_more(desk: Desk, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """Three may be sent it, or nobody; the fourth allows it when the job has ended, and before the request asks."""
    who = sorted(await desk.customers_of("maolin", 4), key=lambda each: ids.decode(each)[2])
    allowing = 0 if end == "refuses" else 3
    for each in who[:allowing]:
        await desk.served.says(each, "MARKETING", given=True)
    gate = Rounds(desk.served, monkeypatch, at_once=2)

    async def meanwhile() -> None:
        if end == "loses the answer":
            desk.misbehave("reset_after", "add_msg_template", calls=(1,))
        await _elsewhere(desk)
        await desk.served.says(who[3], "MARKETING", given=True)

    gate.meanwhile[1] = meanwhile
    key = f"group-send-slow-{end.replace(' ', '-')}"
    # A text of its own, by which it is found at the platform.
    asked = {"purpose": "MARKETING", "text": key, "members": who, "idempotencyKey": key}
    await desk.served.client().data(LATE, input=asked)
    await desk.after(timedelta(minutes=20))

    tasks = [desk.platform.sends.tasks[each.key] for each in desk.made()[desk.before :]]
    customers = [each.id for task in tasks for theirs in task.work.values() for each in theirs]
    assert (len(customers), await desk.places()) == (allowing, allowing)
    again = await desk.create(key, members=who, purpose="MARKETING", text=key)
    told = again["groupSend"]["counts"]["targeted"] if allowing else again["code"]
    assert told == (allowing or "NOT_REACHABLE")


async def test_a_tool_that_is_not_configured_any_more_keeps_no_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await desk.customers_of("maolin", 2)
    gate = Rounds(desk.served, monkeypatch)
    gate.after[2] = time_is_up
    asked = {"purpose": "SERVICE", "text": "到店有礼", "members": who, "idempotencyKey": "group-send-gone"}
    await desk.served.client().data(LATE, input=asked)
    assert await desk.places() == 2
    get = OpenTools.get

    def gone(tools: OpenTools, kind: type[Any], *account: Any) -> Any:
        if kind is EnterpriseChatAdapter:
            raise ToolNotConfigured(TOOL)
        return get(tools, kind, *account)

    with monkeypatch.context() as patched:
        patched.setattr(OpenTools, "get", gone)
        await desk.served.gateway.worker.drain()
    assert (await desk.places(), len(desk.made())) == (0, desk.before)


async def test_a_person_who_ends_it_before_it_begins_gives_the_places_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job meets a defect of ours each time, in its second round."""
    who = await desk.customers_of("maolin", 3)
    gate = Rounds(desk.served, monkeypatch)
    gate.after |= {2: time_is_up, **dict.fromkeys(range(3, 200), dies)}
    asked = {"purpose": "SERVICE", "text": "到店有礼", "members": who, "idempotencyKey": "group-send-ended"}
    answer = (await desk.served.client().data(LATE, input=asked))["groupSendCreate"]
    for _ in range(DEFAULT_MAX_ATTEMPTS + 2):
        await desk.after(timedelta(hours=2))
    assert (await desk.places(), (await desk.watch(answer["transactionId"]))[0]) == (2, "NEEDS_ATTENTION")
    given = {"id": answer["transactionId"], "outcome": "COMPENSATED", "reason": "nothing is to stay"}
    ended = "mutation ($input: TransactionResolveInput!) { transactionResolve(input: $input) { __typename } }"
    await desk.served.client().data(ended, input=given)
    assert (await desk.places(), len(desk.made())) == (0, desk.before)


async def test_erasure_after_a_lost_answer_does_not_make_it_undone(desk: Desk) -> None:
    [who] = await desk.customers_of("maolin", 1)
    [other] = await desk.customers_of("xiaohan", 1)
    old = (await desk.create("group-send-old", members=[who]))["groupSend"]["id"]
    desk.served.sandbox.kit.clock.advance(timedelta(seconds=2))
    desk.misbehave("reset_after", "add_msg_template", calls=(1,))
    desk.misbehave("code", "get_groupmsg_list_v2", value=-1)
    given = {
        "send": {"purpose": "SERVICE", "text": "有礼", "members": [who]},
        "points": {"member": other, "points": 100, "reason": "到店有礼"},
        "old": old,
        "key": "group-together-3",
    }
    answer = await desk.served.client().data(TOGETHER, **given)
    assert {each["code"] for each in answer.values()} == {"TRANSACTION_IN_PROGRESS"}
    desk.served.sandbox.kit.faults.clear()
    # As their erasure does.
    async with desk.served.gateway.services.database.write() as connection:
        await connection.execute(delete(send_attempt).where(send_attempt.c.member == ids.decode(who)[2]))

    await desk.after(timedelta(minutes=20))

    answer = await desk.served.client().data(TOGETHER, **given)
    assert answer["send"]["__typename"] == "GroupSendAsked"
    assert answer["points"]["__typename"] == "PointsAdjusted"


async def test_a_refusal_asks_nobody_and_gives_the_places_back(desk: Desk) -> None:
    who = await desk.customers_of("maolin", 1)
    desk.misbehave("code", "add_msg_template", value=41048)
    answer = await desk.create("group-send-11", members=who)
    assert answer["code"] == "REJECTED"
    assert (await desk.sends(), await desk.places(), len(desk.made())) == ([], 0, desk.before)
    assert await desk.told("message.failed") == [("message.failed", "nobody_to_send_to", None)]


async def test_among_several_it_comes_last_and_undoes_the_others_where_it_is_refused(desk: Desk) -> None:
    [who] = await desk.customers_of("maolin", 1)
    old = (await desk.create("group-send-14", members=[who]))["groupSend"]["id"]
    desk.served.sandbox.kit.clock.advance(timedelta(seconds=2))
    points = {"member": who, "points": 100, "reason": "到店有礼"}
    refused = {"purpose": "MARKETING", "text": "到店有礼", "members": [who]}

    answer = await desk.served.client().data(TOGETHER, send=refused, points=points, old=old, key="group-together-1")

    assert answer["send"] | {"cause": "NOT_REACHABLE", "failedField": "send"} == answer["send"]
    assert {each["code"] for each in answer.values()} == {"TRANSACTION_ROLLED_BACK"}
    assert [each["state"] for each in await desk.sends()] == ["ASKED"]
    allowed = refused | {"purpose": "SERVICE"}
    answer = await desk.served.client().data(TOGETHER, send=allowed, points=points, old=old, key="group-together-2")
    kinds = [answer[each]["__typename"] for each in ("points", "send")]
    assert (kinds, answer["old"].get("code")) == (["PointsAdjusted", "GroupSendAsked"], "QUEUED")
    await desk.served.gateway.worker.drain()
    assert [each["state"] for each in await desk.sends()] == ["ASKED", "CANCELLED"]


async def test_what_cannot_be_asked_for(desk: Desk) -> None:
    guide = desk.guide("maolin")
    nobody = ids.encode("mb", "0190a000-0000-7000-8000-000000000000")
    refused = [
        ({}, "BAD_USER_INPUT"),
        ({"guide": guide, "text": ""}, "BAD_USER_INPUT"),
        ({"guide": guide, "text": "字" * 1334}, "BAD_USER_INPUT"),
        ({"guide": guide, "attachments": [LINK] * 10}, "BAD_USER_INPUT"),
        ({"members": [nobody], "tags": [{"name": "金卡"}]}, "BAD_USER_INPUT"),
        ({"members": [nobody]}, "MEMBER_UNKNOWN"),
        ({"guide": desk.guide("nobody")}, "GUIDE_UNKNOWN"),
        ({"guide": guide, "tags": [{"name": "没有的标签"}]}, "TAG_UNKNOWN"),
        ({"guide": desk.guide("nobody"), "members": [guide]}, "ID_FOREIGN"),
    ]
    answers = [(await desk.create("group-send-12", **given))["code"] for given, _ in refused]
    assert answers == [code for _, code in refused]
    assert (len(desk.made()), await desk.places()) == (desk.before, 0)


async def test_an_id_leads_to_the_same_group_send_for_headquarters_alone(desk: Desk) -> None:
    send = (await desk.create("group-send-13", guide=desk.guide("maolin")))["groupSend"]["id"]
    document = "query ($id: ID!) { node(id: $id) { id ... on GroupSend { state text } } }"
    assert await desk.served.client().data(document, id=send) == {
        "node": {"id": send, "state": "ASKED", "text": "到店有礼"}
    }
    for caller in ("guide", "frontend", "partner"):
        for ask in (document, SENDS):
            answer = await desk.served.client(caller).ask(ask, id=send)
            assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_a_page_costs_the_same_whatever_its_size(desk: Desk) -> None:
    who = await desk.customers_of("maolin", 1)
    for number in range(12):
        await desk.create(f"group-send-page-{number}", members=who, text=f"第{number}条")
    costs = []
    for first in (1, 5, 10):
        with desk.served.counted() as count:
            assert len(await desk.sends(first=first)) == first
        costs.append((count.statements, count.calls))
    assert costs[0] == costs[1] == costs[2]
    assert costs[0][1] == {}
