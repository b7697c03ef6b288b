"""guideSessionCreate: a code of 企业微信 becomes a guide, for two hours and for their own contacts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from adapters.base.errors import NotFound
from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.database.tables.dimensions import guide
from gateway.database.tables.members import guide_session
from gateway.resolvers import ids
from tests.gateway.actions.test_follower_tags import document as follower_document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import KEYS, Client, Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "enterprise_chat"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "customers"


def document(name: str) -> str:
    return (DOCUMENTS / f"{name}.graphql").read_text("utf-8")


def guide_id(served: Served, userid: str) -> str:
    return ids.encode("gd", userid, served.world.corp.corpid)


async def opens(served: Served, **who: Any) -> str:
    """The code that the page gets which somebody opens."""
    opened = await served.sandbox.platforms[TOOL].actions()["open_sidebar"](who)
    return str(opened["code"])


async def login(served: Served, code: str, caller: str = "guide", **more: Any) -> dict[str, Any]:
    """What guideSessionCreate answers."""
    return dict((await served.client(caller).data(document("guide-login"), code=code, **more))["guideSessionCreate"])


def showing(served: Served, token: str, caller: str = "guide") -> Client:
    """A client with a guide's token."""
    return Client(served.url, KEYS[caller].key.reveal(), token)


async def logged_in(served: Served, userid: str = "chenyutong") -> Client:
    """A client of a guide's, with their session."""
    session = await login(served, await opens(served, userid=userid))
    return showing(served, session["token"])


async def protagonist(served: Served) -> str:
    unionid = served.person("protagonist").unionid
    found = await served.client().data("query ($u: String!) { member(by: {unionid: $u}) { id } }", u=unionid)
    return str(found["member"]["id"])


@pytest.mark.parametrize("door", ["PAGE", "MINI_PROGRAM"])
async def test_a_guide_is_who_the_platform_says(open_served: OpenServed, door: str) -> None:
    served = await open_served()
    code = await opens(served, userid="chenyutong", mini_program=door == "MINI_PROGRAM")

    session = await login(served, code, door=door)

    assert session["guide"]["id"] == guide_id(served, "chenyutong")
    client = showing(served, session["token"])
    assert (await client.data(document("guide-now")))["currentGuide"]["name"] == "陈雨桐"
    assert (await served.client("guide").data(document("guide-now"))) == {"currentGuide": None}
    again = await login(served, code, door=door)
    assert (again["code"], again["retryable"]) == ("REJECTED", False)
    rows = await served.gateway.services.database.fetch(text("SELECT * FROM guide_session"))
    assert session["token"].encode() not in b"".join(repr(tuple(row)).encode() for row in rows)


async def test_a_code_is_of_its_own_door(open_served: OpenServed) -> None:
    served = await open_served()
    code = await opens(served, userid="chenyutong")
    assert (await login(served, code, door="MINI_PROGRAM"))["code"] == "REJECTED"
    assert (await login(served, ""))["code"] == "BAD_USER_INPUT"
    assert (await login(served, "x" * 600))["code"] == "INVALID"


async def test_nobody_else_is_let_in(open_served: OpenServed) -> None:
    served = await open_served()
    customer = served.person("protagonist").external_userid
    assert (await login(served, await opens(served, external_userid=customer)))["code"] == "NOT_AN_EMPLOYEE"
    async with served.gateway.services.database.write() as connection:
        await connection.execute(update(guide).where(guide.c.userid == "tangwei").values(state="LEFT"))
        await connection.execute(update(guide).where(guide.c.userid == "fengbo").values(userid="fengbo2"))
    assert (await login(served, await opens(served, userid="tangwei")))["code"] == "GUIDE_LEFT"
    assert (await login(served, await opens(served, userid="fengbo")))["code"] == "GUIDE_UNKNOWN"
    for caller in ("frontend", "partner", "hq"):
        code = await opens(served, userid="chenyutong")
        answer = await served.client(caller).ask(document("guide-login"), code=code)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert await served.gateway.services.database.fetch(select(guide_session.c.id)) == []


