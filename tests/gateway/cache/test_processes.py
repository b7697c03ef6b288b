"""Real gateway processes on PostgreSQL and Redis: they share purges, tokens and allowances."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from adapters.registry import TOOLS
from gateway.app import open_gateway
from gateway.demo.stage import Keys, sandbox_settings
from gateway.ports import listen
from gateway.settings import load
from sandbox.http1 import request
from sandbox.server import Sandbox, running
from tests.conftest import EVENING
from tests.databases import MASTER, own_schema
from tests.gateway.cache.redis_server import RedisServer

pytestmark = pytest.mark.postgresql

KEYS = Keys("hq-of-two-processes", "frontend-of-two-processes")
ROOT = Path(__file__).parents[3]
CONTACTS = """query ($u: String!) { member(by: {unionid: $u}) { chat { contacts { nodes { guide { name } } } } } }"""


@pytest.fixture
def url(postgresql_server: str, postgresql_ddl: str) -> Iterator[str]:
    with own_schema(postgresql_server) as found:
        with psycopg.connect(found) as connection:
            connection.execute(postgresql_ddl)  # type: ignore[arg-type]
        yield found


def settings_file(
    folder: Path, sandbox: Sandbox, url: str, port: int, *, redis: str = "", limits: Any = None, only: str = ""
) -> Path:
    """The settings of one process, as its operator writes them."""
    described = sandbox.describe()
    found = sandbox_settings(
        described,
        database=url,
        host="127.0.0.1",
        port=port,
        keys=KEYS,
        master_key=base64.b64encode(MASTER).decode(),
    )
    tools: dict[str, Any] = {n: {"accounts": p["accounts"]} for n, p in described["platforms"].items()}
    if only:
        tools = {only: tools[only]}
    if limits is not None:
        for account in tools["enterprise_chat"]["accounts"].values():
            account["limits"] = limits
    values = {
        "environment": "sandbox",
        "database_url": url,
        "redis_url": redis,
        "master_key": base64.b64encode(MASTER).decode(),
        "port": port,
        "open_platform": found.open_platform,
        "clock_offset_seconds": found.clock_offset_seconds,
        "checkout": {"notify_base": f"http://127.0.0.1:{port}"},
        "levels": described["levels"],
        "api_keys": [{"id": "hq", "key": KEYS.hq, "audience": "hq", "scopes": ["pii:read"]}],
        "tools": tools,
    }
    path = folder / f"gateway-{port}.toml"
    path.write_text("\n".join(f"{name} = {_toml(value)}" for name, value in values.items()))
    return path


def _toml(value: Any) -> str:
    """Inline TOML, whose texts are JSON's."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items() if v is not None)
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    command = [sys.executable, *arguments]
    started = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield started
    finally:
        started.terminate()
        await asyncio.to_thread(started.wait)


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    listeners = [listen("127.0.0.1", 0) for _ in range(count)]
    ports = [each.getsockname()[1] for each in listeners]
    for each in listeners:
        each.close()
    yield ports


async def serves(started: subprocess.Popen[bytes], port: int) -> None:
    async with asyncio.timeout(90):
        while True:
            assert started.poll() is None, "the gateway did not start"
            try:
                await request("POST", f"http://127.0.0.1:{port}/graphql", {}, b"{}")
                return
            except OSError:
                await asyncio.sleep(0.05)


async def ask(port: int, document: str, **variables: Any) -> tuple[Any, list[str]]:
    """Data, and the sources of its values."""
    headers = {"Content-Type": "application/json", "X-API-Key": KEYS.hq, "X-Freshness": "1"}
    body = orjson.dumps({"query": document, "variables": variables})
    answer = orjson.loads((await request("POST", f"http://127.0.0.1:{port}/graphql", headers, body, seconds=60)).body)
    assert "errors" not in answer, answer
    return answer["data"], [each["source"] for each in answer["extensions"]["freshness"]]


