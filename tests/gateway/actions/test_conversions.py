"""conversionReport and leadStatusReport: told once, item by item, and of nobody who does not allow it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.social_ads import SocialAdsAdapter
from adapters.social_ads.sandbox import Sandbox as Platform
from gateway.database.tables.facts import fact
from gateway.database.tables.sagas import saga_step
from gateway.events.projections import social_ads
from gateway.resolvers import ids
from sandbox.world import Person
from tests.conftest import EVENING
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "social_ads"
ACTIONS = "POST /v3.0/user_actions/add"
DOCUMENTS = Path(__file__).parents[3] / "examples" / "ads"
CONVERSIONS, LEADS, STATUSES = (
    (DOCUMENTS / f"{name}.graphql").read_text("utf-8") for name in ("conversion-report", "leads", "lead-status-report")
)
AT = EVENING.isoformat()


class Desk:
    """Headquarters, which tells the ad platform what its ads led to."""

    def __init__(self, served: Served) -> None:
        self.served = served

    @property
    def person(self) -> Person:
        """A shopper of the flagship mini-program."""
        return self.served.person("protagonist")

    async def member(self) -> str:
        """Their id."""
        document = "query ($u: String!) { member(by: {unionid: $u}) { id } }"
        return str((await self.served.client().data(document, u=self.person.unionid))["member"]["id"])

    async def say(self, member: str, *, given: bool) -> None:
        """They answer about ads."""
        await self.served.says(member, "AD_MATCHING", given=given)

    async def report(self, key: str, *conversions: dict[str, Any], **more: Any) -> dict[str, Any]:
        """What the mutation answers."""
        given = {"member": await self.member(), "conversions": list(conversions), "key": key} | more
        answer: dict[str, Any] = (await self.served.client().data(CONVERSIONS, **given))["conversionReport"]
        return answer

    async def lead(self) -> str:
        """The id of a lead that the person leaves now, with their own phone."""
        adapter = self.served.gateway.services.tools.get(SocialAdsAdapter)
        ad = self.served.world.ad_groups[0].adgroup_id
        platform = cast(Platform, self.served.sandbox.platforms[TOOL])
        made = await platform.actions()["lead"]({"person": self.person.key, "adgroup_id": ad})
        for clock in (self.served.sandbox.kit.clock, self.served.gateway.clock):
            clock.advance(timedelta(minutes=1))
        now = self.served.gateway.clock.now()
        found = (await adapter.leads(now - timedelta(days=300), now)).items
        await social_ads.leads(self.served.gateway.services.projector, found)
        return ids.encode("ld", str(made["leads_id"]), adapter.account)

    async def told(self, kind: str) -> list[tuple[Any, ...]]:
        """Amount, reason and whether a member is named, of facts of a kind."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.amount_fen, fact.c.reason, fact.c.member).where(fact.c.kind == kind).order_by(fact.c.seq)
        )
        return [(row.amount_fen, row.reason, row.member is not None) for row in rows]

    def taken(self, action: str, key: str) -> list[dict[str, Any]]:
        """What the platform counted."""
        return [
            dict(each.data)
            for each in self.served.sandbox.kit.journal.of_kind(TOOL, f"user_action.{action}")
            if each.key == key
        ]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()


async def test_a_purchase_in_a_shop_is_counted_once(desk: Desk) -> None:
    await desk.say(await desk.member(), given=True)
    bought = {"action": "PURCHASE", "at": AT, "key": "POS-1", "value": 81_900, "clickId": "wx07ptidwiwn5fde"}
    desk.served.sandbox.kit.faults.add(TOOL, "reset_after", endpoint=ACTIONS, calls=(1,))

    answer = await desk.report("conversion-1", bought, {"action": "VISIT_STORE", "at": AT, "key": "POS-1"})

    assert (answer["reported"], answer["refused"]) == (2, [])
    assert answer["transaction"]["state"] == "COMPLETED"
    # By another key of the request too: the platform knows the receipt.
    assert (await desk.report("conversion-2", bought))["reported"] == 1
    [taken] = desk.taken("PURCHASE", "POS-1")
    assert (taken["value"], taken["click_id"], taken["attributable"]) == (81_900, "wx07ptidwiwn5fde", True)
    assert len(desk.taken("VISIT_STORE", "POS-1")) == 1
    assert await desk.told("conversion.reported") == [(81_900, "PURCHASE", True), (None, "VISIT_STORE", True)]


async def test_each_bad_one_is_told_and_the_others_are_taken(desk: Desk) -> None:
    await desk.say(await desk.member(), given=True)
    answer = await desk.report(
        "conversion-3",
        {"action": "PURCHASE", "at": AT, "key": "POS-2", "value": 100},
        {"action": "CUSTOM", "at": AT, "key": "POS-3"},
        {"action": "RE_FUND", "at": AT, "key": "POS-4", "value": -100},
    )
    assert (answer["reported"], answer["refused"]) == (
        1,
        [
            {"key": "POS-3", "action": "CUSTOM", "reason": "conversion"},
            {"key": "POS-4", "action": "RE_FUND", "reason": "conversion"},
        ],
    )
    assert (len(desk.taken("PURCHASE", "POS-2")), len(desk.taken("RE_FUND", "POS-4"))) == (1, 0)


