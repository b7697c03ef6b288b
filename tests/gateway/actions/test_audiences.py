"""Audiences: made once, filled by whoever consents, and left by whoever withdraws or is erased."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from adapters.base.errors import Invalid
from adapters.social_ads import SocialAdsAdapter
from adapters.social_ads.sandbox import Sandbox as Platform
from adapters.social_ads.sandbox.audiences import File
from gateway.access.principal import Principal
from gateway.context import Context
from gateway.database import Database
from gateway.database.tables.audiences import audience_person
from gateway.database.tables.facts import fact
from gateway.database.tables.sagas import saga_step
from gateway.members import audiences
from gateway.members.erasure import PAUSE, SWEEP
from gateway.resolvers import ids
from gateway.resolvers.search import Criteria, ids_of
from gateway.transactions.effects import audiences as effects
from tests.gateway.actions.gating import Rounds, dies, elsewhere, time_is_up
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, limits

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "social_ads"
FILES = "POST /v3.0/custom_audience_files/add"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "ads"
CREATE, UPLOAD, REDUCE, LIST, LISTED_FILES, CHANGE = (
    (DOCUMENTS / f"audience{name}.graphql").read_text("utf-8")
    for name in ("-create", "-upload", "-reduce", "s", "-files", "-change")
)
TOGETHER = UPLOAD.replace(") {", ') @atomic(key: "together-0001") {', 1)
UPDATE, DELETE = CHANGE.split("\n\n")


class Desk:
    """Headquarters, which buys ads."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._keys = 0

    @property
    def platform(self) -> Platform:
        """The emulated 腾讯广告."""
        return cast(Platform, self.served.sandbox.platforms[TOOL])

    def key(self) -> str:
        """A key of its own for each request."""
        self._keys += 1
        return f"audience-key-{self._keys}"

    async def members(self, number: int) -> list[str]:
        """So many members with a phone of their own, and without a story that other tests tell."""
        cast = {self.served.world.people[each].phone for each in self.served.world.cast.values()}
        document = "query { members(first: 100) { nodes { id phone identities { kind } } } }"
        found = (await self.served.client().data(document))["members"]["nodes"]
        known = [
            each["id"]
            for each in found
            if each["phone"] not in cast and "PHONE" in {one["kind"] for one in each["identities"]}
        ]
        assert len(known) >= number
        return known[:number]

    async def say(self, member: str, *, given: bool) -> None:
        """The member answers about ads."""
        await self.served.says(member, "AD_MATCHING", given=given)

    async def audience(self, name: str = "老客") -> str:
        """A new audience's id."""
        made = (await self.served.client().data(CREATE, name=name, key=self.key()))["audienceCreate"]
        return str(made["id"])

    async def upload(self, audience: str, members: Sequence[str] | None = None, **more: Any) -> dict[str, Any]:
        """What the mutation answers."""
        given = {"audience": audience, "members": members, "idempotencyKey": self.key()} | more
        answer: dict[str, Any] = (await self.served.client().data(UPLOAD, input=given))["audienceUpload"]
        return answer

    async def reduce(self, audience: str, members: Sequence[str]) -> dict[str, Any]:
        """What the mutation answers."""
        given = {"audience": audience, "members": members, "idempotencyKey": self.key()}
        answer: dict[str, Any] = (await self.served.client().data(REDUCE, input=given))["audienceReduce"]
        return answer

    async def users(self, audience: str) -> tuple[int, int]:
        """When the platform is done: people it has, members we handed over."""
        await self.after(timedelta(minutes=2))
        found = (await self.served.client().data(LISTED_FILES, audience=audience))["audience"]
        return found["users"], found["handedOver"]

    def files(self, audience: str) -> list[File]:
        """What lies at the platform."""
        return self.platform.audiences.audiences[int(ids.decode(audience)[2])].files

    async def after(self, by: timedelta) -> None:
        """Later, when the jobs that are due have run."""
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        for each in self.served.gateway.recurring:
            await each.ensure()
        await self.served.gateway.worker.drain()

    async def rows(self) -> Mapping[str, int]:
        """Rows of people in audiences, by state."""
        table = audience_person
        found = await self.served.gateway.services.database.fetch(
            select(table.c.state, func.count().label("number")).group_by(table.c.state)
        )
        return {row.state: row.number for row in found}

    async def told(self, kind: str) -> list[tuple[int | None, str | None]]:
        """Quantity and reason of facts of a kind."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.quantity, fact.c.reason).where(fact.c.kind == kind).order_by(fact.c.seq)
        )
        return [(row.quantity, row.reason) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    desk.platform.audiences.audiences.clear()
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.audiences.audiences.clear()


async def test_only_who_consents_is_handed_over(desk: Desk) -> None:
    first, second, third = await desk.members(3)
    for each in (first, second):
        await desk.say(each, given=True)
    audience = await desk.audience()

    answer = await desk.upload(audience, [first, second, third], idempotencyKey="upload-0001")

    assert (answer["handedOver"], answer["withheld"]) == (2, [{"reason": "NO_CONSENT", "members": 1}])
    assert (answer["file"]["status"], answer["file"]["lines"], answer["next"]) == ("PENDING", 0, None)
    assert answer["transaction"]["state"] == "COMPLETED"
    [file] = desk.files(audience)
    assert (file.id_type, file.operation, file.line_count, len(file.lines)) == ("SHA256_MOBILE_PHONE", "APPEND", 2, 2)
    assert await desk.users(audience) == (2, 2)
    # The same request again: what was, how the file stands now, and nothing is sent.
    again = await desk.upload(audience, [first, second, third], idempotencyKey="upload-0001")
    assert (again["handedOver"], again["file"]["status"], again["file"]["validLines"]) == (2, "SUCCESS", 2)
    assert len(desk.files(audience)) == 1
    assert (await desk.told("audience.uploaded"), len(await desk.told("audience.refused"))) == ([(2, None)], 1)
    assert await desk.rows() == {"IN": 2}


async def test_nobody_named_stands_in_the_log_of_transactions(desk: Desk) -> None:
    [who] = await desk.members(1)
    await desk.upload(await desk.audience(), [who])
    rows = await desk.served.gateway.services.database.fetch(select(saga_step.c.intent, saga_step.c.outcome))
    assert [row for row in rows if ids.decode(who)[2] in str(row)] == []


async def test_where_nobody_may_go_nothing_is_sent(desk: Desk) -> None:
    audience = await desk.audience()
    answer = await desk.upload(audience, await desk.members(2))
    assert (answer["handedOver"], answer["file"]) == (0, None)
    assert answer["withheld"] == [{"reason": "NO_CONSENT", "members": 2}]
    assert (desk.files(audience), await desk.rows()) == ([], {})


async def test_by_filter_whoever_is_found(desk: Desk) -> None:
    [who] = await desk.members(1)
    await desk.say(who, given=True)
    everybody, _ = await ids_of(_context(desk), Criteria(), effects.MOST)
    answer = await desk.upload(await desk.audience(), filter={}, idempotencyKey="upload-0002")
    assert (answer["handedOver"], answer["next"]) == (1, None)
    assert answer["withheld"] == [{"reason": "NO_CONSENT", "members": len(everybody) - 1}]
    # The same request is the same, whoever the filter would find by now.
    audience = ids.encode("au", str(max(desk.platform.audiences.audiences)), str(desk.served.world.ad_account))
    again = await desk.upload(audience, filter={}, idempotencyKey="upload-0002")
    assert (again["handedOver"], again["transaction"]) == (1, answer["transaction"])


async def test_ids_that_a_filter_finds_come_stretch_by_stretch(desk: Desk) -> None:
    ctx = _context(desk)
    everybody, end = await ids_of(ctx, Criteria(), effects.MOST)
    found: list[str] = []
    sizes, after = [], None
    while True:
        some, after = await ids_of(ctx, Criteria(), 150, after)
        found += some
        sizes.append(len(some))
        if after is None:
            break
    assert (found, end, set(sizes[:-1])) == (everybody, None, {150})
    assert len(set(everybody)) == len(everybody) > 150


def _context(desk: Desk) -> Context:
    return Context(desk.served.gateway.services, Principal("hq", "hq", frozenset({"members:read"})), "test")


async def test_a_lost_answer_is_found_by_the_files_name(desk: Desk) -> None:
    [who] = await desk.members(1)
    await desk.say(who, given=True)
    audience = await desk.audience()
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint=FILES)

    answer = await desk.upload(audience, [who])

    assert (answer["handedOver"], len(desk.files(audience))) == (1, 1)
    assert answer["file"]["fileId"] == str(desk.files(audience)[0].file_id)


async def test_what_a_request_has_no_time_for_is_done_by_a_job(open_served: OpenServed) -> None:
    desk = Desk(await open_served(limits(deadline=1.9)))
    who = await desk.members(2)
    for each in who:
        await desk.say(each, given=True)
    audience = await desk.audience()
    files = []
    for asked in (desk.upload, desk.reduce):
        answer = await asked(audience, who)
        assert (answer["code"], answer["retryable"]) == ("TRANSACTION_IN_PROGRESS", True)
        files.append([(file.operation, file.line_count) for file in desk.files(audience)])
        await desk.served.gateway.worker.drain()
    assert files == [[], [("APPEND", 2)]]
    assert [(file.operation, file.line_count) for file in desk.files(audience)] == [("APPEND", 2), ("REDUCE", 2)]
    assert (await desk.told("audience.uploaded"), await desk.told("audience.reduced")) == (
        [(2, None)], [(2, "REQUESTED")],
    )  # fmt: skip


async def test_whoever_takes_it_over_sends_everybody_once_and_as_they_are_now(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = sorted(await desk.members(5), key=lambda each: ids.decode(each)[2])
    for each in who:
        await desk.say(each, given=True)
    audience, gate = await desk.audience(), Rounds(desk.served, monkeypatch, at_once=2)
    gate.after |= {1: time_is_up, 3: dies}
    assert (await desk.upload(audience, who, idempotencyKey="upload-0003"))["code"] == "TRANSACTION_IN_PROGRESS"
    assert await desk.rows() == {"SENDING": 2, "ASKED": 3}
    await desk.served.gateway.worker.drain()
    assert (await desk.rows(), desk.files(audience)) == ({"SENDING": 2, "ASKED": 3}, [])
    # Nothing was called yet, so nobody has to be taken for one of the audience.
    await desk.say(who[0], given=False)

    await desk.after(timedelta(minutes=1))

    [file] = desk.files(audience)
    assert (file.operation, file.line_count, gate.rounds) == ("APPEND", 4, 6)
    answer = await desk.upload(audience, who, idempotencyKey="upload-0003")
    assert (answer["handedOver"], answer["withheld"]) == (4, [{"reason": "NO_CONSENT", "members": 1}])
    assert (await desk.rows(), await desk.told("audience.uploaded")) == ({"IN": 4}, [(4, None)])


async def _handed_elsewhere(desk: Desk) -> None:
    """The job takes it over and hands them over, and its answer is lost."""
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint=FILES, calls=(1,))
    await desk.after(timedelta(minutes=2))


async def test_what_another_has_begun_to_hand_over_is_not_decided_about_any_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = sorted(await desk.members(4), key=lambda each: ids.decode(each)[2])
    for each in who:
        await desk.say(each, given=True)
    audience, gate = await desk.audience(), Rounds(desk.served, monkeypatch, at_once=2)

    async def meanwhile() -> None:
        await _handed_elsewhere(desk)
        await desk.say(who[3], given=False)

    # Between the request's two rounds the job has both of its own, and calls.
    gate.meanwhile[1] = meanwhile
    answer = await desk.upload(audience, who, idempotencyKey="upload-0004")

    assert (answer["code"], [file.line_count for file in desk.files(audience)]) == ("TRANSACTION_IN_PROGRESS", [4])
    assert await desk.rows() == {"SENDING": 4}
    await desk.after(timedelta(hours=2))
    # Whoever withdrew was in the file, and is taken out.
    assert [(file.operation, file.line_count) for file in desk.files(audience)] == [("APPEND", 4), ("REDUCE", 1)]
    assert await desk.rows() == {"IN": 3}


async def test_that_nobody_may_go_is_not_said_of_whom_another_has_handed_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await desk.members(2)
    audience, counted = await desk.audience(), audiences.counted
    given = {"audience": audience, "members": who}

    async def late(database: Database, upload: str) -> Any:
        """They consent after they were decided about, and a job goes on."""
        monkeypatch.setattr(audiences, "counted", counted)

        async def meanwhile() -> None:
            for each in who:
                await desk.say(each, given=True)
            await _handed_elsewhere(desk)

        await elsewhere(meanwhile)
        return await counted(database, upload)

    monkeypatch.setattr(audiences, "counted", late)
    [answer] = (await desk.served.client().data(TOGETHER, input=given)).values()
    assert (answer["code"], await desk.rows()) == ("TRANSACTION_IN_PROGRESS", {"SENDING": 2})
    await desk.after(timedelta(minutes=10))
    [again] = (await desk.served.client().data(TOGETHER, input=given)).values()
    assert (again["handedOver"], await desk.rows()) == (2, {"IN": 2})


async def test_a_refusal_says_nothing_of_whom_another_has_handed_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await desk.members(2)
    for each in who:
        await desk.say(each, given=True)
    audience, send = await desk.audience(), SocialAdsAdapter.send_audience_ids

    async def late(adapter: SocialAdsAdapter, *args: Any, **more: Any) -> int:
        """Refused when the job has taken it over already, which finds no file and sends one."""
        monkeypatch.setattr(SocialAdsAdapter, "send_audience_ids", send)
        await elsewhere(partial(_handed_elsewhere, desk))
        raise Invalid(TOOL, "too_many_files", "No.")

    monkeypatch.setattr(SocialAdsAdapter, "send_audience_ids", late)
    answer = await desk.upload(audience, who, idempotencyKey="upload-0006")
    assert (answer["code"], await desk.rows()) == ("TRANSACTION_IN_PROGRESS", {"SENDING": 2})
    await desk.after(timedelta(minutes=10))
    again = await desk.upload(audience, who, idempotencyKey="upload-0006")
    assert (again["handedOver"], await desk.rows(), len(desk.files(audience))) == (2, {"IN": 2}, 1)


async def test_what_the_platform_refuses_leaves_nobody_in(desk: Desk) -> None:
    [who] = await desk.members(1)
    await desk.say(who, given=True)
    audience = await desk.audience()
    desk.served.sandbox.kit.faults.add(TOOL, "code", endpoint=FILES, value=31033)
    answer = await desk.upload(audience, [who])
    assert (answer["code"], answer["retryable"]) == ("INVALID", False)
    assert (desk.files(audience), await desk.rows()) == ([], {"ASKED": 1})
    await desk.after(timedelta(days=8))
    assert await desk.rows() == {}


async def test_whoever_withdraws_is_taken_out(desk: Desk) -> None:
    who = await desk.members(2)
    for each in who:
        await desk.say(each, given=True)
    audience = await desk.audience()
    await desk.upload(audience, who)
    assert await desk.users(audience) == (2, 2)

    await desk.say(who[0], given=False)
    desk.served.sandbox.kit.faults.add(TOOL, "status", endpoint=FILES, value=503)
    await desk.after(timedelta(hours=1))
    # The platform was away: the next run tells it.
    assert [file.operation for file in desk.files(audience)] == ["APPEND"]
    desk.served.sandbox.kit.faults.clear()
    await desk.after(timedelta(hours=1))

    assert [(file.operation, file.line_count) for file in desk.files(audience)] == [("APPEND", 2), ("REDUCE", 1)]
    assert await desk.users(audience) == (1, 1)
    assert await desk.told("audience.reduced") == [(1, "NO_CONSENT")]
    await desk.after(timedelta(hours=1))
    assert len(desk.files(audience)) == 2


async def test_whoever_is_erased_is_taken_out_first(desk: Desk) -> None:
    who = await desk.members(2)
    for each in who:
        await desk.say(each, given=True)
    audience = await desk.audience()
    await desk.upload(audience, who)
    await desk.served.gateway.services.erasures.request(ids.decode(who[0])[2], "hq")
    for wait in (PAUSE, SWEEP):
        await desk.after(wait + timedelta(seconds=1))
    assert [(file.operation, file.line_count) for file in desk.files(audience)] == [("APPEND", 2), ("REDUCE", 1)]
    assert await desk.users(audience) == (1, 1)
    assert await desk.told("audience.reduced") == [(1, "ERASED")]


async def test_members_are_taken_out_by_the_names_they_went_by(desk: Desk) -> None:
    who = await desk.members(3)
    for each in who[:2]:
        await desk.say(each, given=True)
    audience = await desk.audience()
    await desk.upload(audience, who)
    await desk.upload(audience, who[:1], ids="UNIONID")

    # The third one was never handed over, and the platform hears nothing of them.
    answer = await desk.reduce(audience, [who[0], who[2]])

    assert answer["removed"] == 2
    out = {file.id_type: file.line_count for file in desk.files(audience) if file.operation == "REDUCE"}
    assert out == {"SHA256_MOBILE_PHONE": 1, "WX_UNIONID": 1}
    assert {each["fileId"] for each in answer["files"]} == {str(file.file_id) for file in desk.files(audience)[-2:]}
    assert (await desk.reduce(audience, [who[0]]))["removed"] == 0
    assert len(desk.files(audience)) == 4


async def test_an_audience_is_made_renamed_and_deleted_once(desk: Desk) -> None:
    client = desk.served.client()
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint="POST /v3.0/custom_audiences/add")
    made = (await client.data(CREATE, name="双11老客", description="三年内", key="create-0001"))["audienceCreate"]
    assert (made["audience"]["name"], made["audience"]["kind"]) == ("双11老客", "CUSTOMER_FILE")
    [only] = (await client.data(LIST))["audiences"]["nodes"]
    assert (only["id"], only["handedOver"]) == (made["id"], 0)

    renamed = (await client.data(UPDATE, audience=made["id"], name="双12老客", key="update-0001"))["audienceUpdate"]
    assert renamed["audience"]["name"] == "双12老客"

    [who] = await desk.members(1)
    await desk.say(who, given=True)
    await desk.upload(made["id"], [who])
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint="POST /v3.0/custom_audiences/delete")
    gone = (await client.data(DELETE, audience=made["id"], key="delete-0001"))["audienceDelete"]
    assert gone["id"] == made["id"]
    assert (await client.data(LIST))["audiences"]["nodes"] == []
    assert await client.data("query ($id: ID!) { audience(id: $id) { id } }", id=made["id"]) == {"audience": None}
    assert await desk.rows() == {}


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    [who] = await desk.members(1)
    audience = await desk.audience()
    stranger = ids.encode("mb", "01890000-0000-7000-8000-000000000000")
    nowhere = ids.encode("au", "1", ids.decode(audience)[1])
    wrong: Sequence[tuple[str, dict[str, Any]]] = (
        (audience, {"members": [who], "filter": {}}),
        (audience, {}),
        (audience, {"members": []}),
        (audience, {"members": [who], "ids": "OPENID"}),
        (audience, {"members": [who], "app": "wx1"}),
        (audience, {"members": [stranger]}),
        (nowhere, {"members": [who]}),
        (ids.encode("au", "x", "1"), {"members": [who]}),
        (audience, {"filter": {}, "after": "no cursor"}),
    )
    codes = [(await desk.upload(each, **more))["code"] for each, more in wrong]
    assert codes == [
        "BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "MEMBER_UNKNOWN",
        "NOT_FOUND", "ID_INVALID", "CURSOR_INVALID",
    ]  # fmt: skip
    assert (desk.files(audience), await desk.rows()) == ([], {})
    assert effects.MOST == 10_000


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_a_page_of_audiences_is_one_call_and_one_statement(desk: Desk, number: int) -> None:
    for each in range(number):
        await desk.audience(f"人群 {each}")
    await desk.served.client().data(LIST)
    with desk.served.counted() as count:
        found = (await desk.served.client().data(LIST))["audiences"]["nodes"]
    assert (len(found), count.calls, count.statements) == (number, {TOOL: 1}, 1)


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(desk: Desk, caller: str) -> None:
    answer = await desk.served.client(caller).ask(LIST)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    answer = await desk.served.client(caller).ask(CREATE, name="x", key="forbidden-1")
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert desk.platform.audiences.audiences == {}
