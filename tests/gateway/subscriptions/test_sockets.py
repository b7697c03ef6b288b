"""graphql-transport-ws, rule by rule."""

from __future__ import annotations

import orjson
import pytest

from tests.gateway.subscriptions.conftest import OpenLive
from tests.gateway.subscriptions.live import HQ, Live, until

LEADS = 'subscription { memberActivity(kinds: ["lead"]) { eventId kind entry { summary } } }'


async def test_several_at_once_with_queries_and_mutations_between(here: Live) -> None:
    who, handle = await here.person()
    async with here.socket() as socket:
        await socket.subscribe(LEADS, id="leads")
        await socket.subscribe("subscription { orderChanged { eventId kind } }", id="orders")
        await socket.subscribe("query($n: Int!) { stores(first: $n) { nodes { name } } }", id="q", n=1)
        assert await socket.receive() == {
            "id": "q", "type": "next", "payload": {"data": {"stores": {"nodes": []}}}
        }  # fmt: skip
        assert await socket.receive() == {"id": "q", "type": "complete"}
        await socket.subscribe('mutation { jobCancel(input: {id: "x"}) { __typename } }', id="m")
        answers = [await socket.receive(), await socket.receive()]
        assert [(each["id"], each["type"]) for each in answers] == [("m", "next"), ("m", "complete")]
        await until(lambda: len(here.gateway.services.feed) == 2)

        event = await here.tell("lead", identity=handle, member=who)
        order = await here.order(handle)
        paid = await here.tell("order.paid", identity=handle, order_ref=order, amount_fen=81900)

        assert [await socket.receive(), await socket.receive()] == [
            {
                "id": "leads",
                "type": "next",
                "payload": {
                    "data": {"memberActivity": {"eventId": event, "kind": "lead", "entry": {"summary": "留下线索"}}}
                },
            },
            {
                "id": "orders",
                "type": "next",
                "payload": {"data": {"orderChanged": {"eventId": paid, "kind": "order.paid"}}},
            },
        ]
        await socket.send(id="leads", type="complete")
        await until(lambda: len(here.gateway.services.feed) == 1)


async def test_ping_is_answered_with_its_payload(here: Live) -> None:
    async with here.socket() as socket:
        await socket.send(type="ping", payload={"n": 1})
        assert await socket.receive() == {"type": "pong", "payload": {"n": 1}}
        await socket.send(type="ping")
        await socket.send(type="pong")
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        (['{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}'], 4401, "Unauthorized"),
        (["no json"], 4400, "The message is not JSON."),
        (['{"type": "start"}'], 4400, "The message has no known type, or no id."),
        (['["connection_init"]'], 4400, "The message has no known type, or no id."),
        ([b"\x00"], 4400, "Messages are JSON texts."),
        (['{"type": "connection_init", "payload": 1}'], 4400, "The payload of connection_init must be an object."),
        (['{"type": "connection_init"}'], 4403, "UNAUTHENTICATED: Send an API key in the header X-API-Key."),
        (
            ['{"type": "connection_init", "payload": {"x-api-key": "what"}}'],
            4403,
            "KEY_UNKNOWN: This API key is not known here; check it, or ask for a new one.",
        ),
    ],
)
async def test_what_is_no_conversation_is_closed(here: Live, said: list[str | bytes], code: int, reason: str) -> None:
    async with here.bare_socket() as socket:
        for each in said:
            await socket.connection.send(each)
        assert await socket.closed() == (code, reason)
    await until(lambda: not sockets(here).open)


