"""What members do in activations of licensed works: an entry counts once, limits hold, and what is undone is undone."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update

from adapters.ip_content import IpContentAdapter
from adapters.ip_content.tables import activation, contest, draw, drop
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import purchase
from gateway.resolvers import ids
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENTS = Path(__file__).parents[3] / "examples" / "ip"
FILES = {path.stem: path.read_text("utf-8") for path in DOCUMENTS.glob("*.graphql")}
SET = ids.encode("ac", "FOX-BADGE")
VOTE, QUIZ, EDITION, RAFFLE = (f"FOX-BADGE-{each}" for each in ("VOTE", "QUIZ", "DROP", "RAFFLE"))
ORDERS = "query { me { id orders(first: 20) { nodes { id state paidAt } } points { balance } } }"
TIMELINE = """query { me { timeline(filter: {families: [IP], kinds: ["reward.claimed"]}) { nodes { kind summary
  ... on IpTimelineEntry { name activation { id } rewardKind rewardAmount } } } } }"""
UNDONE = """mutation ($member: ID!, $reward: ID!) @atomic(key: "claim-and-fail-1") {
  claim: rewardClaim(input: {reward: $reward, member: $member}) { ... on Problem { code } }
  place: dropEnter(input: {drop: "FOX-BADGE-DROP", member: $member}) { ... on Problem { code } }
  fails: pointsAdjust(input: {member: $member, points: -999999, reason: "too much"}) { ... on Problem { code } }
}"""


class Desk:
    """A shopper with her phone, and headquarters."""

    def __init__(self, served: Served) -> None:
        self.served = served

    async def ask(self, name: str, caller: str = "frontend", story: str | None = "protagonist", **given: Any) -> Any:
        """A document's only field."""
        data = await self.served.client(caller, story if caller == "frontend" else None).data(FILES[name], **given)
        return next(iter(data.values()))

    async def me(self, story: str = "protagonist") -> dict[str, Any]:
        """Her id, orders and points."""
        found: dict[str, Any] = (await self.served.client("frontend", story).data(ORDERS))["me"]
        return found

    async def paid(self, story: str = "protagonist") -> list[str]:
        """Her orders that are paid."""
        nodes = (await self.me(story))["orders"]["nodes"]
        return [each["id"] for each in nodes if each["paidAt"] and each["state"] not in {"CLOSED", "REFUNDED"}]

    async def draw(self, order: str, key: str, **more: Any) -> dict[str, Any]:
        """She draws for an order."""
        given = {"activation": SET, "for": {"order": order}, "idempotencyKey": key} | more
        found: dict[str, Any] = await self.ask("draw", draw=given)
        return found

    async def told(self) -> Counter[str]:
        """How many facts of activations there are, by kind."""
        kinds = fact.c.kind.regexp_match("^(card|ballot|drop|reward|activation)[.]")
        return Counter([row.kind for row in await self.served.gateway.services.database.fetch(
            select(fact.c.kind).where(kinds)
        )])  # fmt: skip

    async def drawn(self) -> int:
        """Draws in the tool's ledger."""
        return len(await self.served.gateway.services.database.fetch(select(draw.c.entry_ref)))

    async def after(self, by: timedelta) -> None:
        """Later, when the job has run."""
        self.served.sandbox.kit.clock.advance(by)
        self.served.gateway.clock.advance(by)
        for each in self.served.gateway.recurring:
            await each.ensure()
        await self.served.gateway.worker.drain()

    async def change(self, statement: Any) -> None:
        """Something of the imported catalogue is otherwise."""
        async with self.served.gateway.services.database.write() as connection:
            await connection.execute(statement)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def test_an_order_draws_the_last_badge_which_earns_a_reward(desk: Desk) -> None:
    order, before = (await desk.paid())[0], await desk.me()

    first = await desk.draw(order, "draw-000001")

    assert (first["card"], first["complete"], first["already"]) == ({"id": "FOX-5", "name": "星夜"}, True, False)
    assert (first["participation"]["collected"], first["transaction"]["state"]) == (5, "COMPLETED")
    reward = first["reward"]
    assert (reward["kind"], reward["amount"], reward["state"]) == ("POINTS", 500, "RESERVED")
    # The same entry again, under whatever key: the same card, and nothing is told twice.
    assert (await desk.draw(order, "draw-000002"))["already"]
    assert await desk.told() == {"card.drawn": 1, "reward.reserved": 1}

    claim = {"reward": reward["id"], "idempotencyKey": "claim-000001"}
    assert (await desk.ask("claim", claim=claim))["reward"]["state"] == "CLAIMED"
    assert (await desk.ask("claim", claim=claim))["reward"]["state"] == "CLAIMED"
    again = await desk.ask("claim", claim=claim | {"idempotencyKey": "claim-000002"})
    assert (again["code"], again["reason"]) == ("REJECTED", "reward_claimed")
    assert (await desk.me())["points"]["balance"] == before["points"]["balance"] + 500
    assert await desk.told() == {"card.drawn": 1, "reward.reserved": 1, "reward.claimed": 1}
    [told, *_] = (await desk.served.client("frontend", "protagonist").data(TIMELINE))["me"]["timeline"]["nodes"]
    assert told == {
        "kind": "reward.claimed", "summary": "领取奖励「集齐奖励」", "name": "集齐奖励",
        "activation": {"id": SET}, "rewardKind": "POINTS", "rewardAmount": 500,
    }  # fmt: skip
    mine = await desk.ask("mine")
    assert mine["ipParticipations"]["nodes"][0]["cards"] == ["晨雾", "松林", "溪谷", "云岭", "星夜"]
    assert [each["state"] for each in mine["ipRewards"]["nodes"]] == ["CLAIMED"]


