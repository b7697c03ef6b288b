"""Endpoints through the graph: who may, what is refused at creation, the dry run, connections and nodes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import func, select
from standardwebhooks import Webhook

from gateway.access.principal import Forbidden
from gateway.database.tables.webhooks import webhook_delivery, webhook_endpoint
from gateway.webhooks.endpoints import Wish
from gateway.webhooks.records import WebhookRefused
from tests.gateway.webhooks_out.conftest import QUERY, OpenStage, Stage, principal
from tests.gateway.webhooks_out.receiver import Receiver

CREATE = """mutation ($input: WebhookEndpointCreateInput!) { webhookEndpointCreate(input: $input) {
  ... on WebhookEndpointSecret { secret endpoint { id owner url kinds purpose state code } }
  ... on Problem { code message } } }"""
TEST = """mutation ($input: WebhookEndpointTestInput!) { webhookEndpointTest(input: $input) {
  ... on WebhookTest { url headers { name value } body eventId sent status code } ... on Problem { code } } }"""


def wish(**values: Any) -> dict[str, Any]:
    return {"url": "https://hooks.example.com/", "kinds": ["lead"], "query": QUERY, "purpose": "SERVICE"} | values


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"url": "https://10.0.0.1/"}, "WEBHOOK_URL_INVALID"),
        ({"url": "http://hooks.example.com/"}, "WEBHOOK_URL_INVALID"),
        ({"kinds": []}, "WEBHOOK_KIND_UNKNOWN"),
        ({"kinds": ["lead", "personal_data.searched"]}, "WEBHOOK_KIND_UNKNOWN"),
        ({"description": "x" * 201}, "WEBHOOK_DESCRIPTION_TOO_LONG"),
        ({"query": "query ($eventId: ID!) { event(id: $eventId) { nothing } }"}, "WEBHOOK_QUERY_INVALID"),
        ({"query": "query ($eventId: ID!) { event(id: $eventId) { kind }"}, "WEBHOOK_QUERY_INVALID"),
        ({"query": "query ($id: ID!) { event(id: $id) { kind } }"}, "WEBHOOK_QUERY_INVALID"),
        ({"query": "{ event(id: 1) { kind } }"}, "WEBHOOK_QUERY_INVALID"),
        (
            {"query": "mutation ($eventId: ID!) { jobCancel(input: {id: $eventId}) { __typename } }"},
            "WEBHOOK_QUERY_INVALID",
        ),
        ({"query": QUERY + QUERY.replace("query", "query B")}, "WEBHOOK_QUERY_INVALID"),
        (
            {"query": "query ($eventId: ID!) { event(id: $eventId) { kind } ads(first: 1) { nodes { id } } }"},
            "WEBHOOK_QUERY_FORBIDDEN",
        ),
    ],
)
async def test_refused_at_creation(stage: Stage, values: dict[str, Any], code: str) -> None:
    answer = await stage.ask(CREATE, input=wish(**values))
    assert answer["webhookEndpointCreate"]["code"] == code
    assert await stage.database.fetch(select(webhook_endpoint)) == []


async def test_what_only_an_event_shows_to_be_forbidden_is_refused_at_creation(stage: Stage) -> None:
    """The caller may not read events at all; with one it shows, and without one as well."""
    with pytest.raises(WebhookRefused) as refused:
        await stage.endpoint("https://hooks.example.com/", caller="poor")
    assert refused.value.code == "WEBHOOK_QUERY_FORBIDDEN"
    assert "members:read" in str(refused.value)
    with pytest.raises(Forbidden):
        await stage.endpoint("https://hooks.example.com/", caller="mute")


async def test_no_more_than_a_key_may_have(open_stage: OpenStage) -> None:
    stage = await open_stage(endpoints=1)
    await stage.endpoint("https://hooks.example.com/")
    await stage.endpoint("https://hooks.example.com/", caller="crm")
    answer = await stage.ask(CREATE, input=wish())
    assert answer["webhookEndpointCreate"]["code"] == "WEBHOOK_ENDPOINTS_EXHAUSTED"


async def test_the_dry_run_sends_nothing_and_shows_the_exact_request(stage: Stage, receiver: Receiver) -> None:
    made = (await stage.ask(CREATE, input=wish(url=receiver.url)))["webhookEndpointCreate"]
    secret, endpoint = made["secret"], made["endpoint"]["id"]
    sample = (await stage.ask(TEST, input={"id": endpoint}))["webhookEndpointTest"]
    assert (sample["eventId"], sample["sent"], json.loads(sample["body"])["data"]) == (None, False, {"event": None})

    await stage.happen("one")

    async def shown(**values: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await stage.ask(TEST, input={"id": endpoint} | values))["webhookEndpointTest"]
        return found

    trial = await shown()
    while trial["eventId"] is None:  # On PostgreSQL it may be held back for a moment.
        trial = await shown()
    headers = {each["name"]: each["value"] for each in trial["headers"]}
    body: Any = Webhook(secret).verify(trial["body"], headers)
    assert body["data"]["event"]["eventId"] == trial["eventId"]
    assert headers["webhook-id"].startswith("test_")
    assert (trial["sent"], trial["status"], trial["code"], receiver.seen) == (False, None, None, [])
    assert await stage.deliveries() == []

    receiver.reply = lambda _: 500
    sent = await shown(eventId=trial["eventId"], send=True)
    assert (sent["sent"], sent["status"], sent["code"]) == (True, 500, "WEBHOOK_STATUS")
    [request] = receiver.seen
    assert json.loads(request.body) == body
    Webhook(secret).verify(request.body, request.headers)
    assert (await shown(eventId="0" * 26))["code"] == "WEBHOOK_EVENT_UNKNOWN"


LIST = """query ($first: Int, $after: String) { webhookEndpoints { nodes { id owner url
  deliveries(first: $first, after: $after) { pageInfo { hasNextPage endCursor }
    nodes { id eventId kind state attempts lastStatus code nextAttemptAt lastAttemptAt deliveredAt replayId } } } } }"""


async def test_deliveries_are_a_connection_and_everything_is_a_node(stage: Stage, receiver: Receiver) -> None:
    await stage.endpoint(receiver.url)
    receiver.reply = lambda request: 500 if request.value["data"]["event"]["reason"] == "bad" else 204
    await stage.happen("good")
    await stage.until(lambda: len(receiver.seen) == 1)
    await stage.happen("bad")
    await stage.until(lambda: len(receiver.seen) == 2)

    [endpoint] = (await stage.ask(LIST, first=1))["webhookEndpoints"]["nodes"]
    [bad] = endpoint["deliveries"]["nodes"]
    assert (bad["state"], bad["attempts"], bad["lastStatus"], bad["code"]) == ("PENDING", 1, 500, "WEBHOOK_STATUS")
    assert bad["nextAttemptAt"] > bad["lastAttemptAt"]
    assert endpoint["deliveries"]["pageInfo"]["hasNextPage"] is True
    after = endpoint["deliveries"]["pageInfo"]["endCursor"]
    [rest] = (await stage.ask(LIST, first=1, after=after))["webhookEndpoints"]["nodes"]
    [good] = rest["deliveries"]["nodes"]
    assert (good["state"], good["lastStatus"], good["nextAttemptAt"]) == ("DELIVERED", 204, None)

    node = "query ($id: ID!) { node(id: $id) { __typename id } }"
    for found, name in ((endpoint, "WebhookEndpoint"), (bad, "WebhookDelivery")):
        assert (await stage.ask(node, id=found["id"]))["node"] == {"__typename": name, "id": found["id"]}
        assert (await stage.ask(node, caller="crm", id=found["id"]))["node"] is None
        assert (await stage.ask(node, caller="hq", id=found["id"]))["node"]["id"] == found["id"]
    assert (await stage.ask(LIST, caller="crm"))["webhookEndpoints"]["nodes"] == []
    assert [each["owner"] for each in (await stage.ask(LIST, caller="hq"))["webhookEndpoints"]["nodes"]] == ["erp"]


async def test_another_key_can_do_nothing_with_it(stage: Stage, receiver: Receiver) -> None:
    made, _ = await stage.endpoint(receiver.url)
    receiver.reply = lambda _: 500
    await stage.happen("one")
    await stage.until(lambda: len(receiver.seen) == 1)
    [delivery] = await stage.deliveries()
    rival, endpoints = principal("crm"), stage.endpoints
    for attempt in (
        endpoints.change(rival, made.id, Wish(enabled=False)),
        endpoints.rotate(rival, made.id, 0),
        endpoints.delete(rival, made.id),
        endpoints.test(rival, made.id, None, send=True),
        endpoints.replay(rival, made.id, None, None),
        endpoints.retry(rival, delivery.id),
    ):
        with pytest.raises(WebhookRefused) as refused:
            await attempt
        assert refused.value.code == "WEBHOOK_UNKNOWN"
    assert (await endpoints.get(principal(), made.id)).state == "ENABLED"
    assert len(receiver.seen) == 1
    counted = await stage.database.one(select(func.count().label("n")).select_from(webhook_delivery))
    assert counted is not None
    assert counted.n == 1
