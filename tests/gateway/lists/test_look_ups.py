"""Whoever looks a person up by personal data leaves a fact, in one small transaction per request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from gateway.access.principal import Forbidden
from gateway.context import Context
from gateway.database import Database, count_statements
from gateway.database.tables.facts import fact
from gateway.events.projector import Evidence, Handle, Projector, phone_handle
from gateway.members.graph import IdentityGraph
from gateway.resolvers import members, search
from gateway.resolvers.auditing import LookUp, recorded
from gateway.resolvers.members import MemberBy
from gateway.resolvers.paging import PageArgs
from gateway.resolvers.search import Criteria
from tests.databases import ManualClock
from tests.gateway.lists.conftest import Ask

PHONE, APP, CORP = "13800001001", "wxapp1", "wwcorp"
NAMES: dict[str, Any] = {
    "phone": PHONE,
    "openid": (APP, "o1"),
    "unionid": "u1",
    "external_userid": (CORP, "w1"),
    "identity": ("OPENID", APP, "o1"),
    "out_id": "M1",
}


@pytest.fixture
async def who(database: Database, clock: ManualClock) -> str:
    """The id of a member with all these names."""
    handles = (
        Handle("OPENID", APP, "o1"),
        Handle("UNIONID", "default", "u1"),
        Handle("EXTERNAL_USERID", CORP, "w1"),
        phone_handle(PHONE),
        Handle("OUT_ID", "brand", "M1"),
    )
    projector = Projector(database, IdentityGraph(database, clock), clock, "default")
    async with projector.batch([Evidence(handles, "test", clock.now(), phone=PHONE, verified=True)]) as batch:
        linked = batch.linked[0]
    assert linked.member is not None
    return linked.member


def asking(ask: Ask, database: Database, clock: ManualClock, *scopes: str) -> Context:
    context = ask("members:read", *scopes)
    services: Any = context.services
    services.graph = IdentityGraph(database, clock)
    return context


async def told(database: Database) -> list[tuple[str | None, int | None, str | None]]:
    rows = await database.fetch(select(fact).where(fact.c.kind == "personal_data.searched").order_by(fact.c.id))
    assert all(row.payload == {"principal": "hq"} for row in rows)
    assert not any(value in str(row) for row in rows for value in (PHONE, "o1'", "u1'", "w1'"))
    return [(row.reason, row.quantity, row.member) for row in rows]


@pytest.mark.parametrize(("unmasked", "by"), [(unmasked, by) for unmasked in (False, True) for by in NAMES])
async def test_what_is_recorded(
    database: Database, clock: ManualClock, ask: Ask, who: str, unmasked: bool, by: str
) -> None:
    ctx = asking(ask, database, clock, *(["pii:read"] if unmasked else []))
    found = await members.find(ctx, MemberBy(**{by: NAMES[by]}))
    assert found is not None
    assert found.id == who
    recorded = by == "phone" or (unmasked and by != "out_id")
    assert await told(database) == ([(by, 1, who)] if recorded else [])


async def test_nobody_found_is_recorded_and_a_refusal_is_not(
    database: Database, clock: ManualClock, ask: Ask, who: str
) -> None:
    assert await members.find(asking(ask, database, clock), MemberBy(phone="13800009999")) is None
    assert await told(database) == [("phone", 0, None)]
    refused = ask("catalogue")
    with pytest.raises(Forbidden):
        await members.find(refused, MemberBy(phone=PHONE))
    assert len(await told(database)) == 1


async def test_each_look_up_counts(database: Database, clock: ManualClock, ask: Ask, who: str) -> None:
    ctx = asking(ask, database, clock, "pii:read")
    await asyncio.gather(
        members.find(ctx, MemberBy(unionid="u1")),
        members.find(ctx, MemberBy(unionid="u2")),
        members.find(ctx, MemberBy(openid=(APP, "o1"))),
    )
    await search.page(ctx, PageArgs(), Criteria(phone_tail=PHONE[-4:]))
    rows = await told(database)
    assert sorted(rows, key=str) == sorted(
        [("openid", 1, who), ("phone_tail", 1, None), ("unionid", 0, None), ("unionid", 1, who)], key=str
    )


async def test_a_look_up_costs_one_statement_more(database: Database, clock: ManualClock, ask: Ask, who: str) -> None:
    async def cost(*scopes: str) -> int:
        ctx = asking(ask, database, clock, *scopes)
        with count_statements() as counted:
            await members.find(ctx, MemberBy(unionid="u1"))
        return counted.value

    plain = await cost()
    assert await cost("pii:read") - plain == 1
    assert await told(database) == [("unionid", 1, who)]


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_those_that_come_together_are_one_transaction(database: Database, ask: Ask, number: int) -> None:
    ctx = ask()
    with count_statements() as counted:
        await asyncio.gather(*(recorded(ctx, LookUp(("phone",), 0)) for _ in range(number)))
    assert counted.value == 1
    assert await told(database) == [("phone", 0, None)] * number
