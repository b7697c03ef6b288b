"""adAccount, adSwitch, adBudgetSet, adAccountBudgetSet: the platform's own money and figures, for headquarters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.social_ads.sandbox import Sandbox as Platform
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.facts import fact
from gateway.resolvers import ids
from tests.conftest import EVENING
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "social_ads"
BUDGETS = "POST /v3.0/adgroups/update_daily_budget"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "ads"
ACCOUNT, FIGURES, CREATIVES, CHANGE, UPDATE = (
    (DOCUMENTS / f"{name}.graphql").read_text("utf-8")
    for name in ("account", "figures", "creatives", "change", "update")
)
SWITCH, LIMIT, LIMIT_ACCOUNT = CHANGE.split("\n\n")
TODAY = EVENING.astimezone(BUSINESS_ZONE).date()


class Desk:
    """Headquarters, which buys ads."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.account = str(served.world.ad_account)

    @property
    def platform(self) -> Platform:
        """The emulated 腾讯广告."""
        return cast(Platform, self.served.sandbox.platforms[TOOL])

    def ad(self, place: int) -> str:
        """The id of an ad of the world."""
        return ids.encode("ad", str(self.served.world.ad_groups[place].adgroup_id), self.account)

    async def figures(self, *, days: int = 7, until: int = 0, **more: Any) -> dict[str, Any]:
        """The whole answer; ``until`` is so many days ago."""
        end = TODAY - timedelta(days=until)
        given = {"from": (end - timedelta(days=days)).isoformat(), "until": end.isoformat()}
        given |= {"date": (TODAY - timedelta(days=1)).isoformat()} | more
        return await self.served.client().ask(FIGURES, **given)

    async def change(self, document: str, **given: Any) -> dict[str, Any]:
        """What a mutation answers."""
        [answer] = (await self.served.client().data(document, **given)).values()
        return cast(dict[str, Any], answer)

    async def told(self) -> list[tuple[str | None, str | None, int | None]]:
        """Ad, what, and amount of the facts of changes."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.ad, fact.c.reason, fact.c.amount_fen).where(fact.c.kind == "ad.changed").order_by(fact.c.seq)
        )
        return [(row.ad, row.reason, row.amount_fen) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    kept = list(desk.platform.ad_groups)
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.ad_groups[:] = kept
    desk.platform.ads.changes.clear()
    desk.platform.advertiser.daily_budget = 0


async def test_the_accounts_money_is_the_platforms(desk: Desk) -> None:
    with desk.served.counted() as count:
        found = (await desk.served.client().data(ACCOUNT))["adAccount"]
    assert (found["account"], found["company"], found["dailyBudget"]) == (desk.account, desk.served.world.brand, None)
    spent = sum(each["cost"]["amount"] for each in found["costs"]["nodes"])
    cash = found["funds"][0]
    assert (cash["kind"], cash["spentToday"]["amount"], spent) == ("FUND_TYPE_CASH", spent, spent)
    assert all(each["ad"]["name"] for each in found["costs"]["nodes"])
    assert count.calls == {TOOL: 3}


async def test_the_hours_of_a_day_sum_to_it(desk: Desk) -> None:
    found = (await desk.figures(days=1, ads=[desk.ad(0)]))["data"]["adAccount"]
    [day] = found["days"]["nodes"]
    assert (day["date"], day["ad"]["id"]) == ((TODAY - timedelta(days=1)).isoformat(), desk.ad(0))
    hours = found["hours"]["nodes"]
    assert [each["hour"] for each in hours] == list(range(24))
    assert sum(each["figures"]["cost"]["amount"] for each in hours) == day["figures"]["cost"]["amount"]
    assert {each["ad"]["id"] for each in hours} == {desk.ad(0)}


async def test_pages_of_days_meet(desk: Desk) -> None:
    whole = (await desk.figures())["data"]["adAccount"]["days"]["nodes"]
    found, after = [], None
    while True:
        page = (await desk.figures(first=5, after=after))["data"]["adAccount"]["days"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == whole
    assert len(whole) == 14


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_a_page_of_creatives_is_one_call_and_one_statement(desk: Desk, number: int) -> None:
    first = desk.platform.ad_groups[0]
    desk.platform.ad_groups[:] = [replace(first, adgroup_id=first.adgroup_id + place) for place in range(number)]
    await desk.served.client().data(CREATIVES)
    with desk.served.counted() as count:
        found = (await desk.served.client().data(CREATIVES))["adAccount"]["creatives"]["nodes"]
    assert (len(found), found[0]["ad"]["id"], found[0]["on"]) == (number, desk.ad(0), True)
    assert (count.calls, count.statements) == ({TOOL: 1}, 1)


@pytest.mark.parametrize(
    ("days", "until", "ads"),
    [(0, 0, None), (1, -2, None), (366, 0, None), (1, 0, []), (1, 0, [ids.encode("ad", "1", "2")])],
)
async def test_what_the_platform_does_not_have_is_not_asked(
    desk: Desk, days: int, until: int, ads: list[str] | None
) -> None:
    document = FIGURES.split("    hours(")[0] + "  }\n}\n"
    end = TODAY - timedelta(days=until)
    given = {"from": (end - timedelta(days=days)).isoformat(), "until": end.isoformat(), "ads": ads}
    with desk.served.counted() as count:
        answer = await desk.served.client().ask(document.replace("$date: Date!, ", ""), **given)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_USER_INPUT"]
    assert count.calls == {}


async def test_a_platform_that_is_down_costs_its_fields_only(desk: Desk) -> None:
    desk.served.sandbox.kit.faults.add(TOOL, "status", endpoint="GET /v3.0/hourly_reports/get", value=503)
    answer = await desk.figures()
    assert (answer["data"]["adAccount"]["hours"], len(answer["data"]["adAccount"]["days"]["nodes"])) == (None, 14)
    assert [each["path"] for each in answer["errors"]] == [["adAccount", "hours"]]


async def test_ads_are_suspended_and_our_rows_know_it(desk: Desk) -> None:
    answer = await desk.change(SWITCH, ads=[desk.ad(0), desk.ad(1)], on=False, key="switch-0001")
    assert {each["id"]: each["status"] for each in answer["ads"]} == dict.fromkeys(
        (desk.ad(0), desk.ad(1)), "ADGROUP_STATUS_SUSPEND"
    )
    assert (answer["refused"], answer["transaction"]["state"]) == ([], "COMPLETED")
    before = desk.served.sandbox.kit.journal.count(TOOL)
    assert (await desk.change(SWITCH, ads=[desk.ad(0), desk.ad(1)], on=False, key="switch-0001")) == answer
    assert desk.served.sandbox.kit.journal.count(TOOL) == before
    assert await desk.told() == [(ids.decode(desk.ad(place))[2], "OFF", None) for place in (0, 1)]


async def test_one_budget_that_is_too_small_is_told_beside_the_others(desk: Desk) -> None:
    budgets = [{"ad": desk.ad(0), "dailyBudget": 400_000_000}, {"ad": desk.ad(1), "dailyBudget": 5_000}]
    answer = await desk.change(LIMIT, budgets=budgets, key="budget-0001")
    assert [each["id"] for each in answer["ads"]] == [desk.ad(0)]
    [refused] = answer["refused"]
    assert refused["ad"]["id"] == desk.ad(1)
    assert await desk.told() == [(ids.decode(desk.ad(0))[2], "BUDGET", 400_000_000)]
    # Where all are refused nothing happened, and it is said so.
    assert (await desk.change(LIMIT, budgets=budgets[1:], key="budget-0002"))["code"] == "REJECTED"


async def test_a_lost_answer_is_set_again(desk: Desk) -> None:
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint=BUDGETS, calls=(1,))
    answer = await desk.change(LIMIT, budgets=[{"ad": desk.ad(0), "dailyBudget": None}], key="budget-0003")
    assert [each["id"] for each in answer["ads"]] == [desk.ad(0)]
    assert await desk.told() == [(ids.decode(desk.ad(0))[2], "BUDGET", None)]


async def test_an_ad_is_renamed_and_bids_more(desk: Desk) -> None:
    given = {"ad": desk.ad(0), "name": "双11 返场", "bid": 6_000, "ends": "2026-11-30"}
    answer = await desk.change(UPDATE, input=given | {"idempotencyKey": "update-ad-1"})
    assert answer["ads"] == [{"id": desk.ad(0), "name": "双11 返场"}]
    assert desk.platform.ads.changes[int(ids.decode(desk.ad(0))[2])]["end_date"] == "2026-11-30"
    assert await desk.told() == [(ids.decode(desk.ad(0))[2], "EDIT", 6_000)]
    again = await desk.change(UPDATE, input={"ad": desk.ad(0), "idempotencyKey": "update-ad-2"})
    taken = await desk.change(UPDATE, input={"ad": desk.ad(1), "name": "双11 返场", "idempotencyKey": "update-ad-3"})
    assert (again["code"], taken["code"]) == ("INVALID", "INVALID")


async def test_the_account_is_limited(desk: Desk) -> None:
    answer = await desk.change(LIMIT_ACCOUNT, budget=300_000, key="account-0001")
    assert answer["account"]["dailyBudget"]["amount"] == 300_000
    assert await desk.told() == [(None, "BUDGET", 300_000)]


async def test_what_cannot_be_is_refused_before_any_call(desk: Desk) -> None:
    stranger = ids.encode("ad", "42", desk.account)
    wrong: tuple[tuple[str, dict[str, Any]], ...] = (
        (SWITCH, {"ads": [], "on": True}),
        (SWITCH, {"ads": [desk.ad(0)] * 2, "on": True}),
        (SWITCH, {"ads": [desk.ad(0), ids.encode("ad", "1", "2")], "on": True}),
        (SWITCH, {"ads": [stranger], "on": True}),
        (LIMIT, {"budgets": [{"ad": desk.ad(0), "dailyBudget": 4_999}]}),
        (LIMIT_ACCOUNT, {"budget": 400_000_001}),
    )
    with desk.served.counted() as count:
        codes = [
            (await desk.change(document, **given, key=f"bad-ads-{at}"))["code"]
            for at, (document, given) in enumerate(wrong)
        ]
    assert codes == ["BAD_USER_INPUT"] * 3 + ["AD_UNKNOWN"] + ["BAD_USER_INPUT"] * 2
    assert (count.calls, await desk.told()) == ({}, [])


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_and_changes_them(desk: Desk, caller: str) -> None:
    for document, given in ((ACCOUNT, {}), (SWITCH, {"ads": [], "on": True, "key": "forbidden-1"})):
        answer = await desk.served.client(caller).ask(document, **given)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    answer = await (await open_served(without(TOOL))).client().ask(ACCOUNT)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["TOOL_NOT_CONFIGURED"]
