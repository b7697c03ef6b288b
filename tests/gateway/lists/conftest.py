"""Resolvers on a database of their own, without platforms: many members are written straight into the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

from gateway.access.principal import Principal
from gateway.context import Context, Services
from gateway.database import Database
from gateway.database.schema import metadata
from gateway.database.tables.members import identity, member
from gateway.resolvers.members import MemberRecord
from gateway.settings import Level, Settings
from tests.databases import *  # noqa: F403
from tests.databases import ManualClock

#: The instant that test data is counted from.
START = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
LEVELS = (Level(grade=1, name="银卡"), Level(grade=2, name="金卡", growth=1000))

Ask = Callable[..., Context]


@pytest.fixture
def ask(database: Database, clock: ManualClock) -> Ask:
    """``ask()``: the context of a new request of headquarters; ``ask(scopes)`` one with other scopes."""

    def new(*scopes: str) -> Context:
        services = SimpleNamespace(
            database=database, clock=clock, settings=Settings(levels=LEVELS, database_url=str(database.url))
        )
        principal = Principal("hq", "hq", frozenset(scopes or ("members:read",)))
        return Context(cast(Services, services), principal, f"request-{id(services)}")

    return new


def at(minutes: float) -> datetime:
    """``minutes`` after START."""
    return START + timedelta(minutes=minutes)


def member_id(number: int) -> str:
    """Ids of test members sort as their numbers do."""
    return f"{number:08d}-0000-7000-8000-000000000000"


def identity_id(number: int) -> str:
    return f"{number:026d}"


def record(who: str) -> MemberRecord:
    """A member as the resolvers hand them on."""
    return MemberRecord(who, None, START, None, None, None, live=False)


async def add_members(database: Database, rows: Sequence[dict[str, Any]]) -> None:
    """Members with what is given of their columns; all rows have the same."""
    async with database.write() as connection:
        await connection.execute(member.insert(), [{"created_at": START, "updated_at": START, **row} for row in rows])


async def add_identities(database: Database, owners: Sequence[tuple[int, str]]) -> None:
    """(number, member) of identities."""
    async with database.write() as connection:
        await connection.execute(
            identity.insert(),
            [
                {
                    "id": identity_id(number),
                    "kind": "OPENID",
                    "issuer": "wxapp1",
                    "value": "sealed elsewhere",
                    "value_hash": number.to_bytes(32, "big"),
                    "member": owner,
                    "home": owner,
                    "strength": "STRONG",
                    "source": "test.source",
                    "linked_at": START,
                }
                for number, owner in owners
            ],
        )


@contextmanager
def sent(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements with their values that the database runs inside the block, keys aside."""
    found: list[tuple[str, Any]] = []

    def note(statement: str, parameters: Any) -> None:
        if "EXPLAIN" not in statement and "data_key" not in statement:
            found.append((statement, parameters))

    database.watchers.append(note)
    try:
        yield found
    finally:
        database.watchers.remove(note)


async def plan(database: Database, statement: str, parameters: Any) -> str:
    """How the database runs a statement that it was sent, one step per line."""
    backend: Any = database._backend
    if database.is_sqlite:
        rows = backend._held.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters)).all()
        return "\n".join(row[3] for row in rows)
    async with database.write() as connection:
        rows = (await connection.exec_driver_sql(f"EXPLAIN {statement}", tuple(parameters))).all()
    return "\n".join(row[0] for row in rows)


async def analyzed(database: Database) -> None:
    """PostgreSQL plans by statistics, which autovacuum would collect by itself some time later."""
    if not database.is_sqlite:
        tables = ", ".join(f'"{name}"' for name in metadata.tables)
        async with database.write() as connection:
            await connection.execute(text(f"ANALYZE {tables}"))
