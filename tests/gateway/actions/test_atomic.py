"""@atomic over the whole gateway: the examples of docs/atomic.md, undone points, and a message at the end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from tests.gateway.actions.test_template_messages import FIELDS, Desk
from tests.gateway.conftest import OpenServed

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = Path(__file__).parents[3] / "docs" / "atomic.md"
TRANSFER, BOTH = re.findall(r"^```graphql\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
WATCH = "query ($t: ID!) { transaction(id: $t) { state steps { name state } } }"
BALANCE = "query ($m: ID!) { member(by: {id: $m}) { points { balance entries { nodes { kind points } } } } }"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def variables(desk: Desk) -> dict[str, Any]:
    """From the protagonist to somebody else, and a message to the protagonist."""
    message = {
        "member": await desk.member("protagonist"),
        "template": desk.known["templates"]["order_paid"],
        "fields": FIELDS,
        "purpose": "SERVICE",
    }
    unionid = desk.served.person("expired_coupon").unionid
    other = await desk.served.client().data("query ($u: String!) { member(by: {unionid: $u}) { id } }", u=unionid)
    return {"from": message["member"], "to": other["member"]["id"], "message": message}


async def points(desk: Desk, member: str) -> dict[str, Any]:
    found: dict[str, Any] | None = (await desk.served.client().data(BALANCE, m=member))["member"]["points"]
    return found or {"balance": 0, "entries": {"nodes": []}}


async def test_the_pages_first_example(desk: Desk) -> None:
    given, client, sent = await variables(desk), desk.served.client(), len(desk.sent())
    before = [(await points(desk, given[who]))["balance"] for who in ("from", "to")]

    data = await client.data(TRANSFER, **given)

    assert data["take"] == {"entry": {"points": -300, "reason": "转赠"}, "points": {"balance": before[0] - 300}}
    assert data["give"] == {"entry": {"points": 300, "reason": "转赠"}, "points": {"balance": before[1] + 300}}
    assert data["tell"]["code"] == "QUEUED"
    assert len(desk.sent()) == sent
    await desk.served.gateway.worker.drain()
    assert len(desk.sent()) == sent + 1
    assert (await client.data(WATCH, t=data["tell"]["transactionId"]))["transaction"] == {
        "state": "COMPLETED",
        "steps": [
            {"name": "points.adjust", "state": "DONE"},
            {"name": "points.adjust", "state": "DONE"},
            {"name": "template_message.send", "state": "DONE"},
        ],
    }
    again = await client.data(TRANSFER, **given)
    assert (again["take"], again["give"]) == (data["take"], data["give"])
    assert (await points(desk, given["from"]))["balance"] == before[0] - 300


async def test_the_pages_second_example(desk: Desk) -> None:
    given = await variables(desk)
    data = await desk.served.client().data(BOTH, **{"from": given["from"], "to": given["to"]})
    assert data["give"] == {"entry": {"reason": "转赠", "points": 10}}


async def test_what_was_read_for_an_export_is_read_again_for_the_answer(desk: Desk) -> None:
    member = await desk.member("protagonist")
    left = (await points(desk, member))["balance"] - 10
    data = await desk.served.client().data(
        """mutation ($m: ID!, $left: Long = 0) @atomic(key: "doubled-0001") {
          take: pointsAdjust(input: {member: $m, points: -10, reason: "抽奖"}) {
            ... on PointsAdjusted { points { balance @export(as: "left") } } }
          double: pointsAdjust(input: {member: $m, points: $left, reason: "抽奖"}) {
            ... on PointsAdjusted { entry { points } points { balance } } }
        }""",
        m=member,
    )
    assert data["double"] == {"entry": {"points": left}, "points": {"balance": 2 * left}}
    assert data["take"] == {"points": {"balance": 2 * left}}


async def test_points_are_given_back_by_the_opposite_entry(desk: Desk) -> None:
    given, client = await variables(desk), desk.served.client()
    before = await points(desk, given["from"])
    # The second one has not so many points.
    data = await client.data(TRANSFER.replace("points: 300", "points: -90000000"), **given)
    assert {(each["code"], each.get("failedField", "give")) for each in data.values()} == {
        ("TRANSACTION_ROLLED_BACK", "give")
    }
    assert data["take"]["cause"] == "POINTS_INSUFFICIENT"
    after = await points(desk, given["from"])
    assert after["balance"] == before["balance"]
    assert after["entries"]["nodes"][:2] == [{"kind": "REVERSAL", "points": 300}, {"kind": "ADJUST", "points": -300}]
    found = (await client.data(WATCH, t=data["take"]["transactionId"]))["transaction"]
    assert (found["state"], [each["state"] for each in found["steps"]]) == ("COMPENSATED", ["UNDONE", "FAILED"])


async def test_nobody_else_may_watch_it(desk: Desk) -> None:
    data = await desk.served.client().data(TRANSFER, **(await variables(desk)))
    found = await desk.served.client("frontend").data(WATCH, t=data["tell"]["transactionId"])
    assert found == {"transaction": None}


@pytest.mark.parametrize(("media", "status"), [("application/json", 200), ("application/graphql-response+json", 400)])
async def test_a_refusal_is_an_error_of_the_request(desk: Desk, media: str, status: int) -> None:
    document = TRANSFER.replace("transfer-000042", "short")
    body = {"query": document, "variables": await variables(desk)}
    answer = await desk.served.client().post(body, Accept=media)
    assert answer.status == status
    told = orjson.loads(answer.body)
    [error] = told["errors"]
    assert error["extensions"] == {"code": "IDEMPOTENCY_KEY_REQUIRED"}
    assert error["locations"] == [{"line": 1, "column": document.index("@atomic") + 1}]
    assert "data" not in told
