"""Column types: what goes in, what is stored, what comes out, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import StatementError

from gateway.database import ERASED, Database, Keyring, Sealed
from gateway.database.errors import (
    DataKeyMissing,
    MasterKeyInvalid,
    MasterKeyWrong,
    SealBroken,
    SubjectErased,
)
from gateway.database.tables.dimensions import store
from gateway.database.tables.inbox import inbox
from tests.databases import ManualClock

BEIJING = timezone(timedelta(hours=8))
EVENING = datetime(2026, 11, 11, 20, 57, 0, 123457, tzinfo=BEIJING)


def webhook(**values: Any) -> dict[str, Any]:
    return {
        "id": "0" * 26,
        "tool": "payments",
        "account": "1900000001",
        "kind": "TRANSACTION.SUCCESS",
        "version": 1,
        "dedupe_key": "EV-1",
        "received_at": EVENING,
        "state": "NEW",
    } | values


async def insert(database: Database, table: Table, **values: Any) -> None:
    async with database.write() as connection:
        await connection.execute(table.insert().values(**values))


async def raw(database: Database, sql: str) -> Any:
    """What the table really holds, past our column types."""
    row = await database.one(text(sql))
    assert row is not None
    return row[0]


async def test_a_time_is_stored_exactly_and_comes_back_in_utc(database: Database) -> None:
    await insert(database, inbox, **webhook())
    row = await database.one(select(inbox.c.received_at))
    assert row is not None
    assert row[0] == EVENING
    assert row[0].utcoffset() == timedelta(0)
    assert row[0].microsecond == 123457
    stored = await raw(database, "SELECT received_at FROM inbox")
    assert stored == (1_794_401_820_123_457 if database.is_sqlite else EVENING.astimezone(UTC))


async def test_times_compare_across_zones_and_aggregate(database: Database) -> None:
    await insert(database, inbox, **webhook())
    tokyo = EVENING.astimezone(timezone(timedelta(hours=9)))
    assert await database.one(select(inbox.c.id).where(inbox.c.received_at == tokyo)) is not None
    assert await database.one(select(inbox.c.id).where(inbox.c.received_at > tokyo)) is None
    assert await database.one(select(func.max(inbox.c.received_at))) == (EVENING,)


async def test_a_naive_time_is_refused_and_nothing_is_written(database: Database) -> None:
    naive = EVENING.replace(tzinfo=None)
    with pytest.raises(StatementError, match="has no time zone"):
        await insert(database, inbox, **webhook(received_at=naive))
    assert await database.fetch(select(inbox.c.id)) == []


async def test_personal_text_is_sealed_in_the_table(database: Database) -> None:
    await insert(database, inbox, **webhook(body="林晓雯 13800138000", headers={"x": ["晓雯"]}))
    row = await database.one(select(inbox.c.body, inbox.c.headers))
    assert row == ("林晓雯 13800138000", {"x": ["晓雯"]})
    stored = await raw(database, "SELECT body FROM inbox")
    assert isinstance(stored, bytes)
    assert b"13800138000" not in stored
    assert "晓雯".encode() not in await raw(database, "SELECT headers FROM inbox")


async def test_equal_texts_are_sealed_differently(database: Database) -> None:
    await insert(database, inbox, **webhook(body="same"))
    await insert(database, inbox, **webhook(id="1" * 26, dedupe_key="EV-2", body="same"))
    assert await raw(database, "SELECT count(DISTINCT body) FROM inbox") == 2


async def test_null_stays_null(database: Database) -> None:
    await insert(database, inbox, **webhook())
    row = await database.one(select(inbox.c.body, inbox.c.headers, inbox.c.entity, inbox.c.occurred_at))
    assert row == (None, None, None, None)
    assert await database.one(select(inbox.c.id).where(inbox.c.body.is_(None))) is not None


async def test_comparing_a_sealed_column_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="compare a KeyedHash column"):
        _ = inbox.c.body == "text"


async def test_a_keyed_hash_is_found_by_the_plain_text(database: Database, keyring: Keyring) -> None:
    await insert(database, inbox, **webhook(entity="oOpenid-1"))
    found = select(inbox.c.entity)
    assert await database.one(found.where(inbox.c.entity == "oOpenid-1")) is not None
    assert await database.one(found.where(inbox.c.entity.in_(["x", "oOpenid-1"]))) is not None
    assert await database.one(found.where(inbox.c.entity == "oOpenid-2")) is None
    stored = await raw(database, "SELECT entity FROM inbox")
    assert stored == keyring.hash("oOpenid-1", "entity")
    assert stored != keyring.hash("oOpenid-1", "other purpose")
    assert len(stored) == 32


async def test_json_round_trips_and_none_is_null(database: Database) -> None:
    hours = {"mon": ["10:00", "22:00"], "n": 9007199254740991}
    values = {"id": "S1", "valid_from": EVENING, "name": "安福路店"}
    await insert(database, store, **values, opening_hours=hours)
    await insert(database, store, **values | {"id": "S2"}, opening_hours=None)
    rows = await database.fetch(select(store.c.opening_hours).order_by(store.c.id))
    assert rows == [(hours,), (None,)]
    assert await raw(database, "SELECT count(*) FROM store WHERE opening_hours IS NULL") == 1


async def test_destroying_a_subject_key_erases_only_that_subject(database: Database, keyring: Keyring) -> None:
    await keyring.ensure("member-1", "member-2")
    for number in (1, 2):
        sealed = keyring.seal(f"name {number}", subject=f"member-{number}")
        await insert(database, inbox, **webhook(id=str(number) * 26, dedupe_key=f"{number}", body=sealed))
    bodies = select(inbox.c.body).order_by(inbox.c.id)
    assert await database.fetch(bodies) == [("name 1",), ("name 2",)]

    assert await keyring.destroy("member-1") is True

    assert await database.fetch(bodies) == [(ERASED,), ("name 2",)]
    assert not ERASED
    assert await raw(database, "SELECT wrapped FROM data_key WHERE subject = 'member-1'") is None
    assert await keyring.destroy("member-1") is False
    with pytest.raises(SubjectErased):
        keyring.seal("again", subject="member-1")
    await keyring.ensure("member-1")
    with pytest.raises(SubjectErased):
        keyring.seal("again", subject="member-1")


async def test_an_erased_key_leaves_no_bytes_in_the_sqlite_files(sqlite_database: Database) -> None:
    keyring = sqlite_database.keyring
    await keyring.ensure("member-1")
    wrapped = await raw(sqlite_database, "SELECT wrapped FROM data_key WHERE subject = 'member-1'")
    folder = sqlite_database.url.path.parent
    assert any(wrapped in file.read_bytes() for file in folder.glob("single.db*"))
    await keyring.destroy("member-1")
    assert not any(wrapped in file.read_bytes() for file in folder.glob("single.db*"))


async def test_another_process_reads_with_the_same_master_key(
    database: Database, database_url: str, keyring: Keyring
) -> None:
    await keyring.ensure("member-1")
    await insert(database, inbox, **webhook(body=keyring.seal("晓雯", subject="member-1"), headers=[1]))
    async with Database.open(database_url, Keyring(bytes(range(32)))) as other:
        row = await other.one(select(inbox.c.body, inbox.c.headers).where(inbox.c.dedupe_key == "EV-1"))
        assert row == ("晓雯", [1])


async def test_cached_keys_expire_so_that_an_erasure_elsewhere_is_noticed(
    database_url: str, clock: ManualClock
) -> None:
    seconds = 0.0
    reader = Keyring(bytes(32), cache_seconds=60, monotonic=lambda: seconds)
    async with (
        Database.open(database_url, reader, clock=clock) as one,
        Database.open(database_url, Keyring(bytes(32)), clock=clock) as two,
    ):
        await two.keyring.ensure("member-1")
        await insert(two, inbox, **webhook(body=two.keyring.seal("晓雯", subject="member-1")))
        assert await one.one(select(inbox.c.body)) == ("晓雯",)
        await two.keyring.destroy("member-1")
        seconds = 60.0
        assert await one.one(select(inbox.c.body)) == (ERASED,)


async def test_two_databases_in_one_process_do_not_mix_their_keys(
    tmp_path: Any, database: Database, keyring: Keyring
) -> None:
    other_keyring = Keyring(b"another master key of 32 bytes !")
    async with Database.open(f"sqlite:///{tmp_path}/other.db", other_keyring) as other:
        for each in (database, other):
            await insert(each, inbox, **webhook(entity="oOpenid", body="text"))
        for each in (database, other, database):
            assert await each.one(select(inbox.c.body).where(inbox.c.entity == "oOpenid")) == ("text",)
        assert keyring.unseal(await raw(database, "SELECT body FROM inbox")) == b"text"
        sealed_elsewhere = await raw(other, "SELECT body FROM inbox")
        with pytest.raises(DataKeyMissing):
            keyring.unseal(sealed_elsewhere)
        assert keyring.hash("oOpenid") != other_keyring.hash("oOpenid")


async def test_a_wrong_master_key_is_noticed_at_open(database_url: str) -> None:
    async with Database.open(database_url, Keyring(bytes(32))):
        pass
    with pytest.raises(MasterKeyWrong, match="set the master key"):
        async with Database.open(database_url, Keyring(bytes(31) + b"1")):
            pass


async def test_a_changed_cell_is_refused(sqlite_database: Database) -> None:
    keyring = sqlite_database.keyring
    sealed = keyring.seal("text")
    with pytest.raises(SealBroken, match="damaged or changed"):
        keyring.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(SealBroken, match="no format"):
        keyring.unseal(b"\x02" + sealed[1:])


async def test_sealing_for_an_unknown_subject_says_what_to_do(sqlite_database: Database) -> None:
    with pytest.raises(DataKeyMissing, match="ensure"):
        sqlite_database.keyring.seal("text", subject="nobody")


def test_master_keys_are_checked_and_never_shown() -> None:
    with pytest.raises(MasterKeyInvalid, match="16 bytes and needs 32"):
        Keyring(bytes(16))
    with pytest.raises(MasterKeyInvalid, match="not base64"):
        Keyring.from_base64("***")
    keyring = Keyring.from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert repr(keyring) == f"Keyring(master_id='{keyring.master_id}')"
    assert repr(Sealed(b"1234")) == "Sealed(4 bytes)"


async def test_priming_loads_many_keys_in_one_statement(database: Database, keyring: Keyring) -> None:
    subjects = [f"member-{number}" for number in range(50)]
    await keyring.ensure(*subjects)
    for subject in subjects:
        sealed = keyring.seal(subject, subject=subject)
        await insert(database, inbox, **webhook(id=f"{subject:0>26}", dedupe_key=subject, body=sealed))
    keyring._cache._entries.clear()
    keyring._cache._subjects.clear()
    before = database.statements
    keyring.prime(subjects)
    rows = await database.fetch(select(inbox.c.body))
    assert {row[0] for row in rows} == set(subjects)
    assert database.statements - before == 2
