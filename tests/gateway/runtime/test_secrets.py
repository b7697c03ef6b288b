"""Rotating credentials: sealed at rest, one holder of the lock, the new pair durable before it is used."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from gateway.database import Database
from gateway.runtime.secrets import SqlSecretStore
from sandbox.clock import SandboxClock

KEY = ("social_ads", "20458", "oauth")


async def test_nothing_is_stored_at_first(database: Database) -> None:
    assert await SqlSecretStore(database, SandboxClock()).get(*KEY) is None


async def test_a_pair_is_there_for_the_next_holder(database: Database) -> None:
    store = SqlSecretStore(database, SandboxClock())
    async with store.rotate(*KEY) as rotation:
        assert rotation.value is None
        await rotation.put({"access": "a1", "refresh": "r1"})
        # Durable while the lock is still held: a crash from here on loses nothing.
        assert await store.get(*KEY) == {"access": "a1", "refresh": "r1"}
    async with store.rotate(*KEY) as rotation:
        assert rotation.value == {"access": "a1", "refresh": "r1"}
        await rotation.put({"access": "a2", "refresh": "r2"})
        assert rotation.value == {"access": "a2", "refresh": "r2"}
    assert await SqlSecretStore(database, SandboxClock()).get(*KEY) == {"access": "a2", "refresh": "r2"}


async def test_a_put_survives_what_fails_after_it(database: Database) -> None:
    store = SqlSecretStore(database, SandboxClock())

    async def interrupted() -> None:
        async with store.rotate(*KEY) as rotation:
            await rotation.put({"access": "a1", "refresh": "r1"})
            raise RuntimeError("after the put")

    with pytest.raises(RuntimeError, match="after the put"):
        await interrupted()
    assert await store.get(*KEY) == {"access": "a1", "refresh": "r1"}


async def test_two_stores_take_turns(database: Database) -> None:
    """Two processes, as far as the lock is concerned: on PostgreSQL each has its own store object."""
    clock = SandboxClock()
    first = SqlSecretStore(database, clock)
    second = first if database.is_sqlite else SqlSecretStore(database, clock)
    inside, most = 0, 0

    async def rotate(store: SqlSecretStore) -> None:
        nonlocal inside, most
        async with store.rotate(*KEY) as rotation:
            inside += 1
            most = max(most, inside)
            number = int((rotation.value or {"n": "0"})["n"])
            await asyncio.sleep(0.01)
            await rotation.put({"n": str(number + 1)})
            inside -= 1

    await asyncio.gather(*(rotate(store) for store in (first, second) for _ in range(4)))
    assert most == 1
    assert await first.get(*KEY) == {"n": "8"}


async def test_the_value_is_sealed_at_rest(database: Database) -> None:
    store = SqlSecretStore(database, SandboxClock())
    async with store.rotate(*KEY) as rotation:
        await rotation.put({"refresh": "verysecretrefreshtoken"})
    row = await database.one(text("SELECT value FROM secret"))
    assert row is not None
    assert b"verysecretrefreshtoken" not in bytes(row[0])
