"""The documents of docs/paying.md, played against the emulated platforms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.payments import CashCouponSend, PaymentsAdapter
from gateway.demo.stage import Stage, staged
from tests.conftest import EVENING
from tests.gateway.evening import login

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/paying.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/paying").glob("*.graphql")}
#: A stock of cash coupons that runs, and one that was never started.
RUNS, WAITS = "9856000", "9856001"
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
    assert sorted(FILES) == ["cashstocks", "pausestock", "restartstock", "startstock", "wallet"]
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_a_stock_is_started_paused_and_started_again(stage: Stage) -> None:
    found = await ask(stage, "cashstocks")
    assert [(each["stockId"], each["state"], each["sent"]) for each in found["nodes"]] == [
        (RUNS, "RUNNING", 0), (WAITS, "UNACTIVATED", 0),
    ]  # fmt: skip
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