@pytest.mark.long
async def test_a_purge_at_one_is_seen_by_the_other_and_tokens_are_fetched_once(
    tmp_path: Path, url: str, redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        names = [spec.name for spec in TOOLS]
        sandbox = await stack.enter_async_context(running(names, now=EVENING, size=50))
        with free_ports(2) as ports:
            paths = [settings_file(tmp_path, sandbox, url, port, redis=redis_server.url) for port in ports]
            # Without Redis: what it fetches is its own.
            alone = settings_file(tmp_path, sandbox, url, ports[0] + 1, only="enterprise_chat")
            async with open_gateway(load(alone)) as first:
                await first.first_sync()
            person = sandbox.world.people[sandbox.world.cast["protagonist"]]
            journal = sandbox.kit.journal
            fetched = {name: journal.count(name, ep) for name, ep in TOKENS}
            corp = next(iter(sandbox.describe()["platforms"]["enterprise_chat"]["accounts"].values()))["corpid"]
            # Events reach the first process only.
            sandbox.kit.pusher.targets[("enterprise_chat", corp)] = (
                f"http://127.0.0.1:{ports[0]}/hooks/enterprise_chat/main"
            )
            started = [
                await stack.enter_async_context(process("-m", "gateway", "serve", "--settings", str(path)))
                for path in paths
            ]
            await asyncio.gather(*(serves(each, port) for each, port in zip(started, ports, strict=True)))

        both = await asyncio.gather(*(ask(port, CONTACTS, u=person.unionid) for port in ports))
        assert both[0][0] == both[1][0]
        before = both[0][0]["member"]["chat"]["contacts"]["nodes"]
        # Whoever came second found the first one's answer, at whichever process that was.
        assert sorted(source for _, sources in both for source in sources) == ["CACHE", "LIVE"]
        assert {name: journal.count(name, ep) - fetched[name] for name, ep in TOKENS} == {"enterprise_chat": 1}

        do = sandbox.platforms["enterprise_chat"].actions()["delete_contact"]
        await do({"person": sandbox.world.cast["protagonist"], "userid": "chenyutong", "by": "GUIDE"})
        await sandbox.kit.pusher.settle()
        async with asyncio.timeout(60):
            while True:
                data, sources = await ask(ports[1], CONTACTS, u=person.unionid)
                after = data["member"]["chat"]["contacts"]["nodes"]
                if sources == ["LIVE"]:
                    break
                # The row of the contact may have gone before the word to purge has come.
                assert len(after) in {len(before), len(before) - 1}
                await asyncio.sleep(0.05)
        assert len(after) == len(before) - 1
        data, sources = await ask(ports[0], CONTACTS, u=person.unionid)
        assert sources == ["CACHE"]
        assert data["member"]["chat"]["contacts"]["nodes"] == after


#: Each platform's token endpoint, as its journal names it.
TOKENS = (("enterprise_chat", "GET /cgi-bin/gettoken"),)


@pytest.mark.long
async def test_two_processes_never_exceed_an_allowance_together(tmp_path: Path, url: str) -> None:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running(["enterprise_chat"], now=EVENING, size=50))
        path = settings_file(tmp_path, sandbox, url, 0, limits={"*": {"day": 60}})
        outcomes = [tmp_path / "one", tmp_path / "two"]
        started = [
            await stack.enter_async_context(process("-m", "tests.gateway.cache.caller", str(path), str(each)))
            for each in outcomes
        ]
        async with asyncio.timeout(90):
            while not all(each.with_suffix(".ready").exists() for each in outcomes):
                assert [each.poll() for each in started] == [None, None]
                await asyncio.sleep(0.02)
            (tmp_path / "go").touch()
            while not all(each.exists() and each.read_text() for each in outcomes):  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.02)
        told = [json.loads(each.read_text()) for each in outcomes]
        received = sandbox.kit.journal.count("enterprise_chat", "GET /cgi-bin/externalcontact/get_follow_user_list")
        assert received == sum(each["made"] for each in told) == 60
        assert all(each["made"] > 0 for each in told)
        resets = "2026-11-11 16:00:00+00:00"
        assert {each["refused"] for each in told} == {f"QUOTA_EXHAUSTED quota_kept {resets}"}
