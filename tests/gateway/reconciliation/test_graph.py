"""What headquarters sees of reconciliations and of the stock book, and who else does not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.database.clock import BUSINESS_ZONE
from gateway.reconciliation import Book
from gateway.resolvers import ids
from tests.gateway.conftest import OpenServed
from tests.gateway.transactions.shop import COAT, MCHID

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLE = (Path(__file__).parents[3] / "examples" / "reconciliations.graphql").read_text("utf-8")
STOCK = """query ($id: ID!) { node(id: $id) { ... on Sku {
  code stock(location: "CENTRAL", channel: MINI_PROGRAM) { location channel onHand reserved free allotted }
} } }"""
ADJUST = """mutation ($input: StockAdjustInput!) { stockAdjust(input: $input) {
  ... on StockAdjusted { onHand reserved transaction { state } } ... on Problem { code }
} }"""


async def test_the_runs_of_a_day(open_served: OpenServed) -> None:
    served = await open_served()
    day = served.gateway.clock.now().astimezone(BUSINESS_ZONE).date() - timedelta(days=2)
    runs = await served.gateway.reconciliation.run(day)
    hq = served.client()
    listed = (await hq.data(EXAMPLE, date=day.isoformat()))["reconciliations"]["nodes"]
    assert {(each["account"], each["book"]): each["state"] for each in listed} == {
        (each.account, each.book.value): each.state.value for each in runs
    }
    assert MCHID in {each["account"] for each in listed}
    [ledger] = [each for each in listed if each["book"] == "FUNDS"]
    [run] = [each for each in runs if each.book is Book.FUNDS]
    assert sum(each["entries"] for each in ledger["funds"]) == run.compared > 0
    assert all(each["funds"] == each["withdrawals"] == [] for each in listed if each is not ledger)
    assert (await hq.data(EXAMPLE, date="2001-01-01"))["reconciliations"]["nodes"] == []
    again = await hq.data(
        "query ($id: ID!) { node(id: $id) { ... on Reconciliation { date account } } }", id=listed[0]["id"]
    )
    assert again["node"] == {"date": day.isoformat(), "account": listed[0]["account"]}
    for caller in ("frontend", "guide", "partner"):
        answer: dict[str, Any] = await served.client(caller).ask(EXAMPLE, date=None)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert answer["data"] == {"reconciliations": None}


async def test_the_stock_book(open_served: OpenServed) -> None:
    served = await open_served()
    sku = ids.encode("sk", COAT)
    [before] = (await served.client("guide").data(STOCK, id=sku))["node"]["stock"]
    assert before["free"] == before["onHand"] - before["reserved"]
    change = {"sku": COAT, "delta": 5, "reason": "found", "idempotencyKey": "five-more"}
    done = (await served.client().data(ADJUST, input=change))["stockAdjust"]
    assert done == {"onHand": before["onHand"] + 5, "reserved": 0, "transaction": {"state": "COMPLETED"}}
    [after] = (await served.client().data(STOCK, id=sku))["node"]["stock"]
    assert after == {**before, "onHand": before["onHand"] + 5, "free": before["free"] + 5}
    answer = await served.client("frontend").ask(STOCK, id=sku)
    assert answer["data"]["node"] == {"code": COAT, "stock": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for caller in ("guide", "frontend"):
        refused = await served.client(caller).ask(ADJUST, input={**change, "idempotencyKey": "not-theirs"})
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