async def test_whoever_may_not_draw_draws_nothing(desk: Desk) -> None:
    order, before = (await desk.paid())[0], await desk.drawn()
    mine = (await desk.me())["id"]
    [row, *_] = await desk.served.gateway.services.database.fetch(
        select(purchase.c.id)
        .join(identity, identity.c.id == purchase.c.identity)
        .where(identity.c.member != ids.decode(mine)[2], purchase.c.paid_at.is_not(None))
        .limit(1)
    )
    theirs = ids.encode("or", row.id)
    assert (await desk.draw(theirs, "draw-000003"))["code"] == "ORDER_UNKNOWN"
    assert (await desk.draw("x", "draw-000004"))["code"] == "ID_INVALID"
    assert (await desk.draw(order, "short"))["code"] == "IDEMPOTENCY_KEY_REQUIRED"
    nobody = {"activation": SET, "for": {"order": order}, "idempotencyKey": "draw-000005"}
    assert (await desk.ask("draw", story=None, draw=nobody))["code"] == "SESSION_REQUIRED"
    for given, story in (({"for": {"ref": "scan-1"}}, "protagonist"), ({"member": mine}, "expired_coupon")):
        client = desk.served.client("frontend", story)
        answer = await client.ask(FILES["draw"], draw=nobody | given)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    gone = await desk.ask("draw", "hq", draw=nobody | {"member": ids.encode("mb", "0" * 36)})
    assert gone["code"] == "MEMBER_UNKNOWN"
    await desk.served.client().data(
        "mutation ($m: ID!) { memberMinorSet(input: {member: $m, minor: true}) { __typename } }", m=mine
    )
    assert (await desk.draw(order, "draw-000006"))["code"] == "UNDER_AGE"
    assert (await desk.ask("enter", entry={"drop": RAFFLE, "idempotencyKey": "raffle-0001"}))["code"] == "UNDER_AGE"
    await desk.change(update(member).where(member.c.id == ids.decode(mine)[2]).values(erased_at=desk.served.world.now))
    hq = {"activation": SET, "for": {"ref": "scan-1"}, "member": mine, "idempotencyKey": "draw-000007"}
    assert (await desk.ask("draw", "hq", draw=hq))["code"] == "MEMBER_UNKNOWN"
    assert (await desk.drawn(), await desk.told()) == (before, {})


async def test_headquarters_brings_entries_of_its_own(desk: Desk) -> None:
    mine = (await desk.me())["id"]
    given = {"activation": SET, "for": {"ref": "scan-1"}, "member": mine, "idempotencyKey": "draw-000008"}
    assert (await desk.ask("draw", "hq", draw=given))["card"]["id"] == "FOX-5"
    theirs = (await desk.me("expired_coupon"))["id"]
    used = given | {"member": theirs, "idempotencyKey": "draw-000009"}
    assert (await desk.ask("draw", "hq", draw=used))["reason"] == "entry_used"


async def test_an_order_of_before_or_whose_money_went_back_gives_nothing(desk: Desk) -> None:
    order = (await desk.paid())[0]
    native = ids.decode(order)[2]
    await desk.change(update(purchase).where(purchase.c.id == native).values(refunded=purchase.c.payable))
    assert (await desk.draw(order, "draw-000010"))["code"] == "ENTRY_INVALID"
    before = desk.served.world.now - timedelta(days=60)
    await desk.change(update(purchase).where(purchase.c.id == native).values(refunded=0, paid_at=before))
    assert (await desk.draw(order, "draw-000015"))["code"] == "ENTRY_INVALID"
    assert await desk.told() == {}


