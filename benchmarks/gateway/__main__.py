"""A whole member over HTTP with all seven tools behind it, against every peer that can be set up here.

``python -m benchmarks.gateway [--json] [--rounds N] [--seconds S]``

What is compared. The product's own whole-member query reads most fields from projections in SQL, which no peer has;
``python -m benchmarks.whole_member`` measures that one. Here a graph of seven fields, one upstream call each and one
per tool, is served by ours (the gateway's route, plans, loaders and HTTP seam), by plain Strawberry with aiohttp, by
mercurius with JIT, undici and dataloader, by Hive Gateway with JIT over Mesh REST sources, and by a hand-written
Starlette endpoint on our HTTP seam, without GraphQL. Names and values are the platforms' own, and the fields stand at
the root, because Mesh's sources pass answers on as they are: a conversion or a stitched type that one peer has and
another has not would be measured as speed. Ours checks an API key besides, and applies limits and a deadline.

The upstream answers were recorded from the sandboxes (``record.py``) and are replayed by a bare protocol
(``replay.py``) with 0 and with 20 ms of latency. All answers are compared before anything is timed.

How. One server process each, pinned to the first core; replay server and load on the last. All run at once and are
asked in turn, each round beginning with another; figures are medians over the rounds. Two loads: *full* (16 connections
without latency, 48 with) for requests per core-second, and *light* (2 connections) for the latency that a server adds.

``ratios``: ``core_second_vs_<peer>`` is ours ÷ the peer in requests per second of CPU of the server process, above 1
is ahead; ``cpu_vs_hand_written`` is ours ÷ the hand-written endpoint in CPU per request; both also with ``_20ms``.
``added_p50_ms`` is the median latency of ours under light load at 20 ms less that of one bare upstream call, which is
the slowest chain of upstream calls; ``added_p50_ms_<other>`` the same of the others. ``typename_vs_bare_route`` is
``{ __typename }`` through our route ÷ a bare Starlette route of the same process, in requests per second.
``upstream`` shows that the replay server is not what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks.gateway.load import Load, get, post, run_load
from benchmarks.gateway.ours import KEY
from benchmarks.gateway.record import FOLDER
from benchmarks.gateway.servers import PEER_NAMES, Server, left_out, replaying, running
from benchmarks.machine import describe, first_core, last_core

LATENCIES = (0, 20)
#: Connections of the full load, by latency in milliseconds.
FULL = {0: 16, 20: 48}
LIGHT = 2
#: Seconds of rest, then of load that is not counted, before each run.
REST = 0.4
BARE_CALL = get("/payments/")
DOCUMENT = (Path(__file__).parent / "document.graphql").read_text()

Runs = dict[str, list[float]]


def variables() -> dict[str, Any]:
    """The ids that the recorded answers are about."""

    def recorded(tool: str) -> Any:
        return orjson.loads((FOLDER / f"{tool}.json").read_bytes())

    openid = recorded("official_account")["user_info_list"][0]["openid"]
    return {
        "follower": {"user_list": [{"openid": openid}]},
        "order": {"order_id": recorded("mini_program_store")["order"]["order_id"]},
        "openid": openid,
        "appid": "wx2bf68ff1bd499b94",
        "account_id": "20458",
        "prefix": recorded("cloud_storage")["Prefix"],
        "external_userid": recorded("enterprise_chat")["external_contact"]["external_userid"],
    }


REQUEST = post("/graphql", orjson.dumps({"query": DOCUMENT, "variables": variables()}), {"x-api-key": KEY})
TYPENAME = post("/graphql", b'{"query":"{ __typename }"}', {"x-api-key": KEY})
BARE = post("/bare", b'{"query":"{ __typename }"}', {})


async def _tell(upstream: Server, path: str) -> dict[str, Any]:
    load = await run_load(upstream.port, get(path), connections=1, seconds=0)
    told: dict[str, Any] = orjson.loads(load.body)
    return told


async def compare(servers: list[Server], upstream: Server) -> dict[str, Any]:
    """Ask every server once. Raises RuntimeError for a different answer or other upstream calls."""
    expected: Any = None
    size = 0
    for server in servers:
        await _tell(upstream, "/-/calls")
        load = await run_load(server.port, REQUEST, connections=1, seconds=0)
        calls = await _tell(upstream, "/-/calls")
        answer = orjson.loads(load.body)
        if expected is None:
            expected, size = answer, len(load.body)
            if answer.get("errors") or None in answer["data"].values():
                raise RuntimeError(f"{server.name} answers {load.body[:500]!r}")
        if answer != expected:
            raise RuntimeError(f"{server.name} answers otherwise than {servers[0].name}: {load.body[:500]!r}")
        if len(calls) != len(answer["data"]) or set(calls.values()) != {1}:
            raise RuntimeError(f"{server.name} made other upstream calls: {calls}")
    return {"leaves": _leaves(expected["data"]), "bytes": size, "upstream_calls": len(expected["data"])}


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1


class Measured:
    """Every figure of every round, by name."""

    def __init__(self) -> None:
        self.runs: dict[str, Runs] = defaultdict(lambda: defaultdict(list))

    async def round(self, servers: list[Server], upstream: Server, latency: int, seconds: float) -> None:
        """Put both loads on every server, at one latency."""
        await _tell(upstream, f"/-/latency/{latency}")
        for server in servers:
            await self._full(server, upstream, latency, seconds)
            if latency:
                light = await run_load(server.port, REQUEST, connections=LIGHT, seconds=seconds / 2)
                self._note(server.name, light, {f"light_p50_ms_{latency}ms": light.quantile_ms(0.5)})
        if latency:
            chain = await run_load(upstream.port, BARE_CALL, connections=LIGHT, seconds=seconds / 2)
            self._note("upstream", chain, {f"call_p50_ms_{latency}ms": chain.quantile_ms(0.5)})

    async def _full(self, server: Server, upstream: Server, latency: int, seconds: float) -> None:
        # Whoever was asked before may still collect its garbage, and has the caches of the core.
        await asyncio.sleep(REST)
        await run_load(server.port, REQUEST, connections=FULL[latency], seconds=REST)
        await _tell(upstream, "/-/calls")
        cpu, upstream_cpu = server.cpu_seconds(), upstream.cpu_seconds()
        load = await run_load(server.port, REQUEST, connections=FULL[latency], seconds=seconds)
        cpu, upstream_cpu = server.cpu_seconds() - cpu, upstream.cpu_seconds() - upstream_cpu
        calls = sum((await _tell(upstream, "/-/calls")).values())
        figures = {
            "requests_per_second": load.requests / load.seconds,
            "requests_per_core_second": load.requests / cpu,
            "cpu_ms": cpu / load.requests * 1000,
            "p50_ms": load.quantile_ms(0.5),
            "p95_ms": load.quantile_ms(0.95),
            "upstream_calls": calls / load.requests,
            "upstream_cpu_share": upstream_cpu / load.seconds,
            "memory_mib": server.memory_mib(),
        }
        self._note(server.name, load, {f"{name}_{latency}ms": value for name, value in figures.items()})

    async def typename(self, ours: Server, seconds: float) -> None:
        """``{ __typename }`` and a bare route of the same process."""
        for name, request in (("typename", TYPENAME), ("bare_route", BARE)):
            cpu = ours.cpu_seconds()
            load = await run_load(ours.port, request, connections=16, seconds=seconds)
            cpu = ours.cpu_seconds() - cpu
            figures = {
                "requests_per_second": load.requests / load.seconds,
                "requests_per_core_second": load.requests / cpu,
            }
            self._note(name, load, figures)

    async def capacity(self, upstream: Server, seconds: float) -> None:
        """What the replay server can do by itself."""
        await _tell(upstream, "/-/latency/0")
        cpu = upstream.cpu_seconds()
        load = await run_load(upstream.port, BARE_CALL, connections=16, seconds=seconds)
        cpu = upstream.cpu_seconds() - cpu
        figures = {"calls_per_second": load.requests / load.seconds, "calls_per_core_second": load.requests / cpu}
        self._note("upstream", load, figures)

    def _note(self, name: str, load: Load, figures: dict[str, float]) -> None:
        if load.different:
            raise RuntimeError(f"{name}: {load.different} answers of {load.requests} were other than the first")
        for figure, value in figures.items():
            self.runs[name][figure].append(value)

    def medians(self) -> dict[str, dict[str, float]]:
        """Over the rounds."""
        return {name: {f: statistics.median(v) for f, v in runs.items()} for name, runs in self.runs.items()}


def _ratios(medians: dict[str, dict[str, float]]) -> dict[str, float]:
    ours, by_hand = medians["ours"], medians["hand_written"]
    found: dict[str, float] = {}
    for latency, suffix in ((0, ""), (20, "_20ms")):
        rate, cost = f"requests_per_core_second_{latency}ms", f"cpu_ms_{latency}ms"
        for peer in PEER_NAMES:
            if peer in medians:
                found[f"core_second_vs_{peer}{suffix}"] = ours[rate] / medians[peer][rate]
        found[f"cpu_vs_hand_written{suffix}"] = ours[cost] / by_hand[cost]
    chain = medians["upstream"]["call_p50_ms_20ms"]
    found["added_p50_ms"] = ours["light_p50_ms_20ms"] - chain
    for name in ("hand_written", *PEER_NAMES):
        if name in medians:
            found[f"added_p50_ms_{name}"] = medians[name]["light_p50_ms_20ms"] - chain
    for figure, name in (("requests_per_second", ""), ("requests_per_core_second", "_core_second")):
        found[f"typename_vs_bare_route{name}"] = medians["typename"][figure] / medians["bare_route"][figure]
    return found


async def run(rounds: int, seconds: float) -> dict[str, Any]:
    """Start, compare, warm up, measure, relate."""
    os.sched_setaffinity(0, {last_core()})
    measured = Measured()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            replaying(last_core()) as upstream,
            running(first_core(), upstream, Path(folder)) as servers,
        ):
            sizes = await compare(servers, upstream)
            for server in servers:
                # V8 and the caches need some hundreds of requests.
                await run_load(server.port, REQUEST, connections=8, seconds=max(2.0, seconds))
            for number in range(rounds):
                # Nobody always follows the same one.
                turn = number % len(servers)
                order = servers[turn:] + servers[:turn]
                for latency in LATENCIES:
                    await measured.round(order, upstream, latency, seconds)
                await measured.typename(servers[0], seconds / 2)
                await measured.capacity(upstream, seconds / 2)
    medians = measured.medians()
    missing = left_out()
    result: dict[str, Any] = {
        "machine": describe(
            "strawberry-graphql",
            "graphql-core",
            "starlette",
            "uvicorn",
            "httptools",
            *(() if "strawberry_aiohttp" in missing else ("aiohttp",)),
            node=("mercurius", "graphql-jit", "fastify", "undici", "@graphql-hive/gateway", "@omnigraph/json-schema"),
        ),
        "sizes": sizes,
        "rounds": rounds,
        "seconds": seconds,
        "figures": medians,
        "ratios": _ratios(medians),
    }
    return result | ({"left_out": missing} if missing else {})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="per server, latency and round")
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(asked.rounds, asked.seconds))
    print(orjson.dumps(result, option=0 if asked.json else orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
