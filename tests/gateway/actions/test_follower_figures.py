"""followerStatistics, articleStatistics and articles: what only the platform counts and keeps, within its spans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.database.clock import BUSINESS_ZONE
from tests.conftest import EVENING
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
TODAY = EVENING.astimezone(BUSINESS_ZONE).date()


async def ask(served: Served, name: str, start: date, until: date, caller: str = "hq") -> dict[str, Any]:
    """The whole answer."""
    given = {"from": start.isoformat(), "until": until.isoformat()}
    return await served.client(caller).ask(document(name), **given)


def days(start: date, until: date) -> list[str]:
    return [(start + timedelta(days=number)).isoformat() for number in range((until - start).days)]


async def test_thirty_days_of_followers_are_five_calls_each(served: Served) -> None:
    start = TODAY - timedelta(days=30)
    # Whoever asks first fetches the token.
    await ask(served, "follower-statistics", TODAY - timedelta(days=1), TODAY)
    with served.counted() as count:
        found = (await ask(served, "follower-statistics", start, TODAY))["data"]["followerStatistics"]

    assert [each["date"] for each in found["totals"]] == days(start, TODAY)
    assert [each["date"] for each in found["messages"]] == days(start, TODAY)
    assert sorted({each["date"] for each in found["growth"]}) == days(start, TODAY)
    main = served.world.official_accounts[0].appid
    joined = [
        each.subscribed_at.astimezone(BUSINESS_ZONE).date()
        for each in served.world.followers
        if each.appid == main and each.subscribed
    ]
    assert sum(each["joined"] for each in found["growth"]) == sum(start <= each < TODAY for each in joined)
    assert count.calls == {TOOL: 15}


async def test_a_week_of_articles_in_calls_of_one_three_and_seven_days(served: Served) -> None:
    start = TODAY - timedelta(days=7)
    await ask(served, "article-statistics", TODAY - timedelta(days=1), TODAY)
    with served.counted() as count:
        found = (await ask(served, "article-statistics", start, TODAY))["data"]["articleStatistics"]

    for name in ("content", "articles", "daily", "reading", "sharing"):
        assert [each["date"] for each in found[name]] == days(start, TODAY)
    assert {each["source"] for each in found["reading"]} == {0}
    assert found["content"][0]["attention"] == {
        "readers": 120, "sharers": 9, "recommenders": 5, "likers": 7, "comments": 3,
    }  # fmt: skip
    assert all(each["complete"] and each["notified"] for each in found["articles"])
    assert sorted({each["sentOn"] for each in found["sent"]}) == days(start, TODAY)
    read = {"readers": 120, "reads": 210, "sharers": 9, "shares": 12, "keepers": 2}
    assert [each["reads"] for each in found["daily"]] == [read] * 7
    assert all(each["targets"] > 0 and each["title"] for each in found["sent"])
    assert count.calls == {TOOL: 7 + 7 + 7 + 7 + 3 + 1}


@pytest.mark.parametrize(("name", "most"), [("follower-statistics", 30), ("article-statistics", 7)])
async def test_what_the_platform_does_not_have_is_not_asked(served: Served, name: str, most: int) -> None:
    wrong = (
        (TODAY - timedelta(days=most + 1), TODAY),
        (TODAY, TODAY),
        (TODAY - timedelta(days=1), TODAY + timedelta(days=1)),
    )
    with served.counted() as count:
        answers = [await ask(served, name, *each) for each in wrong]
    assert [each["errors"][0]["extensions"]["code"] for each in answers] == ["BAD_USER_INPUT"] * 3
    assert count.calls == {}


async def test_a_platform_that_counts_yet_costs_its_field_only(served: Served) -> None:
    served.sandbox.kit.faults.add(TOOL, "code", endpoint="POST /datacube/getusercumulate", value=61503)
    answer = await ask(served, "follower-statistics", TODAY - timedelta(days=1), TODAY)
    assert answer["data"]["followerStatistics"]["totals"] is None
    assert len(answer["data"]["followerStatistics"]["messages"]) == 1
    assert [each["path"] for each in answer["errors"]] == [["followerStatistics", "totals"]]


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(served: Served) -> AsyncIterator[Any]:
    """What the platform keeps of the main account: as before after the test."""
    shelf = served.sandbox.platforms[TOOL].accounts[served.world.official_accounts[0].appid].shelf  # type: ignore[attr-defined]
    drafts, published = dict(shelf.drafts), dict(shelf.published)
    yield shelf
    shelf.drafts, shelf.published = drafts, published


async def test_published_articles_page_by_page(served: Served, shelf: Any) -> None:
    [item, *_] = shelf.drafts.values()
    shelf.published = {f"article-{number:02}": item for number in range(45)}
    client, seen, after = served.client(), [], None
    # The first call asks for a token besides.
    await client.data(document("articles"), first=1)
    with served.counted() as count:
        for _ in range(3):
            page = (await client.data(document("articles"), first=20, after=after))["articles"]
            seen += [each["platformId"] for each in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
    assert seen == [f"article-{number:02}" for number in reversed(range(45))]
    assert (page["pageInfo"]["hasNextPage"], count.calls) == (False, {TOOL: 3})
    assert page["nodes"][0]["articles"][0]["title"] == "山岚轻羽绒服上新"
    with served.counted() as count:
        half = (await client.data(document("articles"), first=5))["articles"]
        rest = (await client.data(document("articles"), first=50, after=half["pageInfo"]["endCursor"]))["articles"]
    assert [each["platformId"] for each in (*half["nodes"], *rest["nodes"])] == seen
    assert (half["pageInfo"]["hasNextPage"], count.calls) == (True, {TOOL: 1 + 2})
    drafts = (await client.data(document("articles"), state="DRAFT"))["articles"]["nodes"]
    assert [each["platformId"] for each in drafts] == list(shelf.drafts)


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(served: Served, caller: str) -> None:
    answers = [
        await ask(served, "follower-statistics", TODAY - timedelta(days=1), TODAY, caller),
        await ask(served, "article-statistics", TODAY - timedelta(days=1), TODAY, caller),
        await served.client(caller).ask(document("articles")),
    ]
    assert [each["errors"][0]["extensions"]["code"] for each in answers] == ["FORBIDDEN"] * 3


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    answers = [
        await ask(served, "follower-statistics", TODAY - timedelta(days=1), TODAY),
        await served.client().ask(document("articles")),
    ]
    assert [each["errors"][0]["extensions"]["code"] for each in answers] == ["TOOL_NOT_CONFIGURED"] * 2
