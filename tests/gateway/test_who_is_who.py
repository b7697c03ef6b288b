"""The mutations about who is who, through the API: callers, answers, and what the graph shows afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.events.projector import Evidence, Handle, phone_handle
from tests.gateway.conftest import Evening, OpenServed
from tests.gateway.evening import Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MUTATIONS = {
    "identityLink": '{member: "%(member)s", identity: {kind: CARD, issuer: "p", value: "C-1"}, reason: "card"}',
    "identityUnlink": '{member: "%(member)s", identity: "%(identity)s", reason: "not hers"}',
    "memberMerge": '{member: "%(member)s", other: "%(other)s", reason: "same"}',
    "memberUnmerge": '{part: "%(other)s", reason: "not the same"}',
    "reviewCaseDecide": '{case: "%(case)s", decision: DIFFERENT_PEOPLE, reason: "a family"}',
}


async def _raise_a_question(served: Served) -> None:
    """Another WeChat shows the protagonist's phone as verified."""
    projector = served.gateway.services.projector
    handles = (
        Handle("UNIONID", projector.open_platform, "another-wechat"),
        phone_handle(served.person("protagonist").phone),
    )
    async with projector.batch([Evidence(handles, "test.source", projector.clock.now())]):
        pass


async def _names(served: Served) -> dict[str, str]:
    document = """query ($u: String!) {
      member(by: {unionid: $u}) { id identities { id kind } }
      members(first: 2) { nodes { id } }
      reviewCases(state: OPEN) { nodes { id kind state members { id } identities { kind } } }
    }"""
    data = await served.client().data(document, u=served.person("protagonist").unionid)
    [case] = data["reviewCases"]["nodes"]
    assert (case["kind"], len(case["members"])) == ("PHONE_SHARED", 2)
    she = data["member"]
    unionid = next(each["id"] for each in she["identities"] if each["kind"] == "UNIONID")
    other = next(each["id"] for each in data["members"]["nodes"] if each["id"] != she["id"])
    return {"member": she["id"], "identity": unionid, "other": other, "case": case["id"]}


@pytest.mark.parametrize("caller", ["frontend", "guide", "masked"])
async def test_only_headquarters_decides(open_served: OpenServed, caller: str) -> None:
    """``masked`` is headquarters without pii:read: deciding needs no names."""
    served = await open_served()
    await _raise_a_question(served)
    names = await _names(served)
    for field, given in _MUTATIONS.items():
        document = f"mutation {{ {field}(input: {given % names}) {{ __typename }} }}"
        if caller != "masked":
            answer: dict[str, Any] = await served.client(caller).ask(document)
            [error] = answer["errors"]
            assert (answer["data"], error["extensions"]["code"]) == (None, "FORBIDDEN")
        nobody = Client(served.url, "", None)
        assert (await nobody.ask(document))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    allowed = await served.client(caller).ask("{ reviewCases(state: OPEN) { nodes { id } } }")
    assert ("errors" in allowed) == (caller != "masked")
    assert await _names(served) == names


async def test_headquarters_merges_and_unmerges(open_served: OpenServed) -> None:
    served = await open_served()
    await _raise_a_question(served)
    names = await _names(served)
    selection = "... on MemberDecision { member { id } other { id } } ... on DomainProblem { code }"

    async def do(field: str) -> Any:
        document = f"mutation {{ {field}(input: {_MUTATIONS[field] % names}) {{ {selection} }} }}"
        return (await served.client().data(document))[field]

    refused = await do("memberUnmerge")
    assert refused == {"code": "MEMBER_NOT_MERGED"}
    merged = await do("memberMerge")
    winner = merged["member"]["id"]
    assert winner in (names["member"], names["other"])
    part = names["other"] if winner == names["member"] else names["member"]
    both = await served.client().data(
        "query ($a: ID!, $b: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }",
        a=names["member"],
        b=names["other"],
    )
    assert both == {"a": {"id": winner}, "b": {"id": winner}}
    names["other"] = part
    assert await do("memberUnmerge") == {"member": {"id": part}, "other": {"id": winner}}
    assert (await do("identityLink"))["member"]["id"] == names["member"]


async def test_a_case_is_a_node_and_is_answered(open_served: OpenServed) -> None:
    served = await open_served()
    await _raise_a_question(served)
    names = await _names(served)
    document = f"""mutation {{ reviewCaseDecide(input: {_MUTATIONS["reviewCaseDecide"] % names}) {{
      ... on ReviewCaseDecided {{ case {{ id state decision decidedBy reason }} }} }} }}"""
    found = (await served.client().data(document))["reviewCaseDecide"]["case"]
    assert (found["id"], found["state"], found["decision"], found["reason"]) == (
        names["case"], "DECIDED", "DIFFERENT_PEOPLE", "a family",
    )  # fmt: skip
    node = await served.client().data(
        "query ($i: ID!) { node(id: $i) { ... on ReviewCase { state } } }", i=names["case"]
    )
    assert node == {"node": {"state": "DECIDED"}}


async def test_profile_and_identities_show_their_sources(served: Served) -> None:
    who = served.person("protagonist")
    document = """query ($u: String!) { member(by: {identity: {kind: UNIONID, issuer: "%s", value: $u}}) {
      profile { field value source verified } identities { kind strength source links { otherKind strength refused } }
    } }"""
    data = await served.client().data(document % served.world.open_platform, u=who.unionid)
    profile = {each["field"]: each for each in data["member"]["profile"]}
    phone = {"field": "PHONE", "value": who.phone, "source": "mini_program_store.vip_user", "verified": True}
    assert profile["PHONE"] == phone
    assert profile["NAME"]["source"] == "enterprise_chat.external_contact"
    [shown] = [each for each in data["member"]["identities"] if each["kind"] == "PHONE"]
    assert shown["strength"] == "CONDITIONAL"
    # Her guide has noted the number as well, which proves nothing.
    assert sorted((each["otherKind"], each["strength"], each["refused"]) for each in shown["links"]) == [
        ("EXTERNAL_USERID", "WEAK", False),
        ("OPENID", "CONDITIONAL", False),
    ]


async def test_a_shopper_binds_the_phone_of_her_tap(open_served: OpenServed, evening: Evening) -> None:
    served = await open_served()
    document = """mutation ($c: String!) { memberPhoneBind(input: {code: $c}) {
      __typename ... on MemberDecision { member { id phone } } ... on Problem { code } } }"""
    stranger = await served.client("frontend").ask(document, c="a code")
    assert stranger["data"]["memberPhoneBind"] == {"__typename": "DomainProblem", "code": "SESSION_REQUIRED"}

    who, app = served.person("protagonist"), served.world.mini_programs[0].appid
    tap = await evening.stage.act("mini_program_store", "phone_code", appid=app, person=who.key)
    shopper = served.client("frontend", "protagonist")
    first = (await shopper.data(document, c=tap["code"]))["memberPhoneBind"]
    assert (first["__typename"], first["member"]["phone"]) == ("MemberDecision", who.phone)
    # The platform's code works once; ours gives the same answer again.
    assert (await shopper.data(document, c=tap["code"]))["memberPhoneBind"] == first
    refused = (await shopper.data(document, c="no such code"))["memberPhoneBind"]
    assert refused == {"__typename": "ToolProblem", "code": "REJECTED"}