@pytest.mark.parametrize(
    ("second", "code", "reason"),
    [
        ({"type": "connection_init"}, 4429, "Too many initialisation requests"),
        ({"type": "subscribe", "id": "1", "payload": {"query": LEADS}}, 4409, "Subscriber for 1 already exists"),
        ({"type": "subscribe", "payload": {"query": LEADS}}, 4400, "subscribe needs an id and a payload."),
        ({"type": "subscribe", "id": "2"}, 4400, "subscribe needs an id and a payload."),
    ],
)
async def test_what_breaks_the_protocol_later(here: Live, second: dict[str, object], code: int, reason: str) -> None:
    async with here.socket() as socket:
        await socket.subscribe(LEADS)
        await socket.connection.send(orjson.dumps(second).decode())
        assert await socket.closed() == (code, reason)
    await until(lambda: len(here.gateway.services.feed) == 0)


async def test_who_says_nothing_is_closed(open_live: OpenLive) -> None:
    here = await open_live(init_seconds=0.05)
    async with here.bare_socket() as socket:
        assert await socket.closed() == (4408, "Connection initialisation timeout")
    async with here.socket() as socket:
        # Once acknowledged there is no such limit.
        await socket.subscribe("{ __typename }")
        assert (await socket.next()) == {"__typename": "Query"}


async def test_another_protocol_is_refused(here: Live) -> None:
    from websockets.exceptions import NegotiationError

    try:
        async with here.bare_socket("graphql-ws") as socket:
            assert await socket.closed() == (4406, "Speak graphql-transport-ws.")
    except NegotiationError:
        pytest.fail("the handshake must succeed, or a browser sees no reason")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("subscription {", "GRAPHQL_INVALID"),
        ("subscription { nothing }", "GRAPHQL_INVALID"),
        ("subscription { orderChanged { eventId } storeCounters { eventId } }", "GRAPHQL_INVALID"),
        ('subscription { orderChanged(order: "?") { eventId } }', "ID_INVALID"),
        ('subscription { orderChanged(after: "01ARZ3NDEKTSV4RRFFQ69G5FAV") { eventId } }', "EVENT_UNKNOWN"),
        ('subscription { memberActivity(kinds: ["what"]) { eventId } }', "BAD_USER_INPUT"),
        ("query($n: Int!) { stores(first: $n) { nodes { name } } }", "GRAPHQL_INVALID"),
    ],
)
async def test_an_operation_that_cannot_run_ends_with_an_error(here: Live, document: str, code: str) -> None:
    async with here.socket() as socket:
        await socket.subscribe(document)
        message = await socket.receive()
        assert (message["id"], message["type"]) == ("1", "error")
        assert [each["extensions"]["code"] for each in message["payload"]] == [code]
        # The id is free again, and the socket lives.
        await socket.subscribe("{ __typename }")
        assert await socket.next() == {"__typename": "Query"}
    await until(lambda: len(here.gateway.services.feed) == 0)


async def test_one_socket_runs_so_many(open_live: OpenLive) -> None:
    here = await open_live(per_connection=2)
    async with here.socket() as socket:
        for number in range(3):
            await socket.subscribe(LEADS, id=str(number))
        message = await socket.receive()
        assert (message["id"], message["type"]) == ("2", "error")
        assert message["payload"][0]["extensions"]["code"] == "OPERATIONS_EXHAUSTED"


async def test_a_process_serves_so_many(open_live: OpenLive) -> None:
    here = await open_live(open=1)
    async with here.socket() as socket:
        await socket.subscribe(LEADS, id="1")
        await until(lambda: len(here.gateway.services.feed) == 1)
        await socket.subscribe(LEADS, id="2")
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["code"] == "SUBSCRIPTIONS_EXHAUSTED"


async def test_over_plain_http_a_subscription_is_told_where_to_go(here: Live) -> None:
    from sandbox.http1 import request

    answer = await request(
        "POST", here.url, {"Content-Type": "application/json", "X-API-Key": HQ}, orjson.dumps({"query": LEADS})
    )
    assert answer.status == 406
    assert orjson.loads(answer.body)["errors"][0]["extensions"]["code"] == "SUBSCRIPTION_TRANSPORT"


def sockets(here: Live) -> object:
    """The ASGI application behind the WebSocket route."""
    return next(route.app for route in here.app.routes if type(route).__name__ == "WebSocketRoute")
