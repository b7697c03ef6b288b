"""Bad requests: each is refused with a code, a message that says what to do, and without any work done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest
from graphql import parse
from sqlalchemy import text

from gateway.access.limits import LimitExceeded, ShapeWalk, check_shape, parse_within
from gateway.resolvers import ids
from gateway.settings import Limits
from sandbox.http1 import Answer
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import KEYS, Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMITS = Limits()
MODERN = {"Accept": "application/graphql-response+json"}


def body_of(answer: Answer) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(answer.body)
    return value


def refusal(answer: Answer) -> tuple[int, str, str]:
    """(status, code, message) of a request that was refused as a whole: one error and no data."""
    body = body_of(answer)
    assert set(body) == {"errors"}
    [error] = body["errors"]
    clean(answer.body.decode())
    return answer.status, error["extensions"]["code"], error["message"]


def clean(said: str) -> None:
    """Nothing of what lies behind may be in an answer."""
    for trace in ("Traceback", 'File "', "sqlalchemy", "sqlite", "SELECT ", "no such table", "asyncio", "0x"):
        assert trace not in said
    for key in KEYS.values():
        assert key.key.reveal() not in said


async def refused(served: Served, send: Callable[[Client], Any], client: Client | None = None) -> tuple[int, str, str]:
    """Send a bad request; nothing is called and no statement runs."""
    with served.counted() as count:
        answer = await send(client or served.client())
    assert (count.calls, count.statements) == ({}, 0)
    return refusal(answer)


# Transport -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""])
async def test_a_form_or_text_is_refused(served: Served, kind: str) -> None:
    """A web page elsewhere could post these with a visitor's browser."""
    found = await refused(served, lambda c: c.send("POST", b'{"query":"{__typename}"}', Content_Type=kind))
    assert found == (415, "MEDIA_TYPE", "Send the request with Content-Type: application/json.")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not JSON (at byte 0)."),
        (b"query=1", "The body is not JSON (at byte 0)."),
        (b'{"query": "{__typename}"', "The body is not JSON (at byte 24)."),
        (b"\xff\xfe", "The body is not JSON (at byte 0)."),
        (b'{"query": "\\ud800"}', "The body is not JSON (at byte 17)."),
        (b"[" * 100_000, "The body is not JSON (at byte 1024)."),
        (b"[]", "The body must be a JSON object with a query."),
        (b'"x"', "The body must be a JSON object with a query."),
        (b"null", "The body must be a JSON object with a query."),
    ],
    ids=["empty", "form", "cut", "bytes", "surrogate", "nested", "list", "text", "null"],
)
async def test_a_body_that_is_no_request(served: Served, body: bytes, message: str) -> None:
    status, code, said = await refused(served, lambda c: c.send("POST", body))
    assert (status, code) == (400, "JSON_INVALID")
    assert said.partition("(")[0] == message.partition("(")[0]


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ({}, "QUERY_MISSING", "query must be a text: the GraphQL document."),
        ({"query": " "}, "QUERY_MISSING", "query must be a text: the GraphQL document."),
        ({"query": 7}, "QUERY_MISSING", "query must be a text: the GraphQL document."),
        ({"query": "{__typename}", "variables": [1]}, "VARIABLES_INVALID", "variables must be an object."),
        ({"query": "{__typename}", "variables": "x"}, "VARIABLES_INVALID", "variables must be an object."),
        ({"query": "{__typename}", "operationName": 1}, "OPERATION_UNKNOWN", "operationName must be a text."),
        (
            {"query": "query A {__typename} query B {__typename}"},
            "OPERATION_UNKNOWN",
            "operationName must name one operation of the document.",
        ),
        (
            {"query": "query A {__typename}", "operationName": "B"},
            "OPERATION_UNKNOWN",
            "operationName must name one operation of the document.",
        ),
        (
            {"query": "fragment F on Query {__typename}"},
            "GRAPHQL_INVALID",
            "Fragment 'F' is never used.",
        ),
    ],
)
async def test_a_request_with_a_wrong_part(served: Served, value: Any, code: str, message: str) -> None:
    status, *found = await refused(served, lambda c: c.post(value, **MODERN))
    assert (status, *found) == (400, code, message)


