"""Two gateways in processes of their own, on one PostgreSQL and one Redis."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import orjson
import pytest
from redis import Redis
from redis.exceptions import RedisError

from gateway.database import Database, Keyring
from gateway.ports import listen
from gateway.resolvers import ids
from sandbox.http1 import request
from tests.databases import MASTER
from tests.gateway.subscriptions.live import HQ, MASTER_KEY, SECONDS, Socket, new_person, socket_at

ROOT = Path(__file__).parents[3]
ACTIVITY = "subscription($after: ID) { memberActivity(after: $after) { eventId kind } }"
GIFT = """mutation($member: ID!, $key: String!) {
  pointsAdjust(input: {member: $member, points: 10, reason: "礼", idempotencyKey: $key}) { __typename }
}"""


def free_port() -> int:
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    listener.close()
    return port


def _answers(url: str) -> bool:
    client = Redis.from_url(url, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """TEST_REDIS_URL, the one on 127.0.0.1:6379, or one of our own where the program is installed."""
    known = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
    if _answers(known):
        yield known
        return
    program = shutil.which("redis-server")
    if program is None:
        reason = "no Redis answers at TEST_REDIS_URL or 127.0.0.1:6379, and redis-server is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    port = free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        while not _answers(f"redis://127.0.0.1:{port}/0"):
            assert server.poll() is None, "redis-server ended"
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


@asynccontextmanager
async def process(folder: Path, url: str, redis: str) -> AsyncIterator[int]:
    """A gateway that looks at the log by itself once in an hour only; yields its port."""
    port = free_port()
    folder.mkdir()  # noqa: ASYNC240 — nothing else runs in this loop yet
    lines = [
        'environment = "sandbox"',
        f"database_url = '{url}'",
        f'redis_url = "{redis}"',
        f'master_key = "{MASTER_KEY}"',
        "[subscriptions]",
        "poll_seconds = 3600.0",
        "[[api_keys]]",
        'id = "hq"',
        f'key = "{HQ}"',
        'audience = "hq"',
    ]
    (folder / "gateway.toml").write_text("\n".join(lines))
    command = [sys.executable, "-m", "gateway", "serve", "--settings", "gateway.toml", "--port", str(port)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("RETAIL_GATEWAY_")}
    with (folder / "log").open("wb") as log:
        served = subprocess.Popen(  # noqa: ASYNC220
            command, cwd=folder, env=env | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(120):
            while b"GraphQL on" not in (folder / "log").read_bytes():
                assert served.poll() is None, (folder / "log").read_text()
                await asyncio.sleep(0.05)
        yield port
    finally:
        served.terminate()
        assert served.wait(30) == 0, (folder / "log").read_text()


async def give(port: int, who: str, key: str) -> None:
    body = {"query": GIFT, "variables": {"member": ids.encode("mb", who), "key": key}}
    headers = {"Content-Type": "application/json", "X-API-Key": HQ}
    answer = await request("POST", f"http://127.0.0.1:{port}/graphql", headers, orjson.dumps(body), seconds=SECONDS)
    assert orjson.loads(answer.body) == {"data": {"pointsAdjust": {"__typename": "PointsAdjusted"}}}


async def told(socket: Socket) -> str:
    event = (await socket.next())["memberActivity"]
    assert event["kind"] == "points.changed"
    return str(event["eventId"])


@pytest.mark.long
@pytest.mark.postgresql
async def test_an_event_at_one_reaches_subscribers_of_both(postgresql_url: str, redis_url: str, tmp_path: Path) -> None:
    async with Database.open(postgresql_url, Keyring(MASTER)) as database:
        who, _ = await new_person(database)
    async with AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(process(tmp_path / name, postgresql_url, redis_url))
            for name in ("one", "two")
        ]
        sockets = [await stack.enter_async_context(socket_at(port)) for port in ports]
        for socket in sockets:
            await socket.subscribe(ACTIVITY)
            # One is served only when the log was read for it; a query behind it tells that this is over.
            await socket.subscribe("{ __typename }", id="after")
            assert (await socket.receive())["id"] == "after"
            assert (await socket.receive())["type"] == "complete"

        first, second = [], []
        for number in range(6):
            await give(ports[number % 2], who, f"birthday-{number}")
            first.append(await told(sockets[0]))
            second.append(await told(sockets[1]))

        assert first == second
        assert len(set(first)) == 6
        # Whoever loses one process goes on at the other one.
        async with socket_at(ports[1]) as moved:
            await moved.subscribe(ACTIVITY, after=first[2])
            assert [await told(moved) for _ in range(3)] == first[3:]
