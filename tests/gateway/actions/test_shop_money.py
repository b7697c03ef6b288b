"""shopInfo, shopSettlements and shopWithdrawals: a shop's money, as the platform has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.actions.test_visit_figures import TODAY, TOOL, codes, document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOMORROW = TODAY + timedelta(days=1)


async def ask(served: Served, name: str, caller: str = "hq", **given: Any) -> dict[str, Any]:
    """The whole answer."""
    return await served.client(caller).ask(document(name), **given)


def days(many: int) -> dict[str, str]:
    """The last days, and today."""
    return {"from": (TOMORROW - timedelta(days=many)).isoformat(), "until": TOMORROW.isoformat()}


async def settled(served: Served, many: int = 31, **given: Any) -> dict[str, Any]:
    """The connection."""
    answer = await ask(served, "settlements", **days(many), **given)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]["shopSettlements"]
    return found


@pytest.fixture
def withdrawn(served: Served) -> Iterator[list[str]]:
    """Numbers of withdrawals: those that are there, and more than a page holds."""
    kept: dict[str, Any] = served.sandbox.platforms[TOOL].state.withdrawals  # type: ignore[attr-defined]
    before = dict(kept)
    [example] = before.values()
    kept |= {str(2_000_000_000 + n): example | {"amount": 100 + n} for n in range(24)}
    yield list(kept)
    kept.clear()
    kept |= before


async def test_what_orders_bring(served: Served) -> None:
    page = await settled(served, first=100)
    assert page["nodes"]
    for each in page["nodes"]:
        left = each["paid"]["amount"] - each["refunded"]["amount"] - each["commission"]["amount"]
        assert each["settled"]["amount"] == left
        assert each["order"] is not None
    assert {each["state"] for each in page["nodes"]} >= {"SETTLED"}
    assert [each for each in page["nodes"] if each["state"] == "SETTLED" and each["settledAt"] is None] == []
    seen: list[str] = []
    after = None
    while len(seen) < len(page["nodes"]):
        part = await settled(served, first=7, after=after)
        seen += [each["platformId"] for each in part["nodes"]]
        after = part["pageInfo"]["endCursor"]
    assert seen == [each["platformId"] for each in page["nodes"]]


async def test_a_page_costs_the_same_for_one_order_as_for_fifty(served: Served) -> None:
    await settled(served)
    costs = []
    for first in (1, 10, 40):
        with served.counted() as count:
            await settled(served, first=first)
        costs.append((count.calls, count.statements))
    assert costs == [({TOOL: 1}, costs[0][1])] * 3


async def test_what_was_withdrawn(served: Served, withdrawn: list[str]) -> None:
    await ask(served, "withdrawals", first=1)
    with served.counted() as count:
        answer = await ask(served, "withdrawals")
    page = answer["data"]["shopWithdrawals"]
    assert [each["platformId"] for each in page["nodes"]] == withdrawn[:20]
    assert (page["pageInfo"]["hasNextPage"], count.calls) == (True, {TOOL: 2 + 20})
    first = page["nodes"][0]
    assert (first["amount"], first["state"], first["reason"]) == ({"amount": 10_000}, "SUCCESS", "")
    assert first["createdAt"]
    rest = (await ask(served, "withdrawals", after=page["pageInfo"]["endCursor"]))["data"]["shopWithdrawals"]
    assert [each["platformId"] for each in rest["nodes"]] == withdrawn[20:]
    assert rest["pageInfo"]["hasNextPage"] is False


async def test_the_shop_itself(served: Served) -> None:
    found = (await ask(served, "shop-info"))["data"]["shopInfo"]
    assert found["account"] == served.world.wechat_store.appid
    assert (found["name"], found["state"]) == (served.world.wechat_store.name, "open_finished")


async def test_what_cannot_be_asked_is_not_asked(served: Served) -> None:
    app = served.world.mini_programs[0].appid
    with served.counted() as count:
        answers = [
            await ask(served, "settlements", **days(32)),
            await ask(served, "settlements", **days(0)),
            await ask(served, "withdrawals", first=21),
            await ask(served, "settlements", **days(1), account=app),
            await ask(served, "withdrawals", account=app),
            await ask(served, "shop-info", account=app),
        ]
    assert [codes(each) for each in answers] == [["BAD_USER_INPUT"]] * 6
    assert count.calls == {}


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_it(served: Served, caller: str) -> None:
    with served.counted() as count:
        answers = [
            await ask(served, "settlements", caller, **days(1)),
            await ask(served, "withdrawals", caller),
            await ask(served, "shop-info", caller),
        ]
    assert ([codes(each) for each in answers], count.calls) == ([["FORBIDDEN"]] * 3, {})


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    answers = [
        await ask(served, "settlements", **days(1)),
        *[await ask(served, each) for each in ("withdrawals", "shop-info")],
    ]
    assert [codes(each) for each in answers] == [["TOOL_NOT_CONFIGURED"]] * 3
