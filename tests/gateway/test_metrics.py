"""The metrics page: who may read it, both formats, counters that move, and what is left when the database is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from adapters.base.errors import QuotaExhausted
from adapters.official_account import OfficialAccountAdapter
from gateway.database.errors import DatabaseUnreachable
from sandbox.http1 import Answer, request
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import KEYS, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Samples:
    """What a page says."""

    values: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        """The value of one sample. Raises KeyError where there is none."""
        return self.values[(name, frozenset(labels.items()))]


def ask(served: Served, headers: Mapping[str, str]) -> asyncio.Task[Answer]:
    return asyncio.create_task(request("GET", served.url.removesuffix("/graphql") + "/metrics", headers))


async def read(served: Served) -> Samples:
    answer = await ask(served, {"Authorization": f"Bearer {KEYS['hq'].key.reveal()}"})
    assert answer.status == 200, answer.body
    families = plain(answer.body.decode())
    return Samples({(s.name, frozenset(s.labels.items())): s.value for each in families for s in each.samples})


async def test_it_is_for_keys_with_the_scope_operations(served: Served) -> None:
    assert [
        (await ask(served, headers)).status
        for headers in (
            {},
            {"Authorization": "Bearer nobody's"},
            {"Authorization": f"Bearer {KEYS['partner'].key.reveal()}"},
            {"X-API-Key": KEYS["frontend"].key.reveal()},
            {"Authorization": f"Bearer {KEYS['hq'].key.reveal()}"},
            {"X-API-Key": KEYS["hq"].key.reveal()},
        )
    ] == [401, 401, 403, 403, 200, 200]


async def test_both_formats_say_the_same(served: Served) -> None:
    key = {"X-API-Key": KEYS["hq"].key.reveal()}
    old, new = await ask(served, key), await ask(served, key | {"Accept": OPENMETRICS})
    assert old.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert new.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert new.body.endswith(b"# EOF\n")
    ours = [{each.name for each in parse(a.body.decode()) if each.name.startswith("gateway_")}
            for parse, a in ((plain, old), (openmetrics, new))]  # fmt: skip
    assert (
        ours[0] >= ours[1] > {"gateway_graphql_seconds", "gateway_quota_left", "gateway_jobs", "gateway_sync_failing"}
    )


async def test_operations_and_the_codes_of_their_errors(served: Served) -> None:
    before = await read(served)
    client = served.client()
    await client.ask("{ stores(first: 1) { nodes { id } } }")
    await client.ask("{ nothing }")
    await client.ask('{ orders(first: 1, after: "x") { nodes { id } } }')
    await client.ask('mutation { webhookDelete(endpoint: "we_none") { endpoint } }')
    after = await read(served)

    def more(name: str, **labels: str) -> float:
        return after(name, **labels) - before.values.get((name, frozenset(labels.items())), 0.0)

    assert more("gateway_graphql_seconds_count", answered="query") == 2
    assert more("gateway_graphql_seconds_count", answered="refused") == 2
    assert more("gateway_graphql_seconds_count", answered="mutation") == 0
    assert more("gateway_graphql_errors_total", code="GRAPHQL_INVALID") == 2
    assert more("gateway_graphql_errors_total", code="CURSOR_INVALID") == 1
    assert more("gateway_plans_total", event="read") == 4


async def test_calls_of_platforms_and_what_is_left_of_their_allowance(open_served: OpenServed) -> None:
    served = await open_served()
    appid = served.world.official_accounts[0].appid
    before = await read(served)
    adapter = served.gateway.services.tools.get(OfficialAccountAdapter, appid)
    await adapter.tags()
    after = await read(served)
    tags = {"account": appid, "tool": "official_account", "endpoint": "tags_get", "window": "DAY"}
    assert before("gateway_quota_left", **tags) - after("gateway_quota_left", **tags) == 1
    assert after("gateway_quota_limit", **tags) == 1000
    assert after("gateway_quota_spent", **tags) == 0
    assert after("gateway_upstream_calls_total", tool="official_account", endpoint="tags_get", outcome="ok") == 1
    assert after("gateway_upstream_seconds_count", tool="official_account") >= 1
    quotas = served.gateway.services.tools.quotas
    until = served.gateway.clock.now() + timedelta(hours=1)
    await quotas.exhausted("official_account", appid, "tags_get", until)
    with pytest.raises(QuotaExhausted):
        await adapter.tags()
    spent = await read(served)
    assert spent("gateway_quota_spent", **tags) == 1
    assert spent("gateway_quota_left", **tags) == 0
    refused = {"tool": "official_account", "account": appid, "endpoint": "tags_get", "reason": "quota_spent"}
    assert spent("gateway_quota_refusals_total", **refused) == 1


async def test_jobs_that_are_late_and_jobs_that_were_given_up(open_served: OpenServed) -> None:
    served = await open_served()
    queue = served.gateway.services.queue
    async with served.gateway.services.database.write() as connection:
        await queue.put(connection, "nobody.knows", 1, {})
    served.gateway.clock.advance(timedelta(minutes=2))
    samples = await read(served)
    assert samples("gateway_jobs", kind="nobody.knows", state="QUEUED") == 1
    assert 120 <= samples("gateway_jobs_late_seconds", kind="nobody.knows") < 180
    await served.gateway.worker.drain()
    samples = await read(served)
    assert samples("gateway_jobs", kind="nobody.knows", state="PARKED") == 1
    assert ("gateway_jobs", frozenset({("kind", "nobody.knows"), ("state", "QUEUED")})) not in samples.values


async def test_refused_webhooks(served: Served) -> None:
    account = next(iter(served.gateway.services.settings.tools["payments"]["accounts"]))
    url = served.url.removesuffix("/graphql") + f"/hooks/payments/{account}"
    before = (await read(served)).values
    assert (await request("POST", url, {}, b"{}")).status >= 400
    after = (await read(served)).values
    grown = {key for key, value in after.items() if value > before.get(key, 0.0) and "webhooks_refused" in key[0]}
    assert [dict(labels)["tool"] for _, labels in grown] == ["payments"]


async def test_without_the_database_the_process_still_speaks(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await open_served()

    async def away(*_: object, **__: object) -> None:
        raise DatabaseUnreachable("gone")

    monkeypatch.setattr(served.gateway.services.database, "fetch", away)
    samples = await read(served)
    assert samples("gateway_database_up") == 0
    assert samples("gateway_graphql_seconds_count", answered="query") == 0
    assert not [name for name, _ in samples.values if name.startswith("gateway_quota_left")]