async def test_without_consent_nothing_goes_and_no_openid_is_kept(desk: Desk) -> None:
    bought = {"action": "PURCHASE", "at": AT, "key": "POS-5", "value": 100}
    answer = await desk.report("conversion-4", bought)
    assert answer["code"] == "NOT_ALLOWED"
    assert (desk.taken("PURCHASE", "POS-5"), await desk.told("conversion.reported")) == ([], [])
    [refused] = await desk.told("audience.refused")
    assert refused == (None, "NO_CONSENT", True)
    rows = await desk.served.gateway.services.database.fetch(select(saga_step.c.intent))
    assert [row for row in rows for each in desk.person.openids.values() if each in str(row)] == []


async def test_a_refused_report_leaves_the_key_free(desk: Desk) -> None:
    await desk.say(await desk.member(), given=True)
    bought = {"action": "PURCHASE", "at": AT, "key": "POS-6", "value": 100}
    desk.served.sandbox.kit.faults.add(TOOL, "code", endpoint=ACTIONS, value=11014)
    assert (await desk.report("conversion-5", bought))["code"] == "UNAUTHORIZED"
    desk.served.sandbox.kit.faults.clear()
    assert (await desk.report("conversion-5", bought))["reported"] == 1


async def test_what_cannot_be_reported_is_refused(desk: Desk) -> None:
    one = {"action": "PURCHASE", "at": AT, "key": "POS-7"}
    wrong: tuple[tuple[list[dict[str, Any]], dict[str, Any]], ...] = (
        ([], {}),
        ([one, one], {}),
        ([one | {"key": ""}], {}),
        ([one | {"at": "2026-11-11T20:00:00"}], {}),
        ([{**one, "key": f"k{number}"} for number in range(51)], {}),
        ([one], {"member": ids.encode("mb", "01890000-0000-7000-8000-000000000000")}),
    )
    codes = [
        (await desk.report(f"bad-conversion-{at}", *given, **more))["code"] for at, (given, more) in enumerate(wrong)
    ]
    assert codes == ["BAD_USER_INPUT"] * 5 + ["MEMBER_UNKNOWN"]
    assert desk.taken("PURCHASE", "POS-7") == []


async def test_what_became_of_a_lead_is_told_where_its_member_allows_it(desk: Desk) -> None:
    platform = cast(Platform, desk.served.sandbox.platforms[TOOL])
    mine = await desk.lead()
    listed = (await desk.served.client().data(LEADS))["leads"]["nodes"]
    assert mine in {each["id"] for each in listed}
    # Nobody has verified the phone of the world's other leads, or nobody was asked.
    other = next(each["id"] for each in listed if each["id"] != mine and each["phone"] != desk.person.phone)
    leads = [{"lead": mine, "status": "CONFIRM_EFFECTIVE"}, {"lead": other, "status": "INEFFECTIVE", "reason": "空号"}]

    async def report(key: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await desk.served.client().data(STATUSES, leads=leads, key=key))["leadStatusReport"]
        return answer

    before = await report("lead-status-1")
    assert (before["reported"], {each["lead"] for each in before["withheld"]}) == (0, {mine, other})
    number = ids.decode(mine)[2]
    assert number not in platform.lead_statuses

    await desk.say(await desk.member(), given=True)
    after = await report("lead-status-2")

    assert (after["reported"], [each["lead"] for each in after["withheld"]]) == (1, [other])
    assert {key: platform.lead_statuses.get(key) for key in (number, ids.decode(other)[2])} == {
        number: "CONFIRM_EFFECTIVE",
        ids.decode(other)[2]: None,
    }
    assert await desk.told("lead.reported") == [(None, "CONFIRM_EFFECTIVE", True)]


async def test_leads_that_are_none_are_refused(desk: Desk) -> None:
    lead = {"lead": ids.encode("ld", "1", "1"), "status": "X"}
    wrong: tuple[list[dict[str, Any]], ...] = (
        [],
        [lead, lead],
        [lead, lead | {"lead": ids.encode("ld", "2", "2")}],
        [lead | {"lead": ids.encode("ld", "x", "1")}],
        [{**lead, "lead": ids.encode("ld", "1", str(desk.served.world.ad_account))}],
    )
    codes = [
        (await desk.served.client().data(STATUSES, leads=each, key=f"bad-lead-{at}"))["leadStatusReport"]["code"]
        for at, each in enumerate(wrong)
    ]
    assert codes == ["BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "ID_INVALID", "LEAD_UNKNOWN"]


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_reports(desk: Desk, caller: str) -> None:
    for document, given in (
        (CONVERSIONS, {"member": "x", "conversions": [], "key": "forbidden-1"}),
        (STATUSES, {"leads": [], "key": "forbidden-1"}),
    ):
        answer = await desk.served.client(caller).ask(document, **given)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
