"""Cards, places and rewards as steps, on both databases: repeated at once, taken back, and settled by the job."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from adapters.ip_content import IpContentAdapter
from gateway.access.principal import Principal
from gateway.database.tables.facts import fact
from gateway.database.tables.sagas import saga
from gateway.members import points
from gateway.transactions.actions import Action, Performed
from gateway.transactions.activities import Activities
from gateway.transactions.effects import ip_entries, ip_rewards
from gateway.transactions.records import Problem
from gateway.transactions.states import SagaState
from tests.databases import *  # noqa: F403
from tests.gateway.transactions.conftest import OpenShop, any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

HQ = Principal("hq", "hq", frozenset({"activations:enter", "activations:write"}))
SET, RAFFLE = "FOX-BADGE", "FOX-BADGE-RAFFLE"


@pytest.fixture
async def fair(opens: OpenShop, database_url: str) -> Shop:
    """A shop whose brand has licences."""
    shop = await opens(database_url, more=("ip_content",))
    await shop.tools.get(IpContentAdapter).import_catalogue()
    return shop


async def do(shop: Shop, action: Action[Any, Any], asked: object, key: str) -> Any:
    done = await shop.checkout.actions.perform(HQ, action, asked, key)
    return done.outcome if isinstance(done, Performed) else done


async def told(shop: Shop) -> Counter[str]:
    rows = await shop.database.fetch(select(fact.c.kind).where(fact.c.tool == "ip_content"))
    return Counter(row.kind for row in rows)


async def test_an_entry_draws_one_card_under_however_many_keys(fair: Shop) -> None:
    who = fair.buyer.member or ""
    asked = ip_entries.Draw(who, SET, ref="scan-1")
    drawn = await asyncio.gather(*(do(fair, ip_entries.DRAW, asked, f"draw-key-{n}") for n in range(4)))
    assert {each.card for each in drawn} == {"FOX-5"}
    assert sorted(each.already for each in drawn) == [False, True, True, True]
    assert await told(fair) == {"card.drawn": 1, "reward.reserved": 1}
    claim = ip_rewards.Wanted(who, drawn[0].reward)
    claimed = await asyncio.gather(*(do(fair, ip_rewards.CLAIM, claim, f"claim-key-{n}") for n in range(3)))
    assert Counter(type(each).__name__ for each in claimed) == {"Claimed": 1, "Problem": 2}
    assert {each.details["reason"] for each in claimed if isinstance(each, Problem)} == {"reward_claimed"}
    held = await points.balances(fair.database.fetch, [who], fair.projector.clock.now())
    assert held[who] == 500


async def test_the_job_draws_the_raffle_and_ends_rewards(fair: Shop) -> None:
    who = fair.buyer.member or ""
    await do(fair, ip_entries.ENTER, ip_entries.Entry(who, RAFFLE), "raffle-key-1")
    await do(fair, ip_entries.DRAW, ip_entries.Draw(who, SET, ref="scan-1"), "draw-key-1")
    activities = Activities(fair.projector, fair.tools, fair.queue)
    await activities.settle()
    assert await told(fair) == {"drop.entered": 1, "card.drawn": 1, "reward.reserved": 1}
    fair.pass_time(days=31)
    await asyncio.gather(activities.settle(), activities.settle())
    await activities.settle()
    assert await told(fair) == {
        "drop.entered": 1, "drop.won": 1, "card.drawn": 1, "reward.reserved": 1, "reward.expired": 1,
    }  # fmt: skip
    rows = await fair.database.fetch(select(fact.c.member).where(fact.c.kind.in_(("drop.won", "reward.expired"))))
    assert {row.member for row in rows} == {who}


async def test_what_the_tool_refuses_leaves_the_key_free(fair: Shop) -> None:
    who = fair.buyer.member or ""
    await fair.act("ip_content", "activation_status", code=SET, status="pulled")
    await fair.tools.get(IpContentAdapter).import_catalogue()
    asked = ip_entries.Draw(who, SET, ref="scan-1")
    refused = await do(fair, ip_entries.DRAW, asked, "draw-key-1")
    assert (refused.code, refused.details["reason"]) == ("REJECTED", "out_of_window")
    await fair.act("ip_content", "activation_status", code=SET, status="live")
    await fair.tools.get(IpContentAdapter).import_catalogue()
    assert (await do(fair, ip_entries.DRAW, asked, "draw-key-1")).card == "FOX-5"
    assert await told(fair) == {"card.drawn": 1, "reward.reserved": 1}
    assert SagaState.COMPENSATED in {row.state for row in await fair.database.fetch(select(saga.c.state))}
