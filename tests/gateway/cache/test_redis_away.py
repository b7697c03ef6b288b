"""Redis dies: reads go on, tokens are there, the health page says so; it comes back, and so does the cache."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import orjson
import pytest

from adapters.base.runtime import Token
from gateway.runtime.redis import PAUSE_SECONDS, RedisLink
from gateway.runtime.redis_tokens import RedisTokenStore
from gateway.settings import Cache, Settings
from sandbox.http1 import request
from tests.databases import ManualClock
from tests.gateway.cache.platform import MemoryKeys, keyring_for
from tests.gateway.cache.redis_server import RedisServer
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

COUPONS = """query ($u: String!) { member(by: {unionid: $u}) { coupons { nodes { code } } files { nodes { key } }
  chat { contacts { nodes { addedAt } } } } }"""


def with_redis(server: RedisServer) -> Any:
    def change(settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, cache=Cache(), redis_url=server.url)

    return change


async def sources(served: Served) -> set[str]:
    who = served.person("protagonist").unionid
    answer = await served.client().post({"query": COUPONS, "variables": {"u": who}}, X_Freshness="1")
    body = orjson.loads(answer.body)
    assert answer.status == 200
    assert "errors" not in body, body
    assert len(body["data"]["member"]["coupons"]["nodes"]) == 3
    return {each["source"] for each in body["extensions"]["freshness"]}


async def redis_state(served: Served) -> str:
    answer = await request("GET", f"{served.url}/health")
    assert answer.status == 200
    return str(orjson.loads(answer.body)["redis"])


@pytest.mark.asyncio(loop_scope="session")
async def test_reads_go_on_without_redis(open_served: OpenServed, mortal_redis: RedisServer) -> None:
    served = await open_served(with_redis(mortal_redis))
    assert await sources(served) == {"LIVE"}
    assert await sources(served) == {"CACHE"}
    assert await redis_state(served) == "OK"
    mortal_redis.kill()
    for _ in range(3):
        assert await sources(served) == {"LIVE"}
    assert await redis_state(served) == "DOWN"
    mortal_redis.start()
    async with asyncio.timeout(30 * PAUSE_SECONDS):
        while await redis_state(served) != "OK":
            await sources(served)
    await sources(served)
    assert await sources(served) == {"CACHE"}


async def test_two_processes_share_tokens_and_each_keeps_its_own_without_redis(
    mortal_redis: RedisServer, clock: ManualClock
) -> None:
    keys, url = MemoryKeys(), mortal_redis.url
    one, other = await keyring_for("m1", keys=keys), await keyring_for("m1", keys=keys)
    async with RedisLink.open(url, one) as near, RedisLink.open(url, other) as far:
        first, second = RedisTokenStore(near, one, clock), RedisTokenStore(far, other, clock)
        ends = clock.now().replace(hour=23)
        async with first.lock("wechat/wx1"):
            await first.put("wechat/wx1", Token("secret-1", ends))
        found = await second.get("wechat/wx1")
        assert found is not None
        assert (found.value, found.expires_at) == ("secret-1", ends)
        assert await second.get("wechat/wx2") is None
        await second.put("wechat/wx2", Token("secret-2", ends))

        order: list[str] = []

        async def hold(store: RedisTokenStore, name: str) -> None:
            async with store.lock("wechat/wx1"):
                order.append(f"{name} in")
                await asyncio.sleep(0.05)
                order.append(f"{name} out")

        await asyncio.gather(hold(first, "a"), hold(second, "b"), hold(first, "c"))
        assert [order[n][0] == order[n + 1][0] for n in (0, 2, 4)] == [True, True, True]

        mortal_redis.kill()
        kept = await second.get("wechat/wx1")
        assert kept is not None
        assert kept.value == "secret-1"
        # The first process never saw the other one's token, and must fetch its own.
        assert await first.get("wechat/wx2") is None
        async with first.lock("wechat/wx2"):
            await first.put("wechat/wx2", Token("secret-3", ends))
        mine = await first.get("wechat/wx2")
        assert mine is not None
        assert mine.value == "secret-3"
