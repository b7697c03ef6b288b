"""chatStatistics: what only the platform counts, within its spans, for headquarters."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import ids
from tests.conftest import EVENING
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = (Path(__file__).parents[3] / "examples" / "customers" / "statistics.graphql").read_text("utf-8")
TOOL = "enterprise_chat"
TODAY = EVENING.astimezone(BUSINESS_ZONE).date()


async def ask(
    served: Served, start: date, until: date, userids: tuple[str, ...] = ("chenyutong",), caller: str = "hq"
) -> dict[str, Any]:
    """The whole answer."""
    guides = [ids.encode("gd", each, served.world.corp.corpid) for each in userids]
    given = {"guides": guides, "from": start.isoformat(), "until": until.isoformat()}
    return await served.client(caller).ask(DOCUMENT, **given)


async def test_a_week_of_a_guide(served: Served) -> None:
    # Whoever asks first fetches the token.
    await ask(served, TODAY - timedelta(days=1), TODAY)
    with served.counted() as count:
        answer = await ask(served, TODAY - timedelta(days=7), TODAY)
    found = answer["data"]["chatStatistics"]

    days = [(TODAY - timedelta(days=7 - number)).isoformat() for number in range(7)]
    assert [each["date"] for each in found["behaviour"]] == days
    assert [each["date"] for each in found["groupsByDay"]] == days
    [owner] = found["groupsByOwner"]
    owned = [each for each in served.world.groups if each.owner == "chenyutong"]
    assert (owner["guide"]["name"], owner["activity"]["groups"]) == ("陈雨桐", len(owned))
    assert owner["activity"]["messages"] == sum(each["activity"]["messages"] for each in found["groupsByDay"])
    assert all(each["messages"] == 4 * each["chats"] for each in found["behaviour"])
    assert count.calls == {TOOL: 3}


@pytest.mark.parametrize(
    ("days", "until", "userids"),
    [
        (31, 0, ("chenyutong",)),
        (0, 0, ("chenyutong",)),
        (2, -1, ("chenyutong",)),
        (5, 180, ("chenyutong",)),
        (7, 0, ()),
        (7, 0, tuple(f"guide{number}" for number in range(101))),
    ],
    ids=["too long", "no day", "today", "too old", "nobody", "too many"],
)
async def test_what_the_platform_does_not_have_is_not_asked(
    served: Served, days: int, until: int, userids: tuple[str, ...]
) -> None:
    end = TODAY - timedelta(days=until)
    with served.counted() as count:
        answer = await ask(served, end - timedelta(days=days), end, userids)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_USER_INPUT"]
    assert count.calls == {}


async def test_a_platform_that_is_down_costs_its_fields_only(served: Served) -> None:
    served.sandbox.kit.faults.add(
        TOOL, "status", endpoint="POST /cgi-bin/externalcontact/get_user_behavior_data", value=503
    )
    answer = await ask(served, TODAY - timedelta(days=1), TODAY)
    assert answer["data"]["chatStatistics"]["behaviour"] is None
    assert len(answer["data"]["chatStatistics"]["groupsByDay"]) == 1
    assert [each["path"] for each in answer["errors"]] == [["chatStatistics", "behaviour"]]


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(served: Served, caller: str) -> None:
    answer = await ask(served, TODAY - timedelta(days=1), TODAY, caller=caller)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    answer = await ask(await open_served(without(TOOL)), TODAY - timedelta(days=1), TODAY)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["TOOL_NOT_CONFIGURED"]
