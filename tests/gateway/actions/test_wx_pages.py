"""Pages inside WeChat: signed for wx.config, and a login that is the session of a mini-program's shopper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from gateway.database.tables.facts import fact
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
PAGE = "https://m.yujian.example/h5/coupon?id=8&from=singlemessage#top"
ME = "{ me { id name } }"


async def act(served: Served, name: str, **given: Any) -> Mapping[str, Any]:
    """Something happens at the main account."""
    found = await served.sandbox.platforms[TOOL].actions()[name]({"appid": appid(served), **given})
    return dict(found)


def appid(served: Served) -> str:
    return served.world.official_accounts[0].appid


async def login(served: Served, person: str = "protagonist", **given: Any) -> dict[str, Any]:
    """What sessionCreate answers to who opened a page."""
    code = (await act(served, "web_code", person=person, **given))["code"]
    answer = await served.client("frontend").data(document("login"), app=appid(served), code=code)
    return dict(answer["sessionCreate"])


async def test_wx_config_takes_the_signature(served: Served) -> None:
    found = (await served.client("frontend").data(document("page-config"), url=PAGE))["wxPageConfig"]
    assert found["appId"] == appid(served)
    assert await act(served, "check_page", url=PAGE, **found["config"]) == {"errMsg": "config:ok"}
    with served.counted() as count:
        await served.client("frontend").data(document("page-config"), url=PAGE)
    assert count.calls == {}


async def test_the_way_to_the_login(served: Served) -> None:
    given = {"redirectUri": PAGE.partition("#")[0], "state": "s1a", "scope": "USER_INFO"}
    with served.counted() as count:
        url = (await served.client("frontend").data(document("login-url"), **given))["wxLoginUrl"]
    query = parse_qs(urlsplit(url).query)
    assert (query["redirect_uri"], query["state"], query["scope"]) == (
        [given["redirectUri"]], ["s1a"], ["snsapi_userinfo"],
    )  # fmt: skip
    assert (query["appid"], count.calls) == ([appid(served)], {})


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "http://m.yujian.example/", "https://m.yujian.example@evil.example/", "nonsense"],
)
async def test_others_pages_are_neither_signed_nor_logged_in_to(served: Served, url: str) -> None:
    client = served.client("frontend")
    answers = [
        await client.ask(document("page-config"), url=url),
        await client.ask(document("login-url"), redirectUri=url, state="s1"),
    ]
    for answer in answers:
        [error] = answer["errors"]
        assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("INVALID", "page_not_trusted")
    bad = await client.ask(document("login-url"), redirectUri=PAGE, state="a&b")
    assert bad["errors"][0]["extensions"]["reason"] == "state"


async def test_a_login_on_a_page_is_the_same_shopper(open_served: OpenServed) -> None:
    served = await open_served()
    known = (await served.client("frontend", "protagonist").data(ME))["me"]["id"]

    session = await login(served)

    assert (session["isNew"], session["member"]["id"]) == (False, known)
    client = served.client("frontend")
    client.headers["Authorization"] = f"Bearer {session['token']}"
    assert (await client.data(ME))["me"]["id"] == known
    rows = await served.gateway.services.database.fetch(
        select(fact.c.account, fact.c.tool, fact.c.member).where(fact.c.kind == "web_page.authorised")
    )
    assert [tuple(row)[:2] for row in rows] == [(appid(served), TOOL)]


async def test_a_code_works_once_and_a_snapshot_is_of_nobody(open_served: OpenServed) -> None:
    served = await open_served()
    code = (await act(served, "web_code", person="protagonist"))["code"]
    client, given = served.client("frontend"), {"app": appid(served), "code": code}
    await client.data(document("login"), **given)
    again = (await client.data(document("login"), **given))["sessionCreate"]
    snapshot = await login(served, snapshot=True)
    other = (await client.data(document("login"), app="wx0", code=code))["sessionCreate"]
    assert [each["code"] for each in (again, snapshot, other)] == ["REJECTED", "SNAPSHOT_PAGE", "BAD_USER_INPUT"]
    rows = await served.gateway.services.database.fetch(select(fact.c.id).where(fact.c.kind == "web_page.authorised"))
    assert len(rows) == 1


async def test_only_front_ends_have_pages(served: Served) -> None:
    for caller in ("guide", "partner"):
        answer = await served.client(caller).ask(document("page-config"), url=PAGE)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    answer = await served.client("frontend").ask(document("page-config"), url=PAGE)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["TOOL_NOT_CONFIGURED"]
    bad = await served.client("frontend").data(document("login"), app="wx0", code="c")
    assert bad["sessionCreate"]["code"] == "BAD_USER_INPUT"
