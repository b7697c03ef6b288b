"""The documents of docs/paying.md, played against the emulated platforms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.payments import CashCouponSend, PaymentsAdapter
from gateway.demo.stage import Stage, staged
from tests.conftest import EVENING
from tests.gateway.evening import login
from tests.gateway.test_buying_page import PRICE, Phone

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/paying.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/paying").glob("*.graphql")}
#: A stock of cash coupons that runs, and one that was never started.
RUNS, WAITS = "9856000", "9856001"
MCHID, FRANCHISE = "1900007291", "1900008837"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(now=EVENING, folder=tmp_path_factory.mktemp("paying")) as stage:
        yield stage


async def ask(stage: Stage, name: str, *, session: str | None = None, **variables: Any) -> Any:
    """A document of the page; its only field's answer. Of headquarters, or of a shopper."""
    key = stage.keys.hq if session is None else stage.keys.frontend
    answer = await stage.graphql(FILES[name], variables, key=key, session=session)
    assert "errors" not in answer, answer["errors"]
    return next(iter(answer["data"].values()))


async def test_the_page_shows_every_document() -> None:
    assert sorted(FILES) == [
        "cashstocks",
        "pausestock",
        "receiver",
        "receivers",
        "redirect",
        "restartstock",
        "share",
        "sharereturn",
        "shares",
        "startstock",
        "strikeoff",
        "unfreeze",
        "wallet",
    ]
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_a_stock_is_started_paused_and_started_again(stage: Stage) -> None:
    found = await ask(stage, "cashstocks")
    runs, waits = found["nodes"]
    assert [(each["stockId"], each["state"]) for each in (runs, waits)] == [(RUNS, "RUNNING"), (WAITS, "UNACTIVATED")]
    assert waits["sent"] == 0
    steps = (("startstock", "RUNNING"), ("pausestock", "PAUSED"), ("restartstock", "RUNNING"))
    for name, state in steps:
        stock = {"stockId": WAITS, "idempotencyKey": f"{name}-000042"}
        for _ in range(2):
            done = await ask(stage, name, stock=stock)
            assert (done["cashStock"]["state"], done["transaction"]["state"]) == (state, "COMPLETED")
    refused = await ask(stage, "startstock", stock={"stockId": WAITS, "idempotencyKey": "start-000043"})
    assert refused["code"] == "CASH_STOCK_STATE"
    asked = "query ($number: String!) { cashStock(stockId: $number) { state } }"
    seen = [(await stage.graphql(asked, {"number": each}, key=stage.keys.hq))["data"] for each in (WAITS, "1")]
    assert seen == [{"cashStock": {"state": "RUNNING"}}, {"cashStock": None}]


async def test_a_shopper_sees_what_they_hold(stage: Stage) -> None:
    world = stage.sandbox.world
    who = world.cast["protagonist"]
    session = await login(stage, who)
    assert (await ask(stage, "wallet", session=session))["cashCoupons"]["nodes"] == []
    appid = world.mini_programs[0].appid
    merchant = stage.gateway.services.tools.all(PaymentsAdapter)[0]
    given = CashCouponSend(RUNS, appid, world.people[who].openids[appid], "BY-THE-CONSOLE")
    number = await merchant.send_cash_coupon(given)
    [held] = (await ask(stage, "wallet", session=session))["cashCoupons"]["nodes"]
    assert (held["couponId"], held["stockId"], held["state"], held["discount"]) == (
        number, RUNS, "USABLE", {"amount": 1000},
    )  # fmt: skip


async def bought(stage: Stage, key: str) -> str:
    """An order that was paid two minutes ago; its id."""
    phone = Phone(stage, await login(stage, stage.sandbox.world.cast["protagonist"]))
    done = await phone.buy(key)
    await stage.act("payments", "pay", payment_request=done["paymentRequest"])
    await stage.quiet()
    stage.pass_time(timedelta(minutes=2))
    order: str = done["order"]["id"]
    return order


