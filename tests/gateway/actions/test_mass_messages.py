"""massMessageSend: everybody through the gate, one message per key, and what became of it; preview; taking back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from adapters.official_account import MassDelivered, MassStatus
from gateway.database.tables.facts import fact
from gateway.database.tables.reach import send_attempt
from gateway.events.projections import official_account
from gateway.resolvers import ids
from tests.gateway.actions.gating import Rounds, time_is_up
from tests.gateway.actions.test_follower_tags import Desk as TagDesk
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import limits, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
SENDING = "POST /cgi-bin/message/mass/send"
TEXT = {"text": "双11门店活动"}
MEMBER = "query ($o: OpenidInput!) { member(by: {openid: $o}) { id } }"


class Desk(TagDesk):
    """Headquarters, which speaks to many."""

    async def send(self, key: str = "double-eleven", **changes: Any) -> dict[str, Any]:  # type: ignore[override]
        """What massMessageSend answers, to the followers of 会员."""
        given = {"content": TEXT, "purpose": "SERVICE", "tag": {"name": "会员"}, "idempotencyKey": key} | changes
        return await self.play("mass-send", input={name: each for name, each in given.items() if each is not None})

    def fans(self) -> list[str]:
        """Openids of whoever carries 会员 and follows."""
        account = self.platform
        [chosen] = [tag for tag, name in account.tags.items() if name == "会员"]
        return [each.openid for each in account.followers.values() if each.subscribed and chosen in each.tags]

    async def two(self) -> list[str]:
        """Two members who follow."""
        return await self.some(2)

    async def some(self, number: int) -> list[str]:
        """So many members who follow."""
        found = []
        for each in self.fans()[:number]:
            asked = {"app": self.appid, "value": each}
            [one] = (await self.served.client().data(MEMBER, o=asked)).values()
            found.append(one["id"])
        return found

    async def listed(self) -> list[dict[str, Any]]:
        """The list's messages, the newest first."""
        nodes: list[dict[str, Any]] = (await self.served.client().data(document("mass-messages")))["massMessages"][
            "nodes"
        ]
        return nodes

    async def facts(self, kind: str) -> list[Any]:
        """Facts of a kind about mass messages."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact).where(fact.c.kind == kind).order_by(fact.c.seq)
        )
        return [row for row in rows if row.payload.get("channel") == "MASS_MESSAGE"]

    async def ends(self) -> list[Any]:
        """Facts of mass messages that ended."""
        statement = select(fact).where(fact.c.kind == "mass_message.finished").order_by(fact.c.seq)
        return list(await self.served.gateway.services.database.fetch(statement))

    async def places(self) -> int:
        """Places that are taken under the caps."""
        count = select(func.count()).select_from(send_attempt)
        row = await self.served.gateway.services.database.one(
            count.where(send_attempt.c.channel == "MASS_MESSAGE", send_attempt.c.counted)
        )
        assert row is not None
        return int(row[0])


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def test_everybody_of_a_tag_whom_the_gate_allows(desk: Desk) -> None:
    fans, before = desk.fans(), len(desk.effects("mass_sent"))

    answer = await desk.send()

    [effect] = desk.effects("mass_sent")[before:]
    assert sorted(effect.data["to"]) == sorted(fans)
    assert answer["reached"] == len(fans) == await desk.places()
    assert answer["withheld"] == []
    assert answer["massMessage"]["kind"] == "TEXT"
    assert answer["massMessage"]["state"] == "SENDING"
    assert answer["transaction"]["state"] == "COMPLETED"
    accepted = await desk.facts("message.accepted")
    assert {each.payload["message"] for each in accepted} == {answer["massMessage"]["messageId"]}
    assert len({each.member for each in accepted}) == len(accepted) == len(fans)
    assert await desk.send() == answer
    assert len(desk.effects("mass_sent")) == before + 1


async def test_who_did_not_allow_it_is_not_sent_it(desk: Desk) -> None:
    fans, before = desk.fans(), len(desk.effects("mass_sent"))
    answer = await desk.send("marketing-to-fans", purpose="MARKETING")

    # Of the cast some had allowed it, and nobody else.
    assert (answer["code"], desk.effects("mass_sent")[before:]) == ("AUDIENCE_TOO_SMALL", [])
    refused = await desk.facts("message.refused")
    assert {each.reason for each in refused} == {"NO_CONSENT"}
    assert len(fans) - 1 <= len(refused) <= len(fans)
    assert await desk.places() == 0


async def test_a_lost_answer_is_repeated_under_the_key(desk: Desk) -> None:
    before = len(desk.effects("mass_sent"))
    desk.misbehaves("reset_after", SENDING, calls=(1,))
    answer = await desk.send(members=await desk.two(), tag=None)
    assert len(desk.effects("mass_sent")) == before + 1
    assert (answer["reached"], await desk.places()) == (2, 2)


async def test_what_was_not_sent_gives_its_places_back(desk: Desk) -> None:
    before = len(desk.effects("mass_sent"))
    desk.misbehaves("code", SENDING, value=45028, calls=(1,))
    answer = await desk.send(members=await desk.two(), tag=None)
    assert (answer["code"], await desk.places()) == ("QUOTA_EXHAUSTED", 0)
    assert [each.reason for each in await desk.facts("message.failed")] == ["send_quota", "send_quota"]
    assert await desk.listed() == []
    assert len(desk.effects("mass_sent")) == before


async def test_what_is_refused_after_a_lost_answer_keeps_its_places(desk: Desk) -> None:
    before = len(desk.effects("mass_sent"))
    desk.misbehaves("reset_after", SENDING, calls=(1,))
    desk.misbehaves("code", SENDING, value=45028, calls=tuple(range(2, 9)))

    waiting = await desk.send(members=await desk.two(), tag=None)

    # It was sent, whatever is said to its repetitions.
    assert (waiting["code"], len(desk.effects("mass_sent"))) == ("TRANSACTION_IN_PROGRESS", before + 1)
    assert (await desk.places(), await desk.facts("message.failed")) == (2, [])


async def test_four_a_month_and_no_more(desk: Desk) -> None:
    two, before = await desk.two(), len(desk.effects("mass_sent"))
    for number in range(4):
        assert (await desk.send(f"message-number-{number}", members=two, tag=None))["reached"] == 2
    answer = await desk.send("message-number-5", members=two, tag=None)
    assert answer["code"] == "AUDIENCE_TOO_SMALL"
    assert {each.reason for each in await desk.facts("message.capped")} == {"PLATFORM_CAP"}
    assert (len(desk.effects("mass_sent")), await desk.places()) == (before + 4, 8)


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    before, [one, two] = len(desk.effects("mass_sent")), await desk.two()
    answers = [
        await desk.send("bad-message-1", tag={"name": "没有的标签"}),
        await desk.send("bad-message-2", members=[one, two]),
        await desk.send("bad-message-3", tag=None),
        await desk.send("bad-message-4", tag=None, members=[one, one]),
        await desk.send("bad-message-5", content={"text": "好", "voice": "V"}),
        await desk.send("bad-message-6", tag=None, members=[one] * 2 + [_nobody(n) for n in range(10_000)]),
        await desk.send("bad-message-7", members=[one, two], tag=None, content={"draft": "no-such-draft"}),
    ]
    assert [each["code"] for each in answers] == [
        "TAG_UNKNOWN", "BAD_USER_INPUT", "BAD_USER_INPUT", "AUDIENCE_TOO_SMALL", "BAD_USER_INPUT",
        "AUDIENCE_TOO_LARGE", "INVALID",
    ]  # fmt: skip
    assert (len(desk.effects("mass_sent")), await desk.places()) == (before, 0)


def _nobody(number: int) -> str:
    return ids.encode("mb", f"01990000-0000-7000-8000-{number:012}")


async def test_how_it_went(desk: Desk) -> None:
    answer = await desk.send(members=await desk.two(), tag=None, content={"draft": desk.known["drafts"][0]})
    asked = "query ($id: ID!) { node(id: $id) { ... on MassMessage { state stateNow sent total finishedAt dataId } } }"
    given = {"id": answer["massMessage"]["id"]}
    events = desk.served.gateway.services.projector
    now = desk.served.gateway.clock.now()
    number = answer["massMessage"]["messageId"]
    end = MassDelivered(desk.appid, number, MassStatus.SENT, "", 2, 2, 2, 0, now)
    other = MassDelivered(
        desk.appid, "999", MassStatus.FAILED, "err(20001)", 100, 90, 0, 90, now + timedelta(seconds=1)
    )

    await official_account.mass_delivered(events, [end, other])
    await official_account.mass_delivered(events, [end])

    found = (await desk.served.client().data(asked, **given))["node"]
    assert (found["state"], found["stateNow"], found["sent"], found["total"]) == ("SENT", "SENT", 2, 2)
    assert found["dataId"]
    assert found["finishedAt"]
    [console, ours] = await desk.listed()
    assert (console["state"], console["reason"], console["kind"], console["transaction"]) == (
        "FAILED", "err(20001)", None, None,
    )  # fmt: skip
    assert (ours["messageId"], ours["reached"], ours["transaction"]) == (
        number, 2, {"id": answer["transaction"]["id"]},
    )  # fmt: skip
    assert [(each.quantity, each.reason) for each in await desk.ends()] == [
        (2, None), (0, "err(20001)"),
    ]  # fmt: skip

    gone = await desk.play("mass-delete", message=given["id"], key="take-it-back")

    assert gone["massMessage"]["state"] == "DELETED"
    assert (await desk.served.client().data(asked, **given))["node"]["stateNow"] == "DELETED"
    again = await desk.play("mass-delete", message=given["id"], key="take-it-back-again")
    text = await desk.send("a-mere-text", members=await desk.two(), tag=None)
    fixed = await desk.play("mass-delete", message=text["massMessage"]["id"], key="take-a-text-back")
    nobody = await desk.play("mass-delete", message=ids.encode("mm", "1", desk.appid), key="take-nothing-back")
    assert [each["code"] for each in (again, fixed, nobody)] == [
        "MASS_MESSAGE_FIXED", "MASS_MESSAGE_FIXED", "MASS_MESSAGE_UNKNOWN",
    ]  # fmt: skip
    assert len(desk.effects("mass_deleted")) == 1


async def test_a_message_that_the_platform_stopped_takes_no_place(desk: Desk) -> None:
    two = await desk.two()
    answer = await desk.send(members=two, tag=None)
    late = await desk.send("double-twelve", members=two, tag=None)
    now, hear = desk.served.gateway.clock.now(), desk.served.gateway.inbox.handling.together[MassDelivered]
    number = answer["massMessage"]["messageId"]
    assert await desk.places() == 4

    for _ in range(2):
        await hear(desk.appid, [MassDelivered(desk.appid, number, MassStatus.FAILED, "err(20001)", 2, 2, 0, 2, now)])

    assert await desk.places() == 2
    assert [(each["messageId"], each["state"]) for each in await desk.listed()] == [
        (late["massMessage"]["messageId"], "SENDING"), (number, "FAILED"),
    ]  # fmt: skip


async def test_followers_whom_nobody_knows_are_not_sent_it(desk: Desk) -> None:
    account, stranger = desk.platform, "oStranger00000000000000000000"[:28]
    fans = desk.fans()
    account.unionids[stranger] = None
    account.followers[stranger] = replace(account.followers[fans[0]], openid=stranger)
    try:
        before = len(desk.effects("mass_sent"))
        answer = await desk.send()
    finally:
        del account.followers[stranger], account.unionids[stranger]
    assert (answer["reached"], answer["withheld"]) == (len(fans), [{"reason": "UNKNOWN_MEMBER", "members": 1}])
    [effect] = desk.effects("mass_sent")[before:]
    assert sorted(effect.data["to"]) == sorted(fans)


async def test_the_list_costs_the_same_for_one_and_for_many(desk: Desk) -> None:
    now, costs = desk.served.gateway.clock.now(), []
    first = 0
    for last in (1, 10, 50):
        ends = [
            MassDelivered(desk.appid, str(number), MassStatus.SENT, "", 2, 2, 2, 0, now)
            for number in range(first, last)
        ]
        await official_account.mass_delivered(desk.served.gateway.services.projector, ends)
        first = last
        with desk.served.counted() as count:
            assert len(await desk.listed()) == last
        costs.append((count.calls, count.statements))
    assert costs == [({}, costs[0][1])] * 3


async def test_one_follower_sees_it_first(desk: Desk) -> None:
    member, before = await desk.member("protagonist"), len(desk.effects("mass_previewed"))
    answer = await desk.play("mass-preview", member=member, content=TEXT, key="preview-the-text")
    assert (answer["account"], answer["transaction"]["state"]) == (desk.appid, "COMPLETED")
    assert await desk.play("mass-preview", member=member, content=TEXT, key="preview-the-text") == answer
    assert (len(desk.effects("mass_previewed")), await desk.places()) == (before + 1, 0)


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sends_and_sees_them(desk: Desk, caller: str) -> None:
    before = len(desk.effects("mass_sent"))
    given = {"content": TEXT, "purpose": "SERVICE", "tag": {"name": "会员"}, "idempotencyKey": f"who-may-{caller}"}
    client = desk.served.client(caller)
    for answer in (await client.ask(document("mass-send"), input=given), await client.ask(document("mass-messages"))):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.effects("mass_sent")) == before


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.send())["code"] == "TOOL_NOT_CONFIGURED"


async def test_what_a_request_has_no_time_for_is_done_by_a_job(open_served: OpenServed) -> None:
    desk = Desk(await open_served(limits(deadline=1.9)))
    before, two = len(desk.effects("mass_sent")), await desk.two()

    answer = await desk.send(members=two, tag=None)

    assert (answer["code"], len(desk.effects("mass_sent"))) == ("TRANSACTION_IN_PROGRESS", before)
    await desk.later()
    assert len(desk.effects("mass_sent")) == before + 1
    again = await desk.send(members=two, tag=None)
    assert (again["reached"], again["transaction"]["state"], await desk.places()) == (2, "COMPLETED", 2)


@pytest.mark.parametrize("withdrawing", [2, 1])
async def test_who_withdraws_before_the_job_goes_on_has_no_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, withdrawing: int
) -> None:
    """The request gave places to three; the job asks anew, and sends to whoever is left, if those are enough."""
    who, before = await desk.some(3), len(desk.effects("mass_sent"))
    for each in who:
        await desk.served.says(each, "MARKETING", given=True)
    gate = Rounds(desk.served, monkeypatch)
    gate.after[3] = time_is_up
    waiting = await desk.send("withdrawing", members=who, tag=None, purpose="MARKETING")
    assert (waiting["code"], await desk.places()) == ("TRANSACTION_IN_PROGRESS", 3)
    for each in who[:withdrawing]:
        await desk.served.says(each, "MARKETING", given=False)

    await desk.later()

    left = {1: (1, 2), 2: (0, 0)}[withdrawing]
    assert (len(desk.effects("mass_sent")) - before, await desk.places()) == left
    again = await desk.send("withdrawing", members=who, tag=None, purpose="MARKETING")
    assert again.get("code") == ("AUDIENCE_TOO_SMALL" if withdrawing == 2 else None)