async def test_ballots_are_counted_within_their_limits(desk: Desk) -> None:
    ballot = {"contest": QUIZ, "choice": "FOX-2", "idempotencyKey": "quiz-000001"}
    cast = await desk.ask("vote", ballot=ballot)
    assert (cast["choice"], cast["already"]) == ("FOX-2", False)
    assert {each["id"]: each["votes"] for each in cast["contest"]["tally"]["options"]} == {
        "FOX-1": 0, "FOX-2": 1, "FOX-3": 0,
    }  # fmt: skip
    assert (await desk.ask("vote", ballot=ballot))["choice"] == "FOX-2"
    more = await desk.ask("vote", ballot=ballot | {"idempotencyKey": "quiz-000002"})
    assert (more["code"], more["reason"]) == ("QUOTA_EXHAUSTED", "limit_reached")
    wrong = await desk.ask("vote", ballot=ballot | {"contest": VOTE, "choice": "x", "idempotencyKey": "vote-000001"})
    assert wrong["reason"] == "bad_choice"
    gone = await desk.ask("vote", ballot=ballot | {"contest": "NONE", "idempotencyKey": "vote-000002"})
    assert gone["code"] == "NOT_FOUND"
    assert await desk.told() == {"ballot.cast": 1}


async def test_a_limited_edition_gives_places_while_there_are_any(desk: Desk) -> None:
    entered = await desk.ask("enter", entry={"drop": EDITION, "idempotencyKey": "entry-0001"})
    assert (entered["state"], entered["drop"]["stockLeft"]) == ("WON", 499)
    more = await desk.ask("enter", entry={"drop": EDITION, "idempotencyKey": "entry-0002"})
    assert more["reason"] == "limit_reached"
    await desk.change(update(drop).where(drop.c.code == EDITION).values(stock_total=1))
    sold = await desk.ask("enter", story="expired_coupon", entry={"drop": EDITION, "idempotencyKey": "entry-0003"})
    assert (sold["code"], sold["reason"]) == ("REJECTED", "sold_out")
    await desk.change(update(drop).where(drop.c.code == EDITION).values(stock_total=9, member_days=99999))
    risky = await desk.ask("enter", story="expired_coupon", entry={"drop": EDITION, "idempotencyKey": "entry-0004"})
    assert risky["code"] == "RISK_REJECTED"
    assert await desk.told() == {"drop.entered": 1, "drop.won": 1}


async def test_a_raffle_is_drawn_by_the_job_and_tells_its_members(desk: Desk) -> None:
    await desk.change(update(drop).where(drop.c.code == RAFFLE).values(stock_total=1))
    who = {ids.decode((await desk.me(story))["id"])[2] for story in ("protagonist", "expired_coupon")}
    for number, story in enumerate(("protagonist", "expired_coupon")):
        entry = {"drop": RAFFLE, "idempotencyKey": f"raffle-000{number}"}
        assert (await desk.ask("enter", story=story, entry=entry))["state"] == "ENTERED"

    await desk.after(timedelta(days=6))

    assert await desk.told() == {"drop.entered": 2, "drop.won": 1, "drop.lost": 1}
    rows = await desk.served.gateway.services.database.fetch(
        select(fact.c.kind, fact.c.member).where(fact.c.kind.in_(("drop.won", "drop.lost")))
    )
    assert {row.member for row in rows} == who
    await desk.after(timedelta(hours=1))
    assert await desk.told() == {"drop.entered": 2, "drop.won": 1, "drop.lost": 1}


async def test_a_reward_that_nobody_claims_expires_and_is_told(desk: Desk) -> None:
    reward = (await desk.draw((await desk.paid())[0], "draw-000011"))["reward"]
    await desk.after(timedelta(days=31))
    assert await desk.told() == {"card.drawn": 1, "reward.reserved": 1, "reward.expired": 1}
    hq = {"reward": reward["id"], "member": await member_of(desk), "idempotencyKey": "claim-000003"}
    assert (await desk.ask("claim", "hq", claim=hq))["reason"] == "reward_expired"


async def member_of(desk: Desk) -> str:
    """The protagonist's id, also once her session has ended."""
    unionid = desk.served.person("protagonist").unionid
    found = await desk.served.client().data("query ($u: String!) { member(by: {unionid: $u}) { id } }", u=unionid)
    who: str = found["member"]["id"]
    return who


async def test_what_fails_together_is_taken_back_together(desk: Desk) -> None:
    reward = (await desk.draw((await desk.paid())[0], "draw-000012"))["reward"]
    before = await desk.me()
    answer = await desk.served.client().data(UNDONE, member=before["id"], reward=reward["id"])
    assert [each["code"] for each in answer.values()] == ["TRANSACTION_ROLLED_BACK"] * 3
    mine = await desk.ask("mine")
    assert [each["state"] for each in mine["ipRewards"]["nodes"]] == ["RESERVED"]
    assert [each["state"] for each in mine["dropPlaces"]["nodes"]] == ["WITHDRAWN"]
    assert (await desk.me())["points"]["balance"] == before["points"]["balance"]
    assert await desk.told() == {
        "card.drawn": 1, "reward.reserved": 2, "reward.claimed": 1,
        "drop.entered": 1, "drop.won": 1, "drop.withdrawn": 1,
    }  # fmt: skip
    claim = {"reward": reward["id"], "idempotencyKey": "claim-000004"}
    assert (await desk.ask("claim", claim=claim))["reward"]["state"] == "CLAIMED"