async def test_a_session_ends(open_served: OpenServed) -> None:
    served = await open_served()
    client = await logged_in(served)

    async def now(client: Client) -> str:
        answer = await client.ask(document("guide-now"))
        return str(answer["errors"][0]["extensions"]["code"]) if "errors" in answer else "OK"

    assert await now(client) == "OK"
    assert (
        await now(showing(served, client.headers["Authorization"].removeprefix("Bearer "), "frontend"))
        == "SESSION_UNKNOWN"
    )
    assert await now(showing(served, "guide.nothing")) == "SESSION_UNKNOWN"
    async with served.gateway.services.database.write() as connection:
        await connection.execute(update(guide).where(guide.c.userid == "chenyutong").values(state="LEFT"))
    assert await now(client) == "SESSION_EXPIRED"
    async with served.gateway.services.database.write() as connection:
        await connection.execute(update(guide).where(guide.c.userid == "chenyutong").values(state="ACTIVE"))
    assert await now(client) == "OK"
    served.gateway.clock.advance(timedelta(hours=2))
    assert await now(client) == "SESSION_EXPIRED"


async def test_a_guide_writes_on_contacts_of_their_own(open_served: OpenServed) -> None:
    served = await open_served()
    member, mine, other = await protagonist(served), await logged_in(served), await logged_in(served, "fengbo")
    external = served.person("protagonist").external_userid
    found = await served.gateway.services.tools.get(EnterpriseChatAdapter).contact(external)
    assert not isinstance(found, NotFound)
    assert {each.userid for each in found} == {"chenyutong"}
    tagging = {"member": member, "tags": [{"name": "银卡"}], "key": "tag-of-my-own"}
    note = {
        "member": member,
        "guide": guide_id(served, "chenyutong"),
        "remark": "林女士",
        "idempotencyKey": "note-of-my-own",
    }

    refused = [
        (await other.data(document("tag"), **tagging))["memberTag"]["code"],
        (await other.data(document("remark"), input=note))["contactRemark"]["code"],
    ]
    done = (await mine.data(document("tag"), **tagging))["memberTag"]
    noted = (await mine.data(document("remark"), input=note))["contactRemark"]

    assert refused == ["CONTACT_UNKNOWN"] * 2
    assert [each["guide"]["name"] for each in done["contacts"]] == ["陈雨桐"]
    assert noted["contact"] == {"guide": {"name": "陈雨桐"}, "remark": "林女士"}
    # The same key of another guide's is another request.
    assert (await other.data(document("remark"), input=note))["contactRemark"]["code"] == "CONTACT_UNKNOWN"
    # As it was, for whoever comes after on the same platform.
    await mine.data(document("untag"), **tagging | {"guide": note["guide"], "key": "untag-of-my-own"})
    before = {"remark": found[0].remark, "idempotencyKey": "note-as-it-was"}
    assert "contact" in (await mine.data(document("remark"), input=note | before))["contactRemark"]


async def test_followers_of_others_are_not_a_guides(open_served: OpenServed) -> None:
    served = await open_served()
    member, mine, other = await protagonist(served), await logged_in(served), await logged_in(served, "fengbo")
    tagging = {"member": member, "tags": [{"name": "星标组"}]}
    before = len(served.sandbox.kit.journal.of_kind("official_account", "tagged"))

    refused = [
        (await other.data(follower_document("tag"), **tagging, key="tag-of-another")),
        (await other.data(follower_document("untag"), **tagging, key="untag-of-another")),
        (await other.data(follower_document("remark"), member=member, text="林", key="note-of-another")),
    ]

    assert [each["code"] for answer in refused for each in answer.values()] == ["CONTACT_UNKNOWN"] * 3
    assert len(served.sandbox.kit.journal.of_kind("official_account", "tagged")) == before
    done = (await mine.data(follower_document("tag"), **tagging, key="follower-of-my-own"))["memberTag"]
    assert "星标组" in {each["name"] for each in done["follower"]["tags"]}
    await mine.data(follower_document("untag"), **tagging, key="not-starred-any-more")


async def test_a_session_costs_one_statement(open_served: OpenServed) -> None:
    served = await open_served()
    client = await logged_in(served)
    costs = []
    for each in (served.client("guide"), client):
        with served.counted() as count:
            await each.data("query { __typename }")
        costs.append(count.statements)
    assert costs[1] - costs[0] == 1


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    served = await open_served(without(TOOL))
    assert (await login(served, "code"))["code"] == "TOOL_NOT_CONFIGURED"