async def test_a_payment_is_shared_the_rest_unfrozen_and_a_part_taken_back(stage: Stage) -> None:
    order = await bought(stage, "press-0001")
    receiver = {
        "account": FRANCHISE,
        "name": "屿见加盟有限公司",
        "relation": "STORE",
        "idempotencyKey": "receiver-000042",
    }
    assert (await ask(stage, "receiver", receiver=receiver))["account"] == FRANCHISE
    [entered] = (await ask(stage, "receivers"))["nodes"]
    assert (entered["mchid"], entered["account"], entered["relation"]) == (MCHID, FRANCHISE, "STORE")
    part = {"receiver": FRANCHISE, "amount": 9000, "description": "门店分成"}
    share = {"order": order, "parts": [part], "unfreeze": False, "idempotencyKey": "share-000042"}
    shared = await ask(stage, "share", share=share)
    assert shared["order"]["profitShares"] == [{"receiver": FRANCHISE, "amount": {"amount": 9000}, "state": "PENDING"}]
    assert shared["transaction"]["state"] == "COMPLETED"
    # Its receiver is told, and is a merchant of ours.
    await stage.act("payments", "settle_sharing", out_order_no=shared["number"])
    await stage.quiet()
    assert (await ask(stage, "shares", order=order))["amount"] == PRICE - 9000
    seen = await shares(stage, order)
    assert [(each["receiver"], each["state"], each["returns"]) for each in seen] == [(FRANCHISE, "SUCCESS", [])]
    rest = {"order": order, "idempotencyKey": "unfreeze-000042"}
    unfrozen = await ask(stage, "unfreeze", rest=rest)
    assert unfrozen["order"]["profitShares"][1] == {
        "unfrozen": True, "amount": {"amount": PRICE - 9000}, "state": "SUCCESS",
    }  # fmt: skip
    back = {
        "mchid": MCHID,
        "number": shared["number"],
        "receiver": FRANCHISE,
        "amount": 9000,
        "description": "退款回退",
    }
    taken = await ask(stage, "sharereturn", back=back | {"idempotencyKey": "back-000042"})
    [under_way] = taken["order"]["profitShares"][0]["returns"]
    assert under_way["state"] == "PROCESSING"
    await stage.act("payments", "settle_share_return", out_return_no=under_way["number"])
    await stage.quiet()
    [came_back] = (await shares(stage, order))[0]["returns"]
    assert (came_back["number"], came_back["state"]) == (under_way["number"], "SUCCESS")
    assert (await ask(stage, "shares", order=order))["amount"] == 0
    struck = await ask(stage, "strikeoff", receiver={"account": FRANCHISE, "idempotencyKey": "strike-000042"})
    assert struck["account"] == FRANCHISE
    assert (await ask(stage, "receivers"))["nodes"] == []


async def test_a_refund_that_is_not_there_goes_nowhere(stage: Stage) -> None:
    card = {"bank": "ICBC_DEBIT", "number": "6222020200000000000", "holder": "林晓雯"}
    refused = await ask(stage, "redirect", refund={"number": "RF1", "card": card, "idempotencyKey": "redirect-000042"})
    assert refused["code"] == "REFUND_UNKNOWN"
    assert card["number"] not in str(refused)


async def shares(stage: Stage, order: str) -> list[dict[str, Any]]:
    answer = await stage.graphql(FILES["shares"], {"order": order}, key=stage.keys.hq)
    found: list[dict[str, Any]] = answer["data"]["node"]["profitShares"]
    return found


@pytest.mark.parametrize(
    ("name", "variables", "scope"),
    [
        ("cashstocks", {}, "coupons:write"),
        ("pausestock", {"stock": {"stockId": RUNS}}, "coupons:write"),
        ("redirect", {"refund": {"number": "1"}}, "operations"),
        ("receivers", {}, "shares:write"),
        ("receiver", {"receiver": {"account": "1", "name": "x", "relation": "STORE"}}, "shares:write"),
        ("strikeoff", {"receiver": {"account": "1"}}, "shares:write"),
        ("share", {"share": {"order": "x", "parts": [], "unfreeze": False}}, "shares:write"),
        ("unfreeze", {"rest": {"order": "x"}}, "shares:write"),
        (
            "sharereturn",
            {"back": {"mchid": MCHID, "number": "1", "receiver": "1", "amount": 1, "description": "x"}},
            "shares:write",
        ),
    ],
)
async def test_a_shopper_has_no_such_scope(stage: Stage, name: str, variables: dict[str, Any], scope: str) -> None:
    answer = await stage.graphql(FILES[name], variables, key=stage.keys.frontend)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert scope in error["message"]


async def test_a_shopper_sees_no_shares_of_their_own_order(stage: Stage) -> None:
    order = await bought(stage, "press-0002")
    session = await login(stage, stage.sandbox.world.cast["protagonist"])
    answer = await stage.graphql(FILES["shares"], {"order": order}, key=stage.keys.frontend, session=session)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN", "FORBIDDEN"]
    assert (answer["data"]["profitUnshared"], answer["data"]["node"]["profitShares"]) == (None, None)
    assert answer["data"]["node"]["payable"]["amount"] == PRICE


async def test_a_platform_that_is_away_costs_what_only_it_knows(stage: Stage) -> None:
    order = await bought(stage, "press-0003")
    stage.sandbox.kit.faults.add("payments", "status", endpoint="GET /v3/profitsharing/*", value=503)
    try:
        answer = await stage.graphql(FILES["shares"], {"order": order}, key=stage.keys.hq)
    finally:
        stage.sandbox.kit.faults.clear()
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["UNAVAILABLE"]
    assert (answer["data"]["profitUnshared"], answer["data"]["node"]["profitShares"]) == (None, [])
