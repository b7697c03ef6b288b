"""visitStatistics: how a mini-program is visited, which only the platform counts, within the spans that it takes."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.database.clock import BUSINESS_ZONE
from tests.conftest import EVENING
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "mini_program_store"
TODAY = EVENING.astimezone(BUSINESS_ZONE).date()
DOCUMENTS = Path(__file__).parents[3] / "examples" / "visits-and-lives"


def document(name: str) -> str:
    """An example."""
    return (DOCUMENTS / f"{name}.graphql").read_text("utf-8")


async def ask(served: Served, name: str, start: date, until: date, caller: str = "hq", **more: Any) -> dict[str, Any]:
    """The whole answer."""
    given = {"from": start.isoformat(), "until": until.isoformat()}
    return await served.client(caller).ask(document(name), **given | more)


async def figures(served: Served, name: str, start: date, until: date, **more: Any) -> dict[str, Any]:
    """The statistics."""
    answer = await ask(served, name, start, until, **more)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]["visitStatistics"]
    return found


def codes(answer: dict[str, Any]) -> list[str]:
    return [each["extensions"]["code"] for each in answer["errors"]]


async def test_a_week_day_by_day(served: Served) -> None:
    start = TODAY - timedelta(days=7)
    days = [(start + timedelta(days=number)).isoformat() for number in range(8)]
    # Whoever asks first fetches the token.
    await figures(served, "visitors", TODAY - timedelta(days=1), TODAY)
    with served.counted() as count:
        found = await figures(served, "visits", start, TODAY)

    assert count.calls == {TOOL: 5 * 7}
    for name in ("totals", "distribution"):
        assert [each["date"] for each in found[name]] == days[:-1]
    for name in ("trend", "retention"):
        assert [(each["from"], each["until"]) for each in found[name]] == list(pairwise(days))
    for trend, kept, spread in zip(found["trend"], found["retention"], found["distribution"], strict=True):
        sessions, visitors = trend["sessions"], trend["visitors"]
        assert (trend["views"], visitors, trend["newVisitors"]) == (sessions * 4, sessions * 2 // 3, visitors // 5)
        assert (trend["secondsPerVisitor"], trend["secondsPerSession"], trend["depth"]) == (84.5, 56.25, 2.75)
        assert kept["returns"] == [
            {"later": 0, "visitors": visitors, "newVisitors": visitors // 5},
            {"later": 1, "visitors": visitors // 3, "newVisitors": visitors // 20},
        ]
        halves = [{"key": 1, "sessions": sessions // 2}, {"key": 2, "sessions": sessions - sessions // 2}]
        assert (spread["sources"], spread["lengths"], spread["depths"]) == (halves, halves, halves)
    assert [each["date"] for each in found["pages"]] == [day for day in days[:-1] for _ in range(2)]
    views = [each["views"] for each in found["pages"]]
    assert all(most >= less for most, less in zip(views[::2], views[1::2], strict=True))


async def test_apps_are_asked_by_their_appid(served: Served) -> None:
    start, (first, second) = TODAY - timedelta(days=1), (each.appid for each in served.world.mini_programs)
    without_one = await figures(served, "visits", start, TODAY)
    assert await figures(served, "visits", start, TODAY, app=first) == without_one
    assert await figures(served, "visits", start, TODAY, app=second) != without_one
    with served.counted() as count:
        shop = await ask(served, "visits", start, TODAY, app=served.world.wechat_store.appid)
        unknown = await ask(served, "visits", start, TODAY, app="wx0")
    assert (codes(shop), codes(unknown), count.calls) == (["BAD_USER_INPUT"], ["TOOL_NOT_CONFIGURED"], {})


async def test_weeks_and_months_that_are_over(served: Served) -> None:
    first = TODAY.replace(day=1)
    start = (first - timedelta(days=40)).replace(day=2)
    await figures(served, "visitors", TODAY - timedelta(days=1), TODAY)
    mondays = [
        day
        for number in range((TODAY - start).days)
        if (day := start + timedelta(days=number)).weekday() == 0 and day + timedelta(days=7) <= TODAY
    ]
    with served.counted() as count:
        weeks = await figures(served, "visits-by-span", start, TODAY)
    assert [each["from"] for each in weeks["trend"]] == [each.isoformat() for each in mondays]
    assert count.calls == {TOOL: 2 * len(mondays)}
    with served.counted() as count:
        months = await figures(served, "visits-by-span", start, TODAY, per="MONTH")
    last = (first - timedelta(days=1)).replace(day=1)
    assert [(each["from"], each["until"]) for each in months["trend"]] == [(last.isoformat(), first.isoformat())]
    assert [each["from"] for each in months["retention"]] == [last.isoformat()]
    assert count.calls == {TOOL: 2}


async def test_portraits_of_one_seven_and_thirty_days(served: Served) -> None:
    await figures(served, "visitors", TODAY - timedelta(days=1), TODAY)
    for days in (1, 7, 30):
        with served.counted() as count:
            found = (await figures(served, "visitors", TODAY - timedelta(days=days), TODAY))["portrait"]
        assert count.calls == {TOOL: 1}
        assert [each["name"] for each in found["visitors"]["provinces"]] == ["上海市"]
        assert [each["name"] for each in found["visitors"]["ages"]] == ["25-29岁"]
        assert found["newVisitors"]["provinces"] == found["visitors"]["provinces"]
    with served.counted() as count:
        for start, until in ((2, 0), (8, 1)):
            answer = await ask(served, "visitors", TODAY - timedelta(days=start), TODAY - timedelta(days=until))
            assert (codes(answer), answer["data"]["visitStatistics"]) == (["BAD_USER_INPUT"], {"portrait": None})
    assert count.calls == {}


async def test_what_the_platform_does_not_have_is_not_asked(served: Served) -> None:
    wrong = (
        (TODAY - timedelta(days=93), TODAY),
        (TODAY, TODAY),
        (TODAY - timedelta(days=1), TODAY + timedelta(days=1)),
    )
    pages = (
        "query ($from: Date!, $until: Date!) { visitStatistics(from: $from, until: $until) { pages(first: 201) {path}}}"
    )
    with served.counted() as count:
        assert [codes(await ask(served, "visits", *each)) for each in wrong] == [["BAD_USER_INPUT"]] * 3
        long = await ask(served, "visits", TODAY - timedelta(days=32), TODAY)
        many = await served.client().ask(pages, **{"from": str(TODAY - timedelta(days=1)), "until": str(TODAY)})
    assert (codes(long), codes(many)) == (["BAD_USER_INPUT"] * 5, ["BAD_USER_INPUT"])
    assert count.calls == {}


async def test_a_platform_that_counts_yet_costs_its_field_only(served: Served) -> None:
    endpoint = "POST /datacube/getweanalysisappiddailysummarytrend"
    served.sandbox.kit.faults.add(TOOL, "code", endpoint=endpoint, value=61503)
    answer = await ask(served, "visits", TODAY - timedelta(days=1), TODAY)
    assert [(each["path"], each["extensions"]["code"]) for each in answer["errors"]] == [
        (["visitStatistics", "totals"], "UNAVAILABLE")
    ]
    assert answer["data"]["visitStatistics"]["totals"] is None
    assert len(answer["data"]["visitStatistics"]["trend"]) == 1


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(served: Served, caller: str) -> None:
    with served.counted() as count:
        answer = await ask(served, "visits", TODAY - timedelta(days=1), TODAY, caller)
    assert (codes(answer), count.calls) == (["FORBIDDEN"], {})


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    answer = await ask(await open_served(without(TOOL)), "visits", TODAY - timedelta(days=1), TODAY)
    assert codes(answer) == ["TOOL_NOT_CONFIGURED"]
