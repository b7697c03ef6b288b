"""cashStocks, cashStock, and what starts and pauses them; and what 微信支付 says that a member holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.members.gate import Gate
from gateway.transactions.actions import Performed
from gateway.transactions.atomic import Atomic, Failed
from gateway.transactions.effects.cash_stocks import PAUSE, RESTART, START, Asked, Stock, Switch
from gateway.transactions.steps import StepContext
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.test_visit_figures import codes
from tests.gateway.actions.trading import HQ, code, do
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import MCHID, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

TOOL = "payments"
STOCKS = "/v3/marketing/favor/stocks"
#: One that runs, and one that was never started.
RUNS, WAITS = "9856000", "9856001"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "paying"


def effects(shop: Shop) -> list[int]:
    return [shop.effects(TOOL, f"cash_stock_{each}") for each in ("start", "pause", "restart")]


async def told(shop: Shop) -> list[tuple[Any, ...]]:
    facts = await shop.facts("cash_stock.started", "cash_stock.paused")
    return [(each.kind, each.payload["stock"], each.reason) for each in facts]


async def test_a_stock_is_started_once_paused_and_started_again(any_shop: Shop) -> None:
    shop, asked = any_shop, Asked("", WAITS)
    for action, key in ((PAUSE, "pause-key-0"), (RESTART, "restart-key-0")):
        refused = await do(shop, action, asked, key)
        assert (code(refused), refused.details["state"]) == ("CASH_STOCK_STATE", "UNACTIVATED")
    for action, key in ((START, "start-key-1"), (PAUSE, "pause-key-1"), (RESTART, "restart-key-1")):
        for _ in range(2):
            assert await do(shop, action, asked, key) == Stock(MCHID, WAITS)
        shop.pass_time(seconds=1)
    assert code(await do(shop, START, asked, "start-key-2")) == "CASH_STOCK_STATE"
    assert effects(shop) == [1, 1, 1]
    assert [kind for kind, _, _ in await told(shop)] == [
        "cash_stock.started", "cash_stock.paused", "cash_stock.started",
    ]  # fmt: skip


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_switches_once(shop: Shop, fault: FaultKind) -> None:
    shop.sandbox.kit.faults.add(TOOL, fault, endpoint=f"POST {STOCKS}/{RUNS}/pause", calls=(1,))
    with hurried():
        await do(shop, PAUSE, Asked("", RUNS))
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert await do(shop, PAUSE, Asked("", RUNS)) == Stock(MCHID, RUNS)
    assert (effects(shop), len(await told(shop))) == ([0, 1, 0], 1)


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_pausing_and_starting_again_undo_each_other(shop: Shop, known: bool) -> None:
    done = await do(shop, PAUSE, Asked("", RUNS), "pause-key-1")
    assert await undo(shop, PAUSE, done if known else None) == ("cash_stock.started", "UNDONE")
    assert await do(shop, PAUSE, Asked("", RUNS), "pause-key-2") == done
    await do(shop, RESTART, Asked("", RUNS), "restart-key-1")
    assert await undo(shop, RESTART, done if known else None) == ("cash_stock.paused", "UNDONE")
    assert effects(shop) == [0, 3, 2]


async def test_a_transaction_that_fails_says_what_it_took_back(any_shop: Shop) -> None:
    shop = any_shop
    atomic = await shop.checkout.atomics.open(HQ, "atomic-key-1", "a document")
    assert isinstance(atomic, Atomic)
    atomic.at("pause")
    assert isinstance(await atomic.perform(PAUSE, Asked("", RUNS)), Performed)
    answer = await atomic.undo(Failed("other", "REJECTED", "Another field failed."))
    assert answer.code == "TRANSACTION_ROLLED_BACK"
    assert effects(shop) == [0, 1, 1]
    assert await told(shop) == [("cash_stock.paused", RUNS, None), ("cash_stock.started", RUNS, "UNDONE")]


@pytest.mark.parametrize(("status", "more"), [("running", ["cash_stock.started"]), ("stoped", [])])
async def test_a_stock_that_moved_on_is_undone_already(shop: Shop, status: str, more: list[str]) -> None:
    """Somebody else started it again, or its time is over: it is left as it is, and nobody has to look at it."""
    atomic = await shop.checkout.atomics.open(HQ, "atomic-key-1", "a document")
    assert isinstance(atomic, Atomic)
    atomic.at("pause")
    await atomic.perform(PAUSE, Asked("", RUNS))
    book: Any = shop.sandbox.platforms[TOOL].books[MCHID]  # type: ignore[attr-defined]
    book.cash_stocks[RUNS].status = status
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint=f"POST {STOCKS}/{RUNS}/restart", value="INVALID_REQUEST")
    answer = await atomic.undo(Failed("other", "REJECTED", "Another field failed."))
    assert answer.code == "TRANSACTION_ROLLED_BACK"
    assert [kind for kind, _, _ in await told(shop)] == ["cash_stock.paused", *more]


async def undo(shop: Shop, action: Switch, outcome: Stock | None) -> tuple[str, str | None]:
    """As a rolled back transaction does; what its fact says of it."""
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    ctx = StepContext("saga", None, shop.projector, now, gate, open_tools=shop.tools)
    assert action.step.undo is not None
    await action.step.undo(ctx, Stock(MCHID, RUNS), outcome)
    [fact] = ctx.facts
    return fact.kind, fact.reason


async def test_what_the_merchant_did_not_make(shop: Shop) -> None:
    assert code(await do(shop, PAUSE, Asked("", "1"), "key-of-nothing")) == "NOT_FOUND"
    assert code(await do(shop, PAUSE, Asked("1900000000", RUNS), "key-of-nobody")) == "TOOL_NOT_CONFIGURED"
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"GET {STOCKS}/*", value=503)
    with hurried():
        assert code(await do(shop, PAUSE, Asked("", RUNS), "key-of-a-dead")) == "UNAVAILABLE"
    assert (effects(shop), await told(shop)) == ([0, 0, 0], [])


# The graph -----------------------------------------------------------------------------------------


def document(name: str) -> str:
    return (DOCUMENTS / f"{name}.graphql").read_text("utf-8")


@pytest.mark.asyncio(loop_scope="session")
async def test_they_are_filtered_by_the_platform(served: Served) -> None:
    for state, wanted in (("UNACTIVATED", [WAITS]), ("RUNNING", [RUNS]), ("STOPPED", [])):
        found = (await served.client().data(document("cashstocks"), state=state))["cashStocks"]["nodes"]
        assert [each["stockId"] for each in found] == wanted


@pytest.mark.asyncio(loop_scope="session")
async def test_a_page_asks_once_per_ten(served: Served) -> None:
    with served.counted() as count:
        page = await served.client().data("{ cashStocks(first: 1) { nodes { stockId } pageInfo { endCursor } } }")
    assert count.calls == {TOOL: 1}
    after = page["cashStocks"]["pageInfo"]["endCursor"]
    rest = await served.client().data(document("cashstocks"), after=after)
    assert [each["stockId"] for each in rest["cashStocks"]["nodes"]] == [WAITS]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(served: Served, caller: str) -> None:
    stock = {"stockId": RUNS, "idempotencyKey": "not-allowed"}
    with served.counted() as count:
        answers = [
            await served.client(caller).ask(document("cashstocks")),
            await served.client(caller).ask(document("pausestock"), stock=stock),
        ]
    assert [codes(each) for each in answers] == [["FORBIDDEN"], ["FORBIDDEN"]]
    assert count.calls == {}


@pytest.mark.asyncio(loop_scope="session")
async def test_a_stock_that_cannot_be_read_takes_no_other_with_it(served: Served) -> None:
    served.sandbox.kit.faults.add(TOOL, "status", endpoint=f"GET {STOCKS}/{WAITS}", value=503)
    ask = f'{{ runs: cashStock(stockId: "{RUNS}") {{ stockId }} waits: cashStock(stockId: "{WAITS}") {{ stockId }} }}'
    try:
        answer = await served.client().ask(ask)
    finally:
        served.sandbox.kit.faults.clear()
    assert (answer["data"], codes(answer)) == ({"runs": {"stockId": RUNS}, "waits": None}, ["UNAVAILABLE"])


HELD = """query ($u: String!, $live: Boolean!) {
  member(by: {unionid: $u}) { name cashCoupons(live: $live) { nodes { stockId state discount { amount } } } }
}"""


@pytest.mark.asyncio(loop_scope="session")
async def test_what_members_hold_is_asked_under_one_member_only(served: Served) -> None:
    with served.counted() as count:
        await served.client().data(HELD, u=served.person("protagonist").unionid, live=True)
    assert 1 <= count.calls[TOOL] <= 2
    with served.counted() as count:
        await served.client().data("{ members(first: 5) { nodes { cashCoupons(live: true) { nodes { stockId } } } } }")
    assert count.calls == {}


@pytest.mark.asyncio(loop_scope="session")
async def test_a_dead_merchant_makes_the_field_null(served: Served, open_served: OpenServed) -> None:
    who = served.person("protagonist")
    served.sandbox.kit.faults.add(TOOL, "status", endpoint="GET /v3/marketing/favor/users/*", value=503)
    try:
        answer = await served.client().ask(HELD, u=who.unionid, live=True)
    finally:
        served.sandbox.kit.faults.clear()
    assert (answer["data"]["member"]["cashCoupons"], codes(answer)) == (None, ["UNAVAILABLE"])
    assert answer["data"]["member"]["name"]
    absent = await open_served(without(TOOL))
    answer = await absent.client().ask(HELD, u=who.unionid, live=True)
    assert (answer["data"]["member"]["cashCoupons"], codes(answer)) == (None, ["TOOL_NOT_CONFIGURED"])
