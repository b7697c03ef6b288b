"""adCreate and conversionSourceCreate: made once, read again, and refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.resolvers import ids
from tests.gateway.actions.test_ad_accounts import DOCUMENTS, TODAY
from tests.gateway.actions.test_ad_accounts import Desk as AdDesk
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "social_ads"
ADDING = "POST /v3.0/adgroups/add"
MAKING = "POST /v3.0/user_action_sets/add"
CREATE, SOURCE, SOURCES = (
    (DOCUMENTS / f"{name}.graphql").read_text("utf-8") for name in ("create", "source-create", "sources")
)
ATOMIC = """mutation ($member: ID!, $ad: AdCreateInput!, $points: Long!) @atomic(key: "ad-of-the-day") {
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
  ad: adCreate(input: $ad) { __typename ... on DomainProblem { code } }
}"""


class Desk(AdDesk):
    """Headquarters, before a campaign."""

    def draft(self, **more: Any) -> dict[str, Any]:
        """An ad as it is to be."""
        return {
            "name": "双11 山岚轻羽绒服",
            "marketingGoal": "MARKETING_GOAL_PRODUCT_SALES",
            "carrier": "MARKETING_CARRIER_TYPE_MINI_PROGRAM_WECHAT",
            "starts": (TODAY + timedelta(days=1)).isoformat(),
            "ends": (TODAY + timedelta(days=8)).isoformat(),
            "bidMode": "BID_MODE_OCPM",
            "bid": 5000,
            "optimizationGoal": "OPTIMIZATIONGOAL_ECOMMERCE_ORDER",
            "sites": ["SITE_SET_MOMENTS"],
            "dailyBudget": 50000,
        } | more

    async def create(self, key: str, **more: Any) -> dict[str, Any]:
        """What adCreate answers."""
        return await self.change(CREATE, input=self.draft(**more) | {"idempotencyKey": key})

    async def source(self, key: str, **more: Any) -> dict[str, Any]:
        """What conversionSourceCreate answers."""
        return await self.change(SOURCE, input={"kind": "WEB", "name": "官网", "idempotencyKey": key} | more)

    async def sources(self) -> list[dict[str, Any]]:
        """The account's data sources."""
        found: dict[str, Any] = (await self.served.client().data(SOURCES))["adAccount"]
        return list(found["conversionSources"])

    def made(self, kind: str) -> int:
        """How often the platform did something."""
        return len(self.served.sandbox.kit.journal.of_kind(TOOL, kind))

    def misbehaves(self, endpoint: str) -> None:
        """The next answer is lost."""
        self.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint=endpoint, calls=(1,))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    kept, sets = list(desk.platform.ad_groups), dict(desk.platform._actions.sets)
    yield desk
    desk.served.sandbox.kit.faults.clear()
    desk.platform.ad_groups[:] = kept
    desk.platform._actions.sets = sets


async def test_an_ad_is_created_once_and_waits(desk: Desk) -> None:
    before = len(desk.platform.ad_groups)
    desk.misbehaves(ADDING)

    answer = await desk.create("create-an-ad-1")

    assert answer["ad"]["name"] == "双11 山岚轻羽绒服"
    assert answer["transaction"]["state"] == "COMPLETED"
    assert answer["ad"]["status"] == "ADGROUP_STATUS_CREATIVE_EMPTY"
    assert len(desk.platform.ad_groups) == before + 1
    assert await desk.create("create-an-ad-1") == answer
    assert len(desk.platform.ad_groups) == before + 1
    assert await desk.told() == [(answer["adgroupId"], "CREATE", 5000)]


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    before = len(desk.platform.ad_groups)
    audience = ids.encode("au", "1", "2")
    wrong: tuple[dict[str, Any], ...] = (
        {"name": ""}, {"name": "长" * 61}, {"marketingGoal": "sell more"}, {"sites": []}, {"sites": ["S"] * 21},
        {"ends": (TODAY - timedelta(days=1)).isoformat()}, {"bid": 0}, {"bid": 500_001}, {"dailyBudget": 4999},
        {"audiences": [audience], "account": desk.account},
    )  # fmt: skip
    answers = [await desk.create(f"bad-ad-{number}", **each) for number, each in enumerate(wrong)]
    assert {each["code"] for each in answers} == {"BAD_USER_INPUT"}
    foreign = await desk.create("bad-ad-foreign", audiences=[desk.ad(0)])
    elsewhere = await desk.create("bad-ad-elsewhere", account="1")
    assert (foreign["code"], elsewhere["code"]) == ("ID_FOREIGN", "TOOL_NOT_CONFIGURED")
    assert (len(desk.platform.ad_groups), await desk.told()) == (before, [])


async def test_it_stands_last(desk: Desk) -> None:
    before = len(desk.platform.ad_groups)
    openid = desk.served.person("protagonist").openids[desk.served.world.official_accounts[0].appid]
    asked = {"app": desk.served.world.official_accounts[0].appid, "value": openid}
    found = await desk.served.client().data("query ($o: OpenidInput!) { member(by: {openid: $o}) { id } }", o=asked)
    given = {"member": found["member"]["id"], "ad": desk.draft(name="双11 事务")}
    failed = await desk.served.client().data(ATOMIC, **given, points=0)
    assert failed["ad"]["code"] == "TRANSACTION_ROLLED_BACK"
    assert len(desk.platform.ad_groups) == before
    done = await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)
    assert done["ad"]["__typename"] == "AdCreated"
    assert len(desk.platform.ad_groups) == before + 1


async def test_a_data_source_is_made_once_and_listed(desk: Desk) -> None:
    before, made = await desk.sources(), desk.made("action_set")
    desk.misbehaves(MAKING)

    answer = await desk.source("make-a-source-1")

    assert (answer["account"], answer["transaction"]["state"]) == (desk.account, "COMPLETED")
    assert [each for each in await desk.sources() if each not in before] == [answer["source"]]
    assert await desk.source("make-a-source-1") == answer
    assert desk.made("action_set") == made + 1
    wrong = [
        await desk.source("bad-source-1"),
        await desk.source("bad-source-2", kind="FAX", name="x"),
        await desk.source("bad-source-3", name=""),
        await desk.source("bad-source-4", kind="WECHAT_MINI_PROGRAM", name="小程序"),
        await desk.source("bad-source-5", appId="wx1", name="x"),
        await desk.source("bad-source-6", description="长" * 129, name="x"),
    ]
    assert [each["code"] for each in wrong] == ["SOURCE_EXISTS", *["BAD_USER_INPUT"] * 5]


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_buys(desk: Desk, caller: str) -> None:
    client, before = desk.served.client(caller), len(desk.platform.ad_groups)
    for answer in (
        await client.ask(CREATE, input=desk.draft() | {"idempotencyKey": f"who-may-{caller}"}),
        await client.ask(SOURCE, input={"kind": "WEB", "name": "x", "idempotencyKey": f"who-may-{caller}"}),
        await client.ask(SOURCES),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.platform.ad_groups) == before


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.create("no-such-tool-1"))["code"] == "TOOL_NOT_CONFIGURED"
    assert (await desk.source("no-such-tool-2"))["code"] == "TOOL_NOT_CONFIGURED"