async def test_two_megabytes_are_not_read(served: Served) -> None:
    document = orjson.dumps({"query": "{__typename} #" + "x" * 2 * 1024 * 1024})
    found = await refused(served, lambda c: c.send("POST", document))
    assert found == (413, "BODY_TOO_LARGE", "The body has more than 1048576 bytes; send a smaller one.")


async def test_a_mutation_by_get_is_refused(served: Served) -> None:
    query = "?query=mutation%20%7B%20__typename%20%7D"
    found = await refused(served, lambda c: c.send("GET", query=query))
    assert found == (405, "METHOD", "Mutations need POST.")


async def test_a_query_by_get_is_answered(served: Served) -> None:
    answer = await served.client().send(
        "GET",
        query="?query=query(%24a%3ABoolean!)%7B__typename%20%40include(if%3A%24a)%7D&variables=%7B%22a%22%3Atrue%7D",
    )
    assert (answer.status, body_of(answer)) == (200, {"data": {"__typename": "Query"}})


async def test_the_path_of_a_document_is_told_on_request(served: Served) -> None:
    shown = await served.client().post({"query": "{ __typename }"}, **{"X-Show-Plan": "1"})
    assert shown.headers["x-plan"] == "compiled"
    assert "x-plan" not in (await served.client().post({"query": "{ __typename }"})).headers


async def test_bad_variables_by_get(served: Served) -> None:
    found = await refused(served, lambda c: c.send("GET", query="?query=%7B__typename%7D&variables=%7B"))
    assert found == (400, "VARIABLES_INVALID", "variables must be a JSON object.")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_served(served: Served, method: str) -> None:
    answer = await served.client().send(method, b"{}")
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_the_media_type_decides_the_status(served: Served) -> None:
    """Clients of the older media type expect 200 for every well-formed answer."""
    for headers, status, kind in ((MODERN, 400, MODERN["Accept"]), ({}, 200, "application/json")):
        answer = await served.client().post({"query": "{ nonsense }"}, **headers)
        assert (answer.status, answer.headers["content-type"]) == (status, kind)


# Callers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "code", "message"),
    [
        (None, "UNAUTHENTICATED", "Send an API key in the header X-API-Key."),
        ("", "UNAUTHENTICATED", "Send an API key in the header X-API-Key."),
        ("wrong", "KEY_UNKNOWN", "This API key is not known here; check it, or ask for a new one."),
        ("hq-with-pii-rea", "KEY_UNKNOWN", "This API key is not known here; check it, or ask for a new one."),
    ],
)
async def test_no_key_or_a_wrong_one(served: Served, key: str | None, code: str, message: str) -> None:
    client = Client(served.url, key)
    assert await refused(served, lambda c: c.post({"query": "{__typename}"}), client) == (401, code, message)


async def test_an_unknown_session(served: Served) -> None:
    client = Client(served.url, KEYS["frontend"].key.reveal(), "not-a-token")
    with served.counted() as count:
        found = refusal(await client.post({"query": "{ me { id } }"}))
    assert found == (401, "SESSION_UNKNOWN", "This session token is not known; call sessionCreate again.")
    assert (count.calls, count.statements) == ({}, 1)


async def test_an_expired_session(open_served: OpenServed) -> None:
    served = await open_served()
    client = served.client("frontend", "protagonist")
    assert "errors" not in await client.ask("{ me { id } }")
    served.gateway.clock.advance(timedelta(hours=2))
    found = refusal(await client.post({"query": "{ me { id } }"}))
    assert found == (401, "SESSION_EXPIRED", "This session has expired; call sessionCreate again.")


def needs(scope: str) -> str:
    return f"This needs the scope '{scope}'; ask the operator of this gateway for a key that has it."


