"""Cards of a platform and the ledgers: their sums are what the card shows, and reading it again adds nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from adapters.mini_program_store import VipMember
from gateway.database import Database, count_statements
from gateway.database.ledgers import CURRENT_LEVELS, highest, refresh_levels
from gateway.database.tables.facts import fact
from gateway.database.tables.ledger import level_entry, points_entry
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import membership_card
from gateway.events.projections.mini_program_store import cards
from gateway.events.projector import Linked, Projector
from gateway.members.graph import IdentityGraph
from gateway.members.points import balances
from tests.databases import ManualClock
from tests.gateway.members.conftest import OPEN_PLATFORM
from tests.gateway.members.families import merge, unmerge

APP = "wxstore"


def card(who: str, grade: int, growth: int, points: int | None, appid: str = APP) -> VipMember:
    return VipMember(appid, f"openid of {who}", None, grade, growth, points, None)


@pytest.fixture
def projector(database: Database, clock: ManualClock) -> Projector:
    return Projector(database, IdentityGraph(database, clock), clock, OPEN_PLATFORM)


async def held(database: Database) -> list[int]:
    """The ledger's sum of each card."""
    rows = await database.fetch(
        select(func.sum(points_entry.c.delta).label("points")).group_by(points_entry.c.identity)
    )
    return sorted(int(row.points) for row in rows)


async def entries(database: Database) -> Sequence[int]:
    rows = await database.fetch(select(points_entry.c.delta).order_by(points_entry.c.occurred_at, points_entry.c.id))
    return [row.delta for row in rows]


async def changes(database: Database, kind: str) -> list[tuple[int, object]]:
    rows = await database.fetch(
        select(fact.c.quantity, fact.c.payload).where(fact.c.kind == kind).order_by(fact.c.occurred_at, fact.c.id)
    )
    return [(row.quantity, row.payload.get("from")) for row in rows]


async def people(database: Database) -> list[Linked]:
    rows = await database.fetch(select(identity.c.id, identity.c.member, identity.c.home).order_by(identity.c.id))
    return [Linked(row.id, row.member, row.home) for row in rows]


async def test_the_ledger_is_the_cards_balance_at_every_reading(
    database: Database, projector: Projector, clock: ManualClock
) -> None:
    for points in (3260, 3260, 3100, 3100, None, 0, 0, 50):
        clock.advance(hours=1)
        await cards(projector.asking(), [card("a", 3, 8260, points)])
        [row] = await database.fetch(select(membership_card.c.points))
        assert row.points == points
        assert points is None or await held(database) == [points]
    assert await entries(database) == [3260, -160, -3100, 50]
    assert await changes(database, "points.changed") == [(3260, None), (-160, None), (-3100, None), (50, None)]


async def test_a_card_without_points_opens_an_account(database: Database, projector: Projector) -> None:
    for _ in range(2):
        await cards(projector, [card("a", 1, 0, 0)])
    [who] = await people(database)
    assert await entries(database) == [0]
    assert await balances(database.fetch, [who.member], projector.clock.now()) == {who.member: 0}
    assert await changes(database, "points.changed") == []


async def test_an_answer_that_was_overtaken_changes_nothing(
    database: Database, projector: Projector, clock: ManualClock
) -> None:
    late = projector.asking()
    clock.advance(seconds=1)
    await cards(projector.asking(), [card("a", 3, 5000, 900)])
    await cards(late, [card("a", 2, 1000, 100)])
    assert await entries(database) == [900]
    assert await changes(database, "level.changed") == [(3, None)]


async def test_levels_are_told_where_the_grade_changes(
    database: Database, projector: Projector, clock: ManualClock
) -> None:
    for grade, growth in ((1, 0), (1, 300), (2, 1000), (2, 1000), (1, 900)):
        clock.advance(hours=1)
        await cards(projector.asking(), [card("a", grade, growth, None)])
        [row] = await database.fetch(select(member.c.level, member.c.growth, member.c.updated_at))
        assert (row.level, row.growth) == (grade, growth)
    assert row.updated_at == clock.now()
    rows = await database.fetch(select(level_entry.c.grade, level_entry.c.growth).order_by(level_entry.c.occurred_at))
    assert rows == [(1, 0), (1, 300), (2, 1000), (1, 900)]
    assert await changes(database, "level.changed") == [(1, None), (2, 1), (1, 2)]


async def test_the_highest_card_of_a_family_counts(
    database: Database, projector: Projector, clock: ManualClock
) -> None:
    await cards(projector, [card("a", 2, 4000, 10), card("b", 3, 20, 5)])
    one, two = await people(database)

    async def standing(*who: Linked) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
        ids = [each.member for each in who]
        async with database.write() as connection:
            await refresh_levels(connection, ids, clock.now())
        rows = await database.fetch(select(member.c.id, member.c.level, member.c.growth).where(member.c.id.in_(ids)))
        kept = {row.id: (row.level, row.growth) for row in rows}
        return highest(await database.fetch(CURRENT_LEVELS, {"owners": ids})), kept

    apart = {one.member: (2, 4000), two.member: (3, 20)}
    assert await standing(one, two) == (apart, apart)
    await merge(database, two, one)
    assert await standing(one) == ({one.member: (3, 20)},) * 2
    assert await balances(database.fetch, [one.member], clock.now()) == {one.member: 15}
    # The card that counts sinks: the other one is higher now.
    clock.advance(hours=1)
    await cards(projector.asking(), [card("b", 1, 20, 5)])
    assert await standing(one) == ({one.member: (2, 4000)},) * 2
    await unmerge(database, two)
    apart = {one.member: (2, 4000), two.member: (1, 20)}
    assert await standing(one, two) == (apart, apart)


async def test_two_stores_cards_of_one_shopper_add(database: Database, projector: Projector) -> None:
    await cards(projector, [card("a", 2, 1000, 10), card("a", 1, 0, 7, "wxother")])
    assert await held(database) == [7, 10]


async def test_a_page_of_cards_costs_the_same_for_any_number(
    database: Database, projector: Projector, clock: ManualClock
) -> None:
    async def cost(number: int, points: int) -> int:
        clock.advance(hours=1)
        with count_statements() as counter:
            await cards(projector.asking(), [card(f"{n}", 1, points, points) for n in range(number)])
        return counter.value

    await cost(10, 1)
    assert await cost(1, 2) == await cost(10, 3)
    # Nothing moved: neither entries nor facts are written.
    assert await cost(10, 3) < await cost(10, 4)
