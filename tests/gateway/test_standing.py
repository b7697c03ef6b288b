"""Points, levels, totals and the member code through the graph: who may ask, what is answered, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from adapters.base.secrets import Secret
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.facts import fact
from gateway.database.tables.ledger import points_entry
from gateway.resolvers import ids
from gateway.settings import ApiKey
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import KEYS, Change, Client, Served
from tests.gateway.test_whole_member import bought_by, iso

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADJUST = """mutation ($input: PointsAdjustInput!) { pointsAdjust(input: $input) { __typename
  ... on PointsAdjusted { entry { kind points reason validUntil } points { balance expiring { amount at } } }
  ... on Problem { code message retryable } } }"""
POINTS = "query ($u: String!) { member(by: {unionid: $u}) { id points { balance entries { nodes { kind points } } } } }"
TOTALS = """query ($u: String!) { member(by: {unionid: $u}) { totals { orders spend { amount } refunds
  refunded { amount } averageOrder { amount } firstOrderAt lastOrderAt lastSeen { tool at } recencyDays frequency
  monetary { amount } } } }"""
CODE = "query ($s: Int!) { me { id memberCode(expiresIn: $s) } }"
REDEEM = "query ($c: String!) { member(by: {code: $c}) { id level { name } } }"


async def member_of(served: Served, story: str = "protagonist") -> dict[str, Any]:
    member: dict[str, Any] = (await served.client().data(POINTS, u=served.person(story).unionid))["member"]
    return member


async def adjusted(client: Client, member: str, points: int, **more: Any) -> dict[str, Any]:
    given = {"member": member, "points": points, "reason": "生日礼", "idempotencyKey": "adjust-0001"} | more
    result: dict[str, Any] = (await client.data(ADJUST, input=given))["pointsAdjust"]
    return result


async def booked(served: Served) -> tuple[int, int]:
    """Entries of the ledger, and facts about them."""
    database = served.gateway.services.database
    entries = await database.one(select(func.count()).select_from(points_entry))
    facts = await database.one(select(func.count()).select_from(fact).where(fact.c.kind == "points.changed"))
    assert entries is not None
    assert facts is not None
    return int(entries[0]), int(facts[0])


async def test_headquarters_gives_and_takes_points(open_served: OpenServed) -> None:
    served = await open_served()
    client, who = served.client(), await member_of(served)
    [card] = [each for each in served.world.vip_cards if each.person == served.world.cast["protagonist"]]
    assert who["points"] == {"balance": card.score, "entries": {"nodes": [{"kind": "CARD", "points": card.score}]}}
    before = await booked(served)
    until = (served.gateway.clock.now() + timedelta(days=3)).replace(microsecond=0).isoformat()

    for _ in range(2):
        assert await adjusted(client, who["id"], 100, validUntil=until) == {
            "__typename": "PointsAdjusted",
            "entry": {"kind": "ADJUST", "points": 100, "reason": "生日礼", "validUntil": until},
            "points": {"balance": card.score + 100, "expiring": [{"amount": 100, "at": until}]},
        }
    taken = await adjusted(client, who["id"], -card.score, idempotencyKey="adjust-0002")
    assert taken["points"] == {"balance": 100, "expiring": []}
    assert await booked(served) == (before[0] + 2, before[1] + 2)
    nodes = (await member_of(served))["points"]["entries"]["nodes"]
    assert [each["points"] for each in nodes] == [-card.score, 100, card.score]


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"idempotencyKey": None}, "IDEMPOTENCY_KEY_REQUIRED", "idempotencyKey must have 8 to 64 characters"),
        ({"idempotencyKey": "short"}, "IDEMPOTENCY_KEY_REQUIRED", "idempotencyKey must have 8 to 64 characters"),
        ({"points": -100_000}, "POINTS_INSUFFICIENT", "The member has 3260 points; 100000 cannot be taken."),
        ({"points": 0}, "BAD_USER_INPUT", "points is 0: it must be 1 to 100000000"),
        ({"points": 100_000_001}, "BAD_USER_INPUT", "points is 100000001: it must be 1 to 100000000"),
        ({"reason": " "}, "BAD_USER_INPUT", "reason must have 1 to 100 characters"),
        ({"reason": "x" * 101}, "BAD_USER_INPUT", "reason must have 1 to 100 characters"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "BAD_USER_INPUT", "validUntil is for points that come"),
        ({"points": -1, "validUntil": "2030-01-01T00:00:00Z"}, "BAD_USER_INPUT", "validUntil is for points that come"),
        ({"member": ids.encode("mb", "nobody")}, "MEMBER_UNKNOWN", "There is no such member"),
        ({"member": ids.encode("or", "1")}, "ID_FOREIGN", "This is an id of a Order"),
    ],
)
async def test_an_adjustment_that_is_refused(served: Served, changed: dict[str, Any], code: str, message: str) -> None:
    before, who = await booked(served), await member_of(served)
    found = await adjusted(served.client(), **({"member": who["id"], "points": 5} | changed))
    assert (found["__typename"], found["code"], found["retryable"]) == ("DomainProblem", code, False)
    assert found["message"].startswith(message)
    assert await booked(served) == before


async def test_a_key_of_an_adjustment_means_one_thing(open_served: OpenServed) -> None:
    served = await open_served()
    who, other = await member_of(served), await member_of(served, "expired_coupon")
    await adjusted(served.client(), who["id"], 5)
    before = await booked(served)
    for member, points in ((who["id"], 6), (other["id"], 5)):
        found = await adjusted(served.client(), member, points)
        assert found["code"] == "IDEMPOTENCY_MISMATCH"
    assert await booked(served) == before
    # Another caller's key is another key.
    assert (await adjusted(served.client("masked"), who["id"], 5))["points"]["balance"] == who["points"]["balance"] + 10


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_who_may_not_adjust(served: Served, caller: str) -> None:
    answer = await served.client(caller).ask(
        ADJUST, input={"member": "x", "points": 5, "reason": "x", "idempotencyKey": "adjust-0001"}
    )
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert "'points:write'" in error["message"]


async def test_totals_are_what_the_orders_add_up_to(served: Served) -> None:
    person, now = served.person("protagonist"), served.gateway.clock.now()
    [found] = (await served.client().data(TOTALS, u=person.unionid)).values()
    totals = found["totals"]
    paid = [each for each in bought_by(served, person) if each.paid_at is not None]
    assert len(paid) > 1
    spend, last = sum(each.payable for each in paid), max(each.paid_at for each in paid if each.paid_at)
    first = min(each.paid_at for each in paid if each.paid_at)
    window = [each for each in paid if each.paid_at and (now - each.paid_at) < timedelta(days=330)]
    assert len(window) == len(paid), "the world's orders are all of this year; change the expected window"
    seen = totals.pop("lastSeen")
    days = (now.astimezone(BUSINESS_ZONE).date() - last.astimezone(BUSINESS_ZONE).date()).days
    # Her exchange (换货) moved no money.
    assert totals == {
        "orders": len(paid),
        "spend": {"amount": spend},
        "refunds": 0,
        "refunded": {"amount": 0},
        "averageOrder": {"amount": spend // len(paid)},
        "firstOrderAt": iso(first),
        "lastOrderAt": iso(last),
        "recencyDays": days,
        "frequency": len(paid),
        "monetary": {"amount": spend},
    }
    assert {each["tool"] for each in seen} >= {
        "mini_program_store",
        "official_account",
        "social_ads",
        "enterprise_chat",
    }
    assert [each["at"] for each in seen] == sorted((each["at"] for each in seen), reverse=True)


@pytest.mark.parametrize("field", ["totals(months: 0) { orders }", "totals(months: 121) { orders }"])
async def test_a_window_has_its_limits(served: Served, field: str) -> None:
    answer = await served.client().ask(
        f"query ($u: String!) {{ member(by: {{unionid: $u}}) {{ id {field} }} }}",
        u=served.person("protagonist").unionid,
    )
    assert answer["data"]["member"]["totals"] is None
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


def till(*scopes: str) -> Change:
    """A partner's key for a till."""
    key = ApiKey(id="till", key=Secret("the-till-of-a-partner"), audience="partner", scopes=frozenset(scopes))
    return lambda settings: msgspec.structs.replace(settings, api_keys=(*KEYS.values(), key))


