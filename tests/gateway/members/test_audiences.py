"""Our rows of who is in audiences, on both databases; what the platform hears is in tests/gateway/actions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.database import Database
from gateway.database.tables.audiences import audience_person
from gateway.database.tables.sagas import saga
from gateway.events.projector import phone_handle
from gateway.jobs import Queue
from gateway.members import audiences
from gateway.members.audiences import KEPT, Audiences, Place
from gateway.members.consent import Purpose
from gateway.members.person import gather
from gateway.runtime import OpenTools, Quotas
from gateway.runtime.counts import SqlCounts
from gateway.settings import Reach
from tests.databases import ManualClock
from tests.gateway.members.conftest import openid
from tests.gateway.members.test_gate import People

PHONES = Place("20458", "5001", "SHA256_MOBILE_PHONE", "")
OPENIDS = Place("20458", "5001", "WECHAT_OPENID", "wxapp1")
SAGA = "s" * 26


class Rows:
    """What is written, and by whom."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.people = People(database, clock)
        self.tools = OpenTools({}, {}, Quotas(clock, {}, SqlCounts(database)))

    async def members(self, *phones: str) -> list[str]:
        """A member for each phone, with an openid of their own."""
        return [(await self.people.linked(openid(f"o{each}"), phone_handle(each))).member for each in phones]

    async def name(self, upload: str, place: Place, *members: str) -> None:
        async with self.database.write() as connection:
            await audiences.name(connection, upload, SAGA, place, members, self.clock.now())

    async def send(self, upload: str, place: Place, *members: str) -> None:
        """They are about to go."""
        known = await audiences.known_by(self.database, members, place)
        withheld = {each: "NO_ID" for each in members if each not in known}
        async with self.database.write() as connection:
            await audiences.decide(connection, upload, known, withheld)

    async def arrive(self, upload: str) -> None:
        async with self.database.write() as connection:
            await audiences.arrived(connection, upload)

    async def states(self) -> Mapping[str, int]:
        table = audience_person
        rows = await self.database.fetch(select(table.c.state, func.count().label("n")).group_by(table.c.state))
        return {row.state: row.n for row in rows}

    def sweeping(self) -> Audiences:
        found = Audiences(self.database, self.tools, Queue(self.database, self.clock), Reach())
        # Three members are two rounds.
        found.page = 2
        return found


@pytest.fixture
def rows(database: Database, clock: ManualClock) -> Rows:
    return Rows(database, clock)


async def test_from_named_to_arrived(rows: Rows) -> None:
    first, second, foreign = await rows.members("13900138000", "13900138001", "+85261234567")
    await rows.name("u1", PHONES, first, second, foreign)
    assert await audiences.named(rows.database, "u1") == sorted([first, second, foreign])

    await rows.send("u1", PHONES, first, second, foreign)
    # A number that the platform does not take is no way to be found.
    assert await audiences.counted(rows.database, "u1") == (2, {"NO_ID": 1})
    async with rows.database.write() as connection:
        await audiences.stay(connection, "u1")
    assert await rows.states() == {"ASKED": 2, "WITHHELD": 1}

    await rows.send("u1", PHONES, first, second, foreign)
    await rows.arrive("u1")
    assert await rows.states() == {"IN": 2}
    assert await audiences.counted(rows.database, "u1") == (2, {})


async def test_by_which_names_they_went(rows: Rows) -> None:
    [first, second] = await rows.members("13900138000", "13900138001")
    for upload, place, members in (("u1", PHONES, (first, second)), ("u2", OPENIDS, (first,))):
        await rows.name(upload, place, *members)
        await rows.send(upload, place, *members)
        await rows.arrive(upload)
    elsewhere = Place("20458", "5002", "SHA256_MOBILE_PHONE", "")
    await rows.name("u3", PHONES, first)

    found = await audiences.inside(rows.database, PHONES, "u3")

    groups = audiences.by_place(found)
    assert {place: [row.member for row in some] for place, some in groups.items()} == {
        PHONES: [first],
        OPENIDS: [first],
    }
    assert await audiences.inside(rows.database, elsewhere, "u3") == []


async def test_an_erasure_waits_for_a_file_on_its_way(rows: Rows) -> None:
    [who] = await rows.members("13900138000")
    now = rows.clock.now()
    async with rows.database.write() as connection:
        await connection.execute(
            saga.insert().values(
                id=SAGA, kind="audienceUpload", version=1, state="RUNNING", created_at=now, updated_at=now
            )
        )
    await rows.name("u1", PHONES, who)
    await rows.send("u1", PHONES, who)
    person = await gather(rows.database, rows.database.fetch, who)
    assert await audiences.under_way(rows.database, person) > 0
    async with rows.database.write() as connection:
        await connection.execute(saga.update().values(state="COMPLETED"))
    assert await audiences.under_way(rows.database, person) == 0
    # An account that is not configured any more cannot be told.
    assert await audiences.take_out_erased(rows.database, rows.tools, person) == 0


async def test_the_sweep_finds_who_may_not_be_there(rows: Rows, caplog: pytest.LogCaptureFixture) -> None:
    who = await rows.members("13900138000", "13900138001", "13900138002")
    await rows.people.allow(*who, purpose=Purpose.AD_MATCHING)
    await rows.name("u1", PHONES, *who)
    await rows.send("u1", PHONES, *who)
    await rows.arrive("u1")
    await rows.name("u2", PHONES, who[0])
    sweeping = rows.sweeping()
    with caplog.at_level(logging.WARNING):
        await sweeping.sweep()
    assert caplog.messages == []

    rows.clock.advance(seconds=1)
    await rows.people.allow(who[2], purpose=Purpose.AD_MATCHING, given=False)
    with caplog.at_level(logging.WARNING):
        await sweeping.sweep()

    # Nobody took the file, so they are still in, and it is tried again.
    assert caplog.messages == ["audience 5001 cannot be reduced now: ToolNotConfigured"]
    assert await rows.states() == {"ASKED": 1, "IN": 3}
    rows.clock.advance(seconds=(KEPT + timedelta(hours=1)).total_seconds())
    await sweeping.sweep()
    assert await rows.states() == {"IN": 3}


async def test_a_file_that_may_have_arrived_is_swept_once_nobody_will_learn_it(
    rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    who = await rows.members("13900138000", "13900138001")
    now = rows.clock.now()
    async with rows.database.write() as connection:
        await connection.execute(
            saga.insert().values(
                id=SAGA, kind="audienceUpload", version=1, state="RUNNING", created_at=now, updated_at=now
            )
        )
    await rows.name("u1", PHONES, *who)
    await rows.send("u1", PHONES, *who)
    assert await audiences.on_their_way(rows.database, "u1") == frozenset(who)
    with caplog.at_level(logging.WARNING):
        await rows.sweeping().sweep()
        assert caplog.messages == []
        async with rows.database.write() as connection:
            await connection.execute(saga.update().values(state="COMPLETED"))
        await rows.sweeping().sweep()
    assert caplog.messages == ["audience 5001 cannot be reduced now: ToolNotConfigured"]
