"""What is left of the allowances: in the graph, on the health page, on the command line."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.settings import Settings
from sandbox.http1 import request
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUOTAS = "{ quotas { tool account endpoint window limit left resetsAt spentUntil } }"
CONTACTS = "query ($u: String!) { member(by: {unionid: $u}) { chat { contacts { nodes { addedAt } } } } }"


def narrow(settings: Settings) -> Settings:
    """企业微信 grants two calls an hour of externalcontact/get and the like."""
    accounts = settings.tools["enterprise_chat"]["accounts"]
    narrowed = {alias: {**account, "limits": {"*": {"hour": 2}}} for alias, account in accounts.items()}
    return msgspec.structs.replace(settings, tools={**settings.tools, "enterprise_chat": {"accounts": narrowed}})


async def health(served: Served) -> dict[str, str]:
    found: dict[str, str] = orjson.loads((await request("GET", f"{served.url}/health")).body)["quotas"]
    return found


async def test_calls_are_counted_down_and_the_one_too_many_is_not_made(open_served: OpenServed) -> None:
    served = await open_served(narrow)
    unionid = served.person("protagonist").unionid

    async def left() -> dict[tuple[str, str], int]:
        rows = (await served.client().data(QUOTAS))["quotas"]
        return {(r["endpoint"], r["window"]): r["left"] for r in rows if r["tool"] == "enterprise_chat"}

    assert await left() == {}
    await served.client().data(CONTACTS, u=unionid)
    assert (await left())[("externalcontact_get", "HOUR")] == 1
    await served.client().data(CONTACTS, u=unionid)
    with served.counted() as count:
        answer = await served.client().ask(CONTACTS, u=unionid)
    assert count.calls == {}
    assert answer["data"]["member"]["chat"] == {"contacts": None}
    extensions = answer["errors"][0]["extensions"]
    assert (extensions["code"], extensions["reason"]) == ("RATE_LIMITED", "rate_kept")
    assert 0 < extensions["retryAfter"] <= 3600
    assert (await left())[("externalcontact_get", "HOUR")] == 0
    assert (await health(served))["enterprise_chat"] == "SPENT"


async def test_declared_allowances_are_listed_for_hq_alone(open_served: OpenServed) -> None:
    served = await open_served()
    rows = (await served.client().data(QUOTAS))["quotas"]
    appid = served.world.official_accounts[0].appid
    [followers] = [r for r in rows if r["account"] == appid and r["endpoint"] == "user_get"]
    assert (followers["limit"], followers["window"], followers["spentUntil"]) == (500, "DAY", None)
    # The first sync, of another process, has taken some of them and given back the rest or holds a slice.
    assert 480 <= followers["left"] < 500
    assert followers["resetsAt"] == "2026-11-11T16:00:00+00:00"
    assert (await health(served))["official_account"] == "OK"
    for caller in ("frontend", "guide", "partner"):
        answer = await served.client(caller).ask(QUOTAS)
        assert answer["data"] == {"quotas": None}
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_cleared_account_is_counted_anew(open_served: OpenServed) -> None:
    served = await open_served(narrow)
    adapter = served.gateway.services.tools.all(EnterpriseChatAdapter)[0]
    quotas = served.gateway.services.tools.quotas
    for _ in range(2):
        await adapter.guide_ids()
    states = {(s.endpoint, s.window): s.left for s in await quotas.states() if s.tool == "enterprise_chat"}
    assert states[("get_follow_user_list", "HOUR")] == 0
    await quotas.forget("enterprise_chat", adapter.account)
    await adapter.guide_ids()
