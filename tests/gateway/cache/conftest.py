"""Fixtures of the tests of freshness, the cache and the allowances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import *  # noqa: F403
from tests.gateway.cache.redis_server import RedisServer, running_redis


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One that nobody kills."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def mortal_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One that the test may kill."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
