"""Search: the same members as a plain look at everybody finds, in order, in both directions, along indexes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from gateway.access.principal import Forbidden
from gateway.database import Database, count_statements
from gateway.database.tables.facts import fact
from gateway.database.tables.labels import member_activity, member_label
from gateway.database.tables.projections import contact_tag, follower_tag
from gateway.resolvers import search
from gateway.resolvers.errors import CursorInvalid, UserError
from gateway.resolvers.members import MemberRecord
from gateway.resolvers.paging import PageArgs, Slice
from gateway.resolvers.search import Between, Criteria
from tests.gateway.lists.conftest import (
    LEVELS,
    START,
    Ask,
    add_members,
    analyzed,
    at,
    member_id,
    plan,
    sent,
)

#: Tags of three accounts; two of them have one of the same name.
TAGS = {"wx1:1": "雾灰", "wx2:1": "雾灰", "corp:et1": "M码"}
SURNAMES, GIVEN = "王李张刘陈林", "晓雯雨桐佳怡"


@dataclass(frozen=True, slots=True)
class Known:
    """What a test knows of a member."""

    number: int
    name: str
    phone: str
    out_id: str
    level: int | None
    labels: frozenset[tuple[str, str]]
    updated: int
    joined: int | None
    active: int | None
    merged: bool


def people(count: int, seed: int = 7) -> list[Known]:
    draw = random.Random(seed)
    found = []
    for number in range(count):
        labels = {("TAG", value) for value in TAGS if draw.random() < 0.3}
        labels |= {("GUIDE", f"corp:guide{draw.randrange(5)}"), ("STORE", f"S{draw.randrange(3)}")}
        found.append(
            Known(
                number=number,
                name=draw.choice(SURNAMES) + "".join(draw.choices(GIVEN, k=draw.randrange(1, 4))),
                phone=f"190{draw.randrange(10):04d}{draw.randrange(12):04d}",
                out_id=f"ERP-{number}",
                level=draw.choice([None, 1, 2]),
                labels=frozenset(labels),
                updated=draw.randrange(20),
                joined=draw.choice([None, *range(20)]),
                active=draw.choice([None, *range(20)]),
                merged=draw.random() < 0.1,
            )
        )
    return found


async def fill(database: Database, everybody: Sequence[Known]) -> None:
    """Write them as the identity graph and the projections would."""
    await add_members(
        database,
        [
            {
                "id": member_id(each.number),
                "merged_into": member_id(0) if each.merged else None,
                "out_id": each.out_id,
                "level": each.level,
                "updated_at": at(each.updated),
                "joined_at": None if each.joined is None else at(each.joined),
                "name_hash": each.name,
                "name_first_hash": each.name[:1],
                "name_second_hash": each.name[:2],
                "name_third_hash": each.name[:3] if len(each.name) > 2 else None,
                "phone_hash": each.phone,
                "phone_tail_hash": each.phone[-4:],
            }
            for each in everybody
        ],
    )
    async with database.write() as connection:
        await connection.execute(
            member_label.insert(),
            [
                {"kind": kind, "value": value, "member": member_id(each.number)}
                for each in everybody
                for kind, value in each.labels
            ],
        )
        await connection.execute(
            member_activity.insert(),
            [
                {"member": member_id(each.number), "last_activity_at": at(each.active)}
                for each in everybody
                if each.active is not None
            ],
        )
        names = {"followers": 1, "as_of": START}
        await connection.execute(
            follower_tag.insert(), [{"appid": app, "id": 1, "name": "雾灰", **names} for app in ("wx1", "wx2")]
        )
        await connection.execute(
            contact_tag.insert(), [{"corpid": "corp", "id": "et1", "name": "M码", "group_name": "", "as_of": START}]
        )


CRITERIA = {
    "all": Criteria(),
    "name": Criteria(name="王"),
    "two characters": Criteria(name="林晓"),
    "three characters": Criteria(name="林晓雯"),
    "whole name": Criteria(name="王晓雯雨"),
    "phone": Criteria(phone="19000010003"),
    "tail": Criteria(phone_tail="0003"),
    "out id": Criteria(out_id="ERP-17"),
    "level": Criteria(level="金卡"),
    "level without a name": Criteria(level="7"),
    "tag": Criteria(tag=("M码", None)),
    "tag of two accounts": Criteria(tag=("雾灰", None)),
    "tag of one account": Criteria(tag=("雾灰", "wx2")),
    "tag of nobody": Criteria(tag=("红", None)),
    "guide": Criteria(guide="corp:guide3"),
    "store": Criteria(store="S1"),
    "active": Criteria(active=Between(at(5), at(12))),
    "ever active": Criteria(active=Between()),
    "joined": Criteria(joined=Between(at(5), None)),
    "updated": Criteria(updated_after=at(9)),
    "labels": Criteria(guide="corp:guide3", store="S1", tag=("雾灰", None), level="银卡"),
    "name and tail": Criteria(name="李", phone_tail="0001", store="S0"),
    "tag by activity": Criteria(tag=("雾灰", None), active=Between(None, at(15)), level="金卡"),
    "name by activity": Criteria(name="陈", active=Between(at(3), None), joined=Between(at(2), at(19))),
    "store by joining": Criteria(store="S2", joined=Between(at(2), at(19)), level="银卡"),
    "guide by change": Criteria(guide="corp:guide1", updated_after=at(3), active=Between(at(1), None)),
    "everything": Criteria(name="王", phone_tail="0003", store="S1", joined=Between(), active=Between(at(0), None)),
}


def expected(everybody: Sequence[Known], criteria: Criteria) -> list[str]:
    """By looking at everybody."""

    def within(minute: int | None, given: Between | None) -> bool:
        if given is None:
            return True
        start, end = given.start or at(-1), given.end or at(1000)
        return minute is not None and start <= at(minute) < end

    levels = {each.name: each.grade for each in LEVELS}

    def fits(one: Known) -> bool:
        name, tag = criteria.name, criteria.tag
        tags = [] if tag is None else [("TAG", v) for v, n in TAGS.items() if n == tag[0]]
        if tag is not None and tag[1] is not None:
            tags = [each for each in tags if each[1].startswith(f"{tag[1]}:")]
        return (
            not one.merged
            and (name is None or (one.name.startswith(name) if len(name) < 4 else one.name == name))
            and criteria.phone in {None, one.phone}
            and criteria.phone_tail in {None, one.phone[-4:]}
            and criteria.out_id in {None, one.out_id}
            and (criteria.level is None or one.level == levels.get(criteria.level, 7))
            and (tag is None or bool(one.labels & set(tags)))
            and (criteria.guide is None or ("GUIDE", criteria.guide) in one.labels)
            and (criteria.store is None or ("STORE", criteria.store) in one.labels)
            and within(one.active, criteria.active)
            and within(one.joined, criteria.joined)
            and (criteria.updated_after is None or at(one.updated) > criteria.updated_after)
        )

    found = [each for each in everybody if fits(each)]
    if criteria.order == "id":
        found.sort(key=lambda each: each.number)
    elif criteria.order == "updated":
        found.sort(key=lambda each: (each.updated, each.number))
    else:
        found.sort(key=lambda each: (getattr(each, criteria.order), each.number), reverse=True)
    return [member_id(each.number) for each in found]


async def walk(ask: Ask, criteria: Criteria, size: int, *, backward: bool = False) -> list[Slice[MemberRecord]]:
    pages: list[Slice[MemberRecord]] = []
    place = None
    while True:
        args = PageArgs(last=size, before=place) if backward else PageArgs(first=size, after=place)
        page = await search.page(ask(), args, criteria)
        pages.append(page)
        if not (page.has_previous if backward else page.has_next):
            return pages
        place = page.cursors[0] if backward else page.cursors[-1]


def ids(pages: Iterator[Slice[MemberRecord]] | Sequence[Slice[MemberRecord]]) -> list[str]:
    return [each.id for page in pages for each in page.items]


def cast() -> list[Known]:
    """People, among them some whom the rarest criteria find."""
    found = people(150)
    known: dict[str, Any] = {"merged": False, "joined": 6, "active": 7}
    found[17] = replace(found[17], name="林晓雯", phone="19000010003", **known)
    found[18] = replace(found[18], name="王晓雯雨", phone="19011110003", labels=frozenset({("STORE", "S1")}), **known)
    found[19] = replace(found[19], name="李佳", phone="19011110001", labels=frozenset({("STORE", "S0")}), **known)
    return found


EVERYBODY = cast()


async def test_finds_whom_a_look_at_everybody_finds(
    database: Database, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever criterion drives: with FEW at 10 the order's own index leads, with 5000 the criteria do."""
    await fill(database, EVERYBODY)
    for few in (10, 5000):
        monkeypatch.setattr(search, "FEW", few)
        for name, criteria in CRITERIA.items():
            wanted = expected(EVERYBODY, criteria)
            assert ids(await walk(ask, criteria, 100)) == wanted, name
            size = max(1, len(wanted) // 3)
            assert ids(await walk(ask, criteria, size)) == wanted, name
            assert ids(list(reversed(await walk(ask, criteria, size, backward=True)))) == wanted, name
    found = {name for name, criteria in CRITERIA.items() if expected(EVERYBODY, criteria)}
    assert CRITERIA.keys() - found == {"level without a name", "tag of nobody"}


async def test_costs_the_same_for_any_number(database: Database, ask: Ask) -> None:
    await fill(database, EVERYBODY)
    for criteria, statements in (
        (CRITERIA["all"], 4),
        (CRITERIA["level"], 4),
        (CRITERIA["tag"], 5),
        (CRITERIA["labels"], 6),
        (CRITERIA["active"], 4),
        (CRITERIA["tag by activity"], 6),
        (CRITERIA["tail"], 5),
    ):
        counts = []
        for size in (1, 10, 50):
            with count_statements() as count:
                await search.page(ask(), PageArgs(first=size), criteria)
            counts.append(count.value)
        assert len(set(counts)) == 1, criteria
        # The keys of those who are listed for the first time are one more.
        assert counts[0] in {statements - 1, statements}, (criteria, counts)


async def test_a_cursor_is_bound_to_its_criteria(database: Database, ask: Ask) -> None:
    await fill(database, EVERYBODY)
    page = await search.page(ask(), PageArgs(first=1), CRITERIA["store"])
    after = PageArgs(first=1, after=page.cursors[0])
    assert (await search.page(ask(), after, CRITERIA["store"])).items
    for other in (Criteria(), Criteria(store="S2"), replace(CRITERIA["store"], level="金卡"), CRITERIA["active"]):
        with pytest.raises(CursorInvalid):
            await search.page(ask(), after, other)


async def test_what_cannot_be_searched_is_said(database: Database, ask: Ask) -> None:
    naive = datetime(2026, 11, 11)  # noqa: DTZ001 - it is what the test is about.
    for criteria, message in (
        (Criteria(phone_tail="94720"), "phoneTail must be the last four digits"),
        (Criteria(level="钻石"), "There is no level '钻石'; there are: 银卡, 金卡."),
        (Criteria(name=" "), "name must have 1 to 100 characters."),
        (Criteria(name="\0"), "name must have 1 to 100 characters."),
        (Criteria(active=Between(naive, None)), "lastActivity.from has no offset"),
        (Criteria(joined=Between(None, naive)), "joined.until has no offset"),
        (Criteria(updated_after=naive), "updatedAfter has no offset"),
    ):
        with pytest.raises(UserError, match=message):
            await search.page(ask(), PageArgs(), criteria)
    with pytest.raises(Forbidden):
        await search.page(ask("catalogue"), PageArgs(), Criteria())


async def test_a_search_by_personal_data_is_recorded_without_the_value(database: Database, ask: Ask) -> None:
    await fill(database, EVERYBODY)
    wanted = CRITERIA["name and tail"]
    page = await search.page(ask(), PageArgs(), wanted)
    await search.page(ask(), PageArgs(), CRITERIA["store"])
    [row] = await database.fetch(select(fact))
    assert (row.kind, row.reason, row.quantity) == ("personal_data.searched", "name,phone_tail", len(page.items))
    assert row.payload == {"principal": "hq"}
    assert "李" not in str(row)
    with pytest.raises(Forbidden):
        await search.page(ask("catalogue"), PageArgs(), wanted)
    assert len(await database.fetch(select(fact))) == 1


#: Criteria, and the index that leads on SQLite.
PLANS: dict[str, tuple[Criteria, str]] = {
    "all": (Criteria(), "sqlite_autoindex_member_1"),
    "name": (Criteria(name="王"), "ix_member_name_first_hash_id"),
    "tail": (Criteria(phone_tail="0003", store="S1"), "ix_member_phone_tail_hash_id"),
    "level": (Criteria(level="金卡"), "ix_member_level_id"),
    "store": (Criteria(store="S1"), "member_label USING PRIMARY KEY"),
    "store and level": (Criteria(store="S1", level="金卡"), "member_label USING PRIMARY KEY"),
    "tags": (Criteria(tag=("雾灰", None)), "member_label USING PRIMARY KEY"),
    "active": (Criteria(active=Between(at(2), at(18))), "ix_member_activity_last_activity_at_member"),
    "active in a store": (
        Criteria(active=Between(at(2), at(18)), store="S1"),
        "ix_member_activity_last_activity_at_member",
    ),
    "joined": (Criteria(joined=Between(at(2), at(18)), level="金卡"), "ix_member_joined_at_id"),
    "updated": (Criteria(updated_after=at(2), level="金卡", name="王"), "ix_member_updated_at_id"),
}


@pytest.mark.long
async def test_every_page_is_found_along_an_index(
    database: Database, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 members: no table is scanned, and nothing but a page is sorted, on the first and on the last page."""
    monkeypatch.setattr(search, "FEW", 500)
    everybody = [replace(each, merged=False) for each in people(20_000)]
    for start in range(0, len(everybody), 2000):
        some = everybody[start : start + 2000]
        if start == 0:
            await fill(database, some)
        else:
            await fill_more(database, some)
    await analyzed(database)
    for name, (criteria, index) in PLANS.items():
        first = await search.page(ask(), PageArgs(first=20), criteria)
        middle = PageArgs(first=20, after=first.cursors[-1])
        for args in (PageArgs(first=20), middle, PageArgs(last=20)):
            with sent(database) as statements:
                await search.page(ask(), args, criteria)
            steps = "\n".join(
                [await plan(database, *each) for each in statements if "LIMIT" in each[0] and "count" not in each[0]]
            )
            if database.is_sqlite:
                assert index in steps, (name, steps)
                # The tags' two ranges are united, a page of each; nothing else is sorted.
                assert ("USE TEMP B-TREE FOR ORDER BY" in steps) == (name == "tags"), (name, steps)
                scans = [line for line in steps.splitlines() if line.startswith("SCAN")]
                assert all("INDEX" in line or "anon_" in line for line in scans), (name, steps)
            else:
                # Which index leads is for its statistics to say; a tail has a hundred members, who may be sorted.
                assert "Seq Scan on member" not in steps, (name, steps)
                assert "Hash Join" not in steps, (name, steps)
                assert ("Sort" in steps) <= (name in {"tags", "tail"}), (name, steps)


async def fill_more(database: Database, some: Sequence[Known]) -> None:
    await add_members(
        database,
        [
            {
                "id": member_id(each.number),
                "level": each.level,
                "updated_at": at(each.updated),
                "joined_at": None if each.joined is None else at(each.joined),
                "name_first_hash": each.name[:1],
                "phone_tail_hash": each.phone[-4:],
            }
            for each in some
        ],
    )
    async with database.write() as connection:
        labels = [
            {"kind": kind, "value": value, "member": member_id(each.number)}
            for each in some
            for kind, value in each.labels
        ]
        active: list[dict[str, Any]] = [
            {"member": member_id(each.number), "last_activity_at": at(each.active)}
            for each in some
            if each.active is not None
        ]
        await connection.execute(member_label.insert(), labels)
        await connection.execute(member_activity.insert(), active)
