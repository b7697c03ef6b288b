"""Whose name and phone win, and what a member keeps through a merge."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from gateway.database import ERASED, Database
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity, member
from gateway.events.projector import Handle, Linked
from tests.databases import ManualClock
from tests.gateway.members.conftest import SEEN, Link, openid, shown, unionid


async def _pair(link: Link, clock: ManualClock, **second: object) -> tuple[Linked, Linked]:
    """Two members, the first one older."""
    [one] = await link(shown(openid("o1"), name="一号", phone="13800000001", rank=3))
    clock.advance(minutes=1)
    [two] = await link(shown(openid("o2", "wxapp2"), unionid("u1"), **second))
    clock.advance(minutes=1)
    return one, two


async def _keeper(database: Database) -> object:
    [row] = await database.fetch(select(member).where(member.c.merged_into.is_(None)))
    return row


async def test_the_better_source_wins_whatever_the_order(database: Database, link: Link) -> None:
    await link(shown(openid("o1"), name="备注", rank=5))
    await link(shown(openid("o1"), name="会员卡", rank=1))
    await link(shown(openid("o1"), name="群昵称", rank=9))
    assert (await _keeper(database)).name == "会员卡"


async def test_an_equal_source_renews_its_own_word(database: Database, clock: ManualClock, link: Link) -> None:
    await link(shown(openid("o1"), phone="13800000001", rank=1))
    clock.advance(days=1)
    await link(shown(openid("o1"), phone="13800000002", rank=1))
    row = await _keeper(database)
    assert (row.phone, row.updated_at) == ("13800000002", clock.now())
    found = await database.fetch(select(member.c.id).where(member.c.phone_hash == "13800000002"))
    assert [each.id for each in found] == [row.id]
    found = await database.fetch(select(member.c.id).where(member.c.phone_tail_hash == "0002"))
    assert [each.id for each in found] == [row.id]


async def test_a_merge_takes_the_better_name_and_phone(database: Database, clock: ManualClock, link: Link) -> None:
    older, _ = await _pair(link, clock, name="二号", phone="13800000002", rank=1)

    await link(shown(openid("o1"), unionid("u1")))

    row = await _keeper(database)
    assert (row.id, row.name, row.phone) == (older.member, "二号", "13800000002")
    found = await database.fetch(select(member.c.id).where(member.c.phone_hash == "13800000002"))
    assert {each.id for each in found} >= {older.member}


async def test_of_equally_good_sources_the_last_word_counts(database: Database, clock: ManualClock, link: Link) -> None:
    await _pair(link, clock, name="二号", phone="13800000002", rank=3)
    await link(shown(openid("o1"), unionid("u1")))
    row = await _keeper(database)
    assert (row.name, row.phone) == ("二号", "13800000002")


async def test_inherited_values_are_sealed_under_the_keepers_own_key(
    database: Database, clock: ManualClock, link: Link
) -> None:
    """Destroying the key of the member that is gone must not take the keeper's profile along, and the other way."""
    older, newer = await _pair(link, clock, name="二号", phone="13800000002", rank=1)
    await link(shown(openid("o1"), unionid("u1")))

    await database.keyring.destroy(newer.member)
    row = await _keeper(database)
    assert (row.name, row.phone) == ("二号", "13800000002")

    await database.keyring.destroy(older.member)
    row = await _keeper(database)
    assert (row.name, row.phone) == (ERASED, ERASED)


async def test_a_merge_takes_the_earlier_first_sight_and_the_brands_number(
    database: Database, clock: ManualClock, link: Link
) -> None:
    older, _ = await _pair(link, clock, seen_at=SEEN - timedelta(days=400))
    await link(shown(openid("o2", "wxapp2"), Handle("OUT_ID", "erp", "ERP-7")))

    await link(shown(openid("o1"), unionid("u1")))

    row = await _keeper(database)
    assert (row.id, row.out_id, row.joined_at) == (older.member, "ERP-7", SEEN - timedelta(days=400))


async def test_no_handle_is_stored_in_clear(database: Database, link: Link) -> None:
    await link(shown(openid("oClearText1"), name="林晓雯", phone="13800000001", rank=1))
    async with database.write() as connection:
        raw = [
            repr(tuple(row))
            for table in (identity, member, fact)
            for row in await connection.exec_driver_sql(f"SELECT * FROM {table.name}")  # noqa: S608
        ]
    assert len(raw) == 4
    for text in ("oClearText1", "林晓雯", "13800000001"):
        assert not [row for row in raw if text in row]
