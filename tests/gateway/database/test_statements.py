"""Upserts, facts, versions of dimensions, and ids."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.database import Database, Fact, Ulids, append_facts, record_versions, upsert, uuid7
from gateway.database.tables.dimensions import guide, guide_store, store
from gateway.database.tables.facts import fact
from gateway.database.tables.keys import secret
from gateway.database.ulid import decode, encode, ulid_time
from gateway.database.versions import close_version
from tests.databases import ManualClock

KEYS = ("tool", "account", "name")


def token(name: str, version: int, clock: ManualClock, value: object = None) -> dict[str, Any]:
    values = {"tool": "social_ads", "account": "1", "name": name, "version": version}
    return values | {"value": value or [version], "updated_at": clock.now()}


async def stored(database: Database) -> Sequence[Any]:
    return await database.fetch(select(secret.c.name, secret.c.version).order_by(secret.c.name))


async def test_upsert_inserts_overwrites_and_counts(database: Database, clock: ManualClock) -> None:
    async with database.write() as connection:
        assert await upsert(connection, secret, [token("a", 1, clock), token("b", 1, clock)], keys=KEYS) == 2
        assert await upsert(connection, secret, [token("b", 0, clock), token("c", 1, clock)], keys=KEYS) == 2
        assert await upsert(connection, secret, [], keys=KEYS) == 0
    assert await stored(database) == [("a", 1), ("b", 0), ("c", 1)]


async def test_upsert_never_goes_back(database: Database, clock: ManualClock) -> None:
    async with database.write() as connection:
        for version, written in ((5, 1), (4, 0), (5, 1), (6, 1)):
            rows = [token("a", version, clock)]
            assert await upsert(connection, secret, rows, keys=KEYS, unless_newer="version") == written
    assert await stored(database) == [("a", 6)]


async def test_upsert_takes_the_newest_of_equal_keys(database: Database, clock: ManualClock) -> None:
    rows = [token("a", version, clock) for version in (2, 7, 3)]
    async with database.write() as connection:
        assert await upsert(connection, secret, rows, keys=KEYS, unless_newer="version") == 1
        assert await upsert(connection, secret, [token("b", v, clock) for v in (2, 1)], keys=KEYS) == 1
    assert await stored(database) == [("a", 7), ("b", 1)]


async def test_upsert_keeps_what_is_written_on_insert_only(database: Database, clock: ManualClock) -> None:
    start = clock.now()
    async with database.write() as connection:
        await upsert(connection, secret, [token("a", 1, clock)], keys=KEYS)
        clock.advance(hours=1)
        rows = [token("a", 2, clock)]
        await upsert(connection, secret, rows, keys=KEYS, insert_only=("updated_at",))
    assert await database.one(select(secret.c.version, secret.c.updated_at)) == (2, start)


async def test_upsert_refuses_uneven_rows(database: Database, clock: ManualClock) -> None:
    uneven = token("b", 1, clock)
    del uneven["version"]
    async with database.write() as connection:
        with pytest.raises(ValueError, match=r"row 1 for table secret has other columns.*version"):
            await upsert(connection, secret, [token("a", 1, clock), uneven], keys=KEYS)
    assert await stored(database) == []


async def test_upsert_splits_what_one_statement_cannot_hold(database: Database, clock: ManualClock) -> None:
    rows = [token(f"{number}", 1, clock) for number in range(12_000)]
    async with database.write() as connection:
        assert await upsert(connection, secret, rows, keys=KEYS) == 12_000
    assert await database.one(select(func.count()).select_from(secret)) == (12_000,)


def paid(key: str, occurred_at: datetime, **values: Any) -> Fact:
    return Fact(
        kind="payment.captured",
        occurred_at=occurred_at,
        source="webhook",
        source_key=key,
        account="1900000001",
        **values,
    )


async def test_a_fact_is_appended_once(database: Database, clock: ManualClock) -> None:
    facts = [paid("oOpenid:1", clock.now(), amount_fen=81900, payload={"form": "GUIDE"})]
    async with database.write() as connection:
        assert await append_facts(connection, facts, clock=clock) == 1
    clock.advance(days=1)
    changed = [paid("oOpenid:1", clock.now(), amount_fen=1), paid("oOpenid:2", clock.now())]
    async with database.write() as connection:
        assert await append_facts(connection, changed, clock=clock) == 1
        assert await append_facts(connection, [], clock=clock) == 0
    rows = await database.fetch(select(fact).order_by(fact.c.recorded_at, fact.c.id))
    assert [(row.amount_fen, row.payload, row.is_test) for row in rows] == [
        (81900, {"form": "GUIDE"}, False),
        (None, {}, False),
    ]
    assert rows[0].source_key == database.keyring.hash("oOpenid:1", "fact.source_key")
    assert ulid_time(rows[1].id) == clock.now()


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        (datetime(2026, 11, 11, 15, 59, 59, 999999, tzinfo=UTC), date(2026, 11, 11)),
        (datetime(2026, 11, 11, 16, 0, tzinfo=UTC), date(2026, 11, 12)),
    ],
)
async def test_a_business_day_is_a_day_in_shanghai(database: Database, utc: datetime, day: date) -> None:
    async with database.write() as connection:
        await append_facts(connection, [paid("1", utc)])
    assert await database.one(select(fact.c.business_date, fact.c.occurred_at)) == (day, utc)


async def test_a_naive_fact_is_refused(database: Database) -> None:
    async with database.write() as connection:
        with pytest.raises(ValueError, match=r"payment\.captured: occurred_at has no time zone"):
            await append_facts(connection, [paid("1", datetime(2026, 11, 11))])  # noqa: DTZ001 - the subject


async def test_a_dimension_keeps_its_history(database: Database, clock: ManualClock) -> None:
    row = {"id": "S1", "name": "安福路店", "city": "上海"}
    first = clock.now()
    async with database.write() as connection:
        assert await record_versions(connection, store, [row], at=first) == 1
        assert await record_versions(connection, store, [row], at=first + timedelta(days=1)) == 0
        moved = {"id": "S1", "name": "武康路店"}
        assert await record_versions(connection, store, [moved], at=first + timedelta(days=2)) == 1
    columns = select(store.c.name, store.c.city, store.c.valid_from, store.c.valid_to)
    assert await database.fetch(columns.order_by(store.c.valid_from)) == [
        ("安福路店", "上海", first, first + timedelta(days=2)),
        ("武康路店", "上海", first + timedelta(days=2), None),
    ]


async def test_a_sealed_value_is_compared_by_what_it_says(database: Database, clock: ManualClock) -> None:
    row = {"id": "G1", "corpid": "ww1", "userid": "chenyutong", "name": "陈雨桐", "state": "ACTIVE"}
    async with database.write() as connection:
        assert await record_versions(connection, guide, [row], at=clock.now()) == 1
        assert await record_versions(connection, guide, [row], at=clock.now()) == 0
        left = row | {"state": "LEFT"}
        assert await record_versions(connection, guide, [left], at=clock.now()) == 1
    assert await database.fetch(select(guide.c.name, guide.c.state)) == [("陈雨桐", "LEFT")]


async def test_a_version_may_end_without_a_successor(database: Database, clock: ManualClock) -> None:
    posting = {"guide": "G1", "store": "S1"}
    async with database.write() as connection:
        await record_versions(connection, guide_store, [posting], at=clock.now())
        end = clock.now() + timedelta(days=1)
        assert await close_version(connection, guide_store, posting, at=end) is True
        assert await close_version(connection, guide_store, posting, at=end) is False
    assert await database.one(select(guide_store.c.valid_to)) == (end,)


def test_ulids_increase_even_when_the_clock_steps_back(clock: ManualClock) -> None:
    ulids = Ulids(clock)
    made = [ulids.next() for _ in range(1000)]
    clock.advance(seconds=-5)
    made += [ulids.next() for _ in range(1000)]
    assert made == sorted(set(made))
    clock.advance(seconds=6)
    assert ulid_time(ulids.next()) == clock.now()


def test_ulids_are_crockford() -> None:
    assert encode((1 << 128) - 1) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
    assert ulid_time("01ARZ3NDEKTSV4RRFFQ69G5FAV") == datetime(2016, 7, 30, 23, 54, 10, 259000, tzinfo=UTC)
    assert encode(decode("01ARZ3NDEKTSV4RRFFQ69G5FAV")) == "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    for wrong in ("", "8" + "0" * 25, "0" * 25 + "U", "0" * 25 + "a"):
        with pytest.raises(ValueError, match="is not a ULID"):
            decode(wrong)


def test_uuid7_has_its_version_and_time(clock: ManualClock) -> None:
    made = uuid7(clock.now())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(clock.now().timestamp() * 1000)
