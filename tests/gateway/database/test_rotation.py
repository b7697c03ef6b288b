"""Another master key, another shared data key: while others read and write, and after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, func, select, type_coerce

from gateway.database import ERASED, Database, Keyring, rotation
from gateway.database.errors import MasterKeyWrong
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

    assert await rotation.retire_shared(database) == 2
    left = await database.one(
        select(func.count().label("n")).where(data_key.c.subject.is_(None), data_key.c.wrapped.is_not(None))
    )
    assert left is not None
    assert left.n == 1
    assert {row.name for row in await database.fetch(select(lead.c.name))} == names
    database.keyring._cache._entries.clear()
    assert database.keyring.unseal(before[0]) is ERASED
