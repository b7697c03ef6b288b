"""What the benchmarks compare is equal: nothing is timed here."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest
from starlette.applications import Starlette

from benchmarks.execution import documents
from benchmarks.execution.__main__ import compare, leaves
from benchmarks.execution.data import VARIABLES
from benchmarks.execution.node import node
from benchmarks.execution.python import contestants
from benchmarks.gateway import ours
from benchmarks.gateway.__main__ import compare as compare_servers
from benchmarks.gateway.__main__ import variables
from benchmarks.gateway.servers import left_out, replaying, running
from benchmarks.machine import last_core, node_missing
from benchmarks.peers import hand_written
from gateway.ports import listen
from gateway.serving import serving
from sandbox.http1 import Answer, request

DOCUMENT = Path("benchmarks/gateway/document.graphql").read_text()


async def test_every_python_contestant_gives_the_same_bytes_worth() -> None:
    sizes = await compare(contestants(), None)

    assert sizes["member"]["leaves"] == 662
    assert sizes["products"]["leaves"] == 3000


async def test_ours_runs_both_documents_compiled() -> None:
    from benchmarks.execution import schema
    from benchmarks.execution.python import TYPES
    from gateway.execution import Plan, PlanCache
    from gateway.schema import GatewaySchema

    plans = PlanCache(GatewaySchema(query=schema.Query, config=schema.CONFIG, types=TYPES))
    for text in documents.DOCUMENTS.values():
        plan = plans.plan(text, None)
        assert isinstance(plan, Plan)
        assert plan.path == "compiled"


@pytest.mark.skipif(node_missing() is not None, reason=str(node_missing()))
async def test_the_contestants_on_node_give_the_same() -> None:
    async with node(last_core()) as peers:
        sizes = await compare(contestants(), peers.answer)

    assert sizes["member"]["leaves"] == 662


async def _ask(app: Starlette) -> Answer:
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
    body = orjson.dumps({"query": DOCUMENT, "variables": variables()})
    async with serving(app, listener):
        return await request("POST", url, {"Content-Type": "application/json", "X-API-Key": ours.KEY}, body)


async def test_ours_and_the_endpoint_by_hand_make_the_same_calls_and_give_the_same() -> None:
    async with replaying(last_core()) as upstream:
        url = f"http://127.0.0.1:{upstream.port}"
        answers, calls = [], []
        for application in (ours.application, hand_written.application):
            answers.append(await _ask(application(url)))
            told = await request("GET", f"{url}/-/calls")
            calls.append(orjson.loads(told.body))

    assert [answer.status for answer in answers] == [200, 200]
    by_graph, by_hand = (orjson.loads(answer.body) for answer in answers)
    assert by_graph == by_hand
    assert leaves(by_graph["data"]) == 366
    assert (
        calls
        == [
            dict.fromkeys(
                (
                    "official_account",
                    "payments",
                    "mini_program_store",
                    "social_ads",
                    "cloud_storage",
                    "ip_content",
                    "enterprise_chat",
                ),
                1,
            )
        ]
        * 2
    )


@pytest.mark.long
@pytest.mark.skipif(bool(left_out()), reason=str(left_out()))
async def test_every_server_gives_the_same(tmp_path: Path) -> None:
    cores = os.sched_getaffinity(0)
    async with replaying(max(cores)) as upstream, running(min(cores), upstream, tmp_path) as servers:
        sizes = await compare_servers(servers, upstream)

    assert {server.name for server in servers} == {
        "ours",
        "hand_written",
        "strawberry_aiohttp",
        "mercurius",
        "hive_gateway",
    }
    assert sizes["upstream_calls"] == 7


def test_the_documents_have_the_variables_that_are_sent() -> None:
    assert set(VARIABLES) == set(documents.DOCUMENTS)
