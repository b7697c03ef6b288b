"""Leads: who may read them, what they show, and that an erasure finds them however the phone was typed."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from adapters.social_ads import Lead
from gateway.access.principal import Forbidden
from gateway.context import Context
from gateway.database import Database, count_statements
from gateway.database.tables.projections import lead
from gateway.events.projections import social_ads
from gateway.events.projector import Evidence, Handle, Projector, phone_handle
from gateway.members.graph import IdentityGraph
from gateway.members.holdings import HOLDINGS
from gateway.members.person import gather
from gateway.resolvers import leads
from gateway.resolvers.paging import PageArgs
from gateway.schema.leads import Lead as LeadType
from tests.databases import ManualClock
from tests.gateway.lists.conftest import Ask

TYPED = ("13800001001", "+86 138-0000-1001", "008613800001001", "13900002002")


def reading(ask: Ask, *scopes: str) -> Context:
    context = ask(*scopes)
    services: Any = context.services
    services.tools = SimpleNamespace(get=lambda *_: object(), all=lambda *_: [object()])
    return context


async def left(database: Database, clock: ManualClock, number: int = len(TYPED)) -> Projector:
    projector = Projector(database, IdentityGraph(database, clock), clock, "default")
    records = [
        Lead(
            account_id=1, lead_id=each, adgroup_id=7, click_id=None, name="林晓雯", phone=TYPED[each % len(TYPED)],
            created_at=clock.now() + timedelta(minutes=each),
        )
        for each in range(number)
    ]  # fmt: skip
    await social_ads.leads(projector, records)
    return projector


async def test_the_newest_first_and_for_whom(database: Database, clock: ManualClock, ask: Ask) -> None:
    await left(database, clock)
    ctx = reading(ask)
    first = await leads.page(ctx, PageArgs(first=3))
    rest = await leads.page(ctx, PageArgs(first=3, after=first.cursors[-1]))
    assert [each.phone for each in (*first.items, *rest.items)] == [*reversed(TYPED)]
    assert (first.has_next, rest.has_next) == (True, False)
    with pytest.raises(Forbidden):
        await leads.page(reading(ask, "catalogue"), PageArgs())


async def test_names_and_phones_are_masked_and_sealed(database: Database, clock: ManualClock, ask: Ask) -> None:
    await left(database, clock, 1)
    [record] = (await leads.page(reading(ask), PageArgs())).items
    masked, plain = (LeadType.of(record, shown=shown) for shown in (False, True))
    assert (masked.name, masked.phone) == ("林**", "138****1001")
    assert (plain.name, plain.phone) == ("林晓雯", "13800001001")
    assert "13800001001" not in repr(record)
    async with database.write() as connection:
        raw = (await connection.exec_driver_sql("SELECT name, phone FROM lead")).all()
    assert not any(b"13800001001" in bytes(cell) or "林".encode() in bytes(cell) for cell in raw[0])


async def test_an_erasure_finds_them_however_the_phone_was_typed(
    database: Database, clock: ManualClock, ask: Ask
) -> None:
    projector = await left(database, clock)
    handles = (Handle("OPENID", "wxapp1", "o1"), phone_handle("13800001001"))
    async with projector.batch([Evidence(handles, "test", clock.now())]) as batch:
        who = batch.linked[0].member
    assert who is not None
    person = await gather(database, database.fetch, who)
    [holding] = [each for each in HOLDINGS if each.table is lead]
    found = [
        row.phone for where in holding.of(person) for row in await database.fetch(select(lead.c.phone).where(where))
    ]
    assert sorted(found) == sorted(TYPED[:3])


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_a_page_is_one_statement(database: Database, clock: ManualClock, ask: Ask, number: int) -> None:
    await left(database, clock, number)
    with count_statements() as counted:
        page = await leads.page(reading(ask), PageArgs(first=50))
    assert (len(page.items), counted.value) == (number, 1)
