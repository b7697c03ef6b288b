"""The timeline: ranges of the fact log that are merged, whatever arrives meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from gateway.context import Context
from gateway.database import Database, Fact, append_facts, count_statements
from gateway.resolvers.errors import CursorInvalid, UserError
from gateway.resolvers.paging import PageArgs, Slice
from gateway.resolvers.timeline import EntryRecord, Wanted, timeline
from tests.gateway.lists.conftest import (
    START,
    Ask,
    add_identities,
    add_members,
    analyzed,
    at,
    identity_id,
    member_id,
    plan,
    record,
    sent,
)

A, B, C = member_id(1), member_id(2), member_id(3)


def happened(
    minute: float, kind: str = "ad.click", *, of: int | None = None, who: str | None = None, **more: Any
) -> Fact:
    """A fact of an identity, or of a member as such."""
    key = f"{minute}:{of}:{who}"
    given = None if of is None else identity_id(of)
    return Fact(kind=kind, occurred_at=at(minute), source="own", source_key=key, identity=given, member=who, **more)


async def write(database: Database, *facts: Fact) -> None:
    async with database.write() as connection:
        await append_facts(connection, facts)


def times(page: Slice[EntryRecord]) -> list[datetime]:
    return [each.at for each in page.items]


@pytest.fixture
async def family(database: Database) -> Database:
    """A, into whom B merged, and C, who is somebody else. Identities 1 and 2 are A's, 3 came from B, 9 is C's."""
    await add_members(database, [{"id": A, "merged_into": None}, {"id": B, "merged_into": A}])
    await add_members(database, [{"id": C}])
    await add_identities(database, [(1, A), (2, A), (3, A), (9, C)])
    await write(
        database,
        *(happened(n, of=1 + n % 3) for n in range(30)),
        *(happened(n, of=9) for n in range(30)),
        happened(5.5, "member.created", who=A),
        happened(12.5, "consent.given", who=B),
        # B was a member of their own, but became one only once.
        happened(13.25, "member.created", who=B),
        happened(13.5, "member.created", who=C),
        happened(14.5, "order.line", of=1, line="SKU"),
    )
    return database


EXPECTED = sorted([*range(30), 5.5, 12.5], reverse=True)


async def walk(ctx: Ask, who: str, size: int, *, backward: bool = False, wanted: Wanted | None = None) -> list[Any]:
    """Every page in one direction."""
    pages, place = [], None
    while True:
        args = PageArgs(last=size, before=place) if backward else PageArgs(first=size, after=place)
        page = await timeline(ctx(), record(who), args, wanted)
        pages.append(page)
        if not (page.has_previous if backward else page.has_next):
            return pages
        place = page.cursors[0] if backward else page.cursors[-1]


@pytest.mark.parametrize("size", [1, 7, 32])
async def test_the_same_in_both_directions_over_the_whole_family(family: Database, ask: Ask, size: int) -> None:
    there = await walk(ask, A, size)
    back = await walk(ask, A, size, backward=True)
    wanted = [at(minute) for minute in EXPECTED]
    assert [each for page in there for each in times(page)] == wanted
    assert [each for page in reversed(back) for each in times(page)] == wanted
    assert [page.has_previous for page in there] == [False] + [True] * (len(there) - 1)
    assert [page.has_next for page in back] == [False] + [True] * (len(back) - 1)


async def test_late_facts_land_where_they_belong(family: Database, ask: Ask) -> None:
    """Between pages facts arrive: newer, on the very instants of the page, and far back. None is seen twice, none
    that lies ahead of the cursor is missed, and what was seen stays as it was."""
    seen: list[EntryRecord] = []
    place, number = None, 0
    ahead: list[float] = []
    while True:
        page = await timeline(ask(), record(A), PageArgs(first=5, after=place))
        seen += page.items
        if not page.has_next:
            break
        place = page.cursors[-1]
        number += 1
        here = (seen[-1].at - START).total_seconds() / 60
        late = here - 0.25
        ahead.append(late)
        await write(
            family,
            happened(100 + number, of=2),
            happened(late, "phone.bound" if number % 2 else "consent.given", who=B),
            happened(here, "follow", of=3),
        )
    assert len({each.id for each in seen}) == len(seen)
    instants = [each.at for each in seen]
    assert instants == sorted(instants, reverse=True)
    assert {at(minute) for minute in (*EXPECTED, *ahead)} <= set(instants)
    assert not [each for each in instants if each >= at(100)]
    # From the start again everything is there, each in its place.
    whole = [each for page in await walk(ask, A, 100) for each in times(page)]
    assert whole == sorted(whole, reverse=True)
    assert len(whole) == len(EXPECTED) + 3 * number


async def test_facts_of_one_instant_have_one_order(family: Database, ask: Ask) -> None:
    await write(family, *(happened(50, kind, of=2) for kind in ("follow", "coupon.received", "payment.captured")))
    [page] = await walk(ask, A, 100)
    pages = await walk(ask, A, 1)
    assert [each.id for each in page.items] == [each.id for one in pages for each in one.items]


@pytest.mark.parametrize(
    ("wanted", "minutes"),
    [
        (Wanted(kinds=("member.created", "consent.given")), [12.5, 5.5]),
        (Wanted(families=("MEMBER", "FOLLOW")), [40, 5.5]),
        (Wanted(families=("MEMBER",), kinds=("follow",)), []),
        (Wanted(kinds=()), []),
        (Wanted(tools=("official_account",)), [40]),
        (Wanted(tools=("gateway", "official_account"), start=at(28)), [40, 29, 28]),
        (Wanted(start=at(5.5), end=at(7)), [6, 5.5]),
        (Wanted(start=at(7), end=at(7)), []),
    ],
)
async def test_filters_hold_together_and_ranges_are_half_open(
    family: Database, ask: Ask, wanted: Wanted, minutes: Sequence[float]
) -> None:
    await write(family, happened(40, "follow", of=2, tool="official_account"))
    for size in (1, 50):
        pages = await walk(ask, A, size, wanted=wanted)
        assert [each for page in pages for each in times(page)] == [at(minute) for minute in minutes]


async def test_what_cannot_be_wanted_is_said(ask: Ask) -> None:
    naive = datetime(2026, 11, 11)  # noqa: DTZ001 - it is what the test is about.
    for wanted, message in (
        (Wanted(tools=("fax",)), "There is no tool 'fax'; pass some of"),
        (Wanted(kinds=("order.line",)), "The timeline has no kind 'order.line'; docs/lists.md lists them."),
        (Wanted(start=naive), "from has no offset"),
    ):
        with pytest.raises(UserError, match=message):
            await timeline(ask(), record(A), PageArgs(), wanted)


async def test_a_cursor_is_bound_to_member_and_filter(family: Database, ask: Ask) -> None:
    page = await timeline(ask(), record(A), PageArgs(first=1))
    after = PageArgs(first=1, after=page.cursors[0])
    assert times(await timeline(ask(), record(A), after)) == [at(28)]
    for who, wanted in ((C, None), (A, Wanted(kinds=("ad.click",)))):
        with pytest.raises(CursorInvalid):
            await timeline(ask(), record(who), after, wanted)


async def load(ctx: Context, owners: Sequence[str], args: PageArgs) -> list[Slice[EntryRecord]]:
    return list(await asyncio.gather(*(timeline(ctx, record(who), args) for who in owners)))


async def test_first_pages_of_many_members_are_one_statement(family: Database, ask: Ask) -> None:
    for args in (PageArgs(first=3), PageArgs(last=3)):
        alone = [await timeline(ask(), record(who), args) for who in (A, C)]
        with count_statements() as count:
            together = await load(ask(), (A, C), args)
        assert count.value == 1
        assert together == alone


@pytest.mark.parametrize("identities", [3, 300])
async def test_any_page_reads_ranges_of_an_index_and_sorts_a_page(
    database: Database, ask: Ask, identities: int
) -> None:
    """However many identities: one statement, whose plan looks up each range and scans nothing."""
    await add_members(database, [{"id": A}, {"id": B}, {"id": C}])
    await add_identities(database, [(n, A if n < identities else C) for n in range(identities + 300)])
    facts = [happened(n, of=(n // 2) % identities if n % 2 else identities + n % 300) for n in range(900)]
    await write(database, *facts)
    await analyzed(database)
    page = await timeline(ask(), record(A), PageArgs(first=20))
    for _ in range(3):
        with sent(database) as statements:
            page = await timeline(ask(), record(A), PageArgs(first=20, after=page.cursors[-1]))
        [(statement, parameters)] = statements
        steps = await plan(database, statement, parameters)
        if database.is_sqlite:
            assert "SEARCH its USING COVERING INDEX" in steps or "SEARCH its USING INDEX" in steps
            assert "ix_fact_identity_occurred_at_id (identity=? AND" in steps
            assert "ix_fact_member_occurred_at_id (member=? AND" in steps
            assert "SCAN its" not in steps
            assert "SCAN told" not in steps
            assert "SCAN identity" not in steps
        else:
            assert "Seq Scan on fact" not in steps
            assert "ix_fact_identity_occurred_at_id" in steps
            assert "ix_fact_member_occurred_at_id" in steps