_SCOPED = {
    'member(by: {unionid: "o6_x"}) { id }': "members:read",
    "members { nodes { id } }": "members:read",
    "orders { nodes { id } }": "members:read",
    "guides { nodes { id } }": "members:read",
    "ads { nodes { id } }": "ads:read",
    "tools { state }": "operations",
    f'node(id: "{ids.encode("or", "STORE:x:1")}") {{ id }}': "members:read",
    f'node(id: "{ids.encode("mb", "0")}") {{ id }}': "members:read",
    f'node(id: "{ids.encode("py", "1", "2")}") {{ id }}': "members:read",
}
_HAS = {
    "hq": {"members:read", "ads:read", "operations"},
    "guide": {"members:read"},
    "frontend": set[str](),
    "partner": set[str](),
}


@pytest.mark.parametrize("caller", _HAS)
@pytest.mark.parametrize("field", _SCOPED)
async def test_a_caller_without_the_scope(served: Served, field: str, caller: str) -> None:
    """The field is null with one error; what stands beside it is answered."""
    answer = await served.client(caller).ask(f"{{ {field} stores(first: 1) {{ nodes {{ outId }} }} }}")
    assert answer["data"]["stores"] == {"nodes": [{"outId": "BJ-SLT"}]}
    scope, name = _SCOPED[field], field.partition("(")[0].partition(" ")[0]
    if scope in _HAS[caller]:
        assert "errors" not in answer
    else:
        assert answer["data"][name] is None
        [error] = answer["errors"]
        assert (error["path"], error["message"], error["extensions"]) == ([name], needs(scope), {"code": "FORBIDDEN"})


async def test_me_without_a_session(served: Served) -> None:
    answer = await served.client("frontend").ask("{ me { id } }")
    [error] = answer["errors"]
    assert (answer["data"], error["extensions"]) == ({"me": None}, {"code": "BAD_USER_INPUT"})
    assert error["message"] == "me needs a shopper's session: send sessionCreate's token as Authorization: Bearer."


async def test_a_shopper_sees_nobody_else(served: Served) -> None:
    """Somebody else's order looks like one that does not exist."""
    client = served.client("frontend", "expired_coupon")
    order = served.world.store_orders[0]
    real = ids.encode("or", f"STORE:{served.world.wechat_store.appid}:{order.order_id}")
    answers = [
        await client.ask("query ($id: ID!) { node(id: $id) { id } }", id=each)
        for each in (real, ids.encode("or", "STORE:x:1"))
    ]
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


# Documents -----------------------------------------------------------------------------------------------------------

