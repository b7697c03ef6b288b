"""liveSessions, liveNow, liveNotices and liveChannel: 视频号直播 of a shop, as the platform has it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.actions.test_visit_figures import TODAY, TOOL, codes, document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Sessions of the platform, in its order, which tells two per call.
SESSIONS = ["export/yujian-3", "export/yujian-10", "export/yujian-17"]


async def ask(served: Served, caller: str = "hq", days: int = 30, **given: Any) -> dict[str, Any]:
    """The whole answer, of the last days and today."""
    span = {"from": (TODAY + timedelta(days=1 - days)).isoformat(), "until": (TODAY + timedelta(days=1)).isoformat()}
    return await served.client(caller).ask(document("live-sessions"), **(span | given))


async def sessions(served: Served, **given: Any) -> dict[str, Any]:
    """The connection."""
    answer = await ask(served, **given)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]["liveSessions"]
    return found


async def test_sessions_and_how_they_went(served: Served) -> None:
    page = await sessions(served, account=served.world.wechat_store.appid)
    assert [each["liveId"] for each in page["nodes"]] == SESSIONS
    started = page["nodes"][0].pop("startedAt")
    assert started.startswith((served.world.now - timedelta(days=3)).date().isoformat())
    assert page["nodes"][0] == {
        "liveId": SESSIONS[0], "seconds": 7200, "viewers": 4700, "mostAtOnce": 420, "secondsPerViewer": 84,
        "likes": 900, "comments": 310, "shares": 60, "newFollowers": 35,
    }  # fmt: skip
    assert [each["liveId"] for each in (await sessions(served, days=4))["nodes"]] == SESSIONS[:1]
    assert (await sessions(served, days=3))["nodes"] == []


async def test_a_page_asks_as_often_as_it_takes_to_fill_it(served: Served) -> None:
    await sessions(served)
    costs = []
    for first in (1, 2, 50):
        with served.counted() as count:
            page = await sessions(served, first=first)
        costs.append((len(page["nodes"]), page["pageInfo"]["hasNextPage"], count.calls, count.statements))
    same = costs[0][3]
    assert costs == [(1, True, {TOOL: 1}, same), (2, True, {TOOL: 2}, same), (3, False, {TOOL: 2}, same)]
    seen: list[str] = []
    after = None
    for _ in SESSIONS:
        page = await sessions(served, first=1, after=after)
        seen += [each["liveId"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert (seen, page["pageInfo"]["hasNextPage"]) == (SESSIONS, False)
    assert codes(await ask(served, days=31, after=after)) == ["CURSOR_INVALID"]


async def test_what_is_on_air_and_what_was_announced(served: Served) -> None:
    await served.client().data(document("live-now"))
    with served.counted() as count:
        found = await served.client().data(document("live-now"))
    assert count.calls == {TOOL: 3}
    starts = found["liveNotices"][0].pop("startsAt")
    assert starts.startswith((served.world.now + timedelta(days=2)).date().isoformat())
    assert found == {
        "liveNow": [
            {
                "liveId": "export/yujian-now",
                "title": "双11 山岚专场",
                "coverUrl": "https://static.yujian.example/live.jpg",
                "channel": "屿见户外",
            }
        ],
        "liveNotices": [{"platformId": "notice-1", "title": "返场", "channel": "屿见户外", "state": "预告中"}],
        "liveChannel": {"platformId": "sphYujian", "name": "屿见户外", "followers": 12840},
    }


async def test_what_cannot_be_asked_is_not_asked(served: Served) -> None:
    app = served.world.mini_programs[0].appid
    with served.counted() as count:
        answers = [
            *[await ask(served, days=days) for days in (0, 93)],
            await ask(served, account=app),
            await served.client().ask("query ($app: String) { liveNow(account: $app) { title } }", app=app),
        ]
    assert [codes(each) for each in answers] == [["BAD_USER_INPUT"]] * 4
    assert count.calls == {}


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_sees_them(served: Served, caller: str) -> None:
    with served.counted() as count:
        answers = [await ask(served, caller), await served.client(caller).ask(document("live-now"))]
    assert [codes(each) for each in answers] == [["FORBIDDEN"], ["FORBIDDEN"] * 3]
    assert count.calls == {}


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    answers = [await ask(served), await served.client().ask(document("live-now"))]
    assert [codes(each) for each in answers] == [["TOOL_NOT_CONFIGURED"], ["TOOL_NOT_CONFIGURED"] * 3]
