"""Conversations with the npm clients graphql-ws and graphql-sse, unmodified."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.subscriptions.clients import npm_client, wire_to
from tests.gateway.subscriptions.conftest import OpenLive
from tests.gateway.subscriptions.live import HQ, Live, until

LEADS = 'subscription($after: ID) { memberActivity(kinds: ["lead"], after: $after) { eventId member { name } } }'
ORDERS = "subscription($after: ID) { orderChanged(after: $after) { eventId order { id } } }"
KINDS = pytest.mark.parametrize("kind", ["ws", "sse"])


async def follows(here: Live, count: int) -> None:
    await until(lambda: len(here.gateway.services.feed) == count)


@KINDS
async def test_a_whole_conversation(here: Live, kind: str) -> None:
    """Several at once, queries between them, errors, completes by both sides, a lost wire, and resuming."""
    _, handle = await here.person()
    async with wire_to(here.port) as wire, npm_client(kind, wire.port, HQ) as client:
        await client.say("subscribe", "leads", LEADS)
        await client.say("subscribe", "orders", ORDERS)
        await follows(here, 2)
        await client.say("subscribe", "query", "{ stores { nodes { name } } }")
        assert await client.hear(lambda m: m.get("id") == "query" and m.get("next")) == {
            "data": {"stores": {"nodes": []}}
        }
        assert await client.hear(lambda m: m == {"id": "query", "complete": True})
        mutation = 'mutation { jobCancel(input: {id: "x"}) { __typename } }'
        await client.say("subscribe", "mutation", mutation)
        assert await client.hear(lambda m: m == {"id": "mutation", "complete": True})

        for name, document, code in (
            ("invalid", "subscription { nothing }", "GRAPHQL_INVALID"),
            (
                "unknown",
                'subscription { orderChanged(after: "00000000000000000000000001") { eventId } }',
                "EVENT_UNKNOWN",
            ),
        ):
            await client.say("subscribe", name, document)
            errors = await client.hear(
                lambda m, name=name: m.get("id") == name and (m.get("error") or m.get("next", {}).get("errors"))
            )
            assert [each["extensions"]["code"] for each in errors] == [code]

        leads = [await here.tell("lead", identity=handle) for _ in range(3)]
        order = await here.tell("order.paid", order_ref=await here.order(handle))
        assert await client.told("leads", "memberActivity", 3) == leads
        assert await client.told("orders", "orderChanged", 1) == [order]
        if kind == "ws":
            assert await client.hear(lambda m: m == {"event": "pong", "received": True})

        # The wire is lost; what happens meanwhile is told once it is back.
        connected = wire.connections
        wire.cut()
        leads += [await here.tell("lead", identity=handle) for _ in range(3)]
        await until(lambda: wire.connections > connected)
        await client.told("leads", "memberActivity", 6)
        leads.append(await here.tell("lead", identity=handle))
        assert await client.told("leads", "memberActivity", 7) == leads

        await client.say("dispose", "leads")
        assert await client.hear(lambda m: m == {"id": "leads", "complete": True})
        await follows(here, 1)
        order = await here.tell("order.completed", order_ref=await here.order(handle))
        assert (await client.told("orders", "orderChanged", 2))[1] == order
        assert client.events("leads", "memberActivity") == leads
    await follows(here, 0)


async def test_a_socket_that_takes_nothing_is_closed_and_goes_on(open_live: OpenLive) -> None:
    """The server closes with 1013; graphql-ws connects again by itself and misses nothing."""
    here = await open_live(stall_seconds=2)
    _, handle = await here.person("林" * 20_000)
    async with wire_to(here.port) as wire, npm_client("ws", wire.port, HQ) as client:
        await client.say("subscribe", "leads", LEADS)
        await follows(here, 1)
        wire.flows.clear()
        told = []
        # More than all buffers between the two hold.
        while len(here.gateway.services.feed) and len(told) < 2_000:
            told.append(await here.tell("lead", identity=handle))
            await asyncio.sleep(0.01)
        assert len(here.gateway.services.feed) == 0, "nobody was thrown out"
        wire.flows.set()
        closed = await client.hear(lambda m: m.get("event") == "closed" and m)
        assert (closed["code"], closed["reason"].split(":")[0]) == (1013, "SUBSCRIPTION_TOO_SLOW")
        assert await client.told("leads", "memberActivity", len(told)) == told


@pytest.mark.long
@KINDS
async def test_who_falls_behind_is_told_and_can_go_on(open_live: OpenLive, kind: str) -> None:
    here = await open_live(backlog=20, stall_seconds=25)
    _, handle = await here.person("林" * 20_000)
    async with wire_to(here.port) as wire, npm_client(kind, wire.port, HQ) as client:
        await client.say("subscribe", "leads", LEADS)
        await follows(here, 1)
        wire.flows.clear()
        told = [await here.tell("lead", identity=handle) for _ in range(400)]
        wire.flows.set()
        [error] = await client.hear(
            lambda m: m.get("id") == "leads" and (m.get("error") or m.get("next", {}).get("errors"))
        )
        assert error["extensions"]["code"] == "SUBSCRIPTION_TOO_SLOW"
        seen = [each["next"] for each in client.heard if each.get("id") == "leads" and "next" in each]
        ids = [each["data"]["memberActivity"]["eventId"] for each in seen if each.get("data")]
        assert ids == told[: len(ids)]
        assert len(ids) < 400
        await client.say("subscribe", "again", LEADS, after=ids[-1])
        assert await client.told("again", "memberActivity", 400 - len(ids)) == told[len(ids) :]