async def test_a_place_whose_return_nobody_heard_of_is_told_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reward = (await desk.draw((await desk.paid())[0], "draw-000013"))["reward"]
    withdraw, died = IpContentAdapter.withdraw_drop, []

    async def dying(adapter: IpContentAdapter, drop: str, entry_ref: str) -> bool:
        done = await withdraw(adapter, drop, entry_ref)
        if not died:
            died.append(entry_ref)
            raise ConnectionError
        return done

    monkeypatch.setattr(IpContentAdapter, "withdraw_drop", dying)
    await desk.served.client().data(UNDONE, member=(await desk.me())["id"], reward=reward["id"])
    await desk.after(timedelta(minutes=5))
    assert len(died) == 1
    assert (await desk.told())["drop.withdrawn"] == 1


async def test_headquarters_moves_an_activation_on(desk: Desk) -> None:
    move = {"activation": SET, "to": "INSTALLED", "idempotencyKey": "move-000001"}
    refused = await desk.ask("move", "hq", move=move)
    assert (refused["code"], refused["reason"]) == ("REJECTED", "illegal_transition")
    moved = await desk.ask("move", "hq", move=move | {"to": "CLOSED"})
    assert (moved["from"], moved["activation"]["state"]) == ("LIVE", "CLOSED")
    closed = await desk.draw((await desk.paid())[0], "draw-000013")
    assert closed["reason"] == "out_of_window"
    assert await desk.told() == {"activation.moved": 1}
    answer = await desk.served.client("frontend", "protagonist").ask(FILES["move"], move=move)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


async def test_a_move_to_the_stores_is_judged_by_where_they_are(desk: Desk) -> None:
    await desk.change(update(activation).values(state="installed"))
    live = {"activation": SET, "to": "LIVE", "idempotencyKey": "move-000002"}
    assert (await desk.ask("move", "hq", move=live))["activation"]["state"] == "LIVE"
    await desk.change(update(activation).values(state="installed", stores=["SH-AFL", "NOWHERE"]))
    refused = await desk.ask("move", "hq", move=live | {"idempotencyKey": "move-000003"})
    assert refused["reason"] == "store_not_in_territory"


async def test_activations_of_a_store_cost_the_same_for_any_number(desk: Desk) -> None:
    database = desk.served.gateway.services.database
    [row] = await database.fetch(activation.select())
    [_, vote] = await database.fetch(contest.select().order_by(contest.c.code))
    costs = set()
    have = 1
    for number in (1, 10, 50):
        for each in range(have, number):
            await desk.change(insert(activation).values(row._asdict() | {"code": f"A-{each}"}))
            values = vote._asdict() | {"code": f"V-{each}", "activation": f"A-{each}"}
            await desk.change(insert(contest).values(values))
        have = number
        document = FILES["activations"].replace("state: LIVE", f"state: LIVE, first: {number}")
        with desk.served.counted() as count:
            found = await desk.served.client("frontend").data(document)
        nodes = found["ipActivations"]["nodes"]
        assert len(nodes) == number
        assert all(each["contests"] for each in nodes)
        costs.add((tuple(count.calls.items()), count.statements))
    assert len(costs) == 1
    store = ids.encode("st", "SH-AFL")
    [one] = (await desk.ask("activations", store=store, on="2026-11-11"))["nodes"]
    assert [each["odds"] for each in one["cards"]] == [0.2] * 5
    assert (one["prize"]["name"], [each["queue"] for each in one["drops"]]) == ("集齐奖励", ["FCFS", "RAFFLE"])
    assert (await desk.ask("activations", store=store, on="2027-11-11"))["nodes"] == []


async def test_without_the_tool_only_its_fields_are_missing(open_served: OpenServed) -> None:
    served = await open_served(without("ip_content"))
    given = {"activation": SET, "for": {"ref": "s"}, "member": ids.encode("mb", "x"), "idempotencyKey": "draw-000014"}
    answer = await served.client().data(FILES["draw"], draw=given)
    assert answer["cardDraw"]["code"] in {"TOOL_NOT_CONFIGURED", "MEMBER_UNKNOWN"}
    listed = await served.client().ask(FILES["activations"])
    assert [each["extensions"]["code"] for each in listed["errors"]] == ["TOOL_NOT_CONFIGURED"]
    assert listed["data"] == {"ipActivations": None}