_CHAIN = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
DOCUMENTS: Mapping[str, tuple[str, str, str]] = {
    "syntax": ("{ members { ", "GRAPHQL_INVALID", "Syntax Error: Expected Name, found <EOF>."),
    "unknown field": (
        "{ membres { id } }",
        "GRAPHQL_INVALID",
        "Cannot query field 'membres' on type 'Query'. Did you mean 'members' or 'member'?",
    ),
    "wrong type": (
        '{ members(first: "1") { nodes { id } } }',
        "GRAPHQL_INVALID",
        "Int cannot represent non-integer value.",
    ),
    "null byte": ("{ a\0 }", "GRAPHQL_INVALID", "Syntax Error: Unexpected character: U+0000."),
    "two ways": (
        '{ member(by: {unionid: "a", phone: "b"}) { id } }',
        "GRAPHQL_INVALID",
        "OneOf Input Object 'MemberByInput' must specify exactly one key.",
    ),
    "too large": (
        "{ __typename } #" + "x" * 256 * 1024,
        "DOCUMENT_TOO_LARGE",
        "The document has 262160 bytes, the limit is 262144; split it, or use fragments.",
    ),
    "too many tokens": (
        "query (" + "$a: Int " * 4000 + ") { __typename }",
        "DOCUMENT_TOO_COMPLEX",
        "The document has more than 15000 tokens; split it.",
    ),
    "too deep": (
        "{ a " * 16 + "}" * 16,
        "DOCUMENT_TOO_DEEP",
        "The document is deeper than 15 levels; ask in two requests.",
    ),
    "far too deep": (
        "{ a " * 3000 + "}" * 3000,
        "DOCUMENT_TOO_DEEP",
        "The document is deeper than 15 levels; ask in two requests.",
    ),
    "deep value": (
        "{ a(b: " + "[" * 3000 + "]" * 3000 + ") }",
        "DOCUMENT_TOO_DEEP",
        "The document is deeper than 15 levels; ask in two requests.",
    ),
    "too many aliases": (
        "{ " + " ".join(f"a{n}: __typename" for n in range(61)) + " }",
        "TOO_MANY_ALIASES",
        "The operation has more than 60 aliases; ask in two requests.",
    ),
    "one field many times": (
        "{ " + "__typename " * 61 + " }",
        "DOCUMENT_TOO_COMPLEX",
        "The operation selects '__typename' at one place more than 60 times; select it once.",
    ),
    "many times unused": (
        "{ __typename } fragment F on Query { " + "__typename " * 61 + " }",
        "DOCUMENT_TOO_COMPLEX",
        "The operation selects '__typename' at one place more than 60 times; select it once.",
    ),
    "fragment cycle": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "GRAPHQL_INVALID",
        "Cannot spread fragment 'A' within itself via 'B'.",
    ),
    "exponential cycle": (
        "{ ...F0 } " + _CHAIN + " fragment F40 on Query { ...F0 }",
        "DOCUMENT_TOO_COMPLEX",
        "The document spreads to more than 15000 selections; split it.",
    ),
    "long chain": (
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(1600))
        + " fragment F1600 on Query { __typename }",
        "DOCUMENT_TOO_DEEP",
        "The document is deeper than 15 levels; ask in two requests.",
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_bad_document(served: Served, name: str) -> None:
    document, code, message = DOCUMENTS[name]
    with served.counted() as count:
        answer = await served.client().post({"query": document}, **MODERN)
    assert (count.calls, count.statements) == ({}, 0)
    body = body_of(answer)
    assert (answer.status, set(body)) == (400, {"errors"})
    error = body["errors"][0]
    assert (error["extensions"]["code"], error["message"]) == (code, message)


@pytest.mark.parametrize("end", ["fragment F40 on Query { __typename }", "fragment F40 on Query { ...F0 }"])
async def test_an_exponential_document_is_walked_for_a_bounded_number_of_steps(end: str) -> None:
    document = parse("{ ...F0 } " + _CHAIN + " " + end)
    walk = ShapeWalk(document, Limits(aliases=10**9))
    with pytest.raises(LimitExceeded) as caught:
        walk.root(document.definitions[0].selection_set)  # type: ignore[attr-defined] # an operation
    assert (caught.value.code, walk.steps) == ("DOCUMENT_TOO_COMPLEX", LIMITS.tokens + 1)


