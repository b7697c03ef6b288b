"""Another master key, another shared data key: while others read and write, and after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, func, select, type_coerce

from gateway.database import ERASED, Database, Keyring, rotation
from gateway.database.errors import MasterKeyWrong, SubjectErased
from gateway.database.keystore import destroy_keys
from gateway.database.tables.keys import data_key
from gateway.database.tables.projections import lead
from tests.databases import MASTER, ManualClock

NEW = bytes(reversed(range(32)))
THIRD = b"3" * 32
SUBJECTS = [f"member-{number:03}" for number in range(2 * rotation.BATCH + 40)]


@asynccontextmanager
async def opened(url: str, clock: ManualClock, master: bytes, *accepted: bytes) -> AsyncIterator[Database]:
    async with Database.open(url, Keyring(master, accepted=accepted), clock=clock) as database:
        yield database


async def stored(database: Database) -> dict[bytes, tuple[bytes | None, str]]:
    rows = await database.fetch(select(data_key))
    return {bytes(row.id): (row.wrapped, row.master_id) for row in rows}


async def test_afterwards_the_old_master_key_opens_nothing(database_url: str, clock: ManualClock) -> None:
    async with opened(database_url, clock, MASTER) as database:
        await database.keyring.ensure(*SUBJECTS)
        cells = {subject: database.keyring.seal(subject, subject=subject) for subject in SUBJECTS}
        phone_hash = database.keyring.hash("13800138000", "phone")
        before = await stored(database)

    seen: list[tuple[int, int]] = []
    async with opened(database_url, clock, NEW, MASTER) as database:
        assert database.keyring.hash("13800138000", "phone") == phone_hash
        assert await rotation.rotate(database, lambda done, total: seen.append((done, total))) == len(before)
        assert await rotation.rotate(database) == 0
        after = await stored(database)
        status = await rotation.status(database)

    # The hash key and the shared key are among them.
    assert len(before) == len(SUBJECTS) + 2
    assert seen[-1] == (len(before), len(before))
    assert [(use.keys, use.role) for use in status.masters] == [(len(before), "CURRENT")]
    assert {wrapped for wrapped, _ in before.values()}.isdisjoint({wrapped for wrapped, _ in after.values()})
    with pytest.raises(MasterKeyWrong):
        async with opened(database_url, clock, MASTER):
            pass
    async with opened(database_url, clock, NEW) as database:
        assert {s: database.keyring.unseal(cell) for s, cell in cells.items()} == {s: s.encode() for s in SUBJECTS}
        assert database.keyring.hash("13800138000", "phone") == phone_hash
    if database_url.startswith("sqlite"):
        path = Path(database_url.removeprefix("sqlite:///"))
        data = b"".join(each.read_bytes() for each in path.parent.glob(path.name + "*"))
        assert not [1 for wrapped, _ in before.values() if wrapped and wrapped in data]


async def test_a_killed_run_is_started_again(database_url: str, clock: ManualClock) -> None:
    class Killed(Exception):
        pass

    def kill(done: int, total: int) -> None:
        raise Killed

    async with opened(database_url, clock, MASTER) as database:
        await database.keyring.ensure(*SUBJECTS)
        cell = database.keyring.seal("text", subject=SUBJECTS[0])
    async with opened(database_url, clock, NEW, MASTER) as database:
        with pytest.raises(Killed):
            await rotation.rotate(database, kill)
        half = await rotation.status(database)
    assert sorted((use.keys, use.role) for use in half.masters) == [
        (rotation.BATCH, "CURRENT"),
        (len(SUBJECTS) + 2 - rotation.BATCH, "ACCEPTED"),
    ]
    async with opened(database_url, clock, NEW, MASTER) as database:
        assert database.keyring.unseal(cell) == b"text"
        assert await rotation.rotate(database) == len(SUBJECTS) + 2 - rotation.BATCH


async def test_processes_serve_on_and_what_they_destroy_stays_destroyed(database_url: str, clock: ManualClock) -> None:
    """One process still wraps by the old key, one by the new; both accept both. Neither sees an error."""
    async with (
        opened(database_url, clock, MASTER, NEW) as old,
        opened(database_url, clock, NEW, MASTER) as new,
        opened(database_url, clock, NEW, MASTER) as operator,
    ):
        await old.keyring.ensure(*SUBJECTS)
        cells = {subject: old.keyring.seal(subject, subject=subject) for subject in SUBJECTS}
        made = 0

        async def serve(database: Database, name: str) -> None:
            nonlocal made
            for number, subject in enumerate(SUBJECTS[:60]):
                fresh = f"{name}-{number}"
                await database.keyring.ensure(fresh)
                made += 1
                assert database.keyring.unseal(database.keyring.seal(fresh, subject=fresh)) == fresh.encode()
                database.keyring.forget([subject])
                assert database.keyring.unseal(cells[subject]) == subject.encode()
                await asyncio.sleep(0)

        async def erase() -> None:
            for subject in SUBJECTS[-20:]:
                assert await new.keyring.destroy(subject)

        await asyncio.gather(serve(old, "old"), serve(new, "new"), erase(), rotation.rotate(operator))
        await rotation.rotate(operator)
        status = await rotation.status(operator)
    assert made == 120
    assert [(use.keys, use.role) for use in status.masters] == [(len(SUBJECTS) + 2 + made - 20, "CURRENT")]
    async with opened(database_url, clock, NEW) as database:
        assert {database.keyring.unseal(cells[subject]) for subject in SUBJECTS[-20:]} == {ERASED}


async def test_nothing_is_changed_when_a_master_key_is_missing(sqlite_database: Database, clock: ManualClock) -> None:
    url = f"sqlite:///{sqlite_database.url.path}"
    await sqlite_database.keyring.ensure("one", "two")
    before = await stored(sqlite_database)
    other = Database(sqlite_database.url, Keyring(NEW, accepted=[THIRD]), clock)
    try:
        with pytest.raises(MasterKeyWrong, match="master_keys_accepted"):
            await rotation.rotate(other)
    finally:
        await other.close()
    assert await stored(sqlite_database) == before, url


async def test_the_shared_key_is_renewed_and_the_old_one_retired(database: Database, clock: ManualClock) -> None:
    rows = [
        {"account_id": "a", "lead_id": str(n), "name": f"name-{n}", "phone": None, "created_at": clock.now()}
        for n in range(rotation.BATCH + 10)
    ]
    async with database.write() as connection:
        await connection.execute(lead.insert(), [row | {"as_of": clock.now()} for row in rows])
    raw = select(type_coerce(lead.c.name, LargeBinary).label("cell")).order_by(lead.c.lead_id)
    before = [bytes(row.cell) for row in await database.fetch(raw)]

    clock.advance(days=1)
    assert await rotation.renew_shared(database) == len(rows)
    after = [bytes(row.cell) for row in await database.fetch(raw)]
    assert {cell[1:17] for cell in before}.isdisjoint({cell[1:17] for cell in after})
    assert await rotation.renew_shared(database) == len(rows)
    names = {row.name for row in await database.fetch(select(lead.c.name))}
    assert names == {row["name"] for row in rows}

    with pytest.raises(rotation.KeysTooEarly):
        await rotation.retire(database)
    clock.advance(seconds=rotation.SETTLED.total_seconds())
    assert await rotation.retire(database) == 2
    left = await database.one(
        select(func.count().label("n")).where(data_key.c.subject.is_(None), data_key.c.wrapped.is_not(None))
    )
    assert left is not None
    assert left.n == 1
    assert {row.name for row in await database.fetch(select(lead.c.name))} == names
    database.keyring._cache._entries.clear()
    assert database.keyring.unseal(before[0]) is ERASED


class Turns:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def key_of(cell: bytes) -> bytes:
    return bytes(cell[1:17])


async def test_a_process_that_serves_takes_to_the_new_shared_key_within_a_minute(
    database_url: str, clock: ManualClock
) -> None:
    turns = Turns()
    async with (
        Database.open(database_url, Keyring(MASTER, monotonic=turns), clock=clock) as serving,
        opened(database_url, clock, MASTER) as operator,
    ):
        first = key_of(serving.keyring.seal("text"))
        clock.advance(days=1)
        await rotation.renew_shared(operator)
        new = key_of(operator.keyring.seal("text"))
        assert key_of(serving.keyring.seal("text")) == first
        turns.seconds = 59.0
        assert key_of(serving.keyring.seal("text")) == first
        turns.seconds = 61.0
        cell = serving.keyring.seal("text")
        assert key_of(cell) == new != first
        assert operator.keyring.unseal(cell) == b"text"


async def test_a_new_shared_key_is_made_when_it_is_due_and_not_before(database: Database, clock: ManualClock) -> None:
    first = key_of(database.keyring.seal("text"))
    clock.advance(days=29)
    assert await rotation.keep_shared_young(database) is False
    clock.advance(days=2)
    assert await rotation.keep_shared_young(database) is True
    assert await rotation.keep_shared_young(database) is False
    assert key_of(database.keyring.seal("text")) != first


async def cells_of(database: Database) -> dict[str, bytes]:
    raw = select(lead.c.lead_id, type_coerce(lead.c.name, LargeBinary).label("cell"))
    return {row.lead_id: bytes(row.cell) for row in await database.fetch(raw)}


async def test_one_member_gets_a_new_key_while_clients_read_and_write(database_url: str, clock: ManualClock) -> None:
    """A process that has not looked yet goes on sealing by the former key; nothing becomes unreadable."""
    async with (
        opened(database_url, clock, MASTER) as serving,
        Database.open(database_url, Keyring(MASTER, monotonic=Turns()), clock=clock) as idle,
        opened(database_url, clock, MASTER) as operator,
    ):
        await serving.keyring.ensure("m1", "m2")

        async def write(number: int, subject: str, by: Database = serving) -> None:
            name = f"{subject}-{number:04d}"
            row = {"account_id": "a", "lead_id": name, "name": by.keyring.seal(name, subject=subject)}
            row |= {"created_at": clock.now(), "as_of": clock.now()}
            async with by.write() as connection:
                await connection.execute(lead.insert().values(row))

        for number in range(rotation.BATCH + 30):
            await write(number, "m1")
        await write(0, "m2")
        await write(9998, "m1", idle)
        before = await cells_of(operator)
        done = asyncio.Event()

        async def serve() -> int:
            number = 1000
            while not done.is_set() or number < 1010:
                await write(number, "m1")
                for row in await serving.fetch(select(lead.c.lead_id, lead.c.name)):
                    assert row.name == row.lead_id
                number += 1
            return number - 1000

        async def renew() -> int:
            try:
                return await rotation.renew_subject(operator, ["m1", "unknown"])
            finally:
                done.set()

        written, cells = await asyncio.gather(serve(), renew())
        assert written >= 10
        await write(9999, "m1", idle)
        after = await cells_of(operator)
        new = key_of(operator.keyring.seal("x", subject="m1"))
        assert cells >= rotation.BATCH + 30
        assert all(key_of(after[name]) == new for name in before if name.startswith("m1"))
        assert after["m2-0000"] == before["m2-0000"]
        # What one that has read no new cell wrote afterwards is under the former key, and found when that is retired.
        assert key_of(after["m1-9999"]) == key_of(before["m1-0000"])

        with pytest.raises(rotation.KeysTooEarly):
            await rotation.retire(operator)
        clock.advance(seconds=rotation.SETTLED.total_seconds())
        assert await rotation.retire(operator) == 1
        assert {key_of(cell) for name, cell in (await cells_of(operator)).items() if name.startswith("m1")} == {new}
        assert await rotation.retirable_from(operator) is None
    async with opened(database_url, clock, MASTER) as fresh:
        for row in await fresh.fetch(select(lead.c.lead_id, lead.c.name)):
            assert row.name == row.lead_id
        assert fresh.keyring.unseal(before["m1-0000"]) is ERASED


@pytest.mark.parametrize("together", [False, True])
async def test_an_erasure_destroys_former_keys_too(database: Database, clock: ManualClock, together: bool) -> None:
    await database.keyring.ensure("m1", "m10")
    cell, others = (database.keyring.seal("text", subject=each) for each in ("m1", "m10"))
    await rotation.renew_subject(database, ["m1"])
    await rotation.renew_subject(database, ["m1"])
    assert database.keyring.unseal(cell) == b"text"
    if together:
        async with database.write() as connection:
            assert await destroy_keys(connection, ["m1"], clock.now()) == 3
    else:
        assert await database.keyring.destroy("m1")
    database.keyring._cache._entries.clear()
    assert database.keyring.unseal(cell) is ERASED
    assert database.keyring.unseal(others) == b"text"
    # Erased is erased: no new key brings the person back.
    assert await rotation.renew_subject(database, ["m1"]) == 0
    with pytest.raises(SubjectErased):
        database.keyring.seal("text", subject="m1")
