"""A desk over a database of one's own."""

from __future__ import annotations

import pytest

from gateway.database import Database
from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.databases import ManualClock
from tests.gateway.atomic.desk import Desk, Platform


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def desk(sqlite_database: Database, clock: ManualClock, platform: Platform) -> Desk:
    return Desk(sqlite_database, clock, platform)


@pytest.fixture
def any_desk(database: Database, clock: ManualClock, platform: Platform) -> Desk:
    """The same on SQLite and on PostgreSQL in turn."""
    return Desk(database, clock, platform)
