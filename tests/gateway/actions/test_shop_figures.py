"""shopStatistics and shopBalance: what a shop sold and what it has, as the platform counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.database.clock import BUSINESS_ZONE
from tests.gateway.actions.test_visit_figures import TODAY, TOOL, ask, codes
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOMORROW = TODAY + timedelta(days=1)


async def shown(served: Served, days: int) -> dict[str, Any]:
    """The statistics and the balance, of the last days and today."""
    answer = await ask(served, "shop", TOMORROW - timedelta(days=days), TOMORROW)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]
    return found


@pytest.fixture
def sold(served: Served) -> Iterator[list[Any]]:
    """The shop's orders, of which the last paid ones were sold in a live session and by a short video."""
    orders: dict[str, Any] = served.sandbox.platforms[TOOL].state.orders  # type: ignore[attr-defined]
    before = dict(orders)
    *_, video, live = sorted((key for key, each in orders.items() if each.paid_at), key=lambda key: orders[key].paid_at)
    orders[video], orders[live] = replace(orders[video], scene=3), replace(orders[live], scene=2)
    yield list(orders.values())
    orders |= before


async def test_days_are_the_sums_of_their_orders(served: Served, sold: list[Any]) -> None:
    await shown(served, 1)
    with served.counted() as count:
        found = await shown(served, 31)
    assert count.calls == {TOOL: 31 + (1 + 31) + 1}

    days = found["shopStatistics"]["days"]
    assert [each["date"] for each in days] == [(TOMORROW - timedelta(days=n)).isoformat() for n in range(31, 0, -1)]
    for day in days:
        mine = [
            each
            for each in sold
            if each.paid_at and each.paid_at.astimezone(BUSINESS_ZONE).date().isoformat() == day["date"]
        ]
        assert day["paid"]["amount"] == sum(each.payable for each in mine)
        assert day["livePaid"]["amount"] == sum(each.payable for each in mine if each.scene == 2)
        assert day["videoPaid"]["amount"] == sum(each.payable for each in mine if each.scene == 3)
        assert (day["orders"], day["productVisitors"]) == (len(mine), 40 * len(mine))
        assert day["buyers"] == len({each.person for each in mine})
    assert all(sum(day[way]["amount"] for day in days) > 0 for way in ("livePaid", "videoPaid"))
    lives = found["shopStatistics"]["lives"]
    assert [each["liveId"] for each in lives] == [f"export/yujian-{days}" for days in (17, 10, 3)]
    assert {(each["title"], each["seconds"]) for each in lives} == {("山岚专场", 7200)}


async def test_what_the_shop_has(served: Served) -> None:
    document = "{ shopBalance { available { amount currency } pending { amount } subMchid } }"
    await served.client().data(document)
    with served.counted() as count:
        found = (await served.client().data(document))["shopBalance"]
    state: Any = served.sandbox.platforms[TOOL].state  # type: ignore[attr-defined]
    pending = sum(each.payable for each in state.orders.values() if each.status in {20, 21, 30})
    total = sum(-each["amount"] if each["flow_type"] == 2 else each["amount"] for each in state.flows)
    assert 0 < pending < total
    assert found == {
        "available": {"amount": total - pending, "currency": "CNY"},
        "pending": {"amount": pending},
        "subMchid": "1666000001",
    }
    assert count.calls == {TOOL: 1}


async def test_what_cannot_be_asked_is_not_asked(served: Served) -> None:
    shop = served.world.wechat_store.appid
    await shown(served, 1)
    with served.counted() as count:
        answers = [
            await ask(served, "shop", TOMORROW - timedelta(days=32), TOMORROW, account=shop),
            await ask(served, "shop", TODAY, TODAY),
            await ask(served, "shop", TODAY, TOMORROW + timedelta(days=1)),
        ]
    assert [[each["path"] for each in answer["errors"]] for answer in answers] == [[["shopStatistics"]]] * 3
    assert [codes(each) for each in answers] == [["BAD_USER_INPUT"]] * 3
    # The balance is a question of its own.
    assert (all(each["data"]["shopBalance"] for each in answers), count.calls) == (True, {TOOL: 3})
    with served.counted() as count:
        app = await ask(served, "shop", TODAY, TOMORROW, account=served.world.mini_programs[0].appid)
    assert (codes(app), count.calls) == (["BAD_USER_INPUT"] * 2, {})


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(served: Served, caller: str) -> None:
    with served.counted() as count:
        answer = await ask(served, "shop", TODAY, TOMORROW, caller)
    assert (codes(answer), count.calls) == (["FORBIDDEN"] * 2, {})


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    answer = await ask(await open_served(without(TOOL)), "shop", TODAY, TOMORROW)
    assert codes(answer) == ["TOOL_NOT_CONFIGURED"] * 2
