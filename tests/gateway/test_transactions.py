"""Transactions in the graph: headquarters lists them, has them tried again, and says what they came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.database.tables.facts import fact
from gateway.database.tables.sagas import saga, saga_step
from gateway.resolvers import ids
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = """query List($filter: TransactionFilter, $first: Int, $after: String) {
  transactions(filter: $filter, first: $first, after: $after) {
    nodes { id kind state attention order { id } transaction { state steps { name state reason } } }
    pageInfo { hasNextPage endCursor }
  }
}"""
RETRY = """mutation Retry($input: TransactionRetryInput!) {
  transactionRetry(input: $input) { ... on Transaction { id state } ... on Problem { code message } }
}"""
RESOLVE = """mutation Resolve($input: TransactionResolveInput!) {
  transactionResolve(input: $input) { ... on Transaction { id state } ... on Problem { code message } }
}"""
REFUND = """mutation Refund($input: OrderRefundInput!) {
  orderRefund(input: $input) { ... on OrderRefund { number } ... on Problem { code message } }
}"""
BEGAN = datetime(2026, 11, 11, 12, tzinfo=UTC)


async def plant(served: Served, *states: tuple[str, str | None]) -> Sequence[str]:
    """Transactions in these states, each an hour after the one before, with a step of an unknown release."""
    names = [f"01M00000000000000000000{number:03d}" for number in range(len(states))]
    async with served.gateway.services.database.write() as connection:
        for number, (name, (state, attention)) in enumerate(zip(names, states, strict=True)):
            at = BEGAN + timedelta(hours=number)
            row = {"id": name, "kind": "checkout", "version": 1, "state": state, "attention": attention}
            await connection.execute(saga.insert().values(**row, input={}, created_at=at, updated_at=at))
            step = {"saga_id": name, "seq": 1, "name": "of.another.release", "kind": "RETRIABLE", "delivery": "ONCE"}
            more: dict[str, Any] = {"state": "PENDING", "intent": {"version": 9, "value": {}}, "attempts": 0}
            await connection.execute(saga_step.insert().values(**step, **more))
    return [ids.encode("tx", name) for name in names]


async def test_the_list_is_filtered_and_paged_latest_first(open_served: OpenServed) -> None:
    served = await open_served()
    known = await plant(
        served, ("COMPLETED", None), ("NEEDS_ATTENTION", "STEP_FAILED"), ("NEEDS_ATTENTION", "PAYMENT_LATE")
    )
    page = (await served.client().data(LIST, first=2))["transactions"]
    assert [node["id"] for node in page["nodes"]] == [known[2], known[1]]
    assert page["nodes"][1] == {
        "id": known[1],
        "kind": "checkout",
        "state": "NEEDS_ATTENTION",
        "attention": "STEP_FAILED",
        "order": None,
        "transaction": {
            "state": "NEEDS_ATTENTION",
            "steps": [{"name": "of.another.release", "state": "PENDING", "reason": None}],
        },
    }
    rest = (await served.client().data(LIST, first=2, after=page["pageInfo"]["endCursor"]))["transactions"]
    assert ([node["id"] for node in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == ([known[0]], False)
    for wanted, found in (
        ({"states": ["COMPLETED"]}, [known[0]]),
        ({"attention": "PAYMENT_LATE"}, [known[2]]),
        ({"from": BEGAN.isoformat(), "before": (BEGAN + timedelta(minutes=1)).isoformat()}, [known[0]]),
        ({"kind": "refund"}, []),
    ):
        nodes = (await served.client().data(LIST, filter=wanted))["transactions"]["nodes"]
        assert [node["id"] for node in nodes] == found, wanted


async def test_a_person_answers_once_and_it_is_told(open_served: OpenServed) -> None:
    served = await open_served()
    done, stopped, late = await plant(
        served, ("COMPLETED", None), ("NEEDS_ATTENTION", "STEP_FAILED"), ("NEEDS_ATTENTION", "PAYMENT_LATE")
    )
    hq = served.client()

    async def retry(transaction: str, reason: str = "the release is here") -> Any:
        return (await hq.data(RETRY, input={"id": transaction, "reason": reason}))["transactionRetry"]

    async def resolve(transaction: str) -> Any:
        values = {"id": transaction, "outcome": "COMPENSATED", "reason": "refunded by hand"}
        return (await hq.data(RESOLVE, input=values))["transactionResolve"]

    assert (await retry(stopped, " "))["code"] == "BAD_USER_INPUT"
    assert (await retry(stopped)) == {"id": stopped, "state": "COMPLETING"}
    assert (await retry(stopped))["code"] == "TRANSACTION_SETTLED"
    assert (await retry(done))["code"] == "TRANSACTION_SETTLED"
    assert (await retry(late))["code"] == "TRANSACTION_NOT_RETRYABLE"
    assert (await retry(ids.encode("tx", "01M00000000000000000000999")))["code"] == "TRANSACTION_UNKNOWN"
    assert (await resolve(late)) == {"id": late, "state": "COMPENSATED"}
    assert (await resolve(late))["code"] == "TRANSACTION_SETTLED"
    rows = await served.gateway.services.database.fetch(
        select(fact.c.kind, fact.c.payload).where(fact.c.kind.in_(["transaction.retried", "transaction.resolved"]))
    )
    assert {row.kind: (row.payload["by"], row.payload["because"]) for row in rows} == {
        "transaction.retried": ("hq", "the release is here"),
        "transaction.resolved": ("hq", "refunded by hand"),
    }


@pytest.mark.parametrize("caller", ["frontend", "guide", "partner"])
async def test_nobody_but_headquarters_may(open_served: OpenServed, caller: str) -> None:
    served = await open_served()
    [stopped] = await plant(served, ("NEEDS_ATTENTION", "STEP_FAILED"))
    client = served.client(caller)
    for document, variables in (
        (LIST, {}),
        (RETRY, {"input": {"id": stopped, "reason": "x"}}),
        (RESOLVE, {"input": {"id": stopped, "outcome": "COMPLETED", "reason": "x"}}),
        (REFUND, {"input": {"order": "x", "reason": "x", "idempotencyKey": "x" * 8}}),
    ):
        answer = await client.ask(document, **variables)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    row = await served.gateway.services.database.one(select(saga.c.state))
    assert row is not None
    assert row.state == "NEEDS_ATTENTION"