async def test_the_steps_of_all_operations_count_together() -> None:
    fragments = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(4))
    end = " fragment F4 on Query { __typename }"
    one = check_shape(parse("query A { ...F0 } " + fragments + end), LIMITS)
    # One spread, then 2 + 4 + 8 + 16 spreads, then 16 fields.
    assert one == 1 + 30 + 16
    two = check_shape(parse("query A { ...F0 } query B { ...F0 } " + fragments + end), LIMITS)
    assert two == 2 * one
    many = " ".join(f"query Q{n} {{ ...F0 }}" for n in range(LIMITS.tokens // one + 1))
    with pytest.raises(LimitExceeded):
        check_shape(parse(many + fragments + end), LIMITS)


async def test_at_the_limit_a_document_passes() -> None:
    parse_within("{ a " * 15 + "}" * 15, LIMITS)
    parse_within("{ " + " ".join(f"a{n}: __typename" for n in range(60)) + " }", LIMITS)
    parse_within("{ " + "__typename " * 60 + " }", LIMITS)


async def test_introspection_of_introspection_ends(served: Served) -> None:
    """The rule of the reference implementation: a list of fields in a list of fields in a list of fields."""
    deep = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    body = await served.client().ask(deep)
    assert [each["message"] for each in body["errors"]] == ["Maximum introspection depth exceeded"]


async def test_bad_variables(served: Served) -> None:
    document = "query ($by: MemberByInput!, $n: Int) { member(by: $by) { orders(first: $n) { nodes { id } } } }"
    bad: list[dict[str, Any]] = [
        {},
        {"by": None},
        {"by": {}},
        {"by": {"unionid": 7}},
        {"by": {"unionid": "x"}, "n": "many"},
        {"by": {"unionid": "x"}, "n": 2**31},
    ]
    for variables in bad:
        with served.counted() as count:
            answer = await served.client().post({"query": document, "variables": variables}, **MODERN)
        assert (count.calls, count.statements) == ({}, 0)
        status, code, _ = refusal(answer)
        assert (status, code) == (400, "GRAPHQL_INVALID")


# Lookups -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by",
    [
        {"unionid": "o6_nobody"},
        {"phone": "19900000000"},
        {"outId": "M-1"},
        {"outId": "M\0"},
        {"unionid": "\0"},
        {"openid": {"app": "wx0000000000000000", "value": "oNobody"}},
        {"externalUserid": {"corp": "ww0", "value": "wmNobody"}},
        {"id": ids.encode("mb", "01980000-0000-7000-8000-000000000000")},
    ],
    ids=str,
)
async def test_an_unknown_member_is_null_without_an_error(served: Served, by: dict[str, Any]) -> None:
    with served.counted() as count:
        answer = await served.client().ask("query ($by: MemberByInput!) { member(by: $by) { id } }", by=by)
    assert answer == {"data": {"member": None}}
    assert count.calls == {}


def malformed(text_: str) -> tuple[str, str, str]:
    """A row of the table: such a text is not repeated in the answer."""
    return (
        text_,
        "ID_INVALID",
        f"A text of {len(text_)} characters is no id of this gateway; pass an id as you received it.",
    )


@pytest.mark.parametrize(
    ("text_", "code", "message"),
    [
        malformed(""),
        malformed("42"),
        malformed("雾灰"),
        malformed("x" * 5000),
        malformed(ids.encode("zz", "1")),
        malformed(ids.encode("mb", "")),
        malformed(ids.encode("mb", "a\0")),
        (ids.encode("or", "1"), "ID_FOREIGN", "This is an id of a Order; here the id of a Member is needed."),
    ],
    ids=["empty", "number", "chinese", "long", "unknown type", "no native id", "null byte", "foreign"],
)
async def test_a_malformed_or_foreign_id(served: Served, text_: str, code: str, message: str) -> None:
    with served.counted() as count:
        answer = await served.client().ask("query ($id: ID!) { member(by: {id: $id}) { id } }", id=text_)
    assert answer["data"] == {"member": None}
    [error] = answer["errors"]
    assert (error["path"], error["message"], error["extensions"]) == (["member"], message, {"code": code})
    assert (count.calls, count.statements) == ({}, 0)


async def test_a_link_that_would_live_too_long(served: Served) -> None:
    document = "query ($u: String!, $s: Int!) { member(by: {unionid: $u}) { files { nodes { url(expiresIn: $s) } } } }"
    for seconds in (59, 3601):
        answer = await served.client().ask(document, u=served.person("protagonist").unionid, s=seconds)
        assert answer["data"]["member"]["files"]["nodes"] == [{"url": None}, {"url": None}]
        assert {error["message"] for error in answer["errors"]} == {
            f"expiresIn is {seconds}: it must be between 60 and 3600 seconds."
        }
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}


