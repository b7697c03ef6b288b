"""Freshness in the graph: where values come from, how old they are, and how old they may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import orjson
import pytest

from gateway.settings import Cache, Settings
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Whoever clicks is told to us by events alone.
WHOLE = """query ($u: String!) { member(by: {unionid: $u}) {
  name level { name } coupons { nodes { code } } files { nodes { key } }
  orders { nodes { id } } adTouchpoints { nodes { clickedAt } }
  chat { contacts { nodes { addedAt } } groups { nodes { name } } } } }"""


def cached(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, cache=Cache())


def later(served: Served, **by: float) -> None:
    """Time passes for this gateway alone."""
    served.gateway.clock.advance(timedelta(**by))


async def told(client: Client, document: str, **variables: Any) -> tuple[dict[str, Any], dict[str, tuple[str, Any]]]:
    """The answer, and source and age by response path."""
    answer = await client.post({"query": document, "variables": variables}, X_Freshness="1")
    body = orjson.loads(answer.body)
    found = {".".join(map(str, e["path"])): (e["source"], e["age"]) for e in body["extensions"]["freshness"]}
    return body, found


def unionid(served: Served) -> str:
    return served.person("protagonist").unionid or ""


async def test_every_value_says_where_it_came_from(open_served: OpenServed) -> None:
    served = await open_served(cached)
    body, first = await told(served.client(), WHOLE, u=unionid(served))
    assert "errors" not in body
    live = {"member.coupons", "member.files", "member.chat.contacts"}
    assert {path for path, (source, _) in first.items() if source == "LIVE"} == live
    kept = {"member.level", "member.orders", "member.adTouchpoints", "member.chat.groups"}
    assert {path for path, (source, _) in first.items() if source == "PROJECTION"} == kept
    assert first["member.adTouchpoints"] == ("PROJECTION", None)
    later(served, seconds=20)
    with served.counted() as count:
        body, again = await told(served.client(), WHOLE, u=unionid(served))
    assert count.calls == {}
    for path in live:
        source, age = again[path]
        assert source == "CACHE"
        assert 20 <= age <= 30
    assert again["member.orders"][1] >= first["member.orders"][1] + 20


async def test_it_is_told_on_request_only_and_by_an_extension_too(open_served: OpenServed) -> None:
    served = await open_served(cached)
    query = {"query": "query ($u: String!) { member(by: {unionid: $u}) { level { name } } }"}
    query["variables"] = {"u": unionid(served)}  # type: ignore[assignment]
    silent = orjson.loads((await served.client().post(query)).body)
    assert set(silent) == {"data"}
    asked = orjson.loads((await served.client().post(query | {"extensions": {"freshness": True}})).body)
    [entry] = asked["extensions"]["freshness"]
    assert (entry["path"], entry["source"]) == (["member", "level"], "PROJECTION")
    refused = orjson.loads((await served.client().post(query | {"extensions": {"freshness": "yes"}})).body)
    assert set(refused) == {"data"}


async def test_lists_say_it_for_each_item(open_served: OpenServed) -> None:
    served = await open_served(cached)
    body, found = await told(
        served.client(),
        "{ members(first: 3) { nodes { coupons { nodes { code } } } } orders(first: 1) { nodes { id } } }",
    )
    assert "errors" not in body
    assert {path: source for path, (source, _) in found.items()} == {
        **{f"members.nodes.{n}.coupons": "PROJECTION" for n in range(3)},
        "orders": "PROJECTION",
    }


async def test_max_age_reads_live_what_is_older(open_served: OpenServed) -> None:
    served = await open_served(cached)
    document = """query ($u: String!, $s: Int!) { member(by: {unionid: $u}) {
      coupons @maxAge(seconds: $s) { nodes { code } } files { nodes { key } } } }"""
    await told(served.client(), document, u=unionid(served), s=600)
    later(served, seconds=15)
    _, found = await told(served.client(), document, u=unionid(served), s=20)
    assert (found["member.coupons"][0], found["member.files"][0]) == ("CACHE", "CACHE")
    with served.counted() as count:
        _, found = await told(served.client(), document, u=unionid(served), s=10)
    assert (found["member.coupons"][0], found["member.files"][0]) == ("LIVE", "CACHE")
    assert count.calls == {"payments": 2}
    _, found = await told(served.client(), document, u=unionid(served), s=0)
    assert found["member.coupons"][0] == "LIVE"


async def test_max_age_refuses_what_cannot_be_read_live(open_served: OpenServed) -> None:
    served = await open_served(cached)
    later(served, seconds=250)
    document = """query ($u: String!) @maxAge(seconds: 200) { member(by: {unionid: $u}) {
      name coupons { nodes { code } } orders { nodes { id } } level @maxAge(seconds: 86400) { name }
      adTouchpoints { nodes { clickedAt } } } }"""
    body, found = await told(served.client(), document, u=unionid(served))
    assert [(e["path"], e["extensions"]["code"]) for e in body["errors"]] == [
        (["member", "orders"], "VALUE_TOO_OLD"),
        (["member", "adTouchpoints"], "VALUE_TOO_OLD"),
    ]
    member = body["data"]["member"]
    assert (member["orders"], member["adTouchpoints"]) == (None, None)
    assert member["name"]
    assert member["level"]["name"]
    assert len(member["coupons"]["nodes"]) == 3
    assert {path: source for path, (source, _) in found.items()} == {
        "member.coupons": "LIVE",
        "member.level": "PROJECTION",
    }
    # A page of members is never read live.
    body, _ = await told(
        served.client(), "{ members(first: 2) { nodes { files @maxAge(seconds: 60) { nodes { key } } } } }"
    )
    assert {e["extensions"]["code"] for e in body["errors"]} == {"VALUE_TOO_OLD"}
    assert body["data"]["members"]["nodes"] == [{"files": None}, {"files": None}]


async def test_stale_ok_answers_while_the_platform_fails(open_served: OpenServed) -> None:
    served = await open_served(cached)
    document = """query ($u: String!, $s: Int!) { member(by: {unionid: $u}) {
      coupons @staleOk(seconds: $s) { nodes { code } } } }"""
    first, _ = await told(served.client(), document, u=unionid(served), s=0)
    later(served, seconds=130)
    served.sandbox.kit.faults.add("payments", "status", value=503)
    body, found = await told(served.client(), document, u=unionid(served), s=90)
    assert body["data"]["member"]["coupons"] is None
    assert body["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert found == {}
    body, found = await told(served.client(), document, u=unionid(served), s=200)
    assert "errors" not in body
    assert body["data"] == first["data"]
    source, age = found["member.coupons"]
    assert source == "STALE"
    assert 130 <= age <= 160
    served.sandbox.kit.faults.clear()
    _, found = await told(served.client(), document, u=unionid(served), s=200)
    assert found["member.coupons"][0] == "LIVE"


async def test_stale_ok_takes_the_projection_where_nothing_is_cached(open_served: OpenServed) -> None:
    served = await open_served(cached)
    served.sandbox.kit.faults.add("payments", "status", value=503)
    document = """query ($u: String!, $s: Int!) @staleOk(seconds: $s) { member(by: {unionid: $u}) {
      coupons { nodes { code } } } }"""
    body, found = await told(served.client(), document, u=unionid(served), s=86400)
    assert "errors" not in body
    assert found["member.coupons"][0] == "PROJECTION"
    assert len(body["data"]["member"]["coupons"]["nodes"]) == 3
    later(served, seconds=100)
    body, _ = await told(served.client(), document, u=unionid(served), s=0)
    assert body["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ members { nodes { id } } } ", None),
        ("query @maxAge(seconds: -1) { members { nodes { id } } }", "@maxAge has seconds: -1; give 0 to 31536000."),
        (
            "query ($s: Int! = 40000000) { members @staleOk(seconds: $s) { nodes { id } } }",
            "@staleOk has seconds: 40000000; give 0 to 31536000.",
        ),
    ],
)
async def test_seconds_have_a_range(served: Served, document: str, message: str | None) -> None:
    answer = await served.client().post({"query": document})
    body = orjson.loads(answer.body)
    if message is None:
        assert (answer.status, set(body)) == (200, {"data"})
        return
    assert (answer.status, body["errors"][0]["message"]) == (400, message)
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "document",
    [
        "mutation @maxAge(seconds: 1) { __typename }",
        "{ members { nodes { ... @maxAge(seconds: 1) { id } } } }",
        "{ members @maxAge { nodes { id } } }",
        '{ members @staleOk(seconds: "1") { nodes { id } } }',
        "{ members @maxAge(seconds: 1) @maxAge(seconds: 2) { nodes { id } } }",
    ],
)
async def test_directives_are_validated(served: Served, document: str) -> None:
    answer = await served.client().ask(document)
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_INVALID"
    assert "data" not in answer


async def test_fragments_aliases_and_defaults_are_looked_through(open_served: OpenServed) -> None:
    served = await open_served(cached)
    later(served, hours=1)
    document = """query ($u: String!, $s: Int! = 60) { who: member(by: {unionid: $u}) { ...F } }
      fragment F on Member {
        theirs: orders @maxAge(seconds: $s) { nodes { id } } ... on Member { orders { nodes { id } } } }"""
    body, found = await told(served.client(), document, u=unionid(served))
    assert [e["path"] for e in body["errors"]] == [["who", "theirs"]]
    assert set(found) == {"who.orders"}


async def test_what_one_kind_of_caller_was_given_is_not_given_to_another(open_served: OpenServed) -> None:
    served = await open_served(cached)
    document = "query ($u: String!) { member(by: {unionid: $u}) { coupons { nodes { code } } } }"

    async def source(caller: str) -> str:
        _, found = await told(served.client(caller), document, u=unionid(served))
        return found["member.coupons"][0]

    assert [await source(each) for each in ("hq", "masked", "guide", "hq", "guide")] == [
        "LIVE", "LIVE", "LIVE", "CACHE", "CACHE",
    ]  # fmt: skip


async def test_an_erased_members_answers_cannot_be_opened_any_more(open_served: OpenServed) -> None:
    served = await open_served(cached)
    document = "query ($u: String!) { member(by: {unionid: $u}) { id coupons { nodes { code } } } }"
    await told(served.client(), document, u=unionid(served))
    _, found = await told(served.client(), document, u=unionid(served))
    assert found["member.coupons"][0] == "CACHE"
    database = served.gateway.services.database
    member = await served.gateway.services.graph.find(
        "UNIONID", served.gateway.services.settings.open_platform, unionid(served)
    )
    assert member is not None
    await database.keyring.destroy(member)
    _, found = await told(served.client(), document, u=unionid(served))
    assert found.get("member.coupons", ("LIVE", 0))[0] == "LIVE"


async def test_who_may_not_read_is_told_that_and_not_how_old_it_is(open_served: OpenServed) -> None:
    served = await open_served(cached)
    later(served, hours=1)
    for field in ("orders", "ads"):
        document = f"{{ {field} @maxAge(seconds: 1) {{ nodes {{ id }} }} }}"
        body, found = await told(served.client("frontend"), document)
        assert [e["extensions"]["code"] for e in body["errors"]] == ["FORBIDDEN"]
        assert found == {}
