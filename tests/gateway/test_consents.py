"""Consent and grants through the graph: who may record what, and what everybody then sees."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gateway.database.tables.members import consent
from gateway.database.tables.reach import subscribe_answer
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = """mutation ($input: ConsentRecordInput!) { consentRecord(input: $input) {
  ... on Consent { purpose given since policyVersion channel history { nodes { given recordedBy } } }
  ... on Problem { code } } }"""
FOR = """mutation ($input: MemberConsentRecordInput!) { memberConsentRecord(input: $input) {
  ... on Consent { purpose given channel history { nodes { given channel recordedBy proof guardian at } } }
  ... on Problem { code } } }"""
MINOR = """mutation ($input: MemberMinorSetInput!) { memberMinorSet(input: $input) {
  ... on MemberMinor { minor } ... on Problem { code } } }"""
GRANTS = """mutation ($input: SubscribeGrantRecordInput!) { subscribeGrantRecord(input: $input) {
  ... on SubscribeGrants { grants { template remaining } } ... on Problem { code } } }"""
YES = {"purpose": "MARKETING", "given": True, "policyVersion": "2026-10"}


async def member_id(served: Served, story: str = "protagonist") -> str:
    document = "query ($u: String!) { member(by: {unionid: $u}) { id } }"
    return str((await served.client().data(document, u=served.person(story).unionid))["member"]["id"])


async def say(client: Client, document: str, **values: Any) -> Any:
    return next(iter((await client.data(document, input=values)).values()))


async def test_a_shoppers_yes_opens_every_channel_and_the_no_closes_it_at_once(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    reach = "{ me { reach { channel reachable reason } } }"
    given = await say(shopper, OWN, **YES)
    assert (given["given"], given["policyVersion"], given["channel"]) == (True, "2026-10", "MINI_PROGRAM")
    assert given["history"]["nodes"] == [{"given": True, "recordedBy": "session"}]
    opened = {each["channel"]: each["reachable"] for each in (await shopper.data(reach))["me"]["reach"]}
    assert opened["OFFICIAL_ACCOUNT"]
    assert opened["ENTERPRISE_CHAT"]
    withdrawn = await say(shopper, OWN, **{**YES, "given": False})
    assert [each["given"] for each in withdrawn["history"]["nodes"]] == [False, True]
    closed = (await shopper.data(reach))["me"]["reach"]
    assert {each["reason"] for each in closed} == {"NO_CONSENT"}


async def test_staff_record_with_proof_and_only_some_see_it(open_served: OpenServed) -> None:
    served = await open_served()
    who = await member_id(served)
    values = {
        **YES,
        "member": who,
        "channel": "STORE",
        "proof": "纸质同意书 AF-0042",
        "givenAt": "2026-10-01T10:00:00+08:00",
    }
    recorded = await say(served.client("hq"), FOR, **values)
    assert recorded["history"]["nodes"] == [
        {
            "given": True,
            "channel": "STORE",
            "recordedBy": "hq",
            "proof": "纸质同意书 AF-0042",
            "guardian": False,
            "at": "2026-10-01T02:00:00+00:00",
        }
    ]
    shown = await served.client("guide").data(
        "query ($id: ID!) { member(by: {id: $id}) { consents { purpose given since history { nodes { proof } } } } }",
        id=who,
    )
    assert [(each["purpose"], each["given"]) for each in shown["member"]["consents"]] == [
        ("SERVICE", True),
        ("MARKETING", True),
        ("PROFILING", False),
        ("AD_MATCHING", False),
        ("SHARE_FRANCHISEE", False),
    ]
    assert shown["member"]["consents"][1]["history"]["nodes"] == [{"proof": None}]


async def test_what_is_missing_is_a_problem_and_leaves_nothing(open_served: OpenServed) -> None:
    served = await open_served()
    who = await member_id(served)
    whole = {**YES, "member": who, "channel": "STORE", "proof": "x"}
    hq = served.client("hq")
    assert await say(hq, FOR, **{**whole, "proof": ""}) == {"code": "PROOF_REQUIRED"}
    assert await say(hq, FOR, **{**whole, "givenAt": "2030-01-01T00:00:00Z"}) == {"code": "BAD_USER_INPUT"}
    assert await say(hq, FOR, **{**whole, "member": "b3I6Ong"}) == {"code": "ID_FOREIGN"}
    assert await say(served.client("frontend"), OWN, **YES) == {"code": "SESSION_REQUIRED"}
    assert await served.gateway.services.database.fetch(select(consent.c.id)) == []


@pytest.mark.parametrize("caller", ["partner", "frontend"])
async def test_others_may_not_record_for_members(served: Served, caller: str) -> None:
    who = await member_id(served)
    for document, more in ((FOR, {**YES, "channel": "STORE", "proof": "x"}), (MINOR, {"minor": True})):
        answer = await served.client(caller).ask(document, input={"member": who, **more})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await served.gateway.services.database.fetch(select(consent.c.id)) == []


async def test_a_flagged_minor_needs_a_guardian(open_served: OpenServed) -> None:
    served = await open_served()
    who, shopper = await member_id(served), served.client("frontend", "protagonist")
    assert (await say(shopper, OWN, **YES))["given"]
    assert await say(served.client("guide"), MINOR, member=who, minor=True) == {"minor": True}
    seen = await shopper.data("{ me { consents { purpose given guardianMissing } reach { reason } } }")
    assert seen["me"]["consents"][1] == {"purpose": "MARKETING", "given": False, "guardianMissing": True}
    assert {each["reason"] for each in seen["me"]["reach"]} == {"UNDER_AGE"}
    assert await say(shopper, OWN, **YES) == {"code": "GUARDIAN_REQUIRED"}
    assert (await say(shopper, OWN, **YES, guardian=True))["given"]
    assert await say(served.client("hq"), MINOR, member=who, minor=False) == {"minor": False}
    assert (await say(shopper, OWN, **YES))["given"]


async def test_grants_are_the_shoppers_own_and_counted_once(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    answers = [{"template": "T1", "answer": "ACCEPT"}, {"template": "T2", "answer": "REJECT"}]
    for _ in range(2):
        recorded = await say(shopper, GRANTS, answers=answers, idempotencyKey="q1")
        assert recorded == {"grants": [{"template": "T1", "remaining": 1}, {"template": "T2", "remaining": 0}]}
    selection = "{ me { reach(purpose: SERVICE) { channel reachable reason account template remaining } } }"
    app = served.world.mini_programs[0].appid
    ways = (await shopper.data(selection))["me"]["reach"]
    assert [each for each in ways if each["channel"] == "SUBSCRIBE_MESSAGE"] == [
        {
            "channel": "SUBSCRIBE_MESSAGE",
            "reachable": True,
            "reason": None,
            "account": app,
            "template": "T1",
            "remaining": 1,
        },
        {
            "channel": "SUBSCRIBE_MESSAGE",
            "reachable": False,
            "reason": "NO_GRANT",
            "account": app,
            "template": "T2",
            "remaining": 0,
        },
    ]


async def test_grants_that_cannot_be_counted_leave_nothing(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    one = [{"template": "T1", "answer": "ACCEPT"}]
    many = [{"template": f"T{n}", "answer": "ACCEPT"} for n in range(21)]
    assert await say(served.client("frontend"), GRANTS, answers=one, idempotencyKey="q") == {"code": "SESSION_REQUIRED"}
    assert await say(shopper, GRANTS, answers=one) == {"code": "IDEMPOTENCY_KEY_REQUIRED"}
    for wrong in ([], many, [{"template": "x" * 65, "answer": "ACCEPT"}]):
        assert await say(shopper, GRANTS, answers=wrong, idempotencyKey="q") == {"code": "BAD_USER_INPUT"}
    assert await served.gateway.services.database.fetch(select(subscribe_answer.c.id)) == []


async def test_the_proofs_of_a_page_cost_one_statement(open_served: OpenServed) -> None:
    served = await open_served()
    hq = served.client("hq")
    members = [each["id"] for each in (await hq.data("{ members(first: 20) { nodes { id } } }"))["members"]["nodes"]]
    for each in members:
        recorded = await say(hq, FOR, **YES, member=each, channel="STORE", proof=f"form {each}")
        assert recorded["given"]
    document = (
        "query ($n: Int!) { members(first: $n) { nodes { id reach { reachable }"
        " consents { given history { nodes { proof } } } } } }"
    )
    await hq.data(document, n=20)
    costs = []
    for n in (1, 10, 20):
        with served.counted() as count:
            page = (await hq.data(document, n=n))["members"]["nodes"]
        costs.append(count.statements)
        proofs = [each["consents"][1]["history"]["nodes"] for each in page]
        assert proofs == [[{"proof": f"form {each}"}] for each in members[:n]]
    assert len(set(costs)) == 1