async def test_two_members_with_one_phone_are_not_guessed(open_served: OpenServed) -> None:
    served = await open_served()
    database = served.gateway.services.database
    phone = served.person("protagonist").phone
    async with database.write() as connection:
        await connection.execute(
            text(
                "UPDATE member SET phone_hash = :hash"
                " WHERE id IN (SELECT id FROM member WHERE merged_into IS NULL LIMIT 3)"
            ),
            {"hash": database.keyring.hash(phone, "phone")},
        )
    answer = await served.client().ask("query ($p: String!) { member(by: {phone: $p}) { id } }", p=phone)
    [error] = answer["errors"]
    assert (answer["data"], error["extensions"]) == ({"member": None}, {"code": "BAD_USER_INPUT"})
    assert error["message"] == "Two members have this phone number; find them by unionid or openid."


# What lies behind ----------------------------------------------------------------------------------------------------


async def test_a_broken_resolver_tells_a_request_id_and_nothing_else(
    open_served: OpenServed, caplog: pytest.LogCaptureFixture
) -> None:
    """The table is gone: the cause holds SQL, which stays in the log."""
    served = await open_served()
    async with served.gateway.services.database.write() as connection:
        await connection.execute(text("DROP TABLE campaign"))
    with caplog.at_level(logging.ERROR, "gateway.schema.errors"):
        answer = await served.client().post(
            {"query": "{ campaigns { nodes { id } } stores(first: 1) { nodes { outId } } }"}
        )
    body = body_of(answer)
    clean(answer.body.decode())
    [error] = body["errors"]
    request_id = error["extensions"]["requestId"]
    assert body["data"] == {"campaigns": None, "stores": {"nodes": [{"outId": "BJ-SLT"}]}}
    assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
    assert error["message"] == f"Something went wrong inside the gateway; report the request id {request_id}."
    [record] = caplog.records
    assert request_id in record.getMessage()
    # The place, and not what the error said.
    assert "OperationalError" in record.getMessage()
    assert "no such table" not in record.getMessage()


async def test_a_database_that_is_gone_before_the_request_is_read(
    open_served: OpenServed, caplog: pytest.LogCaptureFixture
) -> None:
    served = await open_served()
    async with served.gateway.services.database.write() as connection:
        await connection.execute(text("DROP TABLE session"))
    with caplog.at_level(logging.ERROR, "gateway.graphql_route"):
        status, code, message = refusal(await served.client("frontend", "protagonist").post({"query": "{ me { id } }"}))
    assert (status, code) == (500, "INTERNAL")
    assert message.startswith("Something went wrong inside the gateway; report the request id ")
    assert len(caplog.records) == 1


async def test_a_platforms_own_words_and_our_credentials_stay_inside(served: Served, open_served: OpenServed) -> None:
    """Refused credentials: the platform's answer quotes them, ours says what an operator must do."""
    gateway = await open_served()
    served.sandbox.kit.faults.add("enterprise_chat", "code", endpoint="GET /cgi-bin/gettoken", value="40001")
    served.sandbox.kit.faults.add("cloud_storage", "html")
    who = served.person("protagonist")
    selection = "files { nodes { key } } chat { contacts { nodes { remark } } }"
    document = f"query ($u: String!) {{ member(by: {{unionid: $u}}) {{ {selection} }} }}"
    answer = await gateway.client().post({"query": document, "variables": {"u": who.unionid}})
    said = answer.body.decode()
    clean(said)
    codes = {error["extensions"]["tool"]: error["extensions"]["code"] for error in body_of(answer)["errors"]}
    assert codes == {"enterprise_chat": "UNAUTHORIZED", "cloud_storage": "UNAVAILABLE"}
    corp = served.world.corp
    for secret in (
        corp.app_secret,
        corp.contact_secret,
        corp.aes_key,
        "nginx",
        "errmsg",
        who.unionid,
        *gateway.world.buckets[0].secret_key.split(),
    ):
        assert secret not in said
