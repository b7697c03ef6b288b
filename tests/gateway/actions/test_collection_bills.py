"""collectionBills: what customers paid guides in chats, page by page as the platform has it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import ids
from tests.conftest import EVENING
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = (Path(__file__).parents[3] / "examples" / "customers" / "collections.graphql").read_text("utf-8")
TOOL = "enterprise_chat"
TODAY = EVENING.astimezone(BUSINESS_ZONE).date()


@pytest.fixture
def collected(served: Served) -> Any:
    """What is collected in a test is gone after it."""
    platform: Any = served.sandbox.platforms[TOOL]
    yield platform.bills
    platform.bills.rows.clear()
    platform.bills.hidden.clear()


async def fill(served: Served) -> None:
    """Twelve payments to two guides in turn, and a refund of a part of the last one."""
    actions = served.sandbox.platforms[TOOL].actions()
    other = next(each.person for each in served.world.contacts if each.userid == "maolin" and not each.deleted_by)
    for number in range(12):
        who = "linxiaowen" if number % 2 else other
        userid = "chenyutong" if number % 2 else "maolin"
        paid = await actions["collect"]({"userid": userid, "person": who, "fee": 100 + number, "remark": "改裤脚"})
    await actions["refund_collection"]({"out_trade_no": paid["out_trade_no"], "fee": 11})


async def ask(served: Served, caller: str = "hq", days: int = 1, **given: Any) -> dict[str, Any]:
    """The whole answer, of the last days and today."""
    span = {"from": (TODAY + timedelta(days=1 - days)).isoformat(), "until": (TODAY + timedelta(days=1)).isoformat()}
    return await served.client(caller).ask(DOCUMENT, **(span | given))


async def bills(served: Served, **given: Any) -> dict[str, Any]:
    """The connection."""
    answer = await ask(served, **given)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]["collectionBills"]
    return found


async def test_payments_and_refunds_of_guides_and_members(served: Served, collected: Any) -> None:
    await fill(served)
    unionid = served.person("protagonist").unionid
    document = "query ($u: String!) { member(by: {unionid: $u}) { id } }"
    who = (await served.client().data(document, u=unionid))["member"]["id"]

    rows = (await bills(served, first=50))["nodes"]

    assert [each["amount"]["amount"] for each in rows] == [*range(100, 112), 11]
    assert [each["kind"] for each in rows] == ["PAYMENT"] * 12 + ["REFUND"]
    paid = rows[11]
    assert (paid["guide"]["name"], paid["member"], paid["way"]) == ("陈雨桐", {"id": who}, "CHAT")
    assert paid["remark"] == "改裤脚"
    assert (paid["refunded"], paid["refunds"]) == ({"amount": 11}, [{"amount": {"amount": 11}, "paidBack": True}])
    assert paid["transactionId"] == rows[12]["transactionId"]
    guide = ids.encode("gd", "maolin", served.world.corp.corpid)
    assert {each["guide"]["name"] for each in (await bills(served, guide=guide))["nodes"]} == {"毛琳"}
    assert {each["remark"] for each in (await bills(served, caller="masked"))["nodes"]} == {None}


async def test_a_page_is_one_call_whatever_its_size(served: Served, collected: Any) -> None:
    await fill(served)
    await bills(served)
    costs = []
    for first in (1, 5, 10):
        with served.counted() as count:
            assert len((await bills(served, first=first))["nodes"]) == first
        costs.append((count.statements, count.calls))
    assert costs == [(costs[0][0], {TOOL: 1})] * 3
    seen: list[int] = []
    after = None
    while True:
        page = await bills(served, first=5, after=after)
        seen += [each["amount"]["amount"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [*range(100, 112), 11]
    other = await ask(served, days=2, after=after)
    assert [each["extensions"]["code"] for each in other["errors"]] == ["CURSOR_INVALID"]


async def test_guides_whom_the_app_does_not_see_are_no_end_of_the_list(served: Served, collected: Any) -> None:
    await fill(served)
    collected.hidden = {"maolin"}
    page = await bills(served, first=50)
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (7, False)


@pytest.mark.parametrize("days", [0, 32])
async def test_a_span_is_a_month_at_most(served: Served, days: int) -> None:
    with served.counted() as count:
        answer = await ask(served, days=days)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_USER_INPUT"]
    assert count.calls == {}


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(served: Served, caller: str) -> None:
    answer = await ask(served, caller)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_a_brand_without_the_tool(open_served: OpenServed) -> None:
    answer = await ask(await open_served(without(TOOL)))
    assert answer["data"] == {"collectionBills": None}
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["TOOL_NOT_CONFIGURED"]