async def test_a_shopper_shows_the_code_and_the_till_reads_it(open_served: OpenServed) -> None:
    served = await open_served(till("pos"))
    me = (await served.client("frontend", "protagonist").data(CODE, s=60))["me"]
    scanner = Client(served.url, "the-till-of-a-partner")
    for client in (scanner, served.client("guide"), served.client("hq")):
        assert (await client.data(REDEEM, c=me["memberCode"]))["member"] == {"id": me["id"], "level": {"name": "金卡"}}
    # A till finds nobody who does not show a code.
    answer = await scanner.ask("query ($u: String!) { member(by: {unionid: $u}) { id } }", u="o6_x")
    assert (answer["data"], answer["errors"][0]["extensions"]) == ({"member": None}, {"code": "FORBIDDEN"})
    served.gateway.clock.advance(timedelta(seconds=65))
    answer = await scanner.ask(REDEEM, c=me["memberCode"])
    assert (answer["data"], answer["errors"][0]["extensions"]) == ({"member": None}, {"code": "MEMBER_CODE_EXPIRED"})


@pytest.mark.parametrize(
    ("text", "code"), [("134567890123456789", "MEMBER_CODE_INVALID"), ("9" + "1" * 73, "MEMBER_CODE_FORGED")]
)
async def test_a_code_that_leads_to_nobody(served: Served, text: str, code: str) -> None:
    answer = await served.client().ask(REDEEM, c=text)
    assert (answer["data"], answer["errors"][0]["extensions"]) == ({"member": None}, {"code": code})
    assert text not in answer["errors"][0]["message"]


@pytest.mark.parametrize("caller", ["frontend", "partner"])
async def test_a_code_is_read_by_who_may(served: Served, caller: str) -> None:
    answer = await served.client(caller).ask(REDEEM, c="9" + "1" * 73)
    assert (answer["data"], answer["errors"][0]["extensions"]) == ({"member": None}, {"code": "FORBIDDEN"})


async def test_only_the_shopper_makes_a_code(served: Served) -> None:
    answer = await served.client().ask(
        "query ($u: String!) { member(by: {unionid: $u}) { memberCode } }", u=served.person("protagonist").unionid
    )
    assert answer["data"] == {"member": {"memberCode": None}}
    assert answer["errors"][0]["extensions"] == {"code": "SESSION_REQUIRED"}
    answer = await served.client("frontend", "protagonist").ask(CODE, s=301)
    assert answer["data"]["me"]["memberCode"] is None
    assert answer["errors"][0]["message"] == "expiresIn is 301: it must be between 10 and 300 seconds."
